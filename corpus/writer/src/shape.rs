//! What events look like: the files under `shapes/`.
//!
//! Owns headers, field names and types. It knows no scenario: it turns an event's name and its
//! field texts into a [`Record`], and refuses what the event does not have.

use crate::error::Error;
use crate::evtx::{Guid, Layout, Payload, Provider, Record, Sid, Value, hex, unsigned};
use crate::vars::Vars;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Where an ActivityID of a provider comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activity {
    /// The provider never writes one.
    #[default]
    None,
    /// One per server connection (`F420....`).
    Server,
    /// One per client connection.
    Client,
    /// Any.
    Free,
}

/// The outer form of an event's data.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Container {
    Named,
    List,
    User { element: String, namespace: String },
}

/// One file under `shapes/`: a provider and its events.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShapeFile {
    provider: String,
    #[serde(default)]
    guid: Option<String>,
    #[serde(default)]
    source: Option<String>,
    /// None where its events stand in traces alone.
    #[serde(default)]
    channel: String,
    /// TraceLogging: the event's name stands behind `@`.
    #[serde(default)]
    tracelogging: bool,
    #[serde(default)]
    classic: bool,
    #[serde(default)]
    traced: bool,
    #[serde(default)]
    activity: Activity,
    #[serde(default)]
    process: u32,
    /// What holds for every event that does not say otherwise.
    #[serde(default)]
    all: EventFile,
    events: BTreeMap<String, EventFile>,
}

/// One event of a shape file; absent parts come from the file's `all`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    version: Option<u8>,
    level: Option<u8>,
    task: Option<u16>,
    opcode: Option<u8>,
    keywords: Option<String>,
    qualifiers: Option<u16>,
    user: Option<String>,
    channel: Option<String>,
    container: Option<Container>,
    /// `Name:type` or `Name:type=default`; the default may hold placeholders.
    fields: Option<Vec<String>>,
    binary: Option<String>,
    /// Not written by this system (`2012r2`).
    not_on: Option<String>,
}

/// What a scenario says about one event.
#[derive(Debug, Clone, Default)]
pub struct Filling<'a> {
    /// Field texts by field name.
    pub fields: BTreeMap<String, String>,
    /// Unnamed Data.
    pub data: &'a [String],
    /// Content of Binary, in hex.
    pub binary: Option<&'a str>,
    /// Label that becomes the ActivityID.
    pub activity: Option<&'a str>,
    /// Another channel than the usual one.
    pub channel: Option<&'a str>,
    /// Another level than the usual one.
    pub level: Option<u8>,
    /// Another `Security/@UserID` than the usual one.
    pub user: Option<&'a str>,
}

/// All shapes, by the name of their file (`RdpCoreTS`).
#[derive(Debug)]
pub struct Shapes(BTreeMap<String, ShapeFile>);

impl Shapes {
    /// Reads all files of a directory.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Yaml`], naming the file.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        Ok(Self(crate::yaml::read_dir(dir)?))
    }

    /// The channel that a scenario means: a shape's name stands for its channel.
    #[must_use]
    pub fn channel<'a>(&'a self, name: &'a str) -> &'a str {
        self.0.get(name).map_or(name, |shape| &shape.channel)
    }

    /// Do events of this shape bring names and types of their fields along?
    #[must_use]
    pub fn describes_itself(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|shape| shape.tracelogging)
    }

    /// Builds the event called `name` (`RdpCoreTS/131`, `Schannel/36874@2022`). Record id, time
    /// and computer are left for the caller; `salt` tells ActivityIDs of different cases apart.
    ///
    /// # Errors
    /// [`Error::Scenario`] for an event, field or ActivityID that does not exist or a field
    /// without text; [`Error::Value`] for a text that does not fit.
    pub fn record(
        &self,
        name: &str,
        filling: &Filling<'_>,
        vars: &Vars,
        os: &str,
        salt: &str,
    ) -> Result<Record, Error> {
        let (alias, id) = name.split_once('/').unwrap_or((name, ""));
        let unknown = || Error::scenario(format!("no shape for event {name}"));
        let shape = self.0.get(alias).ok_or_else(unknown)?;
        let event = shape.events.get(id).ok_or_else(unknown)?;
        let all = &shape.all;
        let not_on = event.not_on.as_ref().or(all.not_on.as_ref());
        if not_on.is_some_and(|system| system == os) {
            return Err(Error::scenario(format!("{os} does not write {name}")));
        }
        let number = id.split('@').next().unwrap_or_default();
        let keywords = event.keywords.as_ref().or(all.keywords.as_ref());
        let keywords = keywords.map_or("0x8000000000000000", String::as_str);
        let user = filling.user.or(event.user.as_deref());
        let user = user.or(all.user.as_deref()).unwrap_or("none");
        let channel = filling.channel.or(event.channel.as_deref());
        Ok(Record {
            record_id: 0,
            collector_id: None,
            received: 0,
            ticks: 0,
            happened: 0,
            provider: Provider {
                name: shape.provider.clone(),
                guid: shape.guid.as_deref().map(Guid::parse).transpose()?,
                source_name: shape.source.clone(),
            },
            layout: if shape.classic { Layout::Classic } else { Layout::Manifest },
            event_id: number.parse().map_err(|_| unknown())?,
            qualifiers: event.qualifiers.or(all.qualifiers),
            version: event.version.or(all.version).unwrap_or(0),
            level: filling.level.or(event.level).or(all.level).unwrap_or(4),
            task: event.task.or(all.task).unwrap_or(0),
            opcode: event.opcode.or(all.opcode).unwrap_or(0),
            keywords: unsigned(keywords).ok_or_else(|| Error::value("keywords", keywords))?,
            activity: activity_id(shape.activity, filling.activity, name, salt)?,
            related: None,
            process: shape.process,
            thread: if shape.process == 0 { 0 } else { shape.process + 4 * (u32::from(event.opcode.unwrap_or(0)) + 1) },
            channel: channel.unwrap_or(&shape.channel).to_owned(),
            computer: String::new(),
            user: match vars.fill(user)?.as_str() {
                "none" => None,
                sid => Some(Sid::parse(sid)?),
            },
            traced: shape.traced,
            payload: payload(name, shape, event, filling, vars)?,
        })
    }
}

