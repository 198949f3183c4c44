//! The runner: a policy, and whoever corrects it, drive a robot at the rate of its controllers.
//!
//! ```text
//!   robot's topics ─► listening ─► thinking ─► control ─► speaking ─► robot's topics, `command`, `intervention`
//!   person's topics ─────┘  └── what is known ──► ▲
//!   services, keys ───────────────────────────────┘
//! ```
//!
//! Five threads, each with one reason to wait: listening for messages, thinking for libtorch, speaking and telling for the bus, control for its next
//! deadline and for nothing else. What a tick decides is reckoned in [`control`](crate::control), which knows no threads, so that what
//! is tested and evaluated there is what runs here. However a thread but control ends, control is there to hold the robot.

mod ask;
mod beat;
mod course;
mod eyes;
mod face;
mod figures;
mod known;
mod listen;
mod mind;
mod pace;
#[cfg(feature = "learn")]
pub mod policy;
mod reload;
mod robot;
mod shared;
mod speak;
mod tell;
mod think;

use std::path::PathBuf;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub use figures::Counted;
pub use mind::{Load, Mind, Promise, Think, Thought, Unthought};
pub use pace::Pace;
pub use robot::Robot;
pub use tell::{COMMAND, INTERVENTION, Now};

use beat::{Beat, Patience, Said, Timing, UNDER_WAY};
use eyes::Left;
use face::Face;
use figures::Figures;
use listen::Listener;
use pace::{Hours, Ticker};
use reload::Loader;
use shared::Shared;
use speak::Speaker;
use tell::Teller;
use think::Thinker;

use super::Context;
use super::lifecycle::Lifecycle;
use crate::bus::Served;
use crate::control::{Gate, Limited, limits};
use crate::precedence::Granted;
use crate::time::Stamp;
use crate::{bus, control};

/// How often the loop that shows the runner looks up.
const LOOK_UP: Duration = Duration::from_millis(20);
/// How long threads that shall end are waited for: one of them may be deep in a thought.
const ENDING: Duration = Duration::from_secs(2);

/// The threads without which nobody can drive.
const NEEDED: [&str; 3] = ["telling", "speaking", "listening"];

