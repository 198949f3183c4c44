//! Reading a SQLite file by time of receipt, one message in memory at a time.
//!
//! The order is read in stretches of places; each message is fetched by its own row, so that one damaged row is
//! one error item.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use super::refused;
use crate::bag::metadata::{HUMBLE, Metadata, NEWEST, VERSIONS};
use crate::bag::{Error, Notes, Samples, Shelf, Tally, Track, qos};
use crate::time::Stamp;
use crate::wire::{Sample, Topic};

/// How many places are read ahead.
const STRETCH: usize = 512;

struct Book {
    path: PathBuf,
    database: Connection,
    tally: Tally,
    notes: Notes,
    origin: (u32, String),
    topics: HashMap<i64, Arc<Topic>>,
}

pub(super) fn open(path: &Path) -> Result<Box<dyn Shelf>, Error> {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(refused("opening", path))?;
    let contents = contents(&database).map_err(|error| Error::damaged(path, error))?;
    let topics = contents.iter().map(|(id, track)| (*id, Arc::clone(&track.topic))).collect();
    let span = span(&database).map_err(|error| Error::damaged(path, error))?;
    let tally = Tally {
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        bytes: std::fs::metadata(path).map_err(Error::disk("reading", path))?.len(),
        span,
        tracks: contents.into_iter().map(|(_, track)| track).collect(),
    };
    let about = about(&database);
    let origin = origin(&database, about.as_ref());
    let notes = about.map(|about| about.custom_data).unwrap_or_default();
    Ok(Box::new(Book { path: path.to_owned(), database, tally, notes, origin, topics }))
}

fn has_column(database: &Connection, table: &str, column: &str) -> rusqlite::Result<bool> {
    let mut columns = database.prepare("SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2")?;
    columns.exists(params![table, column])
}

/// The topics, whatever schema version wrote them: older ones lack columns and tables.
fn contents(database: &Connection) -> rusqlite::Result<Vec<(i64, Track)>> {
    let column = |name: &'static str| has_column(database, "topics", name);
    let qos = if column("offered_qos_profiles")? { "offered_qos_profiles" } else { "''" };
    let hash = if column("type_description_hash")? { "type_description_hash" } else { "''" };
    let definitions = definitions(database)?;
    let mut counts = HashMap::new();
    let mut counted = database.prepare("SELECT topic_id, count(*) FROM messages GROUP BY topic_id")?;
    let mut rows = counted.query([])?;
    while let Some(row) = rows.next()? {
        counts.insert(row.get::<_, i64>(0)?, row.get::<_, i64>(1)?);
    }
    let mut topics =
        database.prepare(&format!("SELECT id, name, type, {qos}, {hash} FROM topics ORDER BY id"))?;
    let mut rows = topics.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (name, type_name): (String, String) = (row.get(1)?, row.get(2)?);
        let qos: Option<String> = row.get(3)?;
        let definition = definitions.get(&type_name).cloned().unwrap_or_default();
        let topic = Topic::new(name, type_name).with(qos::read_text(&qos.unwrap_or_default()));
        let type_hash: Option<String> = row.get(4)?;
        let messages = counts.get(&id).map_or(0, |count| u64::try_from(*count).unwrap_or(0));
        let (topic, type_hash) = (Arc::new(topic), type_hash.unwrap_or_default());
        found.push((id, Track { topic, definition, type_hash, messages }));
    }
    Ok(found)
}

fn definitions(database: &Connection) -> rusqlite::Result<HashMap<String, Arc<str>>> {
    if !has_column(database, "message_definitions", "encoded_message_definition")? {
        return Ok(HashMap::new());
    }
    let mut texts =
        database.prepare("SELECT topic_type, encoded_message_definition FROM message_definitions")?;
    let rows = texts.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?.into())))?;
    rows.collect()
}

fn span(database: &Connection) -> rusqlite::Result<Option<(Stamp, Stamp)>> {
    let ends = database.query_row("SELECT min(timestamp), max(timestamp) FROM messages", [], |row| {
        Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
    })?;
    Ok(ends.0.zip(ends.1).map(|(first, last)| (Stamp(first), Stamp(last))))
}

/// The file's own metadata; `None` where it has none that reads.
fn about(database: &Connection) -> Option<Metadata> {
    let text = "SELECT metadata FROM metadata ORDER BY id DESC LIMIT 1";
    let text: Option<String> = database.query_row(text, [], |row| row.get(0)).optional().unwrap_or_default();
    text.and_then(|text| Metadata::from_inner_text(&text))
}

