//! A simulator in a thread, on a bus in this process, and somebody who talks to it.
//!
//! The bus is a patient one: the world goes no further than the test has listened, so that nothing here sleeps and nothing
//! depends on how fast the machine is.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use apprentice::bus::local::{Hub, Local};
use apprentice::bus::typed::{self, Publisher};
use apprentice::bus::{Bus, Inbox, Limit, Node, Subscription, ToldClock};
use apprentice::config::Settings;
use apprentice::msg::Message;
use apprentice::msg::own::Command;
use apprentice::msg::std::Header;
use apprentice::node::simulator::{self, Attempt, BEGINNING, Options, Pace};
use apprentice::node::{Context, Stop};
use apprentice::sim::{Disturbance, Error, Light, Simulation};
use apprentice::wire::{Qos, Sample, Topic};

use crate::patience;

/// No condition takes longer on a machine that is not broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The robot that is simulated.
pub(crate) const ROBOT: &str = include_str!("../../config/sim_arm.yaml");
/// Where its commands go.
pub(crate) const COMMANDS: &str = "/forward_position_controller/commands";

/// The settings of our arm, its commands of that type.
pub(crate) fn settings(type_name: &str) -> anyhow::Result<Settings> {
    let written = format!("{COMMANDS}, type: std_msgs/msg/Float64MultiArray");
    assert!(ROBOT.contains(&written), "the robot's file reads otherwise now");
    let text = ROBOT.replace(&written, &format!("{COMMANDS}, type: {type_name}"));
    Ok(Settings::parse(&text, "sim_arm.yaml")?)
}

/// A world without cameras, moved by messages of that type.
pub(crate) fn options(world: &str, pace: Pace, type_name: &str) -> anyhow::Result<Options> {
    let settings = settings(type_name)?;
    Ok(Options {
        world: world.to_owned(),
        seed: 0,
        pace,
        joints: settings.robot.joints,
        observe: settings.observe,
        act: settings.act.context("our arm is moved")?,
        commands: None,
        cameras: Some(Vec::new()),
        size: None,
        jpeg: false,
        disturbance: Disturbance::default(),
        conduct: Default::default(),
        teach: false,
        linger: Duration::ZERO,
        dart: None,
        expert: false,
        auto_reset: false,
        episodes: None,
    })
}

/// Why there are no cameras on this machine, where there are none.
pub(crate) fn blind() -> anyhow::Result<Option<String>> {
    let mut world = Simulation::open("reach", Duration::from_millis(10), Light::Plain)?;
    match world.picture("front", [32, 32]) {
        Ok(_) => Ok(None),
        Err(error @ Error::Blind { .. }) => Ok(Some(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// A simulator at work, and who listens to it.
pub(crate) struct Stage {
    pub(crate) hub: Hub,
    pub(crate) person: Local,
    pub(crate) heard: Inbox,
    pub(crate) counts: Vec<Subscription>,
    stop: Stop,
    thread: Option<JoinHandle<Result<Vec<Attempt>, simulator::Error>>>,
}

impl Stage {
    /// Starts a simulator; of `topics` and their types at most `samples` messages wait before the world does.
    pub(crate) fn start(options: Options, topics: &[(&str, &str)], samples: usize) -> anyhow::Result<Self> {
        let clock = Arc::new(ToldClock::new(BEGINNING));
        let hub = Hub::patient(clock.clone());
        let person = hub.join(Node::new("person", "")?);
        let heard = Inbox::new(Limit { samples, bytes: 1 << 30 });
        let listen = |(name, type_name): &(&str, &str)| {
            person.subscribe(&Topic::new(*name, *type_name).with(Qos::sensor()), &heard)
        };
        let counts = topics.iter().map(listen).collect::<Result<_, _>>()?;
        let stop = Stop::default();
        let context = Context::new(Arc::new(hub.join(Node::new("simulator", "")?)), stop.clone());
        let thread = std::thread::spawn(move || simulator::run(&context, &options, Some(clock)));
        Ok(Self { hub, person, heard, counts, stop, thread: Some(thread) })
    }

    /// The next message.
    pub(crate) fn next(&self) -> anyhow::Result<Sample> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(sample) = self.heard.wait(Instant::now() + Duration::from_millis(20)) {
                return Ok(sample);
            }
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) && self.heard.waiting().samples == 0 {
                bail!("the simulator has ended");
            }
        }
        bail!("nothing was heard")
    }

    /// The next message of that type, whatever comes in between.
    pub(crate) fn next_of<M: Message>(&self) -> anyhow::Result<M> {
        loop {
            let sample = self.next()?;
            if sample.topic.type_name == M::TYPE {
                return Ok(typed::read(&sample)?);
            }
        }
    }

    /// The sending end of a topic, once the simulator listens.
    pub(crate) fn speak<M: Message>(&self, topic: &str) -> anyhow::Result<Publisher<M>> {
        let publisher = Publisher::open(&self.person, topic, Qos::reliable(10))?;
        patience::until(&format!("nobody listens to {topic}"), PATIENCE, || Ok(publisher.matched() > 0))?;
        Ok(publisher)
    }

    /// Ends the simulator and gives what it came to.
    pub(crate) fn end(mut self) -> anyhow::Result<Vec<Attempt>> {
        self.stop.wish();
        self.counts.clear();
        self.join()
    }

    /// Waits for a simulator that ends by itself.
    pub(crate) fn join(&mut self) -> anyhow::Result<Vec<Attempt>> {
        match self.thread.take().context("it is joined once")?.join() {
            Ok(attempts) => Ok(attempts?),
            Err(_) => bail!("the simulator's thread panicked"),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.wish();
    }
}

/// The gate's word for the tick of `header`.
pub(crate) fn command(header: &Header, names: &[String], values: Vec<f64>) -> Command {
    Command { header: header.clone(), names: names.to_vec(), values, ..Command::default() }
}
