//! A row of evidence as a line of JSON: nearly all rows are of this kind, and are written with nothing between them and
//! the line. The same bytes as its serializer gives.

use std::io;

use super::{Evidence, Name, write_line};

/// Appends what stands behind the first members of a row.
pub(super) fn write_evidence(out: &mut Vec<u8>, evidence: &Evidence) -> io::Result<()> {
    let Evidence { event, record, signatures, source } = evidence;
    out.extend_from_slice(b"\"row\":\"evidence\"");
    ascii(out, ",\"ref\":\"", &event.to_ascii());
    let names = [
        (",\"computer\":", &record.computer, true),
        (",\"channel\":", &record.channel, true),
        (",\"provider\":", &record.provider, true),
        (",\"source_name\":", &record.source_name, false),
    ];
    names.into_iter().try_for_each(|(key, name, always)| member(out, key, name, always))?;
    let numbers = [
        (",\"event_id\":", Some(u64::from(record.event_id))),
        (",\"version\":", record.version.map(u64::from)),
        (",\"level\":", record.level.map(u64::from)),
        (",\"record_id\":", record.record_id),
    ];
    numbers.into_iter().for_each(|(key, value)| number(out, key, value));
    if let Some(time) = record.time {
        ascii(out, ",\"time\":\"", &time.to_ascii());
    }
    if let Some(activity) = record.activity_id {
        ascii(out, ",\"activity_id\":\"", &activity.to_ascii());
    }
    number(out, ",\"process_id\":", record.process_id.map(u64::from));
    member(out, ",\"user_id\":", &record.user_id, false)?;
    if !record.fields.is_empty() {
        out.extend_from_slice(b",\"fields\":");
        for (at, (name, value)) in record.fields.iter().enumerate() {
            out.extend_from_slice(if at == 0 { b"[[" } else { b",[" });
            text(out, name)?;
            out.push(b',');
            text(out, value)?;
            out.push(b']');
        }
        out.push(b']');
    }
    if record.cut {
        out.extend_from_slice(b",\"cut\":true");
    }
    out.extend_from_slice(b",\"signatures\":[");
    for (at, signature) in signatures.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        text(out, signature)?;
    }
    out.extend_from_slice(b"],\"source\":{\"path\":");
    text(out, &source.path)?;
    number(out, ",\"offset\":", Some(source.offset));
    number(out, ",\"within\":", Some(source.within).filter(|within| *within > 0).map(u64::from));
    out.extend_from_slice(b"}}");
    Ok(())
}

/// Digits and hyphens, behind a key and a quotation mark.
fn ascii(out: &mut Vec<u8>, key: &str, text: &[u8]) {
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(text);
    out.push(b'"');
}

fn member(out: &mut Vec<u8>, key: &str, name: &Name, always: bool) -> io::Result<()> {
    if !always && name.is_empty() {
        return Ok(());
    }
    out.extend_from_slice(key.as_bytes());
    text(out, name)
}

fn number(out: &mut Vec<u8>, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

/// Letters, digits and signs of ASCII stand for themselves, but for two.
fn text(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let mut rest = text.as_bytes();
    // All are looked at, without a branch for each.
    let (mut plain, mut marked) = (true, false);
    for byte in rest {
        plain &= matches!(byte, b' '..=b'~');
        marked |= matches!(byte, b'"' | b'\\');
    }
    if !plain {
        return write_line(out, &text);
    }
    out.push(b'"');
    while let Some(at) = marked.then(|| memchr::memchr2(b'"', b'\\', rest)).flatten() {
        let (before, behind) = rest.split_at(at);
        out.extend_from_slice(before);
        out.push(b'\\');
        out.push(behind[0]);
        rest = &behind[1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
    Ok(())
}
