//! Captured packets become events: what of a Remote Desktop connection can be seen on the wire. Whatever
//! format holds the frames hands them over twice; `docs/packets.md` lists the events.

use std::fmt::Write;

use crate::event::{Damage, Event, Fields, Interest, Sink, Wanted};

mod certificate;
mod flow;
mod frame;
mod story;
mod stream;
mod talk;
mod tls;
mod x224;

use flow::Flows;
use frame::Packet;
pub(super) use frame::{Dropped, Frame, Link};
use story::Fact;

/// Provider name of the events that are made of packets. No Windows component is called so.
pub(super) const PROVIDER: &str = "whyrdp-Packets";

/// Channel of these events, and of the frames that they are made of: coverage tells whether there is a capture.
pub(super) const CHANNEL: &str = "Packets on the network";

/// Where frames come from; the same ones in the same order each time.
pub(super) trait Frames {
    /// Calls `take` with every frame.
    fn each(&self, take: &mut dyn FnMut(&Frame<'_>));
}

/// Are events of packets wanted at all?
pub(super) fn wanted(interest: &Interest) -> bool {
    let any = interest.any_provider();
    interest.provider(PROVIDER).is_some() || any.others.is_some() || !any.ids.is_empty()
}

/// What the first time through the frames shows: which connections there are.
#[derive(Default)]
pub(super) struct Overview {
    flows: Flows,
    fragments: u64,
    /// Where the first of them stands.
    fragment: Option<u64>,
}

impl Overview {
    /// Of all frames.
    pub fn of(frames: &dyn Frames) -> Self {
        let mut found = Overview::default();
        frames.each(&mut |frame| found.see(frame));
        found
    }

    /// The next frame, in whatever order.
    pub fn see(&mut self, frame: &Frame<'_>) {
        self.flows.last = self.flows.last.max(Some(frame.time));
        match frame::read(frame) {
            Packet::Tcp(segment) => self.flows.open(&segment),
            Packet::Fragment => {
                self.fragments += 1;
                self.fragment = self.fragment.or(Some(frame.position.offset));
            }
            Packet::Unreachable(_) | Packet::Other => {}
        }
    }
}

/// Tells `sink` what the frames show, all of which the overview has seen.
pub(super) fn tell(overview: Overview, frames: &dyn Frames, interest: &Interest, sink: &mut dyn Sink) {
    let Overview { mut flows, fragments, fragment } = overview;
    if flows.sift() {
        frames.each(&mut |frame| match frame::read(frame) {
            Packet::Tcp(segment) => flows.fill(&segment),
            Packet::Unreachable(found) => flows.undelivered(&found),
            Packet::Fragment | Packet::Other => {}
        });
    }
    if let Some(offset) = fragment {
        let what = format!("pieces ({fragments}) of TCP segments that IP had cut: they are not put together here");
        sink.damage(Damage { offset, what, lost: false });
    }
    for (count, what) in [
        (flows.left_out, "connections beyond what is followed at a time: they are left out"),
        (flows.not_kept, "segments beyond what is kept of a capture: what they say is left out"),
    ] {
        if count > 0 {
            sink.damage(Damage { offset: 0, what: format!("{count} {what}"), lost: true });
        }
    }
    let Some(last) = flows.last else { return };
    let mut teller = Teller { wanted: interest.provider(PROVIDER), interest, event: Event::default(), sink };
    let mut cut = None;
    for life in flows.finish() {
        let ends = [
            ("SourceAddress", life.client.ip().to_string()),
            ("SourcePort", life.client.port().to_string()),
            ("DestinationAddress", life.server.ip().to_string()),
            ("DestinationPort", life.server.port().to_string()),
        ];
        let short = life.sent.iter().find(|sent| sent.cut).and_then(|sent| sent.first);
        cut = cut.or(short.map(|seen| seen.position.offset));
        for fact in story::facts(&life, last) {
            teller.tell(&ends, &fact);
        }
    }
    if let Some(offset) = cut {
        let what = "packets were cut when they were captured: what the handshakes say behind the cut is missing";
        teller.sink.damage(Damage { offset, what: what.to_owned(), lost: false });
    }
}

/// Fills events and hands them on.
struct Teller<'a> {
    interest: &'a Interest,
    wanted: Option<&'a Wanted>,
    event: Event,
    sink: &'a mut dyn Sink,
}

impl Teller<'_> {
    fn tell(&mut self, ends: &[story::Field], fact: &Fact) {
        let fields: [Option<&Fields>; 2] =
            [self.wanted.and_then(|wanted| wanted.fields(fact.id)), self.interest.any_provider().fields(fact.id)];
        if fields.iter().all(Option::is_none) {
            return;
        }
        let event = &mut self.event;
        event.clear();
        event.origin.position = fact.seen.position;
        event.system.provider.push_str(PROVIDER);
        event.system.channel.push_str(CHANNEL);
        event.system.event_id = fact.id;
        event.system.version = Some(0);
        event.system.level = Some(fact.level);
        event.system.time = Some(fact.seen.time);
        for (name, value) in ends.iter().chain(&fact.fields) {
            if fields.iter().flatten().any(|fields| fields.wants(name)) {
                event.push_with(name, |text| {
                    // Writing to a String cannot fail.
                    let _ = text.write_str(value);
                });
            }
        }
        self.sink.event(event);
    }
}
