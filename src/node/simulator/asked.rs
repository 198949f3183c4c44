//! What may be asked of a simulator by services: another attempt, that something go wrong, and an arm that can be dragged.
//!
//! Requests wait in one bounded channel that the loop empties between two ticks, so that a world is never changed in the
//! middle of one; the caller is answered when it is done.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::Options;
use crate::bus::parameter::{Declared, Parameters, Value};
use crate::bus::typed::serve_typed;
use crate::bus::{Bus, Error, Served};
use crate::msg::own::{Disturb, DisturbResponse, Reset, ResetResponse};
use crate::msg::std::{SetBool, SetBoolResponse};
use crate::sim::Kind;

/// How many requests may wait.
const WAITING: usize = 8;
/// The longest a caller is kept waiting: a tick with pictures takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Ask {
    /// The attempt of that seed.
    Reset(u64),
    /// That kind of disturbance, that large.
    Disturb(Kind, f64),
    /// That the arm be limp, or stiff again.
    Teach(bool),
}

/// What came of it, and in words.
pub(super) type Answer = (bool, String);

/// The services of a simulator; dropped, they are no longer answered.
#[derive(Debug)]
pub(super) struct Asked {
    asked: Receiver<(Ask, SyncSender<Answer>)>,
    _served: [Box<dyn Served>; 3],
    _facts: Parameters,
}

impl Asked {
    /// Answers `~/reset`, `~/disturb` and `~/teach`, and tells of the options as parameters.
    pub(super) fn serve(bus: &dyn Bus, options: &Options) -> Result<Self, Error> {
        let facts = [
            ("world", Value::Text(options.world.clone()), "the world"),
            ("rate_hz", Value::Double(options.act.rate_hz), "ticks of control a second"),
        ];
        let facts = facts.map(|(name, value, about)| Declared::new(name, value, about).read_only());
        let (sender, asked) = sync_channel(WAITING);
        let (other, third) = (sender.clone(), sender.clone());
        let reset = serve_typed::<Reset>(bus, "~/reset", move |request| {
            let (success, message) = wait(&sender, Ask::Reset(request.seed));
            Ok(ResetResponse { success, message })
        })?;
        let disturb = serve_typed::<Disturb>(bus, "~/disturb", move |request| {
            let (success, message) = match request.kind.parse() {
                Ok(kind) => wait(&other, Ask::Disturb(kind, request.size)),
                Err(error) => (false, crate::sim::Error::to_string(&error)),
            };
            Ok(DisturbResponse { success, message })
        })?;
        let teach = serve_typed::<SetBool>(bus, "~/teach", move |request| {
            let (success, message) = wait(&third, Ask::Teach(request.data));
            Ok(SetBoolResponse { success, message })
        })?;
        Ok(Self { asked, _served: [reset, disturb, teach], _facts: Parameters::serve(bus, facts.into())? })
    }

    /// The next request, if there is one.
    pub(super) fn next(&self) -> Option<(Ask, SyncSender<Answer>)> {
        self.asked.try_recv().ok()
    }
}

fn wait(sender: &SyncSender<(Ask, SyncSender<Answer>)>, ask: Ask) -> Answer {
    let (answer, answered) = sync_channel(1);
    if sender.try_send((ask, answer)).is_err() {
        return (false, "the simulator is busy or has ended".to_owned());
    }
    answered.recv_timeout(PATIENCE).unwrap_or_else(|_none| (false, "the simulator did not answer".to_owned()))
}
