//! Nothing that is known of causes got lost: every cause is there, and every record that is known
//! to prove one is asked for by that cause, or stands in a list with the reason why not.
//!
//! The knowledge base lies beside the repository; where it does not, this says so and passes.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests speak and end so")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use whyrdp::signature::definition::{Bearing, Cause, Clue, Definitions, Example, Observation, Role};
use whyrdp::signature::read::{Node, NodeValue, parse_yaml};
use whyrdp::signature::{Signatures, event};

/// Causes that no record proves: logs alone can make them probable at most.
const NEVER_CONFIRMED: &[&str] = &[
    "host-unreachable",
    "perimeter-firewall-blocks-rdp",
    "network-profile-public",
    "vpn-dns-kdc-split-tunnel",
    "mtu-black-hole",
    "middlebox-resets-connection",
    "nat-idle-timeout",
    "link-loss-roaming",
    "rdp-disabled-local",
    "rdp-disabled-by-gpo",
    "policy-refresh-flaps-listener",
    "listener-disabled-or-logon-disabled",
    "rdp-port-changed",
    "listener-bound-to-wrong-nic",
    "max-connections-reached",
    "edition-cannot-host",
    "patched-termsrv",
    "legacy-client-no-tls12",
    "fips-mismatch",
    "security-layer-mismatch",
    "cert-weak-key-or-signature",
    "rdp-cert-services-stopped",
    "credssp-server-forces-updated-clients",
    "credential-guard-blocks-saved",
    "restricted-admin-refused",
    "remote-credential-guard-unmet",
    "domain-creds-disabled-lsa",
    "rodc-smartcard-key-mismatch",
    "deny-ts-user-attribute",
    "entra-account-or-mfa",
    "mfa-agent-denies",
    "lic-client-store-access-denied",
    "lic-per-user-in-workgroup",
    "gw-client-distrusts-gateway-cert",
    "session-leak-rds-busy",
    "client-audio-blocking-call",
    "udp-path-unstable",
    "tls-inspection-endpoint",
    "bad-rdp-file-settings",
    "bitmap-cache-corrupt",
    "client-policy-blocks",
    "upd-2026-01-credential-prompt",
    "upd-2025-02-session-freeze",
    "upd-24h2-udp-65s",
    "rdp-config-tampering",
];

fn knowledge() -> Option<Vec<Node>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/knowledge/causes.yaml");
    let Ok(text) = fs::read_to_string(&file) else {
        eprintln!("skipped: there is no {}", file.display());
        return None;
    };
    let (documents, error) = parse_yaml(&text);
    assert_eq!(error, None);
    let NodeValue::Sequence(causes) = &documents[0].get("causes").unwrap().value else { panic!("no list of causes") };
    Some(causes.clone())
}

fn text<'a>(node: &'a Node, key: &str) -> &'a str {
    node.get(key).and_then(Node::text).unwrap_or_default()
}

/// A list, or one thing alone.
fn items(node: Option<&Node>) -> Vec<&Node> {
    match node.map(|node| (&node.value, node)) {
        None => Vec::new(),
        Some((NodeValue::Sequence(items), _)) => items.iter().collect(),
        Some((_, node)) => vec![node],
    }
}

/// Provider in lower case and event id.
type Key = (String, u32);

/// What proves a cause: provider and event id, with the values that must stand in it.
struct Proof<'a> {
    key: Key,
    values: Option<&'a Node>,
}

fn proofs(cause: &Node) -> Vec<Proof<'_>> {
    let mut found = Vec::new();
    for proof in items(cause.get("proves")) {
        for id in items(proof.get("event_id")) {
            let Some(id) = id.text().and_then(|id| id.parse().ok()) else { continue };
            for provider in items(proof.get("provider")) {
                let key = (provider.text().unwrap_or_default().to_lowercase(), id);
                found.push(Proof { key, values: proof.get("where") });
            }
        }
    }
    found
}

/// What the signatures ask for, by rule.
struct Known {
    all: Definitions,
    signatures: Signatures,
    keys: BTreeMap<String, BTreeSet<Key>>,
}

