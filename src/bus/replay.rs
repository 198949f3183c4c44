//! A bag as a bus: what was recorded comes again, in its own time or in ours, and nothing of it is lost.
//!
//! A bag can wait, so the player waits where an inbox has no room instead of dropping what is oldest; and so time on
//! this bus never runs ahead of a sample that is not delivered yet. Between the nodes on it, it is a [`Hub`].

mod player;
mod time;

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::local::{Hub, Local, Mouth};
use super::{Answer, Bus, Error, Inbox, Node, Offer, Served, Sink, Subscription, lock};
use crate::bag::Reader;
use crate::time::{Clock, Stamp};
use crate::wire::Topic;
use player::Player;
use time::BagClock;

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

/// How far [`Replay::step_to`] came.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// All up to there, or to the end of the bag, is delivered.
    Goal,
    /// An inbox is full, at that time of the bag. Make room and step on.
    Full(Stamp),
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
    /// Whether the player found an inbox full since [`Replay::step_to`] began to wait.
    full: bool,
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

impl Clock for Stage {
    fn now(&self) -> Stamp {
        self.clock.now()
    }
}

impl Replay {
    /// A bus on which `bag` is played once everyone is ready, with `node` on it.
    pub fn open(bag: Box<dyn Reader>, pace: Pace, node: Node) -> Result<Self, Error> {
        let start = bag.span().map_or(Stamp(0), |(first, _)| first);
        let stage = Arc::new(Stage {
            clock: BagClock::new(start),
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

    /// Plays on to `until`; for [`Pace::Stepped`]. Returns when all up to there is delivered, or when an inbox is full:
    /// often it is the caller who empties it, and would wait for ever. As room is made the rest comes all the same;
    /// step to `until` again to know when all is there.
    pub fn step_to(&self, until: Stamp) -> Reached {
        let mut state = lock(&self.stage.state);
        state.ready = true;
        state.allowed = Some(until);
        state.full = false;
        self.stage.changed.notify_all();
        while !state.ended && state.next.is_none_or(|next| next <= until) {
            if state.full {
                return Reached::Full(self.stage.now());
            }
            state = self.stage.wait(state);
        }
        drop(state);
        self.stage.clock.tell(until);
        Reached::Goal
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bag;
    use crate::bus::Limit;
    use crate::wire::{Gid, Sample};
    use std::time::Instant;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    const SOON: Duration = Duration::from_secs(20);

    /// A bag of `count` messages, a millisecond apart.
    fn recorded(count: u32) -> Result<(tempfile::TempDir, PathBuf), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let bag = folder.path().join("bag");
        let mut writer = bag::create(&bag, &bag::Options::default())?;
        let topic = Arc::new(Topic::new("/t", "std_msgs/msg/String"));
        writer.declare(&topic, "string data", "")?;
        for number in 0..count {
            writer.write(&Sample {
                topic: Arc::clone(&topic),
                received: at(number),
                sent: Some(at(number)),
                publisher: Some(Gid([1; 16])),
                sequence: Some(u64::from(number) + 1),
                cdr: Bytes::from(vec![0, 1, 0, 0, number as u8, 0, 0, 0]),
            })?;
        }
        writer.finish()?;
        Ok((folder, bag))
    }

    fn at(number: u32) -> Stamp {
        Stamp(1_000_000_000 + i64::from(number) * 1_000_000)
    }

    fn play(bag: &std::path::Path, pace: Pace) -> Result<Replay, Box<dyn std::error::Error>> {
        Ok(Replay::open(bag::open(bag)?, pace, Node::new("n", "")?)?)
    }

    #[test]
    fn a_slow_consumer_gets_all_of_a_bag_and_time_waits_for_it() -> Tested {
        let (_folder, bag) = recorded(200)?;
        let replay = play(&bag, Pace::Free)?;
        let inbox = Inbox::new(Limit { samples: 3, bytes: 1 << 20 });
        let subscription = replay.subscribe(&Topic::new("/t", "std_msgs/msg/String"), &inbox)?;
        assert_eq!(replay.clock().now(), at(0));
        replay.ready();
        for number in 0..200 {
            let sample = inbox.wait(Instant::now() + SOON).ok_or("the bag ended early")?;
            assert_eq!((sample.received, sample.cdr[4]), (at(number), number as u8));
            assert!(replay.clock().now() <= at(number + 5), "time ran ahead of the inbox");
        }
        assert_eq!(subscription.counts().received, 200);
        assert_eq!((subscription.counts().dropped, replay.damaged()), (0, 0));
        Ok(())
    }

    #[test]
    fn a_stepped_replay_goes_where_it_is_told() -> Tested {
        let (_folder, bag) = recorded(10)?;
        let replay = play(&bag, Pace::Stepped)?;
        let inbox = Inbox::new(Limit { samples: 100, bytes: 1 << 20 });
        let _subscription = replay.subscribe(&Topic::new("/t", "std_msgs/msg/String"), &inbox)?;
        assert_eq!(replay.step_to(at(4)), Reached::Goal);
        assert_eq!((inbox.waiting().samples, replay.clock().now()), (5, at(4)));
        assert!(!replay.ended());
        assert_eq!(replay.step_to(at(100)), Reached::Goal);
        assert_eq!((inbox.waiting().samples, replay.clock().now(), replay.ended()), (10, at(100), true));
        Ok(())
    }

    #[test]
    fn a_step_into_a_full_inbox_returns_and_says_how_far_it_came() -> Tested {
        let (_folder, bag) = recorded(10)?;
        let replay = play(&bag, Pace::Stepped)?;
        let inbox = Inbox::new(Limit { samples: 3, bytes: 1 << 20 });
        let subscription = replay.subscribe(&Topic::new("/t", "std_msgs/msg/String"), &inbox)?;
        assert_eq!(replay.step_to(at(9)), Reached::Full(at(3)), "the fourth finds no room");
        assert_eq!(inbox.waiting().samples, 3);
        let mut taken = 0;
        while replay.step_to(at(9)) != Reached::Goal {
            taken += std::iter::from_fn(|| inbox.take()).count();
        }
        taken += std::iter::from_fn(|| inbox.take()).count();
        assert_eq!((taken, subscription.counts().dropped, replay.clock().now()), (10, 0, at(9)));
        Ok(())
    }

    #[test]
    fn a_pace_is_kept() -> Tested {
        let (_folder, bag) = recorded(100)?;
        let replay = play(&bag, Pace::Times(0.5))?;
        let inbox = Inbox::new(Limit { samples: 100, bytes: 1 << 20 });
        let _subscription = replay.subscribe(&Topic::new("/t", "std_msgs/msg/String"), &inbox)?;
        let start = Instant::now();
        replay.ready();
        for number in 0..100 {
            let sample = inbox.wait(start + SOON).ok_or("the bag ended early")?;
            assert!(start.elapsed() >= Duration::from_millis(2) * number, "{number} came too soon");
            assert!(replay.clock().now() >= sample.received);
        }
        Ok(())
    }

    #[test]
    fn a_replay_that_is_dropped_stops() -> Tested {
        let (_folder, bag) = recorded(10)?;
        let replay = play(&bag, Pace::Stepped)?;
        let stage = Arc::downgrade(&replay.stage);
        drop(replay);
        let deadline = Instant::now() + SOON;
        while stage.strong_count() > 0 {
            assert!(Instant::now() < deadline, "the player goes on");
            thread::yield_now();
        }
        Ok(())
    }
}
