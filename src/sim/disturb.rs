//! What can be made to go wrong: noise on what is measured and on what is done, commands that come late, pushes.
//!
//! Everything is drawn from a stream of the episode's own seed, so that a disturbed episode repeats as exactly as an
//! undisturbed one.

use std::collections::VecDeque;
use std::str::FromStr;

use nalgebra::Vector3;

use super::physics::{Body, Physics};
use super::{Error, JOINTS};
use crate::noise::Noise;

/// How long one push lasts, s.
const PUSH_SECONDS: f64 = 0.1;

/// What is wrong in an episode; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// The standard deviation of what is measured of a joint, rad; a tenth of it, in metres, of what is measured of a place.
    pub sensor: f64,
    /// The standard deviation of what a joint is told beside what it should be told, rad.
    pub action: f64,
    /// How many seconds a command takes to arrive.
    pub latency: f64,
    /// Newtons by which the hand, or what it handles, is pushed once in two seconds on average.
    pub push: f64,
}

/// One kind of disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Noise on what is measured.
    Sensor,
    /// Noise on what is done.
    Action,
    /// Late commands.
    Latency,
    /// Pushes.
    Push,
}

impl FromStr for Kind {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "sensor" => Ok(Self::Sensor),
            "action" => Ok(Self::Action),
            "latency" => Ok(Self::Latency),
            "push" => Ok(Self::Push),
            _ => Err(Error::Disturbance { word: word.to_owned() }),
        }
    }
}

impl Disturbance {
    /// The same with one kind set to `size`.
    pub fn with(mut self, kind: Kind, size: f64) -> Result<Self, Error> {
        if !(size.is_finite() && size >= 0.0) {
            return Err(Error::DisturbanceSize { size });
        }
        match kind {
            Kind::Sensor => self.sensor = size,
            Kind::Action => self.action = size,
            Kind::Latency => self.latency = size,
            Kind::Push => self.push = size,
        }
        Ok(self)
    }
}

/// A disturbance at work in one episode.
#[derive(Debug)]
pub(super) struct Disturbed {
    pub(super) what: Disturbance,
    noise: Noise,
    late: VecDeque<[f64; JOINTS]>,
    /// What arrived last, before anything was added to it.
    last: Option<[f64; JOINTS]>,
    /// Who is being pushed, and until when.
    pushing: Option<(Body, f64)>,
}

impl Disturbed {
    pub(super) fn new(what: Disturbance, seed: u64) -> Self {
        Self {
            what,
            noise: Noise::of(seed, super::DISTURBING),
            late: VecDeque::new(),
            last: None,
            pushing: None,
        }
    }

    /// The command that arrives when `command` is sent; `held` is what was in force before the first one.
    pub(super) fn arriving(
        &mut self,
        command: [f64; JOINTS],
        held: [f64; JOINTS],
        tick: f64,
    ) -> [f64; JOINTS] {
        let waiting = (self.what.latency / tick).round() as usize;
        self.late.push_back(command);
        let mut arrived = self.last.unwrap_or(held);
        while self.late.len() > waiting {
            arrived = self.late.pop_front().unwrap_or(arrived);
        }
        self.last = Some(arrived);
        if self.what.action > 0.0 {
            // The fingers travel centimetres where joints turn radians.
            let scale = |joint: usize| if joint == JOINTS - 1 { 0.02 } else { 1.0 };
            arrived.iter_mut().enumerate().for_each(|(joint, told)| {
                *told += self.what.action * scale(joint) * self.noise.normal();
            });
        }
        arrived
    }

    /// Begins and ends pushes.
    pub(super) fn push(&mut self, physics: &mut Physics, hand: Body, other: Option<Body>, tick: f64) {
        let now = physics.time();
        if let Some((body, until)) = self.pushing {
            if now >= until {
                physics.pull(body, Vector3::zeros());
                self.pushing = None;
            }
        } else if self.what.push > 0.0 && self.noise.chance(tick / 2.0) {
            let body = other.filter(|_| self.noise.chance(0.5)).unwrap_or(hand);
            let way = Vector3::new(self.noise.normal(), self.noise.normal(), 0.0);
            physics.pull(body, way.normalize() * self.what.push);
            self.pushing = Some((body, now + PUSH_SECONDS));
        }
    }

    /// What a joint's measurement is off by.
    pub(super) fn measured(&mut self) -> f64 {
        if self.what.sensor > 0.0 { self.what.sensor * self.noise.normal() } else { 0.0 }
    }
}
