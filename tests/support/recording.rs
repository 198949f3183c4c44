//! A recorder in a thread, on a bus in this process whose clock the test owns, and a robot that publishes.
//!
//! Nothing here sleeps to wait: the test moves the clock, and whatever happens in the recorder's thread is waited
//! for as a condition with a deadline. What the bus delivers passes through the recorder in order, and topics are
//! judged by the bus's clock, so that minutes of a recording take milliseconds and always come out the same.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use apprentice::bag;
use apprentice::bus::local::{Hub, Local};
use apprentice::bus::{Bus, Inbox, Limit, Node, Sink, Subscription, ToldClock};
use apprentice::msg::own::Recording;
use apprentice::msg::std::{
    Float64MultiArray, Header, SetBool, SetBoolRequest, SetBoolResponse, Time, Trigger, TriggerRequest,
    TriggerResponse,
};
use apprentice::msg::{Message, Service};
use apprentice::node::recorder::{self, Config, Noted, Outcome, Session, Wanted};
use apprentice::node::{Context, Stop};
use apprentice::spec::Expect;
use apprentice::time::{Clock, Stamp};
use apprentice::wire::{Qos, Sample, Topic};
use bytes::Bytes;

use crate::patience;

/// No condition takes longer on a machine that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The bus of a test, with its robot.
pub(crate) struct Stage {
    pub(crate) clock: Arc<ToldClock>,
    pub(crate) hub: Hub,
    pub(crate) robot: Local,
}

impl Stage {
    /// An empty bus at second 1000.
    pub(crate) fn new() -> anyhow::Result<Self> {
        let clock = Arc::new(ToldClock::new(Stamp(1_000_000_000_000)));
        let hub = Hub::new(clock.clone());
        Ok(Self { robot: hub.join(Node::new("robot", "")?), hub, clock })
    }

    /// Moves the clock on.
    pub(crate) fn advance(&self, by: Duration) {
        self.clock.tell(self.clock.now() + by);
    }

    /// A topic of the robot's.
    pub(crate) fn advertise(&self, name: &str, qos: Qos) -> anyhow::Result<Box<dyn Sink>> {
        Ok(self.robot.advertise(&Topic::new(name, "std_msgs/msg/Float64MultiArray").with(qos))?)
    }

    /// A topic of the robot's that carries a header and nothing else.
    pub(crate) fn advertise_stamped(&self, name: &str) -> anyhow::Result<Box<dyn Sink>> {
        Ok(self.robot.advertise(&Topic::new(name, "sensor_msgs/msg/JointState").with(Qos::sensor()))?)
    }

    /// Starts a recorder.
    pub(crate) fn record(
        &self,
        wanted: Wanted,
        config: Config,
        session: Session,
    ) -> anyhow::Result<Recorder> {
        let bus = self.hub.join(Node::new("recorder", "")?);
        self.record_from(Arc::new(bus), wanted, config, session)
    }

    /// Starts a recorder whose end of the bus is `bus`.
    pub(crate) fn record_from(
        &self,
        bus: Arc<dyn Bus>,
        wanted: Wanted,
        config: Config,
        session: Session,
    ) -> anyhow::Result<Recorder> {
        let stop = Stop::default();
        let context = Context::new(bus, stop.clone());
        let thread = std::thread::spawn(move || recorder::run(&context, wanted, config, session));
        let inbox = Inbox::new(Limit { samples: 1000, bytes: 1 << 24 });
        let topic = Topic::new("/recorder/status", Recording::TYPE).with(Qos::latched(1));
        let status = self.robot.subscribe(&topic, &inbox)?;
        Ok(Recorder { robot: self.robot.clone(), stop, thread, inbox, _status: status })
    }
}

/// A recorder at work.
pub(crate) struct Recorder {
    robot: Local,
    pub(crate) stop: Stop,
    thread: JoinHandle<Result<Outcome, recorder::Error>>,
    inbox: Inbox,
    _status: Subscription,
}

impl Recorder {
    /// Calls one of its services that take nothing.
    pub(crate) fn trigger(&self, name: &str) -> anyhow::Result<TriggerResponse> {
        let name = format!("/recorder/{name}");
        let answer = self.robot.call(&name, Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE)?;
        Ok(TriggerResponse::decode(&answer)?)
    }

    /// Starts an episode, which must work.
    pub(crate) fn start(&self) -> anyhow::Result<()> {
        let answer = self.trigger("start")?;
        ensure!(answer.success, "no start: {}", answer.message);
        Ok(())
    }

