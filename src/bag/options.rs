//! How a recording is kept: its storage, when it is split, what is noted beside it.
//!
//! [`Storage`] and [`Split`] are the `record.storage` and `record.split` sections of a robot's file, so a typo in
//! them is reported at its own line.

use serde::{Deserialize, Serialize};

use super::Notes;

/// How a recording is written.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The format of its files.
    pub storage: Storage,
    /// When a new file is begun.
    pub split: Split,
    /// What is known about it before its first message; kept in the file at once, so that it survives a crash.
    pub notes: Notes,
    /// The ROS distribution it was recorded on; empty where there is none.
    pub ros_distro: String,
}

/// The format of a recording's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Storage {
    /// MCAP, which every ROS 2 since Iron records by default.
    Mcap(Mcap),
    /// SQLite, for tools that know nothing else.
    Sqlite(Sqlite),
}

impl Default for Storage {
    fn default() -> Self {
        Self::Mcap(Mcap::default())
    }
}

/// How MCAP is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mcap {
    /// How chunks are compressed.
    pub compression: Compression,
    /// A chunk is ended once it is this large; a larger message gets a chunk of its own.
    pub chunk_bytes: u32,
    /// Whose `metadata.yaml` is written; where unsaid, that of the distribution it is recorded on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<Style>,
}

impl Default for Mcap {
    /// Chunks of 4 MiB: at 110 MB/s about 30 writes a second, and little memory held.
    fn default() -> Self {
        Self { compression: Compression::None, chunk_bytes: 4 << 20, style: None }
    }
}

/// How chunks are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all: the cheapest to write.
    #[default]
    None,
    /// Fast; raw images shrink a little.
    Lz4,
    /// Small; too slow for many raw cameras.
    Zstd,
}

/// How SQLite is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sqlite {
    /// Whose tables and `metadata.yaml` are written.
    pub style: Style,
}

/// Whose tables and `metadata.yaml` are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// Metadata version 5 and tables without definitions, as Humble writes and every later one reads.
    Humble,
    /// Metadata version 9 and tables with definitions and hashes.
    #[default]
    Jazzy,
}

impl Options {
    /// Whose `metadata.yaml` is written. Humble reads nothing newer than its own; every later one reads Humble's too.
    pub(super) fn style(&self) -> Style {
        match &self.storage {
            Storage::Sqlite(sqlite) => sqlite.style,
            Storage::Mcap(Mcap { style: Some(style), .. }) => *style,
            Storage::Mcap(_) if self.ros_distro == "humble" => Style::Humble,
            Storage::Mcap(_) => Style::Jazzy,
        }
    }
}

/// When a recording goes on in a new file. Without a limit it never does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// Once the file has this many millions of bytes.
    pub megabytes: Option<u64>,
    /// Once its messages span this many seconds.
    pub seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn storage_reads_as_a_robots_file_writes_it() {
        let storage: Storage = serde_saphyr::from_str("mcap: {compression: lz4}").expect("valid");
        assert_eq!(storage, Storage::Mcap(Mcap { compression: Compression::Lz4, ..Mcap::default() }));
        let storage: Storage = serde_saphyr::from_str("sqlite: {style: humble}").expect("valid");
        assert_eq!(storage, Storage::Sqlite(Sqlite { style: Style::Humble }));
    }

    #[test]
    fn mcap_on_humble_is_what_humble_reads_unless_another_is_asked_for() {
        let on = |distro: &str, style| Options {
            storage: Storage::Mcap(Mcap { style, ..Mcap::default() }),
            ros_distro: distro.to_owned(),
            ..Options::default()
        };
        assert_eq!(on("humble", None).style(), Style::Humble);
        assert_eq!(on("humble", Some(Style::Jazzy)).style(), Style::Jazzy);
        assert_eq!(on("jazzy", None).style(), Style::Jazzy);
        assert_eq!(on("", Some(Style::Humble)).style(), Style::Humble);
    }

    #[test]
    fn a_typo_in_storage_is_refused() {
        assert!(serde_saphyr::from_str::<Storage>("mcap: {compresion: lz4}").is_err());
        assert!(serde_saphyr::from_str::<Split>("{bytes: 3}").is_err());
    }
}
