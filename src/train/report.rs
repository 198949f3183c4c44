//! A run as a page one can look at: `RUN/report.html`, one file that needs no other and no network.
//!
//! It is drawn from the lines of metrics alone and made anew with every checkpoint, so that it can be looked at while the run
//! goes on and after it was killed.

mod chart;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use super::Error;
use super::metrics::Line;
use chart::{Chart, Curve};

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
    let disk = |source| Error::Disk { path: path.to_owned(), source };
    let beside = path.with_extension("part");
    std::fs::write(&beside, page(facts, lines)).map_err(disk)?;
    std::fs::rename(&beside, path).map_err(disk)
}

/// The page.
fn page(facts: &Facts, lines: &[Line]) -> String {
    let title = escaped(&facts.title);
    let mut rows = facts.rows.clone();
    if let Some(last) = lines.last() {
        rows.push(("steps".to_owned(), last.step.to_string()));
        rows.push(("minutes".to_owned(), format!("{:.1}", last.seconds / 60.0)));
    }
    let table: String = rows
        .iter()
        .map(|(name, value)| format!("<tr><th>{}</th><td>{}</td></tr>\n", escaped(name), escaped(value)))
        .collect();
    let sentence = match facts.sentence.is_empty() {
        true => String::new(),
        false => format!("<p class=\"sentence\">{}</p>\n", escaped(&facts.sentence)),
    };
    let drawn: String = charts(lines).iter().map(Chart::figure).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{sentence}<table>\n{table}</table>\n\
         <main>\n{drawn}</main>\n</body>\n</html>\n"
    )
}

/// The charts that have something to show.
fn charts(lines: &[Line]) -> Vec<Chart> {
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
            Some(Curve { label: (*label).to_owned(), points })
        });
        charts.push(Chart { title: (*title).to_owned(), curves: curves.collect() });
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
        others.entry(title.replace('_', " ")).or_default().push(Curve { label: label.to_owned(), points });
    }
    charts.extend(others.into_iter().map(|(title, curves)| Chart { title, curves }));
    charts.retain(|chart| !chart.curves.is_empty());
    charts
}

/// Text as it stands between tags.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.write_char(other).unwrap_or_default(),
        }
    }
    escaped
}

const STYLE: &str = "\
:root { color-scheme: light dark; --paper: #fcfcfb; --ink: #23211f; --soft: #6d6a66; --line: #dcd9d4;
  --first: #1f5fa8; --second: #c2571a; --third: #3c7d3f; --fourth: #7a4ca0; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #191817; --ink: #e8e5e0; --soft: #9d9993; --line: #3a3835;
    --first: #7db4ee; --second: #f0985f; --third: #86c58a; --fourth: #c39be6; } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; font-weight: 600; }
.sentence { font-size: 1.1rem; max-width: 60rem; }
table { border-collapse: collapse; margin-bottom: 1.5rem; }
th { text-align: left; font-weight: 400; color: var(--soft); padding: 0 1.5rem 0 0; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(34rem, 100%), 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); } .curve { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.c0 { --c: var(--first); } .c1 { --c: var(--second); } .c2 { --c: var(--third); } .c3 { --c: var(--fourth); }
.curve, .key { stroke: var(--c); } .dot { fill: var(--c); }
";

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
        let page = page(&facts, &lines);
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
        assert!(page(&Facts::default(), &[]).contains("<main>\n</main>"));
    }
}
