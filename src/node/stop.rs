//! The wish that a node end: uttered by Ctrl-C, by a service manager's SIGTERM, by a terminal that goes (a connection over SSH that
//! breaks), or by a caller.
//!
//! The first signal asks, and the node ends when its work is safe; the second does not ask. The terminal is put
//! back even then, because a shell without an echo is a poor thank-you for an emergency stop. Under `ros2 launch` one Ctrl-C comes
//! twice, from the terminal and from launch itself: what follows at once is the same wish.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Within this a second signal is the same wish as the first; nobody who waits for a node to end presses twice so soon.
const SAME: Duration = Duration::from_secs(1);

/// Whether a node shall end. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// The wish of this process, which SIGINT, SIGTERM and SIGHUP utter, the same for all who ask. A second signal ends the process at
    /// once with 128 + its number, as shells count such ends; one that follows within [`SAME`] is no second. A SIGHUP that is ignored
    /// from the start, as `nohup` has it, stays so.
    pub fn on_signals() -> io::Result<Self> {
        static OF_PROCESS: Mutex<Option<Stop>> = Mutex::new(None);
        let mut of_process = OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stop) = &*of_process {
            return Ok(stop.clone());
        }
        let stop = Self::heard()?;
        *of_process = Some(stop.clone());
        Ok(stop)
    }

    fn heard() -> io::Result<Self> {
        let stop = Self::default();
        let heard = stop.clone();
        let hangup = (!outlives_its_terminal()).then_some(SIGHUP);
        let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().chain(hangup))?;
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut last: Option<Instant> = None;
            for signal in signals.forever() {
                if last.is_some_and(|last| last.elapsed() < SAME) {
                    continue;
                }
                // Whoever was asked to end in another way has not been signalled yet: a robot may be on its way to rest.
                if last.replace(Instant::now()).is_some() {
                    super::screen::restore();
                    std::process::exit(128 + signal);
                }
                heard.wish();
            }
        })?;
        Ok(stop)
    }

    /// Utters the wish.
    pub fn wish(&self) {
        self.0.store(true, Relaxed);
    }

    /// Whether it was uttered.
    pub fn wished(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// Whether SIGHUP is ignored. A system that does not tell has it heard: a robot is rather brought to rest.
fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (SIGHUP - 1) & 1 == 1)
}
