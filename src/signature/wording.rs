//! Texts with `{Field}` and `{Field|space}` become sentences. What a missing field
//! would leave behind goes with it: its brackets, its clause, the word that led to it.

use crate::event::read_code;

/// Deeper brackets are plain text.
const MAX_DEPTH: usize = 3;
/// What divides clauses, within a text of ours.
const SEPARATORS: [&str; 5] = [", ", "; ", ": ", ". ", " - "];
/// Words that name a value and say nothing without it.
const LABELS: [&str; 9] = ["code", "error", "status", "reason", "id", "port", "session", "user", "version"];
/// Words that lead to a value; one at most goes with it ("logged on from {IP}" stays "logged on").
const LEADS: [&str; 15] =
    ["from", "to", "by", "with", "for", "at", "in", "on", "of", "as", "via", "after", "until", "and", "or"];
/// Letters that hang on a value.
const HANGING: [char; 8] = [':', '/', '\\', '@', '#', '=', '"', '\''];

/// Names of the fields that a text shows.
pub(super) fn fields(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|piece| piece.split(['|', '}']).next()).map(str::trim)
}

/// Fills a text: `value` gets a field and the number space that it is decoded with.
pub(super) fn fill(text: &str, value: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Option<String> {
    let mut rest = text;
    let clauses = clauses(&mut rest, 0);
    let filled = join(&clauses, value).map(|(text, _)| text)?;
    let filled = filled.trim();
    (!filled.is_empty()).then(|| filled.to_owned())
}

struct Clause<'a> {
    separator: &'a str,
    pieces: Vec<Piece<'a>>,
}

enum Piece<'a> {
    Text(&'a str),
    Field(&'a str, Option<&'a str>),
    Brackets(char, Vec<Clause<'a>>),
}

impl Piece<'_> {
    /// The value of a field that has one.
    fn shown(&self, value: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Option<String> {
        let Piece::Field(name, space) = self else { return None };
        value(name, *space).map(|text| text.trim().to_owned())
    }
}

/// Splits up to the closing bracket that belongs to `depth`, or to the end.
fn clauses<'a>(rest: &mut &'a str, depth: usize) -> Vec<Clause<'a>> {
    let mut all = vec![Clause { separator: "", pieces: Vec::new() }];
    let mut add = |separator: Option<&'a str>, piece: Option<Piece<'a>>| {
        if let Some(separator) = separator {
            all.push(Clause { separator, pieces: Vec::new() });
        }
        if let (Some(piece), Some(clause)) = (piece, all.last_mut()) {
            clause.pieces.push(piece);
        }
    };
    while !rest.is_empty() {
        let text: &'a str = rest;
        let field = text.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        if let Some((inner, after)) = field {
            let (name, space) = inner.split_once('|').map_or((inner, None), |(name, space)| (name, Some(space.trim())));
            add(None, Some(Piece::Field(name.trim(), space)));
            *rest = after;
        } else if let Some(separator) = SEPARATORS.into_iter().find(|separator| text.starts_with(separator)) {
            add(Some(separator), None);
            *rest = &text[separator.len()..];
        } else if let Some(open) = text.chars().next().filter(|c| matches!(c, '(' | '[') && depth < MAX_DEPTH) {
            *rest = &text[1..];
            add(None, Some(Piece::Brackets(open, clauses(rest, depth + 1))));
        } else if depth > 0 && text.starts_with([')', ']']) {
            *rest = &text[1..];
            break;
        } else {
            let first = text.chars().next().map_or(1, char::len_utf8);
            let stops = |at: &usize| {
                let tail = &text[*at..];
                tail.starts_with(['{', '(', '[', ')', ']']) || SEPARATORS.iter().any(|s| tail.starts_with(s))
            };
            let end = text.char_indices().map(|(at, _)| at).filter(|at| *at >= first).find(stops);
            let end = end.unwrap_or(text.len());
            add(None, Some(Piece::Text(&text[..end])));
            *rest = &text[end..];
        }
    }
    all
}