fn payload(
    name: &str,
    shape: &ShapeFile,
    event: &EventFile,
    filling: &Filling<'_>,
    vars: &Vars,
) -> Result<Payload, Error> {
    let wanted = event.fields.as_deref().or(shape.all.fields.as_deref());
    let wanted = wanted.unwrap_or_default();
    let declared = event.binary.as_ref().or(shape.all.binary.as_ref());
    let binary = match (filling.binary, declared) {
        (Some(text), _) => Some(hex(&vars.fill(text)?)?),
        (None, Some(text)) => Some(binary_text(&vars.fill(text)?)?),
        (None, None) => None,
    };
    let mut given = filling.fields.clone();
    let mut fields = Vec::new();
    for spec in wanted {
        let bad = || Error::scenario(format!("bad field {spec:?} in the shape of {name}"));
        let (field, rest) = spec.split_once(':').ok_or_else(bad)?;
        let (kind, default) = match rest.split_once('=') {
            Some((kind, default)) => (kind, Some(default)),
            None => (rest, None),
        };
        let given = given.remove(field);
        let text = given
            .as_deref()
            .or(default)
            .ok_or_else(|| Error::scenario(format!("{name} wants a text for its field {field}")))?;
        let value = Value::parse(kind, &vars.fill(text)?, shape.traced)?;
        fields.push((field.to_owned(), value));
    }
    if let Some(field) = given.keys().next() {
        return Err(Error::scenario(format!("{name} has no field {field}")));
    }
    let container = event.container.as_ref().or(shape.all.container.as_ref());
    match container.unwrap_or(&Container::Named) {
        Container::List => {
            let strings = filling.data.iter().map(|text| vars.fill(text));
            let strings = strings.collect::<Result<_, _>>()?;
            let binary = binary.unwrap_or_default();
            Ok(Payload::List { strings, binary })
        }
        _ if !filling.data.is_empty() => Err(Error::scenario(format!("{name} has named fields, no data"))),
        Container::Named => Ok(Payload::Named { fields, binary }),
        Container::User { element, namespace } => {
            Ok(Payload::User { element: element.clone(), namespace: namespace.clone(), fields })
        }
    }
}

/// A shape's Binary: hex, or text after `utf16:` (stored with a NUL, as service names are).
fn binary_text(text: &str) -> Result<Vec<u8>, Error> {
    match text.strip_prefix("utf16:") {
        Some(text) => Ok(format!("{text}\0").encode_utf16().flat_map(u16::to_le_bytes).collect()),
        None => hex(text),
    }
}

fn activity_id(kind: Activity, label: Option<&str>, name: &str, salt: &str) -> Result<Option<Guid>, Error> {
    let Some(label) = label else { return Ok(None) };
    let side = match kind {
        Activity::Server => "server",
        Activity::Client => "client",
        Activity::Free | Activity::None => "free",
    };
    let mut guid = crate::seed::bytes(&[salt, label, side]);
    match kind {
        Activity::None => {
            let words = format!("{name} never has an ActivityID");
            return Err(Error::Scenario(words));
        }
        Activity::Server => {
            guid[..2].copy_from_slice(&[0xf4, 0x20]);
            guid[14..].copy_from_slice(&[0, 0]);
        }
        Activity::Client => guid[14..].copy_from_slice(&[0, 0]),
        Activity::Free => {}
    }
    Ok(Some(Guid(guid)))
}
