//! Causes: what may be wrong, and which records bear on it.

use super::definition::{
    Anchor, Bearing, Cause, Clue, CodePair, FINDINGS_FAMILY, Key, Observation, Phase, Requires, Role, Severity, Window,
};
use super::problem::{Complaints, read_span};
use super::yaml::{Node, Value};

const KEYS: &[&str] = &[
    "id",
    "family",
    "title",
    "severity",
    "explanation",
    "phases",
    "codes",
    "prior",
    "attack",
    "references",
    "requires",
    "caused_by",
    "evidence",
    "check",
    "fix",
    "avoid",
    "verify",
];
const CLUE_KEYS: &[&str] = &[
    "rule",
    "state",
    "absent",
    "sequence",
    "session_after",
    "as",
    "window",
    "join",
    "weight",
    "after",
    "why",
    "at",
    "needs",
    "gap",
    "least",
];
const DEFAULT_WEIGHT: u8 = 10;

/// Reads the cause that stands in the file `id` of the folder `family`.
pub fn read(node: &Node, id: &str, family: &str, complaints: &mut Complaints) -> Option<Cause> {
    let before = complaints.count();
    complaints.map(node, "a cause", KEYS)?;
    for (key, wanted) in [("id", id), ("family", family)] {
        if let Some(value) = complaints.need(node, key)
            && let Some(text) = complaints.text(value, key)
            && text != wanted
        {
            let what = if key == "id" { "file" } else { "folder" };
            complaints.add(value.line, "name", format!("`{key}` is `{text}`, but the {what} is called `{wanted}`"));
        }
    }
    let title = complaints.need_text(node, "title");
    let explanation = complaints.need_text(node, "explanation");
    let severity = complaints
        .need(node, "severity")
        .and_then(|value| complaints.word(value, "severity", Severity::from_word, Severity::ALL));
    complaints.need(node, "phases");
    let phases = complaints.words(node, "phases", Phase::from_word, Phase::ALL);
    let prior = complaints.need(node, "prior").and_then(|value| complaints.number(value, "prior", 1, 5));
    let codes = list(node, "codes", complaints, code_pair);
    let evidence = list(node, "evidence", complaints, clue);
    for clue in evidence.iter().filter(|clue| matches!(clue.what, Observation::SessionAfter { .. })) {
        if family != FINDINGS_FAMILY || clue.bearing != Bearing::Proof {
            let what = "`session_after` proves a cause of the family `attack`, and bears on no other";
            complaints.add(node.line, "session-after", what);
        }
    }
    let requires = node.get("requires").and_then(|value| requires(value, complaints)).unwrap_or_default();
    let mut texts = |key: &str| complaints.texts(node, key);
    let (attack, references, caused_by) = (texts("attack"), texts("references"), texts("caused_by"));
    let (check, fix, avoid, verify) = (texts("check"), texts("fix"), texts("avoid"), texts("verify"));
    let cause = Cause {
        id: id.to_owned(),
        family: family.to_owned(),
        title: title?,
        severity: severity?,
        explanation: explanation?,
        phases,
        codes,
        prior: u8::try_from(prior?).unwrap_or(u8::MAX),
        attack,
        references,
        requires,
        caused_by,
        evidence,
        check,
        fix,
        avoid,
        verify,
    };
    (complaints.count() == before).then_some(cause)
}

fn list<T>(
    node: &Node,
    key: &str,
    complaints: &mut Complaints,
    read: fn(&Node, &mut Complaints) -> Option<T>,
) -> Vec<T> {
    let items = node.get(key).map(|list| complaints.items(list, key)).unwrap_or_default();
    items.into_iter().filter_map(|item| read(item, complaints)).collect()
}

fn code_pair(node: &Node, complaints: &mut Complaints) -> Option<CodePair> {
    complaints.map(node, "`codes`", &["code", "extended", "strength"])?;
    let code = complaints.need(node, "code").and_then(|value| complaints.number(value, "code", 0, u32::MAX));
    let extended = match node.get("extended").filter(|value| !value.is_null()) {
        Some(value) => Some(complaints.number(value, "extended", 0, u32::MAX)?),
        None => None,
    };
    let typical = match node.get("strength").map(|value| (value, value.text())) {
        Some((_, Some("typical"))) => true,
        None | Some((_, Some("possible"))) => false,
        Some((value, _)) => {
            complaints.add(value.line, "unknown-word", "`strength` is one of typical, possible");
            return None;
        }
    };
    Some(CodePair { code: code?, extended, typical })
}

fn requires(node: &Node, complaints: &mut Complaints) -> Option<Requires> {
    complaints.map(node, "`requires`", &["reached", "not_reached", "role"])?;
    Some(Requires {
        reached: complaints.may_word(node, "reached", Phase::from_word, Phase::ALL),
        not_reached: complaints.may_word(node, "not_reached", Phase::from_word, Phase::ALL),
        role: complaints.may_word(node, "role", Role::from_word, Role::ALL),
    })
}

