//! A step of a repair or a check, taken apart into what is read and what is typed: commands are shown so that they can
//! be copied as they stand.

/// Part of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// To be read.
    Words(&'a str),
    /// To be typed.
    Command(&'a str),
}

/// Programs that take words, and not only switches, behind their names.
const PROGRAMS: [&str; 12] =
    ["fltmc", "frx", "icacls", "klist", "net", "netsh", "qwinsta", "reg", "sc.exe", "type", "wevtutil", "whoami"];

/// No step that a person wrote is longer, bytes.
const LONGEST: usize = 4000;

/// The pieces of a step's first line: a command by itself, behind a colon or a remark in brackets, or in brackets.
pub fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = line.trim();
    if rest.len() > LONGEST {
        return vec![Piece::Words(rest)];
    }
    while !rest.is_empty() {
        let Some(at) = begins(rest) else { break };
        let (words, command) = rest.split_at(at);
        let (command, behind) = command.split_at(ends(command));
        found.extend((!words.is_empty()).then_some(Piece::Words(words)));
        found.push(Piece::Command(command));
        rest = behind;
    }
    found.extend((!rest.is_empty()).then_some(Piece::Words(rest)));
    found
}

/// Where the first command of a text begins.
fn begins(text: &str) -> Option<usize> {
    if is_command(text) {
        return Some(0);
    }
    let marks = text.char_indices().filter(|(_, ch)| matches!(ch, ':' | '(' | ')' | ','));
    let mut behind = marks.filter_map(|(at, ch)| {
        let rest = &text[at + 1..];
        let rest = if ch == '(' { rest } else { rest.strip_prefix(' ')? };
        Some(["then ", "or "].iter().find_map(|word| rest.strip_prefix(word)).unwrap_or(rest))
    });
    behind.find(|rest| is_command(rest)).map(|rest| text.len() - rest.len())
}

/// Does a command stand at the beginning?
fn is_command(text: &str) -> bool {
    let mut words = text.split(' ');
    let first = words.next().unwrap_or_default().trim_start_matches('(').trim_end_matches([',', ';', ')']);
    let is_switch = |word: &str| {
        let name = word.strip_prefix(['/', '-']).unwrap_or_default();
        name.starts_with(|ch: char| ch.is_ascii_alphabetic())
    };
    let plain = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    PROGRAMS.contains(&first) || is_cmdlet(first) || (plain(first) && words.next().is_some_and(is_switch))
}

/// `Get-Service`: a verb and a noun.
fn is_cmdlet(word: &str) -> bool {
    let capital = |part: &str| part.starts_with(|ch: char| ch.is_ascii_uppercase());
    let letters = |part: &str| part.len() > 1 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    word.split_once('-').is_some_and(|(verb, noun)| {
        let noun = noun.split([')', '.']).next().unwrap_or_default();
        capital(verb) && capital(noun) && letters(verb) && letters(noun)
    })
}

/// Where a command ends that stands at the beginning: before a mark or a bracket of the words around it.
fn ends(text: &str) -> usize {
    let (mut depth, mut quote) = (0usize, None);
    for (at, ch) in text.char_indices() {
        match (quote, ch) {
            (Some(open), _) if ch == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(ch),
            (None, '(' | '{' | '[') => depth += 1,
            (None, ')' | '}' | ']') if depth == 0 => return at,
            (None, ')' | '}' | ']') => depth -= 1,
            (None, ',' | ';' | ':') if depth == 0 && text[at + 1..].starts_with(' ') => return at,
            // What stands behind is a remark.
            (None, ' ') if depth == 0 && text[at + 1..].starts_with("# ") => return at,
            _ => {}
        }
    }
    text.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Piece::{Command, Words};

    #[test]
    fn a_command_is_told_from_the_words_around_it() {
        assert_eq!(pieces("Get-HotFix | sort InstalledOn"), [Command("Get-HotFix | sort InstalledOn")]);
        assert_eq!(pieces("Set a password"), [Words("Set a password")]);
        let step = "(PowerShell, as administrator) secedit /export /cfg \"$env:TEMP\\r.inf\"";
        let command = Command("secedit /export /cfg \"$env:TEMP\\r.inf\"");
        assert_eq!(pieces(step), [Words("(PowerShell, as administrator) "), command]);
        let step = "Set the clock, then repair the times (w32tm /query /status, w32tm /resync)";
        let (head, first) = (Words("Set the clock, then repair the times ("), Command("w32tm /query /status"));
        assert_eq!(pieces(step), [head, first, Words(", "), Command("w32tm /resync"), Words(")")]);
        let step = "sfc /scannow, then DISM /Online /RestoreHealth; install the update again";
        let (then, last) = (Words(", then "), Words("; install the update again"));
        assert_eq!(pieces(step), [Command("sfc /scannow"), then, Command("DISM /Online /RestoreHealth"), last]);
    }

    #[test]
    fn brackets_and_quotes_of_a_command_are_its_own() {
        let all = "Get-WinEvent -FilterHashtable @{Id=1; Time=(Get-Date)} | fl 'a, b'";
        assert_eq!(pieces(all), [Command(all)]);
        let item = "(Get-Item C:\\Windows\\System32\\tspkg.dll).VersionInfo.FileVersion";
        assert_eq!(pieces(item), [Command(item)]);
        assert_eq!(pieces("Get-Item (a"), [Command("Get-Item (a")]);
        assert_eq!(pieces("klist purge # then again"), [Command("klist purge"), Words(" # then again")]);
        assert_eq!(pieces(""), []);
    }
}
