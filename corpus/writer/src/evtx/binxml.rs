//! Binary XML: elements, and the tokens that they become.
//!
//! Knows tokens and nothing of events. Names and template definitions live in the [`Chunk`],
//! which is why the tokens are written straight into it: every offset counts from its start.

use super::chunk::Chunk;
use super::value::{Value, utf16};

/// What stands in an attribute or between two tags.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Piece {
    /// Literal text.
    Text(String),
    /// A place that the instance's value `slot` fills; an empty value removes the attribute or,
    /// where the element depends on it, the element.
    Slot {
        /// Index into the substitution array.
        slot: u16,
        /// Value type that the definition declares.
        kind: u8,
        /// Whether an empty value takes its surroundings with it.
        optional: bool,
    },
}

/// An XML element.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Element {
    name: String,
    /// Slot that this element depends on.
    dependency: Option<u16>,
    attributes: Vec<(String, Piece)>,
    content: Vec<Piece>,
    children: Vec<Element>,
    /// A slot behind the children.
    tail: Option<Piece>,
    /// Whether the element closes itself where it holds nothing (`<Security/>`).
    closes_itself: bool,
}

impl Element {
    /// An element without attributes or content.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element that closes itself where it holds nothing.
    #[must_use]
    pub fn closing_itself(name: &str) -> Self {
        Self { closes_itself: true, ..Self::new(name) }
    }

    /// Adds an attribute with literal text.
    #[must_use]
    pub fn attribute(self, name: &str, text: &str) -> Self {
        self.attribute_piece(name, Piece::Text(text.to_owned()))
    }

    /// Adds an attribute filled by an optional slot.
    #[must_use]
    pub fn attribute_slot(self, name: &str, slot: u16, kind: u8) -> Self {
        let optional = true;
        self.attribute_piece(name, Piece::Slot { slot, kind, optional })
    }

    fn attribute_piece(mut self, name: &str, piece: Piece) -> Self {
        self.attributes.push((name.to_owned(), piece));
        self
    }

    /// Adds literal text as content.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.content.push(Piece::Text(text.to_owned()));
        self
    }

    /// Adds an optional slot as content and makes the element depend on it.
    #[must_use]
    pub fn depends(mut self, slot: u16, kind: u8) -> Self {
        self.dependency = Some(slot);
        self.slot(slot, kind, true)
    }

    /// Adds an optional slot of nested binary XML behind the children; the element depends on it.
    #[must_use]
    pub fn depends_after(mut self, slot: u16) -> Self {
        self.dependency = Some(slot);
        self.tail = Some(Piece::Slot { slot, kind: 0x21, optional: true });
        self
    }

    /// Adds a slot as content.
    #[must_use]
    pub fn slot(mut self, slot: u16, kind: u8, optional: bool) -> Self {
        self.content.push(Piece::Slot { slot, kind, optional });
        self
    }

    /// Adds an element as content, after any text.
    #[must_use]
    pub fn child(mut self, child: Element) -> Self {
        self.children.push(child);
        self
    }

    /// The element as one line of XML with `%slot:kind` for slots: the same for equal elements,
    /// whatever becomes of this type.
    pub(super) fn outline(&self) -> String {
        let attribute = |(name, piece): &(String, Piece)| format!(" {name}={}", piece.outline());
        let attributes: String = self.attributes.iter().map(attribute).collect();
        let depends = self.dependency.map_or(String::new(), |d| format!("%{d}"));
        let content = self.content.iter().map(Piece::outline);
        let children = self.children.iter().map(Self::outline);
        let tail = self.tail.iter().map(Piece::outline);
        let inner: String = content.chain(children).chain(tail).collect();
        format!("<{}{depends}{attributes}>{inner}</>", self.name)
    }

    /// Writes the element. Dependency numbers exist only inside a template definition.
    pub(super) fn write(&self, chunk: &mut Chunk, in_template: bool) {
        let more = if self.attributes.is_empty() { 0 } else { 0x40 };
        chunk.put(&[0x01 | more]);
        if in_template {
            chunk.put(&self.dependency.unwrap_or(u16::MAX).to_le_bytes());
        }
        let size_at = chunk.reserve();
        chunk.name(&self.name);
        if !self.attributes.is_empty() {
            let list_at = chunk.reserve();
            for (i, (name, piece)) in self.attributes.iter().enumerate() {
                let last = i + 1 == self.attributes.len();
                chunk.put(&[if last { 0x06 } else { 0x46 }]);
                chunk.name(name);
                piece.write(chunk);
            }
            chunk.close(list_at);
        }
        let hollow = self.content.is_empty() && self.children.is_empty() && self.tail.is_none();
        if hollow && (self.closes_itself || !self.attributes.is_empty()) {
            chunk.put(&[0x03]);
        } else {
            chunk.put(&[0x02]);
            self.content.iter().for_each(|p| p.write(chunk));
            self.children.iter().for_each(|c| c.write(chunk, in_template));
            if let Some(tail) = &self.tail {
                tail.write(chunk);
            }
            chunk.put(&[0x04]);
        }
        chunk.close(size_at);
    }
}