    /// Stops the episode.
    pub(crate) fn stop(&self, success: bool) -> anyhow::Result<SetBoolResponse> {
        let request = SetBoolRequest { data: success }.encode();
        let answer = self.robot.call("/recorder/stop", SetBool::TYPE, request, PATIENCE)?;
        Ok(SetBoolResponse::decode(&answer)?)
    }

    /// The first status from now on that is as `wanted`.
    pub(crate) fn status_where(&self, wanted: impl Fn(&Recording) -> bool) -> anyhow::Result<Recording> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while let Some(sample) = self.inbox.wait(deadline) {
            let status = Recording::decode(&sample.cdr)?;
            if wanted(&status) {
                return Ok(status);
            }
            last = Some(status);
        }
        bail!("no such status; the last was {last:?}")
    }

    /// What the status said since it was looked at last.
    pub(crate) fn said(&self) -> anyhow::Result<Vec<Recording>> {
        let said = std::iter::from_fn(|| self.inbox.take());
        said.map(|sample| Ok(Recording::decode(&sample.cdr)?)).collect()
    }

    /// Ends the recorder and gives what it came to.
    pub(crate) fn end(self) -> anyhow::Result<Outcome> {
        self.stop.wish();
        self.join()
    }

    /// Waits for a recorder that ends by itself.
    pub(crate) fn join(self) -> anyhow::Result<Outcome> {
        patience::until("the recorder's end", PATIENCE, || Ok(self.thread.is_finished()))?;
        match self.thread.join() {
            Ok(outcome) => Ok(outcome?),
            Err(_) => bail!("the recorder's thread panicked"),
        }
    }
}

/// Waits until somebody subscribes.
pub(crate) fn wait_until_heard(sink: &dyn Sink) -> anyhow::Result<()> {
    patience::until("a subscription", PATIENCE, || Ok(sink.matched() > 0))
}

/// A session into `out` in which an operator starts and stops.
pub(crate) fn session(out: &Path) -> Session {
    Session { out: out.to_owned(), ..Session::default() }
}

/// Small queues, and no demand on the machine's disk.
pub(crate) fn config() -> Config {
    Config { min_free_megabytes: 0, ..Config::default() }
}

/// Those topics, of which nothing is promised.
pub(crate) fn topics(names: &[&str]) -> Wanted {
    Wanted { expect: names.iter().map(|name| Expect::any(*name)).collect(), all: false }
}

/// A message that carries a number.
pub(crate) fn number(number: u64) -> Bytes {
    Float64MultiArray { data: vec![number as f64], ..Float64MultiArray::default() }.encode()
}

/// The number a message carries.
pub(crate) fn number_of(sample: &Sample) -> anyhow::Result<u64> {
    let message = Float64MultiArray::decode(&sample.cdr)?;
    Ok(*message.data.first().context("a message without its number")? as u64)
}

/// A message that is stamped.
pub(crate) fn stamped(stamp: Stamp) -> Bytes {
    let (sec, nanosec) = stamp.parts();
    Header { stamp: Time { sec, nanosec }, frame_id: String::new() }.encode()
}

/// A bag, read.
pub(crate) struct Read {
    pub(crate) bag: Box<dyn bag::Reader>,
}

impl Read {
    /// Opens the bag of an episode.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { bag: bag::open(path).with_context(|| format!("opening {path:?}"))? })
    }

    /// All messages of a topic, none of them damaged.
    pub(crate) fn samples(&mut self, topic: &str) -> anyhow::Result<Vec<Sample>> {
        Ok(self.bag.samples(&[topic]).collect::<Result<_, _>>()?)
    }

    /// The numbers that a topic's messages carry.
    pub(crate) fn numbers(&mut self, topic: &str) -> anyhow::Result<Vec<u64>> {
        self.samples(topic)?.iter().map(number_of).collect()
    }

    /// Something noted.
    pub(crate) fn note(&self, key: &str) -> anyhow::Result<&str> {
        self.bag.notes().get(key).map(String::as_str).with_context(|| format!("{key} was not noted"))
    }

    /// The alarms noted.
    pub(crate) fn alarms(&self) -> anyhow::Result<Vec<Noted>> {
        Ok(serde_json::from_str(self.note(recorder::notes::ALARMS)?)?)
    }

    /// The account of losses noted.
    pub(crate) fn lost(&self) -> anyhow::Result<serde_json::Value> {
        Ok(serde_json::from_str(self.note(recorder::notes::LOST)?)?)
    }
}

/// The folder of an episode.
pub(crate) fn episode(out: &Path, number: u32) -> PathBuf {
    out.join(format!("episode_{number:04}"))
}
