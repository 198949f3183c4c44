//! Goals: what is to be reached, told in the numbers of one observed stream.
//!
//! A demonstration shows how to reach every state that it came through. So a later state of the same episode stands in as the
//! goal (hindsight relabelling, Andrychowicz et al. 2017, "Hindsight experience replay", section 4.5, strategy "future"), and aimless
//! play teaches reaching. A goal that lies far ahead was come to by a way that nobody would choose for it: where there are many
//! places on the way, goals are drawn from the next seconds only, as Lynch et al. 2019 ("Learning latent plans from play") do.

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
    /// How many seconds after a window such a state is at the most; up to the end of the episode where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within_s: Option<f64>,
}

fn four_of_five() -> f64 {
    0.8
}

impl Default for Goal {
    fn default() -> Self {
        Self { stream: String::new(), relabel: four_of_five(), within_s: None }
    }
}

impl Goal {
    pub(super) fn check(&self) -> Result<(), Error> {
        within("data.goal.relabel", self.relabel, 0.0, 1.0)?;
        self.within_s.map_or(Ok(()), |seconds| within("data.goal.within_s", seconds, 0.01, 1e6))
    }

    /// The same for judging: goals as they were told, but where none of those is learned, because they mean nothing.
    pub(super) fn judging(&self) -> Self {
        let relabel = if self.relabel < 1.0 { 0.0 } else { 1.0 };
        Self { relabel, ..self.clone() }
    }

    /// The last tick whose state can be the goal of a window at `tick` of an episode of `ticks`.
    pub(super) fn latest(&self, tick: usize, ticks: usize, rate_hz: f64) -> usize {
        tick.saturating_add(self.most(rate_hz)).min(ticks.saturating_sub(1))
    }

    /// How many ticks a goal may lie ahead.
    fn most(&self, rate_hz: f64) -> usize {
        self.within_s.map_or(usize::MAX, |seconds| ((seconds * rate_hz).round() as usize).max(1))
    }

    /// The tick whose state is the goal of a window at `tick` of an episode of `ticks`, of which a second has `rate_hz`; `None` for
    /// what was recorded, or for the end. Draws the same amount of chance whatever comes of it, so that one window does not move
    /// the next.
    pub(super) fn later(&self, tick: usize, ticks: usize, rate_hz: f64, noise: &mut Noise) -> Option<usize> {
        let relabelled = noise.chance(self.relabel);
        let left = ticks.saturating_sub(tick + 1).min(self.most(rate_hz));
        let ahead = 1 + noise.below(left);
        (relabelled && left > 0).then_some(tick + ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_lies_ahead_in_its_episode_and_every_later_tick_comes_up() {
        let goal = Goal { stream: "cube".into(), relabel: 1.0, within_s: None };
        let mut noise = Noise::new(3);
        let mut seen = [0; 10];
        for _ in 0..2000 {
            seen[goal.later(4, 10, 25.0, &mut noise).expect("it is always relabelled")] += 1;
        }
        assert!(
            seen[..5].iter().all(|count| *count == 0) && seen[5..].iter().all(|count| *count > 300),
            "{seen:?}"
        );
        assert_eq!(goal.later(9, 10, 25.0, &mut noise), None, "nothing follows the last tick");
        assert_eq!(Goal { relabel: 0.0, ..goal }.later(4, 10, 25.0, &mut noise), None);
    }

    #[test]
    fn a_goal_lies_no_further_ahead_than_is_said() {
        let goal = Goal { stream: "tool".into(), relabel: 1.0, within_s: Some(0.2) };
        let mut noise = Noise::new(5);
        let mut seen = [0; 6];
        for _ in 0..1000 {
            seen[goal.later(4, 100, 25.0, &mut noise).expect("it is always relabelled") - 5] += 1;
        }
        assert!(seen[..5].iter().all(|count| (150..250).contains(count)) && seen[5] == 0, "{seen:?}");
        assert_eq!(goal.later(98, 100, 25.0, &mut noise), Some(99), "nor after the end");
        let mut short = Goal { within_s: Some(0.001), ..goal };
        assert_eq!(short.later(4, 100, 25.0, &mut noise), Some(5), "the next one at the least");
        assert!(short.check().is_err(), "less than any rate's period");
        short.within_s = Some(f64::NAN);
        assert!(short.check().is_err());
    }

    #[test]
    fn it_is_judged_by_goals_that_were_told_where_such_are_learned() {
        let goal = Goal { stream: "cube".into(), ..Goal::default() };
        assert_eq!(goal.judging().relabel, 0.0);
        let aimless = Goal { relabel: 1.0, within_s: Some(2.0), ..goal };
        assert_eq!(aimless.judging(), aimless);
    }
}
