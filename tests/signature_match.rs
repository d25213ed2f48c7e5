//! Rules meet events: every modifier, the index, what is wanted of records, and words.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests end by panicking")]

use std::path::Path;

use whyrdp::event::{Event, Fields, Guid};
use whyrdp::signature::definition::{About, Definitions, Rule};
use whyrdp::signature::read::{load_dir, load_text};
use whyrdp::signature::{RuleId, Signatures, test_rule, value_of};

fn rules(texts: &[(&str, &str)]) -> Definitions {
    let file = |(slug, text): &(&str, &str)| {
        (format!("{slug}.yml"), format!("title: T\nlogsource: {{}}\ndetection:\n{text}\n"))
    };
    let (all, problems) = load_text(&texts.iter().map(file).collect::<Vec<_>>());
    assert_eq!(problems, []);
    all
}

fn compile(all: Definitions) -> Signatures {
    let (signatures, problems) = Signatures::compile(all);
    assert_eq!(problems, []);
    signatures
}

/// Slugs of the rules that match.
fn matching(signatures: &Signatures, event: &Event) -> Vec<String> {
    let mut found = vec![RuleId(77)];
    signatures.matches(event, &mut found);
    found.into_iter().map(|id| signatures.rule_at(id).unwrap().slug.clone()).collect()
}

fn event(fields: &[(&str, &str)]) -> Event {
    let mut event = Event::default();
    event.system.provider = "Some-Provider".into();
    event.system.source_name = "Other".into();
    event.system.event_id = 7;
    event.system.channel = "System".into();
    event.system.level = Some(2);
    event.system.keywords = Some(0x8010_0000_0000_0000);
    for (name, value) in fields {
        event.push(name, value);
    }
    event
}

/// Does a one-line search match an event with these fields?
fn fits(line: &str, fields: &[(&str, &str)]) -> bool {
    let signatures = compile(rules(&[("a", &format!("  s:\n    {line}\n  condition: s"))]));
    !matching(&signatures, &event(fields)).is_empty()
}

#[test]
fn text_compares_without_case_unless_cased() {
    assert!(fits("A: Größe", &[("A", "GRÖSSE"), ("A", "größe")]));
    assert!(!fits("A|cased: Größe", &[("A", "größe")]));
    assert!(fits("A|cased|contains: Gr", &[("A", "xGrx")]));
    assert!(!fits("A|cased|contains: Gr", &[("A", "xgrx")]));
    assert!(!fits("a: x", &[("A", "x")]), "field names keep their case");
}

#[test]
fn wildcards_and_places() {
    assert!(fits("A: 'b*d?f'", &[("A", "bccdef")]));
    assert!(!fits("A: 'b*d?f'", &[("A", "bccdf")]));
    assert!(fits(r"A: 'a\*b'", &[("A", "a*b")]));
    assert!(!fits(r"A: 'a\*b'", &[("A", "axb")]));
    assert!(fits("A|contains: [x, y]", &[("A", "abYab")]));
    assert!(fits("A|startswith: ab", &[("A", "ABC")]));
    assert!(!fits("A|startswith: ab", &[("A", "xabc")]));
    assert!(fits("A|endswith: 32000AD0", &[("A", "0032000ad0")]));
    assert!(!fits("A|endswith: bc", &[("A", "abcd")]));
    assert!(fits("A: '*'", &[("A", "")]));
    assert!(!fits("A: '*'", &[]));
}

#[test]
fn all_needs_each_pattern_in_some_value() {
    assert!(fits("A|contains|all: [x, y]", &[("A", "yx")]));
    assert!(fits("A|contains|all: [x, y]", &[("A", "x"), ("A", "y")]));
    assert!(!fits("A|contains|all: [x, y]", &[("A", "x")]));
    assert!(fits("A|contains|all|windash: [' -x', ' /y']", &[("A", "run /x \u{2013}y /y")]));
    assert!(!fits("A|contains|all|windash: [' -x', ' /y']", &[("A", "run /x")]));
}

#[test]
fn null_empty_and_exists() {
    assert!(fits("A: null", &[]));
    assert!(fits("A: null", &[("A", "")]));
    assert!(!fits("A: null", &[("A", "x")]));
    assert!(fits("A: ''", &[("A", "")]));
    assert!(!fits("A: ''", &[]));
    assert!(fits("A: [null, x]", &[("A", "X")]));
    assert!(fits("A|exists: true", &[("A", "")]));
    assert!(fits("A|exists: false", &[]));
    assert!(!fits("A|exists: false", &[("A", "")]));
}

