//! Records as a Windows event collector stores them: rendered text, no template.

use super::binxml::Element;
use super::record::{Payload, Record};
use super::time;
use super::value::Value;

const EVENT_NS: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

/// The whole event as literal XML.
pub(super) fn event(record: &Record) -> Element {
    Element::new("Event")
        .attribute("xmlns", EVENT_NS)
        .child(system(record))
        .child(payload(&record.payload))
        .child(rendering(record))
}

fn system(record: &Record) -> Element {
    let mut provider = Element::new("Provider").attribute("Name", &record.provider.name);
    if let Some(guid) = record.provider.guid {
        provider = provider.attribute("Guid", &guid.to_string());
    }
    if let Some(source) = &record.provider.source_name {
        provider = provider.attribute("EventSourceName", source);
    }
    let mut id = Element::new("EventID");
    if let Some(qualifiers) = record.qualifiers {
        id = id.attribute("Qualifiers", &qualifiers.to_string());
    }
    let mut correlation = Element::closing_itself("Correlation");
    if let Some(activity) = record.activity {
        correlation = correlation.attribute("ActivityID", &activity.to_string());
    }
    let mut security = Element::closing_itself("Security");
    if let Some(user) = &record.user {
        security = security.attribute("UserID", &user.to_string());
    }
    let number = |name: &str, value: u64| Element::new(name).text(&value.to_string());
    // Collectors render nine digits of a second, the last two always zero.
    let when = time::rfc3339(record.ticks).replace('Z', "00Z");
    Element::new("System")
        .child(provider)
        .child(id.text(&record.event_id.to_string()))
        .child(number("Version", record.version.into()))
        .child(number("Level", record.level.into()))
        .child(number("Task", record.task.into()))
        .child(number("Opcode", record.opcode.into()))
        .child(Element::new("Keywords").text(&format!("{:#x}", record.keywords)))
        .child(Element::new("TimeCreated").attribute("SystemTime", &when))
        .child(number("EventRecordID", record.record_id))
        .child(correlation)
        .child(
            Element::new("Execution")
                .attribute("ProcessID", &record.process.to_string())
                .attribute("ThreadID", &record.thread.to_string()),
        )
        .child(Element::new("Channel").text(&record.channel))
        .child(Element::new("Computer").text(&record.computer))
        .child(security)
}

fn payload(payload: &Payload) -> Element {
    match payload {
        Payload::Named { fields, binary } => {
            let data = Element::new("EventData");
            let data = fields.iter().fold(data, |data, (name, value)| {
                data.child(filled(Element::new("Data").attribute("Name", name), value))
            });
            with_binary(data, binary.as_deref().unwrap_or_default())
        }
        Payload::List { strings, binary } => {
            let data = strings
                .iter()
                .fold(Element::new("EventData"), |data, text| data.child(Element::new("Data").text(text)));
            with_binary(data, binary)
        }
        Payload::User { element, namespace, fields } => {
            let inner = Element::new(element).attribute("xmlns", namespace);
            let inner =
                fields.iter().fold(inner, |inner, (name, value)| inner.child(filled(Element::new(name), value)));
            Element::new("UserData").child(inner)
        }
    }
}

fn with_binary(data: Element, binary: &[u8]) -> Element {
    if binary.is_empty() {
        return data;
    }
    data.child(filled(Element::new("Binary"), &Value::Binary(binary.to_vec())))
}

fn filled(element: Element, value: &Value) -> Element {
    match value.text() {
        Some(text) => element.text(&text),
        None => element,
    }
}

/// The rendered words; Windows' own message texts are not reproduced.
fn rendering(record: &Record) -> Element {
    let level = match record.level {
        1 => "Critical",
        2 => "Error",
        3 => "Warning",
        _ => "Information",
    };
    let message = format!("(text of event {} left out)", record.event_id);
    Element::new("RenderingInfo")
        .attribute("Culture", "en-US")
        .child(Element::new("Message").text(&message))
        .child(Element::new("Level").text(level))
        .child(Element::new("Channel").text(&record.channel))
        .child(Element::new("Provider").text(&record.provider.name))
}
