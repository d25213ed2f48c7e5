//! `whyrdp analyze`: both halves in one process.

use super::Session;
use super::exit::{Exit, Failure};
use super::findings;
use super::options::memory::Memory;
use super::options::rendering::Rendering;
use super::options::selecting::Selecting;
use super::report;
use super::rows::Rows;
use super::scan::{self, Reading};

const EXAMPLES: &str = "\
Examples:
  whyrdp analyze SRV01/ CLIENT7/                logs of both ends tell more than those of one
  whyrdp analyze --code 0x904/0x7 logs/         the dialog said 0x904, extended 0x7
  whyrdp analyze --said 'The function requested is not supported' logs/
  whyrdp analyze --around 2024-05-01T08:00 --tz Europe/Berlin logs/
  whyrdp analyze --since 2h --user alice logs/  the last two hours of the logs
  whyrdp analyze --trace-tz Europe/Berlin xfreerdp.log
                                                local times of a text that names no zone
  whyrdp analyze --fail-on confirmed logs/      exit 1 if a cause is confirmed

Spans count back from the newest record, not from now, so that reports stay the same.";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    // In the order in which the help tells them: what is wanted most stands first.
    #[command(flatten)]
    selecting: Selecting,
    #[command(flatten)]
    rendering: Rendering,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    memory: Memory,
}

/// Runs the command.
pub fn run(args: Args, session: &Session) -> Result<Exit, Failure> {
    // What needs no record is checked before anything is read.
    let request = args.selecting.request(args.rendering.zone(), None)?;
    let output = args.rendering.open(session)?;
    let signatures = args.reading.load(session)?;
    args.selecting.complain(signatures, &session.console);
    let (found, _spool) = args.reading.discover(session);
    output.spares(found.inputs.iter().map(|input| input.path.as_path()))?;
    let mut all = Rows::new(signatures, &request.complaint, args.memory.rows());
    let totals = args.reading.rows(&found, signatures, session, &mut |row| all.add(row))?;
    let partial = findings::complain(&all.found, &session.console);
    if let Some(failure) = scan::nothing(&found, totals) {
        return Err(failure);
    }
    let so_far = partial.max(session.stop.exit());
    report::tell(all, &args.selecting, &args.rendering, output.after(so_far), session)
}
