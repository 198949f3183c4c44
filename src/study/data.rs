//! The experiment `data`: three treatments of demonstrations, each with and without, in two cases.
//!
//! A treatment that is only shown where it helps looks as if it cost nothing, so each is tried where more and where less speaks for it;
//! with and without it everything else is equal, the seeds of training and of the attempts included. Training has so many steps and
//! not so many minutes, so that a cell comes out the same again.

use serde::{Deserialize, Serialize};

use super::Table;

/// Demonstrations of one kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesson {
    /// Their folder's name.
    pub name: &'static str,
    /// How many.
    pub count: u32,
    /// The first one's seed.
    pub seed: u32,
    /// More words for `apprentice sim`.
    pub words: &'static [&'static str],
    /// What they are labelled with as their quality.
    pub quality: Option<&'static str>,
}

/// What is learned, and how it is tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Case {
    /// Its name, as of a file.
    pub name: &'static str,
    /// The treatment, in words.
    pub treatment: &'static str,
    /// What is learned from and tried, in words.
    pub about: &'static str,
    /// The world.
    pub world: &'static str,
    /// What is learned from.
    pub lessons: &'static [Lesson],
    /// More words for `apprentice eval`.
    pub trial: &'static [&'static str],
    /// Settings, with and without.
    pub settings: &'static [&'static str],
    /// The settings that are the treatment, and those that stand in their place without it.
    pub with: &'static [&'static str],
    /// See `with`.
    pub without: &'static [&'static str],
}

/// One training and how it was judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The name of its case.
    pub case: String,
    /// With the treatment or without.
    pub with: bool,
    /// The seed of training.
    pub seed: u64,
}

/// What came out of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Which.
    pub cell: Cell,
    /// The share of attempts that succeeded.
    pub share: f64,
    /// Between which shares the truth lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// How long those that succeeded took on average, s.
    pub seconds: f64,
    /// The mean score.
    pub score: f64,
}

const WEIGHTS: &str = "weights for poor demonstrations";
const SHIFT: &str = "shift with corrective action";
const DROPOUT: &str = "dropout of past actions";

const fn careful(name: &'static str, count: u32) -> Lesson {
    Lesson { name, count, seed: 0, words: &[], quality: None }
}

const fn careless(name: &'static str, count: u32) -> Lesson {
    Lesson { name, count, seed: 10_000, words: &["--careless"], quality: Some("poor") }
}

/// A head that answers with the mean, and steps that take it a quarter of a minute.
const MEAN: [&str; 2] = ["policy.head={flow: null, mse: {}}", "train.steps=3000"];
/// The same, planning four actions.
const SHORT: [&str; 3] = [MEAN[0], MEAN[1], "policy.chunk=4"];

/// Every case: of each treatment two.
pub const CASES: [Case; 6] = [
    Case {
        name: "weights_enough",
        treatment: WEIGHTS,
        about: "`reach`, 100 careful and 90 careless ones",
        world: "reach",
        lessons: &[careful("reach_100", 100), careless("reach_careless_90", 90)],
        trial: &[],
        settings: &MEAN,
        with: &["data.weights.quality={poor: 0.02}"],
        without: &["data.weights.quality={poor: 1}"],
    },
    Case {
        name: "weights_few",
        treatment: WEIGHTS,
        about: "`reach`, 10 careful and 90 careless ones",
        world: "reach",
        lessons: &[careful("reach_10", 10), careless("reach_careless_90", 90)],
        trial: &[],
        settings: &MEAN,
        with: &["data.weights.quality={poor: 0.02}"],
        without: &["data.weights.quality={poor: 1}"],
    },
    Case {
        name: "shift_few",
        treatment: SHIFT,
        about: "`pick`, 20 demonstrations",
        world: "pick",
        lessons: &[careful("pick_20", 20)],
        trial: &[],
        settings: &MEAN,
        with: &["data.augment.shift={deviation: 0.1, steps: 8}"],
        without: &[],
    },
    Case {
        name: "shift_many",
        treatment: SHIFT,
        about: "`reach`, 100 demonstrations",
        world: "reach",
        lessons: &[careful("reach_100", 100)],
        trial: &[],
        settings: &MEAN,
        with: &["data.augment.shift={deviation: 0.05, steps: 8}"],
        without: &[],
    },
    Case {
        name: "dropout_long",
        treatment: DROPOUT,
        about: "`reach`, 100 demonstrations, 16 actions planned",
        world: "reach",
        lessons: &[careful("reach_100", 100)],
        trial: &[],
        settings: &MEAN,
        with: &["policy.past={dropout: 0.5}"],
        without: &["policy.past={dropout: 0}"],
    },
    Case {
        name: "dropout_short",
        treatment: DROPOUT,
        about: "`reach`, 100 demonstrations, 4 actions planned that come 0.15 s late",
        world: "reach",
        lessons: &[careful("reach_100", 100)],
        trial: &["--disturb", "latency=0.15"],
        settings: &SHORT,
        with: &["policy.past={dropout: 0.5}"],
        without: &["policy.past={dropout: 0}"],
    },
];

