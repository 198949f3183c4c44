//! Writing a SQLite file: one transaction from flush to flush.
//!
//! Committing each message on its own would cost more than the message; a transaction that is open until the end would lose
//! the whole recording to a kill. From flush to flush, a kill takes what came after the last one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, params};

use super::refused;
use crate::bag::metadata::{Metadata, join};
use crate::bag::{Error, Notes, Options, Storage, Style, Tally, Track, Volume, qos};
use crate::wire::{Sample, Topic};

/// The tables of schema version 4 (Iron and later). Humble knows fewer columns of `topics` and no definitions, and
/// asks for what it knows by name.
pub(super) const TABLES: &str = "
    CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
    CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
        serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL,
        type_description_hash TEXT NOT NULL);
    CREATE TABLE message_definitions(id INTEGER PRIMARY KEY, topic_type TEXT NOT NULL, encoding TEXT NOT NULL,
        encoded_message_definition TEXT NOT NULL, type_description_hash TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
        data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);
    INSERT INTO schema(schema_version, ros_distro) VALUES (4, '');";

/// The tables of schema version 3, as Humble writes them.
const HUMBLE_TABLES: &str = "
    CREATE TABLE schema(schema_version INTEGER PRIMARY KEY, ros_distro TEXT NOT NULL);
    CREATE TABLE metadata(id INTEGER PRIMARY KEY, metadata_version INTEGER NOT NULL, metadata TEXT NOT NULL);
    CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
        serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL, timestamp INTEGER NOT NULL,
        data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC);
    INSERT INTO schema(schema_version, ros_distro) VALUES (3, '');";