#[test]
fn regular_expressions_search_and_count_case() {
    assert!(fits("A|re: 'b+c$'", &[("A", "abbc")]));
    assert!(!fits("A|re: 'B'", &[("A", "b")]));
    assert!(fits("A|re|i: 'B'", &[("A", "b")]));
    assert!(fits("A|re|s: 'a.b'", &[("A", "a\nb")]));
    assert!(fits("A|re|m: '^b'", &[("A", "a\nb")]));
    for bad in ["(", "(?=a)", "(a{1000}){1000}"] {
        let (signatures, problems) =
            Signatures::compile(rules(&[("a", &format!("  s: {{'A|re': '{bad}'}}\n  condition: s"))]));
        assert_eq!(signatures.rules().len(), 0);
        assert_eq!(problems[0].code, "unusable");
    }
}

#[test]
fn networks_hold_addresses_as_logs_write_them() {
    for inside in ["10.1.2.3", "10.1.2.3:50000", "::ffff:10.9.9.9", " 10.0.0.0 "] {
        assert!(fits("A|cidr: 10.0.0.0/8", &[("A", inside)]), "{inside}");
    }
    for outside in ["11.0.0.1", "host", "", "10.0.0", "::1"] {
        assert!(!fits("A|cidr: 10.0.0.0/8", &[("A", outside)]), "{outside}");
    }
    for inside in ["fe80::1", "fe80::1%5", "[fe80::1]", "[fe80::1]:3389"] {
        assert!(fits("A|cidr: fe80::/10", &[("A", inside)]), "{inside}");
    }
    assert!(fits("A|cidr: 0.0.0.0/0", &[("A", "1.2.3.4")]));
    assert!(fits("A|cidr: 1.2.3.4/32", &[("A", "1.2.3.4")]));
    assert!(!fits("A|cidr: 1.2.3.4/32", &[("A", "1.2.3.5")]));
}

#[test]
fn numbers_compare_as_numbers() {
    assert!(fits("A|gt: 9", &[("A", "10")]));
    assert!(!fits("A|gt: 10", &[("A", "10")]));
    assert!(fits("A|gte: 10", &[("A", "0xA")]));
    assert!(fits("A|lt: 0", &[("A", "-5")]));
    assert!(fits("A|lte: 1.5", &[("A", "1.5")]));
    assert!(!fits("A|gte: 0", &[("A", "none")]));
    assert!(!fits("A: 0xA", &[("A", "10")]), "equality is of text");
    assert!(fits("EventID|gte: 7", &[]));
}

#[test]
fn fields_compare_with_fields() {
    assert!(fits("A|fieldref: B", &[("A", "x"), ("B", "X")]));
    assert!(!fits("A|fieldref: B", &[("A", "x"), ("B", "y")]));
    assert!(!fits("A|fieldref: B", &[("A", "x")]));
}

#[test]
fn keywords_stand_anywhere_in_any_value() {
    let found = |text: &str, fields: &[(&str, &str)]| {
        let signatures = compile(rules(&[("a", &format!("  s: {text}\n  condition: s"))]));
        !matching(&signatures, &event(fields)).is_empty()
    };
    assert!(found("[nope, word]", &[("A", "a WORD b")]));
    assert!(found("{'|all': [one, two]}", &[("A", "one"), ("B", "two")]));
    assert!(!found("{'|all': [one, two]}", &[("A", "one")]));
    assert!(!found("[word]", &[("word", "a")]));
}

#[test]
fn system_fields_have_their_sigma_names() {
    for line in [
        "Provider_Name: some-provider",
        "Provider_Name: OTHER",
        "EventID: 7",
        "EventID: [5, 7]",
        "Level: 2",
        "Channel: system",
        "Keywords: '0x8010000000000000'",
        "Version: null",
        "EventRecordID|exists: false",
    ] {
        assert!(fits(line, &[]), "{line}");
    }
    for line in ["Provider_Name: some", "EventID: 70", "Level: 3", "Channel|exists: false"] {
        assert!(!fits(line, &[]), "{line}");
    }
    let mut with_guid = event(&[]);
    with_guid.system.activity_id = Guid::parse("F4201234-5678-49AB-8CDE-0123456789AB");
    for text in ["'{f4201234-5678-49ab-8cde-0123456789ab}'", "F4201234-5678-49AB-8CDE-0123456789AB"] {
        let signatures = compile(rules(&[("a", &format!("  s: {{Correlation_ActivityID: {text}}}\n  condition: s"))]));
        assert_eq!(matching(&signatures, &with_guid), ["a"]);
    }
    assert_eq!(value_of(&event(&[("A", "1")]), "A").as_deref(), Some("1"));
    assert_eq!(value_of(&event(&[]), "EventID").as_deref(), Some("7"));
    assert_eq!(value_of(&event(&[]), "Computer"), None);
}

