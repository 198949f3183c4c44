//! A trajectory being followed: where joints shall be at any time, straight from point to point.
//!
//! It begins where the joints were told to be when it came, so that a first point in the future is a way there and not a
//! jump. What is told at the beginning of a tick holds until its end, hence a trajectory is asked for the end.

use std::time::Duration;

use crate::time::Stamp;

/// Where joints shall be, and when.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    /// When it begins.
    pub(super) start: Stamp,
    /// Where the joints were told to be when it came.
    pub(super) from: Vec<f64>,
    /// When after the start, and where; times rise.
    pub(super) points: Vec<(Duration, Vec<f64>)>,
}

impl Path {
    /// Where the joints shall be at `now`.
    pub(super) fn at(&self, now: Stamp) -> Vec<f64> {
        let since = now.since(self.start);
        let (mut begin, mut from) = (Duration::ZERO, &self.from);
        for (due, to) in &self.points {
            if since < *due {
                let share = (since - begin).as_secs_f64() / (*due - begin).as_secs_f64();
                return from.iter().zip(to).map(|(from, to)| from + share * (to - from)).collect();
            }
            (begin, from) = (*due, to);
        }
        from.clone()
    }

    /// Whether it leads no further at `now`.
    pub(super) fn is_over(&self, now: Stamp) -> bool {
        self.points.last().is_none_or(|(due, _)| now.since(self.start) >= *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trajectory_goes_straight_from_point_to_point() {
        let ms = Duration::from_millis;
        let points = vec![(ms(100), vec![1.0]), (ms(300), vec![0.0])];
        let path = Path { start: Stamp(0) + ms(50), from: vec![0.5], points };
        let told: Vec<f64> =
            [0, 50, 100, 150, 200, 250, 350, 999].map(|at| path.at(Stamp(0) + ms(at))[0]).to_vec();
        assert_eq!(told, [0.5, 0.5, 0.75, 1.0, 0.75, 0.5, 0.0, 0.0]);
        assert!(!path.is_over(Stamp(0) + ms(349)) && path.is_over(Stamp(0) + ms(350)));
    }

    #[test]
    fn a_point_that_is_due_at_once_is_where_it_begins() {
        let path = Path { start: Stamp(0), from: vec![3.0], points: vec![(Duration::ZERO, vec![1.0])] };
        assert_eq!(path.at(Stamp(0)), [1.0]);
    }
}
