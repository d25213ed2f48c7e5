//! What a record means: rules and causes, read once, then shared by all threads.

pub mod definition;
