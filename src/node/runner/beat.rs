//! The thread that keeps time: at each tick what is known, what is planned and what is wished goes into control, and what comes out
//! goes on its way.
//!
//! It waits for nobody. What listening knows is copied where the lock is free, and the copy of before stands where it is not; plans
//! and commands travel in boxes that are handed to and fro, so that no tick asks for memory or gives any back. Only in lockstep,
//! where time stands until the command is out, it waits for who listens and thinks.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use super::course::{Course, State};
use super::figures::Figures;
use super::known::Known;
use super::pace::{Pace, Ticker, Woken, monotonic};
use super::robot::Robot;
use super::shared::{Shared, add};
use crate::control::gate::{Gate, Plan};
use crate::control::watchdog::Ages;
use crate::control::{Control, Limited, Mode, Moment};
use crate::precedence::Granted;
use crate::time::Stamp;

/// A robot that does not come to rest in so long is left to its controllers.
const AT_REST: Duration = Duration::from_secs(3);
/// How long `/clock` may stand before a robot that shall be brought to rest is braked without it.
const STANDING: Duration = Duration::from_millis(100);
/// How many plans and commands may be on their way.
pub(super) const UNDER_WAY: usize = 64;

/// What a tick came to, on its way out.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) at: Stamp,
    /// What the joints are told, where that is known.
    pub(super) values: Vec<f64>,
    pub(super) known: bool,
    /// Somebody drove, now or before.
    pub(super) driven: bool,
    pub(super) limited: Limited,
    pub(super) gate: Gate,
    /// Another drives than at the tick before, or for another reason.
    pub(super) changed: bool,
}

/// The ends of the ways to other threads that control holds.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) plans: Receiver<Box<Course>>,
    /// Plans that were followed, for others to take apart.
    pub(super) spent: SyncSender<Box<Course>>,
    pub(super) said: SyncSender<Box<Said>>,
    /// Boxes that came back.
    pub(super) empty: Receiver<Box<Said>>,
}

/// Control, and everything that it is told.
#[derive(Debug)]
pub(super) struct Beat {
    control: Control,
    shared: Arc<Shared>,
    ways: Ways,
    /// A copy of what listening knows.
    known: Known,
    course: Option<Box<Course>>,
    planned: Vec<f64>,
    threshold: Option<f32>,
    streams: Vec<Option<Duration>>,
    joints: Vec<Option<Duration>>,
    expert: Duration,
    gripper: Option<usize>,
    lockstep: bool,
    begun: Stamp,
    /// The policy goes on by itself as soon as it can, for the first time.
    release: bool,
    stopping: bool,
    /// How often another device had taken the place of a person's at the last tick.
    heirs: u64,
    last: (Stamp, Limited),
}

impl Beat {
    pub(super) fn new(
        robot: &Robot,
        pace: Pace,
        release: bool,
        shared: Arc<Shared>,
        ways: Ways,
        now: Stamp,
    ) -> Self {
        let (joints, streams) = (robot.joints.len(), robot.streams());
        let (gripper, count) = (robot.limits.gripper(), streams.len());
        let (config, limits) = (&robot.control, robot.limits.clone());
        let expert_ms = config.watchdog.expert_ms;
        Self {
            control: Control::new(config, Some(limits), &robot.slides, streams, robot.period(), now),
            shared,
            ways,
            known: Known::new(joints, count),
            course: None,
            planned: vec![0.0; joints],
            threshold: None,
            streams: vec![None; count],
            joints: vec![None; joints],
            expert: Duration::try_from_secs_f64(expert_ms / 1e3).unwrap_or(Duration::MAX),
            gripper,
            lockstep: pace == Pace::Lockstep,
            begun: now,
            release,
            stopping: false,
            heirs: 0,
            last: (now, Limited::default()),
        }
    }

    /// One tick.
    pub(super) fn tick(&mut self, now: Stamp, monotonic: Duration) {
        self.learn(now);
        let plan = self.plan(now, monotonic);
        let ages = Ages {
            streams: &self.streams,
            joints: &self.joints,
            thinking: self.shared.alive.age(monotonic).filter(|_| !self.shared.dead.load(Relaxed)),
            link: self.shared.link.age(monotonic),
        };
        let (service, stop) = (self.shared.wishes.take(), self.shared.wishes.hold() || self.stopping);
        // Whoever acts first has the say: the policy does not go on by itself behind him.
        self.release &= !stop && service != Some(true);
        let another = std::mem::replace(&mut self.heirs, self.known.heirs) != self.known.heirs;
        let moment = Moment {
            now,
            // Where time waits for the command, nothing but the command takes time.
            monotonic: if self.lockstep { now.since(self.begun) } else { monotonic },
            measured: self.known.measured(),
            effort: self.gripper.map(|_| self.known.effort).filter(|effort| effort.is_finite()),
            planned: (plan == Plan::Due).then_some(&self.planned[..]),
            plan,
            expert: self.known.expert(now, self.expert),
            button: self.known.button(now, self.expert),
            service,
            moved: self.known.moved,
            another,
            doubt: self.course.as_ref().and_then(|course| course.doubt),
            resume: self.shared.wishes.resume(),
            released: self.release,
            stop,
            ages: Some(ages),
        };
        let outcome = self.control.tick(&moment);
        self.release &= matches!(outcome.mode, Mode::Hold(_));
        self.shared.rest.tell(self.rests(), now);
        self.shared.driver.store(outcome.mode.driver(), Relaxed);
        add(&self.shared.counts.ticks, 1);
        self.last = (now, outcome.limited);
        self.say(outcome.changed);
    }