/// The metadata version and the distribution: as the file's own metadata says, else as its schema does, because
/// Humble reads nothing newer than its own version.
fn origin(database: &Connection, about: Option<&Metadata>) -> (u32, String) {
    if let Some(about) = about.filter(|about| VERSIONS.contains(&about.version)) {
        return (about.version, about.ros_distro.clone());
    }
    let schema = database.query_row("SELECT schema_version, ros_distro FROM schema", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    // A file without a schema is older than Humble.
    let (schema, distro) = schema.unwrap_or_default();
    (if schema <= 3 { HUMBLE } else { NEWEST }, distro)
}

impl Shelf for Book {
    fn tally(&self) -> &Tally {
        &self.tally
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }

    fn origin(&self) -> (u32, String) {
        self.origin.clone()
    }

    fn samples(&mut self, wanted: &[String]) -> Samples<'_> {
        let unwanted = |topic: &Topic| !wanted.is_empty() && !wanted.contains(&topic.name);
        let skipped = self.topics.iter().filter(|(_, topic)| unwanted(topic)).map(|(id, _)| *id).collect();
        // `Connection` may move between threads but not be shared: the iterator has it alone.
        let book = self;
        Box::new(Reading { book, skipped, ahead: VecDeque::new(), after: None, ended: false })
    }
}

struct Reading<'a> {
    book: &'a mut Book,
    /// The ids of topics that are not wanted.
    skipped: Vec<i64>,
    /// Places read ahead: time, row, topic.
    ahead: VecDeque<(i64, i64, i64)>,
    /// The last place read ahead.
    after: Option<(i64, i64)>,
    ended: bool,
}

impl Reading<'_> {
    fn read_ahead(&mut self) -> rusqlite::Result<()> {
        let from = match self.after {
            None => "",
            Some(_) => "WHERE (timestamp, id) > (?1, ?2)",
        };
        let text = format!(
            "SELECT timestamp, id, topic_id FROM messages {from} ORDER BY timestamp, id LIMIT {STRETCH}"
        );
        let mut places = self.book.database.prepare_cached(&text)?;
        let mut rows = match self.after {
            None => places.query([])?,
            Some((time, row)) => places.query(params![time, row])?,
        };
        let mut read = 0;
        while let Some(row) = rows.next()? {
            let place = (row.get(0)?, row.get(1)?, row.get(2)?);
            self.after = Some((place.0, place.1));
            if !self.skipped.contains(&place.2) {
                self.ahead.push_back(place);
            }
            read += 1;
        }
        self.ended = read < STRETCH;
        Ok(())
    }

    fn sample(&self, (time, row, topic): (i64, i64, i64)) -> Result<Sample, Error> {
        let name = self.book.topics.get(&topic).map(|topic| topic.name.clone()).unwrap_or_default();
        let damaged = |why: String| Error::Message { path: self.book.path.clone(), topic: name.clone(), why };
        let known = self.book.topics.get(&topic);
        let topic = known.ok_or_else(|| damaged(format!("its topic {topic} is not known")))?;
        let fetch = || {
            let mut data = self.book.database.prepare_cached("SELECT data FROM messages WHERE id = ?1")?;
            data.query_row([row], |row| match row.get_ref(0)? {
                ValueRef::Blob(bytes) => Ok(Some(Bytes::copy_from_slice(bytes))),
                _ => Ok(None),
            })
        };
        let cdr = fetch().map_err(|error| damaged(error.to_string()))?;
        let cdr = cdr.ok_or_else(|| damaged("its data is no blob".to_owned()))?;
        if cdr.len() < 4 {
            return Err(damaged(format!("it has {} bytes only", cdr.len())));
        }
        let (topic, received) = (Arc::clone(topic), Stamp(time));
        Ok(Sample { topic, received, sent: None, publisher: None, sequence: None, cdr })
    }
}

impl Iterator for Reading<'_> {
    type Item = Result<Sample, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.ahead.is_empty() && !self.ended {
            if let Err(error) = self.read_ahead() {
                // The order itself does not read: there is no next message to go on with.
                self.ended = true;
                return Some(Err(Error::damaged(&self.book.path, error)));
            }
        }
        self.ahead.pop_front().map(|place| self.sample(place))
    }
}
