//! What a case's `scenario.yml` says, as written. [`crate::expand`] turns it into events.

use crate::error::Error;
use crate::text::Form;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A whole scenario.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One line on what happens.
    #[serde(default)]
    pub title: String,
    /// Another case of the corpus whose scenario this one repeats; what is said here wins, and
    /// events are added.
    #[serde(default)]
    pub like: Option<String>,
    /// The time that all spans count from (RFC 3339).
    #[serde(default)]
    pub base: String,
    /// The machines, by the role that events name (`client`, `server`, `dc`, `server2`...).
    #[serde(default)]
    pub hosts: BTreeMap<String, Host>,
    /// Texts for placeholders.
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
    /// Ordinary background.
    #[serde(default)]
    pub noise: Vec<Noise>,
    /// Options of single logs, by role and channel.
    #[serde(default)]
    pub logs: BTreeMap<String, BTreeMap<String, LogOptions>>,
    /// Traces and captures, by role and file name.
    #[serde(default)]
    pub traces: BTreeMap<String, BTreeMap<String, TraceOptions>>,
    /// Roles, or `role/channel`, whose logs are not handed in.
    #[serde(default)]
    pub leave_out: Vec<String>,
    /// Hosts whose events stand in a collector's log instead of their own.
    #[serde(default)]
    pub forward: Option<Forward>,
    /// Sequences of this scenario alone.
    #[serde(default)]
    pub sequences: BTreeMap<String, Sequence>,
    /// What happens, in any order.
    #[serde(default)]
    pub events: Vec<Step>,
}

/// A machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// The full name, as `System/Computer` shows it.
    pub name: String,
    /// Its address.
    pub ip: String,
    /// How far its clock is ahead.
    #[serde(default)]
    pub clock: Option<String>,
    /// How it stood earlier, in order.
    #[serde(default)]
    pub clock_before: Vec<ClockBefore>,
    /// Its system: `win10` (default), `2016`, `2022`, `2012r2`...
    #[serde(default)]
    pub os: Option<String>,
}

/// A part of the time in which a clock stood otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockBefore {
    /// It ends before this moment of true time, from the base.
    pub until: String,
    /// How far the clock was ahead.
    pub ahead: String,
}

/// Background on one machine.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Noise {
    /// The role that writes it.
    pub on: String,
    /// Files under `noise/`.
    pub kinds: Vec<String>,
    /// Where it starts.
    pub from: String,
    /// Where it ends.
    pub to: String,
}

/// One file under `noise/`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseKind {
    /// What it shows.
    pub about: String,
    /// The events and how often they come.
    pub events: Vec<NoiseEvent>,
}

/// A recurring background event.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseEvent {
    /// The usual gap; the true ones lie between half and one and a half of it.
    pub gap: String,
    /// Sets of placeholder texts, one of which is chosen each time.
    #[serde(default)]
    pub choose: Vec<BTreeMap<String, String>>,
    /// The steps, each with its span after the first.
    pub steps: Vec<Step>,
}

/// A reusable piece: a file under `sequences/`, or one of the scenario's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// What it shows.
    pub about: String,
    /// Where steps happen that do not say it.
    #[serde(default)]
    pub on: Option<String>,
    /// Placeholder texts where the user of the sequence gives none.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// The steps.
    pub steps: Vec<Step>,
}

/// One event, or one use of a sequence.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// When, counted from the scenario's base or the sequence's start.
    pub at: String,
    /// On which machine.
    #[serde(default)]
    pub on: Option<String>,
    /// The event, such as `RdpCoreTS/131`.
    #[serde(default)]
    pub event: Option<String>,
    /// The sequence.
    #[serde(default, rename = "use")]
    pub sequence: Option<String>,
    /// Placeholder texts for this step.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// A packet on the network.
    #[serde(default)]
    pub packet: Option<PacketStep>,
    /// Field texts.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// Unnamed Data of a classic event.
    #[serde(default)]
    pub data: Vec<String>,
    /// Content of Binary in hex.
    #[serde(default)]
    pub binary: Option<String>,
    /// Label that becomes the ActivityID.
    #[serde(default)]
    pub activity: Option<String>,
    /// Another channel than the shape's.
    #[serde(default)]
    pub channel: Option<String>,
    /// Another level than the shape's.
    #[serde(default)]
    pub level: Option<u8>,
    /// Another `Security/@UserID` than the shape's.
    #[serde(default)]
    pub user: Option<String>,
    /// Another process id than the shape's.
    #[serde(default)]
    pub process: Option<u32>,
    /// How often it happens; `{i}` counts from 0.
    #[serde(default)]
    pub times: Option<u32>,
    /// The gap between the times.
    #[serde(default)]
    pub every: Option<String>,
}

