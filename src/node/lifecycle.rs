//! A node's life as `ros2 lifecycle` sees it: which state it is in, which ways lead on, and who may ask for one.
//!
//! A node of ours loads and subscribes before it answers anybody, or ends and says why: whoever finds it finds it configured, so
//! unconfigured is a state that nobody sees and to clean up is refused. Between inactive and active it is the node itself that
//! knows where it is, because its operator may start and stop it in other ways too; so it is asked, never remembered here.
//!
//! ```text
//!   inactive ──activate──▶ active ──deactivate──▶ inactive      either ──shutdown──▶ finalized, and the node ends
//! ```

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::bus::typed::{Publisher, serve_typed};
use crate::bus::{Bus, Error, Served};
use crate::msg::lifecycle::{
    ChangeState, ChangeStateResponse, GetAvailableStates, GetAvailableStatesResponse,
    GetAvailableTransitions, GetAvailableTransitionsResponse, GetState, GetStateResponse, State, Transition,
    TransitionDescription, TransitionEvent,
};
use crate::time::Clock;
use crate::wire::Qos;

/// Where in its life a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It has loaded and subscribed, and does nothing yet.
    Inactive,
    /// It is at work.
    Active,
    /// It ends.
    Finalized,
}

/// What a node may be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To begin its work.
    Activate,
    /// To pause its work.
    Deactivate,
    /// To end.
    Shutdown,
}

impl Phase {
    const ALL: [Self; 3] = [Self::Inactive, Self::Active, Self::Finalized];

    fn message(self) -> State {
        let (id, label) = match self {
            Self::Inactive => (State::PRIMARY_STATE_INACTIVE, "inactive"),
            Self::Active => (State::PRIMARY_STATE_ACTIVE, "active"),
            Self::Finalized => (State::PRIMARY_STATE_FINALIZED, "finalized"),
        };
        State { id, label: label.to_owned() }
    }
}

/// A way from one phase to another, with the number that ROS 2 has for it.
type Edge = (Phase, Way, Phase, u8);

/// Every way there is.
const GRAPH: [Edge; 4] = [
    (Phase::Inactive, Way::Activate, Phase::Active, Transition::TRANSITION_ACTIVATE),
    (Phase::Active, Way::Deactivate, Phase::Inactive, Transition::TRANSITION_DEACTIVATE),
    (Phase::Inactive, Way::Shutdown, Phase::Finalized, Transition::TRANSITION_INACTIVE_SHUTDOWN),
    (Phase::Active, Way::Shutdown, Phase::Finalized, Transition::TRANSITION_ACTIVE_SHUTDOWN),
];

fn label(way: Way) -> &'static str {
    match way {
        Way::Activate => "activate",
        Way::Deactivate => "deactivate",
        Way::Shutdown => "shutdown",
    }
}

fn describe((from, way, to, id): Edge) -> TransitionDescription {
    TransitionDescription {
        transition: Transition { id, label: label(way).to_owned() },
        start_state: from.message(),
        goal_state: to.message(),
    }
}

/// The way that is asked for from that phase: by its word where one is given, else by its number, as in ROS 2 itself.
fn find(from: Phase, asked: &Transition) -> Option<Edge> {
    GRAPH.into_iter().find(|(start, way, _, id)| {
        *start == from && if asked.label.is_empty() { *id == asked.id } else { asked.label == label(*way) }
    })
}

/// A node, as its life asks it.
pub trait Lives: Send {
    /// Where it is now.
    fn phase(&self) -> Phase;
    /// Has it go a way; whether it went, and what came of it in words.
    fn go(&mut self, way: Way) -> (bool, String);
}

struct Life {
    node: Box<dyn Lives>,
    events: Publisher<TransitionEvent>,
    clock: Arc<dyn Clock>,
}

impl Life {
    fn change(&mut self, asked: &Transition) -> bool {
        let from = self.node.phase();
        let Some(edge) = find(from, asked) else {
            tracing::warn!("no way {:?} ({}) leads on from {from:?}", asked.label, asked.id);
            return false;
        };
        let (went, words) = self.node.go(edge.1);
        if !went {
            tracing::warn!("to {} was refused: {words}", label(edge.1));
            return false;
        }
        let TransitionDescription { transition, start_state, goal_state } = describe(edge);
        let timestamp = u64::try_from(self.clock.now().0).unwrap_or_default();
        let event = TransitionEvent { timestamp, transition, start_state, goal_state };
        if let Err(error) = self.events.send(&event) {
            tracing::warn!(error = &error as &dyn std::error::Error, "a change of state was not told");
        }
        true
    }
}

/// A node's life, answered for until this is dropped.
pub struct Lifecycle {
    _served: Vec<Box<dyn Served>>,
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lifecycle").finish_non_exhaustive()
    }
}

