//! How long things take, counted where no memory may be asked for.
//!
//! Ticks are counted into bins of a few microseconds, so that what is said of the slowest of a thousand costs a tick one addition.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// How many bins there are; what is longer than all of them counts in the last.
const BINS: usize = 1024;

/// Durations by how often they came up.
#[derive(Debug)]
pub(super) struct Figures {
    bin: Duration,
    counts: Box<[AtomicU32; BINS]>,
    most: AtomicU64,
}

impl Figures {
    /// Told apart by so much.
    pub(super) fn new(bin: Duration) -> Self {
        let counts = Box::new([const { AtomicU32::new(0) }; BINS]);
        Self { bin, counts, most: AtomicU64::new(0) }
    }

    pub(super) fn add(&self, took: Duration) {
        let bin = took.as_nanos() / self.bin.as_nanos().max(1);
        let bin = usize::try_from(bin).unwrap_or(BINS).min(BINS - 1);
        self.counts[bin].fetch_add(1, Relaxed);
        self.most.fetch_max(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// What was counted so far.
    pub(super) fn counted(&self) -> Counted {
        Counted {
            bin: self.bin,
            counts: self.counts.iter().map(|count| u64::from(count.load(Relaxed))).collect(),
            most: Duration::from_nanos(self.most.load(Relaxed)),
        }
    }
}

/// How long something took, each time it did.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Counted {
    bin: Duration,
    counts: Vec<u64>,
    most: Duration,
}

impl fmt::Debug for Counted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (times, quantiles) = (self.times(), self.quantiles([0.5, 0.99]));
        out.debug_struct("Counted")
            .field("times", &times)
            .field("p50, p99", &quantiles)
            .field("most", &self.most)
            .finish()
    }
}

impl Counted {
    /// How often.
    pub fn times(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest; zero where there was none.
    pub fn most(&self) -> Duration {
        self.most
    }

    /// What is not exceeded by these shares, within a bin; nothing where nothing was counted.
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[Duration; N]> {
        let all = self.times();
        let quantile = |share: f64| {
            let wanted = (share * all as f64).ceil().max(1.0) as u64;
            let mut sum = 0;
            let bin = self.counts.iter().position(|count| {
                sum += count;
                sum >= wanted
            });
            match bin.filter(|bin| bin + 1 < self.counts.len()) {
                Some(bin) => self.bin * u32::try_from(bin + 1).unwrap_or(u32::MAX),
                None => self.most,
            }
        };
        (all > 0).then(|| shares.map(quantile))
    }

    /// With what was counted elsewhere in bins of the same kind.
    pub fn and(&mut self, other: &Self) {
        self.bin = self.bin.max(other.bin);
        self.counts.resize(self.counts.len().max(other.counts.len()), 0);
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.most = self.most.max(other.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_a_thousand_is_found_within_a_bin() {
        let figures = Figures::new(Duration::from_micros(5));
        assert_eq!(figures.counted().quantiles([0.5]), None);
        (0..1000).for_each(|micros| figures.add(Duration::from_micros(micros)));
        let [middle, slowest] = figures.counted().quantiles([0.5, 0.999]).expect("they were counted");
        assert_eq!((middle, slowest), (Duration::from_micros(500), Duration::from_micros(1000)));
        figures.add(Duration::from_secs(9));
        assert_eq!(figures.counted().quantiles([1.0]), Some([Duration::from_secs(9)]));
    }

    #[test]
    fn two_accounts_make_one() {
        let (one, other) = (Figures::new(Duration::from_micros(1)), Figures::new(Duration::from_micros(1)));
        (0..10).for_each(|_| one.add(Duration::from_micros(3)));
        (0..10).for_each(|_| other.add(Duration::from_micros(7)));
        let mut both = Counted::default();
        both.and(&one.counted());
        both.and(&other.counted());
        let quantiles = both.quantiles([0.5, 0.51]).expect("they were counted");
        assert_eq!(quantiles, [Duration::from_micros(4), Duration::from_micros(8)]);
        assert_eq!((both.times(), both.most()), (20, Duration::from_micros(7)));
    }
}
