//! Which recordings are learned from, which are held out to judge by, and which a threshold can be calibrated with.
//!
//! A policy that goes on from another one knows what that one learned from. Held out now, it would be judged by what it knows: what
//! was learned from once is never held out, and what was held out stays so while anything is held out and something else is learned.

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

    /// The same where `before` says what became of a recording of that hash: what was held out stays so, what was learned from is
    /// not held out, and of what is new no more than half. Recordings that teach nothing are no use for judging either.
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
        let (kept, new) = (among(Before::HeldOut), among(Before::Unseen));
        let least = usize::from(share > 0.0 && count > 1);
        let wanted =
            ((share * count as f64).round() as usize).clamp(least, count.saturating_sub(1).max(least));
        // Of a few that are new beside many that are known most would be held out otherwise, and nothing learned.
        let most = if new.len() == count { wanted } else { new.len() / 2 };
        let all = if share > 0.0 { wanted.max(kept.len()).min(count.saturating_sub(1)) } else { 0 };
        let held: Vec<usize> = kept.into_iter().chain(new.into_iter().take(most)).take(all).collect();
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
