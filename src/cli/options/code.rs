//! `0x904/0x7`: the codes of the dialog.

use whyrdp::correlate::Said;
use whyrdp::event::read_code;
use whyrdp::signature::phrase;

/// Reads `0x904`, `2308`, `0x904/0x7`, `/7`.
pub fn parse(typed: &str) -> Result<Said, String> {
    // The line of the dialog as it stands there.
    if let ([code, rest @ ..], true) = (phrase::codes(typed).as_slice(), typed.contains("code")) {
        return Ok(Said { code: Some(*code), extended: rest.first().copied(), ..Said::default() });
    }
    let (code, extended) = match typed.split_once('/') {
        Some((code, extended)) => (code, Some(number(extended)?)),
        None => (typed, None),
    };
    let code = if code.trim().is_empty() && extended.is_some() { None } else { Some(number(code)?) };
    Ok(Said { code, extended, ..Said::default() })
}

fn number(typed: &str) -> Result<u32, String> {
    let typed = typed.trim();
    // A signed HRESULT is shown by some programs.
    read_code(typed).ok_or_else(|| {
        format!("{typed:?} is no code: give it as the dialog shows it, e.g. 0x904/0x7, or decimal, e.g. 2308")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_decimal_and_either_half() {
        let codes = |code, extended| Ok(Said { code, extended, ..Said::default() });
        assert_eq!(parse("0x904/0x7"), codes(Some(2308), Some(7)));
        assert_eq!(parse("2308"), codes(Some(2308), None));
        assert_eq!(parse(" 0X904 / 7 "), codes(Some(2308), Some(7)));
        assert_eq!(parse("/7"), codes(None, Some(7)));
        assert_eq!(parse("Error code: 0x904, Extended error code: 0x7"), codes(Some(2308), Some(7)));
        assert_eq!(parse("-2147467259"), codes(Some(0x8000_4005), None));
    }

    #[test]
    fn what_is_no_code() {
        for typed in ["", "/", "0x", "904h", "0x904/", "0x1FFFFFFFF", "0x+1", "a/b"] {
            assert!(parse(typed).is_err(), "{typed}");
        }
    }
}
