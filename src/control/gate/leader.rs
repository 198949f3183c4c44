//! Whether a leader arm is being moved by hand.
//!
//! A leader that lies on the table trembles, and one that is pulled gently is slow, so what counts is the distance from where it
//! rested, not its speed. It comes to rest, and what is measured from begins anew, where it stays near one place for a while.

use std::time::Duration;

use super::config::Leader;
use super::milliseconds;
use crate::time::Stamp;

/// Tells whether a leader is moved.
#[derive(Clone, Debug)]
pub struct Motion {
    moved: f64,
    rest: Duration,
    /// Where it was at the start of the present stay, and since when it has stayed there.
    place: Vec<f64>,
    since: Option<Stamp>,
    /// When it was seen last.
    seen: Option<Stamp>,
    moving: bool,
}

impl Motion {
    /// Nothing is known yet of a leader with so many joints.
    pub fn new(config: &Leader, joints: usize) -> Self {
        let (moved, rest) = (config.moved, milliseconds(config.rest_ms));
        Self { moved, rest, place: vec![0.0; joints], since: None, seen: None, moving: false }
    }

    /// Whether it is being moved, as it stands at `positions` now. Positions that are no numbers, or for other joints, say nothing.
    pub fn look(&mut self, positions: &[f64], now: Stamp) -> bool {
        if positions.len() != self.place.len() || positions.iter().any(|position| !position.is_finite()) {
            return self.moving;
        }
        // Where it was meanwhile nobody knows: it may have been carried there.
        if self.seen.replace(now).is_some_and(|seen| now.since(seen) > self.rest) {
            self.forget();
            self.seen = Some(now);
        }
        let away = self.place.iter().zip(positions).any(|(place, at)| (at - place).abs() > self.moved);
        match self.since {
            // Where it is first seen is where it rests.
            None => self.stay(positions, now),
            Some(_) if away => {
                self.stay(positions, now);
                self.moving = true;
            }
            Some(since) if now < since => self.since = Some(now),
            Some(since) => self.moving &= now.since(since) < self.rest,
        }
        self.moving
    }

    /// Nothing is known of it any more.
    pub fn forget(&mut self) {
        (self.since, self.seen, self.moving) = (None, None, false);
    }

    fn stay(&mut self, positions: &[f64], now: Stamp) {
        self.place.copy_from_slice(positions);
        self.since = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_trembles_is_not_moved_and_one_that_rests_no_longer_is() {
        let mut motion = Motion::new(&Leader { moved: 0.05, rest_ms: 100.0 }, 2);
        let mut at = |ms: i64, joint: f64| motion.look(&[1.0, joint], Stamp(ms * 1_000_000));
        assert!(!at(0, 0.3), "where it is first seen");
        assert!((1..100).all(|tick| !at(tick, 0.3 + 0.04 * f64::from(tick as i32 % 2))), "it trembles");
        assert!(at(100, 0.36), "it is moved");
        assert!(at(199, 0.37), "a short stay");
        assert!(!at(200, 0.37), "it rests");
        assert!(!at(210, f64::NAN), "no number says nothing");
        assert!(at(220, 0.30), "it is moved again");
        assert!(!at(400, 0.90), "it was not seen for a while");
        assert!(at(410, 0.80), "and is moved where it is");
    }
}
