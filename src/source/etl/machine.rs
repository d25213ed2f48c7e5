//! Records in which the kernel logger describes the computer: its name and its network adapters.
//! Layouts: SystemConfig_V2_CPU and SystemConfig_V2_NIC of Microsoft's MOF classes (learn.microsoft.com/windows/win32/etw).

use std::net::IpAddr;

use super::record::{Form, Record};
use crate::event::{Guid, Machine};
use crate::source::text::push_utf16;

/// Group of such records, in the high byte of a hook id (`EVENT_TRACE_GROUP_CONFIG`).
const CONFIG: u32 = 0x0B00;
/// `EVENT_TRACE_TYPE_CONFIG_CPU`
const CPU: u32 = 0x0A;
/// `EVENT_TRACE_TYPE_CONFIG_NIC`
const NIC: u32 = 0x0D;
/// The same as classic events: class SystemConfig.
const CLASS: [u8; 16] =
    [0x01, 0x85, 0x3A, 0x65, 0x41, 0x8F, 0x4F, 0x36, 0xAE, 0xFC, 0xDC, 0x0F, 0x1D, 0x2F, 0xD2, 0x35];
/// Where the computer's name stands in the record of the processors, and its room in bytes.
const NAME: std::ops::Range<usize> = 20..20 + 512;
/// Where the strings of an adapter begin: its description, its addresses, its name servers.
const STRINGS: usize = 20;

/// What the record tells of the computer.
pub(super) fn told(record: &Record<'_>) -> Option<Machine> {
    let kind = match record.form {
        Form::System | Form::Kernel => record.id.checked_sub(CONFIG)?,
        Form::Classic if record.guid == Some(Guid(CLASS)) => record.id,
        _ => return None,
    };
    let mut machine = Machine::default();
    match kind {
        CPU => {
            let name = text(record.payload.get(NAME)?).0;
            let name = name.trim();
            // What no computer can be called is damage.
            if name.is_empty() || name.len() > 255 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return None;
            }
            machine.names.insert(name.into());
        }
        NIC => {
            let (_, rest) = text(record.payload.get(STRINGS..)?);
            let (addresses, _) = text(rest);
            let words = addresses.split([';', ',', ' ']).map(|word| word.split('%').next().unwrap_or(word));
            machine.addresses.extend(words.filter_map(|word| word.parse::<IpAddr>().ok()));
        }
        _ => return None,
    }
    Some(machine).filter(|machine| !machine.is_empty())
}

/// UTF-16 up to its NUL, and what follows.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    let units = bytes.as_chunks::<2>().0;
    let end = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let mut text = String::new();
    push_utf16(&mut text, bytes.get(..end * 2).unwrap_or_default());
    (text, bytes.get(end * 2 + 2..).unwrap_or_default())
}
