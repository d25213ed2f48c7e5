//! `whyrdp signatures list`: rules and causes in a table.

use std::collections::BTreeSet;

use clap::ValueEnum;
use serde::Serialize;
use whyrdp::report::terminal::clean;
use whyrdp::signature::Signatures;
use whyrdp::signature::definition::{Cause, Observation, Pattern, Rule};

use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::options::signatures::SignatureOptions;
use crate::cli::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp signatures list --kind cause --family licensing
  whyrdp signatures list --channel RdpCoreTS --level high
  whyrdp signatures list --cause clock-skew --format json";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only of this family (folder)
    #[arg(long, value_name = "NAME")]
    family: Option<String>,
    /// Only this cause and the rules that bear on it
    #[arg(long, value_name = "ID")]
    cause: Option<String>,
    /// Only rules whose records stand in a channel with this in its name
    #[arg(long, value_name = "NAME")]
    channel: Option<String>,
    /// Only of this level or severity
    #[arg(long, value_name = "LEVEL")]
    level: Option<String>,
    /// Only of this kind
    #[arg(long, value_name = "KIND", value_enum)]
    kind: Option<What>,
    /// How to write it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    signatures: SignatureOptions,
}

/// What a signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum What {
    /// A root cause
    Cause,
    /// A rule whose match bears on causes
    Fact,
    /// A rule for a step of a connection
    Marker,
    /// A rule for records that look like errors and mean nothing
    Noise,
    /// A rule of Sigma without a whyrdp block
    Sigma,
    /// A number of matches within a span
    Correlation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns for people
    Table,
    /// An array of objects
    Json,
}

/// A line of the table.
#[derive(Serialize)]
struct Line<'a> {
    kind: What,
    id: &'a str,
    family: &'a str,
    level: &'a str,
    title: &'a str,
    channels: Vec<String>,
    causes: Vec<&'a str>,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let signatures = args.signatures.load(false, &session.console)?;
    if let Some(cause) = args.cause.as_deref().filter(|id| signatures.cause(id).is_none()) {
        return Err(Failure::usage(format_args!(
            "no cause is called {cause}: see whyrdp signatures list --kind cause"
        )));
    }
    let mut lines = lines(signatures);
    among(lines.iter().map(|line| line.family), "--family", args.family.as_deref())?;
    among(lines.iter().map(|line| line.level), "--level", args.level.as_deref())?;
    lines.retain(|line| args.wants(line));
    lines.sort_by(|a, b| (a.kind, a.family, a.id).cmp(&(b.kind, b.family, b.id)));
    let mut output = Output::open(None, false, &session.unfinished)?;
    match args.format {
        Format::Json => output.write(|out| {
            serde_json::to_writer_pretty(&mut *out, &lines)?;
            writeln!(out)
        })?,
        Format::Table => {
            let width = |of: for<'a> fn(&Line<'a>) -> &'a str| lines.iter().map(|line| of(line).chars().count()).max();
            let id = width(|line| line.id).unwrap_or(0);
            let family = width(|line| line.family).unwrap_or(0);
            for line in &lines {
                let kind = line.kind.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                let title = clean(line.title, 200);
                let text =
                    format!("{kind:<11}  {:<id$}  {:<family$}  {:<13}  {title}", line.id, line.family, line.level);
                output.write(|out| writeln!(out, "{}", text.trim_end()))?;
            }
        }
    }
    output.finish()?;
    session.console.note(super::count(lines.len(), "signature"));
    Ok(Exit::Done)
}

/// A word that no signature has is a slip of the pen.
fn among<'a>(known: impl Iterator<Item = &'a str>, option: &str, word: Option<&str>) -> Result<(), Failure> {
    let known: BTreeSet<&str> = known.filter(|word| !word.is_empty()).collect();
    match word.filter(|word| !known.iter().any(|known| known.eq_ignore_ascii_case(word))) {
        None => Ok(()),
        Some(word) => {
            let known: Vec<&str> = known.into_iter().collect();
            Err(Failure::usage(format_args!("{option} {word}: there are {}", known.join(", "))))
        }
    }
}

impl Args {
    fn wants(&self, line: &Line<'_>) -> bool {
        let same = |wanted: &Option<String>, own: &str| {
            wanted.as_deref().is_none_or(|wanted| own.eq_ignore_ascii_case(wanted))
        };
        let has = |own: &String, wanted: &str| own.to_lowercase().contains(&wanted.to_lowercase());
        same(&self.family, line.family)
            && same(&self.level, line.level)
            && self.kind.is_none_or(|kind| kind == line.kind)
            && self.cause.as_deref().is_none_or(|cause| line.id == cause || line.causes.contains(&cause))
            && self.channel.as_deref().is_none_or(|wanted| line.channels.iter().any(|own| has(own, wanted)))
    }
}

fn lines(signatures: &Signatures) -> Vec<Line<'_>> {
    let causes = |slug: &str| {
        let names = |cause: &&Cause| cause.evidence.iter().any(|clue| bears(&clue.what, slug));
        signatures.causes().iter().filter(names).map(|cause| cause.id.as_str()).collect()
    };
    let rules = signatures.rules().map(|rule| Line {
        kind: match rule.meaning.as_ref().map(|meaning| meaning.kind.word()) {
            None => What::Sigma,
            Some("marker") => What::Marker,
            Some("noise") => What::Noise,
            Some(_) => What::Fact,
        },
        id: &rule.slug,
        family: &rule.family,
        level: &rule.about.level,
        title: &rule.about.title,
        channels: channels(signatures, rule),
        causes: causes(&rule.slug),
    });
    let correlations = signatures.correlations().iter().map(|rule| {
        let counted = rule.rules.iter().filter_map(|slug| signatures.rule(slug));
        let mut channels: Vec<String> = counted.flat_map(|rule| channels(signatures, rule)).collect();
        channels.sort();
        channels.dedup();
        Line {
            kind: What::Correlation,
            id: &rule.slug,
            family: &rule.family,
            level: &rule.level,
            title: &rule.title,
            channels,
            causes: causes(&rule.slug),
        }
    });
    let causes = signatures.causes().iter().map(|cause| Line {
        kind: What::Cause,
        id: &cause.id,
        family: &cause.family,
        level: cause.severity.word(),
        title: &cause.title,
        channels: Vec::new(),
        causes: Vec::new(),
    });
    rules.chain(correlations).chain(causes).collect()
}

/// Where a rule's records stand: channels that it names, else those of its providers.
fn channels(signatures: &Signatures, rule: &Rule) -> Vec<String> {
    let tests = rule.detection.searches.iter().flat_map(|search| search.any.iter().flatten());
    let named = tests.filter(|test| test.field.as_deref() == Some("Channel")).flat_map(|test| &test.patterns);
    let mut found: Vec<String> = named.filter_map(Pattern::literal).map(str::to_owned).collect();
    if found.is_empty() {
        let providers = signatures.providers(rule).iter();
        found = providers.filter_map(|provider| signatures.channel(provider)).map(str::to_owned).collect();
    }
    found.sort();
    found.dedup();
    found
}

/// Is it about this rule?
pub fn bears(what: &Observation, slug: &str) -> bool {
    match what {
        Observation::Rule(rule) | Observation::Absent { rule, .. } => rule == slug,
        Observation::Sequence { rules, .. } => rules.iter().any(|rule| rule == slug),
        Observation::State { .. } | Observation::SessionAfter { .. } => false,
    }
}
