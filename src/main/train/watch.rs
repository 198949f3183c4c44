//! `apprentice train --watch`: a trainer that learns on whenever there is enough more to learn from.
//!
//! Beside a robot that is corrected all day nobody wants to start a training by hand. Each round is a run of its own, so that what was
//! learned from what stays known and a kill costs no round; whoever acts follows `best`, which leads from one round to the next in
//! one step.
//!
//! ```text
//! RUN/0000/  0001/  …      a run for each round, with recordings.json: what it learned from
//!     best                 leads to the best policy of the last round that is done
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::bag;
use apprentice::data;
use apprentice::node::trainer::Outside;
use apprentice::node::{Context, Stop};
use apprentice::policy::checkpoint;
use apprentice::train::{Ended, Folder};

use super::Train;
use crate::command::bag::Bags;
use crate::command::once::once;
use crate::command::options::put;
use crate::command::ros_args::RosArgs;

/// How often it is looked for more.
const LOOK: Duration = Duration::from_millis(250);
const BEST: &str = "best";

impl Train {
    /// Learns round after round until a signal comes.
    pub(super) fn watched(self, every: u32, ros: &RosArgs) -> anyhow::Result<()> {
        self.settled()?;
        if !self.round(0).exists() {
            Folder::open(&self.out, false)?;
        }
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let context = Context::new(self.bus.open("trainer", ros)?, stop);
        let outside = Outside::open(&context, &self.out, every)?;
        let (mut number, mut known) = (0, BTreeSet::new());
        while let Some(recordings) = self.recordings(number, &known, every, &outside)? {
            let (count, new) = (recordings.len(), recordings.difference(&known).count());
            put(&format!("round {number}: {count} recordings, {new} of them new"))?;
            match self.learned(number, &recordings, &outside) {
                Ok(true) => number += 1,
                Ok(false) => break,
                Err(error) if self.may_wait(number, &error) => {
                    tracing::warn!("nothing can be learned from these, and more are waited for: {error:#}");
                    fs::remove_file(self.list(number))?;
                }
                Err(error) => return Err(error),
            }
            known = recordings;
        }
        Ok(())
    }

    /// Whether it is the recordings that a round cannot begin with, so that more of them may mend it.
    fn may_wait(&self, number: u32, error: &anyhow::Error) -> bool {
        let of_recordings = error.is::<data::Error>() || error.is::<bag::Error>();
        of_recordings && checkpoint::find(&self.round(number)).is_err()
    }

    /// Where it stands what a round learns from.
    fn list(&self, number: u32) -> PathBuf {
        self.round(number).join("recordings.json")
    }

    fn round(&self, number: u32) -> PathBuf {
        self.out.join(format!("{number:04}"))
    }

    /// What a round learns from, once that is enough; nothing where it is to end.
    fn recordings(
        &self,
        number: u32,
        known: &BTreeSet<PathBuf>,
        every: u32,
        outside: &Outside,
    ) -> anyhow::Result<Option<BTreeSet<PathBuf>>> {
        let file = self.list(number);
        // Of a round that was begun before.
        if file.exists() {
            return once(&file, || Ok(BTreeSet::new())).map(Some);
        }
        let mut said = None;
        let mut complaint = None;
        while !outside.ends() {
            let there = match whole(&self.bags) {
                Ok(there) => there,
                // A folder that cannot be read now is not one without recordings: nothing is learned without it.
                Err(error) => {
                    let words = format!("{error:#}");
                    if complaint.as_ref() != Some(&words) {
                        tracing::warn!("waiting: {words}");
                        outside.about().say(&format!("waiting: {words}"));
                        complaint = Some(words);
                    }
                    thread::sleep(LOOK);
                    continue;
                }
            };
            let new = there.difference(known).count();
            if said != Some(new) {
                said = Some(new);
                let words = format!("waiting: {new} of {every} new recordings are there");
                outside.about().say(&words);
                tracing::info!("{words}");
            }
            if new >= every as usize || new > 0 && outside.is_asked() {
                outside.answered();
                return once(&file, || Ok(there)).map(Some);
            }
            thread::sleep(LOOK);
        }
        Ok(None)
    }

    /// Trains a round, and has `best` lead to it; whether it came to its end.
    fn learned(
        &self,
        number: u32,
        recordings: &BTreeSet<PathBuf>,
        outside: &Outside,
    ) -> anyhow::Result<bool> {
        let run = self.round(number);
        let mut round = self.clone();
        round.bags = recordings.iter().cloned().collect();
        (round.out, round.resume, round.about) = (run.clone(), true, Some(outside.about().clone()));
        if let Some(before) = number.checked_sub(1) {
            round.settings.set.push(format!("train.from={}", self.round(before).display()));
        }
        let done = run.join("trained.json");
        if done.exists() {
            return Ok(true);
        }
        let outcome = round.outcome()?;
        if outcome.ended == Ended::Stopped {
            return Ok(false);
        }
        let best = checkpoint::find(&run)?;
        lead(&self.out, best.strip_prefix(&self.out)?)
            .with_context(|| format!("{:?}", self.out.join(BEST)))?;
        // Last: a round of which this is there is not looked at again.
        once(&done, || Ok(outcome.sentence()))?;
        put(&format!("{}\n{}", outcome.sentence(), best.display()))?;
        Ok(true)
    }
}

/// Has `best` in `folder` lead to `target`, from one instant to the next.
fn lead(folder: &Path, target: &Path) -> std::io::Result<()> {
    let new = folder.join(".best");
    // What a kill left.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    symlink(target, &new)?;
    fs::rename(&new, folder.join(BEST))
}

/// The recordings that are whole: a recorder at work leaves no metadata yet. That there are none yet is no mistake.
fn whole(paths: &[PathBuf]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut whole = BTreeSet::new();
    for path in paths.iter().filter(|path| path.exists()) {
        let found = match Bags::of(std::slice::from_ref(path)).found() {
            Err(bag::Error::NotABag { .. }) => Vec::new(),
            found => found?,
        };
        for bag in found.into_iter().filter(|bag| bag.is_file() || bag.join("metadata.yaml").exists()) {
            whole.insert(fs::canonicalize(&bag).with_context(|| format!("{bag:?}"))?);
        }
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn best_leads_to_one_round_and_then_to_the_next() -> std::io::Result<()> {
        let folder = tempfile::tempdir()?;
        for round in ["0000", "0001"] {
            fs::create_dir_all(folder.path().join(round).join("best"))?;
            fs::write(folder.path().join(round).join("best/which"), round)?;
            lead(folder.path(), &Path::new(round).join("best"))?;
            assert_eq!(fs::read_to_string(folder.path().join("best/which"))?, round);
        }
        // A kill between the two steps leaves what is in the way of neither.
        symlink("nowhere", folder.path().join(".best"))?;
        lead(folder.path(), Path::new("0000/best"))?;
        assert_eq!(fs::read_to_string(folder.path().join("best/which"))?, "0000");
        Ok(())
    }

    #[test]
    fn a_recording_counts_once_it_is_whole() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let episode = folder.path().join("episode_0000");
        assert!(whole(&[folder.path().join("later"), folder.path().to_owned()])?.is_empty());
        fs::create_dir(&episode)?;
        fs::write(episode.join("episode_0000_0.mcap"), "")?;
        assert!(whole(&[folder.path().to_owned()])?.is_empty());
        fs::write(episode.join("metadata.yaml"), "")?;
        assert_eq!(whole(&[folder.path().to_owned()])?, BTreeSet::from([fs::canonicalize(&episode)?]));
        Ok(())
    }
}
