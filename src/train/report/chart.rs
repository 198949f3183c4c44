//! One chart as SVG: curves, a grid of round numbers, a key; where a value is not sure, how unsure it is.
//!
//! Colours are left to the page, which knows light from dark. The picture is as wide as a telephone is, so that its letters can be
//! read there; on a desk several stand side by side.

use std::fmt::Write;

use super::axis::{Axis, said};
use super::page::{escaped, figure};

/// A curve.
#[derive(Clone, Debug, Default)]
pub struct Curve {
    /// What it is called.
    pub label: String,
    /// `(step, value)`, or whatever the chart goes along.
    pub points: Vec<(f64, f64)>,
    /// Between which values the truth lies, of each point; nothing where they are sure.
    pub ends: Vec<[f64; 2]>,
}

impl Curve {
    /// A curve of values that are sure.
    pub fn of(label: &str, points: Vec<(f64, f64)>) -> Self {
        Self { label: label.to_owned(), points, ends: Vec::new() }
    }
}

/// What a chart goes along.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Along {
    /// Numbers from zero on, as of steps.
    #[default]
    Steps,
    /// Seconds from zero on.
    Seconds,
    /// Things with these names, the first at zero, the next at one.
    Named(Vec<String>),
}

/// What values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// Whatever they are.
    #[default]
    Any,
    /// Shares, from none to all, told in percent.
    Shares,
}

/// Curves that share their axes.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// What is to be known of it; may be empty.
    pub words: String,
    /// What it goes along.
    pub along: Along,
    /// What values are.
    pub values: Values,
    /// The curves.
    pub curves: Vec<Curve>,
    /// Stretches with a ground in the colour of that class: from where, to where.
    pub spans: Vec<(f64, f64, &'static str)>,
}

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 240.0;
/// Room for numbers: left, top, right, bottom.
const ROOM: [f64; 4] = [48.0, 24.0, 14.0, 24.0];
/// More points than this are drawn as means of neighbours.
const POINTS: usize = 500;
/// Colours there are.
const COLOURS: usize = 5;
/// How far curves are apart that share a named place, so that none hides another.
const BESIDE: f64 = 9.0;

/// At most [`POINTS`] points, each the mean of neighbours.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mean = |part: &[(f64, f64)]| {
        let (steps, values) = part.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
        (steps / part.len() as f64, values / part.len() as f64)
    };
    points.chunks(points.len().div_ceil(POINTS).max(1)).map(mean).collect()
}

/// Where values are in the picture.
#[derive(Clone, Copy)]
struct Places {
    across: Axis,
    up: Axis,
}

impl Places {
    fn x(&self, along: f64) -> f64 {
        ROOM[0] + self.across.place(along) * (WIDTH - ROOM[0] - ROOM[2])
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - ROOM[3] - self.up.place(value) * (HEIGHT - ROOM[1] - ROOM[3])
    }
}

impl Chart {
    /// Curves over steps.
    pub fn of(title: &str, curves: Vec<Curve>) -> Self {
        Self { title: title.to_owned(), curves, ..Self::default() }
    }

    /// The chart with its title, as a figure.
    pub fn figure(&self) -> String {
        figure(&self.title, &self.words, &self.picture())
    }

