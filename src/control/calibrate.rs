//! The doubt from which a person is asked for, calibrated on episodes that went well.
//!
//! A threshold in units of doubt means nothing to anybody; a share of false alarms does. So that is what is asked for, and the
//! threshold follows from it without any assumption on how doubt is distributed: split-conformal calibration (Vovk, Gammerman
//! and Shafer 2005, "Algorithmic Learning in a Random World", section 4.1; Angelopoulos and Bates 2021, "A Gentle Introduction to
//! Conformal Prediction", section 1.1). Of the greatest doubts of n held-out episodes the k-th smallest is taken,
//! k = ⌈(n + 1)(1 − α)⌉: a new episode of the same kind goes over it with a probability of at most α.
//!
//! An episode counts by its greatest doubt because the gate asks at the first tick at the threshold, without a delay: hysteresis and
//! dwell say when it stops asking, so they change how long an alarm is and never whether there is one.
//!
//! The α holds in the mean over calibrations. With one calibration the true rate follows the Beta distribution with the parameters
//! n + 1 − k and k (Angelopoulos and Bates 2021, section 3.2). For α = 0.1 it lies, nine times in ten, between 5.5 and 15.2 % with
//! 100 episodes, between 6.7 and 13.6 % with 200, and between 8.5 and 11.6 % with 1000; for 7 to 13 % it takes 270.

/// A threshold, and what is known of its rate of false alarms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// Doubt that is this or more asks for a person.
    pub doubt: f32,
    /// From how many episodes it is.
    pub episodes: usize,
    /// Where the share of false alarms lies, nine times in ten.
    pub interval: [f64; 2],
}

/// Why there is no threshold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// Too few episodes for so few false alarms.
    #[error(
        "{episodes} held-out episodes cannot vouch for {false_alarms} false alarms an episode; it takes {least}"
    )]
    Few {
        /// How many there are.
        episodes: usize,
        /// The share of false alarms.
        false_alarms: f64,
        /// How many it takes.
        least: usize,
    },
    /// A share that is none.
    #[error("{false_alarms} is no share of false alarms; it lies between 0 and 1")]
    Share {
        /// What was asked for.
        false_alarms: f64,
    },
    /// Doubt that is no number in too many episodes.
    #[error(
        "doubt is missing or no number in {broken} of {episodes} held-out episodes, which is more than {false_alarms} of them"
    )]
    NoNumber {
        /// In how many.
        broken: usize,
        /// Of how many.
        episodes: usize,
        /// The share of false alarms.
        false_alarms: f64,
    },
}

/// The greatest doubt of an episode, as the gate would see it: doubt that is missing or no number counts as infinite.
pub fn greatest(doubts: impl IntoIterator<Item = Option<f32>>) -> f32 {
    let full = |doubt: Option<f32>| doubt.filter(|doubt| doubt.is_finite()).unwrap_or(f32::INFINITY);
    doubts.into_iter().map(full).fold(f32::NEG_INFINITY, f32::max)
}

/// The threshold at which at most the share `false_alarms` of episodes that go well has an alarm, from the greatest doubt of each
/// held-out episode.
pub fn threshold(greatest: &[f32], false_alarms: f64) -> Result<Threshold, Error> {
    if !(false_alarms > 0.0 && false_alarms < 1.0) {
        return Err(Error::Share { false_alarms });
    }
    let episodes = greatest.len();
    let rank = rank(episodes, false_alarms);
    if rank > episodes {
        return Err(Error::Few { episodes, false_alarms, least: least(false_alarms) });
    }
    let number = |doubt: &f32| if doubt.is_nan() { f32::INFINITY } else { *doubt };
    let mut sorted: Vec<f32> = greatest.iter().map(number).collect();
    sorted.sort_by(f32::total_cmp);
    let doubt = sorted[rank - 1];
    if !doubt.is_finite() {
        let broken = sorted.iter().filter(|doubt| !doubt.is_finite()).count();
        return Err(Error::NoNumber { broken, episodes, false_alarms });
    }
    // The k-th doubt itself is no alarm, so the gate's "this or more" begins at the next number.
    let (doubt, above) = (doubt.next_up(), episodes + 1 - rank);
    Ok(Threshold { doubt, episodes, interval: [0.05, 0.95].map(|share| quantile(above, rank, share)) })
}

