//! Causes, their families, and the phases in which they strike.

use super::topic::{Kind, Line, Topic};
use super::{dialogs, records};
use crate::signature::Signatures;
use crate::signature::definition::{Bearing, Cause, Clue, Observation, Phase};

/// A cause in a line, with the records that prove it.
pub fn line(signatures: &Signatures, cause: &Cause) -> Line {
    let mut shown: Vec<String> = Vec::new();
    for clue in cause.evidence.iter().filter(|clue| matches!(clue.bearing, Bearing::Proof | Bearing::Standing)) {
        for slug in rules(&clue.what) {
            let places = records::places(signatures, slug);
            if !places.is_empty() && !shown.contains(&places) {
                shown.push(places);
            }
        }
    }
    let shown = match shown.is_empty() {
        true => "no record proves it".to_owned(),
        false => format!("shown by {}", shown.join("; ")),
    };
    let title = format!("{} ({})", cause.title.trim_end_matches('.'), cause.family);
    Line { text: title, cause: Some(cause.id.clone()), more: vec![shown] }
}

fn rules(what: &Observation) -> Vec<&str> {
    match what {
        Observation::Rule(rule) | Observation::Absent { rule, .. } => vec![rule],
        Observation::Sequence { rules, .. } => rules.iter().map(String::as_str).collect(),
        Observation::State { .. } | Observation::SessionAfter { .. } => Vec::new(),
    }
}

/// Everything about a cause.
pub fn cause(signatures: &Signatures, cause: &Cause) -> Topic {
    let mut topic = Topic::new(Kind::Cause, cause.id.clone(), cause.title.clone());
    topic.fact("family", cause.family.clone());
    topic.fact("severity", cause.severity.word());
    let phases: Vec<&str> = cause.phases.iter().map(|phase| phase.word()).collect();
    topic.fact("phases", phases.join(", "));
    topic.fact("role needed", cause.requires.role.map(|role| role.word().to_owned()).unwrap_or_default());
    topic.fact("ATT&CK", cause.attack.join(", "));
    topic.section("What happens", vec![Line::plain(cause.explanation.trim())]);
    let codes = cause.codes.iter().map(|pair| {
        let extended = pair.extended.map(|extended| format!("/{extended:#x}")).unwrap_or_default();
        let meaning = signatures.code("disconnect", pair.code).map(|code| format!(": {}", code.meaning));
        let how = if pair.typical { "typical" } else { "possible" };
        Line::plain(format!("{:#x}{extended} ({how}){}", pair.code, meaning.unwrap_or_default()))
    });
    topic.section("Codes that mstsc shows", codes.collect());
    for (bearing, name) in [
        (Bearing::Proof, "What proves it"),
        (Bearing::Standing, "Conditions that stand behind it"),
        (Bearing::Support, "What speaks for it"),
        (Bearing::Refute, "What speaks against it"),
    ] {
        let clues = cause.evidence.iter().filter(|clue| clue.bearing == bearing);
        topic.section(name, clues.map(|clue| clue_line(signatures, clue)).collect());
    }
    topic.texts("What to look at besides logs", &cause.check);
    topic.steps("Repair", false, &cause.fix);
    topic.steps("Advice that does harm", true, &cause.avoid);
    topic.steps("How to see that it is repaired", false, &cause.verify);
    dialogs::of_cause(signatures, &mut topic, cause);
    let title = |id: &String| Line {
        text: signatures.cause(id).map_or_else(|| id.clone(), |cause| cause.title.clone()),
        cause: Some(id.clone()),
        more: Vec::new(),
    };
    topic.section("What may lie behind it", cause.caused_by.iter().map(title).collect());
    let after = signatures.causes().iter().filter(|other| other.caused_by.contains(&cause.id));
    topic.section("What it may lead to", after.map(|other| title(&other.id)).collect());
    topic.texts("Sources", &cause.references);
    topic
}

