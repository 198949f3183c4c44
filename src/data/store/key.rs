//! The address of a decoded recording: a hash of the recording and of every setting that shapes what comes out.
//!
//! A recording is told by what is in its files, so that a folder that was moved or copied is found again; its labels are no part
//! of it, so that labelling costs no decoding. Of a file its size, both of its ends and samples in between are looked at: reading all
//! of it would cost what the cache saves, and there is no recording that is like another in all of these.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::MAGIC;

/// So much of each end of a file is looked at.
const END: u64 = 64 << 10;
/// Between them so many samples are, each of so many bytes.
const SAMPLES: u64 = 64;
const SAMPLE: u64 = 4 << 10;

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
    let size = file.metadata()?.len();
    hash.update(size.to_le_bytes());
    let mut room = vec![0; END as usize];
    let mut look = |begin: u64, most: u64| -> io::Result<()> {
        let seen = &mut room[..most.min(size) as usize];
        file.read_exact_at(seen, begin)?;
        hash.update(&*seen);
        Ok(())
    };
    look(0, END)?;
    look(size.saturating_sub(END), END)?;
    let between = size.saturating_sub(SAMPLE);
    (1..=SAMPLES).try_for_each(|number| look(between / (SAMPLES + 1) * number, SAMPLE))
}

/// The name of the file for a recording that is read by `settings`, any text that says all that shapes it.
pub(in crate::data) fn key(identity: &[u8; 32], settings: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    hash.update(identity);
    hash.update(settings);
    hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
}
