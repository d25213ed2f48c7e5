//! One event, and the template instance that Windows would store for it.

use super::binxml::{Element, Instance, Slot};
use super::value::{Guid, Sid, Value};

const EVENT_NS: &str = "http://schemas.microsoft.com/win/2004/08/events/event";

// Value types as binary XML numbers them.
const STR: u8 = 0x01;
const U8: u8 = 0x04;
const U16: u8 = 0x06;
const U32: u8 = 0x08;
const U64: u8 = 0x0a;
const BINARY: u8 = 0x0e;
const GUID: u8 = 0x0f;
const TIME: u8 = 0x11;
const SID: u8 = 0x13;
const HEX64: u8 = 0x15;
const NESTED: u8 = 0x21;
const STRINGS: u8 = 0x81;

/// Who wrote an event.
#[derive(Debug, Clone)]
pub struct Provider {
    /// `Provider/@Name`.
    pub name: String,
    /// `Provider/@Guid`; classic sources without a manifest have none.
    pub guid: Option<Guid>,
    /// `Provider/@EventSourceName`.
    pub source_name: Option<String>,
}

/// Which of the layouts of the System part a record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Provider and channel are substituted; 18 slots.
    #[default]
    Manifest,
    /// Provider and channel are literal; 20 slots. Without a GUID also without Version, Opcode,
    /// Correlation and Execution.
    Classic,
}

/// What stands below the System part.
#[derive(Debug, Clone)]
pub enum Payload {
    /// EventData with named Data, then Binary where given.
    Named {
        /// Name and value, in order.
        fields: Vec<(String, Value)>,
        /// Content of the Binary element.
        binary: Option<Vec<u8>>,
    },
    /// EventData with unnamed Data, then Binary where given (empty leaves it out).
    List {
        /// The strings, in order.
        strings: Vec<String>,
        /// Content of the Binary element.
        binary: Vec<u8>,
    },
    /// UserData with one element that holds one element per field.
    User {
        /// The inner element's name, such as `EventXML`.
        element: String,
        /// Its default namespace, such as `Event_NS`.
        namespace: String,
        /// Name and value, in order.
        fields: Vec<(String, Value)>,
    },
}

/// One event as it shall stand in the log.
#[derive(Debug, Clone)]
pub struct Record {
    /// `System/EventRecordID`.
    pub record_id: u64,
    /// The id that a collector gave the record; only used for forwarded logs.
    pub collector_id: Option<u64>,
    /// When the record came into its file, in ticks; 0 is the time of the event. Only used for
    /// forwarded logs.
    pub received: u64,
    /// `System/TimeCreated` in 100 ns ticks since 1601.
    pub ticks: u64,
    /// When it truly happened: records are numbered in this order, whatever their clock showed.
    pub happened: u64,
    /// Who wrote it.
    pub provider: Provider,
    /// Layout of the System part.
    pub layout: Layout,
    /// `System/EventID`.
    pub event_id: u16,
    /// `EventID/@Qualifiers`.
    pub qualifiers: Option<u16>,
    /// `System/Version`.
    pub version: u8,
    /// `System/Level`.
    pub level: u8,
    /// `System/Task`.
    pub task: u16,
    /// `System/Opcode`.
    pub opcode: u8,
    /// `System/Keywords`.
    pub keywords: u64,
    /// `Correlation/@ActivityID`.
    pub activity: Option<Guid>,
    /// `Correlation/@RelatedActivityID`.
    pub related: Option<Guid>,
    /// `Execution/@ProcessID`.
    pub process: u32,
    /// `Execution/@ThreadID`.
    pub thread: u32,
    /// `System/Channel`.
    pub channel: String,
    /// `System/Computer`.
    pub computer: String,
    /// `Security/@UserID`.
    pub user: Option<Sid>,
    /// Whether the event came through tracing: its nested part has no fragment header then.
    pub traced: bool,
    /// What the event tells.
    pub payload: Payload,
}

impl Record {
    /// The template instance of the whole record.
    pub(super) fn instance(&self) -> Instance {
        let nested = Slot::Nested { instance: Box::new(self.payload.instance()), fragment: !self.traced };
        let (slots, last) = match self.layout {
            Layout::Manifest => (18, 17),
            Layout::Classic => (20, 19),
        };
        let mut values = vec![Value::Null; slots];
        values[0] = Value::U8(self.level);
        values[1] = Value::U8(self.opcode);
        values[2] = Value::U16(self.task);
        values[3] = Value::U16(self.event_id);
        values[4] = self.qualifiers.map_or(Value::Null, Value::U16);
        values[5] = Value::Hex64(self.keywords);
        values[6] = Value::FileTime(self.ticks);
        values[7] = self.activity.map_or(Value::Null, Value::Guid);
        values[8] = Value::U32(self.process);
        values[9] = Value::U32(self.thread);
        values[10] = Value::U64(self.record_id);
        values[11] = Value::U8(self.version);
        values[12] = self.user.clone().map_or(Value::Null, Value::Sid);
        let related = self.related.map_or(Value::Null, Value::Guid);
        match self.layout {
            Layout::Manifest => {
                values[13] = related;
                values[14] = plain(&self.provider.name);
                values[15] = self.provider.guid.map_or(Value::Null, Value::Guid);
                values[16] = plain(&self.channel);
            }
            Layout::Classic => values[18] = related,
        }
        let mut filled: Vec<Slot> = values.into_iter().map(Slot::Value).collect();
        filled[last] = nested;
        Instance { template: self.template(last as u16), slots: filled }
    }

