//! From a robot's units to numbers around zero, and back: the setting `policy.normal`.
//!
//! A network learns radians and millimetres alike only where both spread about as far. What a number was divided by follows from
//! the data it was trained on and belongs to the policy like its weights do.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::data::{Spread, Statistics};
use crate::nn::Site;

/// A number that spreads less than this is taken as one that never changes, as in the code of Chi et al. 2023: what it does is
/// noise, and would be blown up to look like a motion.
const CONSTANT: f64 = 1e-4;

/// The setting `policy.normal`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How the numbers of observations and goals are scaled.
    pub state: Scale,
    /// How actions are scaled, those to come and those past.
    pub actions: Scale,
    /// Observations farther out than this, in scaled units, are taken as being just there: a network's answer to what it never
    /// came near is anything.
    pub clip: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { state: Scale::Range, actions: Scale::Range, clip: 5.0 }
    }
}

/// What becomes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Its least value in the data becomes −1, its most 1 (Chi et al. 2023, appendix A.1).
    Range,
    /// The value below which one in a hundred lies becomes −1, and the one above which one does, 1: for data with outliers.
    Percentiles,
    /// Its mean becomes 0, its standard deviation 1.
    Deviation,
}

/// What a policy's numbers are scaled by.
#[derive(Debug)]
pub(super) struct Normal {
    state: Scaling,
    actions: Scaling,
    goal: Scaling,
    clip: f64,
}

/// Where zero is, and how much one is; zero for a number that never changes.
#[derive(Debug)]
struct Scaling {
    centre: Tensor,
    one: Tensor,
    inverse: Tensor,
}

impl Normal {
    pub(super) fn new(config: &Config, statistics: &Statistics, site: &Site<'_>) -> Self {
        let scaling = |spreads: &[Spread], scale| Scaling::new(spreads, scale, site);
        Self {
            state: scaling(&statistics.state, config.state),
            actions: scaling(&statistics.actions, config.actions),
            goal: scaling(&statistics.goal, config.state),
            clip: config.clip,
        }
    }

    /// `[.., state]`.
    pub(super) fn state(&self, state: &Tensor) -> Tensor {
        self.state.scaled(state).clamp(-self.clip, self.clip)
    }

    /// `[.., goal]`.
    pub(super) fn goal(&self, goal: &Tensor) -> Tensor {
        self.goal.scaled(goal).clamp(-self.clip, self.clip)
    }

    /// Past actions, `[.., action]`.
    pub(super) fn past(&self, past: &Tensor) -> Tensor {
        self.actions.scaled(past).clamp(-self.clip, self.clip)
    }

    /// Actions that are to be learned or kept, `[.., action]`.
    pub(super) fn actions(&self, actions: &Tensor) -> Tensor {
        self.actions.scaled(actions)
    }

    /// Actions in the robot's units.
    pub(super) fn restored(&self, actions: &Tensor) -> Tensor {
        self.actions.restored(actions)
    }
}

impl Scaling {
    fn new(spreads: &[Spread], scale: Scale, site: &Site<'_>) -> Self {
        let (kind, device) = (site.kind(), site.device());
        let row = |value: &dyn Fn(&Spread) -> f64| {
            let values: Vec<f64> = spreads.iter().map(value).collect();
            Tensor::from_slice(&values).to_kind(kind).to_device(device)
        };
        Self {
            centre: row(&|spread| scale.of(spread).0),
            one: row(&|spread| scale.of(spread).1),
            inverse: row(&|spread| match scale.of(spread).1 {
                0.0 => 0.0,
                one => 1.0 / one,
            }),
        }
    }

    fn scaled(&self, x: &Tensor) -> Tensor {
        (x.to_kind(self.centre.kind()) - &self.centre) * &self.inverse
    }

    fn restored(&self, x: &Tensor) -> Tensor {
        x * &self.one + &self.centre
    }
}

impl Scale {
    /// What becomes 0, and how far from it 1 is; 0 for a number that never changes.
    pub(super) fn of(self, spread: &Spread) -> (f64, f64) {
        let between = |low: f64, high: f64| (low.midpoint(high), (high - low) / 2.0);
        let (centre, one) = match self {
            Self::Range => between(spread.least, spread.most),
            Self::Percentiles => between(spread.low, spread.high),
            Self::Deviation => (spread.mean, spread.deviation),
        };
        if 2.0 * one < CONSTANT { (centre, 0.0) } else { (centre, one) }
    }

    /// Where the quantiles of a number come to lie; nowhere for one that never changes.
    pub(super) fn edges(self, spread: &Spread) -> Vec<f64> {
        let (centre, one) = self.of(spread);
        let scaled = |edge: &f32| (f64::from(*edge) - centre) / one;
        if one == 0.0 { Vec::new() } else { spread.quantiles.iter().map(scaled).collect() }
    }
}
