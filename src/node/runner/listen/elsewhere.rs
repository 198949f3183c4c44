//! What one half of a runner hears of the other, where they are two processes: plans, and what became of them.
//!
//! Either half may be gone at any time. Without plans the course runs out, and control holds the robot as it does where thinking
//! takes too long; without commands nobody follows, and a policy plans from now on as it does while the robot is held.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::super::course::{Course, State, Way};
use super::super::eyes::Left;
use super::super::heard;
use super::super::pace::Pace;
use super::super::robot::Robot;
use super::super::shared::{Shared, Wish, add};
use super::{AHEAD, Listener};
use crate::bus::typed::read;
use crate::control::Interpolate;
use crate::control::gate::source::Only;
use crate::msg::own::{Command, Intervention, Plan};
use crate::node::report;
use crate::time::Stamp;
use crate::wire::{Gid, Sample};

/// How often it is said for whom it is waited.
const WAIT: Duration = Duration::from_secs(2);

/// What is known of the other half.
#[derive(Debug)]
pub(super) struct Elsewhere {
    /// To control, where that is in this process and thinking is not.
    pub(super) way: Option<Way>,
    left: Left,
    plans: Only,
    /// Who planned last.
    planner: Option<Option<Gid>>,
    commands: Only,
    /// When it is said next for whom it is waited.
    wait: Instant,
    /// What the robot was told last.
    told: Vec<f64>,
    /// By when the next command says who drives.
    driven: Option<Instant>,
    patience: Duration,
    period: Duration,
    stands: bool,
}

impl Elsewhere {
    /// Nothing yet.
    pub(super) fn new(robot: &Robot, left: Left) -> Self {
        let control = &robot.control;
        let milliseconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or(Duration::MAX);
        let patience = milliseconds(control.watchdog.link_ms);
        Self {
            way: None,
            left,
            // Another policy is one that comes when this one would be taken for dead.
            plans: Only::new(milliseconds(control.watchdog.thinking_ms)),
            planner: None,
            commands: Only::new(patience),
            wait: Instant::now() + WAIT,
            told: Vec::new(),
            driven: None,
            patience,
            period: robot.period(),
            stands: control.interpolate == Interpolate::Hold,
        }
    }

    /// Notices that nobody drives any more.
    pub(super) fn look(&mut self, shared: &Arc<Shared>, now: Stamp) {
        if self.driven.is_some_and(|by| Instant::now() > by) {
            self.driven = None;
            shared.driver.store(Intervention::HOLD, Relaxed);
            shared.rest.tell(true, now);
            tracing::warn!("nothing is heard of who drives: it is planned from where the robot is");
        }
    }

    /// Says of whom nothing was ever heard. Where control is in this process the robot is held for it, in words.
    pub(super) fn await_all(&mut self, unheard: &[&str]) {
        if !unheard.is_empty() && Instant::now() > self.wait {
            self.wait = Instant::now() + WAIT;
            tracing::warn!(
                "there is no plan before everything is seen; not heard so far: {}",
                unheard.join(", ")
            );
        }
    }

    /// Forgets who spoke, as where time begins anew.
    pub(super) fn forget(&mut self) {
        self.plans.forget();
        self.commands.forget();
    }
}

/// Why a course that came at that instant is not of that time, if it is not.
fn untimely(course: &Course, received: Stamp) -> Option<String> {
    let last = course.first + course.period * u32::try_from(course.ticks()).unwrap_or(u32::MAX);
    let wrong = match course.ticks() {
        0 => return None,
        _ if last < received => format!("was over {:?} before it came", received.since(last)),
        _ if course.first > received + AHEAD => {
            format!("begins {:?} after it came", course.first.since(received))
        }
        _ => return None,
    };
    Some(format!("it {wrong}: look at the clocks of both machines"))
}

impl Listener {
    /// A plan of a policy that is somewhere else.
    pub(super) fn plan(&mut self, sample: &Sample) -> Option<String> {
        let admitted = self.elsewhere.plans.admit(sample.publisher, sample.received);
        if self.refuses(admitted, &sample.topic.name) {
            return None;
        }
        let plan: Plan = match read(sample) {
            Ok(plan) => plan,
            Err(error) => return Some(report(&error)),
        };
        let Elsewhere { period, stands, ref way, .. } = self.elsewhere;
        let course = match heard::hear(&plan, &self.joints, period, stands) {
            Ok(course) => course,
            Err(why) => return Some(why.to_string()),
        };
        if let Some(why) = untimely(&course, sample.received) {
            add(&self.shared.counts.late, course.ticks() as u64);
            return Some(why);
        }
        let another = self.elsewhere.planner.replace(sample.publisher);
        // A policy that was started anew, or another one: it does not go on by itself where the one before was left.
        if another.is_some_and(|before| before != sample.publisher)
            && self.shared.driver.load(Relaxed) != Intervention::HUMAN
        {
            tracing::warn!("another policy plans: the robot is held until somebody lets it go on");
            self.shared.wishes.utter(Wish::Hold);
        }
        self.shared.alive.set();
        // The watchdog holds the robot where a policy is blind, as it does where what it sees comes here.
        self.known.streams[0] = Some(sample.received).filter(|_| course.state != State::Blind);
        add(&self.shared.counts.chunks, 1);
        if let Some(way) = way {
            way.clear();
            way.post(course);
        }
        None
    }

    /// What was sent to the robot, and by whom.
    pub(super) fn left(&mut self, sample: &Sample) -> Option<String> {
        let admitted = self.elsewhere.commands.admit(sample.publisher, sample.received);
        if self.refuses(admitted, &sample.topic.name) {
            return None;
        }
        let command: Command = match read(sample) {
            Ok(command) => command,
            Err(error) => return Some(report(&error)),
        };
        self.shared.driver.store(command.driver, Relaxed);
        self.elsewhere.driven = Some(Instant::now() + self.elsewhere.patience);
        let place = |joint: &String| command.names.iter().position(|name| name == joint);
        let values: Option<Vec<f64>> =
            self.joints.iter().map(|joint| command.values.get(place(joint)?).copied()).collect();
        // Before it is known where the robot is, a command names nothing.
        if let Some(values) = values {
            let said = Stamp::from_parts(command.header.stamp.sec, command.header.stamp.nanosec);
            let at = if self.pace == Pace::Wall { sample.received } else { said };
            let stands = command.driver == Intervention::HOLD && self.elsewhere.told == values;
            self.shared.rest.tell(stands, at);
            self.elsewhere.left.note(at, &values);
            self.elsewhere.told = values;
        }
        None
    }
}
