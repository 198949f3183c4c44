//! How far a policy leads off from what the expert would have done, where it brought itself.
//!
//! A robot that errs by ε at each step of a demonstrator's way errs by more where no demonstration went, and over T steps by up to
//! ε·T² (Ross et al. 2011, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning", section 2).
//! Summed over time this is that error: it grows in proportion where a policy finds back, and faster where it does not.

use crate::sim::JOINTS;

/// How many of the joints are the arm's; the gripper's metres do not go with their radians.
const ARM: usize = JOINTS - 1;
/// How long a block is, s.
pub(super) const BLOCK: f64 = 0.5;

/// What is known of an attempt so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Astray {
    blocks: Vec<f64>,
    ticks: u64,
}

impl Astray {
    /// One more command of `rate_hz` a second, beside what the expert would have commanded.
    pub(super) fn add(&mut self, command: [f64; JOINTS], wish: [f64; JOINTS], rate_hz: f64) {
        let block = (self.ticks as f64 / (BLOCK * rate_hz)) as usize;
        self.ticks += 1;
        self.blocks.resize(block + 1, 0.0);
        let off = (0..ARM).map(|joint| (command[joint] - wish[joint]).powi(2)).sum::<f64>().sqrt();
        self.blocks[block] += off;
    }

    /// The sums of half seconds, rad.
    pub(super) fn into_blocks(self) -> Vec<f64> {
        self.blocks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_off_adds_up_in_half_seconds_and_agreeing_does_not() {
        let mut astray = Astray::default();
        for tick in 0..75 {
            let mut command = [0.1; JOINTS];
            command[0] += if tick >= 60 { 0.01 } else { 0.0 };
            astray.add(command, [0.1; JOINTS], 100.0);
        }
        let blocks = astray.into_blocks();
        assert_eq!(blocks[0], 0.0);
        assert!((blocks[1] - 0.15).abs() < 1e-9 && blocks.len() == 2, "{blocks:?}");
    }
}
