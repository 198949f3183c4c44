//! The least squares of a few joints within bounds: the smallest of ½ xᵀHx − gᵀx with every x between its bounds.
//!
//! Clamping an unbounded solution would bend the motion: when one joint stands at its limit, the others have to take
//! over what they can of its share. The active-set method for bounded variables (Lawson and Hanson 1974, in the form of
//! Stark and Parker 1995) finds the exact optimum; with at most eight joints that is a handful of small factorizations.

use nalgebra::{Cholesky, SMatrix, SVector};

use super::MOST;

pub(super) type Square = SMatrix<f64, MOST, MOST>;
pub(super) type Column = SVector<f64, MOST>;

/// The most changes of the set of held variables; each of the eight is held or let go a few times at most.
const CHANGES: usize = 6 * MOST;

/// The optimum, and which variables stand at a bound of theirs there.
pub(super) struct Optimum {
    pub(super) x: Column,
    pub(super) held: [bool; MOST],
}

/// The optimum within `lower` and `upper`, from zero on, which must lie between them. `h` must be positive definite; where
/// rounding made it otherwise, what is found so far is returned: it is within the bounds at any time.
pub(super) fn least(h: &Square, g: &Column, lower: &Column, upper: &Column) -> Optimum {
    let mut optimum = Optimum { x: Column::zeros(), held: [false; MOST] };
    for _ in 0..CHANGES {
        let Some(best) = best_of_free(h, g, &optimum) else { break };
        match first_met(&optimum, &best, lower, upper) {
            Some((share, variable)) => {
                let towards = best - optimum.x;
                optimum.x += towards * share;
                optimum.x[variable] = if towards[variable] > 0.0 { upper[variable] } else { lower[variable] };
                optimum.held[variable] = true;
            }
            None => {
                optimum.x = best;
                match pulled_inside(h, g, &optimum, lower) {
                    Some(variable) => optimum.held[variable] = false,
                    None => break,
                }
            }
        }
    }
    optimum
}

/// The optimum over the variables that are not held, with the held ones where they are.
fn best_of_free(h: &Square, g: &Column, at: &Optimum) -> Option<Column> {
    let (mut free, mut wanted) = (*h, *g);
    for held in (0..MOST).filter(|variable| at.held[*variable]) {
        wanted -= h.column(held) * at.x[held];
    }
    for held in (0..MOST).filter(|variable| at.held[*variable]) {
        free.row_mut(held).fill(0.0);
        free.column_mut(held).fill(0.0);
        free[(held, held)] = 1.0;
        wanted[held] = at.x[held];
    }
    let best = Cholesky::new(free)?.solve(&wanted);
    best.iter().all(|value| value.is_finite()).then_some(best)
}

/// The share of the way to `best` after which the first free variable meets a bound, and that variable.
fn first_met(at: &Optimum, best: &Column, lower: &Column, upper: &Column) -> Option<(f64, usize)> {
    let shares = (0..MOST).filter(|variable| !at.held[*variable]).filter_map(|variable| {
        let (from, to) = (at.x[variable], best[variable]);
        let bound = if to > upper[variable] {
            upper[variable]
        } else if to < lower[variable] {
            lower[variable]
        } else {
            return None;
        };
        Some((((bound - from) / (to - from)).clamp(0.0, 1.0), variable))
    });
    shares.min_by(|a, b| a.0.total_cmp(&b.0))
}

/// The held variable that the sum of squares pulls inside most strongly.
fn pulled_inside(h: &Square, g: &Column, at: &Optimum, lower: &Column) -> Option<usize> {
    let pull = g - h * at.x;
    let inwards = |variable: usize| match at.x[variable] <= lower[variable] {
        true => pull[variable],
        false => -pull[variable],
    };
    let strong = 1e-9 * (1.0 + g.amax());
    let pulled = (0..MOST).filter(|variable| at.held[*variable] && inwards(*variable) > strong);
    pulled.max_by(|a, b| inwards(*a).total_cmp(&inwards(*b)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        /// Karush, Kuhn and Tucker: inside its bounds a variable is pulled nowhere, at a bound only outwards.
        #[test]
        fn what_is_found_is_the_optimum(
            factor in prop::array::uniform32(-1.0..1.0f64),
            g in prop::array::uniform8(-2.0..2.0f64),
            reach in prop::array::uniform8(0.0..1.0f64),
            other in prop::array::uniform8(0.0..1.0f64),
        ) {
            let half = SMatrix::<f64, 4, MOST>::from_column_slice(&factor);
            let h = half.transpose() * half + Square::identity() * 0.01;
            let (g, lower, upper) = (Column::from(g), -Column::from(reach), Column::from(other));
            let found = least(&h, &g, &lower, &upper);
            let pull = g - h * found.x;
            for i in 0..MOST {
                prop_assert!((lower[i]..=upper[i]).contains(&found.x[i]), "{i} is out of its bounds");
                let (at_lower, at_upper) = (found.x[i] == lower[i], found.x[i] == upper[i]);
                prop_assert!(pull[i].abs() < 1e-7 || (at_lower && pull[i] < 0.0) || (at_upper && pull[i] > 0.0),
                    "{i} at {} is pulled by {}", found.x[i], pull[i]);
            }
        }
    }

    #[test]
    fn without_bounds_it_is_the_solution_of_the_equations() {
        let h = Square::identity() * 2.0;
        let g = Column::from_fn(|i, _| i as f64);
        let far = Column::repeat(f64::INFINITY);
        let found = least(&h, &g, &-far, &far);
        assert!((found.x - g / 2.0).amax() < 1e-12);
        assert_eq!(found.held, [false; MOST]);
    }
}
