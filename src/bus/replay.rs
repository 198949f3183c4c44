//! A bag as a bus: what was recorded comes again, in its own time or in ours, and nothing of it is lost.
//!
//! A bag can wait, so the player waits where an inbox has no room instead of dropping what is oldest; and so time on
//! this bus never runs ahead of a sample that is not delivered yet. Between the nodes on it, it is a [`Hub`].

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::local::{Hub, Local, Mouth};
use super::{Answer, Bus, Error, Inbox, Node, Offer, Served, Sink, Subscription, lock};
use crate::bag::Reader;
use crate::time::{Clock, Stamp};
use crate::wire::{Sample, Topic};

/// The node that publishes what is in the bag.
const PLAYER: &str = "/bag";
/// How often one who waits for the player looks whether the wait still has a point.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How fast a bag is played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Pace {
    /// As fast as it is taken.
    #[default]
    Free,
    /// That many seconds of the bag in a second of ours.
    Times(f64),
    /// To where [`Replay::step_to`] says and no further.
    Stepped,
}

/// Which bag, and how fast.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// The recording.
    pub bag: PathBuf,
    /// How fast it is played.
    pub pace: Pace,
}

/// One node's end of a bag that is played. Clones of it by [`Replay::join`] are other nodes on the same bag.
#[derive(Clone)]
pub struct Replay {
    local: Local,
    stage: Arc<Stage>,
    _last: Arc<Last>,
}

/// What player and nodes share.
struct Stage {
    clock: BagClock,
    state: Mutex<State>,
    changed: Condvar,
    /// Set when no node is left.
    gone: AtomicBool,
    damaged: AtomicU64,
}

#[derive(Default)]
struct State {
    ready: bool,
    /// How far it may play.
    allowed: Option<Stamp>,
    /// The sample the player holds back until it may.
    next: Option<Stamp>,
    ended: bool,
}

/// Ends the player with the last node.
struct Last(Arc<Stage>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.gone.store(true, Relaxed);
        self.0.changed.notify_all();
    }
}

/// Time as the bag has it: that of the sample delivered last or, at a pace, what has passed since the start, but never
/// past the next sample.
struct BagClock {
    told: AtomicI64,
    running: Mutex<Option<Running>>,
}

#[derive(Clone, Copy)]
struct Running {
    from: Stamp,
    since: Instant,
    times: f64,
    next: Stamp,
}

impl Running {
    fn now(&self) -> Stamp {
        (self.from + self.since.elapsed().mul_f64(self.times)).min(self.next)
    }
}

impl Clock for Stage {
    fn now(&self) -> Stamp {
        let told = Stamp(self.clock.told.load(Relaxed));
        lock(&self.clock.running).map_or(told, |running| running.now().max(told))
    }
}

impl Replay {
    /// A bus on which `bag` is played once everyone is ready, with `node` on it.
    pub fn open(bag: Box<dyn Reader>, pace: Pace, node: Node) -> Result<Self, Error> {
        let start = bag.span().map_or(Stamp(0), |(first, _)| first);
        let stage = Arc::new(Stage {
            clock: BagClock { told: AtomicI64::new(start.0), running: Mutex::default() },
            state: Mutex::default(),
            changed: Condvar::new(),
            gone: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
        });
        let hub = Hub::new(Arc::clone(&stage) as Arc<dyn Clock>);
        let mouths: HashMap<(String, String), Mouth> = bag
            .topics()
            .iter()
            .map(|topic| ((topic.name.clone(), topic.type_name.clone()), hub.advertise(PLAYER, topic)))
            .collect();
        let player = Player { stage: Arc::clone(&stage), pace, start, mouths };
        thread::Builder::new()
            .name("bus replay".to_owned())
            .spawn(move || player.play(bag))
            .map_err(|error| Error::Open { bus: "replay", source: error.into() })?;
        let last = Arc::new(Last(Arc::clone(&stage)));
        Ok(Self { local: hub.join(node), stage, _last: last })
    }

    /// Another node on the same bag.
    #[must_use]
    pub fn join(&self, node: Node) -> Self {
        Self { local: self.local.hub().join(node), ..self.clone() }
    }

