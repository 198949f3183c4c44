//! How long thinking is expected to take, from how long it took.
//!
//! Whoever promises too little time has a robot that goes on from what it has left already; too much costs it a look at what is new.
//! The first is felt and the second is not, so what is expected is nearly the longest of late: Black et al. 2025 ("Real-Time Execution
//! of Action Chunking Flow Policies", algorithm 1) take the longest of the last ten. Ours leaves out one in sixteen, as a machine that
//! once did something else should not slow a robot down for the next ten chunks.

use std::collections::VecDeque;
use std::time::Duration;

/// So many times are remembered.
const REMEMBERED: usize = 32;
/// One in so many is taken for chance.
const CHANCE: usize = 16;

/// How long thinking took of late.
#[derive(Clone, Debug)]
pub struct Thinking {
    /// What is expected before anything is known.
    first: Duration,
    /// The oldest first.
    took: VecDeque<Duration>,
    /// The same by length, so that asking costs nothing where a robot waits for the answer.
    sorted: Vec<Duration>,
}

impl Thinking {
    /// Nothing is known yet; `first` is expected.
    pub fn new(first: Duration) -> Self {
        Self {
            first,
            took: VecDeque::with_capacity(REMEMBERED + 1),
            sorted: Vec::with_capacity(REMEMBERED + 1),
        }
    }

    /// Once more, it took so long.
    pub fn took(&mut self, time: Duration) {
        self.took.push_back(time);
        self.sorted.insert(self.sorted.partition_point(|known| *known < time), time);
        if self.took.len() > REMEMBERED
            && let Some(oldest) = self.took.pop_front()
        {
            // It is in there; the first of those as long is as good as any.
            self.sorted.remove(self.sorted.partition_point(|known| *known < oldest));
        }
    }

    /// How long it is expected to take.
    pub fn expected(&self) -> Duration {
        let beyond = self.sorted.len() / CHANCE;
        self.sorted.iter().rev().nth(beyond).copied().unwrap_or(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(times: impl IntoIterator<Item = u64>) -> Duration {
        let mut thinking = Thinking::new(Duration::from_millis(80));
        times.into_iter().for_each(|time| thinking.took(Duration::from_millis(time)));
        thinking.expected()
    }

    #[test]
    fn nearly_the_longest_of_late_is_expected() {
        let ms = Duration::from_millis;
        assert_eq!(after([]), ms(80), "before anything is known");
        assert_eq!(after([20]), ms(20));
        assert_eq!(after([20, 50, 30]), ms(50));
        assert_eq!(after((1..=32).rev()), ms(30), "two of thirty-two are chance");
        assert_eq!(after([900].into_iter().chain((0..15).map(|_| 20))), ms(20), "one in sixteen is");
        assert_eq!(after([900; 5].into_iter().chain((0..32).map(|_| 20))), ms(20), "and it is forgotten");
        assert_eq!(after((0..40).map(|time| 10 * (time % 2))), ms(10));
    }
}
