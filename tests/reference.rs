//! What `explain` answers, and that the pages of the documentation say the same.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use whyrdp::reference::{Kind, Topic, explain, json, markdown, pages};
use whyrdp::signature::Signatures;

fn signatures() -> &'static Signatures {
    static READY: OnceLock<Signatures> = OnceLock::new();
    READY.get_or_init(|| Signatures::open(true, &[]).0)
}

fn topics(asked: &str) -> Vec<Topic> {
    explain(signatures(), asked).topics
}

fn ids(asked: &str) -> Vec<String> {
    topics(asked).into_iter().map(|topic| topic.id).collect()
}

fn first(asked: &str) -> Topic {
    topics(asked).into_iter().next().unwrap_or_else(|| panic!("nothing about {asked}"))
}

/// Lines of a section with what hangs on them.
fn section(topic: &Topic, name: &str) -> String {
    let found = topic.sections.iter().filter(|section| section.name.contains(name));
    found.flat_map(|s| &s.lines).map(|line| format!("{line:?}\n")).collect()
}

#[test]
fn a_message_number_is_no_disconnect_reason() {
    let both = ids("2308");
    assert_eq!(both[0], "disconnect/2308");
    assert!(both.contains(&"messages/2308".to_owned()));
    assert_eq!(ids("%%2308"), ["messages/2308"]);
    assert_eq!(ids("0x904")[0], "disconnect/2308");
    assert!(first("%%2308").title.contains("logon"));
}

#[test]
fn each_meaning_of_a_small_number_is_shown_with_its_space() {
    let seven = topics("0x7");
    let spaces: BTreeSet<String> = seven
        .iter()
        .flat_map(|topic| &topic.facts)
        .filter(|f| f.name == "kind of number")
        .map(|f| f.value.clone())
        .collect();
    assert!(spaces.len() >= 3, "{spaces:?}");
    assert!(seven.iter().any(|topic| topic.id == "extended/7"));
}

#[test]
fn a_code_pair_says_what_fits_what_tells_apart_and_what_harms() {
    let pair = first("0x904/0x7");
    assert_eq!((pair.kind, pair.id.as_str()), (Kind::Pair, "0x904/0x7"));
    let typical = section(&pair, "of which it is typical");
    assert!(typical.contains("machinekeys-acl-broken") && typical.contains("Schannel 36870 (System)"), "{typical}");
    assert!(section(&pair, "may show it too").contains("drain-mode"));
    assert!(section(&pair, "does not say").contains("excludes certificates"));
    let harm = section(&pair, "does harm");
    assert!(harm.contains("MachineKeys") && harm.contains("NLA"), "{harm}");
    assert_eq!(section(&pair, "claimed").matches("0x904/0x7 comes from").count(), 11);
    for other in ["2308/7", "0x904 / 7", "0X904/0X7"] {
        assert_eq!(ids(other), ["0x904/0x7"], "{other}");
    }
    // Status and SubStatus of one record.
    let both = ids("0xC000006D/0xC000006A");
    assert!(both.contains(&"status/3221225581".to_owned()) && both.contains(&"status/3221225578".to_owned()));
}

#[test]
fn a_status_leads_to_signatures_and_causes() {
    for asked in ["0xC000006A", "-1073741718", "STATUS_WRONG_PASSWORD", "c000006a"] {
        let code = first(asked);
        assert_eq!(code.id, "status/3221225578", "{asked}");
        assert!(section(&code, "Causes").contains("bad-password"), "{asked}");
    }
    let plain = topics("0x2").into_iter().find(|topic| topic.id == "status/2").unwrap();
    assert_eq!(first("0x80070002").title, plain.title, "a Win32 error as HRESULT");
}

#[test]
fn events_by_any_name_of_their_provider() {
    for asked in ["LsaSrv/6041", "lsasrv 6041", "lsas/6041"] {
        assert!(section(&first(asked), "bears on").contains("credssp"), "{asked}");
    }
    assert!(first("RDPClient/1026").title.contains("<Value>"));
    assert_eq!(first("Microsoft-Windows-TerminalServices-ClientActiveXCore/1026").id, "RDPClient/1026");
    assert_eq!(first("4625").id, "Security/4625");
    assert!(first("RDPClient").sections[0].lines.len() > 5);
}

#[test]
fn causes_signatures_phases_and_families() {
    let cause = first("machinekeys-acl-broken");
    assert_eq!(cause.kind, Kind::Cause);
    assert!(cause.sections.iter().any(|section| section.warning));
    assert_eq!(first("schannel_36870_server_unknown_credentials").kind, Kind::Signature);
    assert!(section(&first("tls"), "strike in it").contains("tls-no-common-cipher"));
    let both: Vec<Kind> = topics("licensing").iter().map(|topic| topic.kind).collect();
    assert_eq!(both, [Kind::Phase, Kind::Family]);
}

