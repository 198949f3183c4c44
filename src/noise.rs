//! Chance that can be repeated: a stream of numbers that follows from a seed and from nothing else.
//!
//! Whoever needs chance is handed a [`Noise`] and never draws from a hidden source, so that the same seed gives the same
//! episode, the same order of training and the same sample of a policy, on any machine. The bits come from ChaCha; how they
//! become numbers is written here and not taken from a library, because libraries change that between versions and old
//! seeds would mean something else.

use std::f64::consts::TAU;
use std::ops::Range;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A stream of chance.
#[derive(Clone, Debug)]
pub struct Noise {
    bits: ChaCha8Rng,
    /// Normal numbers are made in pairs; the other one of the last pair.
    spare: Option<f64>,
}

impl Noise {
    /// The stream of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { bits: ChaCha8Rng::seed_from_u64(seed), spare: None }
    }

    /// A stream of its own for the `purpose` of the same seed: what one purpose draws does not move another.
    pub fn of(seed: u64, purpose: u64) -> Self {
        let mut bits = ChaCha8Rng::seed_from_u64(seed);
        bits.set_stream(purpose);
        Self { bits, spare: None }
    }

    /// Sixty-four random bits.
    pub fn bits(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// A number in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `range`.
    pub fn within(&mut self, range: Range<f64>) -> f64 {
        range.start + (range.end - range.start) * self.unit()
    }

    /// A number of the standard normal distribution (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let angle = TAU * self.unit();
        self.spare = Some(radius * angle.sin());
        radius * angle.cos()
    }

    /// One of `0..count`; zero where there is nothing to choose from.
    pub fn below(&mut self, count: usize) -> usize {
        // The upper half of a product is even to within count / 2⁶⁴.
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// True with `probability`.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Brings `items` into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_means_the_same_for_ever() {
        let mut noise = Noise::new(7);
        let drawn = [noise.bits(), noise.bits()];
        assert_eq!(drawn, [FIRST, SECOND]);
        assert_ne!(Noise::of(7, 1).bits(), Noise::new(7).bits());
        assert_eq!(Noise::of(7, 0).bits(), Noise::new(7).bits());
    }

    /// What the first release drew for seed 7.
    const FIRST: u64 = 2_910_824_217_569_608_635;
    const SECOND: u64 = 3_098_856_782_162_503_994;

    #[test]
    fn normal_numbers_have_the_moments_of_theirs() {
        let mut noise = Noise::new(1);
        let drawn: Vec<f64> = (0..100_000).map(|_| noise.normal()).collect();
        let moment = |power: i32| drawn.iter().map(|x| x.powi(power)).sum::<f64>() / drawn.len() as f64;
        assert!(moment(1).abs() < 0.01 && (moment(2) - 1.0).abs() < 0.02, "{} {}", moment(1), moment(2));
        assert!(moment(3).abs() < 0.05 && (moment(4) - 3.0).abs() < 0.1, "{} {}", moment(3), moment(4));
    }

    #[test]
    fn every_choice_and_every_order_comes_up() {
        let mut noise = Noise::new(2);
        let mut counts = [0_u32; 6];
        for _ in 0..6000 {
            let mut items = [0, 1, 2];
            noise.shuffle(&mut items);
            counts[items[0] * 2 + usize::from(items[1] > items[2])] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
        assert_eq!(noise.below(0), 0);
        assert!((0..1000).all(|_| (2.0..3.0).contains(&noise.within(2.0..3.0))));
    }
}
