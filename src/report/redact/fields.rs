//! Fields of records. A value may hold a name that nobody knows for one, as text, in hex or as
//! a hash of it, so only what is known to be harmless is kept; a field is left out otherwise.

use serde_json::Value;

use super::names::Names;

/// Fields whose values are Windows' own words.
const WORDS: &[&str] = &["authenticationpackagename", "lmpackagename", "logonprocessname"];

/// Keeps of `[[name, value], ...]` what may be told.
pub fn harmless(fields: &mut Value, names: &mut Names) {
    let Value::Array(list) = fields else { return };
    list.retain_mut(|field| {
        let Some([Value::String(name), Value::String(value)]) = field.as_array_mut().map(Vec::as_mut_slice) else {
            return false;
        };
        let called = names.replace(value);
        let known = is_code(value) || WORDS.contains(&name.to_lowercase().as_str()) || is_called(&called, names);
        *value = called;
        known
    });
}

/// A number, a code or a GUID. Long decimal numbers may be somebody's account.
fn is_code(value: &str) -> bool {
    let value = value.trim();
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = value.strip_prefix("%%").or(value.strip_prefix('-')).unwrap_or(value);
    if digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    if let Some(code) = value.strip_prefix("0x").or(value.strip_prefix("0X")) {
        return code.len() <= 16 && hex(code);
    }
    let bare = value.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(value);
    let parts: Vec<&str> = bare.split('-').collect();
    value == "-"
        || matches!(value, "true" | "false")
        || (parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) && parts.iter().all(|part| hex(part)))
}

/// Nothing but pseudonyms and ports.
fn is_called(value: &str, names: &Names) -> bool {
    let parts = value.split(|ch: char| ch.is_whitespace() || matches!(ch, '\\' | '/' | '[' | ']' | ',' | ';'));
    parts.filter(|part| !part.is_empty()).all(|part| {
        let (name, port) = match part.rsplit_once(':') {
            Some((name, port)) if !name.contains(':') => (name, port),
            _ => (part, ""),
        };
        names.is_pseudonym(name) && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}
