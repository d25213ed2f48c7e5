//! What the two ends of a connection say to each other in the clear, in order of time.

use super::flow::{Life, Seen, Side};
use super::stream::Stream;
use super::x224::{self, Answer, Request, Unit};
use super::{tls, tls::Said};
use crate::event::Time;

/// Messages that are told of one direction.
const MESSAGES: usize = 64;

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub side: Side,
    pub seen: Seen,
    pub what: What,
}

/// What a message is.
#[derive(Clone, Debug)]
pub(super) enum What {
    Request(Request),
    Answer(Answer),
    Settings,
    Tls(Said),
}

impl What {
    /// The word by which events call it.
    pub fn word(&self) -> &'static str {
        match self {
            What::Request(_) => "x224-request",
            What::Answer(Answer::Failure(_)) => "x224-failure",
            What::Answer(_) => "x224-confirm",
            What::Settings => "mcs-connect",
            What::Tls(Said::ClientHello(_)) => "client-hello",
            What::Tls(Said::ServerHello(_)) => "server-hello",
            What::Tls(Said::Certificate(_)) => "certificate",
            What::Tls(Said::ServerDone) => "server-hello-done",
            What::Tls(Said::ClientKey) => "client-key",
            What::Tls(Said::Ciphered) => "change-cipher",
            What::Tls(Said::Alert { .. }) => "alert",
            What::Tls(Said::HiddenAlert { .. }) => "encrypted-alert",
            What::Tls(Said::Data) => "encrypted-data",
        }
    }
}

/// All that both ends said.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub messages: Vec<Message>,
    /// When both ends had switched to encryption.
    pub finished: Option<Seen>,
    /// The version that the server chose.
    pub version: Option<u16>,
}

impl Talk {
    pub fn of(life: &Life) -> Self {
        let mut talk = Talk::default();
        // The server's hello says how the client's records are to be read.
        for side in [Side::Server, Side::Client] {
            let mut reader = tls::Reader::of(talk.version);
            listen(side, &Stream::of(life.sent(side)), &mut reader, &mut talk.messages);
            talk.version = talk.version.or(reader.version);
        }
        talk.messages.sort_by_key(|message| message.seen.time);
        talk.finished = talk.finished();
        talk
    }

    fn finished(&self) -> Option<Seen> {
        let first = |side: Side, wanted: fn(&Said) -> bool| {
            let is =
                |message: &&Message| message.side == side && matches!(&message.what, What::Tls(said) if wanted(said));
            self.messages.iter().find(is).map(|message| message.seen)
        };
        if self.version == Some(tls::TLS13) {
            return first(Side::Client, |said| matches!(said, Said::Data));
        }
        let ciphered = |side| first(side, |said| matches!(said, Said::Ciphered));
        Some(ciphered(Side::Client)?.max(ciphered(Side::Server)?))
    }

    /// The last message by a moment.
    pub fn last(&self, time: Time) -> Option<&Message> {
        self.messages.iter().rfind(|message| message.seen.time <= time)
    }

    /// The message before this one.
    pub fn before(&self, message: &Message) -> Option<&Message> {
        let at = self.messages.iter().position(|known| std::ptr::eq(known, message))?;
        self.messages.get(at.checked_sub(1)?)
    }

    /// Had the client said anything behind the handshake by a moment? Up to TLS 1.2 only: later ones hide
    /// the end of the handshake among the rest.
    pub fn spoke(&self, time: Time) -> Option<bool> {
        let by = |message: &&Message| message.side == Side::Client && message.seen.time <= time;
        let data = |message: &Message| matches!(message.what, What::Tls(Said::Data));
        self.version.filter(|version| *version < tls::TLS13)?;
        Some(self.messages.iter().filter(by).any(data))
    }

    /// Any message by a moment of which this holds.
    pub fn said(&self, time: Time, holds: fn(&What) -> bool) -> bool {
        self.messages.iter().any(|message| message.seen.time <= time && holds(&message.what))
    }
}

/// Reads one direction, as far as its bytes make sense.
fn listen(side: Side, stream: &Stream, reader: &mut tls::Reader, messages: &mut Vec<Message>) {
    let limit = messages.len() + MESSAGES;
    let mut at = 0;
    while let Some(rest) = stream.bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let record = tls::length(rest);
        let Some(length) = record.or_else(|| x224::length(rest)) else { return };
        let Some(bytes) = rest.get(..length) else { return };
        let Some(seen) = stream.seen(at, at + length) else { return };
        let mut tell = |what| {
            if messages.len() < limit {
                messages.push(Message { side, seen, what });
            }
        };
        if record.is_some() {
            reader.record(bytes, &mut |said| tell(What::Tls(said)));
        } else {
            match x224::read(bytes) {
                Unit::Request(request) => tell(What::Request(request)),
                Unit::Answer(answer) => tell(What::Answer(answer)),
                Unit::Settings => tell(What::Settings),
                Unit::Other => {}
            }
        }
        at += length;
    }
}
