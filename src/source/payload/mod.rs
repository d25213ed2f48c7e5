//! Payloads of trace events: wanted fields by a layout, or what strings they hold. Shared by every
//! form in which traces keep payloads as bytes.

mod fields;
mod salvage;
pub(super) mod value;
mod want;

pub(super) use fields::{bytes, fitting, push};
pub(super) use salvage::strings;
pub(super) use want::Want;