fn clue_line(signatures: &Signatures, clue: &Clue) -> Line {
    let title = |slug: &str| {
        let rule = signatures.rule(slug).map(|rule| rule.about.title.as_str());
        let many = signatures.correlations().iter().find(|one| one.slug == slug).map(|one| one.title.as_str());
        let places = records::places(signatures, slug);
        let places = if places.is_empty() { String::new() } else { format!(" [{places}]") };
        format!("{}{places}", rule.or(many).unwrap_or(slug))
    };
    let text = match &clue.what {
        Observation::Rule(slug) => title(slug),
        Observation::State { state, value, .. } => {
            let sets = signatures.rules().filter(|rule| {
                let set = rule.meaning.as_ref().and_then(|meaning| meaning.sets.as_ref());
                set.is_some_and(|set| set.state == *state && set.value == *value)
            });
            let places: Vec<String> = sets.map(|rule| records::places(signatures, &rule.slug)).collect();
            format!("State {state} is {value} [{}]", places.join("; "))
        }
        Observation::Absent { rule, needs } => {
            let cover = if needs.len() == 1 { "covers" } else { "cover" };
            format!("Missing, although {} {cover} the time: {}", needs.join(" and "), title(rule))
        }
        Observation::Sequence { rules, .. } => rules.iter().map(|slug| title(slug)).collect::<Vec<_>>().join(", then "),
        Observation::SessionAfter { cause, least } => {
            let other = signatures.causes().iter().find(|other| other.id == *cause);
            let what = other.map_or(cause.as_str(), |other| other.title.trim_end_matches('.'));
            format!("A session from an address with at least {least} failed attempts of: {what}")
        }
    };
    let after = clue.after.iter().map(|slug| format!("only if it came after: {}", title(slug)));
    let why = Some(clue.why.clone()).filter(|why| !why.is_empty());
    Line { text, cause: None, more: why.into_iter().chain(after).collect() }
}

/// All causes of a family.
pub fn family(signatures: &Signatures, name: &str) -> Option<Topic> {
    let lines: Vec<Line> =
        signatures.causes().iter().filter(|cause| cause.family == name).map(|cause| line(signatures, cause)).collect();
    let mut topic = Topic::new(Kind::Family, name, format!("{} causes of the family {name}", lines.len()));
    (!lines.is_empty()).then(|| {
        topic.section("Causes", lines);
        topic
    })
}

/// What shows a phase entered or failed, and what goes wrong in it.
pub fn phase(signatures: &Signatures, phase: Phase) -> Topic {
    let mut topic = Topic::new(Kind::Phase, phase.word(), about(phase));
    let before = Phase::ALL.iter().rev().find(|other| **other < phase).map(|other| other.word());
    topic.fact("comes after", before.unwrap_or_default());
    topic.fact("comes before", phase.next(true).map(|other| other.word()).unwrap_or_default());
    let rules = |entered: bool| {
        let wanted = signatures.rules().filter(|rule| {
            let meaning = rule.meaning.as_ref();
            meaning.and_then(|m| if entered { m.reaches } else { m.stops }) == Some(phase)
        });
        wanted.map(|rule| records::line(signatures, rule)).collect::<Vec<Line>>()
    };
    topic.section("What shows that it was entered", rules(true));
    topic.section("What shows that it failed", rules(false));
    let causes = signatures.causes().iter().filter(|cause| cause.phases.contains(&phase));
    topic.section("Causes that strike in it", causes.map(|cause| line(signatures, cause)).collect());
    topic
}

/// A phase in a line.
pub fn about(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "The client resolves the name of the server",
        Phase::Tcp => "The TCP connection to the listener, or to the gateway",
        Phase::GatewayTransport => "HTTPS or WebSocket to the gateway",
        Phase::GatewayAuth => "Authentication at the gateway",
        Phase::GatewayCap => "Connection authorization policy: may this user come in",
        Phase::GatewayRap => "Resource authorization policy: may the user reach this computer",
        Phase::GatewayTarget => "The gateway connects to the target",
        Phase::X224 => "Negotiation of the security protocol",
        Phase::Tls => "The TLS handshake",
        Phase::Credssp => "CredSSP, that is Network Level Authentication",
        Phase::Mcs => "Exchange of settings and channels",
        Phase::Licensing => "Exchange of the licence, on session hosts",
        Phase::BrokerRedirect => "The broker decides, the client connects again to the host it was given",
        Phase::SessionArbitration => "Which session: accept, limits, an older session",
        Phase::Logon => "Logon of the session by Winlogon",
        Phase::ProfileShell => "Profile, policies and shell start",
        Phase::Graphics => "Graphics and channels start, up to the first picture",
        Phase::Established => "The session works; what fails from here on is a drop",
    }
}
