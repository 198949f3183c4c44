//! A recording as a series of files: names, splitting and `metadata.yaml` when writing, one order when reading.
//!
//! Files of a split recording follow each other in time, give or take the moment of the split; a file is opened
//! when the reader's time reaches it, so that a hundred files cost no more than the two that meet.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::metadata::{self, Metadata};
use super::torn;
use super::{
    Error, FORMATS, Format, Notes, Options, Reader, Samples, Shelf, Storage, Style, Tally, Torn, Track,
    Volume, Writer, format_of,
};
use crate::time::Stamp;
use crate::wire::{Sample, Topic};

/// Begins a recording in a folder that is not there yet, or is empty.
pub fn create(folder: &Path, options: &Options) -> Result<Box<dyn Writer>, Error> {
    fs::create_dir_all(folder).map_err(Error::disk("creating", folder))?;
    let mut entries = fs::read_dir(folder).map_err(Error::disk("listing", folder))?;
    if entries.next().is_some() {
        return Err(Error::Exists { path: folder.to_owned() });
    }
    let identifier = match options.storage {
        Storage::Mcap(_) => "mcap",
        Storage::Sqlite(_) => "sqlite3",
    };
    let format = by_identifier(identifier).ok_or_else(|| unknown(folder, identifier))?;
    let mut series = Series {
        folder: folder.to_owned(),
        format,
        options: options.clone(),
        current: None,
        begun: 0,
        first: None,
        done: Vec::new(),
        topics: Vec::new(),
        changed: false,
        is_torn: false,
    };
    if let Err(error) = metadata::reserve(folder).and_then(|()| series.next_file()) {
        // Nothing but what was begun just now is in the folder; a failed start leaves no half recording.
        fs::remove_dir_all(folder).unwrap_or_default();
        return Err(error);
    }
    Ok(Box::new(series))
}

fn by_identifier(identifier: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.identifier == identifier)
}

fn unknown(path: &Path, storage: &str) -> Error {
    let known: Vec<&str> = FORMATS.iter().map(|format| format.identifier).collect();
    Error::NotABag { path: path.to_owned(), why: format!("its storage {storage:?} is none of {known:?}") }
}

/// The metadata version that goes with how a recording is written.
fn version_of(options: &Options) -> u32 {
    match options.style() {
        Style::Humble => 5,
        Style::Jazzy => 9,
    }
}

struct Declared {
    topic: Arc<Topic>,
    definition: String,
    type_hash: String,
}

struct Series {
    folder: PathBuf,
    format: &'static Format,
    options: Options,
    current: Option<(PathBuf, Box<dyn Volume>)>,
    /// Files begun so far.
    begun: usize,
    /// When the first message of the current file was received.
    first: Option<Stamp>,
    done: Vec<Tally>,
    topics: Vec<Declared>,
    /// Whether there are notes that the file does not have yet.
    changed: bool,
    /// Whether a file could not be ended and does not even open. Then there is no metadata: recovery writes it.
    is_torn: bool,
}

impl Series {
    fn next_file(&mut self) -> Result<(), Error> {
        self.close_file()?;
        let folder = self.folder.file_name().unwrap_or_default().to_string_lossy();
        let path = self.folder.join(format!("{folder}_{}.{}", self.begun, self.format.extension));
        let mut volume = (self.format.create)(&path, &self.options)?;
        for known in &self.topics {
            volume.declare(&known.topic, &known.definition, &known.type_hash)?;
        }
        self.current = Some((path, volume));
        self.begun += 1;
        self.first = None;
        self.changed = false;
        Ok(())
    }

    /// Ends the current file. What a full disk left of it is counted all the same.
    fn close_file(&mut self) -> Result<(), Error> {
        let Some((path, volume)) = self.current.take() else { return Ok(()) };
        match volume.close() {
            Ok(tally) => {
                self.done.push(tally);
                Ok(())
            }
            Err(error) => {
                match (self.format.open)(&path) {
                    Ok(left) => self.done.push(left.tally().clone()),
                    Err(_) => self.is_torn = true,
                }
                Err(error)
            }
        }
    }

    fn volume(&mut self) -> Result<&mut Box<dyn Volume>, Error> {
        let closed = || Error::damaged(&self.folder, "it could not be split and takes no more messages");
        self.current.as_mut().map(|(_, volume)| volume).ok_or_else(closed)
    }

