//! The world's expert as a person at the robot: what he does goes out where a person's doing is learned from.
//!
//! What was meant goes to the topics that the robot's file names in `act.parts.*.from` and, for gates and for whoever
//! labels, to `expert/command`; what was done goes to the controllers' topic. The two differ as soon as anything comes
//! between them, and a learner must know which is which.

use std::time::Duration;

use bytes::Bytes;

use super::slots::{Slot, of_slots, slots};
use super::{Error, Options};
use crate::bus::{Bus, Sink};
use crate::msg::Message;
use crate::msg::own::{Command, Intervention};
use crate::msg::sensor::JointState;
use crate::msg::std::{Duration as Span, Float64MultiArray};
use crate::msg::trajectory::{JointTrajectory, JointTrajectoryPoint};
use crate::node::diagnostics::header;
use crate::node::teleop::COMMAND;
use crate::sim::JOINTS;
use crate::spec::{Channel, Source};
use crate::time::Stamp;
use crate::wire::{Qos, Topic};

/// One topic and the joints of which it tells.
struct Mouth {
    topic: String,
    type_name: String,
    slots: Vec<Slot>,
    sink: Box<dyn Sink>,
    /// Whether it tells what is executed, and not what was meant.
    executed: bool,
}

/// The expert's topics.
pub(super) struct Person {
    mouths: Vec<Mouth>,
    tick: Duration,
}

impl Person {
    pub(super) fn open(bus: &dyn Bus, options: &Options) -> Result<Self, Error> {
        let mut person = Self { mouths: Vec::new(), tick: options.tick() };
        if options.teach {
            // Who drags an arm sends no commands: what he did is in where the arm went.
            return Ok(person);
        }
        let all: Vec<String> = options.act.parts.values().flat_map(|part| &part.joints).cloned().collect();
        person.mouth(bus, COMMAND, Command::TYPE, slots(&all, "")?, false)?;
        for part in options.act.parts.values() {
            let from = match &part.from {
                Source::Topic(channel) => Some(channel),
                Source::Next(_) => None,
            };
            let channels = from.map(|channel| (channel, false)).into_iter().chain([(&part.to, true)]);
            for (Channel { topic, type_name, prefix }, executed) in channels {
                let slots = slots(&part.joints, prefix)?;
                person.mouth(bus, topic.as_str(), type_name.as_str(), slots, executed)?;
            }
        }
        Ok(person)
    }

    /// Opens a topic, or adds to its joints: a leader may be one for several parts.
    fn mouth(
        &mut self,
        bus: &dyn Bus,
        name: &str,
        type_name: &str,
        slots: Vec<Slot>,
        executed: bool,
    ) -> Result<(), Error> {
        let topic = bus.node().resolve(name)?;
        if let Some(known) = self.mouths.iter_mut().find(|known| known.topic == topic) {
            let new = slots.into_iter().filter(|slot| !known.slots.contains(slot)).collect::<Vec<_>>();
            known.slots.extend(new);
            return Ok(());
        }
        if !can_say(type_name) {
            tracing::warn!(
                topic,
                type_name,
                "the expert tells joints where to be, which this type cannot say"
            );
            return Ok(());
        }
        let sink = bus.advertise(&Topic::new(name, type_name).with(Qos::reliable(10)))?;
        self.mouths.push(Mouth { topic, type_name: type_name.to_owned(), slots, sink, executed });
        Ok(())
    }

    /// The full names of its topics.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        self.mouths.iter().map(|mouth| mouth.topic.as_str())
    }

    /// Those of them that nobody hears.
    pub(super) fn unheard(&self) -> Vec<String> {
        let unheard = self.mouths.iter().filter(|mouth| mouth.sink.matched() == 0);
        unheard.map(|mouth| mouth.topic.clone()).collect()
    }

    /// Says what is meant at `now`, and what is executed.
    pub(super) fn say(
        &mut self,
        meant: &[f64; JOINTS],
        done: &[f64; JOINTS],
        now: Stamp,
    ) -> Result<(), Error> {
        for Mouth { type_name, slots, sink, executed, .. } in &mut self.mouths {
            let command = if *executed { done } else { meant };
            sink.send(words(type_name, slots, of_slots(slots, command), now, self.tick))?;
        }
        Ok(())
    }
}

fn can_say(type_name: &str) -> bool {
    [Command::TYPE, JointState::TYPE, JointTrajectory::TYPE, Float64MultiArray::TYPE].contains(&type_name)
}

/// `values` of `slots` in a message of that type.
fn words(type_name: &str, slots: &[Slot], values: Vec<f64>, now: Stamp, tick: Duration) -> Bytes {
    let names = || slots.iter().map(|slot| slot.name.clone()).collect();
    match type_name {
        Command::TYPE => {
            let (header, names, driver) = (header(now), names(), Intervention::HUMAN);
            Command { header, names, values, driver, limited: false }.encode()
        }
        JointState::TYPE => {
            JointState { header: header(now), name: names(), position: values, ..JointState::default() }
                .encode()
        }
        JointTrajectory::TYPE => {
            let time_from_start = Span { sec: 0, nanosec: tick.subsec_nanos() };
            let point = JointTrajectoryPoint { positions: values, time_from_start, ..Default::default() };
            JointTrajectory { header: header(now), joint_names: names(), points: vec![point] }.encode()
        }
        _ => Float64MultiArray { data: values, ..Float64MultiArray::default() }.encode(),
    }
}
