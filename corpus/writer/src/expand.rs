//! From a scenario to its single events.
//!
//! Owns sequences, repetition, background and clocks. The result is one list of records with
//! host and time; [`crate::logs`] makes files of it.

use crate::error::Error;
use crate::evtx::{Record, time};
use crate::packet::{self, Packet};
use crate::scenario::{Host, NoiseKind, PacketStep, Scenario, Sequence, Step};
use crate::shape::{Filling, Shapes};
use crate::vars::Vars;
use crate::{seed, span};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

/// All that happens.
#[derive(Debug, Default)]
pub struct Story {
    /// Events.
    pub happenings: Vec<Happening>,
    /// Packets.
    pub packets: Vec<Sent>,
}

/// A packet and who sees it.
#[derive(Debug)]
pub struct Sent {
    /// The packet, in true time.
    pub packet: Packet,
    /// Roles; all, where none is named.
    pub seen_by: Vec<String>,
}

/// An event on a machine.
#[derive(Debug)]
pub struct Happening {
    /// The role of the machine that logs it.
    pub role: String,
    /// Name of its shape, without the event.
    pub shape: String,
    /// What stands behind `@` in its name: the name of a TraceLogging event.
    pub label: String,
    /// The event; its record id is not set yet.
    pub record: Record,
}

/// What the writer knows besides a scenario: the files beside its source.
#[derive(Debug)]
pub struct Library {
    /// Event shapes.
    pub shapes: Shapes,
    sequences: BTreeMap<String, Sequence>,
    noise: BTreeMap<String, NoiseKind>,
}

impl Library {
    /// The files of this package, read once.
    ///
    /// # Errors
    /// As [`Library::read`].
    pub fn shared() -> Result<&'static Self, Error> {
        static LIBRARY: OnceLock<Library> = OnceLock::new();
        if let Some(library) = LIBRARY.get() {
            return Ok(library);
        }
        let library = Self::read()?;
        Ok(LIBRARY.get_or_init(|| library))
    }

    /// Reads `shapes/`, `sequences/` and `noise/` of this package.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Yaml`], naming the file.
    pub fn read() -> Result<Self, Error> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        Ok(Self {
            shapes: Shapes::read(&home.join("shapes"))?,
            sequences: crate::yaml::read_dir(&home.join("sequences"))?,
            noise: crate::yaml::read_dir(&home.join("noise"))?,
        })
    }
}

/// How far a host's clock is ahead at this time after the base.
fn ahead(host: &Host, since: i64) -> Result<i64, Error> {
    for part in &host.clock_before {
        if since < span::parse(&part.until)? {
            return span::parse(&part.ahead);
        }
    }
    span::parse(host.clock.as_deref().unwrap_or("0"))
}

/// How deep sequences may use sequences.
const DEPTH: u32 = 12;

/// Expands `scenario`; `slug` tells the made-up numbers of different cases apart. The result is
/// in no particular order.
///
/// # Errors
/// [`Error::Scenario`] and [`Error::Value`], with the step that is wrong.
pub fn story(scenario: &Scenario, library: &Library, slug: &str) -> Result<Story, Error> {
    let base = scenario.base.parse();
    let base = time::ticks(base.map_err(|_| Error::value("time", &scenario.base))?) as i64;
    let mut expander = Expander { scenario, library, slug, base, uses: 0, written: 0, out: Story::default() };
    let vars = expander.vars();
    for step in &scenario.events {
        expander.step(step, base, None, &vars, DEPTH)?;
    }
    for i in 0..scenario.noise.len() {
        expander.noise(i, base, &vars)?;
    }
    Ok(expander.out)
}

struct Expander<'a> {
    scenario: &'a Scenario,
    library: &'a Library,
    slug: &'a str,
    /// The scenario's `base` in ticks.
    base: i64,
    /// How many steps of the scenario itself and of its background have begun so far.
    uses: u64,
    /// How many events the present one of them has written.
    written: i64,
    out: Story,
}

