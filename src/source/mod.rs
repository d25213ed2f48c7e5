//! Bytes become events: finds inputs, recognises their format by content, and
//! reads them block by block. Formats never see each other, nor signatures.

use std::path::PathBuf;

use crate::error::Error;
use crate::event::{Damage, Interest, Lost, Machine, Sink};

mod ahead;
mod aids;
mod aligned;
mod bytes;
mod change;
mod discover;
mod etl;
mod event_xml;
mod evtx;
mod freerdp_log;
mod hash;
mod layout;
mod lines;
mod map;
mod packet;
mod payload;
mod pcap;
mod system;
mod text;
mod tmf;
mod trace_text;
mod tracerpt_csv;

pub use aids::Aids;
pub use aligned::Aligned;
pub use change::Snapshot;
pub use discover::{Discovery, Given, Problem, Trouble, discover, discover_given};
pub use evtx::render;
pub use hash::sha256;
pub use map::map;
pub use tmf::Messages;

/// One file that a format recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where to read it.
    pub path: PathBuf,
    /// What rows call it.
    pub name: String,
    /// Name of the format in [`FORMATS`].
    pub format: &'static str,
    /// Its size when it was found.
    pub bytes: u64,
}

/// An opened file, read block by block, in any order, by any number of threads at once.
pub trait Log: Send + Sync {
    /// How many blocks there are.
    fn blocks(&self) -> usize;
    /// Reads one block and tells `sink` what is in it, in file order.
    fn read(&self, block: usize, interest: &Interest, sink: &mut dyn Sink);
    /// What was found wrong on opening, before any block was read.
    fn damage(&self) -> Vec<Damage>;
    /// What its logger says that it lost; most formats do not tell.
    fn lost(&self) -> Lost {
        Lost::default()
    }
    /// What its header tells of the computer that wrote it, where its records name none.
    fn machine(&self) -> Machine {
        Machine::default()
    }
}

/// Opens a file.
type Open = fn(&Input, &Aids) -> Result<Box<dyn Log>, Error>;

/// A format that files can have.
pub struct Format {
    /// What reports call it.
    pub name: &'static str,
    /// Is it this format, by the first [`HEAD`] bytes (fewer where the file is shorter)?
    pub sniff: fn(head: &[u8]) -> bool,
    /// Opens a file of this format.
    pub open: Open,
    /// Its times are local ones of a zone that it does not name.
    pub local_times: bool,
}

/// How many first bytes a format may judge by.
pub const HEAD: usize = 8192;

/// Every format that can be read. A new one adds its line here.
pub const FORMATS: &[Format] = &[
    Format { name: "evtx", sniff: evtx::sniff, open: evtx::open, local_times: false },
    Format { name: "etl", sniff: etl::sniff, open: etl::open, local_times: false },
    Format { name: "event-xml", sniff: event_xml::sniff, open: event_xml::open, local_times: false },
    Format { name: "tracerpt-csv", sniff: tracerpt_csv::sniff, open: tracerpt_csv::open, local_times: false },
    Format { name: "trace-text", sniff: trace_text::sniff, open: trace_text::open, local_times: true },
    Format { name: "freerdp-log", sniff: freerdp_log::sniff, open: freerdp_log::open, local_times: true },
    Format { name: "pcap", sniff: pcap::sniff, open: pcap::open, local_times: false },
    Format { name: "pcapng", sniff: pcap::sniff_ng, open: pcap::open, local_times: false },
];

/// The format of a file by its first bytes.
pub fn recognise(head: &[u8]) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.sniff)(head))
}

/// [`open_with`] nothing known beside the file.
pub fn open(input: &Input) -> Result<Box<dyn Log>, Error> {
    open_with(input, &Aids::default())
}

/// Opens an input with the format that recognised it.
pub fn open_with(input: &Input, aids: &Aids) -> Result<Box<dyn Log>, Error> {
    let format = FORMATS.iter().find(|format| format.name == input.format);
    match format {
        Some(format) => (format.open)(input, aids),
        None => Err(Error::new(&input.path, format_args!("no format is called {}", input.format))),
    }
}
