//! Records that no attempt holds, found by what ties them to one.

use std::net::IpAddr;

use rustc_hash::FxHashMap;

use crate::attempt::identity::HostId;
use crate::attempt::{Attempt, Case, ItemId};
use crate::signature::definition::{Key, Role, Slot};

use super::bind::{meaning, on};
use super::keys::Keys;
use super::sorted::BySlug;

/// Records of one rule on one host, beyond which only those are looked at that may be of the attempt's client.
const MANY: usize = 64;

/// Records of one rule on one host by the client's address that they tell.
type ByClient = FxHashMap<Option<IpAddr>, Vec<ItemId>>;

/// Records that nobody holds, without noise, in order of time.
pub struct Loose<'c> {
    all: BySlug<'c>,
    /// Those that are many, by the client's address that they tell.
    by_client: FxHashMap<(&'c str, HostId), ByClient>,
}

impl<'c> Loose<'c> {
    /// Puts them in order.
    pub fn new(case: &Case<'_>, all: BySlug<'c>, keys: &Keys<'_>) -> Self {
        let mut by_client = FxHashMap::default();
        for (slug, hosts) in &all {
            let tells = meaning(case, slug).is_some_and(|meaning| meaning.capture.contains_key(&Slot::ClientIp));
            for (host, ids) in hosts.iter().filter(|(_, ids)| tells && ids.len() > MANY) {
                let own: &mut ByClient = by_client.entry((*slug, *host)).or_default();
                ids.iter().for_each(|id| own.entry(keys.client_ip(*id)).or_default().push(*id));
            }
        }
        Loose { all, by_client }
    }

    /// Those of a rule on a host that may be the attempt's, each run in order of time. `role` is the rule's.
    pub fn of(&self, attempt: &Attempt, (slug, host): (&'c str, HostId), role: Role, keys: &[Key]) -> Vec<&[ItemId]> {
        // What a server wrote that was but on the way is the attempt's where the attempt holds it.
        if role == Role::Server && attempt.server != Some(host) {
            return Vec::new();
        }
        match self.by_client.get(&(slug, host)) {
            Some(all) if keys.contains(&Key::ClientIp) && !attempt.client_ips.is_empty() => {
                let own = attempt.client_ips.iter().copied().map(Some).chain([None]);
                own.filter_map(|client| all.get(&client)).map(Vec::as_slice).collect()
            }
            _ => vec![on(&self.all, slug, host)],
        }
    }
}
