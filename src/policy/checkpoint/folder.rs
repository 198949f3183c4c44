//! A folder that appears whole: written beside its place, brought to the disk, then put there in one step.
//!
//! A training that is killed while it saves must leave the checkpoint before that one; a robot that reloads while it is saved must
//! see the old one or the new one. Where a folder stands already the two change places in one call of the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::provenance::File;
use crate::policy::Error;

/// A folder in the making.
#[derive(Debug)]
pub(super) struct Folder {
    place: PathBuf,
    beside: PathBuf,
    files: BTreeMap<String, File>,
}

impl Folder {
    /// Begins one that is to stand at `place`. What an earlier one left half written beside it is taken away.
    pub(super) fn begin(place: &Path) -> Result<Self, Error> {
        let beside = beside(place, "new")?;
        discard(&beside)?;
        fs::create_dir_all(&beside).map_err(|source| failed("making", &beside, source))?;
        Ok(Self { place: place.to_owned(), beside, files: BTreeMap::new() })
    }

    /// Where the file `name` will be.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.place.join(name)
    }

    /// What was written so far.
    pub(super) fn files(&self) -> &BTreeMap<String, File> {
        &self.files
    }

    /// Writes a file and brings it to the disk.
    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.beside.join(name);
        let write = || -> io::Result<()> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            let mut file = fs::File::create(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|source| failed("writing", &self.path_of(name), source))?;
        self.files.insert(name.to_owned(), File::of(bytes));
        Ok(())
    }

    /// Puts the folder in its place.
    pub(super) fn finish(self) -> Result<(), Error> {
        for folder in [self.beside.join("members"), self.beside.clone()] {
            if folder.is_dir() {
                sync(&folder)?;
            }
        }
        let swap = |flags| renameat_with(CWD, &self.beside, CWD, &self.place, flags);
        let put = match swap(RenameFlags::EXCHANGE) {
            // Nothing is there to change places with.
            Err(Errno::NOENT) => swap(RenameFlags::empty()),
            // A file system that cannot exchange: for an instant there is none, as after a first rename.
            Err(Errno::INVAL | Errno::NOSYS) => return self.in_two_steps(),
            done => done,
        };
        put.map_err(|error| failed("putting into place", &self.place, error.into()))?;
        self.settled()
    }

    fn in_two_steps(self) -> Result<(), Error> {
        let old = beside(&self.place, "old")?;
        discard(&old)?;
        let put = || -> io::Result<()> {
            if self.place.exists() {
                fs::rename(&self.place, &old)?;
            }
            fs::rename(&self.beside, &self.place)
        };
        put().map_err(|source| failed("putting into place", &self.place, source))?;
        discard(&old)?;
        self.settled()
    }

    /// Brings the new name to the disk, then lets go of what was there before.
    fn settled(self) -> Result<(), Error> {
        match self.place.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            Some(folder) => sync(folder)?,
            None => sync(Path::new("."))?,
        }
        discard(&self.beside)
    }
}

/// A hidden name in the same folder.
pub(super) fn beside(place: &Path, what: &str) -> Result<PathBuf, Error> {
    let name = place.file_name().ok_or_else(|| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "it has no name of its own");
        failed("making", place, source)
    })?;
    Ok(place.with_file_name(format!(".{}.{what}", name.to_string_lossy())))
}

fn discard(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(failed("removing", folder, source)),
        _ => Ok(()),
    }
}

pub(super) fn sync(folder: &Path) -> Result<(), Error> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|source| failed("settling", folder, source))
}

pub(super) fn failed(doing: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Disk { doing, path: path.to_owned(), source }
}
