//! Reads whatever the fuzzer thinks of as an MCAP file, as a torn one to recover, or as `metadata.yaml`;
//! CONTRIBUTING.md says how to run it.
//!
//! The first byte chooses which. What is asked of it is what the property test asks, from the same file.

#![no_main]

#[path = "../../tests/support/hostile.rs"]
mod hostile;

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

/// One folder for the whole run.
static SCRATCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = std::env::temp_dir().join(format!("apprentice-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a scratch folder");
    folder
});

fuzz_target!(|input: &[u8]| {
    let Some((which, bytes)) = input.split_first() else { return };
    match which % 3 {
        0 => {
            hostile::read_file(&SCRATCH, "fuzzed_0.mcap", bytes);
        }
        1 => hostile::recover_file(&SCRATCH, "fuzzed_0.mcap", bytes),
        _ => {
            hostile::read_metadata(&SCRATCH, bytes);
        }
    }
});
