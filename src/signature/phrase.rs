//! Texts as users paste them, held against the key words of dialogs.
//!
//! Order, case, accents and punctuation do not count; a long word may have one letter wrong.
//! Knows words, not what they are about.

use std::collections::BTreeSet;

use super::definition::Dialog;
use crate::event::read_code;

/// Words shorter than this must be spelled as they are known.
const LONG: usize = 6;
/// Words of a text that are looked at: more than any dialog has.
const MOST_WORDS: usize = 400;

/// The dialogs of which a key stands in the text, the longest key first. One whose key is but a
/// part of another's says nothing more.
pub fn dialogs<'a>(all: &'a [Dialog], text: &str) -> Vec<&'a Dialog> {
    let words = words(text);
    let mut found: Vec<(BTreeSet<String>, usize, &Dialog)> = Vec::new();
    for dialog in all {
        let keys = dialog.keys.values().flatten().map(|key| self::words(key));
        let fitting = keys.filter(|key| !key.is_empty() && key.iter().all(|word| stands(word, &words)));
        if let Some((key, size)) = fitting.map(|key| (size(&key), key)).max().map(|(size, key)| (key, size)) {
            found.push((key.into_iter().collect(), size, dialog));
        }
    }
    let lesser =
        |key: &BTreeSet<String>| found.iter().any(|(other, _, _)| key.len() < other.len() && key.is_subset(other));
    let mut kept: Vec<(usize, &Dialog)> =
        found.iter().filter(|(key, _, _)| !lesser(key)).map(|(_, size, dialog)| (*size, *dialog)).collect();
    kept.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    kept.into_iter().map(|(_, dialog)| dialog).collect()
}

/// Letters of a key: what is longer is met by chance more seldom.
fn size(key: &[String]) -> usize {
    key.iter().map(|word| word.chars().count()).sum()
}

fn stands(word: &str, text: &[String]) -> bool {
    text.iter().any(|other| other == word || (word.chars().count() >= LONG && distance(word, other, 1) <= 1))
}

/// A text as words: small letters and digits without accents; `can't` is `cannot`.
pub fn words(text: &str) -> Vec<String> {
    let folded: String = text.chars().flat_map(char::to_lowercase).map(fold).collect();
    let spoken = folded.replace("can't", "cannot").replace("can not", "cannot").replace("n't", " not");
    let words = spoken.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(MOST_WORDS).map(str::to_owned).collect()
}

/// The letter below an accent.
fn fold(letter: char) -> char {
    match letter {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        '’' => '\'',
        other => other,
    }
}

/// How many letters must be changed, added, dropped or swapped with their neighbour to make one
/// word of the other; anything above `most` comes as `most + 1`.
pub fn distance(a: &str, b: &str, most: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return most + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(left != right)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default().min(most + 1)
}

/// The codes that stand in a pasted text, in order: `0x904`, `(0x7)`, `-2146893054`.
pub fn codes(text: &str) -> Vec<u32> {
    let pieces = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    // A bare decimal may be anything.
    let marked = |piece: &&str| ["0x", "0X", "-"].iter().any(|mark| piece.starts_with(mark));
    pieces.filter(marked).filter_map(read_code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Dialog> {
        let dialog = |id: &str, keys: &[&str]| Dialog {
            id: id.into(),
            says: "x".into(),
            keys: [("en".to_owned(), keys.iter().map(|key| (*key).to_owned()).collect())].into(),
            codes: Vec::new(),
            causes: Vec::new(),
            possible: Vec::new(),
            note: None,
            references: Vec::new(),
        };
        vec![
            dialog("function", &["function requested not supported"]),
            dialog("oracle", &["encryption oracle remediation"]),
            dialog("credentials", &["credentials did not work"]),
            dialog("gateway", &["gateway credentials did not work"]),
        ]
    }

    fn ids(text: &str) -> Vec<String> {
        dialogs(&known(), text).into_iter().map(|dialog| dialog.id.clone()).collect()
    }

    #[test]
    fn order_case_and_punctuation_do_not_count() {
        assert_eq!(ids("The FUNCTION, requested; is not\r\nsupported!"), ["function"]);
        assert_eq!(ids("not supported: the requested function"), ["function"]);
        assert_eq!(ids("the function requsted is not supported"), ["function"]);
        assert_eq!(ids("the function is supported"), Vec::<String>::new());
    }

    #[test]
    fn the_longer_key_wins_over_its_own_part() {
        assert_eq!(ids("Your gateway credentials did not work"), ["gateway"]);
        assert_eq!(ids("Your credentials did not work"), ["credentials"]);
    }

    #[test]
    fn two_dialogs_in_one_text_are_both_found() {
        let text =
            "The function requested is not supported. This could be due to CredSSP encryption oracle remediation.";
        assert_eq!(ids(text), ["function", "oracle"]);
    }

    #[test]
    fn accents_do_not_count() {
        assert_eq!(words("Größe, é 0x904"), ["große", "e", "0x904"]);
        assert_eq!(words("You can’t; it didn't. L’erreur"), ["you", "cannot", "it", "did", "not", "l", "erreur"]);
    }

    #[test]
    fn letters_apart() {
        assert_eq!(distance("schannel", "schanel", 3), 1);
        assert_eq!(distance("schannel", "schanenl", 3), 1);
        assert_eq!(distance("a", "abcdef", 2), 3);
        assert_eq!(distance("", "", 2), 0);
    }

    #[test]
    fn codes_of_a_dialog_are_read_from_its_text() {
        assert_eq!(codes("Error code: 0x904\nExtended error code: 0x7"), [0x904, 7]);
        assert_eq!(codes("(-2146893054)."), [0x8009_0302]);
        assert_eq!(codes("8 users, year 2024, well-known"), Vec::<u32>::new());
    }
}
