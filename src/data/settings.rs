//! The section `data`: what of the recordings is learned from, and how it is varied.
//!
//! How streams are brought onto the grid is the robot's affair and stands under `observe`; here is what may differ from one
//! training to the next. What shapes the decoded data is part of the cache's address, so a changed key is never a stale cache.

use serde::{Deserialize, Serialize};

use super::Error;
use super::actions::Actions;
use super::augment::Augment;
use super::driver::Interventions;
use super::goal::Goal;
use super::weights::Weights;

/// The section `data`.
///
/// ```yaml
/// data:
///   gaps: end                 # a stream falls silent: the episode ends there; or `drop`: windows that touch it
///   failures: leave_out       # recordings labelled `success: false`; or `keep`
///   interventions: corrections   # of recordings with an `intervention` topic; or successes, all, expert
///   held_out: 0.1             # the share of recordings that is kept for judging
///   actions: {align: linear, max_age_ms: 200, offset_ms: 0}
///   weights: {human: 1, policy: 1, quality: {poor: 0.3}}
///   goal: {stream: cube, relabel: 0.8, within_s: 2}
///   augment: {crop: 0.9, brightness: 0.2, contrast: 0.2, saturation: 0.2, shift: {deviation: 0.05, steps: 8}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What becomes of an episode in which a stream falls silent.
    pub gaps: Gaps,
    /// What becomes of recordings that are labelled as failed.
    pub failures: Failures,
    /// Whose ticks are learned from where person and policy took turns.
    pub interventions: Interventions,
    /// The share of recordings kept for judging.
    pub held_out: f64,
    /// How actions are brought onto the grid.
    pub actions: Actions,
    /// How much windows count.
    pub weights: Weights,
    /// What is to be reached, for policies that are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<Goal>,
    /// How windows are varied.
    pub augment: Augment,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            gaps: Gaps::End,
            failures: Failures::LeaveOut,
            interventions: Interventions::Corrections,
            held_out: 0.1,
            actions: Actions::default(),
            weights: Weights::default(),
            goal: None,
            augment: Augment::default(),
        }
    }
}

/// What becomes of an episode in which a stream falls silent. Nothing is ever filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gaps {
    /// It ends there, and another begins where all streams are back: windows at both are padded.
    #[default]
    End,
    /// Windows that touch the gap are left out.
    Drop,
}

/// What becomes of recordings that are labelled as failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failures {
    /// They are left out.
    #[default]
    LeaveOut,
    /// They are learned from like the others.
    Keep,
}

impl Config {
    /// The rules for numbers, which serde cannot see. Says which key is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let share = |key: &str, value: f64| within(key, value, 0.0, 1.0);
        share("data.held_out", self.held_out)?;
        self.actions.check()?;
        self.weights.check()?;
        self.goal.iter().try_for_each(Goal::check)?;
        self.augment.check()
    }
}

/// Refuses a number outside of `least..=most`.
pub(super) fn within(key: &str, value: f64, least: f64, most: f64) -> Result<(), Error> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(Error::Setting {
            key: key.to_owned(),
            why: format!("{value} is no number from {least} to {most}"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_reads_as_it_is_documented_and_comes_back_the_same()
    -> Result<(), Box<dyn std::error::Error>> {
        let text = "
gaps: drop
failures: keep
interventions: successes
held_out: 0.2
actions: {align: newest, max_age_ms: 100, offset_ms: -40}
weights: {human: 2, policy: 0.5, quality: {poor: 0.3}}
goal: {stream: cube, relabel: 0.8, within_s: 2}
augment: {crop: 0.9, brightness: 0.2, contrast: 0.2, saturation: 0.2, shift: {deviation: 0.05, steps: 8}}
";
        let config: Config = serde_saphyr::from_str(text)?;
        config.check()?;
        assert_eq!((config.gaps, config.failures, config.held_out), (Gaps::Drop, Failures::Keep, 0.2));
        let again: Config = serde_saphyr::from_str(&serde_saphyr::to_string(&config)?)?;
        assert_eq!(again, config);
        assert_eq!(serde_saphyr::from_str::<Config>("{}")?, Config::default());
        Config::default().check()?;
        Ok(())
    }

    #[test]
    fn a_number_that_cannot_be_is_named_by_its_key() {
        for (text, key) in [
            ("{held_out: 1.5}", "data.held_out"),
            ("{actions: {max_age_ms: 0}}", "data.actions.max_age_ms"),
            ("{weights: {human: -1}}", "data.weights.human"),
            ("{weights: {quality: {poor: .nan}}}", "data.weights.quality.poor"),
            ("{goal: {stream: cube, relabel: 2}}", "data.goal.relabel"),
            ("{goal: {stream: cube, within_s: 0}}", "data.goal.within_s"),
            ("{augment: {crop: 0}}", "data.augment.crop"),
            ("{augment: {shift: {deviation: 0.1, steps: 0}}}", "data.augment.shift.steps"),
        ] {
            let config: Config = serde_saphyr::from_str(text).expect("YAML of that shape");
            let error = config.check().expect_err(text).to_string();
            assert!(error.starts_with(&format!("{key}: ")), "{error}");
        }
        assert!(serde_saphyr::from_str::<Config>("{gap: end}").is_err());
    }
}
