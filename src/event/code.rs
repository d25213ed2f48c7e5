//! Codes of 32 bits (HRESULT, NTSTATUS, Win32, disconnect reasons) in the notations in which they are met.

/// Reads a code, wherever it is written: in a record, in a dialog, on the command line.
///
/// ```text
/// code    = hex | decimal
/// hex     = ("0x" | "0X") 1*HEXDIG     ; what fits 32 bits, or a sign carried into 64: 0xFFFFFFFFC000006A
/// decimal = ["-"] 1*DIGIT              ; from -2^31 to 2^32 - 1; a negative one as its two's complement
/// ```
/// Nothing stands around it: blanks, the `%%` of a message and a call's brackets are of the place that it
/// was found in, and whoever knows that place takes them away. Anything else is no code: bits beyond 32 are
/// not dropped, since what is left of a pointer or a handle would look like a code that somebody wrote, and a verdict
/// rest on it.
pub fn read_code(text: &str) -> Option<u32> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    // The numbers of `std` may begin with a plus, which none of these places writes.
    if hex.unwrap_or(text).starts_with('+') {
        return None;
    }
    let wide = match hex {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?.cast_signed(),
        None => text.parse().ok()?,
    };
    u32::try_from(wide).ok().or_else(|| i32::try_from(wide).ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::read_code;

    #[test]
    fn a_code_is_the_same_in_each_notation() {
        for text in ["3221225578", "-1073741718", "0xC000006A", "0Xc000006a", "0xFFFFFFFFC000006A", "0x00C000006A"] {
            assert_eq!(read_code(text), Some(0xC000_006A), "{text}");
        }
        assert_eq!((read_code("0"), read_code("-1"), read_code("0x904")), (Some(0), Some(u32::MAX), Some(2308)));
        assert_eq!((read_code("4294967295"), read_code("-2147483648")), (Some(u32::MAX), Some(1 << 31)));
    }

    #[test]
    fn what_is_not_wholly_a_code_is_none() {
        let beyond = ["4294967296", "-2147483649", "0x1FFFFFFFF", "0xFFFFFFFF7FFFFFFF", "0x1FFFFFFFFFFFFFFFF"];
        let strange = ["", "0x", "-", "+5", "0x+5", "-0x5", "904h", "C000006A", " 5", "5 ", "%%5", "f(5)", "5.0", "٣"];
        for text in beyond.into_iter().chain(strange) {
            assert_eq!(read_code(text), None, "{text:?}");
        }
    }
}
