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
    for (known, name) in all(signatures) {
        let known = loose(&known.to_lowercase());
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
    let mut told: Vec<String> = Vec::new();
    for (_, name) in found {
        if !told.contains(&name) {
            told.push(name);
        }
    }
    told.truncate(MOST);
    told
}

/// What may be typed, and the name by which it is asked for.
fn all(signatures: &Signatures) -> Vec<(String, String)> {
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
    let titles = signatures.causes().iter().map(|cause| (cause.title.clone(), cause.id.clone()));
    all.into_iter().map(|name| (name.clone(), name)).chain(titles).collect()
}
