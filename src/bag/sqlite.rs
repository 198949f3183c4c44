//! SQLite files as rosbag2 writes them, for tools that read nothing else.
//!
//! While a file is written it has a write-ahead log beside it, so that what was flushed survives a kill; at the end
//! the log is folded in and one plain file remains. SQLite itself undoes a torn transaction when the file is opened
//! again, so recovery is little more than opening it.

mod read;
mod write;

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{Error, Format, Repair};

pub(super) const FORMAT: Format =
    Format { identifier: "sqlite3", extension: "db3", create: write::create, open: read::open, repair };

/// For `map_err`: the database refused `what` at `path`.
fn refused(what: &'static str, path: &Path) -> impl FnOnce(rusqlite::Error) -> Error {
    move |source| match source.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy) => Error::Busy { path: path.to_owned() },
        _ => Error::Database { what, path: path.to_owned(), source: Box::new(source) },
    }
}

/// Whether a database's refusal means a full disk.
pub(super) fn is_full(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
    code == Some(rusqlite::ErrorCode::DiskFull)
}

/// The write-ahead log of a database.
fn log_of(path: &Path) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Folds the log of a dead writer in.
fn repair(path: &Path) -> Result<Repair, Error> {
    let size = std::fs::metadata(path).map_err(Error::disk("reading", path))?.len();
    let had_log = log_of(path).exists();
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
        .map_err(refused("opening", path))?;
    database.busy_timeout(std::time::Duration::ZERO).map_err(refused("opening", path))?;
    if size == 0 && !had_log {
        database.execute_batch(write::TABLES).map_err(refused("repairing", path))?;
        return Ok(Repair { changed: true, dropped: 0 });
    }
    write::fold(&database).map_err(refused("repairing", path))?;
    database.execute_batch(write::MISSING_TABLES).map_err(refused("repairing", path))?;
    database.close().map_err(|(_, error)| refused("closing", path)(error))?;
    Ok(Repair { changed: had_log, dropped: 0 })
}
