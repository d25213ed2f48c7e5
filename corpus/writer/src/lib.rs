//! Writes real `.evtx` files from scenarios: the logs of the cases in `corpus/`.
//!
//! ```text
//! scenario.yml --expand--> events --logs--> one Vec<Record> per host and channel --evtx--> bytes
//!        shapes/ sequences/ noise/ (data)
//! ```
//! Equal input gives equal bytes: nothing here reads a clock or a random number. Cases are made
//! from knowledge about Windows, never from what an analyzer makes of them, so this package must
//! not depend on the analyzer.

pub mod case;
pub mod error;
pub mod etl;
pub mod evtx;
pub mod expand;
pub mod logs;
pub mod packet;
pub mod scenario;
mod seed;
pub mod shape;
pub mod show;
pub mod span;
pub mod text;
pub mod traces;
pub mod vars;
mod yaml;

pub use case::{Case, Difference, Expect, Outcome, cases, check, generate, generate_as, write_hashes};
pub use error::Error;
pub use text::Form;
