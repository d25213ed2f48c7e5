//! From single events to log files: one per host and channel, or a collector's.

use crate::error::Error;
use crate::evtx::{self, Record};
use crate::expand::Happening;
use crate::scenario::{LogOptions, Scenario};
use crate::shape::Shapes;
use crate::text::{self, Form};
use crate::{seed, span};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A log and where it belongs, relative to the case's folder.
#[derive(Debug)]
pub struct Log {
    /// `HOST/CHANNEL-FILE-NAME.evtx`.
    pub path: PathBuf,
    /// The whole file.
    pub bytes: Vec<u8>,
}

/// Delay of a collector, in ticks.
const DELAY: u64 = 3 * span::SECOND as u64;

/// Makes the logs of a case, sorted by path; all in one form if it is given.
///
/// # Errors
/// [`Error::Scenario`] when options name an unknown host; [`Error::Value`] for a bad span or base
/// time; [`Error::Format`] when a log cannot be written.
pub fn logs(
    scenario: &Scenario,
    shapes: &Shapes,
    happenings: Vec<Happening>,
    form: Option<Form>,
) -> Result<Vec<Log>, Error> {
    let mut by_log: BTreeMap<(String, String), Vec<Record>> = BTreeMap::new();
    // What stands in traces alone has no channel.
    for happening in happenings.into_iter().filter(|happening| !happening.record.channel.is_empty()) {
        let key = (happening.role, happening.record.channel.clone());
        by_log.entry(key).or_default().push(happening.record);
    }
    for (role, channels) in &scenario.logs {
        for channel in channels.keys() {
            let channel = shapes.channel(channel).to_owned();
            by_log.entry((role.clone(), channel)).or_default();
        }
    }
    let mut out = Vec::new();
    let mut collected = Vec::new();
    for ((role, channel), mut records) in by_log {
        let mut options = options(scenario, shapes, &role, &channel);
        options.form = form.unwrap_or(options.form);
        let host = scenario.hosts.get(&role);
        let host = host.ok_or_else(|| Error::scenario(format!("no host {role}")))?;
        number(&mut records, &options, &scenario.base, &channel)?;
        if left_out(scenario, shapes, &role, &channel) {
            continue;
        }
        let forward = scenario.forward.as_ref();
        if forward.is_some_and(|f| f.roles.contains(&role)) {
            collected.append(&mut records);
            continue;
        }
        let layout = evtx::Options { rotated: options.rotated, ..evtx::Options::default() };
        let bytes = match options.form {
            Form::Evtx => evtx::write(&records, layout)?,
            form => text::write(&records, form),
        };
        out.push(Log { path: path(&host.name, &channel, options.form), bytes });
    }
    if let Some(forward) = &scenario.forward {
        out.push(collector(&forward.to, collected)?);
    }
    out.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(out)
}

/// `HOST/CHANNEL-FILE-NAME.evtx`, with the short host name and Windows' name of the file.
fn path(host: &str, channel: &str, form: Form) -> PathBuf {
    let short = host.split('.').next().unwrap_or_default();
    PathBuf::from(short).join(format!("{}.{}", channel.replace('/', "%4"), form.extension()))
}

fn options(scenario: &Scenario, shapes: &Shapes, role: &str, channel: &str) -> LogOptions {
    let logs = scenario.logs.get(role);
    let mut found = logs.into_iter().flatten();
    let found = found.find(|(name, _)| shapes.channel(name) == channel);
    found.map_or_else(LogOptions::default, |(_, options)| options.clone())
}

fn left_out(scenario: &Scenario, shapes: &Shapes, role: &str, channel: &str) -> bool {
    scenario.leave_out.iter().any(|entry| {
        entry == role || entry.split_once('/').is_some_and(|(r, c)| r == role && shapes.channel(c) == channel)
    })
}

/// Puts records into order and gives them their ids; drops what the log has lost.
fn number(records: &mut Vec<Record>, options: &LogOptions, base: &str, channel: &str) -> Result<(), Error> {
    records.sort_by_key(|record| record.happened);
    let before = records.len() as u64;
    if let Some(starts) = &options.starts {
        let base = base.parse().map_err(|_| Error::value("time", base))?;
        let start = evtx::time::ticks(base).saturating_add_signed(span::parse(starts)?);
        records.retain(|record| record.ticks >= start);
    }
    if options.empty {
        records.clear();
    }
    let lost = before - records.len() as u64;
    let wrapped = if lost > 0 { 40_000 + lost } else { 1 };
    let mut id = options.first_record_id.unwrap_or(wrapped);
    for (i, record) in records.iter_mut().enumerate() {
        record.record_id = id;
        let i = i.to_string();
        id += 1 + if options.filtered { seed::number(&[channel, "gap", &i], 40) } else { 0 };
    }
    Ok(())
}

fn collector(name: &str, mut records: Vec<Record>) -> Result<Log, Error> {
    records.sort_by(|a, b| (a.ticks, &a.computer).cmp(&(b.ticks, &b.computer)));
    for (id, record) in (1..).zip(&mut records) {
        record.collector_id = Some(id);
        record.received = record.ticks + DELAY;
    }
    let layout = evtx::Options { forwarded: true, ..evtx::Options::default() };
    Ok(Log { path: path(name, "ForwardedEvents", Form::Evtx), bytes: evtx::write(&records, layout)? })
}
