//! An attempt told again: a policy and an expert shared it, and now it is published as it would have been on a robot.
//!
//! The command of every tick is known, and the world does with it what it did. Beside what an expert's demonstration says there are
//! `command`, what left for the robot and by whom, and `intervention`, who drove and why: with them corrections can be told from
//! what was corrected.

use super::slots::{Slot, of_slots, slots};
use super::{Error, Options};
use crate::bus::typed::topic;
use crate::bus::{Bus, Sink};
use crate::msg::Message;
use crate::msg::own::{Command, Intervention};
use crate::node::diagnostics::header;
use crate::sim::{JOINTS, Told};
use crate::time::Stamp;
use crate::wire::Qos;

/// What left for the robot.
const COMMAND: &str = "command";
/// Who drives.
const INTERVENTION: &str = "intervention";

/// An attempt that was made, to be told again.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// What everything by chance in it followed from.
    pub seed: u64,
    /// Whether the task was done in it.
    pub success: bool,
    /// What was told at every tick.
    pub told: Vec<Told>,
}

/// The topics that say who drove, and the attempt that is told.
pub(super) struct Retelling {
    topics: [String; 2],
    command: Box<dyn Sink>,
    intervention: Box<dyn Sink>,
    slots: Vec<Slot>,
    script: Script,
}

impl Retelling {
    pub(super) fn open(bus: &dyn Bus, options: &Options) -> Result<Self, Error> {
        let all: Vec<String> = options.act.parts.values().flat_map(|part| &part.joints).cloned().collect();
        Ok(Self {
            topics: [bus.node().resolve(COMMAND)?, bus.node().resolve(INTERVENTION)?],
            command: bus.advertise(&topic::<Command>(COMMAND, Qos::reliable(10)))?,
            intervention: bus.advertise(&topic::<Intervention>(INTERVENTION, Qos::latched(1)))?,
            slots: slots(&all, "")?,
            script: Script { seed: 0, success: false, told: Vec::new() },
        })
    }

    /// Takes the attempt that is told next.
    pub(super) fn begin(&mut self, script: Script) {
        self.script = script;
    }

    /// The attempt that is told.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// The full names of its topics.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        self.topics.iter().map(String::as_str)
    }

    /// Those of them that nobody hears.
    pub(super) fn unheard(&self) -> Vec<String> {
        let sinks = self.topics.iter().zip([&self.command, &self.intervention]);
        sinks.filter(|(_, sink)| sink.matched() == 0).map(|(name, _)| name.clone()).collect()
    }

    /// Says what was told at that tick of the attempt, at `now`; the command of every joint. Past its end nothing is said.
    pub(super) fn say(&mut self, tick: u64, now: Stamp) -> Result<Option<[f64; JOINTS]>, Error> {
        let told = usize::try_from(tick).ok().and_then(|tick| self.script.told.get(tick));
        let Some(Told { command, driver, limited, said }) = told else { return Ok(None) };
        if let Some(said) = said {
            self.intervention.send(Intervention { header: header(now), ..said.clone() }.encode())?;
        }
        let names = self.slots.iter().map(|slot| slot.name.clone()).collect();
        let values = of_slots(&self.slots, command);
        let left = Command { header: header(now), names, values, driver: *driver, limited: *limited };
        self.command.send(left.encode())?;
        Ok(Some(*command))
    }
}
