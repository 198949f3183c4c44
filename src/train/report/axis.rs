//! From values to places in a picture, with round numbers along the way.
//!
//! Losses fall over decades: where values are all above zero and span more than one and a half, an axis counts in powers of ten.

/// From values to a side of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) decades: bool,
}

impl Axis {
    pub(super) fn new(values: impl Iterator<Item = f64> + Clone, decades: bool) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        let decades = decades && least > 0.0 && most / least > 30.0;
        let (from, to) = if decades { (least.log10(), most.log10()) } else { (least, most) };
        let pad = if to > from { 0.04 * (to - from) } else { from.abs().max(1e-3) * 0.5 };
        Self { from: from - pad, to: to + pad, decades }
    }

    /// Without room at its ends.
    pub(super) fn of_steps(values: impl Iterator<Item = f64> + Clone) -> Self {
        let most = values.fold(1.0, f64::max);
        Self { from: 0.0, to: most, decades: false }
    }

    /// From 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        let value = if self.decades { value.log10() } else { value };
        (value - self.from) / (self.to - self.from)
    }

    /// Round numbers, about `count` of them.
    pub(super) fn ticks(self, count: f64) -> Vec<f64> {
        if self.decades {
            let every = ((self.to - self.from) / count).ceil().max(1.0);
            let first = (self.from / every).ceil();
            let number = ((self.to / every).floor() - first).max(0.0) as usize;
            return (0..=number).map(|at| 10_f64.powf((first + at as f64) * every)).collect();
        }
        let rough = (self.to - self.from) / count;
        let power = 10_f64.powf(rough.log10().floor());
        let every =
            [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|every| *every >= rough);
        let every = every.unwrap_or(rough);
        let first = (self.from / every).ceil();
        let number = ((self.to / every).floor() - first).max(0.0) as usize;
        (0..=number).map(|at| (first + at as f64) * every).collect()
    }
}

/// A number in a few letters: 0.25, 12k, 3e-5.
pub(super) fn said(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        "0".to_owned()
    } else if size >= 1e6 {
        format!("{}M", rounded(value / 1e6))
    } else if size >= 1e4 {
        format!("{}k", rounded(value / 1e3))
    } else if size >= 1e-3 {
        rounded(value)
    } else {
        format!("{value:.0e}")
    }
}

fn rounded(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let axis = Axis { from: -0.13, to: 0.93, decades: false };
        let ticks = axis.ticks(5.0).into_iter().map(said).collect::<Vec<_>>();
        assert_eq!(ticks, ["0", "0.5"]);
        let axis = Axis::new([1e-5, 3.0].into_iter(), true);
        assert_eq!(axis.ticks(5.0).into_iter().map(said).collect::<Vec<_>>(), ["1e-4", "0.01", "1"]);
        assert!(!Axis::new([-1.0, 100.0].into_iter(), true).decades, "below zero there are no decades");
    }

    #[test]
    fn a_value_that_never_changes_is_a_line_in_the_middle() {
        let axis = Axis::new([2.0, 2.0].into_iter(), true);
        assert!((axis.place(2.0) - 0.5).abs() < 1e-12);
        let nothing = Axis::new([0.0, 0.0].into_iter(), true);
        assert!((nothing.place(0.0) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn numbers_are_said_in_a_few_letters() {
        let numbers = [0.0, 0.25, -3.5, 20_000.0, 1.5e6, 3e-5];
        assert_eq!(numbers.map(said), ["0", "0.25", "-3.5", "20k", "1.5M", "3e-5"]);
    }
}
