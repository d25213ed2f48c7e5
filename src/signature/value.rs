//! Where a rule's field names lead in an event: the typed `System` part under its
//! Sigma names, or the record's own data. The one place that knows these names.

use crate::event::{Event, Guid, System};

/// A field of the `System` part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SystemField {
    Provider,
    ProviderGuid,
    EventId,
    Qualifiers,
    Version,
    Level,
    Task,
    Opcode,
    Keywords,
    Channel,
    Computer,
    RecordId,
    Activity,
    RelatedActivity,
    Process,
    Thread,
    User,
}

const NAMES: [(&str, SystemField); 17] = [
    ("Provider_Name", SystemField::Provider),
    ("Provider_Guid", SystemField::ProviderGuid),
    ("EventID", SystemField::EventId),
    ("EventID_Qualifiers", SystemField::Qualifiers),
    ("Version", SystemField::Version),
    ("Level", SystemField::Level),
    ("Task", SystemField::Task),
    ("Opcode", SystemField::Opcode),
    ("Keywords", SystemField::Keywords),
    ("Channel", SystemField::Channel),
    ("Computer", SystemField::Computer),
    ("EventRecordID", SystemField::RecordId),
    ("Correlation_ActivityID", SystemField::Activity),
    ("Correlation_RelatedActivityID", SystemField::RelatedActivity),
    ("Execution_ProcessID", SystemField::Process),
    ("Execution_ThreadID", SystemField::Thread),
    ("Security_UserID", SystemField::User),
];

/// What a field name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    System(SystemField),
    Data(String),
    /// Any value at all: keywords.
    Anything,
}

/// A value of an event.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(u64),
}

/// The `System` field of this name.
pub(super) fn system_field(name: &str) -> Option<SystemField> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
}

impl Target {
    pub(super) fn of(name: Option<&str>) -> Self {
        match name {
            None => Target::Anything,
            Some(name) => system_field(name).map_or_else(|| Target::Data(name.to_owned()), Target::System),
        }
    }

    /// Does one of its values pass `test`? A `System` part that is absent has none.
    pub(super) fn any(&self, event: &Event, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        match self {
            Target::Data(name) => event.values(name).any(|value| test(Value::Text(value))),
            Target::System(field) => field.any(&event.system, test),
            Target::Anything => {
                let system = &event.system;
                let texts = [&system.provider, &system.source_name, &system.channel, &system.computer, &system.user_id];
                texts.into_iter().filter(|text| !text.is_empty()).any(|text| test(Value::Text(text)))
                    || event.fields().any(|(_, value)| test(Value::Text(value)))
            }
        }
    }

    /// Its first value as text.
    fn first(&self, event: &Event) -> Option<String> {
        let mut found = None;
        self.any(event, &mut |value| {
            found = Some(value.into_text());
            true
        });
        found
    }
}

impl Value<'_> {
    fn into_text(self) -> String {
        match self {
            Value::Text(text) => text.to_owned(),
            Value::Number(number) => number.to_string(),
        }
    }
}

impl SystemField {
    /// Is it part of what sources tell of every record?
    pub(super) fn is_told_of_every_record(self) -> bool {
        matches!(
            self,
            SystemField::Provider
                | SystemField::ProviderGuid
                | SystemField::EventId
                | SystemField::Channel
                | SystemField::Computer
                | SystemField::RecordId
        )
    }

