//! A scenario in words: what happens on all hosts, in the order of their clocks. For writers of
//! cases, who want to see what their sequences became.

use crate::error::Error;
use crate::evtx::{Payload, Record, Value, time};
use crate::{case, expand};
use std::path::Path;

/// One line per event: time, host, provider and id, ActivityID, values. The background is left
/// out unless `background` is set.
///
/// # Errors
/// Any [`Error`], with the place in the scenario.
pub fn lines(case_dir: &Path, background: bool) -> Result<Vec<String>, Error> {
    let (mut scenario, library, salt) = case::open(case_dir)?;
    if !background {
        scenario.noise.clear();
    }
    let expand::Story { happenings, packets } = expand::story(&scenario, library, &salt)?;
    let mut lines: Vec<String> = happenings.iter().map(|happening| line(&happening.role, &happening.record)).collect();
    lines.extend(packets.iter().map(|sent| {
        let packet = &sent.packet;
        let (time, length) = (time::rfc3339(packet.ticks), packet.data.len());
        format!("{time} packet   {} > {} flags {:#04x} {length} bytes", packet.from, packet.to, packet.flags)
    }));
    lines.sort();
    Ok(lines)
}

fn line(role: &str, record: &Record) -> String {
    let provider = record.provider.name.replace("Microsoft-Windows-", "");
    let activity = record.activity.map(|a| a.to_string()[1..9].to_owned());
    format!(
        "{} {role:8} {provider}/{} {} {}",
        time::rfc3339(record.ticks),
        record.event_id,
        activity.unwrap_or_default(),
        values(&record.payload)
    )
}

fn values(payload: &Payload) -> String {
    let named = |fields: &[(String, Value)]| {
        let telling = fields.iter().filter_map(|(name, value)| {
            let text = value.text()?;
            let telling = !matches!(text.as_str(), "" | "-" | "0" | "0x0");
            telling.then(|| format!("{name}={text}"))
        });
        telling.collect::<Vec<_>>().join(" ")
    };
    match payload {
        Payload::Named { fields, .. } | Payload::User { fields, .. } => named(fields),
        Payload::List { strings, .. } => format!("{strings:?}"),
    }
}
