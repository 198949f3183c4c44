//! The robot as a runner needs it: the joints it commands, what they may do, where they are told and where commands go.
//!
//! Put together once from the robot's file and its description; whatever is missing for driving it is said before a topic is opened.

use std::time::Duration;

use super::Error;
use super::draw::Tip;
use crate::arm::urdf::Kind;
use crate::arm::{Chain, Description};
use crate::control::Limits;
use crate::control::{self, gate};
use crate::data::observe::{Field, Observe};
use crate::data::{Layout, actions};
use crate::node::teleop::leader;
use crate::spec::{Act, Channel, Name};

/// The robot as a runner needs it.
#[derive(Clone, Debug)]
pub struct Robot {
    /// Every joint that is commanded, part by part.
    pub joints: Vec<String>,
    /// Commands a second.
    pub rate_hz: f64,
    /// What is observed.
    pub observe: Observe,
    /// How plans become commands, and who drives.
    pub control: control::Config,
    /// How commands that left are brought onto the grid of observations.
    pub actions: actions::Actions,
    /// What the policy sees of it.
    pub layout: Layout,
    pub(super) limits: Limits,
    /// Which of the joints do not turn.
    pub(super) slides: Vec<bool>,
    pub(super) told: Vec<Told>,
    /// Where a person's leader tells its joints; empty where not every joint has one.
    pub(super) leader: Vec<Told>,
    pub(super) outlets: Vec<Outlet>,
    /// Where its tip is, for viewers.
    pub(super) tip: Option<Tip>,
    /// Who plans is somewhere else, and so is what it sees.
    unseen: bool,
}

/// What stands for all that is seen somewhere else.
const UNSEEN: &str = "what the policy sees";

/// A topic that tells positions.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) topic: Name,
    /// Of each joint that it may tell, the number and the name in its messages.
    pub(super) joints: Vec<(usize, String)>,
}

/// Where the commands of one part go.
#[derive(Clone, Debug)]
pub(super) struct Outlet {
    pub(super) to: Channel,
    /// Which of the joints it moves.
    pub(super) joints: std::ops::Range<usize>,
    /// Their names in its messages.
    pub(super) names: Vec<String>,
}

impl Robot {
    /// The robot of that description and those sections of its file; a policy for it sees `layout`.
    pub fn new(
        description: Option<&Description>,
        observe: &Observe,
        act: &Act,
        control: &control::Config,
        actions: &actions::Actions,
        layout: Layout,
    ) -> Result<Self, Error> {
        let mut outlets: Vec<Outlet> = Vec::new();
        let mut joints: Vec<String> = Vec::new();
        for part in act.parts.values() {
            let begin = joints.len();
            joints.extend(part.joints.iter().cloned());
            let bare = |joint: &String| joint.strip_prefix(&part.to.prefix).unwrap_or(joint).to_owned();
            let names = part.joints.iter().map(bare).collect();
            outlets.push(Outlet { to: part.to.clone(), joints: begin..joints.len(), names });
        }
        if layout.actions != joints {
            let (wanted, moved) = (layout.actions.join(", "), joints.join(", "));
            let why = format!("the policy moves {wanted}, the robot {moved}");
            return Err(Error::Setting { key: "act.parts", why });
        }
        let told = told(observe, &joints);
        if let Some(blind) = (0..joints.len()).find(|joint| !is_told(&told, *joint)) {
            let why = format!(
                "no stream tells the position of {:?}, and a command begins where the robot is",
                joints[blind]
            );
            return Err(Error::Setting { key: "observe.streams", why });
        }
        let limits = control.limits.clone().unwrap_or_default();
        let limits = Limits::load(&limits, description, &joints)?;
        let slides = |joint: &String| {
            description
                .and_then(|arm| arm.joint(joint).ok())
                .is_some_and(|joint| joint.kind == Kind::Prismatic)
        };
        Ok(Self {
            slides: joints.iter().map(slides).collect(),
            rate_hz: act.rate_hz,
            observe: observe.clone(),
            control: control.clone(),
            actions: actions.clone(),
            layout,
            limits,
            told,
            leader: leader(&joints, act, &leader::Config::default()),
            outlets,
            joints,
            tip: None,
            unseen: false,
        })
    }

    /// The robot of that description and those sections of its file, for whoever drives it and sees nothing but where it is.
    pub fn unseen(
        description: Option<&Description>,
        observe: &Observe,
        act: &Act,
        control: &control::Config,
        actions: &actions::Actions,
    ) -> Result<Self, Error> {
        let layout = Layout {
            rate_hz: observe.rate_hz,
            state: Vec::new(),
            cameras: Vec::new(),
            goal: Vec::new(),
            actions: act.parts.values().flat_map(|part| part.joints.iter().cloned()).collect(),
        };
        Ok(Self { unseen: true, ..Self::new(description, observe, act, control, actions, layout)? })
    }

    /// The same robot, whose way a viewer is shown at the end of `chain`; its joints have `prefix` in front of the chain's.
    #[must_use]
    pub fn shown(self, chain: Chain, prefix: &str) -> Self {
        Self { tip: Tip::of(chain, prefix, &self.joints), ..self }
    }

    /// The same robot, of whose leader `config` says where it tells its joints and what they are called there.
    #[must_use]
    pub fn led(self, act: &Act, config: &leader::Config) -> Self {
        Self { leader: leader(&self.joints, act, config), ..self }
    }

    /// The time between two commands.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.rate_hz)
    }

    /// The age beyond which each stream of the layout is silent, as the watchdog sees it; what is seen somewhere else is one.
    pub(super) fn streams(&self) -> Vec<Duration> {
        let milliseconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
        if self.unseen {
            return vec![milliseconds(self.control.watchdog.thinking_ms)];
        }
        let known = self.layout.streams().filter_map(|name| self.observe.streams.get(name));
        known.map(|stream| milliseconds(stream.max_age_ms) + milliseconds(stream.latency_ms)).collect()
    }

    /// What the numbers in a reason for holding stand for.
    pub(super) fn names(&self) -> gate::Names {
        let unseen = self.unseen.then(|| UNSEEN.to_owned());
        let streams = self.layout.streams().map(str::to_owned).chain(unseen).collect();
        gate::Names { streams, joints: self.joints.clone() }
    }
}

fn told(observe: &Observe, joints: &[String]) -> Vec<Told> {
    let streams = observe.streams.values().filter(|stream| stream.fields.contains(&Field::Position));
    let of = |stream: &crate::data::observe::Stream| {
        let named = joints
            .iter()
            .enumerate()
            .filter_map(|(number, joint)| Some((number, joint.strip_prefix(&stream.prefix)?.to_owned())));
        Told { topic: stream.topic.clone(), joints: named.collect() }
    };
    streams.map(of).collect()
}

/// Where a leader tells each of `joints`, if all have one. What the robot itself is told is no leader's.
fn leader(joints: &[String], act: &Act, config: &leader::Config) -> Vec<Told> {
    let mut found: Vec<Told> = Vec::new();
    for (number, joint) in joints.iter().enumerate() {
        let Some((topic, name)) = leader::reading(joint, act, config) else { return Vec::new() };
        if act.parts.values().any(|part| part.to.topic == *topic) {
            return Vec::new();
        }
        match found.iter_mut().find(|told| told.topic == *topic) {
            Some(told) => told.joints.push((number, name)),
            None => found.push(Told { topic: topic.clone(), joints: vec![(number, name)] }),
        }
    }
    found
}

fn is_told(told: &[Told], joint: usize) -> bool {
    told.iter().any(|told| told.joints.iter().any(|(number, _)| *number == joint))
}
