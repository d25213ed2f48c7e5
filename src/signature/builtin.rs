//! The signatures that come with the program, as the build packed them, and how
//! those of a user are laid over them.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::definition::Definitions;
use super::parts::Packed;

static BLOB: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/signatures.postcard"));

/// What comes with the program, as it was packed.
pub(super) fn packed() -> Packed {
    // The build wrote the blob with these very types; a test decodes it.
    postcard::from_bytes(BLOB).unwrap_or_default()
}

impl Definitions {
    /// What comes with the program.
    pub fn builtin() -> Self {
        packed().0.into()
    }

    /// Lays `over` upon these: what has the same slug, id, cause, number or provider is replaced.
    pub fn merge(&mut self, over: Definitions) {
        let slugs: BTreeSet<&str> = over.rules.iter().map(|rule| rule.slug.as_str()).collect();
        let slugs: BTreeSet<&str> =
            slugs.into_iter().chain(over.correlations.iter().map(|c| c.slug.as_str())).collect();
        let ids =
            over.rules.iter().map(|rule| rule.about.id.as_str()).chain(over.correlations.iter().map(|c| c.id.as_str()));
        let ids: BTreeSet<&str> = ids.filter(|id| !id.is_empty()).collect();
        let causes: BTreeSet<&str> = over.causes.iter().map(|cause| cause.id.as_str()).collect();
        self.rules.retain(|rule| !slugs.contains(rule.slug.as_str()) && !ids.contains(rule.about.id.as_str()));
        self.correlations.retain(|rule| !slugs.contains(rule.slug.as_str()) && !ids.contains(rule.id.as_str()));
        self.causes.retain(|cause| !causes.contains(cause.id.as_str()));
        self.rules.extend(over.rules);
        self.filters.extend(over.filters);
        self.correlations.extend(over.correlations);
        self.causes.extend(over.causes);
        self.rules.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.correlations.sort_by(|a, b| a.slug.cmp(&b.slug));
        self.causes.sort_by(|a, b| a.id.cmp(&b.id));
        for (space, codes) in over.codes {
            let mine = self.codes.entry(space).or_default();
            mine.retain(|code| codes.binary_search_by_key(&code.number, |new| new.number).is_err());
            mine.extend(codes);
            mine.sort_by_key(|code| code.number);
        }
        for (space, ranges) in over.ranges {
            let mine = self.ranges.entry(space).or_default();
            mine.retain(|range| ranges.iter().all(|new| new.members != range.members));
            mine.extend(ranges);
        }
        for space in over.spaces {
            match self.spaces.iter_mut().find(|mine| mine.name == space.name) {
                Some(mine) => mine.title = space.title,
                None => self.spaces.push(space),
            }
        }
        self.pairs.retain(|pair| over.pairs.iter().all(|new| (new.code, new.extended) != (pair.code, pair.extended)));
        self.pairs.extend(over.pairs);
        self.pairs.sort_by_key(|pair| (pair.code, pair.extended));
        self.dialogs.retain(|dialog| over.dialogs.iter().all(|new| new.id != dialog.id));
        self.dialogs.extend(over.dialogs);
        self.dialogs.sort_by(|a, b| a.id.cmp(&b.id));
        self.claims.retain(|claim| over.claims.iter().all(|new| new.id != claim.id));
        self.claims.extend(over.claims);
        self.claims.sort_by(|a, b| a.id.cmp(&b.id));
        for words in over.words {
            match self.words.iter_mut().find(|mine| mine.provider.eq_ignore_ascii_case(&words.provider)) {
                Some(mine) => {
                    mine.short = words.short;
                    // What they do not tell stays as it is.
                    if !words.channel.is_empty() {
                        mine.channel = words.channel;
                    }
                    mine.elsewhere |= words.elsewhere;
                    mine.events.extend(words.events);
                }
                None => self.words.push(words),
            }
        }
        self.words.sort_by(|a, b| a.provider.cmp(&b.provider));
        let both = Sha256::new().chain_update(&self.sha256).chain_update(&over.sha256).finalize();
        self.sha256 = both.iter().map(|byte| format!("{byte:02x}")).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::definition::Words;

    fn words(channel: &str, elsewhere: bool, event_id: u32) -> Definitions {
        let words = Words {
            provider: "FreeRDP".to_owned(),
            short: "FreeRDP".to_owned(),
            channel: channel.to_owned(),
            elsewhere,
            events: [(event_id, "text".to_owned())].into(),
        };
        Definitions { words: vec![words], ..Definitions::default() }
    }

    #[test]
    fn words_that_are_added_leave_what_they_do_not_tell() {
        let mut mine = words("Application", true, 1);
        mine.merge(words("", false, 2));
        let [merged] = &mine.words[..] else { unreachable!("one provider") };
        assert_eq!((merged.channel.as_str(), merged.elsewhere), ("Application", true));
        assert_eq!(merged.events.keys().collect::<Vec<_>>(), [&1, &2]);
    }
}
