//! The experiment `heads`: every head in the worlds it has to prove itself in, each with the same few minutes.
//!
//! `fork` is the one that tells them apart: left and right of the post are equally good, and whoever averages goes straight into it.

use serde::{Deserialize, Serialize};

use super::Table;

/// The heads there are, the one that averages first.
pub const HEADS: [&str; 7] = ["mse", "mog", "act", "diffusion", "flow", "tokens", "energy"];
/// The worlds in which every head is tried, and those for heads that can do more than one thing.
const SMALL: [&str; 2] = ["reach", "fork"];
const LARGE: [&str; 2] = ["push", "pick"];

/// One head in one world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The world.
    pub world: String,
    /// The head.
    pub head: String,
    /// For how many minutes it is trained.
    pub minutes: f64,
}

/// What came out of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub cell: Cell,
    /// How many steps the training came to.
    pub steps: u64,
    /// The share of attempts that succeeded.
    pub share: f64,
    /// Between which shares the truth lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// The mean score.
    pub score: f64,
    /// How many of the attempts that succeeded went left, and how many right.
    pub sides: [usize; 2],
    /// The mean jerk, rad/s³.
    pub jerk: f64,
    /// How long it took to think of a chunk, ms.
    pub thinking_ms: f64,
}

impl Cell {
    /// The head's settings: what a processor trains in minutes, and defaults otherwise.
    pub fn settings(&self) -> String {
        // What a block does that is pushed takes a larger network than what an arm does by itself.
        let perceptron = if self.world == "push" { "width: 384, layers: 4" } else { "" };
        let set = &match self.head.as_str() {
            // The paper's β leaves nothing in the latent to choose by; and of its size a processor takes too few steps in minutes.
            "act" => "kl: 0.01, temperature: 1.0, width: 64, inner: 256, heads: 2, layers: 1, recognizers: 1"
                .to_owned(),
            // What the chunk is, is learned sooner than what its noise is.
            "diffusion" => format!("network: {{perceptron: {{{perceptron}}}}}, target: sample"),
            // There 151 of 200 attempts succeed where the chunk itself is learned, and 8 where the direction to it is.
            "flow" if self.world == "push" => {
                format!("network: {{perceptron: {{{perceptron}}}}}, target: sample")
            }
            "flow" => "network: {perceptron: {}}".to_owned(),
            "tokens" => "width: 32, layers: 1, heads: 2, knots: 4, temperature: 0.3".to_owned(),
            _ => String::new(),
        };
        format!("{{{}: {{{set}}}}}", self.head)
    }

    /// Its name, as of a file.
    pub fn name(&self) -> String {
        format!("{}_{}", self.world, self.head)
    }
}

/// The cells, those of a world together; of `worlds` and `heads` only, where they say any. `minutes` is for all, where it is said.
pub fn cells(worlds: &[String], heads: &[String], minutes: Option<f64>) -> Vec<Cell> {
    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|known| known == name);
    let of = |world: &'static str| {
        let large = LARGE.contains(&world);
        let minutes = minutes.unwrap_or(if large { 8.0 } else { 3.0 });
        let can = move |head: &&str| !large || !["mse", "energy"].contains(head);
        let cell = move |head: &str| Cell { world: world.to_owned(), head: head.to_owned(), minutes };
        HEADS.into_iter().filter(can).map(cell)
    };
    let all = SMALL.into_iter().chain(LARGE).flat_map(of);
    all.filter(|cell| wanted(worlds, &cell.world) && wanted(heads, &cell.head)).collect()
}

/// What came out, as a table.
pub fn table(outcomes: &[Outcome]) -> Table {
    let row = |outcome: &Outcome| {
        let Outcome { cell, steps, share, interval, score, sides: [left, right], thinking_ms, .. } = outcome;
        let [low, high] = interval.map(|end| 100.0 * end);
        vec![
            format!("`{}`", cell.world),
            format!("`{}`", cell.head),
            format!("{:.1} %", 100.0 * share),
            format!("{low:.1} to {high:.1} %"),
            format!("{score:.2}"),
            // Elsewhere the sides are those of what was to be reached.
            if cell.world == "fork" { format!("{left}, {right}") } else { String::new() },
            format!("{steps} in {}", cell.minutes),
            format!("{thinking_ms:.1} ms"),
        ]
    };
    Table {
        heads: vec![
            "world",
            "head",
            "success",
            "95 % interval",
            "score",
            "left, right",
            "steps in minutes",
            "a chunk",
        ],
        rows: outcomes.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_head_meets_the_small_worlds_and_five_of_them_the_large_ones() {
        let all = cells(&[], &[], None);
        assert_eq!(all.len(), 2 * 7 + 2 * 5);
        assert!(all.iter().all(|cell| cell.minutes == if cell.world.starts_with('p') { 8.0 } else { 3.0 }));
        let one = cells(&["fork".into()], &["mse".into()], Some(0.5));
        assert_eq!(one, [Cell { world: "fork".into(), head: "mse".into(), minutes: 0.5 }]);
    }

    #[test]
    fn a_table_has_a_line_for_each_outcome() {
        let cell = Cell { world: "fork".into(), head: "flow".into(), minutes: 3.0 };
        let (interval, sides) = ([0.912, 0.973], [101, 89]);
        let outcome = Outcome {
            cell,
            steps: 4000,
            share: 0.95,
            interval,
            score: 0.97,
            sides,
            jerk: 10.0,
            thinking_ms: 3.25,
        };
        let told = table(&[outcome]).markdown();
        let line = told.lines().last().expect("it has lines");
        assert_eq!(
            line,
            "| `fork` | `flow` | 95.0 % | 91.2 to 97.3 % | 0.97 | 101, 89 | 4000 in 3 | 3.2 ms |"
        );
    }
}
