//! The values of `System`: which elements and attributes hold them, and how they are set.

use super::text;
use crate::event::{Event, Guid, Time};

/// A value of `System`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Provider,
    SourceName,
    ProviderGuid,
    EventId,
    Qualifiers,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    Time,
    RecordId,
    ActivityId,
    RelatedActivityId,
    ProcessId,
    ThreadId,
    Channel,
    Computer,
    UserId,
}

impl Known {
    /// Does stage one read it of every record?
    pub fn is_fact(self) -> bool {
        matches!(
            self,
            Known::Provider
                | Known::SourceName
                | Known::ProviderGuid
                | Known::EventId
                | Known::RecordId
                | Known::Time
                | Known::Channel
                | Known::Computer
        )
    }

    /// Is it told of every record that matches?
    pub fn is_kept(self) -> bool {
        let more = matches!(self, Known::Version | Known::Level | Known::ActivityId | Known::ProcessId | Known::UserId);
        more || self.is_fact()
    }
}

const SYSTEM_ELEMENTS: [&str; 14] = [
    "Provider",
    "EventID",
    "Version",
    "Level",
    "Task",
    "Opcode",
    "Keywords",
    "TimeCreated",
    "EventRecordID",
    "Correlation",
    "Execution",
    "Channel",
    "Computer",
    "Security",
];

/// The element of `System`, where `is_called` tells its name.
pub(super) fn system_element(is_called: impl Fn(&str) -> bool) -> Option<&'static str> {
    SYSTEM_ELEMENTS.into_iter().find(|known| is_called(known))
}

/// The value that is an element's text.
pub(super) fn known_element(element: &str) -> Option<Known> {
    Some(match element {
        "EventID" => Known::EventId,
        "Version" => Known::Version,
        "Level" => Known::Level,
        "Task" => Known::Task,
        "Opcode" => Known::Opcode,
        "Keywords" => Known::Keywords,
        "EventRecordID" => Known::RecordId,
        "Channel" => Known::Channel,
        "Computer" => Known::Computer,
        _ => return None,
    })
}

const SYSTEM_ATTRIBUTES: [(&str, &str, Known); 10] = [
    ("Provider", "Name", Known::Provider),
    ("Provider", "Guid", Known::ProviderGuid),
    ("Provider", "EventSourceName", Known::SourceName),
    ("EventID", "Qualifiers", Known::Qualifiers),
    ("TimeCreated", "SystemTime", Known::Time),
    ("Correlation", "ActivityID", Known::ActivityId),
    ("Correlation", "RelatedActivityID", Known::RelatedActivityId),
    ("Execution", "ProcessID", Known::ProcessId),
    ("Execution", "ThreadID", Known::ThreadId),
    ("Security", "UserID", Known::UserId),
];

/// The value that is an element's attribute, where `is_called` tells the attribute's name.
pub(super) fn known_attribute(element: &str, is_called: impl Fn(&str) -> bool) -> Option<Known> {
    let found = SYSTEM_ATTRIBUTES.iter().find(|(e, attribute, _)| *e == element && is_called(attribute));
    found.map(|(_, _, known)| *known)
}

/// How a value of `System` is typed.
pub(super) enum Class {
    Number,
    Time,
    Guid,
    Text,
}

/// How this one is typed.
pub(super) fn class(known: Known) -> Class {
    match known {
        Known::EventId
        | Known::Qualifiers
        | Known::Version
        | Known::Level
        | Known::Task
        | Known::Opcode
        | Known::Keywords
        | Known::RecordId
        | Known::ProcessId
        | Known::ThreadId => Class::Number,
        Known::Time => Class::Time,
        Known::ProviderGuid | Known::ActivityId | Known::RelatedActivityId => Class::Guid,
        Known::Provider | Known::SourceName | Known::Channel | Known::Computer | Known::UserId => Class::Text,
    }
}

/// Sets a value of `System` from its text.
pub(super) fn set(event: &mut Event, known: Known, text: &str) {
    match class(known) {
        Class::Number => set_number(event, known, text::parse_number(text)),
        Class::Time => event.system.time = Time::parse(text),
        Class::Guid => set_guid(event, known, Guid::parse(text)),
        Class::Text => text_of(event, known).push_str(text),
    }
}

pub(super) fn set_guid(event: &mut Event, known: Known, guid: Option<Guid>) {
    match known {
        Known::ProviderGuid => event.system.provider_guid = guid,
        Known::ActivityId => event.system.activity_id = guid,
        _ => event.system.related_activity_id = guid,
    }
}

/// The text of a value that is one.
pub(super) fn text_of(event: &mut Event, known: Known) -> &mut String {
    let system = &mut event.system;
    match known {
        Known::SourceName => &mut system.source_name,
        Known::Channel => &mut system.channel,
        Known::Computer => &mut system.computer,
        Known::UserId => &mut system.user_id,
        _ => &mut system.provider,
    }
}

pub(super) fn set_number(event: &mut Event, known: Known, number: Option<u64>) {
    let system = &mut event.system;
    match known {
        Known::EventId => system.event_id = number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0),
        Known::Qualifiers => system.qualifiers = number.and_then(|n| u16::try_from(n).ok()),
        Known::Version => system.version = number.and_then(|n| u8::try_from(n).ok()),
        Known::Level => system.level = number.and_then(|n| u8::try_from(n).ok()),
        Known::Task => system.task = number.and_then(|n| u16::try_from(n).ok()),
        Known::Opcode => system.opcode = number.and_then(|n| u8::try_from(n).ok()),
        Known::Keywords => system.keywords = number,
        Known::RecordId => system.record_id = number,
        Known::ProcessId => system.process_id = number.and_then(|n| u32::try_from(n).ok()),
        Known::ThreadId => system.thread_id = number.and_then(|n| u32::try_from(n).ok()),
        _ => {}
    }
}
