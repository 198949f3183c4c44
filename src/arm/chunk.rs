//! A chunk: the next actions a policy means to take, each with the instant at which it is due; and one action of it.
//!
//! Whoever plans and whoever carries out share no clock but the stamps in here, so that a plan which comes late is late by a known
//! amount. A chunk that is empty, has a number that is none, or has no names for its numbers cannot be made, and so never comes
//! near a robot.

use std::sync::Arc;
use std::time::Duration;

use super::Error;
use crate::time::Stamp;

/// The next actions, evenly spaced in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    observed: Stamp,
    first: Stamp,
    period: Duration,
    names: Arc<[String]>,
    values: Vec<f64>,
}

/// What is due at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// The instant.
    pub due: Stamp,
    /// The joints.
    pub names: Arc<[String]>,
    /// A value for each.
    pub values: Vec<f64>,
}

impl Chunk {
    /// Actions for the joints `names` out of what was `observed`: one a `period` from `first` on, row after row in `values`.
    pub fn new(
        observed: Stamp,
        first: Stamp,
        period: Duration,
        names: Arc<[String]>,
        values: Vec<f64>,
    ) -> Result<Self, Error> {
        let refused = |why: String| Err(Error::Chunk { why });
        if names.is_empty() || values.is_empty() {
            return refused(format!("it has {} values for {} joints", values.len(), names.len()));
        }
        if !values.len().is_multiple_of(names.len()) {
            return refused(format!("{} values are no rows of {} joints", values.len(), names.len()));
        }
        if period.is_zero() {
            return refused("all its actions are due at once".to_owned());
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(at) => {
                let (step, joint) = (at / names.len(), &names[at % names.len()]);
                refused(format!("its step {step} has {} for {joint:?}", values[at]))
            }
            None => Ok(Self { observed, first, period, names, values }),
        }
    }

    /// When the policy saw what it planned from.
    pub fn observed(&self) -> Stamp {
        self.observed
    }

    /// When the first action is due.
    pub fn first(&self) -> Stamp {
        self.first
    }

    /// The time between two actions.
    pub fn period(&self) -> Duration {
        self.period
    }

    /// The joints, in the order of each row.
    pub fn names(&self) -> &Arc<[String]> {
        &self.names
    }

    /// How many actions it has; at least one.
    pub fn steps(&self) -> usize {
        self.values.len() / self.names.len()
    }

    /// The actions in order, each with the instant at which it is due.
    pub fn rows(&self) -> impl Iterator<Item = (Stamp, &[f64])> {
        self.values.chunks_exact(self.names.len()).enumerate().map(|(step, row)| (self.due(step), row))
    }

    /// When action number `step` is due, or would be if there were that many.
    pub fn due(&self, step: usize) -> Stamp {
        let whole = self.period.as_nanos().saturating_mul(step as u128);
        self.first + Duration::from_nanos(u64::try_from(whole).unwrap_or(u64::MAX))
    }

    /// The action that is in force at `due`: before the first one that one, after the last one none.
    pub fn in_force(&self, due: Stamp) -> Option<&[f64]> {
        // Grids of two chunks may lie a rounding apart: half a period is nearer than any wrong step.
        let slack = self.period / 2;
        let mut rows = self.rows().take_while(|(at, _)| *at <= due + slack);
        match rows.next() {
            None => self.rows().next().map(|(_, row)| row),
            Some(first) => {
                let (at, row) = rows.last().unwrap_or(first);
                (due < at + self.period).then_some(row)
            }
        }
    }

    /// The same actions from `first` on: for a robot that stood still while it was thought of, so that nothing of it is late.
    pub fn begun(self, first: Stamp) -> Self {
        Self { first, ..self }
    }

    /// Every number, row after row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(values: Vec<f64>, period: Duration) -> Result<Chunk, Error> {
        let names: Arc<[String]> = ["elbow", "gripper"].map(str::to_owned).to_vec().into();
        Chunk::new(Stamp(5), Stamp(10), period, names, values)
    }

    #[test]
    fn an_action_is_due_a_period_after_the_one_before() -> Result<(), Error> {
        let chunk = chunk(vec![1.0, 2.0, 3.0, 4.0], Duration::from_nanos(100))?;
        let rows: Vec<(Stamp, &[f64])> = chunk.rows().collect();
        assert_eq!(rows, [(Stamp(10), &[1.0, 2.0][..]), (Stamp(110), &[3.0, 4.0])]);
        assert_eq!((chunk.steps(), chunk.due(7)), (2, Stamp(710)));
        Ok(())
    }

    #[test]
    fn an_action_is_in_force_for_a_period_and_the_first_before_it_too() -> Result<(), Error> {
        let chunk = chunk(vec![1.0, 2.0, 3.0, 4.0], Duration::from_nanos(100))?;
        let first = |at: i64| chunk.in_force(Stamp(at)).map(|row| row[0]);
        assert_eq!([0, 10, 59, 60, 209].map(first), [Some(1.0), Some(1.0), Some(1.0), Some(3.0), Some(3.0)]);
        assert_eq!(first(210), None, "what comes after is not said");
        let later = chunk.clone().begun(Stamp(500));
        assert_eq!((later.observed(), later.due(1), later.values()), (Stamp(5), Stamp(600), chunk.values()));
        Ok(())
    }

    #[test]
    fn no_chunk_is_made_of_what_no_robot_may_see() {
        let second = Duration::from_secs(1);
        let words = |values: Vec<f64>, period| chunk(values, period).expect_err("it is none").to_string();
        assert!(words(vec![], second).contains("0 values for 2 joints"));
        assert!(words(vec![1.0; 3], second).contains("3 values are no rows of 2 joints"));
        assert!(words(vec![1.0, 2.0, 3.0, f64::NAN], second).contains("step 1 has NaN for \"gripper\""));
        assert!(words(vec![1.0, f64::INFINITY], second).contains("step 0 has inf"));
        assert!(words(vec![1.0, 2.0], Duration::ZERO).contains("at once"));
    }
}