impl Expander<'_> {
    /// The placeholders that every step knows.
    fn vars(&self) -> Vars {
        let mut vars = Vars::default();
        for (role, host) in &self.scenario.hosts {
            name_host(&mut vars, role, host);
        }
        for (name, text) in &self.scenario.vars {
            vars.set(name, text.as_str());
        }
        for (name, text) in [
            ("user", "anna"),
            ("domain", "CORP"),
            ("realm", "CORP.EXAMPLE"),
            ("sid", "S-1-5-21-1004336348-1177238915-682003330-1105"),
            ("target", "{server.name}"),
            ("target_ip", "{server.ip}"),
            ("ip", "{client.ip}"),
            ("workstation", "{client.short}"),
            // Every machine of a domain mentions its controller.
            ("dc.name", "DC01.corp.example"),
            ("dc.short", "DC01"),
            ("dc.ip", "10.1.2.5"),
        ] {
            vars.set_default(name, text);
        }
        vars
    }

    fn step(&mut self, step: &Step, start: i64, role: Option<&str>, vars: &Vars, depth: u32) -> Result<(), Error> {
        let mut vars = vars.clone();
        for (name, text) in &step.with {
            let text = vars.fill(text)?;
            vars.set(name, text);
        }
        let every = step.every.as_deref().unwrap_or("0");
        let every = span::parse(&vars.fill(every)?)?;
        for i in 0..step.times.unwrap_or(1) {
            vars.set("i", i.to_string());
            let at = span::parse(&vars.fill(&step.at)?)? + i64::from(i) * every;
            self.once(step, start + at, role, &vars, depth).map_err(|e| {
                let what = step.event.as_ref().or(step.sequence.as_ref());
                let what = what.map_or("", String::as_str);
                Error::scenario(format!("at {} ({what}): {e}", step.at))
            })?;
        }
        Ok(())
    }

    fn once(&mut self, step: &Step, ticks: i64, role: Option<&str>, vars: &Vars, depth: u32) -> Result<(), Error> {
        let role = step.on.as_deref().or(role);
        match (&step.event, &step.sequence) {
            (Some(event), None) if depth == DEPTH => {
                let mut vars = vars.clone();
                self.begin(&mut vars);
                self.event(step, event, ticks, role, &vars)
            }
            (Some(event), None) => self.event(step, event, ticks, role, vars),
            (None, Some(name)) => self.sequence(name, ticks, step.on.as_deref(), vars, depth),
            (None, None) => match &step.packet {
                Some(packet) => self.packet(packet, ticks, vars),
                None => Err(Error::scenario("a step is an event, a packet or a use")),
            },
            _ => Err(Error::scenario("a step is an event, a packet or a use")),
        }
    }

    fn packet(&mut self, step: &PacketStep, ticks: i64, vars: &Vars) -> Result<(), Error> {
        let end = |text: &str| {
            let text = vars.fill(text)?;
            text.parse().map_err(|_| Error::value("address and port", &text))
        };
        let mut data = Vec::new();
        for say in step.say.iter().flat_map(|say| say.split(';')) {
            data.extend(packet::message(vars.fill(say)?.trim())?);
        }
        let usual = if data.is_empty() { "ack" } else { "ack psh" };
        let packet = Packet {
            ticks: (ticks + self.crumbs("win10")).max(0) as u64,
            from: end(&step.from)?,
            to: end(&step.to)?,
            flags: packet::flags(step.flags.as_deref().unwrap_or(usual))?,
            hops: step.hops.unwrap_or(127),
            data,
            again: step.again,
        };
        self.out.packets.push(Sent::new(packet, step.seen_by.clone()));
        Ok(())
    }

    fn sequence(&mut self, name: &str, start: i64, role: Option<&str>, vars: &Vars, depth: u32) -> Result<(), Error> {
        let name = &vars.fill(name)?;
        let own = self.scenario.sequences.get(name);
        let sequence = own.or_else(|| self.library.sequences.get(name));
        let sequence = sequence.ok_or_else(|| Error::scenario(format!("no sequence {name}")))?.clone();
        if depth == 0 {
            return Err(Error::scenario(format!("{name} uses itself")));
        }
        let mut vars = vars.clone();
        if depth == DEPTH {
            self.begin(&mut vars);
        }
        for (name, text) in &sequence.with {
            vars.set_default(name, text.as_str());
        }
        let role = match (role, sequence.on.as_deref()) {
            (Some(role), own) => {
                let role = vars.fill(role)?;
                // What it is made of happens there, too.
                if let Some(own) = own {
                    vars.set(&format!("on.{own}"), role.as_str());
                }
                Some(role)
            }
            (None, Some(own)) => Some(vars.fill(&format!("{{on.{own}}}")).unwrap_or_else(|_| own.to_owned())),
            (None, None) => None,
        };
        for step in &sequence.steps {
            self.step(step, start, role.as_deref(), &vars, depth - 1)?;
        }
        Ok(())
    }

    /// Begins a step of the scenario itself: numbers that differ between two uses of a sequence.
    fn begin(&mut self, vars: &mut Vars) {
        self.uses += 1;
        self.written = 0;
        let count = self.uses.to_string();
        let pick = |what: &str, limit| seed::number(&[self.slug, &count, what], limit);
        vars.set_default("activity", format!("use {count}"));
        vars.set_default("n", (2 * self.uses).to_string());
        vars.set_default("n0", (2 * self.uses - 1).to_string());
        vars.set_default("port0", (49_152 + pick("port0", 16_000)).to_string());
        vars.set_default("session", "2");
        vars.set_default("port", (49_152 + pick("port", 16_000)).to_string());
        vars.set_default("logon_id", format!("{:#x}", 0x30_0000 + pick("logon", 0x400_0000)));
    }

    fn event(&mut self, step: &Step, event: &str, ticks: i64, role: Option<&str>, vars: &Vars) -> Result<(), Error> {
        let event = vars.fill(event)?;
        let role = role.ok_or_else(|| Error::scenario(format!("{event} happens nowhere")))?;
        let role = vars.fill(role)?;
        let host = self.scenario.hosts.get(&role);
        let host = host.ok_or_else(|| Error::scenario(format!("no host {role}")))?;
        let mut vars = vars.clone();
        name_host(&mut vars, "host", host);
        let clock = ahead(host, ticks - self.base)?;
        let label = step.activity.as_deref().map(|a| vars.fill(a)).transpose()?;
        let filling = Filling {
            fields: step.fields.clone(),
            data: &step.data,
            binary: step.binary.as_deref(),
            activity: label.as_deref(),
            channel: step.channel.as_deref(),
            level: step.level,
            user: step.user.as_deref(),
        };
        let shapes = &self.library.shapes;
        let os = host.os.as_deref().unwrap_or("win10");
        let mut record = shapes.record(&event, &filling, &vars, os, self.slug)?;
        record.computer.clone_from(&host.name);
        let happened = ticks + self.crumbs(os);
        record.happened = happened.max(0) as u64;
        record.ticks = (happened + clock).max(0) as u64;
        if let Some(process) = step.process {
            record.process = process;
        }
        let (shape, id) = event.split_once('/').unwrap_or((&event, ""));
        let label = id.split_once('@').map_or("", |(_, label)| label);
        self.out.happenings.push(Happening { role, shape: shape.to_owned(), label: label.to_owned(), record });
        Ok(())
    }

    /// The digits below a millisecond that nobody writes into a scenario: the same for a whole
    /// step, and a little more from event to event. 2012 R2 stamps whole clock ticks.
    fn crumbs(&mut self, os: &str) -> i64 {
        self.written += 1;
        let count = self.uses.to_string();
        let start = seed::number(&[self.slug, &count, "crumbs"], 9_000) as i64;
        let drift = if os == "2012r2" { 0 } else { 5 * self.written };
        start + drift.min(990)
    }

    fn noise(&mut self, index: usize, base: i64, vars: &Vars) -> Result<(), Error> {
        let noise = &self.scenario.noise[index];
        let (from, to) = (span::parse(&noise.from)?, span::parse(&noise.to)?);
        for kind in &noise.kinds {
            let found = self.library.noise.get(kind);
            let found = found.ok_or_else(|| Error::scenario(format!("no noise {kind}")))?;
            let events = found.events.clone();
            for (i, event) in events.iter().enumerate() {
                let gap = span::parse(&event.gap)?.max(1) as u64;
                let mut at = from;
                for round in 0.. {
                    let (i, round) = (i.to_string(), round.to_string());
                    let words = [self.slug, &noise.on, kind, &i, &round];
                    at += (gap / 2 + seed::number(&words, gap)) as i64;
                    if at >= to {
                        break;
                    }
                    let mut vars = vars.clone();
                    self.begin(&mut vars);
                    let choice = seed::number(&words, u64::MAX) / gap.max(1);
                    let choices = event.choose.len().max(1);
                    if let Some(chosen) = event.choose.get(choice as usize % choices) {
                        for (name, text) in chosen {
                            vars.set(name, text.as_str());
                        }
                    }
                    for step in &event.steps {
                        self.step(step, base + at, Some(&noise.on), &vars, DEPTH - 1)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Sets `{role.name}`, `{role.short}` and `{role.ip}`.
fn name_host(vars: &mut Vars, role: &str, host: &Host) {
    let short = host.name.split('.').next().unwrap_or_default();
    vars.set(&format!("{role}.name"), host.name.as_str());
    vars.set(&format!("{role}.short"), short);
    vars.set(&format!("{role}.ip"), host.ip.as_str());
}