impl Piece {
    fn outline(&self) -> String {
        match self {
            Self::Text(text) => format!("{text:?}"),
            Self::Slot { slot, kind, optional } => format!("%{slot}:{kind:02x}{}", if *optional { "?" } else { "" }),
        }
    }

    fn write(&self, chunk: &mut Chunk) {
        match self {
            Self::Text(text) => {
                let bytes = utf16(text);
                chunk.put(&[0x05, 0x01]);
                chunk.put(&((bytes.len() / 2) as u16).to_le_bytes());
                chunk.put(&bytes);
            }
            Self::Slot { slot, kind, optional } => {
                chunk.put(&[if *optional { 0x0e } else { 0x0d }]);
                chunk.put(&slot.to_le_bytes());
                chunk.put(&[*kind]);
            }
        }
    }
}

/// The opening of every piece of binary XML.
pub(super) const FRAGMENT: [u8; 4] = [0x0f, 0x01, 0x01, 0x00];
/// The end of every piece of binary XML.
pub(super) const END_OF_STREAM: [u8; 1] = [0x00];

/// A template filled with values.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The definition, shared by all records of a chunk that use it.
    pub template: Element,
    /// What fills its slots.
    pub slots: Vec<Slot>,
}

/// What fills one slot of an [`Instance`].
#[derive(Debug, Clone)]
pub enum Slot {
    /// A plain value.
    Value(Value),
    /// Nested binary XML (type 0x21); `fragment` puts a fragment header before it.
    Nested {
        /// The inner template and its values.
        instance: Box<Instance>,
        /// Whether the provider writes a fragment header there.
        fragment: bool,
    },
}

impl Instance {
    /// Writes the instance: definition (or a reference to it), sizes, values.
    pub(super) fn write(&self, chunk: &mut Chunk) {
        chunk.template(&self.template);
        chunk.put(&(self.slots.len() as u32).to_le_bytes());
        let sizes_at = chunk.len();
        chunk.put(&vec![0; self.slots.len() * 4]);
        for (i, slot) in self.slots.iter().enumerate() {
            let start = chunk.len();
            let kind = slot.write(chunk);
            let size = (chunk.len() - start) as u16;
            chunk.patch(sizes_at + i * 4, &size.to_le_bytes());
            chunk.patch(sizes_at + i * 4 + 2, &[kind, 0]);
        }
    }
}

impl Slot {
    /// Writes the value and returns its type number.
    fn write(&self, chunk: &mut Chunk) -> u8 {
        match self {
            Self::Value(value) => {
                chunk.put(&value.bytes());
                value.kind()
            }
            Self::Nested { instance, fragment } => {
                if *fragment {
                    chunk.put(&FRAGMENT);
                }
                instance.write(chunk);
                chunk.put(&END_OF_STREAM);
                0x21
            }
        }
    }
}