    /// The chart alone, for a figure that shows more than it.
    pub fn picture(&self) -> String {
        let places = self.places();
        let mut svg = String::new();
        for (from, to, class) in &self.spans {
            let (left, wide) = (places.x(*from), places.x(*to) - places.x(*from));
            let (top, high) = (ROOM[1], HEIGHT - ROOM[1] - ROOM[3]);
            svg += &format!(
                "<rect class=\"span {class}\" x=\"{left:.1}\" y=\"{top}\" width=\"{wide:.1}\" height=\"{high}\"/>\n"
            );
        }
        svg += &self.grid(places);
        for (number, curve) in self.curves.iter().enumerate() {
            svg += &self.drawn(number, curve, places);
        }
        svg += &self.key();
        format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">\n{svg}</svg>\n",
            escaped(&self.title)
        )
    }

    fn places(&self) -> Places {
        let points = || self.curves.iter().flat_map(|curve| curve.points.iter().copied());
        let across = match &self.along {
            Along::Named(names) => Axis { from: -0.5, to: names.len() as f64 - 0.5, decades: false },
            Along::Steps | Along::Seconds => Axis::of_steps(points().map(|point| point.0)),
        };
        let up = match self.values {
            // Room for the mark of none and of all.
            Values::Shares => Axis { from: -0.02, to: 1.06, decades: false },
            Values::Any => Axis::new(points().map(|point| point.1), true),
        };
        Places { across, up }
    }

    /// Lines and numbers.
    fn grid(&self, places: Places) -> String {
        let mut svg = String::new();
        for tick in places.up.ticks(5.0) {
            let (at, left, right) = (places.y(tick), ROOM[0], WIDTH - ROOM[2]);
            let number = self.told(tick);
            svg += &format!("<path class=\"grid\" d=\"M{left} {at:.1}H{right}\"/>\n");
            svg += &format!(
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>\n",
                left - 6.0,
                at + 4.0
            );
        }
        let names: Vec<(f64, String)> = match &self.along {
            Along::Named(names) => {
                (0..).zip(names).map(|(at, name)| (f64::from(at), escaped(name))).collect()
            }
            Along::Seconds => {
                let ticks = places.across.ticks(6.0).into_iter();
                ticks.map(|tick| (tick, format!("{} s", said(tick)))).collect()
            }
            Along::Steps => places.across.ticks(6.0).into_iter().map(|tick| (tick, said(tick))).collect(),
        };
        for (at, name) in names {
            let (at, foot) = (places.x(at), HEIGHT - 6.0);
            svg += &format!("<text x=\"{at:.1}\" y=\"{foot}\" text-anchor=\"middle\">{name}</text>\n");
        }
        svg
    }

    /// A value in words.
    fn told(&self, value: f64) -> String {
        match self.values {
            Values::Any => said(value),
            Values::Shares => format!("{:.0} %", 100.0 * value),
        }
    }

    /// Which colour is which, above the curves, where there is more than one.
    fn key(&self) -> String {
        let mut svg = String::new();
        let mut at = ROOM[0];
        for (number, curve) in self.curves.iter().enumerate().filter(|_| self.curves.len() > 1) {
            let label = escaped(&curve.label);
            svg += &format!(
                "<path class=\"key c{}\" stroke-width=\"3\" d=\"M{at:.0} 12h16\"/><text x=\"{:.0}\" y=\"16\">{label}</text>\n",
                number % COLOURS,
                at + 21.0
            );
            at += 36.0 + 6.2 * curve.label.chars().count() as f64;
        }
        svg
    }

    fn drawn(&self, number: usize, curve: &Curve, places: Places) -> String {
        let colour = number % COLOURS;
        let named = matches!(self.along, Along::Named(_));
        let aside = match named {
            true => BESIDE * (number as f64 - 0.5 * (self.curves.len() as f64 - 1.0)),
            false => 0.0,
        };
        let points = thinned(&curve.points);
        let mut svg = String::new();
        if points.len() > 1 {
            let mut path = String::new();
            for (number, (along, value)) in points.iter().enumerate() {
                let letter = if number == 0 { 'M' } else { 'L' };
                // A text that is written into memory does not fail.
                write!(path, "{letter}{:.1} {:.1}", places.x(*along) + aside, places.y(*value))
                    .unwrap_or_default();
            }
            svg += &format!("<path class=\"curve c{colour}\" d=\"{path}\"/>\n");
        }
        for ((along, _), [low, high]) in curve.points.iter().zip(&curve.ends) {
            let (x, low, high) = (places.x(*along) + aside, places.y(*low), places.y(*high));
            svg += &format!(
                "<path class=\"whisker c{colour}\" d=\"M{x:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h8M{:.1} {high:.1}h8\"/>\n",
                x - 4.0,
                x - 4.0
            );
        }
        if !named && points.len() > 1 {
            return svg;
        }
        for (along, value) in &points {
            let (x, y) = (places.x(*along) + aside, places.y(*value));
            svg += &format!("<circle class=\"dot c{colour}\" r=\"3.5\" cx=\"{x:.1}\" cy=\"{y:.1}\"/>\n");
            if !curve.ends.is_empty() {
                let (x, y, told) = (x + 8.0, y - 6.0, self.told(*value));
                svg += &format!("<text class=\"told\" x=\"{x:.1}\" y=\"{y:.1}\">{told}</text>\n");
            }
        }
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_are_drawn_with_few_points() {
        let points: Vec<(f64, f64)> = (0..20_000).map(|step| (f64::from(step), 1.0)).collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS && thin.iter().all(|point| point.1 == 1.0));
        assert_eq!(thinned(&points[..3]), points[..3]);
    }

    #[test]
    fn a_share_that_is_not_sure_is_told_with_its_ends() {
        let along = Along::Named(["before", "after"].map(str::to_owned).to_vec());
        let curve = Curve {
            label: "alone".to_owned(),
            points: vec![(0.0, 0.5), (1.0, 0.9)],
            ends: vec![[0.4, 0.6], [0.8, 1.0]],
        };
        let chart = Chart { along, values: Values::Shares, ..Chart::of("Success", vec![curve]) };
        let figure = chart.figure();
        let all = (HEIGHT - ROOM[1] - ROOM[3]) / 1.08;
        let ends = [0.4, 0.6].map(|share| format!("{:.1}", HEIGHT - ROOM[3] - (share + 0.02) * all));
        assert!(figure.contains(&format!(" {}V{}M", ends[0], ends[1])), "{figure}");
        assert_eq!(figure.matches("class=\"whisker").count(), 2);
        for told in [">90 %<", ">before<", ">after<", ">100 %<"] {
            assert!(figure.contains(told), "{told}: {figure}");
        }
    }

    #[test]
    fn a_stretch_has_the_ground_of_its_class() {
        let curve = Curve::of("height", vec![(0.0, 0.1), (4.0, 0.2)]);
        let spans = vec![(1.0, 3.0, "expert")];
        let figure = Chart { along: Along::Seconds, spans, ..Chart::of("Height", vec![curve]) }.figure();
        let wide = 0.5 * (WIDTH - ROOM[0] - ROOM[2]);
        assert!(
            figure.contains("span expert") && figure.contains(&format!("width=\"{wide:.1}\"")),
            "{figure}"
        );
        assert!(figure.contains(">4 s<"));
    }
}
