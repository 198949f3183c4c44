//! Commands: what the joints are told, in every form in which robots take it.
//!
//! A command that is not wholly sound is refused as a whole: it is counted, spoken of at most once a second and shown in
//! `/diagnostics`, and the joints stay where they were told to be last. A trajectory that was being followed ends there
//! too, because whoever sends nonsense in its midst does not know where the arm is going.

use std::time::{Duration, Instant};

use super::path::Path;
use super::slots::{Slot, of_slots, slots};
use super::{Error, Options};
use crate::bus::{self, Bus, Complaint, Inbox, Limit, Subscription, typed::read};
use crate::msg::Message;
use crate::msg::own::Command;
use crate::msg::sensor::JointState;
use crate::msg::std::{Float64MultiArray, Time};
use crate::msg::trajectory::JointTrajectory;
use crate::sim::JOINTS;
use crate::time::Stamp;
use crate::wire::{Qos, Sample, Topic};

/// The topic on which the commands of lockstep come, if no other is named.
pub(super) const COMMAND: &str = "command";
/// More than anybody sends in a tick.
const LIMIT: Limit = Limit { samples: 1000, bytes: 8_000_000 };
/// A trajectory that begins later than this was stamped by another clock.
const FAR: Duration = Duration::from_secs(3600);

/// Why a command is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Unread(#[from] bus::Error),
    #[error("{got} values for {wanted} joints")]
    Length { got: usize, wanted: usize },
    #[error("the joint {name:?} is none of this topic's")]
    Unknown { name: String },
    #[error("the joint {name:?} is missing")]
    Missing { name: String },
    #[error("a joint is named twice")]
    Twice,
    #[error("{value} for the joint {name:?}")]
    NoNumber { name: String, value: f64 },
    #[error("a trajectory without a point")]
    NoPoint,
    #[error("the times of a trajectory's points do not rise")]
    Order,
    #[error("a trajectory that was over {ago:?} ago")]
    Past { ago: Duration },
    #[error("a trajectory that begins in {ahead:?}: its clock is not /clock")]
    Far { ahead: Duration },
}

/// The form of a topic's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Numbers,
    Trajectory,
    Joints,
    Command,
}

/// What a message says of a channel's joints, in their order.
#[derive(Debug, PartialEq)]
enum Said {
    At(Vec<f64>),
    Along(Path),
}

/// One topic and the joints it moves.
#[derive(Debug)]
struct Channel {
    topic: String,
    form: Form,
    slots: Vec<Slot>,
    path: Option<Path>,
    _subscription: Subscription,
}

/// What became of commands.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) taken: u64,
    pub(super) refused: u64,
    /// In lockstep: sound, but of another tick.
    pub(super) astray: u64,
    /// Why the last one was refused.
    pub(super) last: String,
    complaint: Complaint,
}

/// Where commands are heard.
#[derive(Debug)]
pub(super) struct Ear {
    inbox: Inbox,
    channels: Vec<Channel>,
    told: [f64; JOINTS],
    pub(super) tally: Tally,
}

impl Ear {
    /// Listens where the robot's controllers would.
    pub(super) fn of_controllers(bus: &dyn Bus, options: &Options) -> Result<Self, Error> {
        let mut ear = Self::deaf();
        for part in options.act.parts.values() {
            let to = &part.to;
            let form = match to.type_name.as_str() {
                JointTrajectory::TYPE => Form::Trajectory,
                JointState::TYPE => Form::Joints,
                _ => Form::Numbers,
            };
            let slots = slots(&part.joints, &to.prefix)?;
            ear.listen(bus, to.topic.as_str(), to.type_name.as_str(), form, slots)?;
        }
        Ok(ear)
    }

    /// Listens to commands of the whole arm on one topic: the gate's, or a person's where no gate stands between.
    pub(super) fn of_whole(bus: &dyn Bus, options: &Options, topic: &str) -> Result<Self, Error> {
        let mut ear = Self::deaf();
        let joints: Vec<String> = options.act.parts.values().flat_map(|part| &part.joints).cloned().collect();
        ear.listen(bus, topic, Command::TYPE, Form::Command, slots(&joints, "")?)?;
        Ok(ear)
    }

    fn deaf() -> Self {
        Self { inbox: Inbox::new(LIMIT), channels: Vec::new(), told: [0.0; JOINTS], tally: Tally::default() }
    }

