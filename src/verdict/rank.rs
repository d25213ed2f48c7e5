//! Causes of a case in their order, and what that order depends on: whom they hit, how sure they are of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::attempt::identity::user_key;
use crate::attempt::{Attempt, Case};
use crate::report::accounts::accounts;
use crate::report::model::{CauseReport, Hit, Level, Scope};
use crate::signature::definition::Bearing;

use super::words::Basis;

/// Most pieces of evidence that a cause cites over the whole case.
pub const MOST_EVIDENCE: usize = 50;

/// Which evidence is shown first.
pub fn place(bearing: Bearing) -> u8 {
    match bearing {
        Bearing::Proof => 0,
        Bearing::Standing => 1,
        _ => 2,
    }
}

/// Of more evidence than is told, the first of each kind; in the order in which it came.
pub fn fair<T, K: Ord>(list: Vec<T>, kind: impl Fn(&T) -> K) -> Vec<T> {
    if list.len() <= MOST_EVIDENCE {
        return list;
    }
    let mut before: BTreeMap<K, usize> = BTreeMap::new();
    let mut rounds: Vec<(usize, usize)> = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        let nth = before.entry(kind(one)).or_default();
        rounds.push((*nth, at));
        *nth += 1;
    }
    rounds.sort_unstable();
    let told: BTreeSet<usize> = rounds.into_iter().take(MOST_EVIDENCE).map(|(_, at)| at).collect();
    list.into_iter().enumerate().filter(|(at, _)| told.contains(at)).map(|(_, one)| one).collect()
}

/// Who takes part in some attempts, by name.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// With the server, where known.
    users: BTreeSet<(String, Option<String>)>,
    clients: BTreeSet<String>,
    servers: BTreeSet<String>,
}

impl People {
    /// Those of these attempts.
    pub fn of<'c>(case: &Case<'_>, attempts: impl Iterator<Item = &'c Attempt>) -> Self {
        let mut people = People::default();
        for attempt in attempts {
            let host = |id| case.hosts.name(id).to_string();
            let address = || attempt.client_ips.first().map(ToString::to_string).or(attempt.client_name.clone());
            let user = attempt.user.clone().filter(|user| user_key(user).is_some());
            people.users.extend(user.map(|user| (user, attempt.server.map(host))));
            people.clients.extend(attempt.client.map(host).or_else(address));
            people.servers.extend(attempt.server.map(host).or(attempt.target.clone()));
        }
        people
    }

    /// Adds those of other attempts.
    pub fn add(&mut self, other: People) {
        self.users.extend(other.users);
        self.clients.extend(other.clients);
        self.servers.extend(other.servers);
    }

    /// How many of all are among them.
    fn among(&self, all: &People) -> Scope {
        let hit =
            |own: &BTreeSet<String>, all: &BTreeSet<String>| Hit { affected: own.len() as u64, seen: all.len() as u64 };
        let of_users = |users: &BTreeSet<(String, Option<String>)>| {
            accounts(users.iter().map(|(user, server)| (user.as_str(), server.as_deref()))).len() as u64
        };
        Scope {
            users: Hit { affected: of_users(&self.users), seen: of_users(&all.users) },
            clients: hit(&self.clients, &all.clients),
            servers: hit(&self.servers, &all.servers),
        }
    }
}

/// A cause with what its place among others depends on.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// The cause; without whom it hits, and without the sentence on what it rests.
    pub report: CauseReport,
    /// How common it is.
    pub prior: u8,
    /// Failed attempts that it is sure of: those of users, those of attacks.
    pub explained: (usize, usize),
    /// How sure it is of any that a user made.
    pub of_users: Option<Level>,
    /// Whom it hits.
    pub people: People,
    /// Servers of its attempts that are in the case.
    pub servers: BTreeSet<String>,
    /// What it rests on.
    pub basis: Basis,
}

