//! What an operator may ask for, by a service or by a key, and how the answer finds its way back.
//!
//! Both ways end in one bounded channel that the node's loop empties between two messages: nothing but the loop
//! ever touches an episode. A service's caller waits for the answer, so that "stopped" means that the bag is whole.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Error;
use super::status::State;
use crate::bus::typed::serve_typed;
use crate::bus::{Bus, Served};
use crate::msg::std::{SetBool, SetBoolResponse, Trigger, TriggerResponse};
use crate::node::lifecycle::{Lifecycle, Lives, Phase, Way};
use crate::node::screen::Key;

/// How many requests may wait; nobody presses keys faster.
const WAITING: usize = 8;
/// The longest a service's caller is kept waiting; a bag of several gigabytes ends within it.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the loop may take to note what it has just done.
const NOTED: Duration = Duration::from_secs(1);

/// What may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Start,
    /// End the episode and keep it; with a verdict, where there is one.
    Stop(Option<bool>),
    Discard,
    SaveLast,
    Quit,
}

/// Something asked for, and where the answer goes.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) ask: Ask,
    pub(super) answer: Answer,
}

/// Where an answer goes; dropped unanswered, the asker hears that nothing came of it.
#[derive(Debug, Default)]
pub(super) struct Answer(Option<SyncSender<Reply>>);

/// What an asker hears: what came of it, or why nothing did.
pub(super) type Reply = Result<String, Refusal>;

/// Why nothing came of what was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// There is no episode to end.
    #[error("nothing is being recorded")]
    Idle,
    /// The last seconds were not kept.
    #[error("nothing is kept: record.ring.seconds is 0")]
    NoRing,
    /// Time is `/clock`'s, which has not said any yet.
    #[error("there is no time yet: use_sim_time is true, and /clock has said nothing or stands at zero")]
    Timeless,
    /// An episode is running or being saved.
    #[error("{path:?} is not finished yet")]
    Unfinished {
        /// Its folder.
        path: PathBuf,
    },
    /// It was tried and failed, with these words; the error itself stays with the recorder, which shows it.
    #[error("{words}")]
    Failed {
        /// The error and its causes.
        words: String,
    },
}

impl Answer {
    /// Tells the asker. Who asked by a key reads it in the table.
    pub(super) fn tell(self, reply: Reply) {
        if let Some(sender) = self.0
            && sender.try_send(reply).is_err()
        {
            tracing::debug!("a service's caller did not wait for its answer");
        }
    }
}

/// The services of a recorder; dropped, they are no longer answered.
#[derive(Debug)]
pub(super) struct Services {
    asked: Receiver<Asked>,
    state: Arc<Mutex<State>>,
    _served: Vec<Box<dyn Served>>,
    _life: Lifecycle,
}

impl Services {
    /// Answers `~/start`, `~/stop`, `~/discard` and `~/save_last`, and for the recorder's life.
    pub(super) fn serve(bus: &dyn Bus) -> Result<Self, Error> {
        let (sender, asked) = sync_channel(WAITING);
        let trigger = |name: &str, ask: Ask| {
            let sender = sender.clone();
            serve_typed::<Trigger>(bus, name, move |_request| {
                let (success, message) = ask_and_wait(&sender, ask);
                Ok(TriggerResponse { success, message })
            })
        };
        let mut served = vec![
            trigger("~/start", Ask::Start)?,
            trigger("~/discard", Ask::Discard)?,
            trigger("~/save_last", Ask::SaveLast)?,
        ];
        let stop = sender.clone();
        served.push(serve_typed::<SetBool>(bus, "~/stop", move |request| {
            let (success, message) = ask_and_wait(&stop, Ask::Stop(Some(request.data)));
            Ok(SetBoolResponse { success, message })
        })?);
        let state = Arc::new(Mutex::new(State::Idle));
        let life = Lifecycle::serve(bus, Life { sender, state: Arc::clone(&state), ended: false })?;
        Ok(Self { asked, state, _served: served, _life: life })
    }

    /// Notes what the recorder is doing, for whoever asks where in its life it is.
    pub(super) fn note(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    /// The next request, if there is one.
    pub(super) fn next(&self) -> Option<Asked> {
        self.asked.try_recv().ok()
    }
}

/// A recorder's life: it is active while it records.
struct Life {
    sender: SyncSender<Asked>,
    state: Arc<Mutex<State>>,
    ended: bool,
}

impl Life {
    /// What was asked for and, where it was done, seen to have been.
    fn ask(&self, ask: Ask, then: Phase) -> (bool, String) {
        let (done, words) = ask_and_wait(&self.sender, ask);
        let deadline = Instant::now() + NOTED;
        while done && self.phase() != then && Instant::now() < deadline {
            sleep(Duration::from_millis(2));
        }
        (done, words)
    }
}

impl Lives for Life {
    fn phase(&self) -> Phase {
        match *self.state.lock().unwrap_or_else(PoisonError::into_inner) {
            _ if self.ended => Phase::Finalized,
            State::Recording | State::Saving => Phase::Active,
            State::Idle | State::Failed => Phase::Inactive,
        }
    }

    fn go(&mut self, way: Way) -> (bool, String) {
        match way {
            Way::Activate => self.ask(Ask::Start, Phase::Active),
            Way::Deactivate => self.ask(Ask::Stop(None), Phase::Inactive),
            Way::Shutdown => {
                let asked = Asked { ask: Ask::Quit, answer: Answer::default() };
                self.ended = self.sender.try_send(asked).is_ok();
                (self.ended, "the recorder is busy or has ended".to_owned())
            }
        }
    }
}

fn ask_and_wait(sender: &SyncSender<Asked>, ask: Ask) -> (bool, String) {
    let (answer, answered) = sync_channel(1);
    if sender.try_send(Asked { ask, answer: Answer(Some(answer)) }).is_err() {
        return (false, "the recorder is busy or has ended".to_owned());
    }
    match answered.recv_timeout(PATIENCE) {
        Ok(Ok(word)) => (true, word),
        Ok(Err(why)) => (false, why.to_string()),
        Err(_none) => (false, "the recorder did not answer".to_owned()),
    }
}

/// What a key asks for.
pub(super) fn ask_of(key: Key, state: State) -> Option<Ask> {
    let recording = state == State::Recording;
    match key {
        Key::Char(' ') | Key::Enter => Some(if recording { Ask::Stop(None) } else { Ask::Start }),
        Key::Char('s') if recording => Some(Ask::Stop(Some(true))),
        Key::Char('f') if recording => Some(Ask::Stop(Some(false))),
        Key::Char('d') if recording => Some(Ask::Discard),
        Key::Char('l') => Some(Ask::SaveLast),
        Key::Char('q') => Some(Ask::Quit),
        Key::Char(_) | Key::Interrupt => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_starts_and_stops() {
        assert_eq!(ask_of(Key::Char(' '), State::Idle), Some(Ask::Start));
        assert_eq!(ask_of(Key::Enter, State::Recording), Some(Ask::Stop(None)));
        assert_eq!(ask_of(Key::Char('s'), State::Recording), Some(Ask::Stop(Some(true))));
        assert_eq!(ask_of(Key::Char('d'), State::Idle), None, "there is nothing to discard");
    }
}
