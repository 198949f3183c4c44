//! The experiment `compounding`: what becomes of small errors, with demonstrations alone and with corrections.
//!
//! Whoever copies demonstrations errs by a little at every step, is somewhere no demonstration was, and errs by more there: over T
//! steps by up to ε·T², against ε·T where it was shown what to do in just those places (Ross et al. 2011, "A Reduction of Imitation
//! Learning and Structured Prediction to No-Regret Online Learning"). Every way of collecting gets the same number of the expert's
//! labels here and the same number of steps of training, and is judged by how far its commands add up to lead off from the expert's.

use serde::{Deserialize, Serialize};

use super::Table;
use crate::train::interval::wilson;
use crate::train::report::chart::{Along, Chart, Curve, Values};

/// The world, and what goes wrong in it.
pub const WORLD: &str = "pick";
/// What goes wrong in attempts and trials, as `--disturb` has it: who never sees it does not learn what to do then. Demonstrations are
/// given in peace.
pub const DISTURBED: &str = "push=4";
/// What every way is trained with. Where something pushes the arm, what it was last told says what its joints do not; and what to do
/// in all the places where a correction begins is more than a network learns that is enough for demonstrations.
pub const SETTINGS: [&str; 2] =
    ["policy.past={dropout: 0.0}", "policy.head={flow: {network: {perceptron: {width: 512, layers: 4}}}}"];
/// When the policy of the way `doubt` asks. Where an arm was pushed is far from all that it learned from, and it is better to ask once too
/// often: with one false alarm in ten episodes, found out on as many as that takes, it hardly ever asks in the end.
pub const DOUBTED: &str = "control.gate.doubt={false_alarms: 0.3, by: distance}";
/// The ways of collecting, the plain one first.
pub const WAYS: [&str; 5] = ["cloned", "dart", "beta", "human", "doubt"];
/// After how many seconds the error is told, and under what.
const TOLD: [(f64, &str); 4] =
    [(1.0, "error after 1 s"), (2.0, "after 2 s"), (4.0, "after 4 s"), (8.0, "after 8 s")];
/// How long a block of errors is, s.
pub const BLOCK: f64 = 0.5;

/// One way, with one seed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The way of collecting.
    pub way: String,
    /// The seed of everything by chance in it.
    pub seed: u64,
}

/// What came out of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub cell: Cell,
    /// At how many ticks the expert said what he would do, for learning or for calibration.
    pub labels: u64,
    /// The attempts that were judged, and how many succeeded.
    pub attempts: usize,
    /// How many succeeded.
    pub successes: usize,
    /// The share that did.
    pub share: f64,
    /// Between which shares the truth lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// The mean error up to the end of every half second, rad.
    pub errors: Vec<f64>,
}

impl Cell {
    /// Its name, as of a file.
    pub fn name(&self) -> String {
        format!("{}_{}", self.way, self.seed)
    }
}

/// The cells, seed by seed; of `ways` only, where it says any. The plain way comes first: its labels are what the others may spend.
pub fn cells(ways: &[String], seeds: u64) -> Vec<Cell> {
    let wanted = |way: &&str| ways.is_empty() || ways.iter().any(|known| known == way);
    let of = |seed| WAYS.into_iter().filter(wanted).map(move |way| Cell { way: way.to_owned(), seed });
    (0..seeds).flat_map(of).collect()
}

/// From the errors of half seconds, attempt by attempt, to their mean up to the end of each. An attempt that is over errs no more.
pub fn summed(attempts: &[Vec<f64>]) -> Vec<f64> {
    let blocks = attempts.iter().map(Vec::len).max().unwrap_or(0);
    let count = attempts.len().max(1) as f64;
    let mut sum = 0.0;
    let block = |block: usize| attempts.iter().filter_map(|attempt| attempt.get(block)).sum::<f64>() / count;
    (0..blocks)
        .map(|number| {
            sum += block(number);
            sum
        })
        .collect()
}

