//! The doubt of a policy in recorded episodes, as a gate that watched them would have seen it.
//!
//! The policy thinks at the ticks at which it would think on a robot, and what it doubts stands until it thinks again. What it would
//! have done is not carried out: whoever drove in the recording goes on driving. Of every recording the greatest doubt is what a
//! threshold is calibrated with: the parts that gaps make of it are of one attempt, and vouch for no more than one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Error;
use super::chance::{Purpose, stream};
use super::wanted::{Recent, Wanted};
use crate::control::calibrate::greatest;
use crate::control::{self, Schedule};
use crate::data::Dataset;
use crate::noise::Noise;
use crate::policy::doubt::By;
use crate::policy::{Ensemble, Question, Thinker};

/// How many episodes are watched side by side.
const SIDE_BY_SIDE: usize = 64;
/// How often a decision is timed.
const TIMED: usize = 50;

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Doubts {
    /// The greatest doubt of each recording.
    pub greatest: Vec<f32>,
    /// How many decisions were doubted.
    pub decisions: usize,
}

/// How long one robot waits for a decision, and for one with its doubt: the middle of a few each, by turns.
pub fn cost(
    policy: &Ensemble,
    by: By,
    config: &control::Config,
    dataset: &Dataset,
    episode: usize,
) -> Result<[Duration; 2], Error> {
    let thinker = Thinker::new(policy, &config.join)?;
    let seen = [dataset.asked(episode, 0)?];
    let question = Question { seen: &seen, promised: None };
    let mut noise = stream(0, Purpose::Doubt, 0, 0);
    let mut took = [Vec::with_capacity(TIMED), Vec::with_capacity(TIMED)];
    for _ in 0..TIMED {
        let begun = Instant::now();
        thinker.act(question, &mut noise)?;
        took[0].push(begun.elapsed());
        let begun = Instant::now();
        thinker.decide(question, by, &mut noise)?;
        took[1].push(begun.elapsed());
    }
    Ok(took.map(|mut took| {
        took.sort();
        took[TIMED / 2]
    }))
}

/// An episode that is watched.
struct Watched {
    episode: usize,
    schedule: Schedule,
    seen: Recent,
    doubts: Vec<Option<f32>>,
}

/// Watches `episodes` of `dataset` with `policy`, whose chunks are joined as `config` says; `watched` is told of each that is over.
pub fn watch(
    policy: &Ensemble,
    by: By,
    config: &control::Config,
    dataset: &Dataset,
    episodes: &[usize],
    mut watched: impl FnMut(),
) -> Result<Doubts, Error> {
    let thinker = Thinker::new(policy, &config.join)?;
    let mut doubts = Doubts { greatest: Vec::new(), decisions: 0 };
    let mut recordings = BTreeMap::new();
    for (number, some) in episodes.chunks(SIDE_BY_SIDE).enumerate() {
        let new = |episode: &usize| Watched {
            episode: *episode,
            schedule: Schedule::new(config.join.clone(), config.interpolate),
            seen: Recent::new(usize::from(policy.spec().policy.history)),
            doubts: Vec::new(),
        };
        let mut some: Vec<Watched> = some.iter().map(new).collect();
        let longest = some.iter().map(|one| dataset.episodes[one.episode].ticks).max().unwrap_or(0);
        for tick in 0..longest {
            let first = (number * SIDE_BY_SIDE) as u64;
            let chance = &mut stream(first, Purpose::Doubt, 0, tick as u64);
            doubts.think(&thinker, by, dataset, &mut some, tick, chance)?;
        }
        for one in some {
            let most = recordings.entry(dataset.episodes[one.episode].recording).or_insert(f32::NEG_INFINITY);
            *most = most.max(greatest(one.doubts));
            watched();
        }
    }
    doubts.greatest.extend(recordings.into_values());
    Ok(doubts)
}

impl Doubts {
    /// Lets those think at this tick of their episodes that would.
    fn think(
        &mut self,
        thinker: &Thinker<&Ensemble>,
        by: By,
        dataset: &Dataset,
        some: &mut [Watched],
        tick: usize,
        chance: &mut Noise,
    ) -> Result<(), Error> {
        let (mut thinking, mut robots) = (Vec::new(), Vec::<Wanted>::new());
        for one in some.iter_mut().filter(|one| tick < dataset.episodes[one.episode].ticks) {
            let observation = dataset.asked(one.episode, tick)?;
            let now = observation.stamp;
            one.seen.add(observation);
            if one.schedule.asks(now, Duration::ZERO) {
                robots.push(one.seen.wanted(one.schedule.promised(now), now));
                thinking.push((one, now));
            }
        }
        if robots.is_empty() {
            return Ok(());
        }
        let questions: Vec<Question<'_>> = robots.iter().map(Wanted::question).collect();
        let decided = thinker.decide_all(&questions, by, chance)?;
        self.decisions += decided.len();
        for ((one, now), decided) in thinking.into_iter().zip(decided) {
            one.doubts.push(Some(decided.doubt));
            one.schedule.accept(decided.chunk, now);
        }
        Ok(())
    }
}