impl Ranked {
    /// Adds what the same cause comes to in a later stretch of time.
    pub fn add(&mut self, later: Ranked) {
        self.of_users = self.of_users.max(later.of_users);
        // Where it is no more than possible is not told of one that is more elsewhere.
        if later.report.verdict.min(Level::Probable) < self.report.verdict.min(Level::Probable) {
            return;
        }
        if self.report.verdict.min(Level::Probable) < later.report.verdict.min(Level::Probable) {
            *self = Ranked { of_users: self.of_users, ..later };
            return;
        }
        let (own, new) = (&mut self.report, later.report);
        if new.verdict > own.verdict {
            (own.verdict, own.score, own.caused_by) = (new.verdict, new.score, new.caused_by);
            own.hosts = new.hosts;
            self.explained = later.explained;
        } else if new.verdict == own.verdict {
            own.hosts.extend(new.hosts);
            own.hosts.sort();
            own.hosts.dedup();
            own.score = own.score.max(new.score);
            own.caused_by.extend(new.caused_by);
            own.caused_by.sort();
            own.caused_by.dedup();
            self.explained.0 += later.explained.0;
            self.explained.1 += later.explained.1;
        }
        own.attempts.extend(new.attempts);
        own.evidence.extend(new.evidence);
        own.evidence.sort_by_key(|cited| place(cited.role));
        let mut cited = BTreeSet::new();
        own.evidence.retain(|one| cited.insert((one.event, one.signature.clone())));
        own.evidence = fair(std::mem::take(&mut own.evidence), |cited| (place(cited.role), cited.signature.clone()));
        own.evidence_total += new.evidence_total;
        own.absent.extend(new.absent);
        own.absent.sort();
        own.absent.dedup();
        own.absent.truncate(MOST_EVIDENCE);
        own.first = own.first.into_iter().chain(new.first).min();
        own.last = own.last.max(new.last);
        self.people.add(later.people);
        self.servers.extend(later.servers);
        self.basis.add(later.basis);
    }

    /// The cause as the report shows it.
    fn told(self, all: &People) -> CauseReport {
        let mut explanation =
            format!("{} {}", self.report.explanation, self.basis.sentence(self.report.verdict, &self.report.absent));
        if let (0, attacks @ 1..) = self.explained {
            let level = self.report.verdict.word();
            let guesses = match attacks {
                1 => format!("The failed attempt for which it is {level} is a guess"),
                many => format!("All {many} failed attempts for which it is {level} are guesses"),
            };
            explanation =
                format!("{explanation} {guesses} of an attack (see the findings); none is known to be a user's.");
        }
        let guesses_only = matches!(self.explained, (0, 1..));
        CauseReport { explanation, guesses_only, scope: self.people.among(all), ..self.report }
    }
}

/// Best first: level, then root before consequence, then attempts explained, score, prior, id.
pub fn ranked(causes: BTreeMap<String, Ranked>, all: &People) -> Vec<CauseReport> {
    let of_users: BTreeMap<String, Level> =
        causes.iter().filter_map(|(id, cause)| Some((id.clone(), cause.of_users?))).collect();
    let mut causes: Vec<Ranked> = causes.into_values().collect();
    causes.sort_by(|a, b| {
        let key =
            |c: &Ranked| (Reverse(c.report.verdict), Reverse(c.explained), Reverse(c.report.score), Reverse(c.prior));
        key(a).cmp(&key(b)).then_with(|| a.report.id.cmp(&b.report.id))
    });
    let leads = |root: &String, c: &CauseReport| {
        of_users.get(&c.id) != Some(&c.verdict) || of_users.get(root) == Some(&c.verdict)
    };
    let roots = |c: &CauseReport| c.caused_by.iter().filter(|root| leads(root, c)).cloned().collect();
    let order: Vec<_> = causes.iter().map(|c| (c.report.id.clone(), c.report.verdict, roots(&c.report))).collect();
    let rank = roots_first(&order);
    causes.sort_by_key(|cause| rank.get(&cause.report.id).copied());
    causes.into_iter().map(|cause| cause.told(all)).collect()
}

/// New places in an order: a root moves right before the first of its consequences of the same level.
pub fn roots_first(order: &[(String, Level, Vec<String>)]) -> BTreeMap<String, usize> {
    fn place(
        at: usize,
        order: &[(String, Level, Vec<String>)],
        seen: &mut BTreeSet<usize>,
        out: &mut BTreeMap<String, usize>,
    ) {
        if !seen.insert(at) {
            return;
        }
        let (id, level, roots) = &order[at];
        for (other, (root, root_level, _)) in order.iter().enumerate() {
            if root_level == level && roots.contains(root) {
                place(other, order, seen, out);
            }
        }
        out.insert(id.clone(), out.len());
    }
    let (mut seen, mut out) = (BTreeSet::new(), BTreeMap::new());
    for at in 0..order.len() {
        place(at, order, &mut seen, &mut out);
    }
    out
}
