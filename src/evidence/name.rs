//! Names and values of kept records in little memory: what many records share is held once.

use std::borrow::{Borrow, Cow};
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Field;

/// A name that records repeat: of a computer, a channel, a field, a rule. Copies share its text.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<String>);

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self
    }
}

impl<T: Into<String>> From<T> for Name {
    fn from(text: T) -> Self {
        Name(Arc::new(text.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Name::from)
    }
}

/// Names in their order. Copies share the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct List(Arc<Vec<Name>>);

impl Deref for List {
    type Target = [Name];

    fn deref(&self) -> &[Name] {
        &self.0
    }
}

impl Borrow<[Name]> for List {
    fn borrow(&self) -> &[Name] {
        self
    }
}

impl FromIterator<Name> for List {
    fn from_iter<T: IntoIterator<Item = Name>>(names: T) -> Self {
        List(Arc::new(names.into_iter().collect()))
    }
}

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|names| List(Arc::new(names)))
    }
}

/// Fields of a record in its order: the list of their names, which all records of a kind share, and
/// their values one behind the other, each after its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    names: List,
    values: Box<str>,
}

/// Bits of a length that one character holds; a bit above them says that more follow.
const LENGTH_BITS: u32 = 6;

impl Fields {
    /// Of names, and of as many values as [`append`] put away.
    pub(super) fn new(names: List, values: &str) -> Self {
        Fields { names, values: values.into() }
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = &*self.values;
        self.names.iter().map(move |name| {
            let (value, after) = first(rest);
            rest = after;
            (&**name, value)
        })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// The first value, and what stands behind it.
fn first(values: &str) -> (&str, &str) {
    let mut length = 0;
    for (at, byte) in values.bytes().enumerate() {
        let shift = LENGTH_BITS * u32::try_from(at).unwrap_or(u32::MAX).min(10);
        length |= usize::from(byte & ((1 << LENGTH_BITS) - 1)) << shift;
        if byte >> LENGTH_BITS == 0 {
            let rest = values.get(at + 1..).unwrap_or_default();
            return rest.split_at_checked(length).unwrap_or_default();
        }
    }
    ("", "")
}

/// Puts a value away behind others.
pub(super) fn append(values: &mut String, value: &str) {
    let mut length = value.len();
    loop {
        let low = u8::try_from(length & ((1 << LENGTH_BITS) - 1)).unwrap_or_default();
        length >>= LENGTH_BITS;
        let more = u8::from(length > 0) << LENGTH_BITS;
        values.push(char::from(low | more));
        if length == 0 {
            break;
        }
    }
    values.push_str(value);
}

impl FromIterator<Field> for Fields {
    fn from_iter<T: IntoIterator<Item = Field>>(fields: T) -> Self {
        let mut values = String::new();
        let names = fields.into_iter().map(|Field(name, value)| {
            append(&mut values, &value);
            Name::from(name)
        });
        let names = names.collect();
        Fields { names, values: values.into() }
    }
}

impl PartialOrd for Fields {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fields {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.iter().cmp(other.iter())
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Pairs)
    }
}

/// A name and a value as a line holds them.
#[derive(Deserialize)]
struct Pair<'l>(#[serde(borrow)] Cow<'l, str>, #[serde(borrow)] Cow<'l, str>);

/// Puts pairs away as they come.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names and values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Fields, A::Error> {
        let (mut names, mut values) = (Vec::new(), String::new());
        while let Some(Pair(name, value)) = pairs.next_element::<Pair<'de>>()? {
            append(&mut values, &value);
            names.push(Name::from(name));
        }
        Ok(Fields { names: List(Arc::new(names)), values: values.into() })
    }
}

/// Every name once, so that records share what they have in common.
#[derive(Clone, Debug, Default)]
pub struct Names {
    names: HashSet<Name>,
    lists: HashSet<List>,
    recent_names: Recent<String>,
    recent_lists: Recent<Vec<Name>>,
}

