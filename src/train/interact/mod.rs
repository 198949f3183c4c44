//! Attempts that a policy and an expert share: who drives decides the gate, and every tick says who did.
//!
//! ```text
//!                 what is seen ──► the policy: a chunk, its doubt ──┐
//!   the world ──┤                                                  ├──► control: who drives, what leaves ──► the world
//!                 what is so   ──► the expert: his wish ────────────┘
//! ```
//!
//! In simulation the world's expert stands in for a person: he can be asked what he would do at every tick, whoever drives, and he is
//! never tired. Whether and when he takes over is up to [`Who`]; the command that leaves is that of the very
//! [`Control`](crate::control::Control) that runs on a robot. Nothing is written here: what was told at every tick is enough to
//! have the attempt again, and whoever records it does that.

mod film;
mod keeper;
mod seat;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

pub use film::{Drove, turns};
pub use keeper::{Stray, Who};

use super::evaluate::Error;
use crate::control::{self, Limits};
use crate::data::Layout;
use crate::data::observe::Observe;
use crate::msg::own::Intervention;
use crate::noise::Noise;
use crate::policy::doubt::{By, Decided};
use crate::policy::{Ensemble, Question, Thinker};
use crate::sim::{Disturbance, Told};
use crate::spec::Act;
use crate::train::wanted::Wanted;
use seat::Seat;

/// What is attempted, and who stands by.
#[derive(Clone, Debug)]
pub struct Options {
    /// The world's name.
    pub world: String,
    /// How many attempts.
    pub episodes: u32,
    /// The first one's seed; those that follow count up.
    pub seed: u64,
    /// How many worlds stand side by side.
    pub worlds: usize,
    /// How chunks become commands, and when doubt asks.
    pub control: control::Config,
    /// What the robot may do; any command leaves as it is where nothing is said.
    pub limits: Option<Limits>,
    /// What goes wrong in the world.
    pub disturbance: Disturbance,
    /// Who takes over, and when.
    pub who: Who,
    /// What doubt is measured by, where it is.
    pub doubt: Option<By>,
    /// The doubt from which the expert is asked.
    pub threshold: Option<f32>,
}

/// An attempt that was shared.
#[derive(Clone, Debug, PartialEq)]
pub struct Shared {
    /// What everything by chance in it followed from.
    pub seed: u64,
    /// Whether the task was done.
    pub success: bool,
    /// How well, from 0 to 1.
    pub score: f64,
    /// The greatest doubt in it, where doubt is measured.
    pub greatest: Option<f32>,
    /// What was told at every tick.
    pub told: Vec<Told>,
}

/// Who drove in some attempts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// How many attempts.
    pub attempts: u64,
    /// How many of them succeeded, whoever drove.
    pub successes: u64,
    /// Ticks in which the policy drove.
    pub policy: u64,
    /// Ticks in which the expert drove.
    pub expert: u64,
    /// Ticks in which nobody did.
    pub hold: u64,
    /// How often the expert took over.
    pub switches: u64,
}

impl Tally {
    /// Of those attempts.
    pub fn of<'a>(shared: impl IntoIterator<Item = &'a Shared>) -> Self {
        let mut tally = Self::default();
        shared.into_iter().for_each(|one| tally.add(one.success, one.told.iter().map(|told| told.driver)));
        tally
    }

    /// Adds an attempt, with who drove at each of its ticks.
    pub fn add(&mut self, success: bool, drivers: impl IntoIterator<Item = u8>) {
        self.attempts += 1;
        self.successes += u64::from(success);
        let mut before = Intervention::POLICY;
        for driver in drivers {
            match driver {
                Intervention::POLICY => self.policy += 1,
                Intervention::HUMAN => self.expert += 1,
                _ => self.hold += 1,
            }
            self.switches += u64::from(driver == Intervention::HUMAN && before != driver);
            before = driver;
        }
    }

    /// All ticks.
    pub fn ticks(&self) -> u64 {
        self.policy + self.expert + self.hold
    }
}

/// What every seat knows.
#[derive(Debug)]
struct Setup<'a> {
    layout: &'a Layout,
    observe: &'a Observe,
    act: &'a Act,
    history: usize,
    options: &'a Options,
    /// As the options say it, with a gate for [`Who`].
    control: control::Config,
}

/// Makes the attempts that `options` say with `policy`, on a robot that is seen and commanded as `observe` and `act` say; by their
/// seeds. `ended` is told of each as it ends.
pub fn interact(
    policy: &Ensemble,
    observe: &Observe,
    act: &Act,
    options: &Options,
    mut ended: impl FnMut(&Shared),
    stops: impl Fn() -> bool,
) -> Result<Vec<Shared>, Error> {
    let thinker = Thinker::new(policy, &options.control.join)?;
    let spec = policy.spec();
    let history = usize::from(spec.policy.history);
    let control = options.who.gated(&options.control);
    let setup = Setup { layout: &spec.layout, observe, act, history, options, control };
    let count = options.worlds.clamp(1, options.episodes.max(1) as usize);
    let seeds = |seat: usize| -> VecDeque<u64> {
        let numbers = (seat..options.episodes as usize).step_by(count);
        numbers.map(|number| options.seed.wrapping_add(number as u64)).collect()
    };
    let mut seats = (0..count).map(|seat| Seat::open(&setup, seeds(seat))).collect::<Result<Vec<_>, _>>()?;
    let mut shared = Vec::new();
    for round in 0.. {
        if stops() {
            return Err(Error::Stopped);
        }
        let (mut thinking, mut robots) = (Vec::new(), Vec::<Wanted>::new());
        for seat in &mut seats {
            let wanted = seat.advance()?;
            shared.extend(seat.ended().inspect(&mut ended));
            if let Some(wanted) = wanted {
                robots.push(wanted);
                thinking.push(seat);
            }
        }
        if robots.is_empty() {
            break;
        }
        let questions: Vec<Question<'_>> = robots.iter().map(Wanted::question).collect();
        // A stream of chance of its own for each round, as where a policy is evaluated.
        let mut noise = Noise::of(options.seed, round);
        match options.doubt {
            Some(by) => {
                let decided = thinker.decide_all(&questions, by, &mut noise)?.into_iter();
                let taken = decided.map(|Decided { chunk, doubt }| (chunk, Some(doubt)));
                thinking.into_iter().zip(taken).for_each(|(seat, (chunk, doubt))| seat.accept(chunk, doubt));
            }
            None => {
                let chunks = thinker.act_all(&questions, &mut noise)?;
                thinking.into_iter().zip(chunks).for_each(|(seat, chunk)| seat.accept(chunk, None));
            }
        }
    }
    shared.sort_by_key(|one| one.seed);
    Ok(shared)
}
