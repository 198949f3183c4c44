//! `apprentice bag`: look at recordings, check them, make them whole, label and delete them.
//!
//! Every subcommand takes recordings and folders of recordings alike, goes through them one by one, and is not stopped
//! by one that is broken: that one is named, and the exit code tells.

mod change;
mod check;
mod info;

use std::fs;
use std::path::{Path, PathBuf};

use apprentice::bag;

pub(crate) use info::text_of as info_of;

/// Look at recordings, check them, make them whole, label and delete them
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Bag {
    Info(info::Info),
    Check(check::Check),
    Recover(change::Recover),
    Label(change::Label),
    Delete(change::Delete),
}

impl Bag {
    /// Does what is asked.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Info(info) => info.run(),
            Self::Check(check) => check.run(),
            Self::Recover(recover) => recover.run(),
            Self::Label(label) => label.run(),
            Self::Delete(delete) => delete.run(),
        }
    }
}

/// The recordings to work on.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Bags {
    /// A recording, a file of one, or a folder of recordings
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

impl Bags {
    /// Those named elsewhere than as the command's own paths.
    #[cfg(feature = "learn")]
    pub(crate) fn of(paths: &[PathBuf]) -> Self {
        Self { paths: paths.to_vec() }
    }

    /// Every recording, those of a folder by name.
    pub(crate) fn found(&self) -> Result<Vec<PathBuf>, bag::Error> {
        let mut found = Vec::new();
        for path in &self.paths {
            let before = found.len();
            look_into(path, 3, &mut found)?;
            if found.len() == before {
                let why = "nor is there one in the folders below".to_owned();
                return Err(bag::Error::NotABag { path: path.clone(), why });
            }
        }
        Ok(found)
    }

    /// Has `work` done on each recording; one that fails is named and the next one follows.
    fn each(&self, mut work: impl FnMut(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let found = self.found()?;
        let mut failed = 0;
        for path in &found {
            match work(path) {
                Ok(()) => {}
                Err(error) if found.len() == 1 => return Err(error),
                Err(error) => {
                    eprintln!("{}: {error:#}", path.display());
                    failed += 1;
                }
            }
        }
        anyhow::ensure!(failed == 0, "{failed} of {} recordings failed", found.len());
        Ok(())
    }
}

fn look_into(path: &Path, deep: usize, found: &mut Vec<PathBuf>) -> Result<(), bag::Error> {
    let listing = |source| bag::Error::Disk { what: "opening", path: path.to_owned(), source };
    if fs::metadata(path).map_err(listing)?.is_file() {
        found.push(path.to_owned());
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(path).map_err(listing)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    if entries.iter().any(|entry| of_a_bag(entry)) {
        found.push(path.to_owned());
    } else if deep > 0 {
        for folder in entries.iter().filter(|entry| entry.is_dir()) {
            look_into(folder, deep - 1, found)?;
        }
    }
    Ok(())
}

/// Whether a folder that holds this file is a recording.
fn of_a_bag(file: &Path) -> bool {
    let kind = file.extension().unwrap_or_default();
    file.is_file() && (kind == "mcap" || kind == "db3" || file.ends_with("metadata.yaml"))
}
