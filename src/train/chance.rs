//! Where each piece of a run's chance comes from: the seed, what it is for, and the number of what it is for.
//!
//! No stream goes on from one step to the next, so nothing of chance has to be kept for a run to go on as if it had never stopped.

use crate::noise::Noise;

/// What chance is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The first weights of a member.
    Weights = 1,
    /// The seed of a member's order of windows.
    Order = 2,
    /// What varies in a batch: goals, shifts.
    Windows = 3,
    /// How a batch's pictures are cut and lit, and what the head draws for its loss.
    Loss = 4,
    /// The same on held-out episodes: equal at every validation, so that their results can be compared.
    Validation = 5,
    /// What is sampled to be compared with what was done.
    Sample = 6,
    /// Which windows a policy remembers.
    Landmarks = 7,
    /// What policies draw while their doubt is watched.
    Doubt = 8,
    /// What they draw while their errors are looked at.
    Errors = 9,
}

/// The stream for `purpose`, of the ensemble's `member`, and `number`.
pub(super) fn stream(seed: u64, purpose: Purpose, member: usize, number: u64) -> Noise {
    // 8 bits, 8 bits (an ensemble has at most 100 members) and 48 bits: no two pieces of one run share a stream.
    Noise::of(seed, (purpose as u64) << 56 | (member as u64) << 48 | number)
}
