//! The keys by which records are tied to attempts. They are read once for each record: many are held against many.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::attempt::identity::{HostId, address, bare_target, user_key};
use crate::attempt::item::Item;
use crate::attempt::{Attempt, Case, ItemId};
use crate::signature::definition::{Key, Role, Slot};

use super::bind::meaning;
use super::realm;

/// Number of a name that some attempt has; [`OTHER`] for all others.
type Word = u32;
const OTHER: Word = Word::MAX;
/// What stands for a record whose keys were not read.
const UNREAD: u32 = u32::MAX;

/// What a record tells.
#[derive(Clone, Copy)]
struct Told {
    session: Option<u32>,
    client_ip: Option<IpAddr>,
    client_port: Option<u16>,
    user: Option<Word>,
    sid: Option<Word>,
    target: Option<Named>,
    process: Option<u32>,
}

/// A computer that a record names.
#[derive(Clone, Copy)]
struct Named {
    host: Option<HostId>,
    name: Label,
    address: Option<IpAddr>,
}

/// A computer's name, short or full.
#[derive(Clone, Copy)]
struct Label {
    whole: Word,
    /// Its first label.
    short: Word,
    is_full: bool,
}

impl Label {
    /// A short name is that of every full one that begins with it.
    fn is(self, other: Label) -> bool {
        self.whole == other.whole || (self.is_full != other.is_full && self.short == other.short)
    }
}

/// What an attempt is called by.
struct Own {
    user: Option<Word>,
    sid: Option<Word>,
    target: Option<Label>,
}

/// What attempts and records tell.
pub struct Keys<'c> {
    case: &'c Case<'c>,
    words: FxHashMap<String, Word>,
    own: Vec<Own>,
    /// Some record is tied by a SID.
    by_sid: bool,
    /// Where in `told` stands what each record tells.
    places: Vec<u32>,
    told: Vec<Told>,
}

