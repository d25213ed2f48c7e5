//! Makes evidence of events, one after the other: what neighbours have in common is made once.

use rustc_hash::FxHashSet;
use sha2::block_api::compress256;

use super::name::append;
use super::{EventRef, Fields, KEPT_BYTES, List, Name, Record, bounded};
use crate::event::{Event, System};

/// Kinds of records whose lists of field names are at hand, by event id.
const KINDS: usize = 64;
/// Providers of which what all their records have in common is at hand.
const STREAMS: usize = 16;

/// What records of one part of a log share.
#[derive(Default)]
pub struct Keeper {
    names: FxHashSet<Name>,
    /// The user of the last record.
    user: Name,
    kinds: Vec<Option<Kind>>,
    streams: Vec<Option<Box<Stream>>>,
    values: String,
}

/// Texts one behind the other: what a record is held against is read in one go.
struct Joined {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Joined {
    /// Are these its texts, and no others?
    #[inline]
    fn is<'a>(&self, texts: impl Iterator<Item = &'a str>) -> bool {
        let (mut start, mut count) = (0, 0);
        for text in texts {
            let end = start + text.len();
            if self.ends.get(count) != Some(&end) || self.text.get(start..end) != Some(text.as_bytes()) {
                return false;
            }
            (start, count) = (end, count + 1);
        }
        count == self.ends.len()
    }
}

impl<'a> FromIterator<&'a str> for Joined {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        let (mut text, mut ends) = (Vec::new(), Vec::new());
        for one in texts {
            text.extend_from_slice(one.as_bytes());
            ends.push(text.len());
        }
        Joined { text, ends }
    }
}

/// Records of one kind: names of their fields.
struct Kind {
    joined: Joined,
    list: List,
}

/// Records of one provider: by whom they are, and SHA-256 of what all their names begin with, as far as it fills blocks.
struct Stream {
    /// Computer, channel, provider and source name.
    joined: Joined,
    /// The same as far as they are kept, and whether one is cut.
    names: [Name; 4],
    cut: bool,
    state: [u32; 8],
    /// Bytes of what they begin with.
    length: usize,
    /// What of them fills no block.
    rest: Vec<u8>,
}

/// Where SHA-256 begins: FIPS 180-4, 5.3.3.
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
/// Bytes of a block.
const BLOCK: usize = 64;
/// Bytes that a name ends with: event id, time and record id, each behind its length.
const END: usize = 44;

/// Computer, channel, provider, and source name where that differs.
fn written_by(system: &System) -> [&str; 4] {
    let source_name = if system.source_name == system.provider { "" } else { &system.source_name };
    [&system.computer, &system.channel, &system.provider, source_name]
}

impl Stream {
    fn of(system: &System, mut name: impl FnMut(&str) -> Name) -> Self {
        let mut begun = Vec::new();
        for name in [&system.computer, &system.channel, &system.provider] {
            let name = name.to_lowercase();
            begun.extend_from_slice(&(name.len() as u64).to_le_bytes());
            begun.extend_from_slice(name.as_bytes());
        }
        let (blocks, rest) = begun.as_chunks::<BLOCK>();
        let mut state = START;
        compress256(&mut state, blocks);
        let texts = written_by(system);
        Stream {
            joined: texts.into_iter().collect(),
            names: texts.map(|text| name(bounded(text))),
            cut: texts.iter().any(|text| bounded(text).len() < text.len()),
            state,
            length: begun.len(),
            rest: rest.to_vec(),
        }
    }

