//! Decoded recordings, kept beside the bags: pictures in a file, numbers in memory.
//!
//! A file's name is the hash of what it was made from (the recording's bytes and every setting that shapes what comes out), so a
//! stale one is never found. It is written under another name and renamed when it is whole: two processes may make the same one,
//! and one that is killed leaves nothing that could be taken for it. Checksums see what a disk does later; a damaged file is made anew.
//!
//! Pictures are fetched with positioned reads straight into the batch, not through a map of the file: from the page cache that
//! costs the same copy, it needs no unsafe code, a file that shrinks is an error and not a signal, and what a data set larger than
//! memory needs is the kernel's to keep or to drop.

mod bytes;
mod draft;
mod kept;
mod key;

use serde::{Deserialize, Serialize};

use super::driver::Driver;
use super::summary::Account;
use crate::time::Stamp;

pub(super) use draft::{Draft, prepare};
pub(super) use kept::Kept;
pub(super) use key::{identity, key};

/// What a file begins and ends with; the number is that of the format.
const MAGIC: &[u8; 8] = b"APPRTAK2";
/// The end of a file's name.
const EXTENSION: &str = "frames";
/// The same while it is being written.
const DRAFT: &str = "part";

/// What was seen and done in one recording, tick by tick; pictures by their place in the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Take {
    pub(super) stamps: Vec<Stamp>,
    /// `[ticks, state]`
    pub(super) state: Vec<f32>,
    /// `[ticks, action]`
    pub(super) past: Vec<f32>,
    /// `[ticks, action]`
    pub(super) actions: Vec<f32>,
    /// `[ticks - unaimed, goal]`
    pub(super) goals: Vec<f32>,
    /// How many ticks lie before the first goal was told.
    pub(super) unaimed: usize,
    pub(super) drivers: Vec<Driver>,
    /// Whether the action of a tick is known.
    pub(super) labelled: Vec<bool>,
    /// Of each camera, which picture was seen at each tick.
    pub(super) places: Vec<Vec<u32>>,
    /// Runs of ticks without a gap.
    pub(super) stretches: Vec<Stretch>,
    pub(super) account: Account,
}

/// A run of ticks without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stretch {
    pub(super) first: usize,
    pub(super) ticks: usize,
}
