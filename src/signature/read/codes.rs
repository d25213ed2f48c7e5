//! Number spaces: tables divided by tabs. `number`, `symbol`, `meaning` and `ends` must be
//! there; the columns after them, which `explain` shows, are all there or none is.
//!
//! A number may be a group: `0x100-0x1FF`, or `0x......04` with a dot for each open digit.

use super::definition::{Background, Code, CodeRange, Confidence, Ending, Members, Pair, Space};
use super::problem::{Complaints, read_number};

const SHORT: &[&str] = &["number", "symbol", "meaning", "ends"];
const LONG: &[&str] =
    &["number", "symbol", "meaning", "ends", "aliases", "layer", "seen", "note", "confidence", "source"];
const SPACES: &[&str] = &["space", "title"];
const PAIRS: &[&str] = &["pair", "meaning", "layer", "seen", "note", "confidence", "source"];

/// A number space.
#[derive(Debug, Default)]
pub struct Table {
    /// By number.
    pub codes: Vec<Code>,
    /// Groups, as they stand in the file.
    pub ranges: Vec<CodeRange>,
}

/// Reads a table; the codes come sorted by number.
pub fn read(text: &str, complaints: &mut Complaints) -> Table {
    let mut table = Table::default();
    for (line, cells) in rows(text, &[SHORT, LONG], complaints) {
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let meaning = cell(2).to_owned();
        if meaning.is_empty() {
            complaints.add(line, "empty", "the meaning is empty");
        }
        let background = background(line, cells.get(5..).unwrap_or_default(), complaints);
        if let Some(members) = members(cell(0)) {
            table.ranges.push(CodeRange { members, symbol: filled(cell(1)), meaning, background });
            continue;
        }
        let Some(number) = read_number(cell(0)) else {
            complaints.add(line, "wrong-number", format!("`{}` is not a number of 32 bits", cell(0)));
            continue;
        };
        let ends = if cell(3).is_empty() { Some(Ending::Open) } else { Ending::from_word(cell(3)) };
        let Some(ends) = ends else {
            let known: Vec<&str> = Ending::ALL.iter().map(|ending| ending.word()).collect();
            complaints.add(line, "unknown-word", format!("`ends` is one of {}", known.join(", ")));
            continue;
        };
        let aliases = cell(4).split_whitespace().map(str::to_owned).collect();
        table.codes.push(Code { number, symbol: filled(cell(1)), meaning, ends, aliases, background });
    }
    table.codes.sort_by_key(|code| code.number);
    for pair in table.codes.windows(2) {
        if let [a, b] = pair
            && a.number == b.number
        {
            complaints.add(0, "duplicate", format!("the number {} (0x{:X}) stands twice", a.number, a.number));
        }
    }
    table.codes.dedup_by_key(|code| code.number);
    table
}

/// Reads the table of code pairs: `0x904/0x7`, `0x904/0x1-0xC`.
pub fn pairs(text: &str, complaints: &mut Complaints) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (line, cells) in rows(text, &[PAIRS], complaints) {
        let cell = |at: usize| cells.get(at).copied().unwrap_or_default();
        let halves = cell(0).split_once('/').and_then(|(code, extended)| {
            let (first, last) = extended.split_once('-').unwrap_or((extended, extended));
            Some((read_number(code)?, (read_number(first)?, read_number(last)?)))
        });
        let Some((code, extended)) = halves.filter(|(_, (first, last))| first <= last) else {
            complaints.add(line, "wrong-number", format!("`{}` is no code pair such as 0x904/0x7", cell(0)));
            continue;
        };
        let background = background(line, cells.get(2..).unwrap_or_default(), complaints);
        pairs.push(Pair { code, extended, meaning: cell(1).to_owned(), background });
    }
    pairs.sort_by_key(|pair| (pair.code, pair.extended));
    pairs
}

/// Reads how number spaces are called; the likeliest stands first.
pub fn spaces(text: &str, complaints: &mut Complaints) -> Vec<Space> {
    let mut spaces: Vec<Space> = Vec::new();
    for (line, cells) in rows(text, &[SPACES], complaints) {
        let [name, title] = cells[..] else { continue };
        if name.is_empty() || title.is_empty() {
            complaints.add(line, "empty", "a number space has a name and a title");
        } else if spaces.iter().any(|space| space.name == name) {
            complaints.add(line, "duplicate", format!("the number space `{name}` stands twice"));
        } else {
            spaces.push(Space { name: name.to_owned(), title: title.to_owned() });
        }
    }
    spaces
}

