//! How good a policy is: attempts in the simulator, in lockstep, with seeds that repeat.
//!
//! ```text
//!   worker 1:  world · world · …  ── what is seen ──┐
//!                                                   ├── one batch ── the policy ── a chunk for each
//!   worker 2:  world · world · …  ── what is seen ──┘
//! ```
//!
//! No world goes on before it has the chunk that it asked for, and the chunks of all worlds are thought of at once: what comes out
//! depends on the seed, the policy and how many worlds stand side by side, not on how fast the machine is. The plan is carried out
//! by the very [`Schedule`](crate::control::Schedule) that runs on a robot. Where thinking is to take time ([`Options::delay`]) it takes
//! as many ticks in every attempt, so that also this repeats.

mod astray;
mod motion;
mod report;
mod robot;
mod seat;
mod senses;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

pub use super::interval::wilson;
pub use report::{Attempt, Report};
pub use robot::Robot;

use crate::arm::{self, Chunk};
use crate::control::{self, Control, Limits};
use crate::data::Layout;
use crate::data::observe::Observe;
use crate::noise::Noise;
use crate::policy::{self, Ensemble, Question, Thinker};
use crate::sim::{self, Disturbance};
use crate::spec::Act;
use crate::time::Stamp;
use crate::train::film::film_of;
use crate::train::wanted::Wanted;
use seat::Seat;

/// How often thinking alone is timed.
const TIMED: usize = 100;

/// What goes wrong with an evaluation.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody wished it to stop.
    #[error("stopped")]
    Stopped,
    /// The simulator refused.
    #[error("the simulator refused")]
    World(#[from] sim::Error),
    /// The policy refused.
    #[error("the policy refused")]
    Policy(#[from] policy::Error),
    /// A stream that the world does not have.
    #[error("the policy sees {stream:?}, which the world {world:?} does not show")]
    Unseen {
        /// The stream.
        stream: String,
        /// The world.
        world: &'static str,
    },
    /// A goal that the world does not have.
    #[error("the world {world:?} has nothing called {goal:?} that could be the goal")]
    Goal {
        /// What was asked for.
        goal: String,
        /// The world.
        world: &'static str,
    },
    /// A goal for a policy that has none.
    #[error("the policy is not told what to reach: leave --goal out")]
    NoGoal,
    /// A policy with a goal, and none is said.
    #[error("the policy is told what to reach: --goal says which of the world's things that is")]
    GoalWanted,
    /// A joint that the simulated arm does not have.
    #[error("the policy moves {joint:?}; the simulated arm has {known:?}")]
    Joint {
        /// The joint.
        joint: String,
        /// What there is.
        known: &'static [&'static str],
    },
    /// A grid that does not fit into the period of control.
    #[error("of {control_hz} commands a second, {rate_hz} observations are no whole share")]
    Grid {
        /// Observations a second.
        rate_hz: f64,
        /// Commands a second.
        control_hz: f64,
    },
    /// Limits that the arm cannot be held to.
    #[error("the limits of the arm")]
    Limits(#[from] control::limits::Error),
    /// The description of the simulated arm.
    #[error("the description of the arm")]
    Arm(#[from] arm::Error),
    /// A file that cannot be written.
    #[error("{path:?} cannot be written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A film that cannot be written.
    #[error("the film {path:?} cannot be written")]
    Film {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: gif::EncodingError,
    },
    /// An attempt that went another way when it was had again.
    #[error(
        "the attempt of seed {seed} did not end as it did the first time: another world, or other settings"
    )]
    Otherwise {
        /// The seed.
        seed: u64,
    },
    /// A thread that ended before its attempts.
    #[error("a thread of the evaluation ended before its attempts")]
    Thread,
}

