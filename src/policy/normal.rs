//! From a robot's units to numbers around zero, and back: the setting `policy.normal`.
//!
//! A network learns radians and millimetres alike only where both spread about as far. What a number was divided by follows from
//! the data it was trained on and belongs to the policy like its weights do.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::data::{Layout, Part, Spread, Statistics};
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
    /// Whether what belongs together in a pose is scaled alike.
    pub poses: Poses,
    /// Observations farther out than this, in scaled units, are taken as being just there: a network's answer to what it never
    /// came near is anything.
    pub clip: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { state: Scale::Range, actions: Scale::Range, poses: Poses::Whole, clip: 5.0 }
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

/// How the numbers of a pose are scaled to one another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Poses {
    /// The three of a place by the widest of them, the six of a rotation by the widest of those. A thing that lies on a table is told
    /// by where it lies; scaled each by itself, a height that never changes but for a tenth of a millimetre would be told as loudly,
    /// and be far out at the first touch that tilts the thing.
    #[default]
    Whole,
    /// Each by itself.
    Each,
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
    pub(super) fn new(config: &Config, layout: &Layout, statistics: &Statistics, site: &Site<'_>) -> Self {
        let each = |spreads: &[Spread], scale: Scale| spreads.iter().map(|spread| scale.of(spread)).collect();
        let mut state: Vec<(f64, f64)> = each(&statistics.state, config.state);
        let mut goal: Vec<(f64, f64)> = each(&statistics.goal, config.state);
        if config.poses == Poses::Whole {
            let mut begin = 0;
            for part in &layout.state {
                let end = begin + part.labels.len();
                scale_alike(part, &mut state[begin..end]);
                if layout.goal.first() == Some(&begin) {
                    scale_alike(part, &mut goal);
                }
                begin = end;
            }
        }
        let actions: Vec<(f64, f64)> = each(&statistics.actions, config.actions);
        let scaling = |numbers: &[(f64, f64)]| Scaling::new(numbers, site);
        Self { state: scaling(&state), actions: scaling(&actions), goal: scaling(&goal), clip: config.clip }
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

/// Scales the numbers of a pose, each with its centre and how much one is, by the widest of those that belong together. One that never
/// changes stays so.
fn scale_alike(part: &Part, numbers: &mut [(f64, f64)]) {
    if !part.is_pose() {
        return;
    }
    let (place, turn) = numbers.split_at_mut(3);
    for together in [place, turn] {
        let widest = together.iter().map(|(_, one)| *one).fold(0.0, f64::max);
        together.iter_mut().filter(|(_, one)| *one > 0.0).for_each(|(_, one)| *one = widest);
    }
}

impl Scaling {
    /// Of numbers, each with its centre and how much one is.
    fn new(numbers: &[(f64, f64)], site: &Site<'_>) -> Self {
        let (kind, device) = (site.kind(), site.device());
        let row = |value: &dyn Fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = numbers.iter().map(value).collect();
            Tensor::from_slice(&values).to_kind(kind).to_device(device)
        };
        Self {
            centre: row(&|(centre, _)| *centre),
            one: row(&|(_, one)| *one),
            inverse: row(&|(_, one)| if *one == 0.0 { 0.0 } else { 1.0 / one }),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_on_a_table_is_not_told_its_height_as_loudly_as_its_place() {
        let part = |labels: &[&str]| Part {
            stream: "block".to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        let pose = part(&["x", "y", "z", "r11", "r21", "r31", "r12", "r22", "r32"]);
        let ones = [0.12, 0.18, 0.0002, 1.0, 1.0, 0.003, 0.9, 1.0, 0.0];
        let mut numbers = ones.map(|one| (0.5, one));
        scale_alike(&pose, &mut numbers);
        let expected = [0.18, 0.18, 0.18, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0].map(|one| (0.5, one));
        assert_eq!(numbers, expected);
        let mut others = [(0.0, 0.1), (0.0, 2.0)];
        scale_alike(&part(&["position/a", "position/b"]), &mut others);
        assert_eq!(others, [(0.0, 0.1), (0.0, 2.0)], "joints are none of one another's business");
        let seen = part(
            &["x", "y", "z", "r11", "r21", "r31", "r12", "r22", "r32"]
                .map(|name| ["from block", name].join("/").leak() as &str),
        );
        assert!(seen.is_pose(), "also as it is seen from another");
    }
}
