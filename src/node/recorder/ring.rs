//! The last seconds, kept in case somebody says "that one": bounded in time and in bytes.
//!
//! Samples share their bytes with whoever else holds them, so a ring costs memory only for what nobody else needs
//! any more.

use std::collections::VecDeque;
use std::time::Duration;

use super::config;
use crate::time::Stamp;
use crate::wire::Sample;

/// The last samples of all topics, in the order they came.
#[derive(Debug)]
pub(super) struct Ring {
    samples: VecDeque<Sample>,
    bytes: usize,
    most_bytes: usize,
    longest: Duration,
}

impl Ring {
    /// An empty ring; of zero seconds it stays empty.
    pub(super) fn new(config: &config::Ring) -> Self {
        let longest = Duration::try_from_secs_f64(config.seconds).unwrap_or_default();
        let most_bytes = usize::try_from(config.megabytes.saturating_mul(1_000_000)).unwrap_or(usize::MAX);
        Self { samples: VecDeque::new(), bytes: 0, most_bytes, longest }
    }

    /// Whether it keeps anything at all.
    pub(super) fn is_on(&self) -> bool {
        !self.longest.is_zero()
    }

    /// Keeps a sample and lets go of those that are too old or too many.
    pub(super) fn push(&mut self, sample: &Sample) {
        if self.is_on() {
            self.bytes += sample.cdr.len();
            self.samples.push_back(sample.clone());
            self.prune(sample.received);
        }
    }

    fn prune(&mut self, now: Stamp) {
        while let Some(first) = self.samples.front() {
            if self.bytes <= self.most_bytes && now.since(first.received) <= self.longest {
                break;
            }
            self.bytes -= first.cdr.len();
            self.samples.pop_front();
        }
    }

    /// What it holds at `now`, oldest first.
    pub(super) fn held(&mut self, now: Stamp) -> Vec<Sample> {
        self.prune(now);
        self.samples.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::wire::Topic;

    fn sample(at_s: i64, bytes: usize) -> Sample {
        Sample {
            topic: Arc::new(Topic::new("/t", "std_msgs/msg/Header")),
            received: Stamp(at_s * 1_000_000_000),
            sent: None,
            publisher: None,
            sequence: None,
            cdr: Bytes::from(vec![0; bytes]),
        }
    }

    fn ring(seconds: f64, megabytes: u64) -> Ring {
        Ring::new(&config::Ring { seconds, megabytes, before_start: false })
    }

    #[test]
    fn a_ring_is_bounded_in_time() {
        let mut ring = ring(5.0, 100);
        (0..20).for_each(|second| ring.push(&sample(second, 10)));
        assert_eq!(ring.held(Stamp(19_000_000_000)).len(), 6);
        assert_eq!(ring.held(Stamp(22_000_000_000)).len(), 3, "what grew too old while nothing came is gone");
    }

    #[test]
    fn a_ring_is_bounded_in_bytes() {
        let mut ring = ring(1e6, 1);
        (0..20).for_each(|second| ring.push(&sample(second, 300_000)));
        assert_eq!(ring.held(Stamp(19_000_000_000)).len(), 3);
        ring.push(&sample(20, 2_000_000));
        assert!(ring.held(Stamp(20_000_000_000)).is_empty(), "one that does not fit is not kept");
        assert_eq!(ring.bytes, 0);
    }

    #[test]
    fn a_ring_of_no_seconds_keeps_nothing() {
        let mut ring = ring(0.0, 100);
        ring.push(&sample(1, 10));
        assert!(ring.held(Stamp(0)).is_empty());
    }
}