/// What is attempted, and how.
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
    /// How chunks become commands.
    pub control: control::Config,
    /// How long thinking of a chunk takes, in ticks of the policy's grid.
    pub delay: u32,
    /// What goes wrong in the world.
    pub disturbance: Disturbance,
    /// The thing in the world whose pose is the goal.
    pub goal: Option<String>,
    /// Whether the world's expert is asked at every tick what he would have done.
    pub beside: bool,
    /// Where films of the first attempts go, and how many there are.
    pub films: Option<(PathBuf, u32)>,
}

impl Options {
    /// The file of the film of an attempt, if it is filmed.
    fn film(&self, seed: u64) -> Option<PathBuf> {
        let (folder, count) = self.films.as_ref()?;
        let filmed = seed.wrapping_sub(self.seed) < u64::from(*count);
        filmed.then(|| folder.join(film_of(&self.world, seed)))
    }
}

/// What every seat knows.
#[derive(Debug)]
struct Setup<'a> {
    layout: &'a Layout,
    observe: &'a Observe,
    act: &'a Act,
    /// How many observations the policy sees.
    history: usize,
    options: &'a Options,
    /// What decides what leaves for the arm, as every attempt begins with it.
    control: Control,
}

/// What a worker says: for each of its seats what is to be thought about, and which attempts ended.
type Said = Result<(Vec<Option<Wanted>>, Vec<Attempt>), Error>;

/// The two lines to a worker.
struct Worker {
    said: Receiver<Said>,
    answers: SyncSender<Vec<Option<Chunk>>>,
}

/// Attempts what `options` say with `policy`, on a robot that is seen and commanded as `observe` and `act` say. Every attempt is told to
/// `ended` as it ends.
pub fn evaluate(
    policy: &Ensemble,
    observe: &Observe,
    act: &Act,
    options: &Options,
    mut ended: impl FnMut(&Attempt),
    stops: impl Fn() -> bool,
) -> Result<Report, Error> {
    let thinker = Thinker::new(policy, &options.control.join)?;
    let spec = policy.spec();
    let history = usize::from(spec.policy.history);
    let control = control(options, &spec.layout, act)?;
    let setup = Setup { layout: &spec.layout, observe, act, history, options, control };
    let (mut attempts, mut usual): (_, Option<Wanted>) = (Vec::new(), None);
    thread::scope(|scope| {
        let workers: Vec<Worker> =
            deal(options).into_iter().map(|seats| hire(scope, &setup, seats)).collect();
        for round in 0.. {
            if stops() {
                return Err(Error::Stopped);
            }
            let mut asked = Vec::new();
            for worker in &workers {
                let (wanted, over) = worker.said.recv().map_err(|_gone| Error::Thread)??;
                over.iter().for_each(&mut ended);
                attempts.extend(over);
                asked.push(wanted);
            }
            let robots = in_order(&mut asked);
            let Some((_, _, first)) = robots.first() else { break };
            if usual.as_ref().is_none_or(|usual| usual.plan.is_none()) {
                usual = Some(first.clone());
            }
            let questions: Vec<Question<'_>> =
                robots.iter().map(|(_, _, wanted)| wanted.question()).collect();
            // A stream of chance of its own for each round: what one robot needs less does not move the next round.
            let chunks = thinker.act_all(&questions, &mut Noise::of(options.seed, round))?;
            let mut answers: Vec<Vec<Option<Chunk>>> =
                asked.iter().map(|wanted| wanted.iter().map(|_| None).collect()).collect();
            for ((worker, seat, _), chunk) in robots.into_iter().zip(chunks) {
                answers[worker][seat] = Some(chunk);
            }
            for (worker, answer) in workers.iter().zip(answers) {
                worker.answers.send(answer).map_err(|_gone| Error::Thread)?;
            }
        }
        Ok::<(), Error>(())
    })?;
    let thinking = usual.map_or_else(|| Ok(Vec::new()), |usual| timed(&thinker, usual.question()))?;
    Ok(Report::of(&options.world, attempts, thinking))
}

