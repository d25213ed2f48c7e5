//! The grammar of Sigma conditions: `and`, `or`, `not`, brackets, `1 of x*`, `all of them`.

use super::definition::Condition;

/// Greatest depth of brackets and `not`.
const MAX_DEPTH: usize = 32;

/// Reads a condition over searches of these names.
pub fn read(text: &str, names: &[&str]) -> Result<Condition, String> {
    let words = split(text)?;
    let mut parser = Parser { words: &words, at: 0, names };
    let condition = parser.either(0)?;
    match parser.words.get(parser.at) {
        None => Ok(condition),
        Some(word) => Err(format!("the condition goes on with `{word}` where nothing is expected")),
    }
}

/// Joins what stands in a list of conditions.
pub fn join_or(mut list: Vec<Condition>) -> Option<Condition> {
    if list.len() > 1 { Some(Condition::Or(list)) } else { list.pop() }
}

fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars().chain([' ']) {
        if letter.is_alphanumeric() || matches!(letter, '_' | '-' | '*' | '.') {
            word.push(letter);
            continue;
        }
        if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        match letter {
            '(' | ')' => words.push(letter.to_string()),
            '|' => return Err("aggregations with `|` are not supported; write a correlation rule instead".into()),
            _ if letter.is_whitespace() => {}
            _ => return Err(format!("the letter `{letter}` has no place in a condition")),
        }
    }
    Ok(words)
}

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    names: &'a [&'a str],
}

impl Parser<'_> {
    fn peek(&self, word: &str) -> bool {
        self.words.get(self.at).is_some_and(|next| next.eq_ignore_ascii_case(word))
    }

    fn take(&mut self, word: &str) -> bool {
        let found = self.peek(word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self, depth: usize) -> Result<Condition, String> {
        let mut list = vec![self.both(depth)?];
        while self.take("or") {
            list.push(self.both(depth)?);
        }
        Ok(one_or(list, Condition::Or))
    }

    fn both(&mut self, depth: usize) -> Result<Condition, String> {
        let mut list = vec![self.unary(depth)?];
        while self.take("and") {
            list.push(self.unary(depth)?);
        }
        Ok(one_or(list, Condition::And))
    }

    fn unary(&mut self, depth: usize) -> Result<Condition, String> {
        if depth > MAX_DEPTH {
            return Err(format!("brackets and `not` stand more than {MAX_DEPTH} deep in each other"));
        }
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.unary(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.either(depth + 1)?;
            return if self.take(")") { Ok(inner) } else { Err("a bracket is not closed".into()) };
        }
        let Some(word) = self.words.get(self.at) else {
            return Err("the condition ends where a search is expected".into());
        };
        self.at += 1;
        if self.take("of") {
            return self.several(word);
        }
        match self.names.iter().position(|name| name == word) {
            Some(index) => search(index),
            None => Err(format!("no search is called `{word}`; there are {}", self.names.join(", "))),
        }
    }

    /// After `1 of`, `any of` or `all of`.
    fn several(&mut self, quantity: &str) -> Result<Condition, String> {
        let join = match quantity.to_ascii_lowercase().as_str() {
            "1" | "any" => Condition::Or,
            "all" => Condition::And,
            _ => return Err(format!("`{quantity} of` is not supported; it is `1 of`, `any of` or `all of`")),
        };
        let Some(pattern) = self.words.get(self.at) else {
            return Err(format!("`{quantity} of` names no searches"));
        };
        self.at += 1;
        let them = pattern.eq_ignore_ascii_case("them");
        let meant = |name: &str| if them { !name.starts_with('_') } else { star(pattern, name) };
        let found: Vec<Condition> = self
            .names
            .iter()
            .enumerate()
            .filter(|(_, name)| meant(name))
            .map(|(index, _)| search(index))
            .collect::<Result<_, _>>()?;
        match found.len() {
            0 => Err(format!("`{quantity} of {pattern}` fits no search")),
            _ => Ok(one_or(found, join)),
        }
    }
}

