//! `whyrdp scan`: logs become rows. Also the reading half of `analyze`.

use std::path::PathBuf;

use whyrdp::evidence::{Lines, Problem, Row};
use whyrdp::scan::{self, Totals};
use whyrdp::signature::Signatures;
use whyrdp::source::{self, Discovery, Trouble};

use super::Session;
use super::exit::{Exit, Failure};
use super::findings::words;
use super::list;
use super::options::signatures::SignatureOptions;
use super::options::traces::TraceOptions;
use super::output::Output;
use super::progress::Progress;
use super::spool::Spool;
use super::wild;

/// What to give it, for whoever gave something else.
const READS: &str = "whyrdp reads event logs (.evtx), traces (.etl), their text forms, captures (.pcap, .pcapng), logs of FreeRDP, \
     and folders of them; what is packed in an archive is to be unpacked first";

const EXAMPLES: &str = "\
Examples:
  whyrdp scan SRV01/ -o srv01.jsonl             one host
  whyrdp scan logs/ | whyrdp correlate          the same as whyrdp analyze logs/
  find . -name '*.evtx' | whyrdp scan --files-from -
                                                a line may end in TAB and the name that rows say

Rows are evidence, coverage, problem and input, in the order of inputs. Damage becomes problem
rows and is no failure, unless --strict is given.";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Read paths from this file, one a line, or from standard input (-)
    #[arg(long, value_name = "FILE", conflicts_with = "paths", help_heading = "Input")]
    files_from: Option<PathBuf>,
    /// Write to this file, whole or not at all
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Overwrite the file
    #[arg(long, help_heading = "Output")]
    force: bool,
    #[command(flatten)]
    reading: Reading,
}

/// What is read and how, as typed.
#[derive(Debug, clap::Args)]
pub struct Reading {
    /// Logs (.evtx), traces (.etl), texts made of either, captures (.pcap, .pcapng), logs of FreeRDP, folders of
    /// them, or - for standard input; the current folder unless given
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    traces: TraceOptions,
    #[command(flatten)]
    signatures: SignatureOptions,
    /// Threads; one for each processor unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Behaviour")]
    threads: Option<u16>,
    /// Take the SHA-256 of every input
    #[arg(long, help_heading = "Behaviour")]
    hash: bool,
    /// Any signature that cannot be used, and any input that is lost, is an error
    #[arg(long, help_heading = "Behaviour")]
    pub strict: bool,
}

impl Reading {
    /// The signatures to use.
    pub fn load(&self, session: &Session) -> Result<&'static Signatures, Failure> {
        self.signatures.load(self.strict, &session.console)
    }

    /// The inputs in what was named.
    /// The copy of standard input goes with what is returned beside them.
    pub fn discover(&self, session: &Session) -> (Discovery, Spool) {
        let here = [PathBuf::from(".")];
        let named = wild::expanded(&self.paths);
        let paths = if named.is_empty() { &here[..] } else { &named };
        let (given, mut spool) = Spool::inputs(paths, &session.unfinished);
        let mut found = source::discover_given(&given);
        found.problems.extend(spool.trouble.take());
        (found, spool)
    }

    /// Reads what was found and hands on its rows, problems of the search first.
    pub fn rows(
        &self,
        found: &Discovery,
        signatures: &Signatures,
        session: &Session,
        emit: &mut dyn FnMut(Row) -> Result<(), Failure>,
    ) -> Result<Totals, Failure> {
        for problem in &found.problems {
            emit(Row::Problem(Problem {
                path: problem.name.as_str().into(),
                offset: problem.offset,
                what: advised(problem).into(),
                lost: problem.lost,
            }))?;
        }
        let console = &session.console;
        if found.skipped > 0 {
            console.note(format_args!("{} other files are no logs and were passed over", found.skipped));
        }
        let bytes = found.inputs.iter().map(|input| input.bytes).sum();
        let progress = Progress::new(bytes, console.shows_progress());
        let tell = |done| progress.at(done);
        let asked = || session.stop.asked();
        let aids = self.traces.aids(console)?;
        self.traces.complain(found, console);
        let threads = self.threads.map_or(0, usize::from);
        let options = scan::Options { threads, progress: &tell, hash: self.hash, aids, stop: &asked };
        let totals = session.stop.heeded(|| scan::scan(&found.inputs, signatures, &options, emit));
        progress.done();
        let totals = totals?;
        if totals.stopped {
            console.warn("asked to stop: what follows is of what was read until then");
        }
        console.note(format_args!(
            "{} inputs, {} records, {} of them evidence, {bytes} bytes in {:.2} s",
            totals.inputs,
            totals.records,
            totals.evidence,
            progress.elapsed().as_secs_f64()
        ));
        Ok(totals)
    }
}

/// Nothing could be read: why, and what to do.
pub fn nothing(found: &Discovery, totals: Totals) -> Option<Failure> {
    if totals.inputs > totals.unreadable {
        return None;
    }
    let refused = |problem: &source::Problem| problem.trouble != Trouble::NoLog;
    let what = match (found.inputs.is_empty(), found.problems.is_empty()) {
        (true, true) => format!("no log found: {READS}"),
        // What the system says of each file stands above.
        (true, false) if found.problems.iter().all(refused) => "nothing could be read".to_owned(),
        _ => format!("nothing could be read: {READS}"),
    };
    Some(Failure::new(Exit::Nothing, what))
}

/// The words of the problem, or plainer ones than the system has.
fn advised(problem: &source::Problem) -> &str {
    match problem.trouble {
        Trouble::Missing => "no such file or folder",
        Trouble::Refused | Trouble::NoLog => &problem.what,
    }
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    let given = args.files_from.as_ref().map(|list| list::read(list)).transpose()?;
    let mut output = Output::open(args.output.as_deref(), args.force, &session.unfinished)?;
    let signatures = args.reading.load(session)?;
    let (found, _spool) = match given {
        Some(given) => (source::discover_given(&given), None),
        None => {
            let (found, spool) = args.reading.discover(session);
            (found, Some(spool))
        }
    };
    output.spares(found.inputs.iter().map(|input| input.path.as_path()))?;
    let mut complaints = Vec::new();
    let lines = Lines::new(signatures.sha256());
    let mut line = Vec::new();
    let mut lost = false;
    let totals = args.reading.rows(&found, signatures, session, &mut |row| {
        if let Row::Problem(problem) = &row {
            lost |= problem.lost;
            if problem.lost || session.console.verbose() {
                complaints.push(words(problem));
            }
        }
        line.clear();
        lines
            .append(&mut line, &row)
            .map_err(|error| Failure::new(Exit::Output, format_args!("cannot write a row: {error}")))?;
        line.push(b'\n');
        output.write(|out| out.write_all(&line))
    })?;
    session.console.warn_all(&complaints);
    // A log of which nothing could be read became rows that say so; where there was none, an older file stays.
    if let Some(failure) = nothing(&found, totals).filter(|_| found.inputs.is_empty()) {
        return Err(failure);
    }
    output.finish()?;
    Ok(if args.reading.strict && lost { Exit::Partial } else { Exit::Done })
}
