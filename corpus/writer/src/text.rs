//! The same records as text, in the forms that Windows' tools write.

use crate::evtx::{Payload, Record, Value, time};
use serde::Deserialize;

const EVENT_NS: &str = "http://schemas.microsoft.com/win/2004/08/events/event";
/// Hours that the computer was ahead of UTC on which `tracerpt` ran.
const AHEAD: u64 = 8;

/// A form in which a log is handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The log file itself.
    #[default]
    Evtx,
    /// As `wevtutil qe /f:xml /e:Events` prints it.
    Xml,
    /// As `tracerpt -of XML` writes it: local time with an offset that is one minute short, no record ids.
    TracerptXml,
    /// As `tracerpt -of CSV` writes it: no names of computers and of fields.
    TracerptCsv,
}

impl Form {
    /// Of files of this form.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Form::Evtx => "evtx",
            Form::Xml | Form::TracerptXml => "xml",
            Form::TracerptCsv => "csv",
        }
    }
}

/// Records as a text of this form.
#[must_use]
pub fn write(records: &[Record], form: Form) -> Vec<u8> {
    match form {
        Form::TracerptCsv => {
            let text = HEADER.to_owned() + &records.iter().map(row).collect::<String>();
            std::iter::once(0xFEFF).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
        _ => {
            let declaration =
                if form == Form::TracerptXml { "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n" } else { "" };
            let events: String = records.iter().map(|record| event(record, form)).collect();
            format!("{declaration}<Events>\r\n{events}</Events>\r\n").into_bytes()
        }
    }
}

fn event(record: &Record, form: Form) -> String {
    let traced = form == Form::TracerptXml;
    let attribute = |name: &str, value: Option<String>| {
        value.map(|value| format!(" {name}=\"{}\"", escaped(&value))).unwrap_or_default()
    };
    let provider = &record.provider;
    let mut system = format!(
        "<Provider Name=\"{}\"{}{}/>",
        escaped(&provider.name),
        attribute("Guid", provider.guid.map(|guid| guid.to_string())),
        attribute("EventSourceName", provider.source_name.clone())
    );
    system += &format!(
        "<EventID{}>{}</EventID><Version>{}</Version><Level>{}</Level><Task>{}</Task><Opcode>{}</Opcode>",
        attribute("Qualifiers", record.qualifiers.map(|qualifiers| qualifiers.to_string())),
        record.event_id,
        record.version,
        record.level,
        record.task,
        record.opcode
    );
    let when = if traced { local(record.ticks) } else { time::rfc3339(record.ticks).replace('Z', "00Z") };
    system += &format!("<Keywords>{:#x}</Keywords><TimeCreated SystemTime=\"{when}\"/>", record.keywords);
    if !traced {
        system += &format!("<EventRecordID>{}</EventRecordID>", record.record_id);
    }
    system += &format!(
        "<Correlation{}{}/><Execution ProcessID=\"{}\" ThreadID=\"{}\"/>",
        attribute("ActivityID", record.activity.map(|id| id.to_string())),
        attribute("RelatedActivityID", record.related.map(|id| id.to_string())),
        record.process,
        record.thread
    );
    system += &format!(
        "<Channel>{}</Channel><Computer>{}</Computer><Security{}/>",
        escaped(&record.channel),
        escaped(&record.computer),
        attribute("UserID", record.user.as_ref().map(ToString::to_string))
    );
    let payload = payload(&record.payload, traced);
    format!("<Event xmlns=\"{EVENT_NS}\"><System>{system}</System>{payload}</Event>\r\n")
}

/// Nine digits of a second, the offset one minute short.
fn local(ticks: u64) -> String {
    let ahead = ticks + AHEAD * 3600 * 10_000_000;
    time::rfc3339(ahead).replace('Z', &format!("00+{:02}:59", AHEAD - 1))
}

fn payload(payload: &Payload, traced: bool) -> String {
    // tracerpt fills numbers up with blanks.
    let shown = |value: &Value| {
        let text = value.text().unwrap_or_default();
        let number = traced && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if number && !matches!(value, Value::Str { .. }) { format!("{text:>8}") } else { escaped(&text) }
    };
    let binary = |bytes: &[u8]| match bytes {
        [] => String::new(),
        bytes => format!("<Binary>{}</Binary>", shown(&Value::Binary(bytes.to_vec()))),
    };
    match payload {
        Payload::Named { fields, binary: tail } => {
            let data =
                fields.iter().map(|(name, value)| format!("<Data Name=\"{}\">{}</Data>", escaped(name), shown(value)));
            format!(
                "<EventData>{}{}</EventData>",
                data.collect::<String>(),
                binary(tail.as_deref().unwrap_or_default())
            )
        }
        Payload::List { strings, binary: tail } => {
            let data: String = strings.iter().map(|text| format!("<Data>{}</Data>", escaped(text))).collect();
            format!("<EventData>{data}{}</EventData>", binary(tail))
        }
        Payload::User { element, namespace, fields } => {
            let inner: String =
                fields.iter().map(|(name, value)| format!("<{name}>{}</{name}>", shown(value))).collect();
            format!("<UserData><{element} xmlns=\"{}\">{inner}</{element}></UserData>", escaped(namespace))
        }
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            _ => out.push(c),
        }
    }
    out
}

const HEADER: &str = "Event Name, Type, Event ID, Version, Channel, Level, Opcode, Task, Keyword, PID, TID, \
    Processor Number, Instance ID, Parent Instance ID, Activity ID, Related Activity ID, Clock-Time, Kernel(ms), \
    User(ms), User Data\r\n";

fn row(record: &Record) -> String {
    let nil = || "{00000000-0000-0000-0000-000000000000}".to_owned();
    let quoted = |text: &str| format!("\"{text}\"");
    let shown = |value: &Value| match value {
        Value::Str { text, .. } => quoted(text),
        other => other.text().unwrap_or_default(),
    };
    let values: Vec<String> = match &record.payload {
        Payload::Named { fields, .. } | Payload::User { fields, .. } => {
            fields.iter().map(|(_, value)| shown(value)).collect()
        }
        Payload::List { strings, .. } => strings.iter().map(|text| quoted(text)).collect(),
    };
    format!(
        "{:>16}, {:>10}, {:>10}, {:>10}, {:>10}, {:>10}, {:>10}, {:>10}, {:#018x}, {:#010x}, {:#010x}, {:>17}, , , {}, {}, {:>20}, 0, 0, {}\r\n",
        record.provider.name,
        record.opcode,
        record.event_id,
        record.version,
        16,
        record.level,
        record.opcode,
        record.task,
        record.keywords,
        record.process,
        record.thread,
        0,
        record.activity.map_or_else(nil, |id| id.to_string()),
        record.related.map_or_else(nil, |id| id.to_string()),
        record.ticks,
        values.join(", ")
    )
}