impl<'c> Keys<'c> {
    /// Reads the keys of all attempts and of those records that are asked for most.
    pub fn new(case: &'c Case<'c>, often: impl Fn(ItemId, &Item<'_>) -> bool) -> Self {
        let mut words = FxHashMap::default();
        let mut word = |text: String| {
            let next = words.len() as Word;
            *words.entry(text).or_insert(next)
        };
        let joins = |slug: &str| meaning(case, slug).is_some_and(|meaning| meaning.join.contains(&Key::Sid));
        let by_sid = case.by_rule.keys().any(|slug| joins(slug));
        let own = case.attempts.iter().map(|attempt| Own {
            user: attempt.user.as_deref().and_then(user_key).map(&mut word),
            sid: by_sid
                .then(|| attempt.items().into_iter().find_map(|id| sid(&case.items[id])))
                .flatten()
                .map(&mut word),
            target: attempt.target.as_deref().map(|name| label(name, &mut word)),
        });
        let own = own.collect();
        let mut keys = Keys { case, words, own, by_sid, places: vec![UNREAD; case.items.len()], told: Vec::new() };
        for (id, item) in case.items.iter().enumerate().filter(|(id, item)| often(*id, item)) {
            keys.places[id] = u32::try_from(keys.told.len()).unwrap_or(UNREAD);
            keys.told.push(keys.read(item));
        }
        keys
    }

    fn word(&self, text: &str) -> Word {
        self.words.get(text).copied().unwrap_or(OTHER)
    }

    fn read(&self, item: &Item<'_>) -> Told {
        let named = |text: &str| Named {
            host: self.case.hosts.resolve(text),
            name: label(text, |part| self.word(&part)),
            address: address(text),
        };
        Told {
            session: item.number(Slot::Session),
            client_ip: item.ip(Slot::ClientIp),
            client_port: item.client_port(),
            user: item.capture(Slot::User).and_then(user_key).map(|user| self.word(&user)),
            sid: self.by_sid.then(|| sid(item)).flatten().map(|sid| self.word(&sid)),
            target: item.capture(Slot::Target).map(named),
            process: item.process(),
        }
    }

    fn told(&self, id: ItemId) -> Told {
        self.told.get(self.places[id] as usize).copied().unwrap_or_else(|| self.read(&self.case.items[id]))
    }

    /// The client's address that a record tells.
    pub fn client_ip(&self, id: ItemId) -> Option<IpAddr> {
        self.told(id).client_ip
    }

    /// Does the record tell the address of a computer that is no end of the attempt?
    pub fn is_foreign(&self, at: usize, id: ItemId) -> bool {
        let attempt = &self.case.attempts[at];
        let Some(ip) = self.told(id).client_ip.filter(|ip| !ip.is_loopback()) else { return false };
        let own = |host: HostId| self.case.hosts.get(host).addresses.contains(&ip);
        !attempt.client_ips.is_empty()
            && !attempt.client_ips.contains(&ip)
            && attempt.target_ip != Some(ip)
            && !attempt.ends().any(own)
    }

    /// `Some(true)` where a key agrees, `Some(false)` where none can be compared, `None` where one disagrees.
    pub fn agree(&self, at: usize, id: ItemId, keys: &[Key], role: Role) -> Option<bool> {
        let (attempt, own, item) = (&self.case.attempts[at], &self.own[at], &self.case.items[id]);
        let told = self.told(id);
        let mut matched = false;
        for key in keys {
            let agrees = match key {
                Key::Activity => {
                    let activity = item.evidence.record.activity_id;
                    let ours = attempt.connections.iter().any(|c| c.activity.is_some() && c.activity == activity);
                    ours.then_some(true)
                }
                Key::Session => told.session.and_then(|number| session(attempt, item, number)),
                Key::ClientIp => told
                    .client_ip
                    .filter(|_| !attempt.client_ips.is_empty())
                    .map(|ip| attempt.client_ips.contains(&ip) && !came_otherwise(attempt, item, told.client_port))
                    .filter(|agrees| *agrees || !super::bind::elsewhere(role)),
                Key::ClientHost => item.capture(Slot::ClientHost).and_then(|name| client(self.case, attempt, name)),
                Key::User => both(own.user, told.user),
                Key::Sid => both(own.sid, told.sid),
                Key::Target => told.target.and_then(|named| target(attempt, own, named)),
                Key::Domain => item.capture(Slot::Domain).and_then(|told| realm::is_of(self.case, attempt, told)),
                Key::Process => told.process.and_then(|process| program(attempt, item, process)),
                Key::Connection | Key::Time => None,
            };
            match agrees {
                Some(false) => return None,
                Some(true) => matched = true,
                None => {}
            }
        }
        Some(matched)
    }
}

/// The SID that a record tells, of a user and no service: of Windows or of Entra ID ([MS-DTYP] 2.4.2.4).
fn sid(item: &Item<'_>) -> Option<String> {
    let sid = item.capture(Slot::Sid)?.trim().to_ascii_uppercase();
    ["S-1-5-21-", "S-1-12-1-"].iter().any(|of_users| sid.starts_with(of_users)).then_some(sid)
}

/// A computer's name as it is compared. An address has no short form.
fn label(text: &str, mut word: impl FnMut(String) -> Word) -> Label {
    let name = bare_target(text).to_ascii_lowercase();
    let dot = name.find('.').filter(|_| address(text).is_none());
    let short = word(name.get(..dot.unwrap_or(name.len())).unwrap_or_default().to_owned());
    Label { whole: word(name), short, is_full: dot.is_some() }
}

/// Is this the name of the attempt's client? Windows writes the first fifteen letters of some.
fn client(case: &Case<'_>, attempt: &Attempt, told: &str) -> Option<bool> {
    let short = |name: &str| bare_target(name).split('.').next().unwrap_or_default().to_lowercase();
    let told = Some(short(told)).filter(|told| !told.is_empty() && told != "-")?;
    let heard = attempt.side(Role::Server).filter_map(|connection| connection.client_host.as_deref());
    let logs = attempt.client.into_iter().flat_map(|client| case.hosts.get(client).names.iter().map(String::as_str));
    let mut own =
        heard.chain(logs).chain(attempt.client_name.as_deref()).map(short).filter(|own| !own.is_empty()).peekable();
    own.peek()?;
    let same = |own: String| {
        own == told || (own.len().min(told.len()) == 15 && (own.starts_with(&told) || told.starts_with(&own)))
    };
    Some(own.any(same))
}

/// A record of the server tells a port from which none of the attempt's connections to it came.
fn came_otherwise(attempt: &Attempt, item: &Item<'_>, port: Option<u16>) -> bool {
    let own = attempt.side(Role::Server).filter(|c| c.host == item.host).filter_map(|c| c.client_port);
    let mut own = own.peekable();
    port.is_some() && own.peek().is_some() && own.all(|own| Some(own) != port)
}

fn both<T: PartialEq>(a: Option<T>, b: Option<T>) -> Option<bool> {
    Some(a? == b?)
}

/// Session ids come back: agreement counts only for a connection that used the session, disagreement never.
fn session(attempt: &Attempt, item: &Item<'_>, number: u32) -> Option<bool> {
    let ours = attempt.side(Role::Server).any(|c| c.host == item.host && c.sessions.contains_key(&number));
    ours.then_some(true)
}

/// Process ids tell programs of one computer apart; where the attempt's program is not known, nothing.
fn program(attempt: &Attempt, item: &Item<'_>, process: u32) -> Option<bool> {
    let own = attempt.side(Role::Client).filter(|c| c.host == item.host && c.activity.is_some());
    let mut own = own.map(|c| &c.processes).filter(|processes| !processes.is_empty()).peekable();
    own.peek()?;
    Some(own.any(|processes| processes.contains(&process)))
}

fn target(attempt: &Attempt, own: &Own, named: Named) -> Option<bool> {
    if let (Some(host), Some(server)) = (named.host, attempt.server) {
        return Some(host == server);
    }
    let by_address = attempt.target_ip.is_some() && named.address == attempt.target_ip;
    Some(own.target?.is(named.name) || by_address)
}
