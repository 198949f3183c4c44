//! A share and how sure it is: the interval in which the true one lies.
//!
//! Whoever counts in how many of some episodes something happened has a number that the next episodes would make another; it is told
//! with its interval.

/// Between which shares the truth lies with 95 % confidence, where `successes` of `count` were seen (Wilson 1927, "Probable
/// inference, the law of succession, and statistical inference").
pub fn wilson(successes: usize, count: usize) -> [f64; 2] {
    /// The normal distribution's quantile of 97.5 %.
    const Z: f64 = 1.959_963_984_540_054;
    if count == 0 {
        return [0.0, 1.0];
    }
    let (n, share) = (count as f64, successes as f64 / count as f64);
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    [middle - half, middle + half].map(|end| (end / (1.0 + Z * Z / n)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of Agresti and Coull 1998, "Approximate is better than exact", for the score interval.
    #[test]
    fn the_interval_is_wilsons() {
        let near = |[low, high]: [f64; 2], want: [f64; 2]| {
            assert!((low - want[0]).abs() < 5e-4 && (high - want[1]).abs() < 5e-4, "{low} to {high}");
        };
        near(wilson(190, 200), [0.9104, 0.9726]);
        near(wilson(0, 10), [0.0, 0.2775]);
        near(wilson(10, 10), [0.7225, 1.0]);
        assert_eq!(wilson(0, 0), [0.0, 1.0]);
    }
}