/// What came out, as a table: of each way all its seeds together, and the success of each.
pub fn table(outcomes: &[Outcome]) -> Table {
    let row = |way: &&'static str| {
        let Together { labels, attempts, successes, shares, errors } = together(outcomes, way)?;
        let [low, high] = wilson(successes, attempts).map(|end| 100.0 * end);
        let share = 100.0 * successes as f64 / attempts as f64;
        let each: Vec<String> = shares.iter().map(|share| format!("{:.1}", 100.0 * share)).collect();
        let each = if each.len() > 1 { format!(" ({})", each.join(", ")) } else { String::new() };
        let after = |seconds: f64| {
            let block = (seconds / BLOCK) as usize;
            let error = errors.get(block.min(errors.len()).wrapping_sub(1));
            error.map_or_else(String::new, |error| format!("{error:.2} rad"))
        };
        let mut row = vec![
            format!("`{way}`"),
            format!("{labels:.0}"),
            format!("{share:.1} %{each}"),
            format!("{low:.1} to {high:.1} %"),
        ];
        row.extend(TOLD.map(|(seconds, _)| after(seconds)));
        row.push(growth(&errors).map_or_else(String::new, |power| format!("T^{power:.2}")));
        Some(row)
    };
    let heads = ["collected", "labels", "success", "95 % interval"].into_iter();
    Table {
        heads: heads.chain(TOLD.map(|(_, head)| head)).chain(["grows as"]).collect(),
        rows: WAYS.iter().filter_map(row).collect(),
    }
}

/// The error over the time since an attempt began, and how often attempts succeeded.
pub fn charts(outcomes: &[Outcome]) -> Vec<Chart> {
    let ways = || WAYS.iter().filter_map(|way| Some((*way, together(outcomes, way)?)));
    let error = |(way, together): (&str, Together)| {
        let points = (1..).zip(&together.errors).map(|(block, error)| (BLOCK * f64::from(block), *error));
        Curve::of(way, [(0.0, 0.0)].into_iter().chain(points).collect())
    };
    let names = ways().map(|(way, _)| way.to_owned()).collect();
    let shares = ways().map(|(_, known)| known.successes as f64 / known.attempts as f64);
    let success = Curve {
        ends: ways().map(|(_, known)| wilson(known.successes, known.attempts)).collect(),
        ..Curve::of("success", (0_u32..).map(f64::from).zip(shares).collect())
    };
    let over_time = Chart {
        along: Along::Seconds,
        words: "The mean over all attempts; one that is over errs no more. Where errors compound the curve bends upwards.".to_owned(),
        ..Chart::of("How far commands led off from the expert's until then, rad", ways().map(error).collect())
    };
    let judged = Chart {
        along: Along::Named(names),
        values: Values::Shares,
        words: "At equal numbers of the expert's labels.".to_owned(),
        ..Chart::of("Success", vec![success])
    };
    vec![over_time, judged]
}

/// All seeds of one way.
struct Together {
    /// The mean of the labels.
    labels: f64,
    attempts: usize,
    successes: usize,
    /// The success of each seed.
    shares: Vec<f64>,
    /// The mean error up to the end of every half second.
    errors: Vec<f64>,
}

fn together(outcomes: &[Outcome], way: &str) -> Option<Together> {
    let of: Vec<&Outcome> = outcomes.iter().filter(|outcome| outcome.cell.way == way).collect();
    let attempts: usize = of.iter().map(|outcome| outcome.attempts).sum();
    // What has ended errs no more, so its sum stays.
    let at = |outcome: &Outcome, block: usize| outcome.errors.get(block).or(outcome.errors.last()).copied();
    let blocks = of.iter().map(|outcome| outcome.errors.len()).max()?;
    let error = |block| of.iter().filter_map(|outcome| at(outcome, block)).sum::<f64>() / of.len() as f64;
    Some(Together {
        labels: of.iter().map(|outcome| outcome.labels as f64).sum::<f64>() / of.len() as f64,
        attempts,
        successes: of.iter().map(|outcome| outcome.successes).sum(),
        shares: of.iter().map(|outcome| outcome.share).collect(),
        errors: (0..blocks).map(error).collect(),
    })
    .filter(|_| attempts > 0)
}

