//! The account of one topic: what arrived, what was dropped, and what never came by its publishers' own numbering.
//!
//! It outlives the subscription it began with, because a topic that is subscribed to anew is the same topic: what was
//! missed in between is found by the numbers, and what is sent again is known by them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::wire::{Gid, Sample};

/// The most publishers of a topic whose numbering is followed; one that restarts is a new one each time. Beyond, the
/// one unheard longest is forgotten, and a gap of its own is not seen.
const PUBLISHERS: usize = 256;

/// What became of one topic's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Arrived here.
    pub received: u64,
    /// Arrived here and were dropped, because nobody took them in time or because they could not be read.
    pub dropped: u64,
    /// Never arrived: the publisher's own numbering jumped over them.
    pub lost: u64,
}

/// One topic's messages, counted.
#[derive(Debug, Default)]
pub(super) struct Account {
    received: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    numbering: Mutex<Numbering>,
}

impl Account {
    /// Counts a sample that came and what is missing before it; whether it is new.
    pub(super) fn admit(&self, sample: &Sample) -> bool {
        if let (Some(publisher), Some(sequence)) = (sample.publisher, sample.sequence) {
            let Some(missing) = self.numbering().follow(publisher, sequence) else { return false };
            self.lost.fetch_add(missing, Relaxed);
        }
        self.received.fetch_add(1, Relaxed);
        true
    }

    /// Counts a sample that was pushed out.
    pub(super) fn drop_one(&self) {
        self.dropped.fetch_add(1, Relaxed);
    }

    /// Counts a sample that came but could not be read.
    #[cfg(any(feature = "dds", test))]
    pub(super) fn refuse(&self) {
        self.received.fetch_add(1, Relaxed);
        self.dropped.fetch_add(1, Relaxed);
        self.numbering().unread += 1;
    }

    /// Ends the account of what came so far: whatever of it comes again is nothing new.
    pub(super) fn settle(&self) {
        self.numbering().publishers.values_mut().for_each(|known| known.settled = known.next);
    }

    /// What it came to so far.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            received: self.received.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            lost: self.lost.load(Relaxed),
        }
    }

    fn numbering(&self) -> MutexGuard<'_, Numbering> {
        self.numbering.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose numbering has come how far.
#[derive(Debug, Default)]
struct Numbering {
    publishers: HashMap<Gid, Publisher>,
    heard: u64,
    /// How many came that could not be read: a number that is missing may be theirs, and they are counted already.
    unread: u64,
}

/// How far one publisher's numbering has come.
#[derive(Debug)]
struct Publisher {
    /// The next number expected.
    next: u64,
    /// An earlier subscription accounted for all numbers below, as received or as lost.
    settled: u64,
    /// When it was heard last, in the order of all samples.
    heard: u64,
}

impl Numbering {
    /// Takes note of a number and returns how many before it never came; nothing where the number itself is accounted
    /// for already, as that of a latched message that is sent again to a new subscription.
    fn follow(&mut self, publisher: Gid, sequence: u64) -> Option<u64> {
        self.heard += 1;
        if self.publishers.len() >= PUBLISHERS && !self.publishers.contains_key(&publisher) {
            let longest = self.publishers.iter().min_by_key(|(_, known)| known.heard).map(|(gid, _)| *gid);
            longest.map(|gid| self.publishers.remove(&gid));
        }
        let first = Publisher { next: sequence, settled: 0, heard: 0 };
        let known = self.publishers.entry(publisher).or_insert(first);
        known.heard = self.heard;
        if sequence < known.settled {
            return None;
        }
        let missing = sequence.saturating_sub(known.next);
        known.next = known.next.max(sequence + 1);
        let unread = missing.min(self.unread);
        self.unread -= unread;
        Some(missing - unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_that_restarts_for_ever_takes_no_more_room() {
        let mut numbering = Numbering::default();
        let gid =
            |number: u64| Gid([number.to_le_bytes(), [0; 8]].concat().try_into().expect("sixteen bytes"));
        for number in 1..=3 * PUBLISHERS as u64 {
            assert_eq!(numbering.follow(gid(number), 1), Some(0));
            // One that goes on is not forgotten for those that come and go.
            assert_eq!(numbering.follow(gid(0), 2 * number), Some(u64::from(number > 1)));
        }
        assert_eq!(numbering.publishers.len(), PUBLISHERS);
    }
}
