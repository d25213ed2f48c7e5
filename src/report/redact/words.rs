//! Many names found in a text at once, whatever their number: a tree of their words.

use std::collections::HashMap;

/// A run of letters and digits, or a single other character; in lower case.
#[derive(Default)]
pub struct Words {
    numbers: HashMap<String, u32>,
    /// From a node by the number of a word to the next; 0 is the root.
    next: HashMap<(u32, u32), u32>,
    /// By node: a name ends here.
    ends: Vec<bool>,
}

/// A text, cut where a name may begin or end.
pub struct Cut<'t> {
    text: &'t str,
    /// Where each word begins, and the end of the text.
    at: Vec<usize>,
    /// The number of each word that some name has.
    numbers: Vec<Option<u32>>,
}

/// Where words begin, and the end. A name inside a longer word is another word.
fn starts(text: &str) -> Vec<usize> {
    let mut inside = false;
    let mut at: Vec<usize> = Vec::new();
    for (start, ch) in text.char_indices() {
        if !(inside && ch.is_alphanumeric()) {
            at.push(start);
        }
        inside = ch.is_alphanumeric();
    }
    at.push(text.len());
    at
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let at = starts(text);
    (1..at.len()).filter_map(move |next| text.get(at[next - 1]..at[next]))
}

impl Words {
    /// Knows one more name.
    pub fn add(&mut self, name: &str) {
        let mut node = 0;
        for word in words(name) {
            let count = self.numbers.len() as u32;
            let number = *self.numbers.entry(word.to_lowercase()).or_insert(count);
            let fresh = self.next.len() as u32 + 1;
            node = *self.next.entry((node, number)).or_insert(fresh);
        }
        let node = node as usize;
        self.ends.resize(self.ends.len().max(node + 1), false);
        self.ends[node] |= node > 0;
    }

    /// Cuts a text.
    pub fn cut<'t>(&self, text: &'t str) -> Cut<'t> {
        let at = starts(text);
        let number = |word: &str| match word.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            true => self.numbers.get(&word.to_lowercase()).copied(),
            false => self.numbers.get(word).copied(),
        };
        let numbers = at.windows(2).map(|pair| number(text.get(pair[0]..pair[1])?)).collect();
        Cut { text, at, numbers }
    }

    /// The word behind the longest name that begins with this one.
    pub fn longest(&self, cut: &Cut<'_>, first: usize) -> Option<usize> {
        let (mut node, mut found) = (0, None);
        for (at, number) in cut.numbers.iter().enumerate().skip(first) {
            let Some(next) = number.and_then(|number| self.next.get(&(node, number))) else { break };
            node = *next;
            if self.ends[node as usize] {
                found = Some(at + 1);
            }
        }
        found
    }
}

impl<'t> Cut<'t> {
    /// How many words it has.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Where a word begins; the end of the text behind the last one.
    pub fn start(&self, word: usize) -> usize {
        self.at.get(word).copied().unwrap_or(self.text.len())
    }

    /// The text from one word to before another.
    pub fn part(&self, from: usize, to: usize) -> &'t str {
        self.text.get(self.start(from)..self.start(to)).unwrap_or_default()
    }

    /// The word that begins here or the first one behind it.
    pub fn from(&self, start: usize) -> usize {
        self.at.partition_point(|at| *at < start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_that_stands_alone_is_found_in_any_case() {
        let mut names = Words::default();
        ["rds01", "RDS01.corp.example", "ännä", "a b", ""].into_iter().for_each(|name| names.add(name));
        let found = |text: &str| {
            let cut = names.cut(text);
            (0..cut.len()).find_map(|first| Some(cut.part(first, names.longest(&cut, first)?).to_owned()))
        };
        assert_eq!(found("to Rds01.Corp.Example:3389").as_deref(), Some("Rds01.Corp.Example"));
        assert_eq!(found("to rds01.corp.other").as_deref(), Some("rds01"));
        assert_eq!(found("by ÄNNÄ").as_deref(), Some("ÄNNÄ"));
        assert_eq!(found("a b").as_deref(), Some("a b"));
        assert_eq!(found("rds012 xrds01 a  b"), None);
    }
}
