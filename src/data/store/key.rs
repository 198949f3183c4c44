//! The address of a decoded recording: a hash of the recording and of every setting that shapes what comes out.
//!
//! A recording is told by its files and not by its path, so that a folder that was moved is found again; its labels are no part
//! of it, so that labelling costs no decoding. A file is told by its size, the time of its last change and both of its ends:
//! reading all of it would cost what the cache saves.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::MAGIC;

/// So much of each end of a file is looked at.
const END: u64 = 64 << 10;

/// What tells a recording from any other.
pub(in crate::data) fn identity(path: &Path) -> io::Result<[u8; 32]> {
    let mut files = Vec::new();
    match fs::metadata(path)?.is_file() {
        true => files.push(path.to_owned()),
        false => {
            for entry in fs::read_dir(path)? {
                let file = entry?.path();
                if file.extension().is_some_and(|kind| kind == "mcap" || kind == "db3") {
                    files.push(file);
                }
            }
            files.sort();
        }
    }
    let mut hash = Sha256::new();
    for file in files {
        add(&mut hash, &file)?;
    }
    Ok(hash.finalize().into())
}

fn add(hash: &mut Sha256, path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let about = file.metadata()?;
    for number in [about.len() as i64, about.mtime(), about.mtime_nsec()] {
        hash.update(number.to_le_bytes());
    }
    let mut end = vec![0; END.min(about.len()) as usize];
    for begin in [0, about.len() - end.len() as u64] {
        file.read_exact_at(&mut end, begin)?;
        hash.update(&end);
    }
    Ok(())
}

/// The name of the file for a recording that is read by `settings`, any text that says all that shapes it.
pub(in crate::data) fn key(identity: &[u8; 32], settings: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    hash.update(identity);
    hash.update(settings);
    hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
