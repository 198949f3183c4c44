//! A decoded recording while it is written.
//!
//! Until it is whole it has a name that nobody looks for, and whatever ends it early takes it away: an error here, a kill at the
//! next visit, which clears what has not been touched for a day.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::bytes::{Plain as _, put_row, put_take};
use super::{DRAFT, EXTENSION, MAGIC, Take};
use crate::data::Error;

/// A draft that was not touched for so long has nobody who writes it.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A file being written.
#[derive(Debug)]
pub(in crate::data) struct Draft {
    path: PathBuf,
    whole: PathBuf,
    file: BufWriter<File>,
    sum: crc32fast::Hasher,
    /// Where the next picture begins.
    at: u64,
    /// Where each camera's pictures begin.
    begins: Vec<Vec<u64>>,
    is_kept: bool,
}

impl Draft {
    /// Begins the file of that key in `folder`, with the pictures of so many cameras.
    pub(in crate::data) fn begin(folder: &Path, key: &str, cameras: usize) -> Result<Self, Error> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let path = folder.join(format!("{key}.{}.{number}.{DRAFT}", std::process::id()));
        let opened = OpenOptions::new().write(true).create(true).truncate(true).open(&path);
        let file = opened.map_err(|source| Error::Cache { what: "beginning", path: path.clone(), source })?;
        let whole = folder.join(format!("{key}.{EXTENSION}"));
        let (file, sum, begins) =
            (BufWriter::with_capacity(1 << 20, file), crc32fast::Hasher::new(), vec![Vec::new(); cameras]);
        let mut draft = Self { path, whole, file, sum, at: 0, begins, is_kept: false };
        draft.write(MAGIC)?;
        Ok(draft)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
        self.file.write_all(bytes).map_err(refused("writing", &self.path))
    }

    /// Adds a picture of a camera; its place among those of that camera.
    pub(in crate::data) fn keep(&mut self, camera: usize, pixels: &[u8]) -> Result<u32, Error> {
        let place = u32::try_from(self.begins[camera].len()).unwrap_or(u32::MAX);
        self.begins[camera].push(self.at);
        self.write(pixels)?;
        Ok(place)
    }

    /// Makes the file whole and gives it its name.
    pub(in crate::data) fn finish(mut self, take: &Take) -> Result<(), Error> {
        let mut rest = Vec::new();
        for begins in &self.begins {
            put_row(&mut rest, begins.iter().copied());
        }
        put_take(&mut rest, take);
        let begins = self.at;
        self.write(&rest)?;
        let mut foot = Vec::new();
        begins.put(&mut foot);
        self.sum.clone().finalize().put(&mut foot);
        foot.extend_from_slice(MAGIC);
        self.write(&foot)?;
        self.file.flush().map_err(refused("writing", &self.path))?;
        fs::rename(&self.path, &self.whole).map_err(refused("naming", &self.whole))?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!("{:?} could not be taken away: {error}", self.path);
        }
    }
}

fn refused(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Cache { what, path: path.to_owned(), source }
}

/// Makes the folder and clears it of drafts that nobody writes any more, by the disk's own clock.
pub(in crate::data) fn prepare(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(refused("making", folder))?;
    let probe = folder.join(format!("{}.{DRAFT}", std::process::id()));
    let now = File::create(&probe).and_then(|file| file.metadata()?.modified());
    let now = now.map_err(refused("writing", &probe))?;
    for path in fs::read_dir(folder).map_err(refused("listing", folder))?.flatten().map(|entry| entry.path())
    {
        let old = || {
            let touched = fs::metadata(&path).ok()?.modified().ok()?;
            Some(now.duration_since(touched).ok()? > ABANDONED)
        };
        if path == probe || path.extension().is_some_and(|kind| kind == DRAFT) && old() == Some(true) {
            // Another process may be as tidy.
            fs::remove_file(&path).unwrap_or_default();
        }
    }
    Ok(())
}
