//! The threads of a runner: how they are started, watched and waited for.
//!
//! However one of them ends, what follows from it is decided here: without control nobody holds the robot, without those that hear and
//! speak nobody can be heard, and without thinking a person still drives.

use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::beat::{Patience, Said, UNDER_WAY};
use super::face::Face;
use super::pace::{self, Hours};
use super::robot::Robot;
use super::shared::Shared;
use super::{Error, lock};
use crate::control::{self, Gate, Limited};
use crate::node::Context;
use crate::precedence::Granted;
use crate::time::Stamp;

/// The thread that holds the robot. It is the last that is started, and the first whose end is waited for.
pub(super) const CONTROL: &str = "control";
/// How often the loop that shows the runner looks up.
const LOOK_UP: Duration = Duration::from_millis(20);
/// How long threads that shall end are waited for: one of them may be deep in a thought.
const ENDING: Duration = Duration::from_secs(2);

/// Notes what control was granted, and says what it was not.
pub(super) fn note(granted: &Mutex<Option<Granted>>, got: Granted) {
    *lock(granted) = Some(got);
    match got {
        Granted { fifo: true, memory: true } => tracing::debug!("control: {}", got.words()),
        _ => tracing::warn!("control: {}", got.words()),
    }
}

/// Shows a runner until it shall end. Without the threads that are `needed` there is nothing left to run for.
pub(super) fn show(
    context: &Context,
    shared: &Shared,
    face: &mut Face,
    hours: &Hours,
    threads: &[JoinHandle<()>],
    needed: &[&str],
) -> Result<(), Error> {
    while !context.stop.wished() && !context.bus.ended() && !shared.still.load(Relaxed) {
        face.turn(&context.stop, hours.now());
        // Without control nobody holds the robot, and all there is to do is to say so.
        if threads.iter().any(|thread| name(thread) == CONTROL && thread.is_finished()) {
            return Ok(());
        }
        let mut lost = threads.iter().filter(|thread| thread.is_finished() && needed.contains(&name(thread)));
        if let Some(lost) = lost.next() {
            return Err(Error::Lost { name: name(lost).to_owned() });
        }
        thread::sleep(LOOK_UP);
    }
    Ok(())
}

/// Waits for the threads: for control until the robot rests, for the others a while. Says whether control ended as it should.
pub(super) fn end(threads: Vec<JoinHandle<()>>) -> bool {
    let mut well = true;
    let deadline = pace::monotonic() + ENDING;
    for thread in threads.into_iter().rev() {
        let is_control = name(&thread) == CONTROL;
        while !is_control && !thread.is_finished() && pace::monotonic() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        // What a panic said was printed by it.
        if (is_control || thread.is_finished()) && thread.join().is_err() {
            well &= !is_control;
        }
    }
    well
}

fn name(thread: &JoinHandle<()>) -> &str {
    thread.thread().name().unwrap_or_default()
}

pub(super) fn start(
    name: &'static str,
    work: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, Error> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|source| Error::Thread { name, source })
}

/// The boxes in which commands travel, all that there will ever be.
pub(super) fn boxes(robot: &Robot, now: Stamp) -> impl Iterator<Item = Box<Said>> + use<> {
    let said = Said {
        at: now,
        values: vec![0.0; robot.joints.len()],
        known: false,
        driven: false,
        limited: Limited::default(),
        gate: Gate::new(&robot.control.gate, None, now),
        changed: false,
    };
    (0..UNDER_WAY).map(move |_| Box::new(said.clone()))
}

pub(super) fn patience(config: &control::Config) -> Patience {
    let milliseconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX);
    let dog = &config.watchdog;
    Patience { stopped: milliseconds(dog.stopped_ms), thinking: milliseconds(dog.thinking_ms) }
}
