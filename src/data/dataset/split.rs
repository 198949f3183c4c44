//! Which recordings are learned from, which are held out to judge by, and which a threshold can be calibrated with.
//!
//! A policy that goes on from another one knows what that one learned from. Held out now, it would be judged by what it knows: what
//! was learned from once is never held out. What was held out is learned from as soon as something newer can be held out in its place,
//! because a few recordings that are never learned from are missed.

use super::Dataset;
use crate::data::driver::Driver;
use crate::noise::Noise;

/// What the split draws from, among all that a seed is for.
const SPLIT: u64 = 0x5350_4C49;

/// What a recording was to whatever is gone on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// It was not there.
    Unseen,
    /// It was judged by and not learned from.
    HeldOut,
    /// It was learned from.
    Learned,
}

impl Dataset {
    /// Episodes to learn from and episodes to judge by: `share` of the recordings, at least one where there are two and the share
    /// is above zero. Episodes of one recording stay together, so that judging is by what was never seen.
    pub fn split(&self, share: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        self.split_after(share, seed, |_| Before::Unseen)
    }

    /// The same where `before` says what became of a recording of that hash: `share` is of those that were not learned from, of
    /// which no more than half are held out, the new ones first; where nothing is new, what was held out stays so. Recordings that
    /// teach nothing are no use for judging either.
    pub fn split_after(
        &self,
        share: f64,
        seed: u64,
        before: impl Fn(&str) -> Before,
    ) -> (Vec<usize>, Vec<usize>) {
        let before: Vec<Before> = self.identities().map(|(_, hash)| before(&hash)).collect();
        let mut order: Vec<usize> = (0..self.recordings.len()).collect();
        Noise::of(seed, SPLIT).shuffle(&mut order);
        order.retain(|recording| self.teaches(*recording));
        let count = order.len();
        let among = |which: Before| -> Vec<usize> {
            order.iter().copied().filter(|recording| before[*recording] == which).collect()
        };
        let (mut unlearned, kept) = (among(Before::Unseen), among(Before::HeldOut));
        let stays = unlearned.is_empty();
        unlearned.extend(kept);
        let many = unlearned.len();
        let wanted = match (share * many as f64).round() as usize {
            _ if share == 0.0 => 0,
            _ if stays => many.min(count.saturating_sub(1)),
            wanted if many == count => wanted.max(1).min(count.saturating_sub(1)),
            wanted => wanted.max(1).min(many / 2),
        };
        let held = &unlearned[..wanted];
        (0..self.episodes.len()).partition(|episode| !held.contains(&self.episodes[*episode].recording))
    }

    /// Whether any tick of a recording counts something.
    pub fn teaches(&self, recording: usize) -> bool {
        let recording = &self.recordings[recording];
        let take = &recording.kept.take;
        let weighs = |tick: usize| recording.weight * self.config.weights.of_driver(take.drivers[tick]) > 0.0;
        (0..take.stamps.len()).any(|tick| self.config.counts(recording, tick) && weighs(tick))
    }

    /// Whether a recording went well by whoever drove, alone: a demonstration that is not labelled as failed, or an attempt of the
    /// policy that succeeded without help.
    pub fn went_well(&self, recording: usize) -> bool {
        let recording = &self.recordings[recording];
        let drove = |by| recording.kept.take.drivers.contains(&by);
        match (drove(Driver::Human), drove(Driver::Policy)) {
            (true, false) => recording.success != Some(false),
            (false, true) => recording.success == Some(true),
            _ => false,
        }
    }
}