fn search(index: usize) -> Result<Condition, String> {
    u16::try_from(index).map(Condition::Search).map_err(|_| "there are too many searches".into())
}

fn one_or(mut list: Vec<Condition>, join: fn(Vec<Condition>) -> Condition) -> Condition {
    match list.pop() {
        Some(only) if list.is_empty() => only,
        Some(last) => {
            list.push(last);
            join(list)
        }
        None => join(list),
    }
}

/// Does a name fit a pattern in which `*` stands for any letters?
fn star(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match left.find(piece) {
            Some(at) => left = &left[at + piece.len()..],
            None => return false,
        }
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = ["sel_a", "sel_b", "filter", "_hidden"];

    fn show(condition: &Condition) -> String {
        let list = |all: &[Condition]| all.iter().map(show).collect::<Vec<_>>().join(" ");
        match condition {
            Condition::Search(index) => NAMES[usize::from(*index)].to_string(),
            Condition::And(all) => format!("(and {})", list(all)),
            Condition::Or(all) => format!("(or {})", list(all)),
            Condition::Not(inner) => format!("(not {})", show(inner)),
        }
    }

    fn good(text: &str) -> String {
        show(&read(text, &NAMES).unwrap())
    }

    #[test]
    fn and_binds_closer_than_or_and_not_closest() {
        assert_eq!(good("sel_a or sel_b and not filter"), "(or sel_a (and sel_b (not filter)))");
        assert_eq!(good("(sel_a or sel_b) and filter"), "(and (or sel_a sel_b) filter)");
        assert_eq!(good("sel_a AND NOT filter"), "(and sel_a (not filter))");
        assert_eq!(good("not not sel_a"), "(not (not sel_a))");
    }

    #[test]
    fn quantities_pick_searches_by_name() {
        assert_eq!(good("1 of sel_*"), "(or sel_a sel_b)");
        assert_eq!(good("all of sel_* and not 1 of filter*"), "(and (and sel_a sel_b) (not filter))");
        assert_eq!(good("1 of them"), "(or sel_a sel_b filter)");
        assert_eq!(good("all of them"), "(and sel_a sel_b filter)");
        assert_eq!(good("any of *_b"), "sel_b");
        assert_eq!(good("all of _*"), "_hidden");
    }

    #[test]
    fn what_is_not_understood_is_refused_in_words() {
        let bad = |text: &str| read(text, &NAMES).unwrap_err();
        assert!(bad("sel_c").contains("sel_a, sel_b"));
        assert!(bad("sel_a | count() > 5").contains("correlation"));
        assert!(bad("2 of sel_*").contains("2 of"));
        assert!(bad("1 of other*").contains("fits no search"));
        assert!(bad("(sel_a").contains("bracket"));
        assert!(bad("sel_a sel_b").contains("goes on"));
        assert!(bad("sel_a and").contains("ends"));
        assert!(bad("").contains("ends"));
        assert!(bad("sel_a & sel_b").contains('&'));
        assert!(bad("1 of").contains("names no"));
        assert!(bad(&"(".repeat(100_000)).contains("deep"));
        assert!(bad(&"not ".repeat(100_000)).contains("deep"));
    }

    proptest::proptest! {
        #[test]
        fn no_condition_panics(text in "(sel_a|sel_\\*|not|and|or|of|1|all|them|\\(|\\)|\\|| ){0,40}") {
            let _ = read(&text, &NAMES);
        }

        #[test]
        fn stars_fit_as_a_plain_matcher_says(pattern in "[ab*]{0,6}", name in "[ab]{0,8}") {
            fn naive(pattern: &[u8], name: &[u8]) -> bool {
                match pattern.split_first() {
                    None => name.is_empty(),
                    Some((b'*', rest)) => (0..=name.len()).any(|n| naive(rest, &name[n..])),
                    Some((letter, rest)) => name.first() == Some(letter) && naive(rest, &name[1..]),
                }
            }
            proptest::prop_assert_eq!(star(&pattern, &name), naive(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
