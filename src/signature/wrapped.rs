//! HRESULTs that are no codes of their own: an error of Win32 or an NTSTATUS in another form. The one place that knows
//! these forms, so that reports and `explain` read a number alike.

/// Number space of HRESULT, NTSTATUS and Win32 errors.
pub(super) const STATUS: &str = "status";
/// Number space of RD Gateway, whose errors are Win32's, from 23000 on.
const GATEWAY: &str = "gateway";
/// Upper half of what `HRESULT_FROM_WIN32` makes: severity and `FACILITY_WIN32` ([MS-ERREF] 2.1).
const FROM_WIN32: u32 = 0x8007;
/// What `HRESULT_FROM_NT` adds to an NTSTATUS: `FACILITY_NT_BIT` ([MS-ERREF] 2.1).
const FROM_NT: u32 = 0x1000_0000;

/// The code that a number of this space wraps, if it wraps one.
pub(super) fn inner(space: &str, number: u32) -> Option<u32> {
    match space {
        STATUS | GATEWAY if number >> 16 == FROM_WIN32 => Some(number & 0xFFFF),
        // Of errors only: whatever else has that bit may be anything.
        STATUS if number >> 28 == 0xD => Some(number & !FROM_NT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::inner;
    use crate::signature::Signatures;

    #[test]
    fn each_form_is_known_in_its_space_alone() {
        assert_eq!(inner("status", 0x8007_0005), Some(5));
        assert_eq!(inner("gateway", 0x8007_59DA), Some(23002));
        assert_eq!(inner("status", 0xD000_006D), Some(0xC000_006D));
        for (space, number) in [("gateway", 0xD000_006D), ("disconnect", 0x8007_0005), ("status", 0x9000_006D)] {
            assert_eq!(inner(space, number), None, "{space} {number:#x}");
        }
    }

    #[test]
    fn what_has_a_meaning_of_its_own_keeps_it() {
        let (signatures, _) = Signatures::open(true, &[]);
        let of = |space, number| signatures.code(space, number).map(|code| code.number);
        assert_eq!(of("status", 0xD000_006D), Some(0xD000_006D));
        assert_eq!(of("status", 0xD000_006A), Some(0xC000_006A));
        assert_eq!(of("gateway", 0x8007_59DA), Some(0x8007_59DA));
        assert_eq!(of("gateway", 0x8007_0040), Some(64));
    }
}