/// What goes wrong with a runner.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bus refused.
    #[error("the bus refused")]
    Bus(#[source] Box<bus::Error>),
    /// The robot's file lacks something, or does not fit the policy.
    #[error("{key}: {why}")]
    Setting {
        /// Which key it is about.
        key: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The robot's limits.
    #[error("control.limits")]
    Limits(#[from] limits::Error),
    /// The policy cannot act.
    #[error("the policy {path:?} is refused")]
    Policy {
        /// Where it is.
        path: PathBuf,
        /// Why.
        source: Unthought,
    },
    /// The terminal cannot be used.
    #[error("the terminal could not be taken for keys")]
    Terminal(#[source] std::io::Error),
    /// The thread that holds the robot has panicked.
    #[error("the thread of control has ended by itself: the robot's controllers are on their own")]
    Control,
    /// A thread without which nobody can drive has ended.
    #[error("the thread {name:?} has ended by itself: the robot is held, and the run ends")]
    Lost {
        /// Its name.
        name: String,
    },
    /// A thread that could not be started.
    #[error("the thread {name:?} could not be started")]
    Thread {
        /// Its name.
        name: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl From<bus::Error> for Error {
    fn from(error: bus::Error) -> Self {
        Self::Bus(Box::new(error))
    }
}

/// The lock, also after a panic elsewhere: every state behind these locks is whole between two statements.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a runner goes about it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the policy is.
    pub policy: PathBuf,
    /// By whose time it lives.
    pub pace: Pace,
    /// The stream in whose numbers a goal is told, where there is one.
    pub goal: Option<String>,
    /// The policy goes on as soon as it can, instead of waiting for a word.
    pub released: bool,
    /// The file at whose change the policy is loaded anew.
    pub watch: Option<PathBuf>,
    /// The terminal is taken for keys.
    pub keys: bool,
}

/// How a runner is, and how it went.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What it sent last.
    pub now: Now,
    /// Ticks of control.
    pub ticks: u64,
    /// Ticks that were left out because the one before was late.
    pub missed: u64,
    /// Chunks that were taken in.
    pub chunks: u64,
    /// Actions that came too late.
    pub late: u64,
    /// Chunks that an older thought gave later.
    pub overtaken: u64,
    /// Thoughts without a chunk.
    pub unthought: u64,
    /// Ticks of the grid at which a stream had nothing to say.
    pub gaps: u64,
    /// Messages that did not read.
    pub refused: u64,
    /// Messages of a second publisher where one may speak.
    pub seconds: u64,
    /// Commands that found no room on their way.
    pub crowded: u64,
    /// Commands that were outdated before the bus could take them, and not sent to the robot.
    pub outdated: u64,
    /// Messages that the bus did not take.
    pub unsent: u64,
    /// Policies that took the place of another.
    pub reloads: u64,
    /// By how much the time between two ticks was off, by the machine's time.
    pub off: Counted,
    /// What a tick took.
    pub work: Counted,
    /// What a thought took.
    pub thinking: Counted,
    /// What the thread of control was granted.
    pub granted: Option<Granted>,
}

/// Everything opened, the policy loaded, and nothing moved yet.
pub struct Runner {
    context: Context,
    options: Options,
    shared: Arc<Shared>,
    hours: Hours,
    robot: Robot,
    face: Face,
    timing: Arc<Timing>,
    granted: Arc<Mutex<Option<Granted>>>,
    listener: Listener,
    speaker: Speaker,
    teller: Teller,
    ticker: Ticker,
    thinking: Arc<Figures>,
    mind: Mind,
    load: Load,
    reloads: ask::Reloads,
    _served: (Vec<Box<dyn Served>>, Lifecycle),
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Runner").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Runner {
    /// Loads the policy and opens every topic and service.
    pub fn open(context: &Context, robot: Robot, mut load: Load, options: Options) -> Result<Self, Error> {
        let path = &options.policy;
        let mind = load(path).map_err(|source| Error::Policy { path: path.clone(), source })?;
        let bus = context.bus.as_ref();
        let shared = Arc::new(Shared::new(robot.joints.len(), robot.layout.streams().count()));
        let (hours, left) = (Hours::new(bus, options.pace), Left::default());
        let (timing, thinking) =
            (Arc::new(Timing::new()), Arc::new(Figures::new(Duration::from_micros(200))));
        let now = Arc::<Mutex<Now>>::default();
        let granted = Arc::default();
        let (served, reloads) = ask::serve(bus, &shared, &now)?;
        let life = ask::live(bus, &shared, &now, &context.stop)?;
        let (goal, pace) = (options.goal.as_deref(), options.pace);
        let (heard, noted) = (Arc::clone(&shared), left.clone());
        Ok(Self {
            listener: Listener::open(bus, &robot, goal, pace, hours.clone(), heard, noted)?,
            ticker: Ticker::open(bus, pace, hours.clone(), robot.period())?,
            speaker: Speaker::open(bus, &robot, pace, hours.clone(), Arc::clone(&shared), left)?,
            teller: Teller::open(bus, &robot, pace, Arc::clone(&shared), Arc::clone(&now))?,
            face: Face::open(
                bus,
                options.keys,
                Arc::clone(&shared),
                now,
                Arc::clone(&timing),
                Arc::clone(&thinking),
                Arc::clone(&granted),
            )?,
            context: context.clone(),
            _served: (served, life),
            options,
            shared,
            hours,
            robot,
            timing,
            granted,
            thinking,
            mind,
            load,
            reloads,
        })
    }

    /// Runs until the context is stopped; the robot is brought to rest before this returns.
    pub fn run(self) -> Result<Report, Error> {
        let (mut face, shared, hours) = (self.face, self.shared, self.hours);
        let Self { context, options, robot, timing, granted, .. } = self;
        let (listener, speaker, teller, ticker) = (self.listener, self.speaker, self.teller, self.ticker);
        let bus = context.bus.as_ref();
        let (plans, planned) = sync_channel(UNDER_WAY);
        let (spend, spent) = sync_channel(UNDER_WAY);
        let (say, said) = sync_channel(UNDER_WAY);
        let (give, empty) = sync_channel(UNDER_WAY);
        // Whoever listens slowly never has all boxes wait for him.
        let (telling, told) = sync_channel(UNDER_WAY / 2);
        let (change, minds) = sync_channel(1);
        for said in boxes(&robot, hours.now()) {
            // As many as there is room for.
            give.try_send(said).unwrap_or_default();
        }
        let ways = think::Ways { plans, spent, minds };
        let thinker =
            Thinker::open(bus, &robot, self.mind, hours.clone(), Arc::clone(&shared), ways, self.thinking)?;
        let watch = options.watch.clone();
        let loader = Loader::new(options.policy.clone(), self.load, change, Arc::clone(&shared), watch);
        let ways = beat::Ways { plans: planned, spent: spend, said: say, empty };
        let beat = Beat::new(&robot, options.pace, options.released, Arc::clone(&shared), ways, hours.now());
        let (back, spoken) = (give.clone(), speak::Ways { said, telling, empty: give });
        let patience = patience(&robot.control);
        let (pace, reloads) = (options.pace, self.reloads);
        let threads = [
            start("telling", move || teller.run(&told, &back))?,
            start("speaking", move || speaker.run(&spoken))?,
            start("listening", move || listener.run())?,
            start("thinking", move || thinker.run())?,
            start("loading", move || loader.run(&reloads))?,
            start("control", move || {
                beat::keep(beat, ticker, pace, patience, &timing, |got| note(&granted, got));
            })?,
        ];
        bus.ready();
        let shown = show(&context, &shared, &mut face, &hours, &threads);
        shared.ends.store(true, Relaxed);
        shared.sight.news.notify_all();
        let well = end(threads);
        shown?;
        if well { Ok(face.report()) } else { Err(Error::Control) }
    }
}

/// Notes what control was granted, and says what it was not.
fn note(granted: &Mutex<Option<Granted>>, got: Granted) {
    *lock(granted) = Some(got);
    match got {
        Granted { fifo: true, memory: true } => tracing::debug!("control: {}", got.words()),
        _ => tracing::warn!("control: {}", got.words()),
    }
}

/// Shows the runner until it shall end.
fn show(
    context: &Context,
    shared: &Shared,
    face: &mut Face,
    hours: &Hours,
    threads: &[JoinHandle<()>],
) -> Result<(), Error> {
    while !context.stop.wished() && !context.bus.ended() && !shared.still.load(Relaxed) {
        face.turn(&context.stop, hours.now())?;
        // Control is the last thread; without it nobody holds the robot, and all there is to do is to say so.
        if threads.last().is_some_and(JoinHandle::is_finished) {
            return Ok(());
        }
        // A person takes over where nobody thinks any more, but where nobody hears or speaks there is nothing left to do it with.
        let needed =
            threads.iter().filter(|thread| NEEDED.contains(&thread.thread().name().unwrap_or_default()));
        if let Some(lost) = needed.into_iter().find(|thread| thread.is_finished()) {
            return Err(Error::Lost { name: lost.thread().name().unwrap_or_default().to_owned() });
        }
        thread::sleep(LOOK_UP);
    }
    Ok(())
}

/// Waits for the threads: for control until the robot rests, for the others a while. Says whether control ended as it should.
fn end(threads: [JoinHandle<()>; 6]) -> bool {
    let mut well = true;
    let deadline = pace::monotonic() + ENDING;
    for (number, thread) in threads.into_iter().enumerate().rev() {
        let is_control = number == 5;
        while !is_control && !thread.is_finished() && pace::monotonic() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        // What a panic said was printed by it.
        if (is_control || thread.is_finished()) && thread.join().is_err() {
            well &= !is_control;
        }
    }
    well
}

fn start(name: &'static str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    let started = thread::Builder::new().name(name.to_owned()).spawn(work);
    started.map_err(|source| Error::Thread { name, source })
}

/// The boxes in which commands travel, all that there will ever be.
fn boxes(robot: &Robot, now: Stamp) -> impl Iterator<Item = Box<Said>> + use<> {
    let said = Said {
        at: now,
        values: vec![0.0; robot.joints.len()],
        known: false,
        driven: false,
        limited: Limited::default(),
        gate: Gate::new(&robot.control.gate, None, now),
        changed: false,
    };
    (0..UNDER_WAY).map(move |_| Box::new(said.clone()))
}

fn patience(config: &control::Config) -> Patience {
    let milliseconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX);
    let dog = &config.watchdog;
    Patience { stopped: milliseconds(dog.stopped_ms), thinking: milliseconds(dog.thinking_ms) }
}
