//! whyrdp

pub mod event;
pub mod signature;
pub mod source;
