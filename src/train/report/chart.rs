//! One chart as SVG: curves over steps, a grid of round numbers, a key.
//!
//! Losses fall over decades: where a chart's values are all above zero and span more than one and a half, its axis counts in
//! powers of ten. Colours are left to the page, which knows light from dark.

use std::fmt::Write;

/// A curve: `(step, value)`.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
}

/// Curves that share their axes.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) curves: Vec<Curve>,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
/// Room for numbers: left, top, right, bottom.
const ROOM: [f64; 4] = [58.0, 24.0, 12.0, 24.0];
/// More points than this are drawn as means of neighbours.
const POINTS: usize = 500;
/// Colours there are.
const COLOURS: usize = 4;

/// From values to a side of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    from: f64,
    to: f64,
    decades: bool,
}

impl Axis {
    fn new(values: impl Iterator<Item = f64> + Clone, decades: bool) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        let decades = decades && least > 0.0 && most / least > 30.0;
        let (from, to) = if decades { (least.log10(), most.log10()) } else { (least, most) };
        let pad = if to > from { 0.04 * (to - from) } else { from.abs().max(1e-3) * 0.5 };
        Self { from: from - pad, to: to + pad, decades }
    }

    /// Without room at its ends.
    fn of_steps(values: impl Iterator<Item = f64> + Clone) -> Self {
        let most = values.fold(1.0, f64::max);
        Self { from: 0.0, to: most, decades: false }
    }

    /// From 0 to 1.
    fn place(self, value: f64) -> f64 {
        let value = if self.decades { value.log10() } else { value };
        (value - self.from) / (self.to - self.from)
    }

    /// Round numbers, about `count` of them.
    fn ticks(self, count: f64) -> Vec<f64> {
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
fn said(value: f64) -> String {
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

/// At most [`POINTS`] points, each the mean of neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |part: &[(f64, f64)]| {
        let (steps, values) = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (steps / part.len() as f64, values / part.len() as f64)
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).map(mean).collect()
}

impl Chart {
    /// The chart with its title, as a figure.
    pub(super) fn figure(&self) -> String {
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let across = Axis::of_steps(points().map(|point| point.0));
        let up = Axis::new(points().map(|point| point.1), true);
        let x = |step: f64| ROOM[0] + across.place(step) * (WIDTH - ROOM[0] - ROOM[2]);
        let y = |value: f64| HEIGHT - ROOM[3] - up.place(value) * (HEIGHT - ROOM[1] - ROOM[3]);
        let mut svg = String::new();
        for tick in up.ticks(5.0) {
            let (at, left, right) = (y(tick), ROOM[0], WIDTH - ROOM[2]);
            svg += &format!("<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>\n");
            svg += &format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                left - 6.0,
                at + 4.0,
                said(tick)
            );
        }
        for tick in across.ticks(6.0) {
            let (at, foot) = (x(tick), HEIGHT - 6.0);
            svg +=
                &format!("<text x=\"{at:.1}\" y=\"{foot}\" text-anchor=\"middle\">{}</text>\n", said(tick));
        }
        for (number, curve) in self.curves.iter().enumerate() {
            svg += &curve.drawn(number % COLOURS, x, y);
        }
        svg += &self.key();
        let title = super::escaped(&self.title);
        format!(
            "<figure><figcaption>{title}</figcaption>\n\
             <svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n{svg}</svg></figure>\n"
        )
    }

    /// Which colour is which, above the curves, where there is more than one.
    fn key(&self) -> String {
        let mut svg = String::new();
        let mut at = ROOM[0];
        for (number, curve) in self.curves.iter().enumerate().filter(|_| self.curves.len() > 1) {
            let label = super::escaped(&curve.label);
            svg += &format!(
                "<path class=\"key c{}\" stroke-width=\"3\" d=\"M{at} 12h16\"/><text x=\"{}\" y=\"16\">{label}</text>\n",
                number % COLOURS,
                at + 21.0
            );
            at += 40.0 + 6.2 * curve.label.chars().count() as f64;
        }
        svg
    }
}

impl Curve {
    fn drawn(&self, colour: usize, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
        let points = thinned(&self.points);
        if let [(step, value)] = points[..] {
            return format!(
                "<circle class=\"dot c{colour}\" r=\"3\" cx=\"{:.1}\" cy=\"{:.1}\"/>\n",
                x(step),
                y(value)
            );
        }
        let mut path = String::new();
        for (number, (step, value)) in points.iter().enumerate() {
            let letter = if number == 0 { 'M' } else { 'L' };
            // A text that is written into memory does not fail.
            write!(path, "{letter}{:.1} {:.1}", x(*step), y(*value)).unwrap_or_default();
        }
        format!("<path class=\"curve c{colour}\" d=\"{path}\"/>\n")
    }
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
    fn long_runs_are_drawn_with_few_points() {
        let points: Vec<(f64, f64)> = (0..20_000).map(|step| (f64::from(step), 1.0)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS && thin.iter().all(|point| point.1 == 1.0));
        assert_eq!(thinned(&points[..3]), points[..3]);
    }

    #[test]
    fn numbers_are_said_in_a_few_letters() {
        let numbers = [0.0, 0.25, -3.5, 20_000.0, 1.5e6, 3e-5];
        assert_eq!(numbers.map(said), ["0", "0.25", "-3.5", "20k", "1.5M", "3e-5"]);
    }
}
