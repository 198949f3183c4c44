//! Windows: the last few observations and the chunk of actions that follows, cut from episodes wherever one fits.
//!
//! A window belongs to the tick of its newest observation. Where its history begins before the episode, the first observation is
//! repeated, as on a robot that has just begun; past the end the last action is repeated and masked, so that the last ticks of a
//! demonstration are learned like the others. Nothing is listed window by window: runs of ticks and their sums say which is which.

mod gather;
mod mirror;
mod shift;

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::augment::Shift;
use super::dataset::Dataset;
use super::driver::Driver;
use super::goal::Goal;
use super::statistics::Statistics;
use super::{Config, Error};
use crate::noise::Noise;

pub(super) use mirror::Signs;

/// What the order of an epoch draws from, among all that a seed is for.
const ORDER: u64 = 0x4F52_4445;

/// How many observations and actions a window has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Observations, the newest included.
    pub history: usize,
    /// Actions, the newest observation's first.
    pub chunk: usize,
}

/// How windows are varied while they are gathered.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Robots that are a little off their way, with the deviation of each action's joint.
    shift: Option<(Shift, Vec<f32>)>,
    /// Whether every second one is seen in a mirror, where the data set says how.
    mirror: bool,
    goal: Option<Goal>,
}

impl Rules {
    /// For learning: as the settings say, in the measure of what is learned from.
    pub fn learning(config: &Config, statistics: &Statistics) -> Self {
        let deviations = || statistics.actions.iter().map(|spread| spread.deviation as f32).collect();
        let shift = config.augment.shift.clone().map(|shift| (shift, deviations()));
        Self { shift, mirror: true, goal: config.goal.clone() }
    }

    /// For judging: nothing is moved, and what was to be reached is what was, if anything was.
    pub fn judging(config: &Config) -> Self {
        Self { shift: None, mirror: false, goal: config.goal.as_ref().map(Goal::judging) }
    }
}

/// Ticks one after the other that each begin a window, of one driver.
#[derive(Clone, Debug)]
struct Run {
    episode: usize,
    /// Among the episode's ticks.
    ticks: Range<usize>,
    weight: f32,
}

/// All windows of some episodes.
#[derive(Debug)]
pub struct Windows {
    dataset: Arc<Dataset>,
    shape: Shape,
    rules: Rules,
    /// Where the position of each action's joint stands in the state; nothing where one is not measured.
    measured: Option<Vec<usize>>,
    runs: Vec<Run>,
    /// How many windows there are up to the end of each run.
    sums: Vec<usize>,
    short: usize,
}

impl Windows {
    /// Those of `episodes` of the data set.
    pub fn new(
        dataset: &Arc<Dataset>,
        episodes: &[usize],
        shape: Shape,
        rules: Rules,
    ) -> Result<Self, Error> {
        let measured = dataset.layout.measured();
        if rules.shift.is_some() && measured.is_none() {
            let why = "a joint that is moved has no measured position to shift".to_owned();
            return Err(Error::Setting { key: "data.augment.shift".to_owned(), why });
        }
        if shape.history == 0 || shape.chunk == 0 {
            let why = "a window has at least one observation and one action".to_owned();
            return Err(Error::Setting { key: "policy".to_owned(), why });
        }
        let (mut runs, mut fit) = (Vec::new(), 0);
        for number in episodes {
            let fits = fitting(dataset, *number, shape);
            fit += fits.len();
            let counted = counted(dataset, *number, fits);
            even(dataset, *number, &counted, &mut runs);
        }
        let sums: Vec<usize> = runs
            .iter()
            .scan(0, |sum, run: &Run| {
                *sum += run.ticks.len();
                Some(*sum)
            })
            .collect();
        if sums.is_empty() {
            let ticks = episodes.iter().map(|episode| dataset.episodes[*episode].ticks).sum();
            return Err(Error::NoWindow { episodes: episodes.len(), ticks, fit });
        }
        let short = episodes.iter().filter(|episode| dataset.episodes[**episode].ticks < shape.chunk).count();
        Ok(Self { dataset: Arc::clone(dataset), shape, rules, measured, runs, sums, short })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.sums.last().copied().unwrap_or(0)
    }

    /// Whether there is none; there always is one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the episodes are shorter than a chunk; their windows are padded.
    pub fn short(&self) -> usize {
        self.short
    }

    /// The data set they are cut from.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Observations and actions of each.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// In which order an epoch goes through them: each once, a function of seed and epoch.
    pub fn order(&self, seed: u64, epoch: u64) -> Vec<u32> {
        let count = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let mut order: Vec<u32> = (0..count).collect();
        Noise::of(seed ^ epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15), ORDER).shuffle(&mut order);
        order
    }

    /// The episode and the tick of the window of that number, and how much it counts.
    pub fn place(&self, window: u32) -> (usize, usize, f32) {
        let run = self.sums.partition_point(|sum| *sum <= window as usize);
        let begin = run.checked_sub(1).map_or(0, |before| self.sums[before]);
        let Run { episode, ticks, weight } = &self.runs[run];
        (*episode, ticks.start + window as usize - begin, *weight)
    }
}

/// The ticks of an episode whose windows need no padding where it is not allowed.
fn fitting(dataset: &Dataset, number: usize, shape: Shape) -> Range<usize> {
    let episode = &dataset.episodes[number];
    let [begin_padded, end_padded] = episode.padded;
    let begin = if begin_padded { 0 } else { shape.history - 1 };
    let end = if end_padded { episode.ticks } else { (episode.ticks + 1).saturating_sub(shape.chunk) };
    begin.min(end)..end
}

/// Those of the ticks whose action is learned, as runs of one driver.
fn counted(dataset: &Dataset, number: usize, ticks: Range<usize>) -> Vec<(Range<usize>, Driver)> {
    let episode = &dataset.episodes[number];
    let recording = &dataset.recordings[episode.recording];
    let mut runs: Vec<(Range<usize>, Driver)> = Vec::new();
    for tick in ticks {
        if !dataset.config.counts(recording, episode.first + tick) {
            continue;
        }
        let driver = recording.kept.take.drivers[episode.first + tick];
        match runs.last_mut() {
            Some((run, known)) if run.end == tick && *known == driver => run.end = tick + 1,
            _ => runs.push((tick..tick + 1, driver)),
        }
    }
    runs
}

/// Adds the runs of one episode with what their windows count; those that count nothing are no windows.
fn even(dataset: &Dataset, number: usize, counted: &[(Range<usize>, Driver)], runs: &mut Vec<Run>) {
    let weights = &dataset.config.weights;
    let quality = dataset.recordings[dataset.episodes[number].recording].weight;
    let sum: f64 =
        counted.iter().map(|(ticks, driver)| ticks.len() as f64 * weights.of_driver(*driver)).sum();
    let evened = if weights.even_episodes && sum > 0.0 { 1.0 / sum } else { 1.0 };
    for (ticks, driver) in counted {
        let weight = (quality * weights.of_driver(*driver) * evened) as f32;
        if weight > 0.0 {
            runs.push(Run { episode: number, ticks: ticks.clone(), weight });
        }
    }
}