/// The power of time with which errors grow: the slope of the line that fits them best where both are logarithms.
fn growth(errors: &[f64]) -> Option<f64> {
    let points = (1..).zip(errors).filter(|(_, error)| **error > 0.0);
    let points: Vec<(f64, f64)> =
        points.map(|(block, error)| ((BLOCK * f64::from(block)).ln(), error.ln())).collect();
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / points.len() as f64;
    let (across, up) = (mean(|point| point.0), mean(|point| point.1));
    let (along, spread) = points.iter().fold((0.0, 0.0), |(along, spread), point| {
        (along + (point.0 - across) * (point.1 - up), spread + (point.0 - across).powi(2))
    });
    (points.len() > 1).then(|| along / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_way_comes_first_and_every_cell_has_a_file() {
        let all = cells(&[], 2);
        assert_eq!(all.len(), 10);
        assert_eq!(all[0].name(), "cloned_0");
        assert_eq!(all[5].name(), "cloned_1");
        assert_eq!(cells(&["doubt".into()], 1), [Cell { way: "doubt".into(), seed: 0 }]);
    }

    #[test]
    fn errors_add_up_and_an_attempt_that_is_over_adds_none() {
        assert_eq!(summed(&[vec![1.0, 1.0, 2.0], vec![1.0]]), [1.0, 1.5, 2.5]);
        assert!(summed(&[]).is_empty());
    }

    fn outcome(seed: u64, successes: usize, errors: &[f64]) -> Outcome {
        Outcome {
            cell: Cell { way: "human".into(), seed },
            labels: 20_000,
            attempts: 4,
            successes,
            share: successes as f64 / 4.0,
            interval: [0.15, 0.85],
            errors: errors.to_vec(),
        }
    }

    #[test]
    fn the_table_tells_the_error_at_the_horizons_and_at_the_end_where_that_is_sooner() {
        let outcomes = [outcome(0, 2, &[0.1, 0.2, 0.3]), outcome(1, 4, &[0.1, 0.2, 0.3, 0.4, 0.7])];
        let told = table(&outcomes).markdown();
        let line = told.lines().last().expect("it has lines");
        let start = "| `human` | 20000 | 75.0 % (50.0, 100.0) | 40.9 to 92.9 % | 0.20 rad | 0.35 rad | 0.50 rad | 0.50 rad | T^";
        assert!(line.starts_with(start), "{line}");
        assert_eq!(told.lines().count(), 3, "a line for each way that was tried");
    }

    #[test]
    fn errors_that_compound_grow_with_the_square_of_time() {
        let square: Vec<f64> = (1..20).map(|block| 0.1 * f64::from(block * block)).collect();
        let line: Vec<f64> = (1..20).map(|block| 0.1 * f64::from(block)).collect();
        let near = |errors: &[f64], power: f64| (growth(errors).expect("points") - power).abs() < 1e-9;
        assert!(near(&square, 2.0) && near(&line, 1.0) && growth(&[1.0]).is_none());
    }

    #[test]
    fn the_charts_show_every_way_that_was_tried() {
        let [over_time, judged] = &charts(&[outcome(0, 2, &[0.1, 0.3])])[..] else { panic!("two") };
        assert_eq!(over_time.curves.len(), 1);
        assert_eq!(over_time.curves[0].points, [(0.0, 0.0), (0.5, 0.1), (1.0, 0.3)]);
        assert_eq!(judged.curves[0].points, [(0.0, 0.5)]);
        assert_eq!(judged.along, Along::Named(vec!["human".to_owned()]));
    }
}
