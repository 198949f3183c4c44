//! A run as a page one can look at: `RUN/report.html`, one file that needs no other and no network.
//!
//! It is drawn from the lines of metrics alone and made anew with every checkpoint, so that it can be looked at while the run
//! goes on and after it was killed. The parts it is made of are those of every page of this program.

mod axis;
pub mod chart;
pub mod moving;
pub mod page;
pub mod ribbon;

use std::collections::BTreeMap;
use std::path::Path;

use super::Error;
use super::metrics::Line;
use chart::{Chart, Curve};
use page::Page;

/// What is told of a run beside its curves.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// What the page is called.
    pub title: String,
    /// The sentence on how good the policy is, once there is one.
    pub sentence: String,
    /// What else is to be known, with its name.
    pub rows: Vec<(String, String)>,
}

/// Charts by the names of the values in them; what fits none gets a chart of its own.
const CHARTS: &[(&str, &[(&str, &str)])] = &[
    ("Loss", &[("training", "train/loss"), ("held-out episodes", "validation/loss")]),
    (
        "Error of the actions on held-out episodes",
        &[
            ("policy", "validation/error"),
            ("the mean action", "validation/error_of_mean"),
            ("the last action again", "validation/error_of_last"),
        ],
    ),
    ("Success", &[("success", "evaluation")]),
    ("Rate of learning", &[("rate", "train/rate")]),
    ("Norm of the gradients, before they are held to the limit", &[("norm", "train/norm")]),
    ("Samples a second", &[("samples", "train/samples_a_second")]),
];

/// Values that are told elsewhere.
const UNDRAWN: &[&str] = &["train/epoch"];

/// Writes the page of `lines`.
pub fn write(path: &Path, facts: &Facts, lines: &[Line]) -> Result<(), Error> {
    page(facts, lines).write(path)
}

/// The page.
fn page(facts: &Facts, lines: &[Line]) -> Page {
    let mut rows = facts.rows.clone();
    if let Some(last) = lines.last() {
        rows.push(("steps".to_owned(), last.step.to_string()));
        rows.push(("minutes".to_owned(), format!("{:.1}", last.seconds / 60.0)));
    }
    let drawn: Vec<String> = charts(lines).iter().map(Chart::figure).collect();
    Page::of(&facts.title).lead(&facts.sentence).part(&page::facts(&rows)).part(&page::figures(&drawn))
}

/// The charts that have something to show.
pub fn charts(lines: &[Line]) -> Vec<Chart> {
    let mut measured: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for line in lines {
        for (name, value) in &line.values {
            measured.entry(name).or_default().push((line.step as f64, *value));
        }
    }
    measured.retain(|name, _| !UNDRAWN.contains(name));
    let mut charts = Vec::new();
    for (title, curves) in CHARTS {
        let curves = curves.iter().filter_map(|(label, name)| {
            let points = measured.remove(name)?;
            Some(Curve::of(label, points))
        });
        charts.push(Chart::of(title, curves.collect()));
    }
    // Parts of the loss, and whatever a later program measures: training and validation of one name in one chart.
    let mut others: BTreeMap<String, Vec<Curve>> = BTreeMap::new();
    for (name, points) in measured {
        let (kind, title) = name.split_once('/').unwrap_or(("", name));
        let label = match kind {
            "train" => "training",
            "validation" => "held-out episodes",
            other => other,
        };
        others.entry(title.replace('_', " ")).or_default().push(Curve::of(label, points));
    }
    charts.extend(others.into_iter().map(|(title, curves)| Chart::of(&title, curves)));
    charts.retain(|chart| !chart.curves.is_empty());
    charts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64, values: &[(&str, f64)]) -> Line {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        Line { step, stamp: 0, seconds: step as f64, values }
    }

    #[test]
    fn the_page_shows_every_value_in_a_chart_and_needs_nothing_else() {
        let lines = [
            line(50, &[("train/loss", 1.0), ("train/rate", 1e-4), ("train/kl", 0.3)]),
            line(100, &[("train/loss", 0.1), ("train/rate", 2e-4), ("train/kl", 0.2)]),
            line(100, &[("validation/loss", 0.2), ("validation/kl", 0.1)]),
        ];
        let rows = vec![("robot".to_owned(), "so<101>".to_owned())];
        let facts = Facts { title: "a & b".into(), sentence: String::new(), rows };
        let page = page(&facts, &lines).text();
        assert!(page.contains("<title>a &amp; b</title>") && page.contains("so&lt;101&gt;"));
        assert_eq!(page.matches("<figure>").count(), 3, "loss, rate, kl");
        assert_eq!(page.matches("class=\"curve").count(), 5 - 2, "a curve for what has two points or more");
        assert_eq!(page.matches("held-out episodes").count(), 2);
        for foreign in ["http:", "https:", "<script", "<link", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn a_run_without_lines_has_a_page_too() {
        let page = page(&Facts::default(), &[]).text();
        assert!(page.contains("<h1></h1>") && !page.contains("<figure>"));
    }
}
