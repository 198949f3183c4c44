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
//!
//! It may be two processes, on two machines: one thinks and says what it [plans](heard), the other drives.

mod ask;
mod beat;
mod course;
mod draw;
mod error;
mod eyes;
mod face;
mod figures;
mod heard;
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
mod threads;

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use error::Error;
pub use figures::Counted;
pub use mind::{Load, Mind, Promise, Think, Thought, Unthought};
pub use pace::Pace;
pub use robot::Robot;
pub use tell::{COMMAND, INTERVENTION, Now};

use beat::{Beat, Timing, UNDER_WAY};
use course::{Course, Way};
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
use threads::{CONTROL, boxes, end, note, patience, show, start};

use super::Context;
use super::lifecycle::Lifecycle;
use crate::bus::parameter::{Declared, Parameters, Value};
use crate::bus::{Bus, Served};
use crate::precedence::Granted;

/// How much of a runner runs in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Half {
    /// All of it.
    Both,
    /// Who holds the robot, and lets a person or somebody's plans drive it.
    Driving,
    /// Who plans.
    Thinking,
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

/// What `ros2 param` tells of a runner. Nothing of it is set there: what a robot may do is not changed while it moves.
fn facts(half: Half, robot: &Robot, options: &Options) -> Vec<Declared> {
    let mut facts = vec![
        Declared::new("rate_hz", Value::Double(robot.rate_hz), "commands a second"),
        Declared::new("joints", Value::Texts(robot.joints.clone()), "the joints that are commanded"),
        Declared::new(
            "join",
            Value::Text(robot.control.join.name().to_owned()),
            "how a new chunk meets the old one",
        ),
    ];
    if half != Half::Driving {
        let policy = Value::Text(options.policy.display().to_string());
        facts.push(Declared::new("policy", policy, "the policy it began with"));
    }
    facts.into_iter().map(Declared::read_only).collect()
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
    listener: Listener,
    figures: Arc<Figures>,
    thinks: Option<Thinks>,
    drives: Option<Drives>,
    _served: (Vec<Box<dyn Served>>, Lifecycle, Parameters),
}

/// What it takes to think.
struct Thinks {
    mind: Mind,
    load: Load,
    reloads: ask::Reloads,
}

/// What it takes to drive.
struct Drives {
    speaker: Speaker,
    teller: Teller,
    ticker: Ticker,
    timing: Arc<Timing>,
    granted: Arc<Mutex<Option<Granted>>>,
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Runner").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Runner {
    /// Loads the policy and opens every topic and service, with which it drives the robot as well.
    pub fn open(context: &Context, robot: Robot, load: Load, options: Options) -> Result<Self, Error> {
        Self::assemble(context, robot, Half::Both, Some(load), options)
    }

    /// Loads the policy, which says what it plans, and nothing that would move a robot.
    pub fn thinking(context: &Context, robot: Robot, load: Load, options: Options) -> Result<Self, Error> {
        Self::assemble(context, robot, Half::Thinking, Some(load), options)
    }

    /// Drives the robot by what a person wants, or by what is planned somewhere else.
    pub fn driving(context: &Context, robot: Robot, options: Options) -> Result<Self, Error> {
        Self::assemble(context, robot, Half::Driving, None, options)
    }

    fn assemble(
        context: &Context,
        robot: Robot,
        half: Half,
        load: Option<Load>,
        options: Options,
    ) -> Result<Self, Error> {
        if half != Half::Both && options.pace == Pace::Lockstep {
            let why = "who drives and who thinks wait for one another only in one process".to_owned();
            return Err(Error::Setting { key: "--lockstep", why });
        }
        let (bus, mut served) = (context.bus.as_ref(), Vec::new());
        let thinks = load.map(|load| Thinks::open(bus, load, &options.policy, &mut served)).transpose()?;
        let shared = Arc::new(Shared::new(robot.joints.len(), robot.streams().len()));
        let (hours, left) = (Hours::new(bus, options.pace), Left::default());
        let (timing, figures) = (Arc::new(Timing::new()), Arc::new(Figures::new(Duration::from_micros(200))));
        let (now, granted) = (Arc::<Mutex<Now>>::default(), Arc::default());
        let life = ask::live(bus, half, &shared, &now, &context.stop)?;
        let facts = Parameters::serve(bus, facts(half, &robot, &options))?;
        let (wanted, pace) = ((half, options.goal.as_deref()), options.pace);
        let (heard, noted) = (Arc::clone(&shared), left.clone());
        let face = Face::open(
            bus,
            (half, options.keys && half != Half::Thinking),
            Arc::clone(&shared),
            Arc::clone(&now),
            Arc::clone(&timing),
            Arc::clone(&figures),
            Arc::clone(&granted),
        )?;
        let drives = || -> Result<Drives, Error> {
            served.extend(ask::serve_driving(bus, &shared, &now, robot.control.gate.human.service)?);
            Ok(Drives {
                ticker: Ticker::open(bus, pace, hours.clone(), robot.period())?,
                speaker: Speaker::open(bus, &robot, pace, hours.clone(), Arc::clone(&shared), left)?,
                teller: Teller::open(bus, &robot, pace, Arc::clone(&shared), Arc::clone(&now))?,
                timing,
                granted,
            })
        };
        Ok(Self {
            listener: Listener::open(bus, &robot, wanted, pace, hours.clone(), heard, noted)?,
            drives: (half != Half::Thinking).then(drives).transpose()?,
            context: context.clone(),
            options,
            shared,
            hours,
            robot,
            face,
            figures,
            thinks,
            _served: (served, life, facts),
        })
    }

