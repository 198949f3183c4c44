//! The measured as TensorBoard reads it: `RUN/events.out.tfevents.…`.
//!
//! An event file is a row of records (length, checksum, bytes, checksum), each a protocol buffer `Event` of tensorflow's
//! `event.proto`. Only numbers are written, so the few fields that takes are put together here. The file is made from the
//! lines of metrics whenever a run begins or goes on, under a name of its own: a TensorBoard that reads along starts over.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Error;
use super::metrics::Line;
use crate::time::Stamp;

/// How the names of event files begin.
const BEGINS: &str = "events.out.tfevents.";

/// A file of events that grows.
#[derive(Debug)]
pub struct Events {
    path: PathBuf,
    file: File,
}

impl Events {
    /// Replaces the event files in `folder` by one with `lines`, named for `now`.
    pub fn create(folder: &Path, lines: &[Line], now: Stamp) -> Result<Self, Error> {
        let disk = |source| Error::Disk { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(disk)? {
            let path = entry.map_err(disk)?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(BEGINS)) {
                fs::remove_file(path).map_err(disk)?;
            }
        }
        let (seconds, nanoseconds) = now.parts();
        let path = folder.join(format!("{BEGINS}{seconds}.apprentice.{nanoseconds}"));
        let file = File::create_new(&path).map_err(disk)?;
        let mut events = Self { path, file };
        let mut version = Fields::default();
        version.double(1, seconds.into());
        version.bytes(3, b"brain.Event:2");
        events.write(&version.0)?;
        lines.iter().try_for_each(|line| events.add(line))?;
        Ok(events)
    }

    /// One more line: an event for the step, with a summary of every value.
    pub fn add(&mut self, line: &Line) -> Result<(), Error> {
        let mut summary = Fields::default();
        for (name, value) in &line.values {
            let mut of_one = Fields::default();
            of_one.bytes(1, name.as_bytes());
            of_one.float(2, *value as f32);
            summary.bytes(1, &of_one.0);
        }
        let mut event = Fields::default();
        event.double(1, line.stamp as f64 / 1e9);
        event.whole(2, line.step);
        event.bytes(5, &summary.0);
        self.write(&event.0)
    }

    /// A record around `event`.
    fn write(&mut self, event: &[u8]) -> Result<(), Error> {
        let length = (event.len() as u64).to_le_bytes();
        let record =
            [&length[..], &masked(&length).to_le_bytes(), event, &masked(event).to_le_bytes()].concat();
        self.file.write_all(&record).map_err(|source| Error::Disk { path: self.path.clone(), source })
    }
}

/// A checksum that may be part of what another checksum is taken of: turned and moved.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The fields of a protocol buffer.
#[derive(Debug, Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// The number of a field and how it is written.
    fn key(&mut self, field: u64, wire: u64) {
        self.varint(field << 3 | wire);
    }

    fn whole(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn line(step: u64, loss: f64) -> Line {
        let values = BTreeMap::from([("train/loss".to_owned(), loss)]);
        Line { step, stamp: 1_500_000_000, seconds: 0.5, values }
    }

    /// The one event file of `folder`.
    fn written(folder: &Path) -> std::io::Result<Vec<u8>> {
        let mut paths =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        assert_eq!(paths.len(), 1, "one file of events: {paths:?}");
        fs::read(paths.remove(0))
    }

    #[test]
    fn the_bytes_are_those_of_tensorboards_own_writer() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let mut events = Events::create(folder.path(), &[line(1, 2.0)], Stamp(1_000_000_000))?;
        events.add(&line(300, 0.25))?;
        assert_eq!(written(folder.path())?, GOLDEN);
        // A run that goes on leaves one file.
        drop(Events::create(folder.path(), &[line(1, 2.0)], Stamp(2_000_000_000))?);
        assert!(written(folder.path())?.len() < GOLDEN.len());
        Ok(())
    }

    /// Made by `tests/golden/make_events.py` with code that is not ours.
    const GOLDEN: &[u8] = include_bytes!("../../tests/golden/events.tfevents");
}
