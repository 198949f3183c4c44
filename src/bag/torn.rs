//! What tells that a recording is not all there: a file without its end, no `metadata.yaml`, or one that counts otherwise.
//!
//! A reader gives what is left, because a torn recording is worth something; so that nobody takes it for a whole one,
//! it also says what is torn, and whoever shows or judges recordings passes that on.

use std::fmt;

use super::metadata::{self, Metadata};
use super::{Shelf, Tally};

/// One sign that a recording's writer died, or that it was cut afterwards. `apprentice bag recover` mends each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Torn {
    /// A file ends before its end.
    Cut {
        /// Its name inside the recording's folder.
        file: String,
    },
    /// The folder has no `metadata.yaml`, which is written last.
    Unfinished,
    /// `metadata.yaml` counts other messages than there are.
    Counted {
        /// As many does it count.
        noted: u64,
        /// As many are there.
        found: u64,
    },
}

impl fmt::Display for Torn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { file } => write!(out, "{file} ends in the middle"),
            Self::Unfinished => {
                write!(out, "it has no {}: its writer died, or is still at work", metadata::NAME)
            }
            Self::Counted { noted, found } => {
                write!(out, "{} counts {noted} messages, and {found} are there", metadata::NAME)
            }
        }
    }
}

/// What is torn of a folder with these files and this `metadata.yaml`.
pub(super) fn of_folder(shelves: &[Box<dyn Shelf>], about: Option<&Metadata>) -> Vec<Torn> {
    let mut torn = of_files(shelves);
    let found = shelves.iter().map(|shelf| shelf.tally().messages()).sum();
    match about {
        None => torn.push(Torn::Unfinished),
        Some(about) if about.message_count != found => {
            torn.push(Torn::Counted { noted: about.message_count, found });
        }
        Some(_) => {}
    }
    torn
}

/// What is torn of files by themselves.
pub(super) fn of_files(shelves: &[Box<dyn Shelf>]) -> Vec<Torn> {
    let cut = shelves.iter().filter(|shelf| !shelf.is_whole()).map(|shelf| shelf.tally());
    cut.map(|Tally { file, .. }| Torn::Cut { file: file.clone() }).collect()
}
