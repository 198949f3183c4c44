//! The folder of episodes and the room on its disk.
//!
//! One recorder at a time numbers episodes in a folder; a lock that ends with the process sees to it. A reserve is
//! held on the disk while recording, a few megabytes of nothing: when the disk is full after all (somebody else
//! filled it), the reserve makes room for the end of the bag, without which it would not be readable.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
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
        // That something exists is no reason; that it is no folder is.
        let told = |error: io::Error| match error.kind() {
            ErrorKind::AlreadyExists => ErrorKind::NotADirectory.into(),
            _ => error,
        };
        fs::create_dir_all(path).map_err(told).map_err(failed("making"))?;
        let lock = File::create(path.join(".recorder.lock")).map_err(failed("locking"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(Error::Busy { path: path.to_owned() }),
            Err(fs::TryLockError::Error(source)) => return Err(failed("locking")(source)),
        }
        Ok(Self { path: path.to_owned(), min_free_megabytes, _lock: lock })
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

    /// The episodes that lie here without an end: their recorder died. Only what a recorder of this folder can have
    /// made: whatever else lies below is somebody else's and is not touched.
    pub(super) fn torn(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.path) else { return Vec::new() };
        let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut torn: Vec<PathBuf> =
            folders.map(|entry| entry.path()).filter(|path| is_torn_episode(path)).collect();
        torn.sort();
        torn
    }

    /// Holds a reserve. Where it cannot be had, there is no room for an episode.
    pub(super) fn reserve(&self) -> Result<Reserve, Error> {
        let reserve = Reserve(self.path.join(".recorder.reserve"));
        let written = File::create(&reserve.0).and_then(|mut file| {
            // Written and not only asked for: a file system that compresses or delays would lend the room twice.
            let mut noise = Noise(1);
            (0..RESERVE / BLOCK).try_for_each(|_| file.write_all(&noise.block()))
        });
        written.map_err(|source| self.failed("holding a reserve in", source))?;
        Ok(reserve)
    }

    fn failed(&self, what: &'static str, source: io::Error) -> Error {
        Error::Folder { what, path: self.path.clone(), source }
    }
}

/// Whether a folder holds an episode's files, all named as a recorder names them, and no metadata.
fn is_torn_episode(folder: &Path) -> bool {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
    let Ok(entries) = fs::read_dir(folder) else { return false };
    if !name.strip_prefix("episode_").is_some_and(is_number) || folder.join("metadata.yaml").exists() {
        return false;
    }
    let mut of_messages = entries.flatten().filter(|entry| {
        matches!(entry.path().extension().and_then(|extension| extension.to_str()), Some("mcap" | "db3"))
    });
    let is_ours = |entry: fs::DirEntry| {
        let path = entry.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.strip_prefix(name)?.strip_prefix('_'));
        number.is_some_and(is_number) && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    of_messages.next().is_some_and(is_ours) && of_messages.all(is_ours)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
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

/// How much noise is made at once.
const BLOCK: usize = 4096;

/// What the reserve is filled with: neither zeros, which a file system may keep as a hole, nor anything that
/// repeats, which it may fold.
struct Noise(u64);

impl Noise {
    fn block(&mut self) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        for word in block.chunks_exact_mut(4) {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            word.copy_from_slice(&((self.0 >> 32) as u32).to_le_bytes());
        }
        block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn episodes_are_numbered_after_the_last_whatever_lies_between() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let folder = Folder::open(&out.path().join("new"), 0)?;
        assert_eq!(folder.next_episode()?.0, 0);
        fs::create_dir(folder.path.join("episode_0007"))?;
        fs::create_dir(folder.path.join("episode_old"))?;
        let (number, path) = folder.next_episode()?;
        assert_eq!((number, path), (8, folder.path.join("episode_0008")));
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
    fn a_file_in_the_place_of_the_folder_is_told_from_a_folder_that_is_there() -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let refused = Folder::open(file.path(), 0).expect_err("nothing can lie in it");
        assert!(crate::node::report(&refused).contains("not a directory"), "{refused:?}");
        Ok(())
    }

    #[test]
    fn only_episodes_of_this_folder_that_were_cut_off_are_made_whole() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let folder = Folder::open(out.path(), 0)?;
        let lay = |file: &str| -> anyhow::Result<()> {
            let path = out.path().join(file);
            fs::create_dir_all(path.parent().expect("it lies in a folder"))?;
            Ok(fs::write(path, "torn")?)
        };
        for file in [
            "episode_0000/episode_0000_0.mcap",
            "episode_12345/episode_12345_1.db3",
            "episode_0001/episode_0001_0.mcap",
            "episode_0001/metadata.yaml",
            "episode_0002/theirs.mcap",
            "episode_0003/episode_0003_0.mcap",
            "episode_0003/theirs.mcap",
            "episode_old/episode_old_0.mcap",
            "theirs/theirs_0.mcap",
            "archive/episode_0004/episode_0004_0.mcap",
        ] {
            lay(file)?;
        }
        std::os::unix::fs::symlink(out.path().join("archive/episode_0004"), out.path().join("episode_0004"))?;
        let ours = ["episode_0000", "episode_12345"].map(|name| out.path().join(name));
        assert_eq!(folder.torn(), ours);
        Ok(())
    }

    #[test]
    fn the_reserve_is_gone_when_it_is_let_go() -> anyhow::Result<()> {
        let out = tempfile::tempdir()?;
        let reserve = Folder::open(out.path(), 0)?.reserve()?;
        let held = out.path().join(".recorder.reserve");
        let bytes = fs::read(&held)?;
        assert_eq!(bytes.len(), RESERVE);
        let different: std::collections::HashSet<_> = bytes.chunks(BLOCK).collect();
        assert_eq!(different.len(), RESERVE / BLOCK, "a file system would fold what repeats");
        drop(reserve);
        assert!(!held.exists());
        Ok(())
    }
}
