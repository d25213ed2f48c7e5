//! What is unpacked when it is first asked for: a run meets few of all rules, and most runs ask for no cause at all.

use std::ops::Deref;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

/// A value in the form in which the build packed it, until somebody looks.
#[derive(Clone, Debug, Default)]
pub struct Later<T> {
    packed: &'static [u8],
    value: OnceLock<T>,
}

impl<T: Deserialize<'static> + Default> Later<T> {
    /// The value itself.
    pub fn into_inner(self) -> T {
        let packed = self.packed;
        self.value.into_inner().unwrap_or_else(|| unpacked(packed))
    }
}

/// The build packed it with this very type; a test unpacks all.
fn unpacked<T: Deserialize<'static> + Default>(packed: &'static [u8]) -> T {
    postcard::from_bytes(packed).unwrap_or_default()
}

impl<T: Deserialize<'static> + Default> Deref for Later<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get_or_init(|| unpacked(self.packed))
    }
}

impl<T: Deserialize<'static> + Default + PartialEq> PartialEq for Later<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T> From<T> for Later<T> {
    fn from(value: T) -> Self {
        Later { packed: &[], value: value.into() }
    }
}

impl<T: Serialize + Deserialize<'static> + Default> Serialize for Later<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&postcard::to_allocvec(&**self).map_err(ser::Error::custom)?)
    }
}

impl<'de: 'static, T> Deserialize<'de> for Later<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Later { packed: <&'static [u8]>::deserialize(deserializer)?, value: OnceLock::new() })
    }
}