    /// Whether the file is full before a message of that time is written.
    fn is_full(&self, received: Stamp) -> bool {
        let (Some(first), Some((_, volume))) = (self.first, &self.current) else { return false };
        let split = &self.options.split;
        let large = split.megabytes.is_some_and(|limit| volume.bytes() >= limit.saturating_mul(1_000_000));
        let long =
            |limit: f64| received.since(first) >= Duration::try_from_secs_f64(limit).unwrap_or(Duration::MAX);
        large || split.seconds.is_some_and(long)
    }

    fn keep_notes(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.changed) {
            let notes = self.options.notes.clone();
            self.volume()?.keep(&notes)?;
        }
        Ok(())
    }
}

impl Writer for Series {
    fn declare(&mut self, topic: &Arc<Topic>, definition: &str, type_hash: &str) -> Result<(), Error> {
        self.volume()?.declare(topic, definition, type_hash)?;
        let (definition, type_hash) = (definition.to_owned(), type_hash.to_owned());
        self.topics.push(Declared { topic: Arc::clone(topic), definition, type_hash });
        Ok(())
    }

    fn write(&mut self, sample: &Sample) -> Result<(), Error> {
        if self.is_full(sample.received) {
            self.next_file()?;
        }
        self.volume()?.write(sample)?;
        self.first.get_or_insert(sample.received);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.keep_notes()?;
        self.volume()?.flush()
    }

    fn bytes(&self) -> u64 {
        let done: u64 = self.done.iter().map(|file| file.bytes).sum();
        done + self.current.as_ref().map_or(0, |(_, volume)| volume.bytes())
    }

    fn note(&mut self, key: &str, value: &str) {
        self.options.notes.insert(key.to_owned(), value.to_owned());
        self.changed = true;
    }

    fn finish(mut self: Box<Self>) -> Result<(), Error> {
        let noted = self.keep_notes();
        let closed = self.close_file();
        let Options { notes, ros_distro, .. } = &self.options;
        let about =
            Metadata::of(self.format.identifier, version_of(&self.options), &self.done, notes, ros_distro);
        let saved = if self.is_torn { Ok(()) } else { about.save(&self.folder) };
        noted.and(closed).and(saved)
    }
}

/// Opens a recording: a folder, with `metadata.yaml` or without, or a single file.
pub fn open(path: &Path) -> Result<Box<dyn Reader>, Error> {
    let found = fs::metadata(path).map_err(Error::disk("opening", path))?;
    if found.is_file() {
        let format = format_of(path).ok_or_else(|| not_a_file(path))?;
        let shelves = vec![(format.open)(path)?];
        let torn = torn::of_files(&shelves);
        return Whole::of(shelves, None, torn);
    }
    let about = Metadata::load(path)?;
    let (format, files) = files_of(path, about.as_ref())?;
    let shelves: Vec<_> = files.iter().map(|file| (format.open)(file)).collect::<Result<_, _>>()?;
    let torn = torn::of_folder(&shelves, about.as_ref());
    Whole::of(shelves, about, torn)
}

fn not_a_file(path: &Path) -> Error {
    let known: Vec<&str> = FORMATS.iter().map(|format| format.extension).collect();
    Error::NotABag { path: path.to_owned(), why: format!("its extension is none of {known:?}") }
}

/// The format and the files of a folder, in their order.
pub(super) fn files_of(
    folder: &Path,
    about: Option<&Metadata>,
) -> Result<(&'static Format, Vec<PathBuf>), Error> {
    if let Some(about) = about {
        let storage = about.storage_identifier.as_str();
        let format = by_identifier(storage).ok_or_else(|| unknown(folder, storage))?;
        if !about.compression_mode.is_empty() && !about.compression_mode.eq_ignore_ascii_case("none") {
            let (mode, by) = (&about.compression_mode, &about.compression_format);
            let why = format!("it is compressed by {mode:?} with {by:?}; unpack it with `ros2 bag convert`");
            return Err(Error::NotABag { path: folder.to_owned(), why });
        }
        // Old recorders wrote paths with folders in them; the file itself always lies here.
        let names = about.relative_file_paths.iter().filter_map(|name| Path::new(name).file_name());
        return Ok((format, names.map(|name| folder.join(name)).collect()));
    }
    let entries = fs::read_dir(folder).map_err(Error::disk("listing", folder))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|file| format_of(file).is_some()).collect();
    files.sort_by_key(|file| number_of(file));
    let format = files.first().and_then(|file| format_of(file));
    let format = format.ok_or_else(|| Error::NotABag {
        path: folder.to_owned(),
        why: format!("there is neither a {:?} nor a file of messages in it", metadata::NAME),
    })?;
    files.retain(|file| format_of(file).is_some_and(|of| of.identifier == format.identifier));
    Ok((format, files))
}

