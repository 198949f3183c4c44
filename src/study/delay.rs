//! The experiment `delay`: every way in which chunks may meet, where thinking takes longer and longer.
//!
//! A policy that thinks in no time needs no art of joining. So one policy of a world is tried with thinking that takes 0, 2, 4 and 8
//! ticks of its grid, by every join, in the same attempts: seed by seed one may be held against another. What is felt at the arm is
//! the step where a chunk meets another, beside the largest step that whoever demonstrated ever made.

use serde::{Deserialize, Serialize};

use super::Table;
use crate::train::report::chart::{Along, Chart, Curve, Values};

/// The joins by name, each with its setting; the one that the others are held against is [`PLAIN`].
pub const JOINS: [(&str, &str); 6] = [
    ("queue", "queue"),
    (PLAIN, "{replace: {}}"),
    ("ensemble", "{ensemble: {}}"),
    ("continue", "{continue: {}}"),
    (LEARNED, "{continue: {}}"),
    ("bid", "{bid: {}}"),
];
/// To go on from what is promised by a policy that learned just that; the others guide one that did not.
pub const LEARNED: &str = "continue_learned";
/// Receding horizon, as chunks are joined where nothing is set.
const PLAIN: &str = "replace";
/// The worlds, each with its joins; all of them where none is said.
const WORLDS: [(&str, &[&str]); 2] = [("pick", &[]), ("push", &[PLAIN, "continue", LEARNED])];
/// How long thinking takes, in ticks of the policy's grid.
pub const DELAYS: [u32; 4] = [0, 2, 4, 8];

/// One policy, joined in one way, with one delay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The world.
    pub world: String,
    /// The name of the join.
    pub join: String,
    /// How long thinking takes, in ticks.
    pub delay: u32,
}

/// What came out of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub cell: Cell,
    /// Whether each attempt succeeded, by its seed.
    pub successes: Vec<bool>,
    /// The share of them that did.
    pub share: f64,
    /// Between which shares the truth lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// The mean score.
    pub score: f64,
    /// The mean jerk, rad/s³.
    pub jerk: f64,
    /// The largest step from one command to the next, rad.
    pub largest_step: f64,
    /// The largest where a chunk met another, rad.
    pub largest_seam: f64,
    /// The largest in the demonstrations, rad.
    pub demonstrated_step: f64,
    /// How long an attempt's arm waited for a chunk, s.
    pub waited: f64,
    /// How long it took to think of a chunk, ms.
    pub thinking_ms: f64,
}

impl Cell {
    /// Its name, as of a file.
    pub fn name(&self) -> String {
        format!("{}_{}_{}", self.world, self.join, self.delay)
    }

    /// The setting `control.join`; nothing for a name that no join has.
    pub fn setting(&self) -> Option<&'static str> {
        JOINS.iter().find(|(name, _)| *name == self.join).map(|(_, setting)| *setting)
    }
}

/// The cells, those of a world together; of `worlds`, `joins` and `delays` only, where they say any.
pub fn cells(worlds: &[String], joins: &[String], delays: &[u32]) -> Vec<Cell> {
    let wanted = |list: &[String], name: &str| list.is_empty() || list.iter().any(|known| known == name);
    let delays = if delays.is_empty() { &DELAYS[..] } else { delays };
    let mut cells = Vec::new();
    for (world, of_world) in WORLDS.into_iter().filter(|(world, _)| wanted(worlds, world)) {
        for (join, _) in JOINS {
            let tried = of_world.is_empty() || of_world.contains(&join);
            if tried && wanted(joins, join) {
                let cell =
                    |delay: &u32| Cell { world: world.to_owned(), join: join.to_owned(), delay: *delay };
                cells.extend(delays.iter().map(cell));
            }
        }
    }
    cells
}

/// What came out, as a table.
pub fn table(outcomes: &[Outcome]) -> Table {
    let row = |outcome: &Outcome| {
        let Outcome { cell: Cell { world, join, delay }, share, interval, score, jerk, .. } = outcome;
        let Outcome { largest_step, largest_seam, demonstrated_step, waited, thinking_ms, .. } = outcome;
        let [low, high] = interval.map(|end| 100.0 * end);
        let against = plain(outcome, outcomes).map_or_else(String::new, |plain| {
            let [won, lost] = against(&outcome.successes, &plain.successes);
            format!("{won}, {lost}")
        });
        vec![
            format!("`{world}`"),
            format!("`{join}`"),
            delay.to_string(),
            format!("{:.1} %", 100.0 * share),
            format!("{low:.1} to {high:.1} %"),
            against,
            format!("{score:.2}"),
            format!("{jerk:.0}"),
            format!("{largest_step:.4}"),
            format!("{largest_seam:.4}"),
            format!("{demonstrated_step:.4}"),
            format!("{waited:.2} s"),
            format!("{thinking_ms:.1} ms"),
        ]
    };
    Table {
        heads: vec![
            "world",
            "join",
            "delay",
            "success",
            "95 % interval",
            "won, lost against `replace`",
            "score",
            "jerk, rad/s³",
            "largest step, rad",
            "at a seam",
            "demonstrated",
            "waited",
            "a chunk",
        ],
        rows: outcomes.iter().map(row).collect(),
    }
}

