//! How fast is learned at each step: a straight rise to the greatest rate, then half a cosine down.
//!
//! The rise keeps the first steps, whose moments are estimated from little, from going far (Goyal et al. 2017); the fall lets what
//! was found settle (Loshchilov and Hutter 2017, equation 5, without restarts). How far a run has come is a share, so that one that
//! ends by the clock falls to its end as one that ends by number does.

use super::Config;

/// The rates of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    greatest: f64,
    last: f64,
    warm_up: u64,
}

impl Schedule {
    /// As the settings say; a rise never takes more than a tenth of `steps`, where that number is known.
    pub fn new(config: &Config, steps: Option<u64>) -> Self {
        let warm_up = steps.map_or(config.warm_up, |steps| config.warm_up.min(steps / 10));
        Self { greatest: config.rate, last: config.rate * config.last_rate, warm_up }
    }

    /// The rate of `step`, counted from 1, when `share` of the run is over.
    pub fn rate(&self, step: u64, share: f64) -> f64 {
        let half = 0.5 * (1.0 + (std::f64::consts::PI * share.clamp(0.0, 1.0)).cos());
        let risen = if step < self.warm_up { step as f64 / self.warm_up as f64 } else { 1.0 };
        risen * (self.last + (self.greatest - self.last) * half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_falls_and_ends_where_it_is_said_to() {
        let config = Config { rate: 2.0, last_rate: 0.1, warm_up: 10, ..Config::default() };
        let schedule = Schedule::new(&config, Some(1000));
        assert!((schedule.rate(1, 0.0) - 0.2).abs() < 1e-12 && schedule.rate(10, 0.0) == 2.0);
        assert!((schedule.rate(500, 0.5) - 1.1).abs() < 1e-12, "halfway it is halfway between");
        assert!((schedule.rate(1000, 1.0) - 0.2).abs() < 1e-12 && schedule.rate(1001, 1.1) > 0.19);
        let rates: Vec<f64> = (10..=1000).map(|step| schedule.rate(step, step as f64 / 1000.0)).collect();
        assert!(rates.windows(2).all(|two| two[1] <= two[0]));
    }

    #[test]
    fn a_short_run_rises_in_a_tenth_of_its_steps() {
        let schedule = Schedule::new(&Config { rate: 1.0, warm_up: 500, ..Config::default() }, Some(50));
        assert_eq!(schedule.rate(5, 0.0), 1.0);
    }
}