/// A file's place in its series: the number its name ends in, then the name.
fn number_of(file: &Path) -> (u64, PathBuf) {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let number = stem.rsplit('_').next().and_then(|number| number.parse().ok());
    (number.unwrap_or(0), file.to_owned())
}

struct Whole {
    shelves: Vec<Box<dyn Shelf>>,
    files: Vec<Tally>,
    tracks: Vec<Track>,
    topics: Vec<Arc<Topic>>,
    notes: Notes,
    torn: Vec<Torn>,
}

impl Whole {
    fn of(
        shelves: Vec<Box<dyn Shelf>>,
        about: Option<Metadata>,
        torn: Vec<Torn>,
    ) -> Result<Box<dyn Reader>, Error> {
        let files: Vec<Tally> = shelves.iter().map(|shelf| shelf.tally().clone()).collect();
        let tracks = metadata::merge(&files);
        let notes = match about {
            Some(about) => about.custom_data,
            None => shelves.iter().flat_map(|shelf| shelf.notes().clone()).collect(),
        };
        let topics = tracks.iter().map(|track| Arc::clone(&track.topic)).collect();
        Ok(Box::new(Self { shelves, files, tracks, topics, notes, torn }))
    }
}

impl Reader for Whole {
    fn topics(&self) -> &[Arc<Topic>] {
        &self.topics
    }

    fn tracks(&self) -> &[Track] {
        &self.tracks
    }

    fn files(&self) -> &[Tally] {
        &self.files
    }

    fn span(&self) -> Option<(Stamp, Stamp)> {
        self.files.iter().fold(None, |span, file| metadata::join(span, file.span))
    }

    fn samples(&mut self, wanted: &[&str]) -> Samples<'_> {
        let wanted: Vec<String> = wanted.iter().map(|topic| (*topic).to_owned()).collect();
        let mut same: HashMap<String, Vec<Arc<Topic>>> = HashMap::new();
        for topic in self.topics.iter().filter(|_| self.shelves.len() > 1) {
            same.entry(topic.name.clone()).or_default().push(Arc::clone(topic));
        }
        let mut closed: Vec<(Stamp, &mut Box<dyn Shelf>)> = self
            .shelves
            .iter_mut()
            .map(|shelf| (shelf.tally().span.map_or(Stamp(i64::MIN), |(first, _)| first), shelf))
            .collect();
        closed.sort_by_key(|(first, _)| std::cmp::Reverse(*first));
        Box::new(Merged { wanted, same, closed, open: Vec::new() })
    }

    fn notes(&self) -> &Notes {
        &self.notes
    }

    fn torn(&self) -> &[Torn] {
        &self.torn
    }
}

/// A file being read, with its next item.
struct Head<'a> {
    next: Result<Sample, Error>,
    rest: Samples<'a>,
}

impl Head<'_> {
    /// When its turn is: an error's is at once.
    fn turn(&self) -> Stamp {
        self.next.as_ref().map_or(Stamp(i64::MIN), |sample| sample.received)
    }
}

struct Merged<'a> {
    wanted: Vec<String>,
    /// One topic for all files, by name; empty where there is one file.
    same: HashMap<String, Vec<Arc<Topic>>>,
    /// Files not yet opened, the next last.
    closed: Vec<(Stamp, &'a mut Box<dyn Shelf>)>,
    open: Vec<Head<'a>>,
}

impl<'a> Merged<'a> {
    /// Puts a file back with its next item, or away where it has none.
    fn put(&mut self, mut rest: Samples<'a>) {
        if let Some(next) = rest.next() {
            self.open.push(Head { next, rest });
        }
    }

    fn earliest(&self) -> Option<(Stamp, usize)> {
        self.open.iter().enumerate().map(|(at, head)| (head.turn(), at)).min()
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Sample, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((first, _)) = self.closed.last() {
            if self.earliest().is_some_and(|(turn, _)| turn < *first) {
                break;
            }
            let (_, shelf) = self.closed.pop()?;
            let samples = shelf.samples(&self.wanted);
            self.put(samples);
        }
        let (_, at) = self.earliest()?;
        let Head { mut next, rest } = self.open.swap_remove(at);
        self.put(rest);
        if let Ok(sample) = &mut next
            && let Some(named) = self.same.get(&sample.topic.name)
            && let Some(topic) = named.iter().find(|topic| topic.type_name == sample.topic.type_name)
        {
            sample.topic = Arc::clone(topic);
        }
        Some(next)
    }
}
