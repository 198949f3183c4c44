//! Recordings as folders on a disk: finding unfinished ones, labelling and deleting.
//!
//! A folder is finished if and only if it has its `metadata.yaml`, which is written last: a writer that died leaves none.
//! Nothing is deleted beside which something lies that is not ours.

use std::fs;
use std::path::{Path, PathBuf};

use super::metadata::{self, Metadata};
use super::{Error, Notes, format_of};

/// The recordings below `root` (or `root` itself) that have no `metadata.yaml`: their writer is at work, or died.
pub fn unfinished(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    look_into(root, 0, &mut found);
    found.sort();
    found
}

fn look_into(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    /// Episodes lie one or two folders deep; a link in a circle must not keep us.
    const DEEPEST: usize = 8;
    let Ok(entries) = fs::read_dir(folder) else { return };
    let (mut finished, mut files) = (false, false);
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() && depth < DEEPEST {
            look_into(&path, depth + 1, found);
        } else {
            finished |= path.file_name().is_some_and(|name| name == metadata::NAME);
            files |= format_of(&path).is_some();
        }
    }
    if files && !finished {
        found.push(folder.to_owned());
    }
}

/// Changes the notes of a finished recording. An empty value takes its key away.
pub fn label(folder: &Path, changes: &Notes) -> Result<(), Error> {
    let mut about = Metadata::load(folder)?.ok_or_else(|| Error::NotABag {
        path: folder.to_owned(),
        why: format!("it has no {:?}; recover it first", metadata::NAME),
    })?;
    for (key, value) in changes {
        match value.is_empty() {
            true => about.custom_data.remove(key),
            false => about.custom_data.insert(key.clone(), value.clone()),
        };
    }
    about.save(folder)
}

/// Removes a recording with its folder, if nothing but the recording is in it.
pub fn delete(folder: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(folder).map_err(Error::disk("listing", folder))?;
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    if let Some(other) = paths.iter().find(|path| !belongs(path)) {
        let other = other.file_name().unwrap_or_default().to_string_lossy().into_owned();
        return Err(Error::NotAlone { path: folder.to_owned(), other });
    }
    let (path, why) = (folder.to_owned(), "there are no files of messages in it".to_owned());
    if !paths.iter().any(|path| format_of(path).is_some()) {
        return Err(Error::NotABag { path, why });
    }
    for path in &paths {
        fs::remove_file(path).map_err(Error::disk("removing", path))?;
    }
    fs::remove_dir(folder).map_err(Error::disk("removing", folder))
}

/// Whether a file is part of a recording: messages, what SQLite lays beside them, metadata, the settings it was
/// made with.
fn belongs(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = ["-wal", "-shm", "-journal"].iter().find_map(|end| name.strip_suffix(end));
    let ours = [metadata::NAME, metadata::DRAFT, "config.yaml"].contains(&&*name);
    path.is_file() && (ours || format_of(Path::new(beside.unwrap_or(&name))).is_some())
}
