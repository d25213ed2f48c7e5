//! Number spaces: tables of `number`, `symbol`, `meaning`, `ends`, divided by tabs.

use super::definition::{Code, Ending};
use super::problem::{Complaints, read_number};

const HEADER: [&str; 4] = ["number", "symbol", "meaning", "ends"];

/// Reads a table; the codes come sorted by number.
pub fn read(text: &str, complaints: &mut Complaints) -> Vec<Code> {
    let mut codes: Vec<Code> = Vec::new();
    let mut header_seen = false;
    for (line, row) in (1..).zip(text.strip_prefix('\u{feff}').unwrap_or(text).lines()) {
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let cells: Vec<&str> = row.split('\t').map(str::trim).collect();
        if !header_seen {
            header_seen = true;
            if cells != HEADER {
                complaints.add(
                    line,
                    "header",
                    format!("the first line must be {}, divided by tabs", HEADER.join(", ")),
                );
                return codes;
            }
            continue;
        }
        codes.extend(code(&cells, line, complaints));
    }
    if !header_seen {
        complaints.add(1, "header", "the table is empty");
    }
    codes.sort_by_key(|code| code.number);
    for pair in codes.windows(2) {
        if let [a, b] = pair
            && a.number == b.number
        {
            complaints.add(0, "duplicate", format!("the number {} (0x{:X}) stands twice", a.number, a.number));
        }
    }
    codes.dedup_by_key(|code| code.number);
    codes
}

fn code(cells: &[&str], line: u32, complaints: &mut Complaints) -> Option<Code> {
    let (number, symbol, meaning, ends) = match *cells {
        [number, symbol, meaning] => (number, symbol, meaning, ""),
        [number, symbol, meaning, ends] => (number, symbol, meaning, ends),
        _ => {
            complaints.add(line, "cells", format!("the line has {} cells, not 4", cells.len()));
            return None;
        }
    };
    let parsed = read_number(number);
    if parsed.is_none() {
        complaints.add(line, "wrong-number", format!("`{number}` is not a number of 32 bits"));
    }
    if meaning.is_empty() {
        complaints.add(line, "empty", "the meaning is empty");
    }
    let ends = if ends.is_empty() { Some(Ending::Open) } else { Ending::from_word(ends) };
    if ends.is_none() {
        let known: Vec<&str> = Ending::ALL.iter().map(|ending| ending.word()).collect();
        complaints.add(line, "unknown-word", format!("`ends` is one of {}", known.join(", ")));
    }
    let symbol = (!symbol.is_empty()).then(|| symbol.to_owned());
    Some(Code { number: parsed?, symbol, meaning: meaning.to_owned(), ends: ends? })
}
