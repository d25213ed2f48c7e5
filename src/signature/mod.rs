//! What a record means: rules and causes, read once, then shared by all threads.
//!
//! `read` turns files into definitions, `builtin` holds those that come with the
//! program, as the build packed them (`parts`), `compile` makes them ready, `matcher` and `bundle` ask
//! them of events, `phrase` of what a user read.

pub mod audit;
mod builtin;
mod bundle;
mod check;
mod compile;
pub mod correlation;
pub mod definition;
mod examples;
mod filter;
mod gates;
mod glob;
mod index;
mod matcher;
mod parts;
pub mod phrase;
mod pins;
pub mod read;
mod sources;
mod value;
mod wording;
mod wrapped;

pub use check::check;
pub use compile::{RuleId, Signatures};
pub use examples::{event, test_rule};
pub use sources::{Sources, to_json};
pub use value::value_of;
pub use wording::number;
