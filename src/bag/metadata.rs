//! `metadata.yaml`: what `ros2 bag info` reads first. Versions 4 to 9 are read, 5 and 9 written.
//!
//! The file is written beside its place and renamed into it, so that a folder either has a whole one or none: a
//! recording without it is one whose writer died. Keys that a version does not have are taken as empty.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::qos::{self, Profile};
use super::{Error, Notes, Tally, Track};
use crate::time::Stamp;

/// The name of the file.
pub(super) const NAME: &str = "metadata.yaml";
/// The name under which it is written before it is renamed.
pub(super) const DRAFT: &str = ".metadata.yaml.new";
/// The versions that are read.
pub(super) const VERSIONS: std::ops::RangeInclusive<u32> = 4..=NEWEST;
/// The newest of them, which is written.
pub(super) const NEWEST: u32 = 9;
/// The version that Humble writes.
pub(super) const HUMBLE: u32 = 5;
/// The largest metadata file that is read at all.
const LIMIT: u64 = 16 << 20;

/// The file's only key.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    rosbag2_bagfile_information: Metadata,
}

/// What rosbag2 knows about a recording without opening its files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Metadata {
    pub(super) version: u32,
    pub(super) storage_identifier: String,
    pub(super) duration: Duration,
    pub(super) starting_time: Start,
    pub(super) message_count: u64,
    pub(super) topics_with_message_count: Vec<Counted>,
    #[serde(default)]
    pub(super) compression_format: String,
    #[serde(default)]
    pub(super) compression_mode: String,
    pub(super) relative_file_paths: Vec<String>,
    #[serde(default)]
    pub(super) files: Vec<File>,
    #[serde(default, deserialize_with = "nothing_is_empty")]
    pub(super) custom_data: Notes,
    #[serde(default)]
    pub(super) ros_distro: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Duration {
    nanoseconds: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Start {
    nanoseconds_since_epoch: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Counted {
    topic_metadata: Named,
    message_count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Named {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    serialization_format: String,
    #[serde(default)]
    offered_qos_profiles: Offered,
    /// Since version 7, and then never missing: rosbag2 insists on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    type_description_hash: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) path: String,
    starting_time: Start,
    duration: Duration,
    message_count: u64,
}

/// Profiles as a list (version 9) or as the text of one (before).
#[derive(Clone, Debug, PartialEq)]
enum Offered {
    List(Vec<Profile>),
    Text(String),
}

impl Default for Offered {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Serialize for Offered {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::List(list) => list.serialize(out),
            Self::Text(text) => text.serialize(out),
        }
    }
}

impl<'de> Deserialize<'de> for Offered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            List(Vec<Profile>),
            Text(String),
        }
        Ok(match Option::<Either>::deserialize(from)? {
            Some(Either::List(list)) => Self::List(list),
            Some(Either::Text(text)) => Self::Text(text),
            None => Self::default(),
        })
    }
}

fn nothing_is_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Notes, D::Error> {
    Ok(Option::<Notes>::deserialize(from)?.unwrap_or_default())
}

fn start_and_length(span: Option<(Stamp, Stamp)>) -> (Start, Duration) {
    let (first, last) = span.unwrap_or_default();
    (
        Start { nanoseconds_since_epoch: first.0 },
        Duration { nanoseconds: last.0.saturating_sub(first.0).max(0) },
    )
}

/// The span that holds both.
pub(super) fn join(a: Option<(Stamp, Stamp)>, b: Option<(Stamp, Stamp)>) -> Option<(Stamp, Stamp)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// The topics of several files as one list, their messages added up.
pub(super) fn merge(files: &[Tally]) -> Vec<Track> {
    let mut merged: Vec<Track> = Vec::new();
    let mut places: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for track in files.iter().flat_map(|file| &file.tracks) {
        let key = (track.topic.name.as_str(), track.topic.type_name.as_str());
        match places.get(&key) {
            None => {
                places.insert(key, merged.len());
                merged.push(track.clone());
            }
            Some(&place) => {
                let known = &mut merged[place];
                known.messages += track.messages;
                if known.definition.is_empty() {
                    known.definition = track.definition.clone();
                }
                if known.type_hash.is_empty() {
                    known.type_hash = track.type_hash.clone();
                }
            }
        }
    }
    merged
}

