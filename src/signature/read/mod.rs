//! Signature files become definitions. The build uses these modules as they stand
//! to make the blob of built-in signatures, the library uses them for folders that
//! users name: one parser, so one opinion on what a rule is. Therefore nothing here
//! may use anything of the library but `definition`.

use super::definition;

mod cause;
mod channels;
mod codes;
mod condition;
mod correlation;
mod detection;
mod dialog;
mod folder;
mod links;
mod meaning;
mod problem;
mod sigma;
mod words;
mod yaml;

pub use folder::{files_of, load_dir, load_text};
pub use links::check_links;
pub use problem::Problem;
pub use yaml::{Node, Value as NodeValue, parse as parse_yaml};
