//! Says that a test, or a part of one, was skipped.
//!
//! What `println!` and `eprintln!` write in a test that passes is kept from view, and with it that nothing was tried. Written
//! to standard error itself, in one piece, it is seen in every run of `cargo test`; `.ci/run` ends with an error where one
//! is skipped that must not be.

use std::fmt::Display;
use std::io::Write as _;

/// Says that `test` was skipped, and why.
pub(crate) fn skipped(test: &str, why: impl Display) {
    let line = format!("SKIPPED {test}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("standard error is open");
}
