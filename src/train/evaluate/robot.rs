//! The simulated arm as a policy meets it: what it knows on the policy's grid, and commands of all its joints.
//!
//! Attempts are made through it. It is a thing of its own so that a test can tell it the commands of a recorded attempt and hold
//! what it knew there against what the importer reads from the bag.

use std::time::Duration;

use super::Error;
use super::senses::Senses;
use crate::control::Limits;
use crate::data::observe::{Observe, Observer};
use crate::data::{Layout, Observation};
use crate::sim::{Disturbance, JOINTS, Light, NAMES, Simulation};
use crate::spec::Act;
use crate::time::Stamp;

/// When every attempt begins: not at zero, which means "never" to many who read stamps.
const BEGINNING: Stamp = Stamp::from_parts(1, 0);

/// The arm in a world.
#[derive(Debug)]
pub struct Robot {
    world: Simulation,
    senses: Senses,
    observer: Observer,
    tick: Duration,
    /// One of how many ticks an observation is made.
    grid: u64,
    /// The joints that are moved, by their place among the world's.
    moved: Vec<usize>,
    /// What was commanded at the last observation; nothing before the first.
    past: Option<Vec<f32>>,
    gaps: u64,
}

impl Robot {
    /// The arm in `world`, where what is wrong is as `disturbance` says; what is known is as `layout` and `observe` say, `act` says
    /// how often it is commanded, and where there is a goal it is the thing of that name.
    pub fn open(
        world: &str,
        disturbance: Disturbance,
        layout: &Layout,
        observe: &Observe,
        act: &Act,
        goal: Option<&str>,
    ) -> Result<Self, Error> {
        let (rate_hz, control_hz) = (layout.rate_hz, act.rate_hz);
        let tick = Duration::from_secs_f64(1.0 / control_hz);
        let mut world = Simulation::open(world, tick, Light::Plain)?;
        world.disturb(disturbance);
        let ticks = control_hz / rate_hz;
        if ticks.round() < 1.0 || (ticks - ticks.round()).abs() > 1e-6 {
            return Err(Error::Grid { rate_hz, control_hz });
        }
        let place = |joint: &String| {
            let known = NAMES.iter().position(|known| known == joint);
            known.ok_or_else(|| Error::Joint { joint: joint.clone(), known: &NAMES })
        };
        Ok(Self {
            senses: Senses::find(layout, observe, &world, control_hz, goal)?,
            observer: Observer::new(layout, observe),
            moved: layout.actions.iter().map(place).collect::<Result<_, _>>()?,
            grid: ticks.round() as u64,
            past: None,
            gaps: 0,
            world,
            tick,
        })
    }

    /// Begins the attempt of `seed`.
    pub fn reset(&mut self, seed: u64) {
        self.world.reset(seed);
        self.observer.forget();
        (self.past, self.gaps) = (None, 0);
    }

    /// When it is.
    pub fn now(&self) -> Stamp {
        BEGINNING + self.tick * u32::try_from(self.world.ticks()).unwrap_or(u32::MAX)
    }

    /// When it will be so many observations later.
    pub fn later(&self, observations: u32) -> Stamp {
        let grid = u32::try_from(self.grid).unwrap_or(u32::MAX);
        self.now() + self.tick * observations.saturating_mul(grid)
    }

    /// Whether this is a tick at which something is to be known.
    pub fn on_grid(&self) -> bool {
        self.world.ticks().is_multiple_of(self.grid)
    }

    /// Hears everything that is said at this tick, once in each; what is known now where it is time for that and nothing is missing.
    pub fn look(&mut self) -> Result<Option<Observation>, Error> {
        let now = self.now();
        self.senses.show(&mut self.world, now, &mut self.observer)?;
        if !self.on_grid() {
            return Ok(None);
        }
        let Ok(mut observation) = self.observer.at(now) else {
            self.gaps += 1;
            return Ok(None);
        };
        if let Some(past) = self.past.take() {
            observation.past = past;
        }
        Ok(Some(observation))
    }

    /// How many observations could not be made in this attempt.
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// The joints are told `command`, in the order of the world's, and time passes.
    pub fn step(&mut self, command: &[f64; JOINTS]) {
        if self.on_grid() {
            self.past = Some(self.moved.iter().map(|joint| command[*joint] as f32).collect());
        }
        self.world.step(command);
    }

    /// The joints that are moved, by their place among the world's.
    pub fn moved(&self) -> &[usize] {
        &self.moved
    }

    /// Where they are, in that order.
    pub fn measured(&self) -> Vec<f64> {
        self.moved.iter().map(|joint| self.world.state().joints[*joint]).collect()
    }

    /// How strongly the joint presses whose effort `limits` bound, where they bound one.
    pub fn pressing(&self, limits: Option<&Limits>) -> Option<f64> {
        limits?.gripper().map(|place| self.world.state().efforts[self.moved[place]])
    }

    /// The world it is in.
    pub fn world(&self) -> &Simulation {
        &self.world
    }

    /// The same, for who takes pictures there.
    pub(super) fn world_mut(&mut self) -> &mut Simulation {
        &mut self.world
    }
}