#[test]
fn unnamed_values_are_reached_by_name_and_position() {
    let data = [("", "first"), ("", "second")];
    assert!(fits("Data: second", &data));
    assert!(fits("param2: second", &data));
    assert!(!fits("param1: second", &data));
}

#[test]
fn conditions_join_searches() {
    let fits = |condition: &str, fields: &[(&str, &str)]| {
        let text = format!("  x: {{A: 1}}\n  y: {{B: 1}}\n  f: [{{C: 1}}, {{D: 1}}]\n  condition: {condition}");
        !matching(&compile(rules(&[("a", &text)])), &event(fields)).is_empty()
    };
    assert!(fits("x and not f", &[("A", "1")]));
    assert!(!fits("x and not f", &[("A", "1"), ("D", "1")]));
    assert!(fits("1 of them", &[("D", "1")]));
    assert!(!fits("all of them", &[("A", "1"), ("B", "1")]));
    assert!(fits("[x, y]", &[("B", "1")]));
    assert!(fits("(x or y) and f", &[("B", "1"), ("C", "1")]));
    assert!(!fits("x or y and f", &[("B", "1")]));
}

#[test]
fn events_meet_only_rules_that_can_match_and_all_of_those() {
    let all = rules(&[
        ("pinned", "  s: {Provider_Name: Some-Provider, EventID: 7}\n  condition: s"),
        ("by_source", "  s: {Provider_Name: other, EventID: [6, 7]}\n  condition: s"),
        ("by_provider", "  s: {Provider_Name: SOME-PROVIDER}\n  condition: s"),
        ("by_id", "  s: {EventID: 7}\n  condition: s"),
        ("by_either", "  s: [{Provider_Name: A, EventID: 1}, {EventID: 7, Level: 2}]\n  condition: s"),
        ("two_names", "  s: {Provider_Name: Some-Provider}\n  t: {Provider_Name: Other}\n  condition: s and t"),
        ("negated", "  s: {EventID: 7}\n  t: {Provider_Name: Nobody}\n  condition: s and not t"),
        ("open", "  s: {Channel: System}\n  condition: s"),
        ("begins", "  s: {Provider_Name|startswith: Some, EventID: 7}\n  condition: s"),
        ("other_id", "  s: {Provider_Name: Some-Provider, EventID: 8}\n  condition: s"),
        ("other_name", "  s: {Provider_Name: Nobody, EventID: 7}\n  condition: s"),
    ]);
    let signatures = compile(all);
    let found = matching(&signatures, &event(&[]));
    let wanted = ["begins", "by_either", "by_id", "by_provider", "by_source", "negated", "open", "pinned", "two_names"];
    assert_eq!(found, wanted);
    assert_eq!(signatures.unpinned(), ["open"]);
}

#[test]
fn what_is_wanted_covers_tests_captures_words_and_groups() {
    let (all, _) = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures"));
    let signatures = compile(all);
    let interest = signatures.interest();
    let names = |fields: &Fields| match fields {
        Fields::All => panic!("all"),
        Fields::Named(names) => names.fields.keys().cloned().collect::<Vec<_>>(),
    };
    let client = interest.provider("Microsoft-Windows-TerminalServices-ClientActiveXCore").unwrap();
    assert_eq!(names(client.fields(1026).unwrap()), ["Value"]);
    assert!(client.fields(1024).is_none(), "words alone want no record");
    assert_eq!(names(interest.provider("SCHANNEL").unwrap().fields(36870).unwrap()), ["Type"]);
    let logon = names(interest.any_provider().fields(4624).unwrap());
    assert_eq!(logon, ["IpAddress", "LogonType", "TargetUserName"]);
    assert!(interest.any_provider().others.is_none());
}

#[test]
fn one_look_up_tells_all_that_is_wanted() {
    let signatures = compile(rules(&[
        ("one", "  s: {Provider_Name: P, EventID: 1, A: x}\n  condition: s"),
        ("two", "  s: {Provider_Name: P, B: x, param2: y}\n  condition: s"),
        ("three", "  s: {EventID: 1, C: x}\n  condition: s"),
        ("words", "  s: {EventID: 2}\n  t: [keyword]\n  condition: s and t"),
    ]));
    let interest = signatures.interest();
    let wanted = interest.provider("p").unwrap();
    let one = wanted.fields(1).unwrap();
    assert!(["A", "B", "C", "param2", "Data"].iter().all(|name| one.wants(name)));
    assert!(!wanted.fields(9).unwrap().wants("A"));
    assert_eq!(wanted.fields(2), Some(&Fields::All));
    assert_eq!(interest.any_provider().fields(2), Some(&Fields::All));
    assert!(interest.any_provider().fields(9).is_none());
}

