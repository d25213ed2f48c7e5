//! whyrdp

pub mod event;
pub mod evidence;
pub mod signature;
pub mod source;