    fn any(self, system: &System, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
        let mut text = |text: &str| !text.is_empty() && test(Value::Text(text));
        match self {
            SystemField::Provider => return text(&system.provider) || text(&system.source_name),
            SystemField::Channel => return text(&system.channel),
            SystemField::Computer => return text(&system.computer),
            SystemField::User => return text(&system.user_id),
            SystemField::ProviderGuid => return guid(system.provider_guid, &mut text),
            SystemField::Activity => return guid(system.activity_id, &mut text),
            SystemField::RelatedActivity => return guid(system.related_activity_id, &mut text),
            SystemField::Keywords => return system.keywords.is_some_and(|bits| text(&format!("0x{bits:x}"))),
            _ => {}
        }
        let number = match self {
            SystemField::EventId => Some(u64::from(system.event_id)),
            SystemField::Qualifiers => system.qualifiers.map(u64::from),
            SystemField::Version => system.version.map(u64::from),
            SystemField::Level => system.level.map(u64::from),
            SystemField::Task => system.task.map(u64::from),
            SystemField::Opcode => system.opcode.map(u64::from),
            SystemField::RecordId => system.record_id,
            SystemField::Process => system.process_id.map(u64::from),
            SystemField::Thread => system.thread_id.map(u64::from),
            _ => None,
        };
        number.is_some_and(|number| test(Value::Number(number)))
    }

    /// Writes an example's value into the `System` part.
    fn set(self, system: &mut System, value: &str) -> Option<()> {
        match self {
            SystemField::Provider if system.provider.is_empty() => value.clone_into(&mut system.provider),
            SystemField::Provider => value.clone_into(&mut system.source_name),
            SystemField::Channel => value.clone_into(&mut system.channel),
            SystemField::Computer => value.clone_into(&mut system.computer),
            SystemField::User => value.clone_into(&mut system.user_id),
            SystemField::ProviderGuid => system.provider_guid = Some(Guid::parse(value)?),
            SystemField::Activity => system.activity_id = Some(Guid::parse(value)?),
            SystemField::RelatedActivity => system.related_activity_id = Some(Guid::parse(value)?),
            SystemField::EventId => system.event_id = value.parse().ok()?,
            SystemField::Qualifiers => system.qualifiers = Some(value.parse().ok()?),
            SystemField::Version => system.version = Some(value.parse().ok()?),
            SystemField::Level => system.level = Some(value.parse().ok()?),
            SystemField::Task => system.task = Some(value.parse().ok()?),
            SystemField::Opcode => system.opcode = Some(value.parse().ok()?),
            SystemField::Keywords => {
                system.keywords = Some(u64::from_str_radix(value.trim_start_matches("0x"), 16).ok()?);
            }
            SystemField::RecordId => system.record_id = Some(value.parse().ok()?),
            SystemField::Process => system.process_id = Some(value.parse().ok()?),
            SystemField::Thread => system.thread_id = Some(value.parse().ok()?),
        }
        Some(())
    }
}

/// With braces, as records show it, and without.
fn guid(guid: Option<Guid>, text: &mut dyn FnMut(&str) -> bool) -> bool {
    guid.is_some_and(|guid| text(&format!("{{{guid}}}")) || text(&guid.to_string()))
}

/// The first value of a field by its Sigma name: what rules capture and correlations group by.
pub fn value_of(event: &Event, name: &str) -> Option<String> {
    Target::of(Some(name)).first(event)
}

/// A number as logs write it, decimal or `0x`.
#[allow(clippy::cast_precision_loss, reason = "numbers past 2^53 do not stand in rules")]
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|number| number as f64),
        None => text.parse().ok(),
    }
}

/// Puts a value under a Sigma field name into an event. Some records have data of their own
/// called `Version` or `Channel`: what cannot be in the `System` part is such data.
pub(super) fn put(event: &mut Event, name: &str, value: &str) -> Result<(), String> {
    let Some(field) = system_field(name) else {
        event.push(name, value);
        return Ok(());
    };
    match field.set(&mut event.system, value) {
        Some(()) => Ok(()),
        None if is_common(name) => {
            event.push(name, value);
            Ok(())
        }
        None => Err(format!("`{value}` cannot be a {name}")),
    }
}

/// Names of the `System` part that records use for data of their own too.
pub(super) fn is_common(name: &str) -> bool {
    ["Version", "Level", "Task", "Opcode", "Keywords", "Channel", "Computer"].contains(&name)
}
