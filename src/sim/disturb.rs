//! What can be made to go wrong: noise on what is measured and on what is done, commands that come late, pushes.
//!
//! Everything is drawn from streams of the episode's own seed, so that a disturbed episode repeats as exactly as an
//! undisturbed one. The first push comes early: there are attempts that last half a second, and one that is said to be disturbed shall be.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use nalgebra::Vector3;

use super::physics::{Body, Physics};
use super::{Error, JOINTS};
use crate::noise::Noise;

/// How long one push lasts, s.
const PUSH_SECONDS: f64 = 0.1;
/// When the first push of an episode begins, s.
const FIRST: Range<f64> = 0.0..0.3;
/// How long it is from one push to the next on average, s.
const APART: f64 = 2.0;

/// What is wrong in an episode; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Disturbance {
    /// The standard deviation of what is measured of a joint, rad; a tenth of it, in metres, of what is measured of a place.
    pub sensor: f64,
    /// The standard deviation of what a joint is told beside what it should be told, rad.
    pub action: f64,
    /// How many seconds a command takes to arrive.
    pub latency: f64,
    /// Newtons by which the hand, or what it handles, is pushed: within 0.3 s of the start, and then once in two seconds on average.
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

/// As it is asked for: `sensor=0.01 push=5`, and nothing where nothing is wrong.
impl fmt::Display for Disturbance {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sensor, action, latency, push } = *self;
        let all = [("sensor", sensor), ("action", action), ("latency", latency), ("push", push)];
        let wrong = all.into_iter().filter(|(_, size)| *size > 0.0);
        wrong.enumerate().try_for_each(|(before, (kind, size))| {
            write!(out, "{}{kind}={size}", if before == 0 { "" } else { " " })
        })
    }
}

/// A disturbance at work in one episode.
#[derive(Debug)]
pub(super) struct Disturbed {
    pub(super) what: Disturbance,
    noise: Noise,
    /// The chance of pushes: they come when they come, whatever else is wrong.
    pushes: Noise,
    /// When the first push begins, as long as it has not.
    first: Option<f64>,
    late: VecDeque<[f64; JOINTS]>,
    /// What arrived last, before anything was added to it.
    last: Option<[f64; JOINTS]>,
    /// Who is being pushed, and until when.
    pushing: Option<(Body, f64)>,
}

impl Disturbed {
    pub(super) fn new(what: Disturbance, seed: u64) -> Self {
        let mut pushes = Noise::of(seed, super::PUSHING);
        Self {
            what,
            noise: Noise::of(seed, super::DISTURBING),
            first: Some(pushes.within(FIRST)),
            pushes,
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
        } else if self.what.push > 0.0 && self.begins(now, tick) {
            self.first = None;
            let body = other.filter(|_| self.pushes.chance(0.5)).unwrap_or(hand);
            let way = Vector3::new(self.pushes.normal(), self.pushes.normal(), 0.0);
            physics.pull(body, way.normalize() * self.what.push);
            self.pushing = Some((body, now + PUSH_SECONDS));
        }
    }

    /// Whether a push begins now.
    fn begins(&mut self, now: f64, tick: f64) -> bool {
        match self.first {
            Some(first) => now >= first,
            None => self.pushes.chance(tick / APART),
        }
    }

    /// What a joint's measurement is off by.
    pub(super) fn measured(&mut self) -> f64 {
        if self.what.sensor > 0.0 { self.what.sensor * self.noise.normal() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_is_told_as_it_is_asked_for() -> Result<(), Error> {
        let asked = [("latency", 0.1), ("push", 5.0), ("sensor", 0.001)];
        let disturbance = asked
            .iter()
            .try_fold(Disturbance::default(), |sum, (kind, size)| sum.with(kind.parse()?, *size))?;
        assert_eq!(disturbance.to_string(), "sensor=0.001 latency=0.1 push=5");
        assert_eq!(Disturbance::default().to_string(), "");
        Ok(())
    }
}