impl Metadata {
    /// The metadata of a recording that consists of `files`.
    pub(super) fn of(identifier: &str, version: u32, files: &[Tally], notes: &Notes, distro: &str) -> Self {
        let (starting_time, duration) =
            start_and_length(files.iter().fold(None, |span, file| join(span, file.span)));
        let counted = |track: &Track| Counted {
            topic_metadata: Named {
                name: track.topic.name.clone(),
                type_name: track.topic.type_name.clone(),
                serialization_format: "cdr".to_owned(),
                offered_qos_profiles: match version {
                    9.. => Offered::List(qos::profiles(&track.topic.qos, version)),
                    _ => Offered::Text(qos::text(&track.topic.qos, version)),
                },
                type_description_hash: (version >= 7).then(|| track.type_hash.clone()),
            },
            message_count: track.messages,
        };
        let file = |tally: &Tally| {
            let (starting_time, duration) = start_and_length(tally.span);
            File { path: tally.file.clone(), starting_time, duration, message_count: tally.messages() }
        };
        Self {
            version,
            storage_identifier: identifier.to_owned(),
            duration,
            starting_time,
            message_count: files.iter().map(Tally::messages).sum(),
            topics_with_message_count: merge(files).iter().map(counted).collect(),
            compression_format: String::new(),
            compression_mode: String::new(),
            relative_file_paths: files.iter().map(|file| file.file.clone()).collect(),
            files: files.iter().map(file).collect(),
            custom_data: notes.clone(),
            ros_distro: distro.to_owned(),
        }
    }

    /// The metadata as it also stands inside a storage file: without the outer key.
    pub(super) fn inner_text(&self) -> String {
        serde_saphyr::to_string(self).unwrap_or_default()
    }

    /// Reads what [`inner_text`](Self::inner_text) wrote, or another recorder.
    pub(super) fn from_inner_text(text: &str) -> Option<Self> {
        serde_saphyr::from_str(text).ok()
    }

    /// Reads the metadata of a folder; `None` where it has none.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(NAME);
        let size = match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::disk("reading", &path)(source)),
            Ok(about) => about.len(),
        };
        if size > LIMIT {
            return Err(Error::damaged(&path, format!("it has {size} bytes, over the limit of {LIMIT}")));
        }
        let text = fs::read(&path).map_err(Error::disk("reading", &path))?;
        Self::parse(&text, &path).map(Some)
    }

    /// Reads the text of a `metadata.yaml`.
    pub(super) fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let text = std::str::from_utf8(text).map_err(|error| Error::damaged(path, error))?;
        let page: Page = serde_saphyr::from_str(text).map_err(|error| Error::damaged(path, error))?;
        let metadata = page.rosbag2_bagfile_information;
        match metadata.version {
            version if VERSIONS.contains(&version) => Ok(metadata),
            version => Err(Error::damaged(path, format!("version {version} is none of 4 to {NEWEST}"))),
        }
    }

    /// Writes the metadata of a folder: whole or not at all.
    pub(super) fn save(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(NAME);
        let page = Page { rosbag2_bagfile_information: self.clone() };
        let text = serde_saphyr::to_string(&page).map_err(|error| Error::damaged(&path, error))?;
        let write = || -> std::io::Result<()> {
            let draft = folder.join(DRAFT);
            let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&draft)?;
            file.write_all_at(text.as_bytes(), 0)?;
            file.set_len(text.len() as u64)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(Error::disk("writing", &path))
    }
}

/// Takes room for the metadata before there is any, so that a disk that is full at the end still has it.
pub(super) fn reserve(folder: &Path) -> Result<(), Error> {
    const ROOM: usize = 64 << 10;
    let draft = folder.join(DRAFT);
    fs::write(&draft, vec![b'\n'; ROOM]).map_err(Error::disk("writing", &draft))
}
