//! What is unpacked when it is first asked for: a run meets few of all rules, and most runs ask for no cause at all.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// A value in the form in which the build packed it, until somebody looks.
#[derive(Debug, Default)]
pub(super) struct Later<T> {
    packed: &'static [u8],
    value: OnceLock<T>,
}

impl<T: DeserializeOwned + Default> Later<T> {
    /// The value itself.
    pub(super) fn into_inner(self) -> T {
        let packed = self.packed;
        self.value.into_inner().unwrap_or_else(|| unpacked(packed))
    }
}

/// The build packed it with this very type; a test unpacks all.
fn unpacked<T: DeserializeOwned + Default>(packed: &'static [u8]) -> T {
    postcard::from_bytes(packed).unwrap_or_default()
}

impl<T: DeserializeOwned + Default> Deref for Later<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get_or_init(|| unpacked(self.packed))
    }
}

impl<T> From<T> for Later<T> {
    fn from(value: T) -> Self {
        Later { packed: &[], value: value.into() }
    }
}

impl<T: Serialize + DeserializeOwned + Default> Serialize for Later<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&postcard::to_allocvec(&**self).map_err(ser::Error::custom)?)
    }
}

impl<T> Deserialize<'static> for Later<T> {
    fn deserialize<D: Deserializer<'static>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = <&'static [u8]>::deserialize(deserializer)?;
        Ok(Later { packed, value: OnceLock::new() })
    }
}
