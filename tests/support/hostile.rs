//! Reading what somebody may have made up: shared by the property test and the fuzz target.
//!
//! With two copies of it, what the fuzzer finds could pass the test that is meant to hold the mend.

use std::fs;
use std::path::Path;

use apprentice::bag;

/// Reads `bytes` as a file of that name to its end, whatever is wrong with it. Says how many items it gave.
pub(crate) fn read_file(folder: &Path, name: &str, bytes: &[u8]) -> usize {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a scratch file");
    let Ok(mut reader) = bag::open(&path) else { return 0 };
    let items = reader.samples(&[]).inspect(use_up).count();
    let name = reader.topics().first().map(|topic| topic.name.clone());
    items + name.map_or(0, |name| reader.samples(&[&name]).inspect(use_up).count())
}

/// Every error must have words; every message must be readable memory.
fn use_up(item: &Result<apprentice::wire::Sample, bag::Error>) {
    match item {
        Ok(sample) => assert!(sample.cdr.len() >= 4),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Opens a folder whose `metadata.yaml` is `text`.
pub(crate) fn read_metadata(folder: &Path, text: &[u8]) -> bool {
    fs::write(folder.join("metadata.yaml"), text).expect("a scratch file");
    bag::open(folder).is_ok()
}

/// Reads, recovers and reads again.
pub(crate) fn recover_file(folder: &Path, name: &str, bytes: &[u8]) {
    let before = read_file(folder, name, bytes);
    fs::remove_file(folder.join("metadata.yaml")).unwrap_or_default();
    if bag::recover(folder).is_ok() {
        let again = bag::recover(folder).expect("what was recovered is whole");
        assert!(!again.changed, "a second recovery had something to do, where {before} items were read");
    }
}