#[test]
fn a_rule_that_can_never_match_is_told_of() {
    let (signatures, problems) =
        Signatures::compile(rules(&[("a", "  s: {EventID: 1}\n  t: {EventID: 2}\n  condition: s and t")]));
    assert_eq!(signatures.rules().len(), 0);
    assert_eq!(problems[0].rule.as_deref(), Some("a"));
}

#[test]
fn words_decode_codes_in_place() {
    let (all, _) = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures"));
    let signatures = compile(all);
    let provider = "microsoft-windows-terminalservices-clientactivexcore";
    let message = |id: u32, value: Option<&str>| signatures.message(provider, "", id, &|_| value.map(str::to_owned));
    assert_eq!(message(1026, Some("2308")).unwrap(), "mstsc was disconnected: 2308 (0x904, socket closed)");
    assert_eq!(message(1026, Some("9999")).unwrap(), "mstsc was disconnected: 9999 (0x270F)");
    assert_eq!(message(1026, None).unwrap(), "mstsc was disconnected");
    assert_eq!(message(1, None), None);
    assert_eq!(signatures.decode("disconnect", "1"), "1 (closed by the client)");
    assert_eq!(signatures.decode("status", "-1073741718"), "0xC000006A (wrong password)");
    assert_eq!(signatures.decode("status", "0x80070005"), "0x80070005 (access denied)");
    assert_eq!(signatures.decode("status", "%%2313"), "%%2313 (unknown user name or wrong password)");
    assert_eq!(signatures.decode("status", "%%5"), "0x5 (access denied)");
    assert_eq!(signatures.decode("disconnect", "0x904"), "0x904 (socket closed)");
    assert_eq!(signatures.decode("disconnect", "77"), "77");
    assert_eq!(signatures.decode("status", "no number"), "no number");
    assert_eq!(signatures.short(provider), "RDPClient");
    assert_eq!(signatures.short("Microsoft-Windows-Kernel-General"), "Kernel-General");
    assert_eq!(signatures.short("Schannel"), "Schannel");
}

#[test]
fn rules_tell_their_providers_and_providers_their_channel() {
    let (all, _) = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures"));
    let signatures = compile(all);
    let rule = |slug: &str| signatures.rule(slug).unwrap();
    assert_eq!(signatures.providers(rule("schannel_36870_server")), ["Schannel"]);
    assert!(signatures.providers(rule("win_security_rdp_logon")).is_empty());
    let provider = &signatures.providers(rule("rdpclient_1026_disconnect"))[0];
    assert_eq!(signatures.channel(provider), Some("Microsoft-Windows-TerminalServices-RDPClient/Operational"));
    assert_eq!(signatures.channel("Schannel"), None);
}

#[test]
fn a_users_folder_overrides_by_slug_and_id() {
    let (mut all, _) = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures"));
    let before = all.sha256.clone();
    let mut over = rules(&[("schannel_36870_server", "  s: {EventID: 1}\n  condition: s")]);
    over.rules[0].about = About { title: "Mine".into(), ..About::default() }.into();
    let mut renamed: Rule = all.rules[0].clone();
    renamed.slug = "another_name".into();
    over.rules.push(renamed);
    over.codes.insert("disconnect".into(), vec![]);
    all.merge(over);
    let slugs: Vec<&str> = all.rules.iter().map(|rule| rule.slug.as_str()).collect();
    assert_eq!(slugs, ["another_name", "schannel_36870_server", "win_security_rdp_logon"]);
    assert_eq!(all.rules[1].about.title, "Mine");
    assert_eq!(all.codes["disconnect"].len(), 3);
    assert_ne!(all.sha256, before);
}

#[test]
fn examples_that_do_not_hold_are_told_of() {
    let (all, _) = load_dir(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/signatures"));
    for rule in &all.rules {
        assert_eq!(test_rule(rule), Ok(()), "{}", rule.slug);
    }
    let mut rule = all.rules[0].clone();
    let meaning = rule.meaning.as_mut().unwrap();
    std::mem::swap(&mut meaning.tests.hits, &mut meaning.tests.misses);
    assert_eq!(test_rule(&rule).unwrap_err().len(), 2);
    rule.meaning.as_mut().unwrap().tests.misses.clear();
    rule.meaning.as_mut().unwrap().tests.hits[0].insert("EventID".into(), vec!["many".into()]);
    let wrong = test_rule(&rule).unwrap_err();
    assert!(wrong[0].contains("EventID") && wrong[1].contains("no example"), "{wrong:?}");
}

#[test]
fn signatures_are_shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Signatures>();
}
