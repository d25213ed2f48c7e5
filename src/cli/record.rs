//! `--run-record`: how a report came to be. Apart from the report, which has no clock and names no machine.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned};
use serde::Serialize;
use sha2::{Digest, Sha256};
use whyrdp::report::model::Report;

use super::Session;
use super::exit::{Exit, Failure};
use super::output::Output;

/// Version of the record's shape.
const SCHEMA_VERSION: u32 = 1;

/// A record that is to be written.
pub struct Record {
    output: Output,
    began: Timestamp,
}

#[derive(Serialize)]
struct Written<'a> {
    schema_version: u32,
    tool: &'a whyrdp::report::model::Tool,
    command_line: Vec<String>,
    folder: Option<PathBuf>,
    began: Timestamp,
    ended: Timestamp,
    clock: Clock,
    machine: Machine,
    inputs: Vec<Input<'a>>,
    report: Made<'a>,
    exit_code: u8,
}

/// The clock of this machine: nobody vouches for it.
#[derive(Serialize)]
struct Clock {
    local: String,
    zone: Option<String>,
    utc_offset_seconds: i32,
}

#[derive(Serialize)]
struct Machine {
    name: Option<String>,
    user: Option<String>,
    os: &'static str,
    architecture: &'static str,
    processors: Option<usize>,
}

#[derive(Serialize)]
struct Input<'a> {
    path: &'a str,
    bytes: u64,
    sha256: Option<&'a str>,
}

/// The report as it was written.
#[derive(Serialize)]
struct Made<'a> {
    output: &'a str,
    format: &'a str,
    redacted: bool,
    bytes: u64,
    sha256: String,
}

/// What was written, and what it hashes to.
pub struct Hashing<'a> {
    out: &'a mut dyn Write,
    hash: Sha256,
    bytes: u64,
}

impl<'a> Hashing<'a> {
    /// Hands on to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Hashing { out, hash: Sha256::new(), bytes: 0 }
    }

    /// Bytes and SHA-256 of all that went through.
    pub fn done(self) -> (u64, String) {
        (self.bytes, self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// How the report was written.
pub struct Manner<'a> {
    /// Where to.
    pub output: &'a str,
    /// In which form.
    pub format: &'a str,
    /// Without names.
    pub redacted: bool,
    /// Bytes and SHA-256 of it.
    pub written: (u64, String),
    /// How the program ends, if nothing goes wrong any more.
    pub exit: Exit,
}

impl Record {
    /// Opens the file before the work starts.
    pub fn open(path: &Path, force: bool, session: &Session) -> Result<Self, Failure> {
        if path.as_os_str() == "-" {
            let what = "--run-record names a file: standard output is for the report";
            return Err(Failure::usage(what));
        }
        Ok(Record { output: Output::open(Some(path), force, &session.unfinished)?, began: Timestamp::now() })
    }

    /// Where it goes.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Writes it. `report` is the one with names: inputs must be found again.
    pub fn write<A, T>(mut self, report: &Report<A, T>, manner: Manner<'_>) -> Result<(), Failure> {
        let now = Zoned::now();
        let written = Written {
            schema_version: SCHEMA_VERSION,
            tool: &report.tool,
            command_line: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            folder: std::env::current_dir().ok(),
            began: self.began,
            ended: now.timestamp(),
            clock: Clock {
                local: now.datetime().to_string(),
                zone: now.time_zone().iana_name().map(str::to_owned),
                utc_offset_seconds: now.offset().seconds(),
            },
            machine: Machine {
                name: whyrdp::os::computer_name(),
                user: ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()),
                os: std::env::consts::OS,
                architecture: std::env::consts::ARCH,
                processors: std::thread::available_parallelism().ok().map(usize::from),
            },
            inputs: report
                .inputs
                .iter()
                .map(|input| Input { path: &input.path, bytes: input.bytes, sha256: input.sha256.as_deref() })
                .collect(),
            report: Made {
                output: manner.output,
                format: manner.format,
                redacted: manner.redacted,
                bytes: manner.written.0,
                sha256: manner.written.1,
            },
            exit_code: manner.exit.code(),
        };
        self.output.write(|out| {
            whyrdp::evidence::write_indented(&mut *out, &written)?;
            out.write_all(b"\n")
        })?;
        self.output.finish()
    }
}