fn clue(node: &Node, complaints: &mut Complaints) -> Option<Clue> {
    complaints.map(node, "`evidence`", CLUE_KEYS)?;
    let what = observation(node, complaints);
    let bearing =
        complaints.need(node, "as").and_then(|value| complaints.word(value, "as", Bearing::from_word, Bearing::ALL));
    if let (Some(what), Some(bearing)) = (&what, bearing) {
        let fits = match what {
            // What sessions prove is checked where the family is known.
            Observation::Rule(_) | Observation::SessionAfter { .. } => true,
            // What lasts is told by records that stand, and absence proves nothing.
            Observation::State { .. } | Observation::Sequence { .. } => bearing != Bearing::Standing,
            Observation::Absent { .. } => bearing == Bearing::Support,
        };
        if !fits {
            complaints.add(node.line, "wrong-word", format!("`as: {}` does not go with such a clue", bearing.word()));
        }
    }
    let weight = match node.get("weight") {
        Some(value) if bearing.is_some_and(|bearing| bearing != Bearing::Support) => {
            complaints.add(value.line, "unknown-key", "only a support has a `weight`");
            None
        }
        Some(value) => complaints.number(value, "weight", 5, 15).and_then(|weight| u8::try_from(weight).ok()),
        None => Some(DEFAULT_WEIGHT),
    };
    let window = match node.get("window") {
        Some(value) => Some(window(value, complaints)?),
        None => None,
    };
    let join = complaints.words(node, "join", Key::from_word, Key::ALL);
    let after = complaints.may_text(node, "after");
    let why = complaints.need_text(node, "why");
    Some(Clue { what: what?, bearing: bearing?, window, join, weight: weight?, after, why: why? })
}

/// Which of the five kinds of clue it is; keys of another kind are refused.
fn observation(node: &Node, complaints: &mut Complaints) -> Option<Observation> {
    let kinds: [(&str, &[&str]); 5] = [
        ("rule", &["window", "join", "weight", "after"]),
        ("state", &["at", "weight"]),
        ("absent", &["needs", "window", "join", "weight"]),
        ("sequence", &["gap", "window", "join", "weight"]),
        ("session_after", &["least", "window"]),
    ];
    let mut found = kinds.iter().filter(|(kind, _)| node.get(kind).is_some());
    let (Some((kind, fitting)), None) = (found.next(), found.next()) else {
        complaints.add(
            node.line,
            "missing-key",
            "a clue has exactly one of rule, state, absent, sequence, session_after",
        );
        return None;
    };
    for entry in node.entries() {
        let key = entry.key.as_str();
        if CLUE_KEYS.contains(&key) && key != *kind && !["as", "why"].contains(&key) && !fitting.contains(&key) {
            complaints.add(entry.line, "unknown-key", format!("`{key}` says nothing about a clue with `{kind}`"));
        }
    }
    let value = node.get(kind)?;
    match *kind {
        "rule" => complaints.text(value, "rule").map(Observation::Rule),
        "state" => {
            let text = complaints.text(value, "state")?;
            let Some((state, to)) = text.split_once('=') else {
                complaints.add(value.line, "state", format!("`state` must be like termservice=stopped, not `{text}`"));
                return None;
            };
            let at = match node.get("at") {
                Some(at) => complaints.word(at, "at", Anchor::from_word, Anchor::ALL)?,
                None => Anchor::Start,
            };
            Some(Observation::State { state: state.trim().to_owned(), value: to.trim().to_owned(), at })
        }
        "absent" => {
            let needs = complaints.need(node, "needs").map(|_| complaints.texts(node, "needs"));
            Some(Observation::Absent { rule: complaints.text(value, "absent")?, needs: needs? })
        }
        "session_after" => {
            let least = complaints.need(node, "least").and_then(|value| complaints.number(value, "least", 1, 1000));
            let cause = complaints.text(value, "session_after")?;
            Some(Observation::SessionAfter { cause, least: least? })
        }
        _ => sequence(node, complaints),
    }
}

fn sequence(node: &Node, complaints: &mut Complaints) -> Option<Observation> {
    let rules = complaints.texts(node, "sequence");
    if rules.len() < 2 {
        complaints.add(node.line, "sequence", "a sequence names at least two rules");
        return None;
    }
    let gap = complaints.need(node, "gap")?;
    let spans = complaints.texts(node, "gap");
    match spans.iter().map(|span| read_span(span)).collect::<Vec<_>>()[..] {
        [Some(least), Some(greatest)] if least <= greatest => {
            Some(Observation::Sequence { rules, gap: (least, greatest) })
        }
        _ => {
            complaints.add(gap.line, "span", "`gap` must be like [20s, 60s], the smaller span first");
            None
        }
    }
}

fn window(node: &Node, complaints: &mut Complaints) -> Option<Window> {
    let ends: Vec<_> = match &node.value {
        Value::Sequence(items) => items.iter().map(|item| item.text().and_then(moment)).collect(),
        _ => Vec::new(),
    };
    match ends[..] {
        [Some(from), Some(to)] if from.0 != to.0 || from.1 <= to.1 => Some(Window { from, to }),
        _ => {
            let message = "`window` must be like [start-30d, end+5s] (spans in ms, s, m, h, d, w), from before to";
            complaints.add(node.line, "window", message);
            None
        }
    }
}

/// `start`, `end`, `start-5s`, `end+1h`
fn moment(text: &str) -> Option<(Anchor, i64)> {
    let text = text.trim();
    let sign_at = text.find(['+', '-']).unwrap_or(text.len());
    let (anchor, offset) = text.split_at(sign_at);
    let anchor = Anchor::from_word(anchor.trim())?;
    let mut letters = offset.chars();
    let sign = match letters.next() {
        None => return Some((anchor, 0)),
        Some('-') => -1,
        Some(_) => 1,
    };
    Some((anchor, sign * read_span(letters.as_str().trim())?))
}
