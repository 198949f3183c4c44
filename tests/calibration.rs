//! The calibration of doubt: what share of fresh episodes has an alarm, whatever doubt is distributed like.
//!
//! The promise of a conformal threshold is one of shares, in the mean over calibrations, so that is what is counted here; how far a
//! single calibration may be off is counted against the interval that it states.

use apprentice::control::calibrate::{Threshold, greatest, threshold};
use apprentice::noise::Noise;

/// The greatest doubt of an episode, of one distribution or another.
type Draw = fn(&mut Noise) -> f32;

const DRAWS: [(&str, Draw); 5] = [
    ("even", |noise| noise.unit() as f32),
    ("normal", |noise| noise.normal().abs() as f32),
    ("heavy tails", |noise| (0.5 / (1.0 - noise.unit())) as f32),
    ("two kinds of episodes", |noise| {
        let hard = noise.chance(0.15);
        (if hard { 10.0 + noise.normal() } else { 1.0 + 0.1 * noise.normal() }) as f32
    }),
    ("the greatest of an episode's ticks", |noise| {
        let calm: Vec<Option<f32>> = (0..50).map(|_| Some(noise.normal().abs() as f32)).collect();
        greatest(calm)
    }),
];

/// How many of 1,000 fresh episodes have an alarm, and the threshold.
fn alarms(draw: Draw, episodes: usize, noise: &mut Noise) -> (f64, Threshold) {
    let held_out: Vec<f32> = (0..episodes).map(|_| draw(noise)).collect();
    let found = threshold(&held_out, 0.1).expect("there are enough");
    let fresh = (0..1000).filter(|_| draw(noise) >= found.doubt).count();
    (fresh as f64 / 1000.0, found)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[test]
fn a_tenth_of_fresh_episodes_has_a_false_alarm_whatever_doubt_is_like() {
    for (at, (name, draw)) in DRAWS.into_iter().enumerate() {
        let mut noise = Noise::of(5, at as u64);
        let shares: Vec<f64> = (0..200).map(|_| alarms(draw, 200, &mut noise).0).collect();
        let mean = mean(&shares);
        assert!((0.07..0.13).contains(&mean), "{name}: {mean}");
        // Asked for more exactly: of 20 in 201, to within three standard errors of 200 calibrations.
        assert!((mean - 20.0 / 201.0).abs() < 0.005, "{name}: {mean}");
    }
}

#[test]
fn a_single_calibration_lies_within_the_interval_it_states_nine_times_in_ten() {
    for episodes in [100, 200, 1000] {
        let mut noise = Noise::of(6, episodes as u64);
        let (mut inside, mut near) = (0, 0);
        for _ in 0..400 {
            // For even doubt the threshold itself says how often it is exceeded.
            let held_out: Vec<f32> = (0..episodes).map(|_| noise.unit() as f32).collect();
            let found = threshold(&held_out, 0.1).expect("there are enough");
            let share = 1.0 - f64::from(found.doubt);
            inside += u32::from(found.interval[0] <= share && share <= found.interval[1]);
            near += u32::from((0.07..0.13).contains(&share));
        }
        assert!((340..=380).contains(&inside), "{episodes} episodes: {inside} of 400");
        println!("{episodes} episodes: between 7 and 13 % in {} % of calibrations", near / 4);
    }
}

#[test]
fn doubt_that_comes_in_few_values_never_gives_too_many_alarms() {
    let mut noise = Noise::new(7);
    let coarse: Draw = |noise| noise.below(4) as f32;
    let shares: Vec<f64> = (0..100).map(|_| alarms(coarse, 200, &mut noise).0).collect();
    assert!(mean(&shares) <= 0.1, "{}", mean(&shares));
}
