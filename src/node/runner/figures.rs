//! How long things take, counted where no memory may be asked for.
//!
//! Ticks are counted into bins of a few microseconds, so that what is said of the slowest of a thousand costs a tick one addition.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

/// How many bins there are; what is longer than all of them counts in the last.
const BINS: usize = 1024;

/// Durations by how often they came up.
#[derive(Debug)]
pub(super) struct Figures {
    bin: Duration,
    counts: Box<[AtomicU32; BINS]>,
}

impl Figures {
    /// Told apart by so much.
    pub(super) fn new(bin: Duration) -> Self {
        Self { bin, counts: Box::new([const { AtomicU32::new(0) }; BINS]) }
    }

    pub(super) fn add(&self, took: Duration) {
        let bin = took.as_nanos() / self.bin.as_nanos().max(1);
        let bin = usize::try_from(bin).unwrap_or(BINS).min(BINS - 1);
        self.counts[bin].fetch_add(1, Relaxed);
    }

    /// What is not exceeded by each of these shares, within a bin; nothing where nothing was counted.
    pub(super) fn quantiles<const N: usize>(&self, shares: [f64; N]) -> Option<[Duration; N]> {
        let counts: Vec<u64> = self.counts.iter().map(|count| u64::from(count.load(Relaxed))).collect();
        let all: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let wanted = (share * all as f64).ceil().max(1.0) as u64;
            let mut sum = 0;
            let bin = counts.iter().position(|count| {
                sum += count;
                sum >= wanted
            });
            self.bin * u32::try_from(bin.unwrap_or(BINS - 1) + 1).unwrap_or(u32::MAX)
        };
        (all > 0).then(|| shares.map(quantile))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_of_a_thousand_is_found_within_a_bin() {
        let figures = Figures::new(Duration::from_micros(5));
        assert_eq!(figures.quantiles([0.5]), None);
        (0..1000).for_each(|micros| figures.add(Duration::from_micros(micros)));
        let [middle, slowest] = figures.quantiles([0.5, 0.999]).expect("they were counted");
        assert_eq!((middle, slowest), (Duration::from_micros(500), Duration::from_micros(1000)));
        figures.add(Duration::from_secs(9));
        assert_eq!(figures.quantiles([1.0]), Some([Duration::from_micros(5120)]));
    }
}