/// The clauses that have something to say; `true` where a field was there.
fn join(clauses: &[Clause<'_>], value: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Option<(String, bool)> {
    let mut out = String::new();
    let mut any_field = false;
    let mut any_value = false;
    for (index, clause) in clauses.iter().enumerate() {
        let filled = Filled::of(clause, value);
        any_field |= filled.field;
        any_value |= filled.value;
        let text = filled.out.trim();
        // The first clause says what happened, even without its fields.
        if text.is_empty() || (index > 0 && filled.field && !filled.value) {
            continue;
        }
        if !out.is_empty() {
            out.push_str(clause.separator);
        }
        out.push_str(text);
    }
    (any_value || !any_field || !out.is_empty()).then_some((out, any_value || !any_field))
}

#[derive(Default)]
struct Filled {
    out: String,
    /// Up to here stands what a missing field may not take away.
    kept: usize,
    field: bool,
    value: bool,
    /// The last piece was a field without a value.
    missed: bool,
}

impl Filled {
    fn of(clause: &Clause<'_>, value: &dyn Fn(&str, Option<&str>) -> Option<String>) -> Self {
        let mut filled = Filled::default();
        // Fields with nothing between them are one: `{AppName}{param1}` names the same thing in
        // a record with names and in one without.
        let same = |a: &Piece<'_>, b: &Piece<'_>| matches!((a, b), (Piece::Field(..), Piece::Field(..)));
        for run in clause.pieces.chunk_by(same) {
            let shown: String = run.iter().filter_map(|piece| piece.shown(value)).collect();
            match &run[0] {
                Piece::Text(text) => filled.text(text),
                Piece::Field(..) if shown.is_empty() => filled.miss(),
                Piece::Field(..) => filled.value(&shown),
                Piece::Brackets(open, inner) => match join(inner, value) {
                    Some((text, true)) => {
                        filled.out.push(*open);
                        filled.out.push_str(&text);
                        filled.out.push(if *open == '(' { ')' } else { ']' });
                        filled.kept = filled.out.len();
                    }
                    _ => filled.out.truncate(filled.out.trim_end().len()),
                },
            }
        }
        filled
    }

    fn text(&mut self, text: &str) {
        let text = if self.missed { text.trim_start_matches(HANGING) } else { text };
        let double = self.out.is_empty() || self.out.ends_with(' ');
        self.out.push_str(if double { text.trim_start() } else { text });
        self.missed &= text.is_empty();
    }

    fn value(&mut self, text: &str) {
        self.out.push_str(text);
        self.kept = self.out.len();
        (self.field, self.value, self.missed) = (true, true, false);
    }

    /// Takes away what led to the value that is not there.
    fn miss(&mut self) {
        (self.field, self.missed) = (true, true);
        loop {
            let tail = self.out.get(self.kept..).unwrap_or_default();
            let trimmed = tail.trim_end().trim_end_matches(HANGING).trim_end();
            let word_at = trimmed.rfind(' ').map_or(0, |at| at + 1);
            let is = |known: &[&str]| known.iter().any(|known| trimmed[word_at..].eq_ignore_ascii_case(known));
            let (label, lead) = (is(&LABELS), is(&LEADS));
            let keep = self.kept + if label || lead { word_at } else { trimmed.len() };
            self.out.truncate(keep);
            if !label {
                break;
            }
        }
    }
}

/// A code with blanks about it, or the number of a message: `%%2313`.
pub fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    read_code(text.strip_prefix("%%").unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str, values: &[(&str, &str)]) -> String {
        let value = |name: &str, space: Option<&str>| {
            let text = values.iter().find(|(known, _)| *known == name)?.1;
            Some(space.map_or(text.to_owned(), |space| format!("<{text} of {space}>")))
        };
        fill(text, &value).unwrap_or_else(|| "-".into())
    }

    #[test]
    fn values_stand_where_their_names_stood() {
        assert_eq!(filled("ended: {Value|disconnect}", &[("Value", "5")]), "ended: <5 of disconnect>");
        assert_eq!(
            filled("{Error Code} (why: {Why}), twice", &[("Error Code", "5"), ("Why", "so")]),
            "5 (why: so), twice"
        );
        assert_eq!(filled("no fields. none (at all)", &[]), "no fields. none (at all)");
        assert_eq!(filled("größe é {A}", &[("A", "ü")]), "größe é ü");
    }

    #[test]
    fn a_missing_field_takes_its_clause_its_brackets_or_its_lead_along() {
        assert_eq!(filled("mstsc was disconnected: {Value|disconnect}", &[]), "mstsc was disconnected");
        assert_eq!(filled("accepted ({IP})", &[]), "accepted");
        assert_eq!(filled("accepted ({IP}) at once", &[]), "accepted at once");
        assert_eq!(filled("{User} logged on from {IP}", &[("User", "bob")]), "bob logged on");
        assert_eq!(filled("failed with error code {C} at once", &[]), "failed at once");
        assert_eq!(filled("{User} logged on from {IP}", &[("IP", "::1")]), "logged on from ::1");
        assert_eq!(filled("logon of {User}, session {Id}, from {IP}", &[("IP", "::1")]), "logon, from ::1");
        assert_eq!(filled("{Domain}\\{User} logged on", &[("User", "bob")]), "bob logged on");
        assert_eq!(filled("from {IP}:{Port}", &[("IP", "1.2.3.4")]), "from 1.2.3.4");
        assert_eq!(filled("connects to '{Name}' now", &[]), "connects now");
        assert_eq!(filled("{A}{param1} crashed in {B}{param2}", &[("A", "x"), ("B", "y")]), "x crashed in y");
        assert_eq!(filled("{A}{param1} crashed in {B}{param2}", &[("param1", "x")]), "x crashed");
        assert_eq!(filled("{A}", &[]), "-");
        assert_eq!(filled("{A}: {B}", &[("B", "x")]), "x");
        assert_eq!(filled("a (b {C}, d {E})", &[("E", "1")]), "a (b, d 1)");
        assert_eq!(filled("a {B}", &[("B", "  ")]), "a");
    }

    #[test]
    fn a_message_is_read_by_its_number() {
        assert_eq!((number("%%2313"), number(" 0x904 ")), (Some(2313), Some(0x904)));
        assert_eq!((number("%2313"), number("%% 2313"), number("many")), (None, None, None));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "[a:;,.(){}|\\[\\] é'-]{0,40}") {
            fill(&text, &|_, _| None);
            fill(&text, &|name, _| Some(name.to_owned()));
        }
    }
}