impl Known {
    fn new() -> Self {
        let all = Definitions::builtin();
        let mut keys: BTreeMap<String, BTreeSet<Key>> = BTreeMap::new();
        for rule in &all.rules {
            let alone = Definitions { rules: vec![rule.clone()], ..Definitions::default() };
            let interest = Signatures::compile(alone).0.interest().clone();
            let of = |(name, wanted): (&str, &whyrdp::event::Wanted)| {
                wanted.ids.keys().map(|id| (name.to_owned(), *id)).collect::<Vec<Key>>()
            };
            keys.insert(rule.slug.clone(), interest.providers().flat_map(of).collect());
        }
        let (signatures, _) = Signatures::compile(all.clone());
        Known { all, signatures, keys }
    }

    fn cause(&self, id: &str) -> Option<&Cause> {
        self.all.causes.iter().find(|cause| cause.id == id)
    }

    /// Rules that a cause names with one of these bearings, by state and by correlation too.
    fn named<'a>(&'a self, cause: &'a Cause, bearings: &[Bearing]) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        for clue in cause.evidence.iter().filter(|clue| bearings.contains(&clue.bearing)) {
            match &clue.what {
                Observation::Rule(rule) | Observation::Absent { rule, .. } => {
                    found.insert(rule.as_str());
                }
                Observation::Sequence { rules, .. } => found.extend(rules.iter().map(String::as_str)),
                Observation::State { state, value, .. } => {
                    let sets = |rule: &&whyrdp::signature::definition::Rule| {
                        let setting = rule.meaning.as_ref().and_then(|meaning| meaning.sets.as_ref());
                        setting.is_some_and(|set| set.state == *state && set.value == *value)
                    };
                    found.extend(self.all.rules.iter().filter(sets).map(|rule| rule.slug.as_str()));
                }
                Observation::SessionAfter { .. } => {}
            }
        }
        for correlation in &self.all.correlations {
            if found.contains(correlation.slug.as_str()) {
                found.extend(correlation.rules.iter().map(String::as_str));
            }
        }
        found
    }

    fn asks(&self, rules: &BTreeSet<&str>, key: &Key) -> bool {
        rules.iter().any(|rule| self.keys.get(*rule).is_some_and(|keys| keys.contains(key)))
    }
}

/// Cause, provider and id of records that prove nothing here, from `signatures/left_out.tsv`.
fn left_out() -> BTreeSet<(String, Key)> {
    let text = include_str!("../signatures/left_out.tsv");
    let rows = text.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| {
        let cells: Vec<&str> = row.split('\t').collect();
        let [cause, provider, id, reason] = cells[..] else { panic!("{row}: not four cells") };
        assert!(reason.len() > 30, "{row}: a reason says why");
        (cause.to_owned(), (provider.to_lowercase(), id.parse().unwrap()))
    })
    .collect()
}