    /// [`EventRef::of`] a record of them that has an id, in less time.
    fn name_of(&self, system: &System, record_id: u64) -> EventRef {
        let ticks = system.time.map_or(0, |time| time.ticks());
        let parts: [&[u8]; 6] = [
            &4u64.to_le_bytes(),
            &system.event_id.to_le_bytes(),
            &8u64.to_le_bytes(),
            &ticks.to_le_bytes(),
            &8u64.to_le_bytes(),
            &record_id.to_le_bytes(),
        ];
        let (mut end, mut at) = ([0; END], 0);
        for part in parts {
            end[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        self.ended(&end)
    }

    /// The first half of the hash of all, ended as FIPS 180-4, 5.1.1 says: it fills a block or two.
    fn ended(&self, end: &[u8; END]) -> EventRef {
        let mut last = [0; 2 * BLOCK];
        let upto = self.rest.len() + END;
        last[..self.rest.len()].copy_from_slice(&self.rest);
        last[self.rest.len()..upto].copy_from_slice(end);
        last[upto] = 0x80;
        let bits = (self.length + END) as u64 * 8;
        let blocks = if upto + 1 + size_of::<u64>() <= BLOCK { 1 } else { 2 };
        let all = blocks * BLOCK;
        last[all - size_of::<u64>()..all].copy_from_slice(&bits.to_be_bytes());
        let mut state = self.state;
        compress256(&mut state, &last.as_chunks().0[..blocks]);
        EventRef(state[..4].iter().fold(0, |sum, word| sum << 32 | u128::from(*word)))
    }
}

impl Keeper {
    /// The one copy of this name.
    pub fn name(&mut self, text: &str) -> Name {
        match self.names.get(text) {
            Some(known) => known.clone(),
            None => {
                let name = Name::from(text);
                self.names.insert(name.clone());
                name
            }
        }
    }

    /// What the records have in common of which this is one.
    fn stream(&mut self, system: &System) -> &Stream {
        self.streams.resize_with(STREAMS, || None);
        let provider = system.provider.as_bytes();
        let place = (provider.len() + provider.last().map_or(0, |byte| usize::from(*byte))) % STREAMS;
        let known = self.streams[place].take().filter(|stream| stream.joined.is(written_by(system).into_iter()));
        let stream = known.unwrap_or_else(|| Box::new(Stream::of(system, |text| self.name(text))));
        self.streams[place].insert(stream)
    }

    /// What is kept of an event, behind its name, which is [`EventRef::of`] it.
    pub fn keep(&mut self, event: &Event) -> (EventRef, Record) {
        let system = &event.system;
        let (fields, mut cut) = self.fields(event);
        let user = bounded(&system.user_id);
        cut |= user.len() < system.user_id.len();
        if *self.user != *user {
            self.user = self.name(user);
        }
        let user_id = self.user.clone();
        let stream = self.stream(system);
        cut |= stream.cut;
        let name = system.record_id.map_or_else(|| EventRef::of(event), |id| stream.name_of(system, id));
        let [computer, channel, provider, source_name] = stream.names.clone();
        let record = Record {
            computer,
            channel,
            provider,
            source_name,
            event_id: system.event_id,
            version: system.version,
            level: system.level,
            record_id: system.record_id,
            time: system.time,
            activity_id: system.activity_id.filter(|id| !id.is_nil()),
            process_id: system.process_id,
            user_id,
            fields,
            cut,
        };
        (name, record)
    }

    /// Fields as far as they are kept, and whether some were cut.
    fn fields(&mut self, event: &Event) -> (Fields, bool) {
        let (mut room, mut cut, mut count) = (KEPT_BYTES, false, 0);
        self.values.clear();
        for (name, value) in event.fields() {
            if name.len() >= room {
                cut = true;
                break;
            }
            room -= name.len();
            let mut end = value.len().min(room);
            while !value.is_char_boundary(end) {
                end -= 1;
            }
            cut |= end < value.len();
            room -= end;
            append(&mut self.values, &value[..end]);
            count += 1;
        }
        let names = || event.fields().take(count).map(|(name, _)| name);
        self.kinds.resize_with(KINDS, || None);
        let place = event.system.event_id as usize % KINDS;
        let list = match &self.kinds[place] {
            Some(kind) if kind.joined.is(names()) => kind.list.clone(),
            _ => {
                let list: List = names().map(|name| self.name(name)).collect();
                self.kinds[place] = Some(Kind { joined: names().collect(), list: list.clone() });
                list
            }
        };
        (Fields::new(list, &self.values), cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Time;

    #[test]
    fn names_are_the_same_hash_however_long_they_are() {
        let mut keeper = Keeper::default();
        for length in 0..3 * BLOCK {
            let mut event = Event::default();
            event.system.computer = "x".repeat(length);
            event.system.record_id = Some(length as u64);
            assert_eq!(keeper.keep(&event).0, EventRef::of(&event), "{length}");
        }
    }

    #[test]
    fn what_is_kept_of_a_record_does_not_depend_on_those_before_it() {
        let mut keeper = Keeper::default();
        let long = "ä".repeat(KEPT_BYTES);
        let texts = ["", "SRV01", "srv01", "Größe", "x", &long];
        for round in 0..200usize {
            let pick = |n: usize| texts[(round * 7 + round / 5 + n) % texts.len()].to_owned();
            let mut event = Event::default();
            event.system.computer = pick(0);
            event.system.channel = pick(round / 3);
            event.system.provider = pick(round / 7);
            event.system.source_name = pick(round / 11);
            event.system.event_id = (round % 5) as u32 * 32;
            event.system.record_id = Some(round as u64).filter(|id| id % 4 > 0);
            event.system.time = Some(Time::from_filetime(round as u64)).filter(|_| round % 3 > 0);
            for n in 0..round % 4 {
                event.push(&pick(n), &pick(n + 1));
            }
            let alone = Record::of(&event);
            assert_eq!(keeper.keep(&event), (EventRef::of(&event), alone.clone()));
            let kept: usize = alone.fields.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(kept <= KEPT_BYTES);
        }
    }
}
