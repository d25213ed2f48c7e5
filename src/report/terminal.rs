//! Text from logs made harmless for a terminal.
//!
//! Whoever can fail a logon can choose a user name, and so can write into a log. What
//! steers a terminal, turns text around or hides in it is therefore spelled out.
//! Knows nothing of reports.

use unicode_width::UnicodeWidthChar;

use crate::evidence::hides;

/// Combining marks in a row that are still writing; more of them paint over other lines.
const MARKS_IN_A_ROW: usize = 4;

/// `text` with everything unprintable spelled out, cut to about `most` characters.
pub fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most.saturating_mul(4)));
    let mut marks = 0;
    for (taken, (at, ch)) in text.char_indices().enumerate() {
        if taken >= most {
            let left = text[at..].chars().count();
            out.push_str(&format!("… ({left} more characters)"));
            break;
        }
        let mark = ch.width() == Some(0);
        marks = if mark { marks + 1 } else { 0 };
        if hides(ch) || marks > MARKS_IN_A_ROW {
            spell(ch, &mut out);
        } else {
            out.push(ch);
        }
    }
    out
}

fn spell(ch: char, out: &mut String) {
    match ch {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        ch if ch.is_ascii() => out.push_str(&format!("\\x{:02x}", u32::from(ch))),
        ch => out.push_str(&format!("\\u{{{:x}}}", u32::from(ch))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequence_that_clears_the_screen() {
        assert_eq!(clean("\u{1b}[2J\u{1b}]0;title\u{7}", 99), "\\x1b[2J\\x1b]0;title\\x07");
    }

    #[test]
    fn c1_control_that_starts_a_sequence_without_escape() {
        assert_eq!(clean("\u{9b}31mred", 99), "\\u{9b}31mred");
    }

    #[test]
    fn carriage_return_that_overwrites_the_line() {
        assert_eq!(clean("failed\rsuccess", 99), "failed\\rsuccess");
    }

    #[test]
    fn line_break_that_forges_a_row() {
        assert_eq!(clean("bob\n12:00 logon ok", 99), "bob\\n12:00 logon ok");
        assert_eq!(clean("a\u{2028}b\u{2029}c\u{85}d", 99), "a\\u{2028}b\\u{2029}c\\u{85}d");
    }

    #[test]
    fn backspace_and_delete_that_eat_letters() {
        assert_eq!(clean("a\u{8}b\u{7f}", 99), "a\\x08b\\x7f");
    }

    #[test]
    fn direction_override_that_turns_a_name_around() {
        assert_eq!(clean("nimda\u{202e}", 99), "nimda\\u{202e}");
        for ch in ('\u{202a}'..='\u{202e}').chain('\u{2066}'..='\u{2069}') {
            assert_eq!(clean(&ch.to_string(), 99), format!("\\u{{{:x}}}", u32::from(ch)));
        }
    }

    #[test]
    fn zero_width_letters_that_make_two_names_look_alike() {
        assert_eq!(clean("ad\u{200b}min\u{feff}", 99), "ad\\u{200b}min\\u{feff}");
        assert_eq!(clean("x\u{e0041}", 99), "x\\u{e0041}");
    }

    #[test]
    fn flood_of_combining_marks() {
        let out = clean(&format!("e{}", "\u{301}".repeat(50)), 99);
        assert_eq!(out.chars().filter(|ch| *ch == '\u{301}').count(), MARKS_IN_A_ROW);
    }

    #[test]
    fn name_of_a_megabyte() {
        let out = clean(&"A".repeat(1 << 20), 16);
        assert_eq!(out, format!("{}… (1048560 more characters)", "A".repeat(16)));
    }

    #[test]
    fn other_languages_stay_as_they_are() {
        for text in ["Zugriff verweigert – Größe", "アクセスが拒否されました。", "доступ", "מנהל", "e\u{301}"]
        {
            assert_eq!(clean(text, 99), text);
        }
    }
}