    /// Runs until the context is stopped; the robot is brought to rest before this returns.
    pub fn run(self) -> Result<Report, Error> {
        let Self { context, options, robot, shared, hours, mut face, mut listener, .. } = self;
        let bus = context.bus.as_ref();
        let mut needed = vec!["listening"];
        let (to, planned) = sync_channel(UNDER_WAY);
        let (spent, back) = sync_channel(UNDER_WAY);
        let (mut way, mut threads) = (self.drives.is_some().then_some(Way { to, back }), Vec::new());
        if let Some(Thinks { mind, load, reloads }) = self.thinks {
            let (change, minds) = sync_channel(1);
            let ways = think::Ways { courses: way.take(), minds };
            let heard = Arc::clone(&shared);
            let thinker = Thinker::open(bus, &robot, mind, hours.clone(), heard, ways, self.figures)?;
            let watch = options.watch.clone();
            let loader = Loader::new(options.policy.clone(), load, change, Arc::clone(&shared), watch);
            threads.push(start("thinking", move || thinker.run())?);
            threads.push(start("loading", move || loader.run(&reloads))?);
            if self.drives.is_none() {
                needed.push("thinking");
            }
        }
        if let Some(way) = way {
            listener.hand_on_by(way);
        }
        threads.push(start("listening", move || listener.run())?);
        if let Some(drives) = self.drives {
            // A person takes over where nobody thinks any more, but where nobody hears or speaks there is nothing left to do it with.
            needed.extend(["telling", "speaking"]);
            let ways = (planned, spent);
            threads.extend(drives.start(&robot, &options, Arc::clone(&shared), hours.clone(), ways)?);
        }
        bus.ready();
        let shown = show(&context, &shared, &mut face, &hours, &threads, &needed);
        shared.ends.store(true, Relaxed);
        shared.sight.news.notify_all();
        // Control says so itself, when the robot rests.
        if !threads.iter().any(|thread| thread.thread().name() == Some(CONTROL)) {
            shared.still.store(true, Relaxed);
        }
        let well = end(threads);
        shown?;
        if well { Ok(face.report()) } else { Err(Error::Control) }
    }
}

impl Thinks {
    fn open(
        bus: &dyn Bus,
        mut load: Load,
        path: &Path,
        served: &mut Vec<Box<dyn Served>>,
    ) -> Result<Self, Error> {
        let mind = load(path).map_err(|source| Error::Policy { path: path.to_owned(), source })?;
        let (loading, reloads) = ask::serve_loading(bus)?;
        served.push(loading);
        Ok(Self { mind, load, reloads })
    }
}

impl Drives {
    /// Starts the threads that drive, of which control is the last.
    fn start(
        self,
        robot: &Robot,
        options: &Options,
        shared: Arc<Shared>,
        hours: Hours,
        (plans, spent): (Receiver<Box<Course>>, SyncSender<Box<Course>>),
    ) -> Result<[JoinHandle<()>; 3], Error> {
        let Self { mut speaker, mut teller, ticker, timing, granted } = self;
        // Whoever listens already is known of before the first tick, which would else hold the robot for want of anybody.
        teller.listened();
        speaker.listened();
        let (say, said) = sync_channel(UNDER_WAY);
        let (give, empty) = sync_channel(UNDER_WAY);
        // Whoever listens slowly never has all boxes wait for him.
        let (telling, told) = sync_channel(UNDER_WAY / 2);
        for said in boxes(robot, hours.now()) {
            // As many as there is room for.
            give.try_send(said).unwrap_or_default();
        }
        let ways = beat::Ways { plans, spent, said: say, empty };
        let beat = Beat::new(robot, options.pace, options.released, shared, ways, hours.now());
        let (back, spoken) = (give.clone(), speak::Ways { said, telling, empty: give });
        let (pace, patience) = (options.pace, patience(&robot.control));
        Ok([
            start("telling", move || teller.run(&told, &back))?,
            start("speaking", move || speaker.run(&spoken))?,
            start(CONTROL, move || {
                beat::keep(beat, ticker, pace, patience, &timing, |got| note(&granted, got));
            })?,
        ])
    }
}