/// What every reader counts on; missing only where a writer died in its first moment.
pub(super) const MISSING_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS topics(id INTEGER PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL,
        serialization_format TEXT NOT NULL, offered_qos_profiles TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS messages(id INTEGER PRIMARY KEY, topic_id INTEGER NOT NULL,
        timestamp INTEGER NOT NULL, data BLOB NOT NULL);";

struct Book {
    path: PathBuf,
    database: Connection,
    style: Style,
    distro: String,
    /// The places in the tally of each topic name, by type.
    topics: HashMap<String, Vec<(String, usize)>>,
    notes: Notes,
    tally: Tally,
}

pub(super) fn create(path: &Path, options: &Options) -> Result<Box<dyn Volume>, Error> {
    if path.exists() {
        return Err(Error::Exists { path: path.to_owned() });
    }
    let style = match &options.storage {
        Storage::Sqlite(sqlite) => sqlite.style,
        Storage::Mcap(_) => Style::default(),
    };
    let database = Connection::open(path).map_err(refused("creating", path))?;
    // Exclusive: recovery must not finish what is still being recorded; the lock ends with its process. The log is
    // written at every commit and synced by nobody: it survives this process, not the machine's power.
    let settings = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; \
                    PRAGMA wal_autocheckpoint = 4000;";
    let tables = if style == Style::Humble { HUMBLE_TABLES } else { TABLES };
    database.execute_batch(settings).map_err(refused("creating", path))?;
    database.execute_batch(tables).map_err(refused("creating", path))?;
    let named = database.execute("UPDATE schema SET ros_distro = ?1", params![options.ros_distro]);
    named.map_err(refused("creating", path))?;
    let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut book = Book {
        path: path.to_owned(),
        database,
        style,
        distro: options.ros_distro.clone(),
        topics: HashMap::new(),
        notes: Notes::new(),
        tally: Tally { file, bytes: 0, span: None, tracks: Vec::new() },
    };
    book.keep(&options.notes)?;
    Ok(Box::new(book))
}

/// Folds the write-ahead log into the file and leaves one plain file.
pub(super) fn fold(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    let mode: String = database.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
    tracing::debug!(mode, "the log is folded in");
    Ok(())
}

impl Book {
    fn place_of(&self, topic: &Topic) -> Option<usize> {
        let named = self.topics.get(&topic.name)?;
        named.iter().find(|(type_name, _)| *type_name == topic.type_name).map(|(_, place)| *place)
    }

    fn version(&self) -> u32 {
        if self.style == Style::Humble { 5 } else { 9 }
    }

    /// Begins a transaction unless one is open.
    fn begin(&self) -> rusqlite::Result<()> {
        if self.database.is_autocommit() { self.database.execute_batch("BEGIN") } else { Ok(()) }
    }

    fn commit(&self) -> rusqlite::Result<()> {
        if self.database.is_autocommit() { Ok(()) } else { self.database.execute_batch("COMMIT") }
    }

    fn insert_topic(&self, id: usize, topic: &Topic, definition: &str, hash: &str) -> rusqlite::Result<()> {
        let qos = qos::text(&topic.qos, self.version());
        if self.style == Style::Humble {
            let insert = "INSERT INTO topics VALUES (?1, ?2, ?3, 'cdr', ?4)";
            self.database.execute(insert, params![id as i64, topic.name, topic.type_name, qos])?;
            return Ok(());
        }
        let insert = "INSERT INTO topics VALUES (?1, ?2, ?3, 'cdr', ?4, ?5)";
        self.database.execute(insert, params![id as i64, topic.name, topic.type_name, qos, hash])?;
        let known = self.tally.tracks.iter().any(|track| track.topic.type_name == topic.type_name);
        if !known && !definition.is_empty() {
            let insert = "INSERT INTO message_definitions (topic_type, encoding, encoded_message_definition, \
                          type_description_hash) VALUES (?1, 'ros2msg', ?2, ?3)";
            self.database.execute(insert, params![topic.type_name, definition, hash])?;
        }
        Ok(())
    }

    /// Puts the metadata as it stands now into the file.
    fn save_metadata(&self) -> rusqlite::Result<()> {
        let files = std::slice::from_ref(&self.tally);
        let about = Metadata::of("sqlite3", self.version(), files, &self.notes, &self.distro);
        let insert = "INSERT OR REPLACE INTO metadata (id, metadata_version, metadata) VALUES (1, ?1, ?2)";
        self.database.execute(insert, params![self.version(), about.inner_text()]).map(|_| ())
    }
}

impl Volume for Book {
    fn declare(&mut self, topic: &Arc<Topic>, definition: &str, type_hash: &str) -> Result<(), Error> {
        if self.place_of(topic).is_some() {
            return Ok(());
        }
        let id = self.tally.tracks.len();
        let inserted = self.begin().and_then(|()| self.insert_topic(id + 1, topic, definition, type_hash));
        inserted.map_err(refused("writing", &self.path))?;
        self.topics.entry(topic.name.clone()).or_default().push((topic.type_name.clone(), id));
        self.tally.tracks.push(Track {
            topic: Arc::clone(topic),
            definition: definition.into(),
            type_hash: type_hash.to_owned(),
            messages: 0,
        });
        Ok(())
    }

    fn write(&mut self, sample: &Sample) -> Result<(), Error> {
        let Some(id) = self.place_of(&sample.topic) else {
            let (path, topic) = (self.path.clone(), sample.topic.name.clone());
            return Err(Error::Refused { path, topic, why: "it was not declared".to_owned() });
        };
        let insert = "INSERT INTO messages (topic_id, timestamp, data) VALUES (?1, ?2, ?3)";
        let inserted = self.begin().and_then(|()| {
            let mut insert = self.database.prepare_cached(insert)?;
            insert.execute(params![id as i64 + 1, sample.received.0, &*sample.cdr])
        });
        inserted.map_err(refused("writing", &self.path))?;
        self.tally.tracks[id].messages += 1;
        self.tally.span = join(self.tally.span, Some((sample.received, sample.received)));
        self.tally.bytes += sample.cdr.len() as u64;
        Ok(())
    }

    fn keep(&mut self, notes: &Notes) -> Result<(), Error> {
        self.notes.clone_from(notes);
        let saved = self.begin().and_then(|()| self.save_metadata()).and_then(|()| self.commit());
        saved.map_err(refused("writing", &self.path))
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.commit().map_err(refused("writing", &self.path))
    }

    fn bytes(&self) -> u64 {
        self.tally.bytes
    }

    fn close(self: Box<Self>) -> Result<Tally, Error> {
        let ended = self.begin().and_then(|()| self.save_metadata()).and_then(|()| self.commit());
        ended.and_then(|()| fold(&self.database)).map_err(refused("ending", &self.path))?;
        let Self { path, database, mut tally, .. } = *self;
        database.close().map_err(|(_, error)| refused("closing", &path)(error))?;
        let file = std::fs::File::open(&path).map_err(Error::disk("opening", &path))?;
        file.sync_data().map_err(Error::disk("syncing", &path))?;
        tally.bytes = file.metadata().map_err(Error::disk("reading", &path))?.len();
        Ok(tally)
    }
}
