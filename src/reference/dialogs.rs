//! What users read: dialogs, and advice that is given for them.

use super::causes;
use super::topic::{Kind, Line, Topic};
use crate::signature::Signatures;
use crate::signature::definition::{Cause, Claim, Dialog, Judgement};

/// A dialog.
pub fn dialog(signatures: &Signatures, dialog: &Dialog) -> Topic {
    let mut topic = Topic::new(Kind::Dialog, dialog.id.clone(), dialog.says.clone());
    let codes = dialog.codes.iter().map(|code| {
        let extended = code.extended.map(|extended| format!("/{extended:#x}")).unwrap_or_default();
        let space = if code.code > 0x0FFF_FFFF { "status" } else { "disconnect" };
        let meaning = signatures.code(space, code.code).map(|code| format!(": {}", code.meaning));
        Line::plain(format!("{:#x}{extended} ({}){}", code.code, code.confidence, meaning.unwrap_or_default()))
    });
    topic.section("Codes that go with it", codes.collect());
    topic.section("What it does not say", dialog.note.iter().map(Line::plain).collect());
    let known = |ids: &[String]| ids.iter().filter_map(|id| signatures.cause(id)).collect::<Vec<&Cause>>();
    let (typical, possible) = (known(&dialog.causes), known(&dialog.possible));
    topic.section("Causes of which it is typical", typical.iter().map(|c| causes::line(signatures, c)).collect());
    topic.section("Causes that may show it", possible.iter().map(|c| causes::line(signatures, c)).collect());
    let likely: Vec<&Cause> = typical.into_iter().chain(possible).take(3).collect();
    advice(signatures, &mut topic, &likely, dialog.codes.first().map(|code| code.code), None);
    topic.texts("Sources", &dialog.references);
    topic
}

/// A claim.
pub fn claim(signatures: &Signatures, claim: &Claim) -> Topic {
    let mut topic = Topic::new(Kind::Claim, claim.id.clone(), claim.claim.clone());
    topic.fact("judgement", claim.judgement.word());
    topic.section("What is known", vec![Line::plain(claim.facts.clone())]);
    topic.section("What speaks for it", claim.speaks_for.iter().map(Line::plain).collect());
    topic.section("What speaks against it", claim.speaks_against.iter().map(Line::plain).collect());
    let about = claim.causes.iter().filter_map(|id| signatures.cause(id));
    topic.section("Causes that it is told of", about.map(|cause| causes::line(signatures, cause)).collect());
    topic
}

/// A claim in a line.
pub fn claim_line(claim: &Claim) -> Line {
    let told = [("for", &claim.speaks_for), ("against", &claim.speaks_against)];
    let told = told.into_iter().filter_map(|(name, text)| text.as_ref().map(|text| format!("{name}: {text}")));
    Line {
        text: format!("{} ({})", claim.claim, claim.judgement),
        cause: None,
        more: std::iter::once(claim.facts.clone()).chain(told).collect(),
    }
}

/// Advice that does harm, of these causes and of claims about these codes; then the other claims.
pub fn advice(
    signatures: &Signatures,
    topic: &mut Topic,
    typical: &[&Cause],
    code: Option<u32>,
    extended: Option<u32>,
) {
    let about = |claim: &&Claim| {
        let codes = claim.codes.iter().any(|(one, other)| {
            let extended = match (extended, other) {
                (Some(a), Some(b)) => a == *b,
                (Some(_), None) => code.is_some(),
                (None, other) => other.is_none(),
            };
            code.is_none_or(|code| code == *one) && extended && (code.is_some() || other.is_some())
        });
        codes || typical.iter().any(|cause| claim.causes.contains(&cause.id))
    };
    let mut claims: Vec<&Claim> = signatures.claims().iter().filter(about).collect();
    claims.sort_by_key(|claim| claim.judgement);
    let cures =
        |claim: &&&Claim| matches!(claim.judgement, Judgement::Harmful | Judgement::Workaround | Judgement::Irrelevant);
    let mut lines: Vec<Line> = claims.iter().filter(cures).map(|claim| claim_line(claim)).collect();
    for cause in typical {
        for avoid in &cause.avoid {
            if !lines.iter().any(|line| line.text == *avoid) {
                lines.push(Line { text: avoid.clone(), cause: Some(cause.id.clone()), more: Vec::new() });
            }
        }
    }
    topic.warning("Advice that does harm or no good", lines);
    topic.section("What is claimed, checked", claims.iter().filter(|c| !cures(c)).map(|c| claim_line(c)).collect());
}

/// Dialogs that go with these codes.
pub fn shown_by(signatures: &Signatures, topic: &mut Topic, code: Option<u32>, extended: Option<u32>) {
    let fits = signatures.dialogs().iter().filter(|dialog| {
        dialog.codes.iter().any(|one| {
            code.is_none_or(|code| one.code == code)
                && extended.is_none_or(|extended| one.extended.unwrap_or_default() == extended)
        })
    });
    let told = |dialog: &Dialog| Line {
        more: Some(dialog.causes.join(", "))
            .filter(|c| !c.is_empty())
            .map(|c| format!("fits {c}"))
            .into_iter()
            .collect(),
        ..line(dialog)
    };
    topic.section("Dialogs that go with it", fits.map(told).collect());
}

/// Dialogs and claims that are about a cause.
pub fn of_cause(signatures: &Signatures, topic: &mut Topic, cause: &Cause) {
    let dialogs = signatures
        .dialogs()
        .iter()
        .filter(|dialog| dialog.causes.contains(&cause.id) || dialog.possible.contains(&cause.id));
    topic.section("Dialogs that it may show", dialogs.map(line).collect());
    let claims = signatures.claims().iter().filter(|claim| {
        claim.causes.contains(&cause.id) || (claim.families.contains(&cause.family) && claim.speaks_for.is_none())
    });
    topic.section("What is claimed, checked", claims.map(claim_line).collect());
}

fn line(dialog: &Dialog) -> Line {
    Line { text: format!("{} [{}]", dialog.says, dialog.id), cause: None, more: Vec::new() }
}
