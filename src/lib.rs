//! whyrdp

pub mod attempt;
pub mod correlate;
pub mod event;
pub mod evidence;
pub mod report;
pub mod signature;
pub mod source;
pub mod verdict;
