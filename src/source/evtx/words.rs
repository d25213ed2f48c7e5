//! Texts that nearly every record repeats (providers, channels, computers), decoded once.

use rustc_hash::FxHashMap;

use super::value::push_utf16;

/// Number of a text.
pub(super) type Word = u32;

/// Texts by their UTF-16 bytes. Kept from block to block.
#[derive(Default)]
pub(super) struct Words {
    index: FxHashMap<Box<[u8]>, Word>,
    texts: Vec<Box<str>>,
    bytes: usize,
}

/// Beyond this many bytes it starts afresh, between blocks.
const LIMIT: usize = 1 << 20;

impl Words {
    pub fn is_full(&self) -> bool {
        self.bytes > LIMIT
    }

    pub fn get(&mut self, utf16: &[u8]) -> Word {
        if let Some(word) = self.index.get(utf16) {
            return *word;
        }
        let mut text = String::new();
        push_utf16(&mut text, utf16);
        let word = Word::try_from(self.texts.len()).unwrap_or(Word::MAX);
        self.bytes += utf16.len() * 3 + 64;
        self.texts.push(text.into_boxed_str());
        self.index.insert(utf16.into(), word);
        word
    }

    pub fn text(&self, word: Word) -> &str {
        self.texts.get(word as usize).map_or("", |text| text)
    }
}
