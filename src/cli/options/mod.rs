//! Groups of options that several commands share: what was typed, and how it becomes what is meant.

pub mod code;
pub mod memory;
pub mod moment;
pub mod rendering;
pub mod selecting;
pub mod signatures;
pub mod traces;
pub mod zone;