impl Lifecycle {
    /// Answers `~/get_state`, `~/change_state` and what there is; changes that were asked for are told on `~/transition_event`.
    pub fn serve(bus: &dyn Bus, node: impl Lives + 'static) -> Result<Self, Error> {
        let events = Publisher::open(bus, "~/transition_event", Qos::reliable(10))?;
        let life = Life { node: Box::new(node), events, clock: bus.clock() };
        let life = Arc::new(Mutex::new(life));
        let lock = |life: &Arc<Mutex<Life>>| Arc::clone(life);
        let (asked, seen, here) = (lock(&life), lock(&life), lock(&life));
        let all = || GRAPH.into_iter().map(describe).collect();
        Ok(Self {
            _served: vec![
                serve_typed::<ChangeState>(bus, "~/change_state", move |request| {
                    let success = within(&asked, |life| life.change(&request.transition));
                    Ok(ChangeStateResponse { success })
                })?,
                serve_typed::<GetState>(bus, "~/get_state", move |_request| {
                    Ok(GetStateResponse { current_state: within(&seen, |life| life.node.phase()).message() })
                })?,
                serve_typed::<GetAvailableStates>(bus, "~/get_available_states", |_request| {
                    let available_states = Phase::ALL.map(Phase::message).to_vec();
                    Ok(GetAvailableStatesResponse { available_states })
                })?,
                serve_typed::<GetAvailableTransitions>(
                    bus,
                    "~/get_available_transitions",
                    move |_request| {
                        let from = within(&here, |life| life.node.phase());
                        let ways = GRAPH.into_iter().filter(|edge| edge.0 == from).map(describe);
                        Ok(GetAvailableTransitionsResponse { available_transitions: ways.collect() })
                    },
                )?,
                serve_typed::<GetAvailableTransitions>(bus, "~/get_transition_graph", move |_request| {
                    Ok(GetAvailableTransitionsResponse { available_transitions: all() })
                })?,
            ],
        })
    }
}

/// With the life locked; what is behind it is whole between two calls.
fn within<T>(life: &Mutex<Life>, look: impl FnOnce(&mut Life) -> T) -> T {
    look(&mut life.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::local::Hub;
    use crate::bus::typed::{call_typed, read, subscribe};
    use crate::bus::{Inbox, Limit, Node};
    use crate::msg::lifecycle::{ChangeStateRequest, GetAvailableTransitionsRequest, GetStateRequest};
    use std::time::{Duration, Instant};

    const SOON: Duration = Duration::from_secs(20);

    /// A node that refuses to be started a second time.
    struct Once(Phase, u32);

    impl Lives for Once {
        fn phase(&self) -> Phase {
            self.0
        }

        fn go(&mut self, way: Way) -> (bool, String) {
            self.1 += u32::from(way == Way::Activate);
            if way == Way::Activate && self.1 > 1 {
                return (false, "once was enough".to_owned());
            }
            self.0 = match way {
                Way::Activate => Phase::Active,
                Way::Deactivate => Phase::Inactive,
                Way::Shutdown => Phase::Finalized,
            };
            (true, String::new())
        }
    }

    #[test]
    fn a_node_goes_the_ways_there_are_and_no_others() -> Result<(), Error> {
        let hub = Hub::default();
        let (node, other) = (hub.join(Node::new("n", "")?), hub.join(Node::new("o", "")?));
        let _life = Lifecycle::serve(&node, Once(Phase::Inactive, 0))?;
        let inbox = Inbox::new(Limit { samples: 10, bytes: 10_000 });
        let _events = subscribe::<TransitionEvent>(&other, "/n/transition_event", Qos::reliable(10), &inbox)?;
        let change = |id, label: &str| {
            let request = ChangeStateRequest { transition: Transition { id, label: label.to_owned() } };
            Ok::<_, Error>(call_typed::<ChangeState>(&other, "/n/change_state", &request, SOON)?.success)
        };
        let phase = || {
            let said = call_typed::<GetState>(&other, "/n/get_state", &GetStateRequest {}, SOON)?;
            Ok::<_, Error>(said.current_state.label)
        };
        assert!(!change(Transition::TRANSITION_DEACTIVATE, "")?, "it is not active");
        assert!(!change(Transition::TRANSITION_CLEANUP, "")?, "nothing is cleaned up here");
        assert!(change(Transition::TRANSITION_ACTIVATE, "")?);
        assert_eq!(phase()?, "active");
        assert!(change(0, "deactivate")?, "by its word");
        assert!(!change(0, "activate")?, "the node refuses");
        assert_eq!(phase()?, "inactive");
        assert!(change(Transition::TRANSITION_INACTIVE_SHUTDOWN, "")?);
        assert_eq!(phase()?, "finalized");
        let told = std::iter::from_fn(|| inbox.wait(Instant::now() + Duration::from_millis(50)));
        let told = told.map(|sample| Ok(read::<TransitionEvent>(&sample)?.transition.label));
        assert_eq!(told.collect::<Result<Vec<_>, Error>>()?, ["activate", "deactivate", "shutdown"]);
        Ok(())
    }

    #[test]
    fn the_ways_from_here_are_told() -> Result<(), Error> {
        let node = Hub::default().join(Node::new("n", "")?);
        let _life = Lifecycle::serve(&node, Once(Phase::Active, 0))?;
        let told = |service| {
            let request = GetAvailableTransitionsRequest {};
            let said = call_typed::<GetAvailableTransitions>(&node, service, &request, SOON)?;
            let ways = said.available_transitions.into_iter();
            Ok::<_, Error>(ways.map(|way| (way.transition.id, way.goal_state.label)).collect::<Vec<_>>())
        };
        let from_active = vec![(4, "inactive".to_owned()), (7, "finalized".to_owned())];
        assert_eq!(told("~/get_available_transitions")?, from_active);
        assert_eq!(told("~/get_transition_graph")?.len(), 4);
        Ok(())
    }
}
