//! The facts of one connection: each becomes an event. `docs/packets.md` lists them.

use super::certificate::Certificate;
use super::flow::{Life, Seen, Side};
use super::talk::{Message, Talk, What};
use super::tls::{self, Said};
use super::x224::Answer;
use crate::event::{TICKS_PER_SECOND, Time};

/// Event ids.
pub(super) mod id {
    pub const NO_ANSWER: u32 = 1;
    pub const REFUSED: u32 = 2;
    pub const UNREACHABLE: u32 = 3;
    pub const CONNECTED: u32 = 4;
    pub const DROPPED: u32 = 5;
    pub const STALLED: u32 = 6;
    pub const RESET: u32 = 7;
    pub const CLOSED: u32 = 8;
    pub const REQUEST: u32 = 20;
    pub const CONFIRM: u32 = 21;
    pub const FAILURE: u32 = 22;
    pub const UNENCRYPTED: u32 = 23;
    pub const CLIENT_HELLO: u32 = 30;
    pub const SERVER_HELLO: u32 = 31;
    pub const CERTIFICATE: u32 = 32;
    pub const ALERT: u32 = 33;
    pub const HIDDEN_ALERT: u32 = 34;
    pub const ENCRYPTED: u32 = 35;
}

/// A connection request is unanswered only if it was repeated and the capture goes on this long, 100 ns:
/// the repetition shows that the client, too, heard nothing.
const PATIENCE: i64 = 3 * TICKS_PER_SECOND;
/// So often something must be sent before it counts as getting lost.
const STALLED: u32 = 4;
const DAY: i64 = 24 * 3600 * TICKS_PER_SECOND;

const ERROR: u8 = 2;
const WARNING: u8 = 3;
const INFORMATION: u8 = 4;

/// A field of an event.
pub(super) type Field = (&'static str, String);

/// One fact.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub seen: Seen,
    pub id: u32,
    pub level: u8,
    pub fields: Vec<Field>,
}