/// ⌈(n + 1)(1 − α)⌉, where what is whole but for the last bits of α counts as whole.
fn rank(episodes: usize, false_alarms: f64) -> usize {
    ((episodes + 1) as f64 * (1.0 - false_alarms) - 1e-9).ceil().max(1.0) as usize
}

/// The least number of episodes for that share: 1/α − 1.
pub fn least(false_alarms: f64) -> usize {
    (1.0 / false_alarms - 1.0 - 1e-9).ceil().max(1.0) as usize
}

/// The number below which the Beta distribution with whole parameters `a` and `b` lies with probability `share`, by bisection.
fn quantile(a: usize, b: usize, share: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        match below(a, b, middle) < share {
            true => low = middle,
            false => high = middle,
        }
    }
    0.5 * (low + high)
}

/// The Beta distribution's probability of lying below `x`: that of at least `a` successes in a + b − 1 trials, each with probability x.
fn below(a: usize, b: usize, x: f64) -> f64 {
    let trials = a + b - 1;
    // ln C(trials, j), carried along from one j to the next.
    let mut choices = 0.0;
    let mut sum = 0.0;
    for j in 0..=trials {
        if j >= a {
            sum += (choices + j as f64 * x.ln() + (trials - j) as f64 * (1.0 - x).ln()).exp();
        }
        choices += ((trials - j) as f64 / (j + 1) as f64).ln();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_episodes_are_refused_in_words() {
        let doubts = [0.5; 8];
        let refused = threshold(&doubts, 0.1).expect_err("nine would do").to_string();
        assert_eq!(refused, "8 held-out episodes cannot vouch for 0.1 false alarms an episode; it takes 9");
        assert!(threshold(&[0.5; 9], 0.1).is_ok());
        assert_eq!(
            threshold(&[], 0.5).expect_err("none"),
            Error::Few { episodes: 0, false_alarms: 0.5, least: 1 }
        );
        for share in [0.0, 1.0, f64::NAN] {
            assert!(matches!(threshold(&doubts, share), Err(Error::Share { .. })));
        }
        for share in [0.01, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5] {
            let least = least(share);
            assert!(threshold(&vec![0.5; least], share).is_ok(), "{share}");
            assert!(least == 1 || threshold(&vec![0.5; least - 1], share).is_err(), "{share}");
        }
    }

    #[test]
    fn the_threshold_lies_just_above_the_doubt_of_its_rank() {
        let doubts: Vec<f32> = (1..=99).rev().map(|doubt| doubt as f32).collect();
        let found = threshold(&doubts, 0.1).expect("enough");
        assert_eq!((found.doubt, found.episodes), (90.0_f32.next_up(), 99));
        let alike = threshold(&[0.5; 20], 0.1).expect("enough");
        assert!(alike.doubt > 0.5, "episodes that all doubt alike are no alarms");
    }

    #[test]
    fn doubt_that_is_no_number_is_the_greatest() {
        assert_eq!(greatest([Some(0.1), Some(0.7), Some(0.3)]), 0.7);
        assert_eq!(greatest([Some(0.1), None]), f32::INFINITY);
        assert_eq!(greatest([Some(0.1), Some(f32::NAN)]), f32::INFINITY);
        let mut doubts = [0.5; 20];
        doubts[3] = f32::NAN;
        assert!(threshold(&doubts, 0.1).is_ok(), "one of twenty may be broken");
        doubts[4] = f32::INFINITY;
        let refused = threshold(&doubts, 0.1).expect_err("two may not").to_string();
        assert!(refused.contains("in 2 of 20"), "{refused}");
    }

    #[test]
    fn the_interval_is_that_of_the_beta_distribution() {
        // Beta(1, 1) is even; Beta(2, 1) has x² below x; Beta(1, 2) has 1 − (1 − x)².
        for x in [0.1, 0.5, 0.9] {
            assert!((below(1, 1, x) - x).abs() < 1e-12);
            assert!((below(2, 1, x) - x * x).abs() < 1e-12);
            assert!((below(1, 2, x) - (1.0 - (1.0 - x) * (1.0 - x))).abs() < 1e-12);
        }
        for (episodes, wanted) in [(100, [0.0553, 0.1518]), (200, [0.0673, 0.1363]), (1000, [0.0848, 0.1159])]
        {
            let found = threshold(&vec![0.5; episodes], 0.1).expect("enough").interval;
            assert!(
                found.iter().zip(wanted).all(|(found, wanted)| (found - wanted).abs() < 0.0001),
                "{episodes}: {found:?}"
            );
        }
    }
}
