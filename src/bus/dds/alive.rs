//! Whether the threads that rustdds started are still there.
//!
//! They do all of its work and end without a word where something in them fails. Then nothing is heard any more, and
//! nothing counted as missing either; so it must at least be said. The kernel lists the threads of this process, each
//! under a number of its own; a new one of rustdds's is known by its name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::bus::lock;

const THREADS: &str = "/proc/self/task";
/// What the names of its threads begin with.
const NAMED: &str = "RustDDS";

/// Threads that ought to live.
#[derive(Debug, Default)]
pub(super) struct Alive(BTreeSet<PathBuf>);

impl Alive {
    /// Remembers the threads of rustdds that `work` starts.
    pub(super) fn started_by<T>(work: impl FnOnce() -> T) -> (Self, T) {
        // One at a time, so that nobody takes another's for his own.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = lock(&TURN);
        let before = threads();
        let done = work();
        (Self(threads().difference(&before).cloned().collect()), done)
    }

    /// Whether one of them is no more. That is said once.
    pub(super) fn ended(&mut self) -> bool {
        let ended = self.0.iter().any(|thread| !thread.exists());
        if ended {
            self.0.clear();
        }
        ended
    }
}

fn threads() -> BTreeSet<PathBuf> {
    let named =
        |thread: &Path| fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with(NAMED));
    let entries = fs::read_dir(THREADS).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|thread| named(thread)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn a_thread_that_ends_is_missed_once() {
        let (end, ended) = sync_channel::<()>(0);
        let (running, runs) = sync_channel(0);
        let (mut alive, thread) = Alive::started_by(|| {
            let work = move || running.send(()).is_ok() && ended.recv().is_err();
            let thread = thread::Builder::new().name("RustDDS test".to_owned()).spawn(work);
            runs.recv().expect("it runs");
            thread.expect("there is room for a thread")
        });
        assert!(!alive.ended());
        drop(end);
        assert!(thread.join().expect("it ends"), "it was told to");
        // The kernel takes its entry away a moment after it was joined.
        let deadline = Instant::now() + Duration::from_secs(10);
        while !alive.ended() {
            assert!(Instant::now() < deadline, "{alive:?}");
            thread::yield_now();
        }
        assert!(!alive.ended());
    }
}
