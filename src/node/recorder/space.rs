//! The folder of episodes and the room on its disk.
//!
//! One recorder at a time numbers episodes in a folder; a lock that ends with the process sees to it. A reserve is
//! held on the disk while recording, a few megabytes of nothing: when the disk is full after all (somebody else
//! filled it), the reserve makes room for the end of the bag, without which it would not be readable.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Error;

/// How much is held back for the end of a bag: its last chunk, its index and its metadata.
const RESERVE: usize = 4 << 20;

/// The folder of episodes, locked for this recorder.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    min_free_megabytes: u64,
    _lock: File,
}

impl Folder {
    /// Makes the folder where it is missing and locks it.
    pub(super) fn open(path: &Path, min_free_megabytes: u64) -> Result<Self, Error> {
        let failed = |what| move |source| Error::Folder { what, path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed("making"))?;
        let lock = File::create(path.join(".recorder.lock")).map_err(failed("locking"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::Busy { path: path.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(failed("locking")(source)),
        }
        Ok(Self { path: path.to_owned(), min_free_megabytes, _lock: lock })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes free for us on its disk.
    pub(super) fn free(&self) -> Result<u64, Error> {
        let stat =
            rustix::fs::statvfs(&self.path).map_err(|source| self.failed("looking at", source.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    /// The bytes free, if they are enough.
    pub(super) fn enough(&self) -> Result<u64, Error> {
        let free = self.free()?;
        if free < self.min_free_megabytes.saturating_mul(1_000_000) {
            return Err(Error::Space {
                path: self.path.clone(),
                free_megabytes: free / 1_000_000,
                min_free_megabytes: self.min_free_megabytes,
            });
        }
        Ok(free)
    }

    /// The number and the folder of the episode after the last. The folder is not made yet.
    pub(super) fn next_episode(&self) -> Result<(u32, PathBuf), Error> {
        let entries = fs::read_dir(&self.path).map_err(|source| self.failed("listing", source))?;
        let number_of = |name: &str| name.strip_prefix("episode_")?.parse::<u32>().ok();
        let last = entries.flatten().filter_map(|entry| number_of(entry.file_name().to_str()?)).max();
        let next = last.map_or(0, |last| last.saturating_add(1));
        Ok((next, self.path.join(format!("episode_{next:04}"))))
    }

    /// Holds a reserve. Where it cannot be had, there is no room for an episode.
    pub(super) fn reserve(&self) -> Result<Reserve, Error> {
        let reserve = Reserve(self.path.join(".recorder.reserve"));
        let written = File::create(&reserve.0).and_then(|mut file| {
            // Written and not only asked for: a file system that compresses or delays would lend the room twice.
            (0..RESERVE / NOISE.len()).try_for_each(|_| file.write_all(&NOISE))
        });
        written.map_err(|source| self.failed("holding a reserve in", source))?;
        Ok(reserve)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> Error {
        Error::Folder { what, path: self.path.clone(), source }
    }
}

/// Room on the disk that is nobody's until it is dropped.
#[derive(Debug)]
pub(super) struct Reserve(PathBuf);

impl Drop for Reserve {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = ?self.0, %error, "the reserve could not be removed");
        }
    }
}

/// What the reserve is filled with: not zeros, which a file system may keep as a hole.
static NOISE: [u8; 4096] = noise();

const fn noise() -> [u8; 4096] {
    let (mut bytes, mut state, mut at) = ([0; 4096], 1_u32, 0);
    while at < bytes.len() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes[at] = (state >> 24) as u8;
        at += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_are_numbered_after_the_last_whatever_lies_between() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let folder = Folder::open(&out.path().join("new"), 0)?;
        assert_eq!(folder.next_episode()?.0, 0);
        fs::create_dir(folder.path().join("episode_0007"))?;
        fs::create_dir(folder.path().join("episode_old"))?;
        let (number, path) = folder.next_episode()?;
        assert_eq!((number, path), (8, folder.path().join("episode_0008")));
        Ok(())
    }

    #[test]
    fn a_second_recorder_is_kept_out_of_the_folder() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let first = Folder::open(out.path(), 0)?;
        assert!(matches!(Folder::open(out.path(), 0), Err(Error::Busy { .. })));
        drop(first);
        Folder::open(out.path(), 0)?;
        Ok(())
    }

    #[test]
    fn a_disk_with_too_little_space_is_refused_with_both_numbers() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let folder = Folder::open(out.path(), u64::MAX / 2_000_000)?;
        let refused = folder.enough().expect_err("nobody has that much");
        assert!(refused.to_string().contains("under its minimum of"), "{refused}");
        Ok(())
    }

    #[test]
    fn the_reserve_is_gone_when_it_is_let_go() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let reserve = Folder::open(out.path(), 0)?.reserve()?;
        let held = out.path().join(".recorder.reserve");
        assert_eq!(fs::metadata(&held)?.len(), RESERVE as u64);
        drop(reserve);
        assert!(!held.exists());
        Ok(())
    }
}
