//! Names that look like what was typed.

use crate::signature::Signatures;
use crate::signature::definition::Phase;
use crate::signature::phrase::distance;

/// Most names that are told.
const MOST: usize = 6;
/// A name is shorter than this: what is longer is a text.
const LONGEST: usize = 80;

/// Names near to what was asked, the nearest first.
pub fn names(signatures: &Signatures, asked: &str) -> Vec<String> {
    let asked = asked.to_lowercase();
    if asked.is_empty() || asked.chars().count() > LONGEST {
        return Vec::new();
    }
    let loose = |text: &str| text.replace(['-', ' '], "_");
    let wanted = loose(&asked);
    let letters = wanted.chars().count();
    let mut found: Vec<(usize, String)> = Vec::new();
    for name in all(signatures) {
        let known = loose(&name.to_lowercase());
        let within = letters >= 4 && known.contains(&wanted);
        let parts = || wanted.split('_').all(|part| part.len() >= 3 && known.contains(part));
        let most = (letters / 3).min(6);
        let far = match () {
            () if within => 1,
            () if parts() => 2,
            () if most > 0 => distance(&wanted, &known, most),
            () => continue,
        };
        if far <= most {
            found.push((far, name));
        }
    }
    found.sort();
    found.dedup_by(|a, b| a.1 == b.1);
    found.into_iter().map(|(_, name)| name).take(MOST).collect()
}

fn all(signatures: &Signatures) -> Vec<String> {
    let causes = signatures.causes().iter().flat_map(|cause| [cause.id.clone(), cause.family.clone()]);
    let rules = signatures.rules().map(|rule| rule.slug.clone());
    let correlations = signatures.correlations().iter().map(|one| one.slug.clone());
    let phases = Phase::ALL.iter().map(|phase| phase.word().to_owned());
    let dialogs = signatures.dialogs().iter().map(|dialog| dialog.id.clone());
    let claims = signatures.claims().iter().map(|claim| claim.id.clone());
    let codes = signatures.spaces().flat_map(|space| signatures.codes(space));
    let symbols = codes.flat_map(|code| code.symbol.iter().chain(&code.aliases).cloned());
    let providers = signatures.words().iter().map(|words| words.short.clone());
    let mut all: Vec<String> = causes.chain(rules).chain(correlations).chain(phases).chain(dialogs).collect();
    all.extend(claims.chain(symbols).chain(providers));
    all.sort();
    all.dedup();
    all
}
