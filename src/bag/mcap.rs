//! MCAP files as rosbag2 writes them.
//!
//! The format is spoken here directly rather than through a library, for what a recorder needs and a general
//! library does not give: a chunk goes to the kernel straight from the messages' own buffers; a file that lost its
//! writer, or met a full disk, is finished in place from the same [`index::Index`] the writer keeps; a damaged
//! chunk is skipped instead of ending the file; and no claim a file makes is believed before memory is taken for
//! it. The `mcap` crate and Python's `mcap` read our files back in the tests.
//!
//! ```text
//! magic · Header · Metadata (notes) · Schema · Channel ·
//! Chunk [ Message … ] · Message Index … · Chunk [ … ] · … · Data End ·
//! Schema … · Channel … · Statistics · Chunk Index … · Metadata Index … · Footer · magic
//! ```
//!
//! Schemas and channels stand outside the chunks, so that a torn file tells its topics without being unpacked.

mod chunk;
mod index;
mod read;
mod record;
mod repair;
mod scan;
mod write;

use std::fs::{File, TryLockError};
use std::path::Path;

use super::{Error, Format};

/// The largest chunk and the largest message that is read or written. Nothing a file says takes more memory at
/// once than this.
pub(super) const CHUNK_LIMIT: u64 = 256 << 20;

pub(super) const FORMAT: Format = Format {
    identifier: "mcap",
    extension: "mcap",
    create: write::create,
    open: read::open,
    repair: repair::repair,
};

/// Has one process at a time write a file: recovery must not finish what is still being recorded. The lock ends with
/// its process, however that ends.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: path.to_owned() }),
        // A file system without locks goes without.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}
