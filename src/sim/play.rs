//! Aimless play: a hand that moves about above the table, from place to place, for no reason.
//!
//! Who plays shows how each place is reached from the one before, though nobody asked for any: told afterwards where he came to, a
//! learner has demonstrations of reaching (Lynch et al. 2019, "Learning latent plans from play"). A hand that rests shows what to do
//! at a goal that is reached.

use std::ops::Range;

use nalgebra::Vector3;

use super::expert::{Aim, down};
use super::simulation::{HOME, HOME_GRIPPER};
use crate::noise::Noise;

/// How long it goes on, s.
const LASTING: Range<f64> = 10.0..20.0;
/// Where the hand comes to, m: the places of `reach` and some more on every side, which are then not at the border of what was seen.
const PLACES: [Range<f64>; 3] = [0.23..0.50, -0.22..0.22, 0.05..0.32];
/// How far it turns about the vertical, rad.
const YAW: Range<f64> = -0.75..0.75;
/// How fast it moves, m/s.
const SPEED: Range<f64> = 0.12..0.35;
/// How long it takes to come to a stop, s.
const STOPPING: f64 = 0.5;
/// How often a hand that has come somewhere rests there, and how long, s.
const RESTS: f64 = 0.5;
const REST: Range<f64> = 0.1..0.6;

/// One attempt at nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Play {
    /// Until when the hand is on its way to which place, the last one at the end.
    legs: Vec<(f64, Aim)>,
}

impl Play {
    /// Draws where the hand goes.
    pub(super) fn draw(noise: &mut Noise) -> Self {
        let end = noise.within(LASTING);
        let (mut legs, mut time, mut from) = (Vec::new(), 0.0, Vector3::from(HOME));
        while time < end {
            let [x, y, z] = PLACES.map(|range| noise.within(range));
            let (yaw, speed) = (noise.within(YAW), noise.within(SPEED));
            let tool = down(x, y, z, yaw);
            time += (tool.translation.vector - from).norm() / speed + STOPPING;
            if noise.chance(RESTS) {
                time += noise.within(REST);
            }
            from = tool.translation.vector;
            legs.push((time.min(end), Aim { tool, gripper: HOME_GRIPPER, speed }));
        }
        Self { legs }
    }

    /// How long it goes on.
    pub(super) fn seconds(&self) -> f64 {
        self.legs.last().map_or(0.0, |(until, _)| *until)
    }

    /// Where the hand is on its way to at `time`.
    pub(super) fn aim(&self, time: f64) -> Aim {
        let leg = self.legs.partition_point(|(until, _)| *until <= time);
        self.legs[leg.min(self.legs.len() - 1)].1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn play_lasts_ten_to_twenty_seconds_and_comes_to_many_places() {
        for seed in 0..100 {
            let play = Play::draw(&mut Noise::new(seed));
            assert!(LASTING.contains(&play.seconds()), "{}", play.seconds());
            assert!(play.legs.len() >= 4, "{} places", play.legs.len());
            assert!(play.legs.windows(2).all(|pair| pair[0].0 < pair[1].0), "time goes on");
            assert_ne!(play.aim(0.0), play.aim(play.seconds()), "it moves on");
            assert_eq!(play.aim(1e9), play.aim(play.seconds()), "after the end it stays");
            assert_eq!(play, Play::draw(&mut Noise::new(seed)), "a seed repeats");
        }
    }
}
