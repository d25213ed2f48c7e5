//! Names of providers that only some of their events bring along.

use crate::event::Guid;

/// Tells the name of a provider, from wherever in the file it stands.
pub(super) trait Names {
    /// The name, if any record of the file tells it.
    fn name(&self, guid: Guid) -> Option<String>;
}
