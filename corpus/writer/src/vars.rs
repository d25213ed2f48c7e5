//! Placeholders: `{user}`, `{client.ip}`, `{host.short}` in texts of scenarios and shapes.

use crate::error::Error;
use std::collections::BTreeMap;

/// Names and the texts that stand for them; a text may hold further placeholders.
#[derive(Debug, Clone, Default)]
pub struct Vars(BTreeMap<String, String>);

/// How deep placeholders may stand in placeholders.
const DEPTH: usize = 8;

impl Vars {
    /// Sets a name, whether or not it was set before.
    pub fn set(&mut self, name: &str, text: impl Into<String>) {
        self.0.insert(name.to_owned(), text.into());
    }

    /// Sets a name unless it is set.
    pub fn set_default(&mut self, name: &str, text: impl Into<String>) {
        self.0.entry(name.to_owned()).or_insert_with(|| text.into());
    }

    /// Fills in all placeholders of `text`. Braces around anything but a lower-case name (as in
    /// a GUID) stay.
    ///
    /// # Errors
    /// [`Error::Scenario`] for an unknown name, or placeholders that go round in a circle.
    pub fn fill(&self, text: &str) -> Result<String, Error> {
        self.fill_to(text, DEPTH)
    }

    fn fill_to(&self, text: &str, depth: usize) -> Result<String, Error> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            rest = &rest[open..];
            match rest.find('}').map(|close| (&rest[1..close], close)) {
                Some((name, close)) if is_name(name) => {
                    let value = self
                        .0
                        .get(name)
                        .ok_or_else(|| Error::scenario(format!("nothing is known as {{{name}}} in {text:?}")))?;
                    if depth == 0 {
                        let words = format!("{{{name}}} stands for itself in {text:?}");
                        return Err(Error::Scenario(words));
                    }
                    out.push_str(&self.fill_to(value, depth - 1)?);
                    rest = &rest[close + 1..];
                }
                _ => {
                    out.push('{');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
        Ok(out)
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Vars;

    #[test]
    fn guids_keep_their_braces_and_circles_end() {
        let mut vars = Vars::default();
        vars.set("user", "{domain}\\anna");
        vars.set("domain", "CORP");
        vars.set("loop", "{loop}");
        assert_eq!(vars.fill("{user} {F420}").unwrap(), "CORP\\anna {F420}");
        assert!(vars.fill("{nobody}").is_err());
        assert!(vars.fill("{loop}").is_err());
    }
}
