//! Answers as Markdown.

use std::fmt::Write;

use super::topic::{Answer, Kind, Line, Topic};
use crate::step::{Piece, pieces};

/// The answers, one after the other.
pub fn markdown(answers: &[Answer]) -> String {
    let mut out = String::new();
    for answer in answers {
        if answer.topics.is_empty() {
            let near: Vec<String> = answer.near.iter().map(|name| format!("`{name}`")).collect();
            let near = if near.is_empty() { String::new() } else { format!(" Like it: {}.", near.join(", ")) };
            let _ = writeln!(out, "Nothing is known about {}.{near}\n", safe(&answer.asked));
        }
        for topic in &answer.topics {
            out.push_str(&page(topic, &|_| None));
        }
    }
    out
}

/// One topic as a page; `link` leads to the page of a cause.
pub fn page(topic: &Topic, link: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# {}\n", safe(&topic.title));
    let _ = writeln!(out, "- {}: `{}`", topic.kind.word(), topic.id.replace('`', "'"));
    for fact in &topic.facts {
        let _ = writeln!(out, "- {}: {}", fact.name, safe(&fact.value));
    }
    for section in &topic.sections {
        let _ = writeln!(out, "\n## {}\n", section.name);
        let prose = topic.kind == Kind::Cause && section.lines.len() == 1 && section.name == "What happens";
        for line in &section.lines {
            let lead = if prose { "" } else { "- " };
            let shown = if section.steps { step(&line.text) } else { words(line, link) };
            let _ = writeln!(out, "{lead}{shown}");
            for more in &line.more {
                let _ = writeln!(out, "  - {}", safe(more));
            }
        }
    }
    out.push('\n');
    out
}

/// A step with its commands as they are typed, like in reports.
fn step(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let mut out = String::new();
    for piece in pieces(&line) {
        match piece {
            Piece::Command(text) => out.push_str(&command(text)),
            Piece::Words(text) => {
                let begins = text.starts_with(' ') && !out.is_empty();
                let ends = text.ends_with(' ') && text.len() > 1;
                out.extend([if begins { " " } else { "" }, &safe(text), if ends { " " } else { "" }]);
            }
        }
    }
    out
}

/// What is to be copied stays as it is.
fn command(text: &str) -> String {
    let marks = if text.contains('`') { "``" } else { "`" };
    format!("{marks}{text}{marks}")
}

fn words(line: &Line, link: &dyn Fn(&str) -> Option<String>) -> String {
    let text = safe(&line.text);
    match &line.cause {
        None => text,
        Some(cause) => match link(cause) {
            Some(target) => format!("[{text}]({target})"),
            None => format!("{text} (`{cause}`)"),
        },
    }
}

/// A line of text that means itself: no break, no markup. Addresses stay whole.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, word) in text.split_whitespace().enumerate() {
        if at > 0 {
            out.push(' ');
        }
        if word.starts_with("https://") {
            let _ = write!(out, "<{word}>");
            continue;
        }
        let mut before = ' ';
        for ch in word.chars() {
            let inside = ch == '_' && before.is_alphanumeric() && !word.ends_with('_');
            before = ch;
            match ch {
                '_' if inside => out.push(ch),
                '\\' | '`' | '*' | '_' | '[' | ']' | '|' => {
                    out.push('\\');
                    out.push(ch);
                }
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                ch if ch.is_control() => out.push('\u{fffd}'),
                ch => out.push(ch),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{safe, step};

    #[test]
    fn commands_in_a_step_are_copied_as_they_stand() {
        assert_eq!(
            step("Look at it: reg query HK_LM\\a*; then <b>"),
            "Look at it: `reg query HK_LM\\a*`; then &lt;b&gt;"
        );
        assert_eq!(step("Set a *password*"), "Set a \\*password\\*");
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(safe("a *b* <script> [x](y) C:\\_z\nnext"), "a \\*b\\* &lt;script&gt; \\[x\\](y) C:\\\\\\_z next");
        assert_eq!(safe("rule_1 _x_"), "rule_1 \\_x\\_");
        assert_eq!(safe("see https://a.b/c_d"), "see <https://a.b/c_d>");
    }
}