#[test]
fn every_cause_is_there() {
    let Some(knowledge) = knowledge() else { return };
    let known = Known::new();
    let wanted: BTreeSet<&str> = knowledge.iter().map(|cause| text(cause, "id")).collect();
    let there: BTreeSet<&str> = known.all.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(wanted.len(), 165);
    assert_eq!(wanted.difference(&there).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn every_record_that_proves_is_asked_for_or_left_out_with_a_reason() {
    let Some(knowledge) = knowledge() else { return };
    let known = Known::new();
    let mut unused = left_out();
    let mut wrong = Vec::new();
    for cause in &knowledge {
        let id = text(cause, "id");
        let Some(ours) = known.cause(id) else { continue };
        let decides = known.named(ours, &[Bearing::Proof, Bearing::Standing]);
        let any = known.named(ours, Bearing::ALL);
        for Proof { key, .. } in proofs(cause) {
            let listed = unused.remove(&(id.to_owned(), key.clone()));
            match (known.asks(&decides, &key), listed) {
                (true, false) => {}
                (true, true) => wrong.push(format!("{id}: {key:?} proves, and yet is left out")),
                (false, true) if known.asks(&any, &key) => {}
                (false, true) => wrong.push(format!("{id}: {key:?} is not even asked for as a support")),
                (false, false) => wrong.push(format!("{id}: no proof asks for {key:?}")),
            }
        }
    }
    wrong.extend(unused.iter().map(|row| format!("left_out.tsv names what nobody knows: {row:?}")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the knowledge base leaves to be understood: the rules ask for more than the values that tell.
fn context(provider: &str, id: u32) -> Example {
    let fields: &[(&str, &str)] = match (provider, id) {
        ("microsoft-windows-security-auditing", 4625) => &[("LogonType", "3"), ("IpAddress", "10.0.2.17")],
        ("schannel", 36874) => &[("Protocol", "TLS 1.2")],
        ("microsoft-windows-capi2", _) => &[("EventAuxInfo_ProcessName", "mstsc.exe")],
        // `TermService/1`: the state's name is another in every language.
        ("service control manager", 7036) => &[("Binary", "5400650072006D0053006500720076006900630065002F0031000000")],
        _ => &[],
    };
    fields.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}

/// An event with these values, for each value of a list; `None` where a value is only described.
fn events(proof: &Proof<'_>, provider: &str) -> Option<Vec<Example>> {
    let mut first = context(provider, proof.key.1);
    first.insert("Provider_Name".to_owned(), vec![provider.to_owned()]);
    first.insert("EventID".to_owned(), vec![proof.key.1.to_string()]);
    let mut all = vec![first];
    // How many there were is for correlations.
    for entry in proof.values.map(Node::entries).unwrap_or_default().iter().filter(|entry| entry.key != "count") {
        let values: Vec<&Node> = match &entry.value.value {
            NodeValue::Mapping(_) => items(Some(entry.value.get("in")?)),
            _ => vec![&entry.value],
        };
        let position = entry.key.strip_prefix("Data[").and_then(|rest| rest.strip_suffix(']')?.parse::<usize>().ok());
        let last_bytes = entry.key == "Binary.last_dword_le";
        let name = match position {
            Some(at) => format!("param{}", at + 1),
            None if last_bytes => "Binary".to_owned(),
            None => entry.key.replace('.', "_"),
        };
        let mut next = Vec::new();
        for value in values {
            for event in &all {
                let mut event = event.clone();
                let mut text = value.text()?.replace("<rdp port>", "3389");
                if last_bytes {
                    let number = u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()?;
                    text = format!("0000{:08X}", number.swap_bytes());
                }
                event.insert(name.clone(), vec![text]);
                next.push(event);
            }
        }
        all = next;
    }
    Some(all)
}

#[test]
fn every_value_that_proves_is_matched_by_a_rule_of_its_cause() {
    let Some(knowledge) = knowledge() else { return };
    let known = Known::new();
    let mut wrong = Vec::new();
    let mut matched = Vec::new();
    let mut tried = 0;
    for cause in &knowledge {
        let id = text(cause, "id");
        let Some(ours) = known.cause(id) else { continue };
        let named = known.named(ours, Bearing::ALL);
        for proof in proofs(cause).iter().filter(|proof| proof.values.is_some()) {
            for example in events(proof, &proof.key.0).into_iter().flatten() {
                tried += 1;
                known.signatures.matches(&event(&example).unwrap(), &mut matched);
                let rules = matched.iter().filter_map(|id| known.signatures.rule_at(*id));
                if !rules.into_iter().any(|rule| named.contains(rule.slug.as_str())) {
                    wrong.push(format!("{id}: {example:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_no_record_proves_is_never_confirmed_by_logs_alone() {
    let Some(knowledge) = knowledge() else { return };
    let known = Known::new();
    let without: Vec<&str> =
        knowledge.iter().filter(|cause| proofs(cause).is_empty()).map(|cause| text(cause, "id")).collect();
    assert_eq!(without, NEVER_CONFIRMED);
    for id in without {
        let cause = known.cause(id).unwrap();
        let decides = |bearing| matches!(bearing, Bearing::Proof | Bearing::Standing);
        // Packets are no log: they show what no record tells.
        let packets = |clue: &Clue| match &clue.what {
            Observation::Rule(slug) => {
                let rule = known.signatures.rule(slug);
                rule.and_then(|rule| rule.meaning.as_ref()).is_some_and(|meaning| meaning.host == Role::Network)
            }
            _ => false,
        };
        let proof = cause.evidence.iter().any(|clue| decides(clue.bearing) && !packets(clue));
        assert!(!proof, "{id} has a proof");
    }
}
