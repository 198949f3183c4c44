//! A word beside each figure that has a bar.
//!
//! Whoever reads a table of figures compares them by eye, and by eye 0.21 is 0.20.

/// Whether a bar was cleared, in one word.
pub(crate) fn verdict(cleared: bool) -> &'static str {
    if cleared { "PASS" } else { "FAIL" }
}