/// What holds the arm's commands to the limits that the settings have for it; where they have none, nothing does.
fn control(options: &Options, layout: &Layout, act: &Act) -> Result<Control, Error> {
    let joints = &layout.actions;
    let limits = options.control.limits.as_ref().map(|limits| {
        let arm = arm::Description::parse(arm::urdf::SIM_ARM, "sim_arm.urdf")?;
        Ok::<_, Error>(Limits::load(limits, Some(&arm), joints)?)
    });
    let period = Duration::from_secs_f64(1.0 / act.rate_hz);
    let slides = vec![false; joints.len()];
    // Nobody stands by who could be asked: a policy is judged alone, whatever it thinks of itself.
    let mut config = options.control.clone();
    config.gate.doubt = None;
    Ok(Control::new(&config, limits.transpose()?, &slides, Vec::new(), period, Stamp(0)))
}

/// The seeds of every seat of every worker.
fn deal(options: &Options) -> Vec<Vec<VecDeque<u64>>> {
    let seats = options.worlds.clamp(1, options.episodes.max(1) as usize);
    let threads = thread::available_parallelism().map_or(1, usize::from).min(seats);
    let mut workers = vec![Vec::new(); threads];
    for seat in 0..seats {
        let seeds = (seat..options.episodes as usize).step_by(seats);
        let seeds: VecDeque<u64> = seeds.map(|number| options.seed.wrapping_add(number as u64)).collect();
        workers[seat % threads].push(seeds);
    }
    workers
}

/// A worker for those seats.
fn hire<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    setup: &'scope Setup<'scope>,
    seats: Vec<VecDeque<u64>>,
) -> Worker {
    let (speak, said) = sync_channel(1);
    let (answers, heard) = sync_channel(1);
    scope.spawn(move || {
        if let Err(error) = work(setup, seats, &speak, &heard) {
            // Whoever asked is told; if he is gone, so is his interest.
            drop(speak.send(Err(error)));
        }
    });
    Worker { said, answers }
}

fn work(
    setup: &Setup<'_>,
    seats: Vec<VecDeque<u64>>,
    speak: &SyncSender<Said>,
    heard: &Receiver<Vec<Option<Chunk>>>,
) -> Result<(), Error> {
    let mut seats: Vec<Seat<'_>> =
        seats.into_iter().map(|seeds| Seat::open(setup, seeds)).collect::<Result<_, _>>()?;
    loop {
        let wanted: Vec<_> = seats.iter_mut().map(Seat::advance).collect::<Result<_, _>>()?;
        let over = seats.iter_mut().flat_map(Seat::ended).collect();
        if speak.send(Ok((wanted, over))).is_err() {
            return Ok(());
        }
        let Ok(answers) = heard.recv() else { return Ok(()) };
        for (seat, chunk) in seats.iter_mut().zip(answers) {
            chunk.into_iter().for_each(|chunk| seat.accept(chunk));
        }
    }
}

/// What is to be thought about, with its worker and its seat there: seat after seat as they were dealt, so that the order, and with it
/// the chance that each gets, is the same however many workers there are.
fn in_order(asked: &mut [Vec<Option<Wanted>>]) -> Vec<(usize, usize, Wanted)> {
    let rows = asked.iter().map(Vec::len).max().unwrap_or(0);
    let mut robots = Vec::new();
    for seat in 0..rows {
        for (worker, wanted) in asked.iter_mut().enumerate() {
            if let Some(wanted) = wanted.get_mut(seat).and_then(Option::take) {
                robots.push((worker, seat, wanted));
            }
        }
    }
    robots
}

/// How long it takes to think of one chunk, alone.
fn timed(thinker: &Thinker<&Ensemble>, question: Question<'_>) -> Result<Vec<Duration>, Error> {
    let mut noise = Noise::new(0);
    let mut took = Vec::with_capacity(TIMED);
    for _ in 0..TIMED {
        let begun = Instant::now();
        thinker.act(question, &mut noise)?;
        took.push(begun.elapsed());
    }
    Ok(took)
}
