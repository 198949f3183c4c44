//! The time stamp at the front of a message, and whether a type has one.
//!
//! The recorder decodes nothing, but a clock that runs backwards must be seen while it can still be mended. Where a
//! message begins with a header, its time stands at one place whatever follows.

use crate::time::Stamp;

/// Where the seconds and nanoseconds of a leading header stand: after the encapsulation.
const STAMP: std::ops::Range<usize> = 4..12;

/// The time in a header that opens a message: the only bytes of a message the recorder ever looks at.
pub(super) fn leading(cdr: &[u8]) -> Option<Stamp> {
    let little = cdr.get(1)? & 1 == 1;
    let bytes: [u8; 8] = cdr.get(STAMP)?.try_into().ok()?;
    let ([a, b, c, d], [e, f, g, h]) =
        ([bytes[0], bytes[1], bytes[2], bytes[3]], [bytes[4], bytes[5], bytes[6], bytes[7]]);
    Some(if little {
        Stamp::from_parts(i32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
    } else {
        Stamp::from_parts(i32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
    })
}

/// Whether messages of that definition begin with a header: its first field is one.
pub(in super::super) fn begins_with_header(definition: &str) -> bool {
    let mut fields =
        definition.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    fields.find(|line| !line.contains('=')).is_some_and(|line| {
        line.starts_with("std_msgs/Header ")
            || line.starts_with("std_msgs/msg/Header ")
            || line.starts_with("Header ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_recognized_by_its_definition() {
        assert!(begins_with_header("# an image\n\nuint8 A=1\nstd_msgs/Header header\nuint32 height\n"));
        assert!(!begins_with_header("uint32 height\nstd_msgs/Header header\n"));
        assert!(!begins_with_header(""));
    }
}
