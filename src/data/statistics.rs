//! How the numbers of a data set are spread: what a policy normalizes by, and what a discretizing head cuts into bins.
//!
//! Mean and deviation come from one pass that adds nothing up (Welford 1962), so that a number far from zero with a small spread
//! keeps its digits. Quantiles are exact: the numbers of a data set lie in memory in any case, its pictures do not.

use serde::{Deserialize, Serialize};

/// Edges of the bins of equal count: two hundred and fifty-six bins.
pub const EDGES: usize = 257;

/// How every number of a data set is spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// In the order of the state.
    pub state: Vec<Spread>,
    /// In the order of actions; those carried out before are spread like them.
    pub actions: Vec<Spread>,
    /// In the order of the goal.
    pub goal: Vec<Spread>,
}

/// How one number is spread.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation.
    pub deviation: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
    /// One in a hundred lies below.
    pub low: f64,
    /// One in a hundred lies above.
    pub high: f64,
    /// Edges of bins that hold equally many, the least first and the most last; several may be equal.
    pub quantiles: Vec<f32>,
}

impl Spread {
    /// Of at least one value; of none everything is zero.
    pub fn of(values: impl Iterator<Item = f32>) -> Self {
        let (mut mean, mut square, mut sorted) = (0.0, 0.0, Vec::new());
        for value in values {
            sorted.push(value);
            let off = f64::from(value) - mean;
            mean += off / sorted.len() as f64;
            square += off * (f64::from(value) - mean);
        }
        if sorted.is_empty() {
            return Self::default();
        }
        sorted.sort_by(f32::total_cmp);
        let at = |share: f64| quantile(&sorted, share);
        Self {
            mean,
            deviation: (square / sorted.len() as f64).sqrt(),
            least: at(0.0),
            most: at(1.0),
            low: at(0.01),
            high: at(0.99),
            quantiles: (0..EDGES).map(|edge| at(edge as f64 / (EDGES - 1) as f64) as f32).collect(),
        }
    }

    /// Of each column of `rows`, which are `width` numbers each, and where its sign in `signs` is negative of its negatives too.
    pub fn of_columns(rows: &[&[f32]], width: usize, signs: &[f32]) -> Vec<Self> {
        let column = |column: usize| {
            rows.iter().flat_map(move |rows| rows.iter().skip(column).step_by(width).copied())
        };
        let one = |number: usize| match signs.get(number).is_some_and(|sign| *sign < 0.0) {
            true => Self::of(column(number).chain(column(number).map(|value| -value))),
            false => Self::of(column(number)),
        };
        (0..width).map(one).collect()
    }
}

/// Between the two values nearest to that share of them.
fn quantile(sorted: &[f32], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, rest) = (place.floor() as usize, place.fract());
    let above = (below + 1).min(sorted.len() - 1);
    f64::from(sorted[below]) + rest * (f64::from(sorted[above]) - f64::from(sorted[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_what_its_values_say() {
        let spread = Spread::of((0..=100).rev().map(|value| value as f32));
        assert_eq!((spread.mean, spread.least, spread.most), (50.0, 0.0, 100.0));
        assert!((spread.deviation - 850.0_f64.sqrt()).abs() < 1e-9, "{}", spread.deviation);
        assert!((spread.low - 1.0).abs() < 1e-12 && (spread.high - 99.0).abs() < 1e-12);
        assert_eq!((spread.quantiles.len(), spread.quantiles[128]), (EDGES, 50.0));
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }

    #[test]
    fn a_small_spread_far_from_zero_keeps_its_digits() {
        let values = [16384.0_f32, 16384.002, 16384.004];
        let exact: f64 = {
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 3.0;
            (values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / 3.0).sqrt()
        };
        assert!((Spread::of(values.into_iter()).deviation - exact).abs() < 1e-12);
    }

    #[test]
    fn columns_of_several_episodes_are_one_column() {
        let (first, second) = ([1.0_f32, 10.0, 2.0, 20.0], [3.0_f32, 30.0]);
        let spreads = Spread::of_columns(&[&first, &second], 2, &[]);
        assert_eq!((spreads[0].mean, spreads[1].mean), (2.0, 20.0));
        let mirrored = Spread::of_columns(&[&first, &second], 2, &[1.0, -1.0]);
        assert_eq!(mirrored[0], spreads[0]);
        assert_eq!((mirrored[1].mean, mirrored[1].least, mirrored[1].most), (0.0, -30.0, 30.0));
    }
}