/// Success and jerk over the delay, world by world.
pub fn charts(outcomes: &[Outcome]) -> Vec<Chart> {
    let of_world = |world: &str| {
        let curves = |value: fn(&Outcome) -> f64, ends: fn(&Outcome) -> Option<[f64; 2]>| {
            let of_join = |join: &str| {
                let known = |outcome: &&Outcome| outcome.cell.world == world && outcome.cell.join == join;
                let known = || outcomes.iter().filter(known);
                let place = |delay| DELAYS.iter().position(|known| *known == delay);
                let point = |outcome: &Outcome| Some((place(outcome.cell.delay)? as f64, value(outcome)));
                let points: Vec<(f64, f64)> = known().filter_map(point).collect();
                let ends = known().filter_map(ends).collect();
                (!points.is_empty()).then(|| Curve { ends, ..Curve::of(join, points) })
            };
            JOINS.iter().filter_map(|(join, _)| of_join(join)).collect::<Vec<_>>()
        };
        let along = || Along::Named(DELAYS.map(|delay| format!("{delay} ticks")).to_vec());
        let success = Chart {
            along: along(),
            values: Values::Shares,
            ..Chart::of(
                &format!("{world}: success"),
                curves(|outcome| outcome.share, |known| Some(known.interval)),
            )
        };
        let jerk = Chart {
            along: along(),
            ..Chart::of(&format!("{world}: jerk, rad/s³"), curves(|outcome| outcome.jerk, |_| None))
        };
        [success, jerk]
    };
    let charts = WORLDS.iter().flat_map(|(world, _)| of_world(world));
    charts.filter(|chart| !chart.curves.is_empty()).collect()
}

/// The same attempts, joined plainly.
fn plain<'a>(outcome: &Outcome, outcomes: &'a [Outcome]) -> Option<&'a Outcome> {
    let Cell { world, join, delay } = &outcome.cell;
    outcomes.iter().find(|Outcome { cell: other, .. }| {
        join != PLAIN && other.join == PLAIN && other.world == *world && other.delay == *delay
    })
}

/// In how many attempts the one succeeded where the other did not, and the other way round.
fn against(one: &[bool], other: &[bool]) -> [usize; 2] {
    let count = |of: fn(&(&bool, &bool)) -> bool| one.iter().zip(other).filter(of).count();
    [count(|(one, other)| **one && !**other), count(|(one, other)| !**one && **other)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_join_meets_pick_and_three_of_them_push() {
        let all = cells(&[], &[], &[]);
        assert_eq!(all.len(), 6 * 4 + 3 * 4);
        assert!(all.iter().all(|cell| cell.setting().is_some()));
        let mut names: Vec<String> = all.iter().map(Cell::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len(), "a file for each");
        let one = cells(&["push".into()], &["continue".into(), "bid".into()], &[3]);
        assert_eq!(one, [Cell { world: "push".into(), join: "continue".into(), delay: 3 }]);
    }

    #[test]
    fn attempts_are_held_against_those_of_the_same_seed_and_delay() {
        let outcome = |join: &str, delay: u32, successes: [bool; 4]| Outcome {
            cell: Cell { world: "pick".into(), join: join.into(), delay },
            successes: successes.to_vec(),
            share: 0.5,
            interval: [0.15, 0.85],
            score: 0.5,
            jerk: 100.0,
            largest_step: 0.02,
            largest_seam: 0.01,
            demonstrated_step: 0.015,
            waited: 0.08,
            thinking_ms: 4.0,
        };
        let outcomes = [
            outcome("replace", 4, [true, false, false, true]),
            outcome("replace", 8, [true; 4]),
            outcome("continue", 4, [true, true, true, false]),
        ];
        let told = table(&outcomes).markdown();
        let line = told.lines().last().expect("it has lines");
        assert!(
            line.starts_with("| `pick` | `continue` | 4 | 50.0 % | 15.0 to 85.0 % | 2, 1 | 0.50 "),
            "{line}"
        );
        assert_eq!(told.lines().count(), 5);
        assert!(told.contains("`replace` | 8 | 50.0 % | 15.0 to 85.0 % |  |"), "{told}");
    }
}