#[test]
fn dialogs_are_found_as_users_paste_them() {
    for (text, id) in [
        ("The function requested is not supported", "function-not-supported"),
        (
            "An authentication error has occurred.\r\nThe function requested is not supported\r\n\r\nRemote computer: SRV01",
            "function-not-supported",
        ),
        ("this could be due to CREDSSP encryption oracle remediation", "credssp-oracle"),
        ("An internal error has occurred.", "internal-error"),
        ("Es ist ein interner Fehler aufgetreten.", "internal-error"),
        ("Une erreur interne s’est produite.", "internal-error"),
        ("The Local Security Authority cannot be contacted", "lsa-not-contacted"),
        ("because there are no Remote Desktop License Servers available to provide a license", "no-license-servers"),
        ("Es sind keine Remotedesktop-Lizenzserver verfügbar", "no-license-servers"),
        (
            "The identity of the remote computer cannot be verified. Do you want to connect anyway?",
            "identity-not-verified",
        ),
        ("Your credentials did not work", "credentials-did-not-work"),
        (
            "The connection was denied because the user account is not authorized for remote login.",
            "not-authorized-remote-login",
        ),
        ("Because of a security error, the client could not connect to the remote computer.", "security-error"),
        ("Another user is connected to the remote computer, so your connection was lost.", "session-taken-over"),
        ("The user name or password is incorrect. Try again.", "wrong-user-or-password"),
        ("This computer can't connect to the remote computer.", "computer-cannot-connect"),
        ("Your Remote Desktop Services session has ended.", "session-ended"),
    ] {
        let found = topics(text);
        let dialogs: Vec<&str> =
            found.iter().filter(|topic| topic.kind == Kind::Dialog).map(|topic| topic.id.as_str()).collect();
        assert!(dialogs.contains(&id), "{text}: {dialogs:?}");
        assert!(dialogs.len() <= 3, "{text}: {dialogs:?}");
    }
    assert_eq!(topics("We had lunch and the printer is broken").len(), 0);
}

#[test]
fn every_dialog_is_found_by_every_key_of_its_own() {
    let mut lost = Vec::new();
    for dialog in signatures().dialogs() {
        for key in dialog.keys.values().flatten() {
            if signatures().dialogs_in(key).iter().all(|found| found.id != dialog.id) {
                lost.push(format!("{}: {key}", dialog.id));
            }
        }
        assert!(dialog.keys.contains_key("en"), "{}", dialog.id);
    }
    assert!(lost.is_empty(), "another dialog has all words and more:\n{}", lost.join("\n"));
    assert!(signatures().dialogs().len() >= 60);
}

#[test]
fn codes_inside_a_pasted_text_are_explained_too() {
    let found = ids("Your session has ended. Error code: 0x904 Extended error code: 0x7");
    assert!(found.contains(&"0x904/0x7".to_owned()), "{found:?}");
}

#[test]
fn what_is_misspelled_has_names_near_it() {
    for (asked, near) in [
        ("machinekey-acl-broken", "machinekeys-acl-broken"),
        ("STATUS_LOGON_FAILUR", "STATUS_LOGON_FAILURE"),
        ("schanel", "Schannel"),
        ("grace", "lic-grace-expired"),
    ] {
        let answer = explain(signatures(), asked);
        assert!(answer.topics.is_empty(), "{asked}");
        assert!(answer.near.iter().any(|name| name == near), "{asked}: {:?}", answer.near);
    }
    assert!(explain(signatures(), "").near.is_empty());
    assert!(explain(signatures(), &"x".repeat(100_000)).near.is_empty());
}

#[test]
fn every_form_says_the_same_twice() {
    let answers = || [explain(signatures(), "0x904/0x7"), explain(signatures(), "nonsense-of-mine")];
    let value: serde_json::Value = serde_json::from_str(&json(&answers()).unwrap()).unwrap();
    assert_eq!(value["schema_version"], 1);
    assert_eq!(value["answers"][0]["topics"][0]["kind"], "pair");
    assert_eq!(json(&answers()).unwrap(), json(&answers()).unwrap());
    let page = markdown(&answers());
    assert!(page.starts_with("# ") && page.contains("Nothing is known about nonsense-of-mine."), "{page}");
}

#[test]
fn the_pages_of_the_documentation_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/causes");
    let pages = pages(signatures());
    let mut wrong = Vec::new();
    for (name, page) in &pages {
        let there = fs::read_to_string(folder.join(name)).unwrap_or_default().replace("\r\n", "\n");
        if there != *page {
            wrong.push(format!("{name} differs"));
        }
    }
    for family in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap()).filter(|entry| entry.path().is_dir()) {
        for page in fs::read_dir(family.path()).unwrap() {
            let name =
                format!("{}/{}", family.file_name().to_string_lossy(), page.unwrap().file_name().to_string_lossy());
            if !pages.contains_key(&name) {
                wrong.push(format!("{name} is about no cause"));
            }
        }
    }
    assert!(wrong.is_empty(), "run `cargo run -- explain --pages docs/causes`:\n{}", wrong.join("\n"));
    let links = pages.iter().flat_map(|(name, page)| {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).filter(|(to, _)| to.ends_with(".md")).map(
            move |(to, _)| match to.strip_prefix("../") {
                Some(other) => other.to_owned(),
                None if folder.is_empty() => to.to_owned(),
                None => format!("{folder}/{to}"),
            },
        )
    });
    for link in links {
        assert!(pages.contains_key(&link), "no page {link}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_question_panics(asked in "[0x9/ %()|_a-fA-FéL\u{1b}\n-]{0,24}") {
        let answer = explain(signatures(), &asked);
        markdown(std::slice::from_ref(&answer));
        json(std::slice::from_ref(&answer)).unwrap();
    }
}
