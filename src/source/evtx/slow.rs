//! Records by the crate `evtx`: in full for people to read, and as the last resort where the
//! plans fail. Its XML is read back by the same rules as the plans follow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};

use super::compile;
use super::fields::{self, Want};
use super::header::{CHUNK, RECORDS};
use super::known;
use super::plan::Place;
use crate::event::Event;

/// The record at offset `at` of a chunk as XML, indented for people or not.
pub(super) fn render(chunk: &[u8], at: usize, indent: bool) -> Result<String, String> {
    let rendered = catch_unwind(AssertUnwindSafe(|| try_render(chunk, at, indent)));
    rendered.unwrap_or_else(|_| Err("the record makes its reader fail".to_owned()))
}

/// The crate reads chunks from their first record on. So a copy of the chunk gets a first
/// record that reaches to the one that is wanted, which stands second then and last. Only the
/// header of the first record is overwritten: templates stand behind it.
fn try_render(chunk: &[u8], at: usize, indent: bool) -> Result<String, String> {
    let mut data = chunk.to_vec();
    data.resize(CHUNK, 0);
    let mut put = |offset: usize, bytes: &[u8]| {
        if let Some(place) = data.get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, b"ElfChnk\0");
    // The table of names is not needed, and may be what is damaged.
    put(128, &[0; 256]);
    if at > RECORDS {
        let reach = u32::try_from(at - RECORDS).map_err(|error| error.to_string())?;
        put(RECORDS, b"**\0\0");
        put(RECORDS + 4, &reach.to_le_bytes());
        put(RECORDS + 8, &u64::MAX.to_le_bytes());
        put(RECORDS + 16, &[0; 8]);
    }
    let mut chunk = EvtxChunkData::new(data, false).map_err(|error| error.to_string())?;
    chunk.header.last_event_record_id = u64::MAX - 1;
    chunk.header.free_space_offset = CHUNK as u32;
    let settings = Arc::new(ParserSettings::new().indent(indent));
    let mut chunk = chunk.parse(settings).map_err(|error| error.to_string())?;
    let wanted = usize::from(at > RECORDS);
    let record = chunk.iter().nth(wanted).ok_or("no record begins here")?;
    let record = record.map_err(|error| error.to_string())?;
    Ok(record.into_xml().map_err(|error| error.to_string())?.data)
}

/// Fills an event from the XML of a record.
pub(super) fn fill(xml: &str, event: &mut Event, want: Want<'_>) {
    let mut reading = Reading { event, want, open: Vec::new(), text: 0 };
    let mut rest = xml;
    while let Some((text, tag)) = rest.split_once('<') {
        reading.text(text);
        let Some((tag, behind)) = tag.split_once('>') else { return };
        rest = behind;
        match tag.strip_prefix('/') {
            Some(_) => reading.close(),
            None if tag.starts_with(['?', '!']) => {}
            None => {
                reading.start(tag.trim_end_matches('/'));
                if tag.ends_with('/') {
                    reading.close();
                }
            }
        }
    }
}

struct Reading<'a> {
    event: &'a mut Event,
    want: Want<'a>,
    open: Vec<Element>,
    /// Bytes of fields so far.
    text: usize,
}

struct Element {
    /// Local name.
    name: String,
    /// `Name`, where the field is called by it.
    label: Option<String>,
    /// Where it stands, and where its children do.
    within: Place,
    place: Place,
    text: String,
    has_children: bool,
}

impl Reading<'_> {
    fn text(&mut self, text: &str) {
        if let Some(open) = self.open.last_mut() {
            unescape(&mut open.text, text);
        }
    }

    fn start(&mut self, tag: &str) {
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let name = name.rsplit(':').next().unwrap_or(name);
        let within = self.open.last().map_or(Place::Record, |open| open.place);
        if let Some(open) = self.open.last_mut() {
            open.has_children = true;
        }
        let place = match within {
            Place::Record => Place::Event,
            Place::Event => match compile::section_called(name) {
                compile::Section::System => Place::System,
                compile::Section::Data => Place::Data,
                compile::Section::Rendering => {
                    self.event.origin.forwarded = true;
                    Place::Aside
                }
                compile::Section::Other => Place::Aside,
            },
            Place::Data => Place::Data,
            Place::System | Place::Aside => Place::Aside,
        };
        let mut label = None;
        for (attribute, value) in attributes_of(attributes) {
            if within == Place::System {
                if let Some(known) = known::known_attribute(name, |known| known == attribute) {
                    known::set(self.event, known, &value);
                }
            } else if place == Place::Data && attribute == "Name" && compile::names_itself(name) {
                label = Some(value);
            } else if place == Place::Data && attribute != "xmlns" && !attribute.starts_with("xmlns:") {
                let attribute = attribute.rsplit(':').next().unwrap_or(attribute);
                self.push(&format!("{name}_{attribute}"), &value);
            }
        }
        let name = name.to_owned();
        self.open.push(Element { name, label, within, place, text: String::new(), has_children: false });
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else { return };
        match element.within {
            Place::System => {
                if let Some(known) = known::known_element(&element.name) {
                    known::set(self.event, known, &element.text);
                }
            }
            Place::Data if !element.has_children => {
                let unnamed = if element.name == "Data" { "" } else { &element.name };
                self.push(element.label.as_deref().unwrap_or(unnamed), &element.text);
            }
            _ => {}
        }
    }

    fn push(&mut self, name: &str, value: &str) {
        if self.text < fields::TEXT && self.want.wants(name) {
            self.text += name.len() + value.len();
            self.event.push(name, value);
        }
    }
}

/// Names and values, as the crate writes them: in double quotes.
fn attributes_of(mut rest: &str) -> impl Iterator<Item = (&str, String)> {
    std::iter::from_fn(move || {
        let (name, behind) = rest.split_once("=\"")?;
        let (escaped, behind) = behind.split_once('"')?;
        rest = behind;
        let mut value = String::new();
        unescape(&mut value, escaped);
        Some((name.trim(), value))
    })
}

fn unescape(out: &mut String, mut text: &str) {
    while let Some((before, behind)) = text.split_once('&') {
        out.push_str(before);
        let Some((name, behind)) = behind.split_once(';') else {
            text = behind;
            break;
        };
        let number = name.strip_prefix('#').and_then(|digits| match digits.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => digits.parse().ok(),
        });
        let entity = compile::ENTITIES.into_iter().find(|(known, _)| *known == name).map(|(_, c)| c);
        out.push(number.and_then(char::from_u32).or(entity).unwrap_or(char::REPLACEMENT_CHARACTER));
        text = behind;
    }
    out.push_str(text);
}
