//! Waiting for a condition, and keeping a pace: the two reasons for which a test lets time pass.
//!
//! What another process or another thread does cannot always be waited for by a signal of its own. Then it is looked at, again and
//! again until a deadline, and in no other place than here.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Goes on as soon as `condition` holds; an error where it does not within `patience`.
pub(crate) fn until(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + patience;
    while !condition()? {
        ensure!(Instant::now() < deadline, "waited in vain for {patience:?}: {what}");
        sleep(LOOK);
    }
    Ok(())
}

/// The pace of a publisher, or the moment at which something is done to it: what is due at `due` does not come earlier.
pub(crate) fn due_at(due: Instant) {
    sleep(due.saturating_duration_since(Instant::now()));
}
