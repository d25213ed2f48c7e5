//! whyrdp

pub mod error;
pub mod event;
mod os;
pub mod source;
