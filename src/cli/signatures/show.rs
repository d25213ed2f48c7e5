//! `whyrdp signatures show`: one rule or cause, as words or as it was written.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::ValueEnum;
use whyrdp::report::terminal::clean;
use whyrdp::signature::definition::{Cause, Clue, Correlation, Definitions, Observation, Rule};
use whyrdp::signature::{Sources, to_json};

use super::list::bears;
use super::{all_sources, definitions};
use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp signatures show rdp-selfsigned-renewal-denied
  whyrdp signatures show schannel_36870_server_key_missing --format yaml    to copy and change";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// A rule's name or UUID, or a cause's name
    #[arg(value_name = "ID")]
    name: String,
    /// How to write it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Folder of signatures that add to or override the built-in ones (repeatable)
    #[arg(long, value_name = "DIR")]
    signatures: Vec<PathBuf>,
    /// Leave the built-in signatures out
    #[arg(long)]
    no_builtin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// The file's documents as JSON
    Json,
    /// The file as it was written
    Yaml,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let all = all_sources(!args.no_builtin, &args.signatures)?;
    let Some(file) = all.iter().find_map(|sources| sources.find(&args.name)) else {
        let what = format_args!("no signature is called {}: see whyrdp signatures list", args.name);
        return Err(Failure::new(Exit::Found, what));
    };
    let text = match args.format {
        Format::Yaml => file.1.clone(),
        Format::Json => {
            let documents = to_json(&file.1);
            let json = match documents.as_slice() {
                [only] => serde_json::to_string_pretty(only),
                many => serde_json::to_string_pretty(many),
            };
            json.unwrap_or_default() + "\n"
        }
        Format::Text => words(file, &all),
    };
    let mut output = Output::open(None, false, &session.unfinished)?;
    output.write(|out| out.write_all(text.as_bytes()))?;
    output.finish()?;
    Ok(Exit::Done)
}

/// The file in words, line by line harmless for a terminal.
fn words(file: &(String, String), all: &[Sources]) -> String {
    let own = definitions(&Sources(vec![file.clone()]));
    let mut out = String::new();
    for rule in &own.rules {
        rule_words(&mut out, rule, all);
    }
    for rule in &own.correlations {
        correlation_words(&mut out, rule, all);
    }
    for cause in &own.causes {
        cause_words(&mut out, cause);
    }
    if out.is_empty() {
        // A filter, words for events, or a file that cannot be used: as it stands.
        out.clone_from(&file.1);
    }
    out.lines().map(|line| clean(line, 4000) + "\n").collect()
}

fn row(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(out, "  {name:<12}{value}");
    }
}

fn list(out: &mut String, name: &str, items: &[String]) {
    if !items.is_empty() {
        let _ = writeln!(out, "\n{name}");
        items.iter().for_each(|item| {
            let _ = writeln!(out, "  - {}", item.trim());
        });
    }
}

fn rule_words(out: &mut String, rule: &Rule, all: &[Sources]) {
    let _ = writeln!(out, "{}: {}\n{}\n", rule.slug, rule.about.title, rule.about.description.trim());
    row(out, "id", &rule.about.id);
    row(out, "family", &rule.family);
    row(out, "level", &rule.about.level);
    let word = |word: Option<&'static str>| word.unwrap_or_default();
    if let Some(meaning) = &rule.meaning {
        row(out, "kind", meaning.kind.word());
        row(out, "host", meaning.host.word());
        row(out, "mark", word(meaning.mark.map(|mark| mark.word())));
        row(out, "reaches", word(meaning.reaches.map(|phase| phase.word())));
        row(out, "stops", word(meaning.stops.map(|phase| phase.word())));
        let keys: Vec<&str> = meaning.join.iter().map(|key| key.word()).collect();
        row(out, "tied by", &keys.join(", "));
        if meaning.fact != rule.slug {
            row(out, "fact", &meaning.fact);
        }
    }
    bearing(out, &rule.slug, all);
    list(out, "References", &rule.about.references);
}

fn correlation_words(out: &mut String, rule: &Correlation, all: &[Sources]) {
    let _ = writeln!(out, "{}: {}\n{}\n", rule.slug, rule.title, rule.description.trim());
    row(out, "id", &rule.id);
    row(out, "family", &rule.family);
    row(out, "level", &rule.level);
    row(out, "kind", "correlation");
    row(out, "counts", &rule.rules.join(", "));
    row(out, "group by", &rule.group_by.join(", "));
    bearing(out, &rule.slug, all);
}

/// The causes that a rule bears on.
fn bearing(out: &mut String, slug: &str, all: &[Sources]) {
    let mut merged = Definitions::default();
    for sources in all.iter().rev() {
        merged.merge(definitions(sources));
    }
    let mut lines = Vec::new();
    for cause in &merged.causes {
        let clues = cause.evidence.iter().filter(|clue| bears(&clue.what, slug));
        lines.extend(clues.map(|clue| format!("{} of {}: {}", clue.bearing, cause.id, clue.why)));
    }
    list(out, "Bears on", &lines);
}

fn cause_words(out: &mut String, cause: &Cause) {
    let _ = writeln!(out, "{}: {}\n{}\n", cause.id, cause.title, cause.explanation.trim());
    row(out, "family", &cause.family);
    row(out, "severity", cause.severity.word());
    let phases: Vec<&str> = cause.phases.iter().map(|phase| phase.word()).collect();
    row(out, "phases", &phases.join(", "));
    let codes: Vec<String> = cause
        .codes
        .iter()
        .map(|pair| match pair.extended {
            Some(extended) => format!("0x{:x}/0x{extended:x}", pair.code),
            None => format!("0x{:x}", pair.code),
        })
        .collect();
    row(out, "codes", &codes.join(", "));
    row(out, "caused by", &cause.caused_by.join(", "));
    row(out, "ATT&CK", &cause.attack.join(", "));
    let clues: Vec<String> = cause.evidence.iter().map(clue).collect();
    list(out, "Evidence", &clues);
    list(out, "Check by hand", &cause.check);
    list(out, "Fix", &cause.fix);
    list(out, "Avoid", &cause.avoid);
    list(out, "Verify", &cause.verify);
    list(out, "References", &cause.references);
}

fn clue(clue: &Clue) -> String {
    let what = match &clue.what {
        Observation::Rule(rule) => rule.clone(),
        Observation::State { state, value, at } => format!("{state}={value} at {at}"),
        Observation::Absent { rule, .. } => format!("no {rule}"),
        Observation::Sequence { rules, .. } => rules.join(", then "),
        Observation::SessionAfter { cause, least } => format!("session after {least} of {cause}"),
    };
    let after = clue.after.as_ref().map(|rule| format!(" after {rule}")).unwrap_or_default();
    format!("{:<8} {what}{after}: {}", clue.bearing, clue.why.trim())
}
