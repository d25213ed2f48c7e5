//! `whyrdp explain`: the knowledge in words, without any log.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use whyrdp::reference::{self, Answer, Kind, Line, Section, Topic};
use whyrdp::report::Options;
use whyrdp::report::page::{Page, Style, Text};
use whyrdp::signature::Signatures;

use super::Session;
use super::exit::{Exit, Failure};
use super::options::rendering;
use super::options::signatures::SignatureOptions;
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp explain 0x904/0x7                      the codes of the dialog
  whyrdp explain 2308 0xC000006D %%2313         any notation; each meaning is shown
  whyrdp explain LsaSrv/6041 4625               events
  whyrdp explain \"An internal error has occurred\"
  whyrdp explain machinekeys-acl-broken tls     causes, signatures, phases, families
  whyrdp explain \"Wrong password\"               a cause as reports call it

Exit code 1: something that was asked for is not known.";

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For reading
    Text,
    /// For programs
    Json,
    /// Markdown
    Md,
}

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Code, event, cause, signature, phase, family, or the text of a dialog
    #[arg(value_name = "WHAT", required_unless_present = "pages", allow_negative_numbers = true)]
    what: Vec<String>,
    #[command(flatten)]
    signatures: SignatureOptions,
    /// Form of the answer
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text", help_heading = "Output")]
    format: Form,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, help_heading = "Output")]
    force: bool,
    /// Write the pages of all causes into this folder, for the documentation
    #[arg(long, value_name = "DIR", hide = true, conflicts_with = "what")]
    pages: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    if let Some(folder) = &args.pages {
        let signatures = args.signatures.load(false, &session.console)?;
        return write_pages(folder, signatures);
    }
    let mut output = Output::open(args.output.as_deref(), args.force, &session.unfinished)?;
    let signatures = args.signatures.load(false, &session.console)?;
    let answers = answers(signatures, &args.what);
    let unknown: Vec<&Answer> = answers.iter().filter(|answer| answer.topics.is_empty()).collect();
    let terminal = output.is_terminal();
    let options =
        Options { width: rendering::width(terminal), color: session.console.colors(terminal), ..Options::default() };
    match args.format {
        Form::Text => output.write(|out| text(&mut Page::new(out, &options), &answers))?,
        Form::Md => output.write(|out| out.write_all(reference::markdown(&answers).as_bytes()))?,
        Form::Json => output.write(|out| {
            let json = reference::json(&answers).map_err(io::Error::other)?;
            writeln!(out, "{json}")
        })?,
    }
    output.finish()?;
    for answer in &unknown {
        let hint = match answer.near.as_slice() {
            [] => "give a code, PROVIDER/ID, the words of the dialog, or a cause (whyrdp signatures list names them)"
                .to_owned(),
            near => format!("did you mean {}?", near.join(", ")),
        };
        session.console.error(format_args!("nothing is known about {:?}: {hint}", answer.asked));
    }
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::Found })
}

/// One answer each; words that say nothing alone are the text of a dialog, or the title of a cause, that was not quoted.
fn answers(signatures: &Signatures, what: &[String]) -> Vec<Answer> {
    let each: Vec<Answer> = what.iter().map(|one| reference::explain(signatures, one)).collect();
    if what.len() > 1 && each.iter().any(|answer| answer.topics.is_empty()) {
        let whole = reference::explain(signatures, &what.join(" "));
        if whole.topics.iter().any(|topic| matches!(topic.kind, Kind::Dialog | Kind::Cause)) {
            return vec![whole];
        }
    }
    each
}

fn text(page: &mut Page<'_>, answers: &[Answer]) -> io::Result<()> {
    let mut first = true;
    for answer in answers {
        if answer.topics.len() > 1 {
            let count = format!("{} means {} things:", answer.asked, answer.topics.len());
            if !first {
                page.blank()?;
            }
            page.put(0, "", &Text::of(Style::Yellow, &count))?;
            first = false;
        }
        for topic in &answer.topics {
            if !first {
                page.blank()?;
            }
            first = false;
            one(page, topic)?;
        }
    }
    Ok(())
}

fn one(page: &mut Page<'_>, topic: &Topic) -> io::Result<()> {
    let name = Text::of(Style::Bold, &topic.id).add(Style::Dim, &format!(" ({})", topic.kind.word()));
    page.put(0, "", &name)?;
    page.put(0, "", &Text::plain(&topic.title))?;
    for fact in &topic.facts {
        page.put(2, &format!("{}: ", fact.name), &Text::plain(&fact.value))?;
    }
    topic.sections.iter().try_for_each(|section| part(page, section))
}

fn part(page: &mut Page<'_>, section: &Section) -> io::Result<()> {
    page.heading(section.name)?;
    let style = if section.warning { Style::Yellow } else { Style::Plain };
    for Line { text, cause, more } in &section.lines {
        let mut words = Text::of(style, text);
        if let Some(cause) = cause {
            words = words.add(Style::Dim, &format!(" {cause}"));
        }
        match section.steps {
            true => page.step(2, "- ", style, text)?,
            false => page.put(2, "- ", &words)?,
        }
        for more in more {
            page.put(4, "", &Text::of(Style::Dim, more))?;
        }
    }
    Ok(())
}

/// Writes every page, and takes away those of causes that are no more.
fn write_pages(folder: &Path, signatures: &Signatures) -> Result<Exit, Failure> {
    let pages = reference::pages(signatures);
    let failed = |path: &Path, error: io::Error| Failure::output(&path.display().to_string(), &error);
    for (name, page) in &pages {
        let path = folder.join(name);
        let family = path.parent().unwrap_or(folder);
        fs::create_dir_all(family).map_err(|error| failed(family, error))?;
        fs::write(&path, page).map_err(|error| failed(&path, error))?;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let family = entry.file_name().to_string_lossy().into_owned();
        for page in fs::read_dir(entry.path()).into_iter().flatten().flatten() {
            let name = page.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") && !pages.contains_key(&format!("{family}/{name}")) {
                fs::remove_file(page.path()).map_err(|error| failed(&page.path(), error))?;
            }
        }
    }
    Ok(Exit::Done)
}
