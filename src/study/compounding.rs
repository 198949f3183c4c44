//! The experiment `compounding`: what becomes of small errors, with demonstrations alone and with corrections.
//!
//! Whoever copies demonstrations errs by a little at every step, is somewhere no demonstration was, and errs by more there: over T
//! steps by up to ε·T², against ε·T where it was shown what to do in just those places (Ross et al. 2011, "A Reduction of Imitation
//! Learning and Structured Prediction to No-Regret Online Learning"). Every way of collecting gets the same number of the expert's
//! labels here and the same number of steps of training, and is judged by how far its commands add up to lead off from the expert's.

use serde::{Deserialize, Serialize};

/// The world, and what goes wrong in it.
pub const WORLD: &str = "pick";
/// What goes wrong in attempts and trials, as `--disturb` has it.
pub const DISTURBED: &str = "push=2";
/// The ways of collecting, the plain one first.
pub const WAYS: [&str; 5] = ["cloned", "dart", "beta", "human", "doubt"];
/// After how many seconds the error is told.
const TOLD: [f64; 4] = [1.0, 2.0, 4.0, 8.0];
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

/// What came out, as a table in Markdown.
pub fn table(outcomes: &[Outcome]) -> String {
    let told = TOLD.map(|seconds| format!("error after {seconds} s")).join(" | ");
    let mut lines = vec![
        format!("| collected | seed | labels | success | 95 % interval | {told} |"),
        "|---|---|---|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(outcomes.iter().map(|outcome| {
        let Outcome { cell: Cell { way, seed }, labels, share, interval, errors, .. } = outcome;
        let [low, high] = interval.map(|end| 100.0 * end);
        let after = |seconds: f64| {
            let block = (seconds / BLOCK) as usize;
            errors
                .get(block.min(errors.len()).wrapping_sub(1))
                .map_or("".to_owned(), |error| format!("{error:.2} rad"))
        };
        let told = TOLD.map(after).join(" | ");
        format!("| `{way}` | {seed} | {labels} | {:.1} % | {low:.1} to {high:.1} % | {told} |", 100.0 * share)
    }));
    lines.join("\n")
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

    #[test]
    fn the_table_tells_the_error_at_the_horizons_and_at_the_end_where_that_is_sooner() {
        let outcome = Outcome {
            cell: Cell { way: "human".into(), seed: 1 },
            labels: 20_000,
            attempts: 4,
            successes: 2,
            share: 0.5,
            interval: [0.15, 0.85],
            errors: vec![0.1, 0.2, 0.3, 0.4, 0.5],
        };
        let told = table(&[outcome]);
        let line = told.lines().last().expect("it has lines");
        assert_eq!(
            line,
            "| `human` | 1 | 20000 | 50.0 % | 15.0 to 85.0 % | 0.20 rad | 0.40 rad | 0.50 rad | 0.50 rad |"
        );
    }
}
