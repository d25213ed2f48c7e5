//! whyrdp

pub mod attempt;
pub mod correlate;
pub mod error;
pub mod event;
pub mod evidence;
pub mod os;
pub mod report;
pub mod scan;
pub mod signature;
pub mod source;
pub mod verdict;
pub mod verify;
