//! How smooth a motion was, from the commands that made it.
//!
//! Success says nothing of a robot that shakes. Jerk is what a person feels at the arm, and the largest step is what a controller
//! has to swallow at once. The step where one chunk meets another is told apart: there, chunks that do not agree are felt.

use crate::sim::JOINTS;

/// How many of the joints are the arm's; the gripper's metres do not go with their radians.
const ARM: usize = JOINTS - 1;

/// What is known of a motion so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Motion {
    /// The last commands, the newest first.
    last: [Option<[f64; JOINTS]>; 3],
    squares: f64,
    count: u64,
    largest: f64,
    at_a_seam: f64,
}

impl Motion {
    /// One more command; at a seam if it is the first of a new chunk after one of another.
    pub(super) fn add(&mut self, command: [f64; JOINTS], seam: bool) {
        if let Some(one) = self.last[0] {
            let steps = (0..ARM).map(|joint| (command[joint] - one[joint]).abs());
            let step = steps.fold(0.0, f64::max);
            self.largest = self.largest.max(step);
            if seam {
                self.at_a_seam = self.at_a_seam.max(step);
            }
            if let [_, Some(two), Some(three)] = self.last {
                for joint in 0..ARM {
                    let third = command[joint] - 3.0 * one[joint] + 3.0 * two[joint] - three[joint];
                    self.squares += third * third;
                    self.count += 1;
                }
            }
        }
        self.last = [Some(command), self.last[0], self.last[1]];
    }

    /// The root of the mean square of the arm's jerk, rad/s³, where commands come `rate_hz` times a second.
    pub(super) fn jerk(&self, rate_hz: f64) -> f64 {
        (self.squares / self.count.max(1) as f64).sqrt() * rate_hz.powi(3)
    }

    /// The largest change of a joint of the arm from one command to the next, rad.
    pub(super) fn largest_step(&self) -> f64 {
        self.largest
    }

    /// The largest of them where a chunk met another, rad.
    pub(super) fn largest_seam(&self) -> f64 {
        self.at_a_seam
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_has_the_jerk_of_its_third_derivative_and_rest_has_none() {
        let (mut cubic, mut rest) = (Motion::default(), Motion::default());
        for tick in 0..50 {
            let time = f64::from(tick) / 100.0;
            cubic.add([2.0 * time.powi(3); JOINTS], tick == 10);
            rest.add([0.3; JOINTS], true);
        }
        assert!((cubic.jerk(100.0) - 12.0).abs() < 1e-6, "{}", cubic.jerk(100.0));
        assert!(rest.jerk(100.0) < 1e-6 && rest.largest_step() == 0.0, "{rest:?}");
        let step = 2.0 * (0.49_f64.powi(3) - 0.48_f64.powi(3));
        assert!((cubic.largest_step() - step).abs() < 1e-12);
        let seam = 2.0 * (0.10_f64.powi(3) - 0.09_f64.powi(3));
        assert!((cubic.largest_seam() - seam).abs() < 1e-12);
    }
}