    fn listen(
        &mut self,
        bus: &dyn Bus,
        topic: &str,
        type_name: &str,
        form: Form,
        slots: Vec<Slot>,
    ) -> Result<(), Error> {
        let asked = Topic::new(topic, type_name).with(Qos::reliable(10));
        let _subscription = bus.subscribe(&asked, &self.inbox)?;
        let topic = bus.node().resolve(topic)?;
        self.channels.push(Channel { topic, form, slots, path: None, _subscription });
        Ok(())
    }

    /// Forgets what was said: the joints are told `told` until somebody says otherwise.
    pub(super) fn begin(&mut self, told: [f64; JOINTS]) {
        while self.inbox.take().is_some() {}
        self.channels.iter_mut().for_each(|channel| channel.path = None);
        self.told = told;
    }

    /// Takes whatever came until `now`.
    pub(super) fn listen_now(&mut self, now: Stamp) {
        while let Some(sample) = self.inbox.take() {
            self.take(&sample, now);
        }
    }

    /// Waits for the command of the tick at `now`; whether it came before `deadline`. A bad one counts as come: the arm
    /// holds, and the world goes on.
    pub(super) fn wait_for(&mut self, now: Stamp, deadline: Instant) -> bool {
        while let Some(sample) = self.inbox.wait(deadline) {
            match read::<Command>(&sample) {
                Ok(command) if stamp(&command.header.stamp) != now => self.tally.astray += 1,
                said => {
                    self.take(&sample, now);
                    if said.is_ok() {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// What the joints are told for the tick that ends at `end`.
    pub(super) fn command(&mut self, end: Stamp) -> [f64; JOINTS] {
        for channel in &mut self.channels {
            let Some(path) = &channel.path else { continue };
            for (slot, value) in channel.slots.iter().zip(path.at(end)) {
                self.told[slot.joint] = value;
            }
            if path.is_over(end) {
                channel.path = None;
            }
        }
        self.told
    }

    fn take(&mut self, sample: &Sample, now: Stamp) {
        let Some(at) = self.channels.iter().position(|channel| channel.topic == sample.topic.name) else {
            return;
        };
        let channel = &mut self.channels[at];
        channel.path = None;
        match channel.understand(sample, &self.told, now) {
            Ok(said) => {
                self.tally.taken += 1;
                match said {
                    Said::At(values) => {
                        for (slot, value) in channel.slots.iter().zip(values) {
                            self.told[slot.joint] = value;
                        }
                    }
                    Said::Along(path) => channel.path = Some(path),
                }
            }
            Err(refusal) => self.tally.refuse(&channel.topic, &refusal),
        }
    }
}

impl Tally {
    fn refuse(&mut self, topic: &str, refusal: &Refusal) {
        self.refused += 1;
        self.last = format!("{topic}: {refusal}");
        if let Some(times) = self.complaint.raise(Instant::now()) {
            tracing::warn!(times, "a command is refused and the arm holds: {}", self.last);
        }
    }
}

impl Channel {
    fn understand(&self, sample: &Sample, told: &[f64; JOINTS], now: Stamp) -> Result<Said, Refusal> {
        let slots = &self.slots;
        Ok(match self.form {
            Form::Numbers => Said::At(in_order(slots, &read::<Float64MultiArray>(sample)?.data)?),
            Form::Joints => {
                let JointState { name, position, .. } = read(sample)?;
                Said::At(by_name(slots, &name, &position)?)
            }
            Form::Command => {
                let Command { names, values, .. } = read(sample)?;
                Said::At(by_name(slots, &names, &values)?)
            }
            Form::Trajectory => Said::Along(along(slots, &read(sample)?, told, now)?),
        })
    }
}

/// The way that a trajectory describes, from where the joints are told to be.
fn along(
    slots: &[Slot],
    trajectory: &JointTrajectory,
    told: &[f64; JOINTS],
    now: Stamp,
) -> Result<Path, Refusal> {
    let said = stamp(&trajectory.header.stamp);
    let start = if said == Stamp(0) { now } else { said };
    let mut points: Vec<(Duration, Vec<f64>)> = Vec::new();
    for point in &trajectory.points {
        let due =
            Duration::new(u64::try_from(point.time_from_start.sec).map_err(|_negative| Refusal::Order)?, 0)
                + Duration::from_nanos(u64::from(point.time_from_start.nanosec));
        if points.last().is_some_and(|(before, _)| *before >= due) {
            return Err(Refusal::Order);
        }
        points.push((due, by_name(slots, &trajectory.joint_names, &point.positions)?));
    }
    let end = start + points.last().ok_or(Refusal::NoPoint)?.0;
    if end < now {
        return Err(Refusal::Past { ago: now.since(end) });
    }
    if start.since(now) > FAR {
        return Err(Refusal::Far { ahead: start.since(now) });
    }
    Ok(Path { start, from: of_slots(slots, told), points })
}

fn in_order(slots: &[Slot], values: &[f64]) -> Result<Vec<f64>, Refusal> {
    if values.len() != slots.len() {
        return Err(Refusal::Length { got: values.len(), wanted: slots.len() });
    }
    match slots.iter().zip(values).find(|(_, value)| !value.is_finite()) {
        Some((slot, value)) => Err(Refusal::NoNumber { name: slot.name.clone(), value: *value }),
        None => Ok(values.to_vec()),
    }
}

/// The values of all `slots`, told apart by the names beside them.
fn by_name(slots: &[Slot], names: &[String], values: &[f64]) -> Result<Vec<f64>, Refusal> {
    if values.len() != names.len() {
        return Err(Refusal::Length { got: values.len(), wanted: names.len() });
    }
    if let Some(name) = names.iter().find(|name| !slots.iter().any(|slot| slot.name == **name)) {
        return Err(Refusal::Unknown { name: name.clone() });
    }
    let of = |slot: &Slot| names.iter().position(|name| *name == slot.name).map(|at| values[at]);
    let values: Result<Vec<f64>, Refusal> = slots
        .iter()
        .map(|slot| of(slot).ok_or_else(|| Refusal::Missing { name: slot.name.clone() }))
        .collect();
    if names.len() > slots.len() {
        return Err(Refusal::Twice);
    }
    in_order(slots, &values?)
}

fn stamp(time: &Time) -> Stamp {
    Stamp::from_parts(time.sec, time.nanosec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Vec<Slot> {
        ["a", "b"].iter().enumerate().map(|(joint, name)| Slot { name: (*name).to_owned(), joint }).collect()
    }

    fn named(names: &[&str], values: &[f64]) -> Result<Vec<f64>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        by_name(&pair(), &names, values).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn joints_are_told_apart_by_name_and_nothing_half_sound_is_taken() {
        assert_eq!(named(&["b", "a"], &[2.0, 1.0]), Ok(vec![1.0, 2.0]));
        for (names, values, why) in [
            (&["a", "b"][..], &[1.0][..], "1 values for 2 joints"),
            (&["a"], &[1.0], "the joint \"b\" is missing"),
            (&["a", "b", "c"], &[1.0, 2.0, 3.0], "the joint \"c\" is none of this topic's"),
            (&["a", "b", "a"], &[1.0, 2.0, 3.0], "a joint is named twice"),
            (&["a", "b"], &[1.0, f64::NAN], "NaN for the joint \"b\""),
            (&["a", "b"], &[f64::INFINITY, 1.0], "inf for the joint \"a\""),
        ] {
            assert_eq!(named(names, values), Err(why.to_owned()));
        }
    }

    #[test]
    fn a_trajectory_of_another_clock_or_of_yesterday_is_refused() {
        use crate::msg::std::{Duration as Span, Header};
        use crate::msg::trajectory::JointTrajectoryPoint;
        let now = Stamp::from_parts(1000, 0);
        let way = |sec: i32, dues: &[i32]| {
            let point = |sec: &i32| JointTrajectoryPoint {
                positions: vec![1.0, 2.0],
                time_from_start: Span { sec: *sec, nanosec: 0 },
                ..JointTrajectoryPoint::default()
            };
            let header = Header { stamp: Time { sec, nanosec: 0 }, ..Header::default() };
            let joint_names = vec!["a".to_owned(), "b".to_owned()];
            let points = dues.iter().map(point).collect();
            along(&pair(), &JointTrajectory { header, joint_names, points }, &[0.5; JOINTS], now)
        };
        assert!(matches!(way(1_700_000_000, &[1]), Err(Refusal::Far { .. })));
        assert!(matches!(way(990, &[1, 9]), Err(Refusal::Past { .. })));
        assert!(matches!(way(0, &[]), Err(Refusal::NoPoint)));
        assert!(matches!(way(0, &[2, 1]), Err(Refusal::Order)));
        assert!(matches!(way(0, &[-1]), Err(Refusal::Order)));
        let path = way(0, &[1]).expect("it is sound");
        assert_eq!((path.start, &path.from[..]), (now, &[0.5, 0.5][..]));
    }
}