impl Names {
    /// The one copy of this name.
    pub fn share(&mut self, name: &mut Name) {
        let Names { names, recent_names, .. } = self;
        recent_names.find(&mut name.0, |name| match names.get(name.as_str()) {
            Some(known) => known.0.clone(),
            None => {
                names.insert(Name(name.clone()));
                name.clone()
            }
        });
    }

    /// The one copy of this list.
    pub fn share_list(&mut self, list: &mut List) {
        let mut recent = std::mem::take(&mut self.recent_lists);
        recent.find(&mut list.0, |list| {
            if let Some(known) = self.lists.get(list.as_slice()) {
                return known.0.clone();
            }
            let names = list.iter().cloned().map(|mut name| {
                self.share(&mut name);
                name
            });
            let own = Arc::new(names.collect());
            self.lists.insert(List(Arc::clone(&own)));
            own
        });
        self.recent_lists = recent;
    }

    /// The one copy of the list of names in these fields.
    pub fn share_fields(&mut self, fields: &mut Fields) {
        self.share_list(&mut fields.names);
    }
}

/// What was shared last, by where it lies: neighbours come with the same copies. Those are held, so that nothing else
/// comes to lie there.
#[derive(Clone, Debug)]
struct Recent<T>(Vec<Option<(Arc<T>, Arc<T>)>>);

/// How many.
const RECENT: usize = 64;

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Recent(Vec::new())
    }
}

impl<T> Recent<T> {
    fn find(&mut self, copy: &mut Arc<T>, find: impl FnOnce(&Arc<T>) -> Arc<T>) {
        self.0.resize_with(RECENT, || None);
        let place = (Arc::as_ptr(copy).addr() >> 5) % RECENT;
        if let Some((known, own)) = &self.0[place]
            && Arc::ptr_eq(known, copy)
        {
            *copy = Arc::clone(own);
            return;
        }
        let own = find(copy);
        self.0[place] = Some((std::mem::replace(copy, Arc::clone(&own)), own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Fields {
        list.iter().map(|(name, value)| Field((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn values_of_any_length_are_read_back() {
        let long = "ü".repeat(70_000);
        for length in [0, 1, 63, 64, 65, 4095, 4096, 4097] {
            let list = [("a", &long[..length / 2 * 2]), ("", ""), ("b", "x\0@\u{7f}"), ("a", &*long)];
            let kept = fields(&list);
            assert_eq!(kept.iter().collect::<Vec<_>>(), list);
            let text = serde_json::to_string(&kept).unwrap();
            assert_eq!(serde_json::from_str::<Fields>(&text).unwrap(), kept);
        }
        assert!(fields(&[]).is_empty());
    }

    #[test]
    fn fields_compare_as_their_pairs_do() {
        let lists: [&[(&str, &str)]; 6] =
            [&[], &[("a", "")], &[("a", "b")], &[("a", "b"), ("b", "a")], &[("a", "bb")], &[("b", "a")]];
        for a in lists {
            for b in lists {
                assert_eq!(fields(a).cmp(&fields(b)), a.cmp(b), "{a:?} {b:?}");
                assert_eq!(fields(a) == fields(b), a == b, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_kept_record_stays_small() {
        // Millions of them are held at once; benches/README.md says what they take together.
        assert!(size_of::<super::super::Evidence>() <= 192, "{}", size_of::<super::super::Evidence>());
        assert!(fields(&[("TargetUserName", "ann"), ("Status", "0xc000006d")]).values.len() == 3 + 10 + 2);
    }

    #[test]
    fn what_records_share_is_held_once() {
        let mut names = Names::default();
        let (mut a, mut b) = (Name::from("SRV01"), Name::from("SRV01"));
        names.share(&mut a);
        names.share(&mut b);
        assert!(Arc::ptr_eq(&a.0, &b.0));
        let (mut a, mut b) = (fields(&[("x", "1")]), fields(&[("x", "2")]));
        names.share_fields(&mut a);
        names.share_fields(&mut b);
        assert!(Arc::ptr_eq(&a.names.0, &b.names.0));
    }
}
