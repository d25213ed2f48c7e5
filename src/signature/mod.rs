//! What a record means: rules and causes, read once, then shared by all threads.

mod builtin;
pub mod definition;
pub mod read;