impl Case {
    /// Of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// The settings of a training.
    pub fn settings(&self, with: bool) -> impl Iterator<Item = &'static str> + use<> {
        self.settings.iter().chain(if with { self.with } else { self.without }).copied()
    }
}

impl Cell {
    /// Its name, as of a file.
    pub fn name(&self) -> String {
        format!("{}_{}_{}", self.case, if self.with { "with" } else { "without" }, self.seed)
    }
}

/// The cells, those of a case together; of `cases` only, where it says any.
pub fn cells(cases: &[String], seeds: u64) -> Vec<Cell> {
    let wanted = |case: &&Case| cases.is_empty() || cases.iter().any(|known| known == case.name);
    let of = |case: &Case| {
        let name = case.name.to_owned();
        (0..seeds).flat_map(move |seed| {
            let cell = |with| Cell { case: name.clone(), with, seed };
            [cell(false), cell(true)]
        })
    };
    CASES.iter().filter(wanted).flat_map(of).collect()
}

/// What came out, as a table: the mean over the seeds of training, and each of them.
pub fn table(outcomes: &[Outcome]) -> Table {
    let row = |case: &Case| {
        let of = |with| {
            outcomes.iter().filter(move |known| known.cell.case == case.name && known.cell.with == with)
        };
        let shares = |with| -> Vec<f64> { of(with).map(|outcome| 100.0 * outcome.share).collect() };
        let (without, with) = (shares(false), shares(true));
        let seconds = |with| mean(&of(with).map(|outcome| outcome.seconds).collect::<Vec<_>>());
        (!without.is_empty() && !with.is_empty()).then(|| {
            let [treatment, about] = [case.treatment, case.about].map(str::to_owned);
            let seconds = format!("{:.1}, {:.1}", seconds(false), seconds(true));
            vec![treatment, about, percent(&without), percent(&with), seconds]
        })
    };
    Table {
        heads: vec!["treatment", "learned from, and tried", "without", "with", "seconds without, with"],
        rows: CASES.iter().filter_map(row).collect(),
    }
}

/// The mean, and what it is the mean of.
fn percent(shares: &[f64]) -> String {
    let each: Vec<String> = shares.iter().map(|share| format!("{share:.1}")).collect();
    match shares {
        [one] => format!("{one:.1} %"),
        _ => format!("{:.1} % ({})", mean(shares), each.join(", ")),
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |sum, value| sum + value) / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_treatment_is_tried_in_two_cases_with_and_without_it() {
        for treatment in [WEIGHTS, SHIFT, DROPOUT] {
            assert_eq!(CASES.iter().filter(|case| case.treatment == treatment).count(), 2, "{treatment}");
        }
        let all = cells(&[], 2);
        assert_eq!(all.len(), 6 * 2 * 2);
        let mut names: Vec<String> = all.iter().map(Cell::name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len(), "a file for each");
        let some = cells(&["shift_few".into()], 1);
        assert_eq!(
            some.iter().map(Cell::name).collect::<Vec<_>>(),
            ["shift_few_without_0", "shift_few_with_0"]
        );
    }

    #[test]
    fn with_and_without_differ_in_the_treatment_alone() {
        for case in &CASES {
            assert_ne!(case.with, case.without, "{}", case.name);
            let keys = |sets: &[&'static str]| -> Vec<&str> {
                sets.iter().filter_map(|set| set.split('=').next()).collect()
            };
            let (with, common) = (keys(case.with), keys(case.settings));
            assert!(keys(case.without).iter().all(|key| with.contains(key)), "{}", case.name);
            assert!(with.iter().all(|key| !common.contains(key)), "{}", case.name);
            assert_eq!(
                case.settings.iter().filter(|set| set.starts_with("train.steps=")).count(),
                1,
                "{}",
                case.name
            );
            assert_eq!(Case::named(case.name), Some(case));
        }
    }

    #[test]
    fn lessons_of_one_name_are_the_same() {
        let all: Vec<&Lesson> = CASES.iter().flat_map(|case| case.lessons).collect();
        for one in &all {
            assert!(all.iter().all(|other| one.name != other.name || one == other), "{}", one.name);
        }
    }

    #[test]
    fn a_table_tells_the_mean_over_the_seeds_and_each_of_them() {
        let outcome = |(cell, share): (Cell, f64)| Outcome {
            cell,
            share,
            interval: [0.0, 1.0],
            seconds: 1.25,
            score: 0.9,
        };
        let shares = [0.5, 0.9, 0.6, 1.0];
        let outcomes: Vec<Outcome> =
            cells(&["shift_few".into()], 2).into_iter().zip(shares).map(outcome).collect();
        let told = table(&outcomes).markdown();
        let line = told.lines().last().expect("it has lines");
        assert!(line.ends_with("| 55.0 % (50.0, 60.0) | 95.0 % (90.0, 100.0) | 1.2, 1.2 |"), "{line}");
        assert_eq!(told.lines().count(), 3, "of the case that was tried only");
    }
}
