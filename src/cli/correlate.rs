//! `whyrdp correlate`: rows of any number of scans become the report.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use whyrdp::evidence::{Problem, Row, RowError, read_row};
use whyrdp::signature::Signatures;

use super::Session;
use super::encoding;
use super::exit::{Exit, Failure};
use super::findings;
use super::options::memory::Memory;
use super::options::rendering::Rendering;
use super::options::selecting::Selecting;
use super::options::signatures::SignatureOptions;
use super::report;
use super::rows::Rows;
use super::wild;

const EXAMPLES: &str = "\
Examples:
  whyrdp correlate srv01.jsonl client7.jsonl    two scans, one report
  cat rows/*.jsonl | whyrdp correlate -         the same row twice counts once

Rows must come from this version of the program and from the same signatures, unless --mixed is given.";

/// Longest line that is taken for a row: far more than any row has.
const LONGEST: u64 = 64 << 20;

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Rows of scans (JSON Lines); - or nothing for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    rendering: Rendering,
    #[command(flatten)]
    signatures: SignatureOptions,
    #[command(flatten)]
    memory: Memory,
    /// Any signature that cannot be used, and any input that is lost, is an error
    #[arg(long, help_heading = "Behaviour")]
    strict: bool,
    /// Take rows that were made with other signatures too; what only those know of is not judged
    #[arg(long, help_heading = "Behaviour")]
    mixed: bool,
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    if args.files.is_empty() && io::stdin().is_terminal() {
        return Err(Failure::usage("no rows: name files that `whyrdp scan` wrote, or pipe a scan into this"));
    }
    let request = args.selecting.request(args.rendering.zone(), None)?;
    let output = args.rendering.open(session)?;
    let files = wild::expanded(&args.files);
    output.spares(files.iter().map(|file| file.as_path()))?;
    let signatures = args.signatures.load(args.strict, &session.console)?;
    args.selecting.complain(signatures, &session.console);
    let all = Rows::new(signatures, &request.complaint, args.memory.rows());
    let mut reader = Reader { signatures, mixed: args.mixed, all, rows: 0, foreign: 0 };
    if files.is_empty() {
        reader.file(Path::new("-"))?;
    }
    for file in &files {
        reader.file(file)?;
    }
    let Reader { all, rows, foreign, .. } = reader;
    if foreign > 0 {
        session.console.warn(format_args!(
            "{foreign} of {rows} rows were made with other signatures: what these would have kept may be missing"
        ));
    }
    let partial = findings::complain(&all.found, &session.console);
    if rows == 0 {
        return Err(Failure::new(Exit::Nothing, "no row could be read: give what `whyrdp scan` wrote"));
    }
    report::tell(all, &args.selecting, &args.rendering, output.after(partial), session)
}

struct Reader<'a> {
    signatures: &'a Signatures,
    /// Rows of other signatures are welcome.
    mixed: bool,
    all: Rows<'a>,
    rows: u64,
    /// Of them, made with other signatures.
    foreign: u64,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.to_string_lossy();
        if name == "-" {
            return self.lines(&name, &mut io::stdin().lock());
        }
        if path.is_dir() {
            let what = "a folder: name the files in it that `whyrdp scan` wrote, or give it to `whyrdp analyze`";
            return self.lost(&name, None, what.to_owned());
        }
        match File::open(path) {
            Ok(file) => self.lines(&name, &mut BufReader::new(file)),
            Err(error) => self.lost(&name, None, error.to_string()),
        }
    }

    /// Adds every row; a line that is none is a problem, rows of another kind of scan an error.
    fn lines(&mut self, name: &str, reader: &mut dyn BufRead) -> Result<(), Failure> {
        let mut next = 0;
        match reader.fill_buf().map(|start| encoding::behind_mark(start).map(|rest| start.len() - rest.len())) {
            Ok(Ok(mark)) => {
                reader.consume(mark);
                next = mark as u64;
            }
            Ok(Err(wide)) => return self.lost(name, None, wide.to_owned()),
            // The same error comes again below.
            Err(_) => {}
        }
        let mut line = Vec::new();
        for number in 1_u64.. {
            let usage = |what: &dyn fmt::Display| Failure::usage(format_args!("{name}, line {number}: {what}"));
            line.clear();
            let at = Some(next);
            let read = reader.take(LONGEST).read_until(b'\n', &mut line);
            next += line.len() as u64;
            match read {
                Ok(0) => break,
                Ok(read) if read as u64 == LONGEST && !line.ends_with(b"\n") => {
                    self.lost(name, at, format!("line {number}: longer than any row; it was passed over"))?;
                    next += reader.skip_until(b'\n').map_err(|error| usage(&error))? as u64;
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    self.lost(name, at, format!("line {number}: {error}"))?;
                    break;
                }
            }
            let text = String::from_utf8_lossy(&line);
            if text.trim().is_empty() {
                continue;
            }
            match self.row(text.trim()) {
                Ok(row) => {
                    self.rows += 1;
                    self.all.add(row)?;
                }
                Err(error @ RowError::Malformed(_)) => self.lost(name, at, format!("line {number}: {error}"))?,
                Err(error @ RowError::Signatures(_)) => return Err(usage(&format_args!("{error}, or give --mixed"))),
                Err(error) => return Err(usage(&error)),
            }
        }
        Ok(())
    }

    fn row(&mut self, line: &str) -> Result<Row, RowError> {
        match read_row(line, self.signatures.sha256()) {
            Err(RowError::Signatures(other)) if self.mixed => {
                self.foreign += 1;
                read_row(line, &other)
            }
            read => read,
        }
    }

    /// `offset`: of the line.
    fn lost(&mut self, name: &str, offset: Option<u64>, what: String) -> Result<(), Failure> {
        self.all.add(Row::Problem(Problem { path: name.into(), offset, what: what.into(), lost: true }))
    }
}