impl Fact {
    fn new(id: u32, level: u8, seen: Seen) -> Self {
        Fact { seen, id, level, fields: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    fn with_some(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// All facts of a connection, in order of time. `last`: the end of the capture.
pub(super) fn facts(life: &Life, last: Time) -> Vec<Fact> {
    let talk = Talk::of(life);
    let mut facts = Vec::new();
    facts.extend(beginning(life, last));
    let mut asked = None;
    for message in &talk.messages {
        if let What::Request(request) = &message.what {
            asked = request.protocols;
        }
        // What an end says once the other has left is only its answer to that.
        let left = life.sent(message.side.other()).gone().is_some_and(|gone| gone.time < message.seen.time);
        if !left {
            facts.extend(said(message, asked, &talk));
        }
    }
    facts.extend(talk.finished.map(|seen| encrypted(life, &talk, seen)));
    if let Some((dropped, seen)) = life.dropped {
        let fact = Fact::new(id::DROPPED, ERROR, seen);
        facts.push(fact.with("DropReason", dropped.reason).with("DropLocation", hex(dropped.location)));
    }
    for side in [Side::Client, Side::Server] {
        facts.extend(stalled(life, &talk, side));
    }
    facts.extend(end(life, &talk));
    facts.sort_by_key(|fact| (fact.seen.time, fact.id));
    facts
}

/// How the connection request was answered.
fn beginning(life: &Life, last: Time) -> Option<Fact> {
    let (client, server) = (life.sent(Side::Client), life.sent(Side::Server));
    let silent = server.syn.is_none() && server.end == 0;
    if let Some(sends) = server.syn {
        return life.rdp.then(|| Fact::new(id::CONNECTED, INFORMATION, sends.first));
    }
    let sends = client.syn?;
    if let Some(found) = life.unreachable.filter(|_| silent) {
        let seen = Seen { time: found.time, position: found.position, hops: 0 };
        let fact = Fact::new(id::UNREACHABLE, ERROR, seen).with("ReportedBy", found.by);
        return Some(fact.with("Reason", unreachable(found.version, found.code)).with("Code", found.code));
    }
    if let Some(seen) = server.rst.filter(|_| silent) {
        return Some(Fact::new(id::REFUSED, ERROR, seen).with("Requests", sends.count));
    }
    let waited = last.since(sends.first.time);
    let silent = silent && server.first.is_none() && sends.count > 1 && waited >= PATIENCE;
    silent.then(|| {
        let fact = Fact::new(id::NO_ANSWER, ERROR, sends.first).with("Requests", sends.count);
        fact.with("WaitedSeconds", seconds(waited))
    })
}

/// What a code of ICMP or ICMPv6 "destination unreachable" means ([RFC 792], [RFC 1812], [RFC 4443]).
fn unreachable(version: u8, code: u8) -> &'static str {
    match (version, code) {
        (4, 0 | 6 | 11) | (6, 0) => "network",
        (4, 1 | 5 | 7 | 8 | 12) | (6, 3) => "host",
        (4, 2 | 3) | (6, 4) => "port",
        (4, 9 | 10 | 13) | (6, 1 | 5 | 6) => "prohibited",
        (4, 4) => "too-big",
        _ => "other",
    }
}

/// A message as a fact; steps of the TLS handshake in between are told by the next one only.
fn said(message: &Message, asked: Option<u32>, talk: &Talk) -> Option<Fact> {
    let fact = |id, level| Fact::new(id, level, message.seen);
    let from = message.side.word();
    Some(match &message.what {
        What::Request(request) => fact(id::REQUEST, INFORMATION)
            .with_some("Protocols", request.protocols.map(hex))
            .with_some("Offered", request.protocols.map(protocols))
            .with("Flags", hex(u32::from(request.flags)))
            .with_some("Cookie", request.cookie.as_ref())
            .with_some("RoutingToken", request.token.as_ref())
            .with_some("CorrelationId", request.correlation.map(|id| bytes(&id))),
        What::Answer(Answer::Selected(selected, flags)) => fact(id::CONFIRM, INFORMATION)
            .with("SelectedProtocol", hex(*selected))
            .with("Flags", hex(u32::from(*flags)))
            .with_some("Protocols", asked.map(hex)),
        What::Answer(Answer::Old) => fact(id::CONFIRM, INFORMATION).with_some("Protocols", asked.map(hex)),
        What::Answer(Answer::Failure(code)) => fact(id::FAILURE, ERROR)
            .with("FailureCode", code)
            .with_some("Protocols", asked.map(hex))
            .with_some("Offered", asked.map(protocols)),
        What::Settings => fact(id::UNENCRYPTED, INFORMATION),
        What::Tls(Said::ClientHello(hello)) => fact(id::CLIENT_HELLO, INFORMATION)
            .with("Version", tls::version(hello.version))
            .with_some("ServerName", hello.name.as_ref())
            .with("CipherSuites", hello.suites.iter().map(|suite| tls::suite(*suite)).collect::<Vec<_>>().join(",")),
        What::Tls(Said::ServerHello(hello)) => fact(id::SERVER_HELLO, INFORMATION)
            .with("Version", tls::version(hello.version))
            .with("CipherSuite", tls::suite(hello.suite)),
        What::Tls(Said::Certificate(certificate)) if message.side == Side::Server => {
            presented(fact(id::CERTIFICATE, INFORMATION), certificate.as_deref())
        }
        What::Tls(Said::Alert { level, description }) => {
            let known = fact(id::ALERT, if *description == 0 { INFORMATION } else { ERROR });
            let known = known.with("From", from).with("AlertLevel", level).with("AlertDescription", description);
            let known = known.with("After", talk.before(message).map_or("tcp-handshake", |last| last.what.word()));
            known.with_some("Version", talk.version.map(tls::version))
        }
        What::Tls(Said::HiddenAlert { by_length }) => {
            let basis = if *by_length { "record length" } else { "record type" };
            fact(id::HIDDEN_ALERT, INFORMATION).with("From", from).with("Basis", basis)
        }
        What::Tls(_) => return None,
    })
}

fn presented(fact: Fact, certificate: Option<&Certificate>) -> Fact {
    let Some(certificate) = certificate else { return fact.with("Validity", "unreadable") };
    let time = fact.seen.time;
    let early = certificate.not_before.is_some_and(|begin| time < begin);
    let late = certificate.not_after.is_some_and(|end| time > end);
    let days = certificate.not_after.map(|end| end.since(time).div_euclid(DAY));
    fact.with("Subject", &certificate.subject)
        .with("Issuer", &certificate.issuer)
        .with("SelfSigned", certificate.self_signed)
        .with_some("Names", (!certificate.names.is_empty()).then(|| certificate.names.join(",")))
        .with_some("NotBefore", certificate.not_before)
        .with_some("NotAfter", certificate.not_after)
        .with(
            "Validity",
            if late {
                "expired"
            } else if early {
                "not-yet-valid"
            } else {
                "valid"
            },
        )
        .with_some("DaysLeft", days)
        .with("SignatureAlgorithm", &certificate.signature)
        .with_some("KeyAlgorithm", (!certificate.key.is_empty()).then_some(certificate.key))
        .with_some("KeyBits", certificate.bits)
        .with("ForServers", certificate.for_servers)
        .with("SerialNumber", &certificate.serial)
}

fn encrypted(life: &Life, talk: &Talk, seen: Seen) -> Fact {
    let selected = talk.messages.iter().find_map(|message| match message.what {
        What::Answer(Answer::Selected(selected, _)) => Some(selected),
        _ => None,
    });
    Fact::new(id::ENCRYPTED, INFORMATION, seen)
        .with_some("Version", talk.version.map(tls::version))
        .with_some("SelectedProtocol", selected.map(hex))
        .with("ClientBytes", life.sent(Side::Client).end)
        .with("ServerBytes", life.sent(Side::Server).end)
}

/// Something was sent again and again and never acknowledged.
fn stalled(life: &Life, talk: &Talk, side: Side) -> Option<Fact> {
    let (sent, other) = (life.sent(side), life.sent(side.other()));
    let told = |sends: &super::flow::Sends, bytes: u32| {
        let fact = Fact::new(id::STALLED, WARNING, sends.first).with("From", side.word());
        let after = told_until(life, talk, sends.first.time);
        fact.with("Bytes", bytes).with("Sends", sends.count).with("Stage", after.0).with("After", after.1)
    };
    let lost = sent
        .pieces
        .iter()
        .find(|((place, length), piece)| piece.sends.count >= STALLED && place.saturating_add(*length) > other.acked);
    if let Some(((_, length), piece)) = lost {
        return Some(told(&piece.sends, *length));
    }
    // The server's own answer does not arrive.
    let opening =
        sent.syn.filter(|_| side == Side::Server && other.end == 0 && other.fin.is_none() && other.rst.is_none());
    opening.filter(|sends| sends.count >= STALLED).map(|sends| told(&sends, 0))
}

/// Who ended the connection, and after what.
fn end(life: &Life, talk: &Talk) -> Option<Fact> {
    let (client, server) = (life.sent(Side::Client), life.sent(Side::Server));
    if server.syn.is_none() && server.end == 0 {
        // It never began; what is known stands at its beginning.
        return None;
    }
    if !life.rdp && server.end > 0 {
        return None;
    }
    let ends = [
        (client.fin, Side::Client, false),
        (client.rst, Side::Client, true),
        (server.fin, Side::Server, false),
        (server.rst, Side::Server, true),
    ];
    let found = ends.into_iter().filter_map(|(seen, side, reset)| Some((seen?, side, reset)));
    let (seen, side, reset) = found.min_by_key(|(seen, side, reset)| (seen.time, *side, *reset))?;
    let (stage, after) = told_until(life, talk, seen.time);
    let before = talk.last(seen.time).map_or(life.start, |message| message.seen.time);
    let fact = Fact::new(if reset { id::RESET } else { id::CLOSED }, if reset { WARNING } else { INFORMATION }, seen)
        .with("From", side.word())
        .with("Stage", stage)
        .with("After", after)
        .with("QuietSeconds", seconds(seen.time.since(before)))
        .with_some("ApplicationData", talk.spoke(seen.time))
        .with("ClientBytes", client.end)
        .with("ServerBytes", server.end);
    // A third party that resets in another's name seldom stands as many hops away.
    let usual = life.sent(side).first.map(|first| first.hops);
    let other = reset && usual.is_some_and(|usual| usual != seen.hops);
    Some(if reset {
        fact.with("Hops", seen.hops).with_some("UsualHops", usual).with("HopsDiffer", other)
    } else {
        fact
    })
}

/// How far the two had come by a moment: the stage, and the last message.
fn told_until(life: &Life, talk: &Talk, time: Time) -> (&'static str, &'static str) {
    let stage = if !life.rdp {
        "https"
    } else if talk.finished.is_some_and(|seen| seen.time <= time) {
        "encrypted"
    } else if talk.said(time, |what| matches!(what, What::Tls(_))) {
        "tls"
    } else if talk.said(time, |what| matches!(what, What::Settings)) {
        "unencrypted"
    } else if talk.said(time, |what| matches!(what, What::Request(_))) {
        "x224"
    } else {
        "tcp"
    };
    (stage, talk.last(time).map_or("tcp-handshake", |message| message.what.word()))
}

fn hex(number: u32) -> String {
    format!("{number:#x}")
}

fn bytes(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Tenths of a second are enough for whoever compares time-outs.
fn seconds(ticks: i64) -> String {
    let tenths = ticks.max(0) / (TICKS_PER_SECOND / 10);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// The protocols of a bit set ([MS-RDPBCGR] 2.2.1.1.1).
fn protocols(bits: u32) -> String {
    let names = [(1, "TLS"), (2, "CredSSP"), (4, "RDSTLS"), (8, "CredSSP with early authorization"), (16, "Entra")];
    let offered: Vec<&str> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    if offered.is_empty() { "Standard RDP Security only".to_owned() } else { offered.join(", ") }
}