/// How one log is exported.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogOptions {
    /// Id of the first record (1 unless said).
    #[serde(default)]
    pub first_record_id: Option<u64>,
    /// Older records were overwritten: the log begins here and its ids do not begin at 1.
    #[serde(default)]
    pub starts: Option<String>,
    /// Record ids have gaps, as in a filtered export.
    #[serde(default)]
    pub filtered: bool,
    /// The oldest chunk does not stand first, as in a file that wrapped around.
    #[serde(default)]
    pub rotated: bool,
    /// The log is there and holds nothing, whatever happens.
    #[serde(default)]
    pub empty: bool,
    /// The log is handed in as text of this form.
    #[serde(default)]
    pub form: Form,
}

/// What a trace holds and how it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceOptions {
    /// Shapes whose events it holds.
    #[serde(default)]
    pub of: Vec<String>,
    /// Packets too: `ndis`, `pktmon`, or `pcap` for a capture that holds nothing else.
    #[serde(default)]
    pub packets: Option<String>,
    /// Windows build (19045).
    #[serde(default)]
    pub build: Option<u32>,
    /// 32 or 64 (the default).
    #[serde(default)]
    pub bits: Option<u8>,
    /// Shapes whose writers are 32-bit processes.
    #[serde(default)]
    pub narrow: Vec<String>,
    /// `counter` (the default), `system` or `cycles`.
    #[serde(default)]
    pub clock: Option<String>,
    /// Of the counter per second (10 000 000), or of the processor in MHz.
    #[serde(default)]
    pub frequency: Option<u32>,
    /// Buffers are compressed.
    #[serde(default)]
    pub compressed: bool,
    /// Size of buffers (0x4000).
    #[serde(default)]
    pub buffer: Option<usize>,
    /// Processors (4).
    #[serde(default)]
    pub processors: Option<u16>,
    /// The newest buffers stand first.
    #[serde(default)]
    pub circular: bool,
    /// It was copied while the session ran.
    #[serde(default)]
    pub running: bool,
    /// Events that the session lost.
    #[serde(default)]
    pub lost_events: u32,
    /// Buffers that it lost.
    #[serde(default)]
    pub lost_buffers: u32,
    /// The kernel's records tell the computer's name and address.
    #[serde(default)]
    pub names_itself: bool,
    /// WPP messages among the events.
    #[serde(default)]
    pub messages: u32,
}

/// A packet of TCP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PacketStep {
    /// Address and port of the sender.
    pub from: String,
    /// Address and port of the receiver.
    pub to: String,
    /// `syn ack rst fin psh`; `ack psh` where it says something.
    #[serde(default)]
    pub flags: Option<String>,
    /// What it says, as [`crate::packet::message`] reads it; several are split by `;`.
    #[serde(default)]
    pub say: Option<String>,
    /// Hops left (127).
    #[serde(default)]
    pub hops: Option<u8>,
    /// It repeats the last one of this direction.
    #[serde(default)]
    pub again: bool,
    /// Roles that see it; all, where none is named.
    #[serde(default)]
    pub seen_by: Vec<String>,
}

/// A Windows event collector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forward {
    /// The collector's name, which names the folder.
    pub to: String,
    /// The roles whose events it holds.
    pub roles: Vec<String>,
}

impl Scenario {
    /// Reads `scenario.yml` of a case folder, with the scenario that it is `like` below it.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Yaml`]; [`Error::Scenario`] for a chain of `like`.
    pub fn read(case_dir: &Path) -> Result<Self, Error> {
        let own: Self = crate::yaml::read(&case_dir.join("scenario.yml"))?;
        let Some(name) = own.like.clone() else {
            return Ok(own);
        };
        let other = case_dir.parent().unwrap_or(Path::new("")).join(&name);
        let other: Self = crate::yaml::read(&other.join("scenario.yml"))?;
        if other.like.is_some() {
            let words = format!("{name} is like another case itself");
            return Err(Error::Scenario(words));
        }
        Ok(other.under(own))
    }

    /// What `own` says, over what `self` says.
    fn under(mut self, own: Self) -> Self {
        self.title = own.title;
        if !own.base.is_empty() {
            self.base = own.base;
        }
        self.hosts.extend(own.hosts);
        self.vars.extend(own.vars);
        self.noise.extend(own.noise);
        for (role, logs) in own.logs {
            self.logs.entry(role).or_default().extend(logs);
        }
        for (role, traces) in own.traces {
            self.traces.entry(role).or_default().extend(traces);
        }
        self.leave_out.extend(own.leave_out);
        self.forward = own.forward.or(self.forward);
        self.sequences.extend(own.sequences);
        self.events.extend(own.events);
        self
    }
}
