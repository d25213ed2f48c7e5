//! whyrdp

pub mod event;
pub mod source;
