use super::super::yaml;
use super::*;

fn detection(text: &str) -> Result<Detection, Vec<String>> {
    let (documents, error) = yaml::parse(text);
    assert_eq!(error, None, "{text}");
    let mut complaints = Complaints::new("test.yml");
    let read = read(&documents[0], &mut complaints);
    let problems: Vec<String> = complaints.into_list().iter().map(ToString::to_string).collect();
    if problems.is_empty() { Ok(read.unwrap()) } else { Err(problems) }
}

/// The tests of a search that is one map with one line.
fn line(text: &str) -> Vec<FieldTest> {
    let found = detection(&format!("s: {{{text}}}\ncondition: s\n")).unwrap();
    found.searches[0].any[0].clone()
}

fn refused(text: &str, word: &str) {
    let problems = detection(&format!("s: {{{text}}}\ncondition: s\n")).unwrap_err();
    assert!(problems.iter().any(|problem| problem.contains(word)), "{problems:?} has no {word}");
}

fn glob(text: &str) -> Vec<Glob> {
    read_glob(text)
}

fn literal(text: &str) -> Glob {
    Glob::Literal(text.into())
}

#[test]
fn backslashes_escape_wildcards_and_themselves_only() {
    assert_eq!(glob(r"C:\Windows"), [literal(r"C:\Windows")]);
    assert_eq!(glob(r"C:\\Windows"), [literal(r"C:\Windows")]);
    assert_eq!(glob(r"a\*b"), [literal("a*b")]);
    assert_eq!(glob(r"a\\*b"), [literal(r"a\"), Glob::Any, literal("b")]);
    assert_eq!(glob(r"a\\\*b"), [literal(r"a\*b")]);
    assert_eq!(glob(r"a\?"), [literal("a?")]);
    assert_eq!(glob("***?**"), [Glob::Any, Glob::One, Glob::Any]);
    assert_eq!(glob("end\\"), [literal("end\\")]);
    assert_eq!(glob(""), []);
}

#[test]
fn places_are_wildcards() {
    let text = |glob: &[Glob]| Pattern::Text { glob: glob.to_vec(), cased: false };
    let x = literal("x");
    assert_eq!(line("a|contains: x")[0].patterns, [text(&[Glob::Any, x.clone(), Glob::Any])]);
    assert_eq!(line("a|startswith: x")[0].patterns, [text(&[x.clone(), Glob::Any])]);
    assert_eq!(line("a|endswith: x")[0].patterns, [text(&[Glob::Any, x.clone()])]);
    assert_eq!(line("a|endswith: '*x'")[0].patterns, [text(&[Glob::Any, x.clone()])]);
    let cased = Pattern::Text { glob: vec![x, Glob::Any], cased: true };
    assert_eq!(line("a|startswith|cased: x")[0].patterns, [cased]);
}

#[test]
fn every_modifier_reads_its_values() {
    assert_eq!(line("a|re: '^x'")[0].patterns, [Pattern::Regex("^x".into())]);
    assert_eq!(line("a|re|i|m: x")[0].patterns, [Pattern::Regex("(?im)x".into())]);
    assert_eq!(line("a|cidr: 10.0.0.0/8")[0].patterns, [Pattern::Cidr("10.0.0.0/8".into())]);
    assert_eq!(line("a|gt: 5")[0].patterns, [Pattern::Number(Comparison::Greater, 5.0)]);
    assert_eq!(line("a|gte: 0x10")[0].patterns, [Pattern::Number(Comparison::GreaterOrEqual, 16.0)]);
    assert_eq!(line("a|lt: -1.5")[0].patterns, [Pattern::Number(Comparison::Less, -1.5)]);
    assert_eq!(line("a|lte: 5")[0].patterns, [Pattern::Number(Comparison::LessOrEqual, 5.0)]);
    assert_eq!(line("a|exists: true")[0].patterns, [Pattern::Exists(true)]);
    assert_eq!(line("a|exists: false")[0].patterns, [Pattern::Exists(false)]);
    assert_eq!(line("a|fieldref: b")[0].patterns, [Pattern::Field("b".into())]);
    assert_eq!(line("a: null")[0].patterns, [Pattern::Null]);
    assert_eq!(line("a:")[0].patterns, [Pattern::Null]);
    assert_eq!(line("a: [null, '']")[0].patterns, [Pattern::Null, Pattern::Text { glob: vec![], cased: false }]);
    assert!(line("a|contains|all: [x, y]")[0].all);
    assert_eq!(line("a|windash|contains: ' -x'")[0].patterns.len(), 5);
    let both = line("a|windash|all|contains: [' -x', ' /y']");
    assert_eq!((both.len(), both[0].all, both[0].patterns.len()), (2, false, 5));
    assert_eq!(dashes("a-b -c")[1], "a-b /c");
}

#[test]
fn what_is_not_supported_is_refused_by_name_and_line() {
    for name in REFUSED {
        refused(&format!("a|{name}: x"), &format!("`{name}`"));
    }
    refused("a|wrong: x", "unknown modifier `wrong`");
    refused("a|re|contains: x", "do not go together");
    refused("a|contains|startswith: x", "do not go together");
    refused("a|i: x", "unknown modifier `i`");
    refused("a|cidr: 10.0.0.0", "network");
    refused("a|cidr: 10.0.0.0/33", "network");
    refused("a|gt: many", "not a number");
    refused("a|exists: maybe", "true or false");
    refused("a: []", "empty list");
    refused("a: [[x]]", "a list cannot");
    refused("a: {b: c}", "a map cannot");
    refused("a|re: null", "null");
    let problems = detection("s:\n  b: 1\n  a|expand: '%x%'\ncondition: s\n").unwrap_err();
    assert!(problems[0].starts_with("test.yml:3: "), "{problems:?}");
    assert!(detection("s: {a: 1}\ntimeframe: 5m\ncondition: s\n").unwrap_err()[0].contains("timeframe"));
}

#[test]
fn searches_are_maps_lists_of_maps_or_keywords() {
    let found = detection("s: [{a: 1, b: 2}, {c: 3}]\nk: [one, 'two*']\ncondition: [s, k and s]\n").unwrap();
    assert_eq!(found.searches[0].any.len(), 2);
    assert_eq!(found.searches[0].any[0].len(), 2);
    assert_eq!(found.searches[1].any[0][0].field, None);
    assert!(matches!(found.condition, super::super::definition::Condition::Or(_)));
    let all = detection("k: {'|all': [one, two]}\ncondition: k\n").unwrap();
    assert!(all.searches[0].any[0][0].all && all.searches[0].any[0][0].field.is_none());
    assert!(detection("s: {}\ncondition: s\n").is_err());
    assert!(detection("s: []\ncondition: s\n").is_err());
    assert!(detection("s: {a: 1}\ncondition: []\n").is_err());
    assert!(detection("s: {a: 1}\n").is_err());
}
