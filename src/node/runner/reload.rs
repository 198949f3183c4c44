//! The thread that loads another policy while the one in use goes on thinking.
//!
//! Everything that takes long or may fail is done here, and only a policy that has thought already is handed over. One that cannot
//! be used is refused in words, and nothing changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::time::{Duration, SystemTime};

use super::ask::{Reload, Reloads};
use super::mind::{Load, Mind};
use super::shared::Shared;

/// How often it is looked whether what is watched is another, and whether the runner ends.
const LOOK: Duration = Duration::from_millis(200);

/// Who loads.
pub(super) struct Loader {
    /// The policy that is in use.
    path: PathBuf,
    load: Load,
    minds: SyncSender<Mind>,
    shared: Arc<Shared>,
    watched: Option<Watched>,
}

/// What is looked at to see whether the policy in use was trained on.
struct Watched {
    /// The file that changes when it was, and when that was.
    file: PathBuf,
    changed: Option<SystemTime>,
}

impl Loader {
    /// Loads in the place of the policy at `path`; with `watched` also whenever that file changes.
    pub(super) fn new(
        path: PathBuf,
        load: Load,
        minds: SyncSender<Mind>,
        shared: Arc<Shared>,
        watched: Option<PathBuf>,
    ) -> Self {
        let watched = watched.map(|file| Watched { changed: changed(&file), file });
        Self { path, load, minds, shared, watched }
    }

    /// Loads what is asked for until the runner ends.
    pub(super) fn run(mut self, reloads: &Reloads) {
        while !self.shared.ends() {
            match reloads.recv_timeout(LOOK) {
                Ok(Reload { path, answer }) => {
                    let path = path.unwrap_or_else(|| self.path.clone());
                    let said = match self.change(&path) {
                        Ok(said) => (true, said),
                        Err(Refused::Broken(why)) => (false, why),
                        Err(Refused::Crowded) => (
                            false,
                            "refused: nobody thinks, or another policy waits to be taken in".to_owned(),
                        ),
                    };
                    if answer.try_send(said).is_err() {
                        tracing::debug!("who asked for a policy did not wait for the answer");
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.watch(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn watch(&mut self) {
        let Some(watched) = &mut self.watched else { return };
        let now = changed(&watched.file);
        // A file that is gone for an instant is one that is being written anew.
        if now.is_none() || now == watched.changed {
            return;
        }
        let path = self.path.clone();
        let came = self.change(&path);
        // One that found no room is a good one, and is tried again at the next look.
        if let Some(watched) = self.watched.as_mut().filter(|_| came != Err(Refused::Crowded)) {
            watched.changed = now;
        }
    }

    /// Loads the policy at `path` and hands it over; what came of it, in words.
    fn change(&mut self, path: &Path) -> Result<String, Refused> {
        let mind = match (self.load)(path) {
            Ok(mind) => mind,
            Err(why) => {
                tracing::warn!("{path:?} is refused, and the policy in use stays: {why}");
                return Err(Refused::Broken(format!("refused, and the policy in use stays: {why}")));
            }
        };
        let said = format!("{} is in use from the next chunk on", mind.name);
        match self.minds.try_send(mind) {
            Ok(()) => {
                path.clone_into(&mut self.path);
                Ok(said)
            }
            Err(_) => Err(Refused::Crowded),
        }
    }
}

/// Why another policy does not take over.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// It cannot be used, and why.
    Broken(String),
    /// Nobody thinks, or another policy waits to be taken in.
    Crowded,
}

fn changed(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|about| about.modified()).ok()
}