/// Lines with their cells, each as many as the header has.
fn rows<'t>(text: &'t str, headers: &[&[&str]], complaints: &mut Complaints) -> Vec<(u32, Vec<&'t str>)> {
    let mut rows = Vec::new();
    let mut header: Option<usize> = None;
    for (line, row) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
        let Some(columns) = header else {
            if !headers.contains(&cells.as_slice()) {
                let known: Vec<String> = headers.iter().map(|header| header.join(", ")).collect();
                let message = format!("the first line must be {}, divided by tabs", known.join("; or "));
                complaints.add(line, "header", message);
                return rows;
            }
            header = Some(cells.len());
            continue;
        };
        // What stands last may be left out where there are four columns, as it always could.
        if cells.len() == columns || (columns == SHORT.len() && cells.len() == columns - 1) {
            rows.push((line, cells));
        } else {
            complaints.add(line, "cells", format!("the line has {} cells, not {columns}", cells.len()));
        }
    }
    if header.is_none() {
        complaints.add(1, "header", "the table is empty");
    }
    rows
}

/// `layer`, `seen`, `note`, `confidence`, `source`.
fn background(line: u32, cells: &[&str], complaints: &mut Complaints) -> Background {
    let cell = |at: usize| cells.get(at).copied().and_then(filled);
    let confidence = cell(3).and_then(|word| {
        let known = Confidence::from_word(&word);
        if known.is_none() {
            let all: Vec<&str> = Confidence::ALL.iter().map(|word| word.word()).collect();
            complaints.add(line, "unknown-word", format!("`confidence` is one of {}", all.join(", ")));
        }
        known
    });
    Background { layer: cell(0), seen: cell(1), note: cell(2), confidence, source: cell(4) }
}

fn filled(cell: &str) -> Option<String> {
    (!cell.is_empty()).then(|| cell.to_owned())
}

/// `0x100-0x1FF`, `0x......04`.
fn members(cell: &str) -> Option<Members> {
    if let Some((first, last)) = cell.split_once('-') {
        let (first, last) = (read_number(first)?, read_number(last)?);
        return (first < last).then_some(Members::Between(first, last));
    }
    let digits = cell.strip_prefix("0x").filter(|digits| digits.len() == 8 && digits.contains('.'))?;
    let value = u32::from_str_radix(&digits.replace('.', "0"), 16).ok()?;
    let mask: String = digits.chars().map(|digit| if digit == '.' { '0' } else { 'F' }).collect();
    Some(Members::Masked { mask: u32::from_str_radix(&mask, 16).ok()?, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_ranges_or_open_digits() {
        assert_eq!(members("0x100-0x1FF"), Some(Members::Between(0x100, 0x1FF)));
        assert_eq!(members("0x......04"), Some(Members::Masked { mask: 0xFF, value: 4 }));
        assert!(members("0x8007....").unwrap().contains(0x8007_0040));
        assert!(!members("0x8007....").unwrap().contains(0x8009_0040));
        for wrong in ["0x904", "0x2-0x1", "0x...", "-7", "0x........z", ""] {
            assert_eq!(members(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn columns_are_all_there_or_only_the_first_four() {
        let mut complaints = Complaints::new("codes/x.tsv");
        let table = read("number\tsymbol\tmeaning\tends\n7\t\tseven\n", &mut complaints);
        assert_eq!((table.codes.len(), complaints.count()), (1, 0));
        read("number\tsymbol\tmeaning\tends\tlayer\n7\t\tseven\t\ttcp\n", &mut complaints);
        assert_eq!(complaints.count(), 1);
        let header = LONG.join("\t");
        let row = "0x904\tS\tclosed\topen\tA B\ttcp\t226\tsays little\thigh\tdocs";
        let table = read(&format!("{header}\n{row}\n0x......04\t\tnetwork\t\t\ttcp\t\t\tlow\t\n"), &mut complaints);
        assert_eq!((table.codes[0].aliases.len(), table.ranges.len(), complaints.count()), (2, 1, 1));
        assert_eq!(table.codes[0].background.confidence, Some(Confidence::High));
        read(&format!("{header}\n{}\n", row.replace("high", "sure")), &mut complaints);
        assert_eq!(complaints.count(), 2);
    }

    #[test]
    fn pairs_may_span_extended_reasons() {
        let mut complaints = Complaints::new("codes/pairs.tsv");
        let header = PAIRS.join("\t");
        let found = pairs(&format!("{header}\n0x904/0x1-0xC\tclosed\ttcp\t\t\tlow\tx\n"), &mut complaints);
        assert_eq!((found[0].code, found[0].extended, complaints.count()), (0x904, (1, 12), 0));
        assert!(pairs(&format!("{header}\n0x904\tclosed\ttcp\t\t\tlow\tx\n"), &mut complaints).is_empty());
        assert_eq!(complaints.count(), 1);
    }

    #[test]
    fn number_spaces_are_called_in_the_order_of_their_table() {
        let mut complaints = Complaints::new("codes/spaces.tsv");
        let found = spaces("space\ttitle\nb\tsecond letter\na\tfirst letter\n", &mut complaints);
        assert_eq!((found[0].name.as_str(), found[1].title.as_str()), ("b", "first letter"));
        assert_eq!(complaints.count(), 0);
        spaces("space\ttitle\na\t\na\tx\na\ty\n", &mut complaints);
        assert_eq!(complaints.count(), 2);
    }
}
