//! Decodes whatever the fuzzer thinks of as each message of the registry; CONTRIBUTING.md says how to run it.
//!
//! The first byte chooses the message, so that one corpus serves all of them. What decodes must encode to bytes that
//! encode to themselves.

#![no_main]

use apprentice::msg::{Known, all};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((which, cdr)) = input.split_first() else { return };
    let messages: Vec<&Known> = all().collect();
    let known = messages[usize::from(*which) % messages.len()];
    if let Ok(once) = (known.recode)(&Bytes::copy_from_slice(cdr)) {
        assert_eq!((known.recode)(&once).as_ref(), Ok(&once), "{}", known.type_name);
    }
});
