//! Making a recording whole whose writer died.
//!
//! Of a split recording only the last file can be torn, but every file is asked: a whole one answers at once. The
//! folder gets its `metadata.yaml` last, so that a recovery that is itself killed is simply done again. What was noted
//! while all of it was there stays, so that a recovery is noted beside it.

use std::path::Path;

use super::metadata::{self, Metadata};
use super::series::files_of;
use super::{Error, Notes, Tally, format_of};
use crate::time::Stamp;

/// The key under which a recovery is noted: `{"messages": n, "of": n, "dropped_bytes": n}`; `of` is `null` where nothing
/// tells how many there were.
pub const RECOVERED: &str = "apprentice.recovered";

/// What recovery found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Whether there was anything to do; a whole recording is left as it is.
    pub changed: bool,
    /// The messages it has.
    pub messages: u64,
    /// The messages it had by its `metadata.yaml`, where that was there.
    pub noted: Option<u64>,
    /// The first and the last instant of receipt.
    pub span: Option<(Stamp, Stamp)>,
    /// Its files.
    pub files: Vec<Tally>,
    /// Bytes at the torn end that held no whole message.
    pub dropped_bytes: u64,
}

/// Makes the recording in `folder` whole, in place; of one that is a file alone, that file.
pub fn recover(folder: &Path) -> Result<Recovered, Error> {
    if folder.is_file() {
        return alone(folder);
    }
    let about = Metadata::load(folder)?;
    let (format, paths) = files_of(folder, about.as_ref())?;
    let (mut files, mut changed, mut dropped_bytes) = (Vec::new(), false, 0);
    let mut notes = Notes::new();
    let mut origin = about.as_ref().map(|about| (about.version, about.ros_distro.clone()));
    for path in &paths {
        let repair = (format.repair)(path)?;
        changed |= repair.changed;
        dropped_bytes += repair.dropped;
        let shelf = (format.open)(path)?;
        notes.extend(shelf.notes().clone());
        origin.get_or_insert_with(|| shelf.origin());
        files.push(shelf.tally().clone());
    }
    let messages = files.iter().map(Tally::messages).sum();
    let noted = about.as_ref().map(|about| about.message_count);
    if noted != Some(messages) || changed {
        let (version, distro) = origin.unwrap_or((metadata::NEWEST, String::new()));
        notes.extend(about.map(|about| about.custom_data).unwrap_or_default());
        let said = serde_json::json!({"messages": messages, "of": noted, "dropped_bytes": dropped_bytes});
        notes.insert(RECOVERED.to_owned(), said.to_string());
        Metadata::of(format.identifier, version, &files, &notes, &distro).save(folder)?;
        changed = true;
    }
    let span = files.iter().fold(None, |span, file| metadata::join(span, file.span));
    Ok(Recovered { changed, messages, noted, span, files, dropped_bytes })
}

/// Makes a file whole that lies somewhere without its folder.
fn alone(path: &Path) -> Result<Recovered, Error> {
    let why = || "its name ends neither in .mcap nor in .db3".to_owned();
    let format = format_of(path).ok_or_else(|| Error::NotABag { path: path.to_owned(), why: why() })?;
    let repair = (format.repair)(path)?;
    let file = (format.open)(path)?.tally().clone();
    Ok(Recovered {
        changed: repair.changed,
        messages: file.messages(),
        noted: None,
        span: file.span,
        files: vec![file],
        dropped_bytes: repair.dropped,
    })
}
