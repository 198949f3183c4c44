//! Goals: what is to be reached, told in the numbers of one observed stream.
//!
//! A demonstration shows how to reach every state that it came through. So a later state of the same episode stands in as the
//! goal (hindsight relabelling, Andrychowicz et al. 2017, "Hindsight experience replay", section 4.5, strategy "future"), and aimless
//! play teaches reaching.

use serde::{Deserialize, Serialize};

use super::Error;
use super::settings::within;
use crate::noise::Noise;

/// The section `data.goal`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// The observed stream in whose numbers a goal is told; on the robot it comes on the topic `goal`, as the same type.
    pub stream: String,
    /// The share of windows whose goal is a later state of their episode; that of the others is what was recorded on the topic
    /// `goal` or, where nothing was, how the episode ended. Four of five is the paper's best.
    #[serde(default = "four_of_five")]
    pub relabel: f64,
}

fn four_of_five() -> f64 {
    0.8
}

impl Default for Goal {
    fn default() -> Self {
        Self { stream: String::new(), relabel: four_of_five() }
    }
}

impl Goal {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("data.goal.relabel", self.relabel, 0.0, 1.0)
    }

    /// The tick whose state is the goal of a window at `tick` of an episode of `ticks`; `None` for what was recorded, or for the
    /// end. Draws the same amount of chance whatever comes of it, so that one window does not move the next.
    pub(super) fn later(&self, tick: usize, ticks: usize, noise: &mut Noise) -> Option<usize> {
        let relabelled = noise.chance(self.relabel);
        let left = ticks.saturating_sub(tick + 1);
        let ahead = 1 + noise.below(left);
        (relabelled && left > 0).then_some(tick + ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_lies_ahead_in_its_episode_and_every_later_tick_comes_up() {
        let goal = Goal { stream: "cube".into(), relabel: 1.0 };
        let mut noise = Noise::new(3);
        let mut seen = [0; 10];
        for _ in 0..2000 {
            seen[goal.later(4, 10, &mut noise).expect("it is always relabelled")] += 1;
        }
        assert!(
            seen[..5].iter().all(|count| *count == 0) && seen[5..].iter().all(|count| *count > 300),
            "{seen:?}"
        );
        assert_eq!(goal.later(9, 10, &mut noise), None, "nothing follows the last tick");
        assert_eq!(Goal { relabel: 0.0, ..goal }.later(4, 10, &mut noise), None);
    }
}
