//! What an operator may ask for, by a service or by a key, and how the answer finds its way back.
//!
//! Both ways end in one bounded channel that the node's loop empties between two messages: nothing but the loop
//! ever touches an episode. A service's caller waits for the answer, so that "stopped" means that the bag is whole.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use bytes::Bytes;

use super::Error;
use super::service::{self, Reply};
use super::status::State;
use crate::bus::{self, Bus, Served};
use crate::node::screen::Key;

/// How many requests may wait; nobody presses keys faster.
const WAITING: usize = 8;
/// The longest a service's caller is kept waiting; a bag of several gigabytes ends within it.
const PATIENCE: Duration = Duration::from_secs(60);

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

impl Answer {
    /// Tells the asker. Who asked by a key reads it in the table.
    pub(super) fn tell(self, result: &Result<String, String>) {
        let Some(sender) = self.0 else { return };
        let (success, message) = match result {
            Ok(word) => (true, word.clone()),
            Err(why) => (false, why.clone()),
        };
        if sender.try_send(Reply { success, message }).is_err() {
            tracing::debug!("a service's caller did not wait for its answer");
        }
    }
}

/// The services of a recorder; dropped, they are no longer answered.
#[derive(Debug)]
pub(super) struct Services {
    asked: Receiver<Asked>,
    _served: Vec<Box<dyn Served>>,
}

impl Services {
    /// Answers `~/start`, `~/stop`, `~/discard` and `~/save_last`.
    pub(super) fn serve(bus: &dyn Bus) -> Result<Self, Error> {
        let (sender, asked) = sync_channel(WAITING);
        let trigger = |name: &str, ask: Ask| {
            let sender = sender.clone();
            let answer = move |_request: Bytes| Ok(service::trigger_response(ask_and_wait(&sender, ask)));
            bus.serve(name, service::TRIGGER, Box::new(answer))
        };
        let mut served = vec![
            trigger("~/start", Ask::Start)?,
            trigger("~/discard", Ask::Discard)?,
            trigger("~/save_last", Ask::SaveLast)?,
        ];
        let stop = move |request: Bytes| -> Result<Bytes, bus::Error> {
            let success = service::set_bool_of(&request, "~/stop")?;
            Ok(service::set_bool_response(ask_and_wait(&sender, Ask::Stop(Some(success)))))
        };
        served.push(bus.serve("~/stop", service::SET_BOOL, Box::new(stop))?);
        Ok(Self { asked, _served: served })
    }

    /// The next request, if there is one.
    pub(super) fn next(&self) -> Option<Asked> {
        self.asked.try_recv().ok()
    }
}

fn ask_and_wait(sender: &SyncSender<Asked>, ask: Ask) -> Reply {
    let refused = |why: &str| Reply { success: false, message: why.to_owned() };
    let (answer, answered) = sync_channel(1);
    if sender.try_send(Asked { ask, answer: Answer(Some(answer)) }).is_err() {
        return refused("the recorder is busy or has ended");
    }
    answered.recv_timeout(PATIENCE).unwrap_or_else(|_| refused("the recorder did not answer"))
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