    /// The definition that all records of this provider, channel and computer share.
    fn template(&self, last: u16) -> Element {
        let event = Element::new("Event").attribute("xmlns", EVENT_NS);
        let event = event.child(self.system());
        match self.payload {
            Payload::User { .. } => event.child(Element::new("UserData").depends(last, NESTED)),
            Payload::Named { .. } | Payload::List { .. } => event.depends_after(last),
        }
    }

    fn system(&self) -> Element {
        let manifest = self.layout == Layout::Manifest;
        let full = manifest || self.provider.guid.is_some();
        let related = if manifest { 13 } else { 18 };
        let id = Element::new("EventID").attribute_slot("Qualifiers", 4, U16);
        let mut system = Element::new("System").child(self.provider_element()).child(id.depends(3, U16));
        if full {
            system = system.child(Element::new("Version").depends(11, U8));
        }
        system = system.child(Element::new("Level").depends(0, U8)).child(Element::new("Task").depends(2, U16));
        if full {
            system = system.child(Element::new("Opcode").depends(1, U8));
        }
        system = system
            .child(Element::new("Keywords").depends(5, HEX64))
            .child(Element::new("TimeCreated").attribute_slot("SystemTime", 6, TIME))
            .child(Element::new("EventRecordID").depends(10, U64));
        if full {
            let correlation = Element::new("Correlation").attribute_slot("ActivityID", 7, GUID).attribute_slot(
                "RelatedActivityID",
                related,
                GUID,
            );
            let execution =
                Element::new("Execution").attribute_slot("ProcessID", 8, U32).attribute_slot("ThreadID", 9, U32);
            system = system.child(correlation).child(execution);
        }
        let channel = Element::new("Channel");
        system
            .child(if manifest { channel.depends(16, STR) } else { channel.text(&self.channel) })
            .child(Element::new("Computer").text(&self.computer))
            .child(Element::new("Security").attribute_slot("UserID", 12, SID))
    }

    fn provider_element(&self) -> Element {
        let element = Element::new("Provider");
        if self.layout == Layout::Manifest {
            return element.attribute_slot("Name", 14, STR).attribute_slot("Guid", 15, GUID);
        }
        let mut element = element.attribute("Name", &self.provider.name);
        if let Some(guid) = self.provider.guid {
            element = element.attribute("Guid", &guid.to_string());
        }
        if let Some(source) = &self.provider.source_name {
            element = element.attribute("EventSourceName", source);
        }
        element
    }
}

impl Payload {
    /// The nested template instance.
    fn instance(&self) -> Instance {
        match self {
            Self::Named { fields, binary } => named(fields, binary.as_deref()),
            Self::List { strings, binary } => list(strings, binary),
            Self::User { element, namespace, fields } => {
                let mut outer = Element::new(element).attribute("xmlns", namespace);
                for (i, (name, value)) in fields.iter().enumerate() {
                    outer = outer.child(Element::new(name).slot(i as u16, declared(value), false));
                }
                Instance { template: outer, slots: values(fields) }
            }
        }
    }
}

fn named(fields: &[(String, Value)], binary: Option<&[u8]>) -> Instance {
    let mut outer = Element::new("EventData");
    for (i, (name, value)) in fields.iter().enumerate() {
        let data = Element::new("Data").attribute("Name", name);
        outer = outer.child(data.slot(i as u16, declared(value), false));
    }
    let mut slots = values(fields);
    if let Some(bytes) = binary {
        // The length stands in a slot of its own before the bytes.
        slots.push(Slot::Value(Value::U32(bytes.len() as u32)));
        let slot = slots.len() as u16;
        slots.push(Slot::Value(Value::Binary(bytes.to_vec())));
        outer = outer.child(Element::new("Binary").slot(slot, BINARY, false));
    }
    Instance { template: outer, slots }
}

fn list(strings: &[String], binary: &[u8]) -> Instance {
    let template = Element::new("EventData")
        .child(Element::new("Data").depends(0, STRINGS))
        .child(Element::new("Binary").depends(2, BINARY));
    let or_null = |empty: bool, value: Value| if empty { Value::Null } else { value };
    let slots = vec![
        or_null(strings.is_empty(), Value::Strings(strings.to_vec())),
        Value::U32(binary.len() as u32),
        or_null(binary.is_empty(), Value::Binary(binary.to_vec())),
    ];
    Instance { template, slots: slots.into_iter().map(Slot::Value).collect() }
}

/// The type that a definition declares for a value; an absent one is declared as text.
fn declared(value: &Value) -> u8 {
    match value {
        Value::Null => STR,
        other => other.kind(),
    }
}

fn values(fields: &[(String, Value)]) -> Vec<Slot> {
    let values = fields.iter().map(|(_, v)| v.clone());
    values.map(Slot::Value).collect()
}

fn plain(text: &str) -> Value {
    Value::Str { text: text.to_owned(), nul: false }
}
