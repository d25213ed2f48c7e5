//! Which fields of a record are wanted: by its provider, and of any provider.

use crate::event::{Fields, Interest, Wanted};

/// What is wanted of one record.
#[derive(Clone, Copy)]
pub(in crate::source) struct Want<'a>(pub [Option<&'a Fields>; 2]);

impl<'a> Want<'a> {
    /// Of an event of a provider.
    pub fn of(interest: &'a Interest, provider: Option<&'a Wanted>, event_id: u32) -> Self {
        Want([provider.and_then(|wanted| wanted.fields(event_id)), interest.any_provider().fields(event_id)])
    }

    /// Anything at all.
    pub fn any(self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// A field of this name.
    pub fn wants(self, name: &str) -> bool {
        self.0.into_iter().flatten().any(|fields| fields.wants(name))
    }
}