    /// Sends what the last tick came to.
    pub(super) fn say(&self, changed: bool) {
        let Ok(mut said) = self.ways.empty.try_recv() else {
            add(&self.shared.counts.crowded, 1);
            return;
        };
        let command = self.control.command();
        if let Some(command) = command {
            said.values.copy_from_slice(command);
        }
        (said.at, said.limited) = self.last;
        (said.known, said.driven) = (command.is_some(), self.control.has_driven());
        said.gate = self.control.gate().clone();
        said.changed = changed;
        if self.ways.said.try_send(said).is_err() {
            add(&self.shared.counts.crowded, 1);
        }
    }

    /// Whether the robot is to be held and stands still.
    pub(super) fn rests(&self) -> bool {
        let held = matches!(self.control.gate().mode(), Mode::Hold(_));
        held && (self.control.command().is_none() || self.control.rests())
    }

    /// From now on the robot is brought to rest.
    pub(super) fn stop(&mut self) {
        self.stopping = true;
    }

    /// Takes in what is known and planned by now.
    fn learn(&mut self, now: Stamp) {
        if let Ok(known) = self.shared.known.try_lock() {
            self.known.copy(&known);
        }
        let age = |at: &Option<Stamp>| at.map(|at| now.since(at));
        self.streams.iter_mut().zip(&self.known.streams).for_each(|(to, at)| *to = age(at));
        self.joints.iter_mut().zip(&self.known.told).for_each(|(to, at)| *to = age(at));
        while let Ok(course) = self.ways.plans.try_recv() {
            if course.threshold != self.threshold {
                self.threshold = course.threshold;
                self.control.calibrate(course.threshold);
            }
            // Whoever thought may have ended before, and then nobody wants it back.
            if let Some(spent) = self.course.replace(course)
                && let Err(TrySendError::Full(_)) = self.ways.spent.try_send(spent)
            {
                add(&self.shared.counts.crowded, 1);
            }
        }
    }

    /// How it stands with the plan, whose action for this tick is put in its place.
    fn plan(&mut self, now: Stamp, monotonic: Duration) -> Plan {
        let Some(course) = &self.course else {
            // Who thinks somewhere else may not be there at all; a person drives all the same.
            return if self.shared.alive.age(monotonic).is_some() { Plan::Over } else { Plan::NoPolicy };
        };
        if course.state == State::Broken {
            self.planned.fill(f64::NAN);
            return Plan::Due;
        }
        if course.at(now, &mut self.planned) {
            return Plan::Due;
        }
        let thinks_long = self.shared.thinking.age(monotonic).is_some_and(|age| age > course.lasts);
        if course.state == State::Slow || thinks_long { Plan::Slow } else { Plan::Over }
    }
}

/// What the thread keeps count of, for others to see.
#[derive(Debug)]
pub(super) struct Timing {
    /// By how much the time between two ticks was off.
    pub(super) off: Figures,
    /// What a tick took.
    pub(super) work: Figures,
}

impl Timing {
    pub(super) fn new() -> Self {
        Self { off: Figures::new(Duration::from_micros(5)), work: Figures::new(Duration::from_micros(1)) }
    }
}

/// How long a standing `/clock` goes unnoticed, and how long thinking is waited for in lockstep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    pub(super) stopped: Duration,
    pub(super) thinking: Duration,
}

/// Keeps time until the robot shall be left, and brings it to rest first.
pub(super) fn keep(
    mut beat: Beat,
    mut ticker: Ticker,
    pace: Pace,
    patience: Patience,
    timing: &Timing,
    granted: impl FnOnce(Granted),
) {
    if pace == Pace::Wall {
        granted(Granted::take());
    }
    let shared = Arc::clone(&beat.shared);
    let (mut at, mut ticked, mut leaving) = (None, None, None);
    loop {
        let woken = ticker.next();
        let begun = monotonic();
        if shared.ends() && leaving.is_none() {
            beat.stop();
            leaving = Some(begun);
        }
        let stands = ticked.is_none_or(|ticked| begun.saturating_sub(ticked) > patience.stopped);
        let left = leaving.is_some_and(|leaving| begun.saturating_sub(leaving) > STANDING);
        match (woken, at) {
            (Woken::Tick(now), _) => {
                if pace == Pace::Lockstep && leaving.is_none() {
                    let over = || shared.dead.load(Relaxed) || shared.ends();
                    shared.sight.through(now, patience.thinking, over);
                }
                if let Some(ticked) = ticked.filter(|_| pace == Pace::Wall) {
                    timing.off.add(begun.saturating_sub(ticked).abs_diff(ticker.period()));
                }
                beat.tick(now, begun);
                (at, ticked) = (Some(now), Some(begun));
            }
            (Woken::Again, Some(_)) => beat.say(false),
            // The clock stands: what is missing has to be noticed, and a robot braked, all the same.
            (Woken::Idle, Some(now)) if left || (stands && pace == Pace::Clock) => beat.tick(now, begun),
            _ => {}
        }
        timing.work.add(monotonic().saturating_sub(begun));
        shared.counts.missed.store(ticker.missed, Relaxed);
        if leaving
            .is_some_and(|leaving| beat.rests() || at.is_none() || begun.saturating_sub(leaving) > AT_REST)
        {
            break;
        }
    }
    beat.say(true);
    shared.still.store(true, Relaxed);
}
