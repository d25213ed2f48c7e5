//! `whyrdp verify`: are the inputs of a report still what it was made of?

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use whyrdp::report::model::{Report, SCHEMA_VERSION};
use whyrdp::report::terminal::clean;
use whyrdp::verify::{is_redacted, verify};

use super::Session;
use super::encoding;
use super::exit::{Exit, Failure};
use super::options::traces::TraceOptions;
use super::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp analyze --hash --format json -o case.json logs/
  whyrdp verify case.json                       from the same folder as the analysis
  whyrdp verify --root /mnt/case case.json      the inputs lie below another folder now

Exit code 1 if anything differs. A redacted report cannot be verified: it names no input.";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Report (--format json); - for standard input
    #[arg(value_name = "REPORT")]
    report: PathBuf,
    /// Folder that names of inputs count from; the current one unless given
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[command(flatten)]
    traces: TraceOptions,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let report = read(&args.report)?;
    if is_redacted(&report) {
        let what =
            "the report was made with --redact: it names no input; verify the one with names that was made beside it";
        return Err(Failure::usage(what));
    }
    let aids = args.traces.aids(&session.console)?;
    let done = verify(&report, &aids, &|name| match &args.root {
        Some(root) => root.join(name),
        None => PathBuf::from(name),
    });
    let mut output = Output::open(None, false, &session.unfinished)?;
    output.write(|out| {
        for difference in &done.different {
            let place = difference.offset.map(|offset| format!(" at byte {offset}")).unwrap_or_default();
            writeln!(out, "{}{place}: {}", clean(&difference.path, 1000), clean(&difference.what, 1000))?;
        }
        write!(out, "{} of {} inputs have the hash of the report", done.hashed, done.inputs)?;
        match done.unhashed {
            0 => writeln!(out)?,
            unhashed => writeln!(out, "; of {unhashed} it has none (analyze --hash takes it)")?,
        }
        let records =
            if done.records == 1 { "1 cited record is" } else { &format!("{} cited records are", done.records) };
        writeln!(out, "{records} where the report says")?;
        writeln!(
            out,
            "{}",
            match (done.different.is_empty(), done.unhashed) {
                (true, 0) => "nothing differs",
                (true, _) => "nothing differs of what could be compared",
                (false, _) if done.hashed + done.records == 0 => {
                    "nothing is where the report says: run this in the folder of the analysis, or name it with --root"
                }
                (false, _) => "the report does not fit its inputs",
            }
        )
    })?;
    output.finish()?;
    Ok(if done.different.is_empty() { Exit::Done } else { Exit::Found })
}

/// Largest report that is taken for one.
const LARGEST: u64 = 1 << 30;

fn within(most: u64, reader: impl Read) -> io::Result<String> {
    let mut bytes = Vec::new();
    let read = reader.take(most).read_to_end(&mut bytes)?;
    if read as u64 == most {
        return Err(io::Error::other(format!("larger than {most} bytes, which no report is")));
    }
    let text = encoding::behind_mark(&bytes).map_err(io::Error::other)?;
    String::from_utf8(text.to_vec()).map_err(|_| io::Error::other("it is no text, let alone a report (--format json)"))
}

fn read(path: &Path) -> Result<Report, Failure> {
    let name = path.display();
    let text = if path.as_os_str() == "-" {
        within(LARGEST, io::stdin().lock())
    } else {
        File::open(path).and_then(|file| within(LARGEST, file))
    };
    let text = text.map_err(|error| Failure::new(Exit::Nothing, format_args!("cannot read {name}: {error}")))?;
    let report: Report = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format_args!("{name} is no report of whyrdp (--format json): {error}")))?;
    if report.schema_version != SCHEMA_VERSION {
        let version = report.schema_version;
        return Err(Failure::usage(format_args!(
            "{name} has schema version {version}, this program reads {SCHEMA_VERSION}"
        )));
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_end_is_refused_in_words() {
        assert_eq!(within(10, &b"{}"[..]).unwrap(), "{}");
        let error = within(1 << 20, io::repeat(b'x')).unwrap_err();
        assert!(error.to_string().contains("larger than 1048576 bytes"), "{error}");
    }
}
