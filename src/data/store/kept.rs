//! A decoded recording that is read: its numbers at once, its pictures as they are needed.
//!
//! All of it is held against its checksum when it is opened, which costs one reading; afterwards a picture is one positioned
//! read into where it is wanted.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::bytes::{Plain as _, take_row, take_take};
use super::{EXTENSION, MAGIC, Take};
use crate::data::{Camera, Error};

/// Where the rest begins, the checksum, and the magic word.
const FOOT: usize = 8 + 4 + MAGIC.len();
/// So many files stay open. Beyond, one is opened for each picture: a process may have about a thousand.
const OPEN: usize = 512;

/// A decoded recording.
#[derive(Debug)]
pub(in crate::data) struct Kept {
    pub(in crate::data) take: Take,
    pub(in crate::data) pictures: Pictures,
}

/// The pictures of one recording.
#[derive(Debug)]
pub(in crate::data) struct Pictures {
    path: PathBuf,
    file: Option<File>,
    /// Where each camera's pictures begin.
    begins: Vec<Vec<u64>>,
}

impl Kept {
    /// The file of that key in `folder`; nothing where there is none, or where it is damaged: then it is made anew. `number` is
    /// its number among all that are open.
    pub(in crate::data) fn open(
        folder: &Path,
        key: &str,
        cameras: &[Camera],
        number: usize,
    ) -> Result<Option<Self>, Error> {
        let path = folder.join(format!("{key}.{EXTENSION}"));
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => {
                opened.map_err(|source| Error::Cache { what: "opening", path: path.clone(), source })?
            }
        };
        let read =
            read(&file).map_err(|source| Error::Cache { what: "reading", path: path.clone(), source })?;
        let parsed = read.as_deref().and_then(|rest| parse(rest, cameras));
        let Some((begins, take)) = parsed else {
            tracing::warn!("{path:?} is damaged and is made anew");
            return Ok(None);
        };
        let file = (number < OPEN).then_some(file);
        Ok(Some(Self { take, pictures: Pictures { path, file, begins } }))
    }
}

/// What follows the pictures, if the whole file is as it was written.
fn read(mut file: &File) -> io::Result<Option<Vec<u8>>> {
    let length = file.metadata()?.len();
    let Some(end) = length.checked_sub(FOOT as u64).filter(|end| *end >= MAGIC.len() as u64) else {
        return Ok(None);
    };
    let mut foot = [0; FOOT];
    file.read_exact_at(&mut foot, end)?;
    let (mut numbers, magic) = foot.split_at(FOOT - MAGIC.len());
    let (Some(begins), Some(sum)) = (u64::take(&mut numbers), u32::take(&mut numbers)) else {
        return Ok(None);
    };
    if magic != MAGIC || !(MAGIC.len() as u64..=end).contains(&begins) {
        return Ok(None);
    }
    let (mut summed, mut block) = (crc32fast::Hasher::new(), vec![0; 1 << 20]);
    file.seek(SeekFrom::Start(0))?;
    let mut left = begins;
    while left > 0 {
        let part = &mut block[..left.min(1 << 20) as usize];
        file.read_exact(part)?;
        summed.update(part);
        left -= part.len() as u64;
    }
    let mut rest = vec![0; (end - begins) as usize];
    file.read_exact(&mut rest)?;
    summed.update(&rest);
    Ok((summed.finalize() == sum).then_some(rest))
}

fn parse(mut rest: &[u8], cameras: &[Camera]) -> Option<(Vec<Vec<u64>>, Take)> {
    let begins: Vec<Vec<u64>> = cameras.iter().map(|_| take_row(&mut rest)).collect::<Option<_>>()?;
    let take = take_take(&mut rest)?;
    (rest.is_empty() && take.places.len() == cameras.len()).then_some((begins, take))
}

impl Pictures {
    /// How many pictures there are of a camera.
    pub(in crate::data) fn count(&self, camera: usize) -> usize {
        self.begins[camera].len()
    }

    /// Fetches a picture into `out`, which is of its size.
    pub(in crate::data) fn fetch(&self, camera: usize, place: u32, out: &mut [u8]) -> Result<(), Error> {
        let begin = self.begins[camera][place as usize];
        let fetched = match &self.file {
            Some(file) => file.read_exact_at(out, begin),
            None => File::open(&self.path).and_then(|file| file.read_exact_at(out, begin)),
        };
        fetched.map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                Error::Damaged { path: self.path.clone(), why: "it became shorter" }
            }
            _ => Error::Cache { what: "reading", path: self.path.clone(), source },
        })
    }
}