    /// Plays on to `until` and returns when all up to there is delivered; for [`Pace::Stepped`].
    pub fn step_to(&self, until: Stamp) {
        let mut state = lock(&self.stage.state);
        state.ready = true;
        state.allowed = Some(until);
        self.stage.changed.notify_all();
        while !state.ended && state.next.is_none_or(|next| next <= until) {
            state = self.stage.wait(state);
        }
        drop(state);
        self.stage.clock.told.fetch_max(until.0, Relaxed);
    }

    /// How many messages of the bag so far could not be read.
    pub fn damaged(&self) -> u64 {
        self.stage.damaged.load(Relaxed)
    }
}

impl Stage {
    fn wait<'a>(&self, state: std::sync::MutexGuard<'a, State>) -> std::sync::MutexGuard<'a, State> {
        self.changed.wait_timeout(state, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_gone(&self) -> bool {
        self.gone.load(Relaxed)
    }
}

/// The thread that plays.
struct Player {
    stage: Arc<Stage>,
    pace: Pace,
    start: Stamp,
    mouths: HashMap<(String, String), Mouth>,
}

impl Player {
    fn play(self, mut bag: Box<dyn Reader>) {
        let mut state = lock(&self.stage.state);
        while !state.ready && !self.stage.is_gone() {
            state = self.stage.wait(state);
        }
        drop(state);
        if let Pace::Times(times) = self.pace {
            let running = Running { from: self.start, since: Instant::now(), times, next: self.start };
            *lock(&self.stage.clock.running) = Some(running);
        }
        for sample in bag.samples(&[]) {
            match sample {
                Ok(sample) => self.deliver(&sample),
                Err(error) => {
                    self.stage.damaged.fetch_add(1, Relaxed);
                    tracing::warn!(error = &error as &dyn std::error::Error, "not played");
                }
            }
            if self.stage.is_gone() {
                break;
            }
        }
        lock(&self.stage.state).ended = true;
        self.stage.changed.notify_all();
    }

    fn deliver(&self, sample: &Sample) {
        self.wait_for(sample.received);
        if self.stage.is_gone() {
            return;
        }
        self.stage.clock.told.fetch_max(sample.received.0, Relaxed);
        let key = (sample.topic.name.clone(), sample.topic.type_name.clone());
        let Some(mouth) = self.mouths.get(&key) else {
            // A topic that the bag's own list does not have.
            self.stage.damaged.fetch_add(1, Relaxed);
            return;
        };
        mouth.pass(sample, |door, sample| door.deliver_patiently(sample, &self.stage.gone));
    }

    fn wait_for(&self, due: Stamp) {
        let mut state = lock(&self.stage.state);
        state.next = Some(due);
        self.stage.changed.notify_all();
        match self.pace {
            Pace::Free => {}
            Pace::Stepped => {
                while state.allowed.is_none_or(|allowed| due > allowed) && !self.stage.is_gone() {
                    state = self.stage.wait(state);
                }
            }
            Pace::Times(times) => {
                let instant = lock(&self.stage.clock.running).as_mut().map(|running| {
                    running.next = running.next.max(due);
                    running.since + due.since(running.from).div_f64(times.max(f64::MIN_POSITIVE))
                });
                while !self.stage.is_gone() {
                    let left = instant.map(|at| at.saturating_duration_since(Instant::now()));
                    let Some(left) = left.filter(|left| !left.is_zero()) else { break };
                    let waited = self.stage.changed.wait_timeout(state, left);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Replay").field("local", &self.local).field("now", &self.stage.now()).finish()
    }
}

impl Bus for Replay {
    fn advertise(&self, topic: &Topic) -> Result<Box<dyn Sink>, Error> {
        self.local.advertise(topic)
    }

    fn subscribe(&self, topic: &Topic, inbox: &Inbox) -> Result<Subscription, Error> {
        self.local.subscribe(topic, inbox)
    }

    fn offers(&self) -> Vec<Offer> {
        self.local.offers()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.stage) as Arc<dyn Clock>
    }

    fn serve(&self, name: &str, type_name: &str, answer: Answer) -> Result<Box<dyn Served>, Error> {
        self.local.serve(name, type_name, answer)
    }

    fn call(&self, name: &str, type_name: &str, request: Bytes, within: Duration) -> Result<Bytes, Error> {
        self.local.call(name, type_name, request, within)
    }

    fn node(&self) -> &Node {
        self.local.node()
    }

    fn ready(&self) {
        lock(&self.stage.state).ready = true;
        self.stage.changed.notify_all();
    }

    fn ended(&self) -> bool {
        lock(&self.stage.state).ended
    }
}
