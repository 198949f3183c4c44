//! What a latched topic said last, kept for the episodes to come.
//!
//! Such a message comes once, when the recorder subscribes, and holds until there is another: frames, a robot's
//! description, a goal. No episode would have it if it were not kept, because the bus does not say it again.

use std::collections::VecDeque;

use crate::wire::{History, Sample};

/// The most bytes kept of one topic. One message is always kept, however large.
const MOST_BYTES: usize = 16_000_000;

/// The last messages of each publisher of one topic, oldest first.
#[derive(Debug)]
pub(super) struct Latched {
    samples: VecDeque<Sample>,
    bytes: usize,
    /// Of each publisher.
    depth: usize,
    /// Of all of them.
    most: usize,
}

impl Latched {
    /// Keeps of each publisher as many as it keeps itself, and never more than `most` in all.
    pub(super) fn new(history: History, most: u32) -> Self {
        let depth = match history {
            History::KeepLast(depth) => depth.clamp(1, most),
            History::KeepAll => most,
        };
        Self { samples: VecDeque::new(), bytes: 0, depth: depth as usize, most: most as usize }
    }

    /// Keeps a message and lets go of those it takes the place of.
    pub(super) fn keep(&mut self, sample: &Sample) {
        let same = |kept: &Sample| kept.publisher == sample.publisher;
        if self.samples.iter().filter(|kept| same(kept)).count() >= self.depth {
            self.samples.iter().position(same).into_iter().for_each(|oldest| self.drop_at(oldest));
        }
        self.bytes += sample.cdr.len();
        self.samples.push_back(sample.clone());
        while self.samples.len() > 1 && (self.samples.len() > self.most || self.bytes > MOST_BYTES) {
            self.drop_at(0);
        }
    }

    fn drop_at(&mut self, index: usize) {
        if let Some(gone) = self.samples.remove(index) {
            self.bytes -= gone.cdr.len();
        }
    }

    /// What is kept.
    pub(super) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::time::Stamp;
    use crate::wire::{Gid, Topic};

    fn sample(publisher: u8, at: i64, bytes: usize) -> Sample {
        Sample {
            topic: Arc::new(Topic::new("/t", "std_msgs/msg/Header")),
            received: Stamp(at),
            sent: None,
            publisher: Some(Gid([publisher; 16])),
            sequence: None,
            cdr: Bytes::from(vec![0; bytes]),
        }
    }

    fn kept(latched: &Latched) -> Vec<i64> {
        latched.samples().map(|sample| sample.received.0).collect()
    }

    #[test]
    fn of_each_publisher_the_last_are_kept() {
        let mut latched = Latched::new(History::KeepLast(1), 64);
        for (publisher, at) in [(1, 1), (2, 2), (1, 3)] {
            latched.keep(&sample(publisher, at, 10));
        }
        assert_eq!(kept(&latched), [2, 3]);
    }

    #[test]
    fn what_is_kept_is_bounded_in_number_and_bytes() {
        let mut latched = Latched::new(History::KeepAll, 3);
        (0..5).for_each(|at| latched.keep(&sample(1, at, 10)));
        assert_eq!(kept(&latched), [2, 3, 4]);
        latched.keep(&sample(1, 5, 2 * MOST_BYTES));
        assert_eq!(kept(&latched), [5], "one is kept, however large");
    }
}
