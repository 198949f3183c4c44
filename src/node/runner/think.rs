//! The thread that thinks: from what was seen to the plan that control follows.
//!
//! It takes as long as it takes, and what it does wrong ends with it: a policy that fails is asked again at the next tick of the
//! grid, one that panics takes this thread along and nothing else. While the policy does not drive, each chunk is a plan from now
//! on and takes the place of all that was planned before, so that what is given back to it goes on from here.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::course::{Course, State, Way};
use super::draw::Drawing;
use super::figures::Figures;
use super::heard;
use super::listen::PLAN;
use super::lock;
use super::mind::{Mind, Promise, Thought, Unthought};
use super::pace::Hours;
use super::robot::Robot;
use super::shared::{Shared, add, wait};
use crate::arm::Chunk;
use crate::bus::typed::Publisher;
use crate::bus::{Bus, Complaint};
use crate::control::{Interpolate, Schedule, Thinking};
use crate::data::Observation;
use crate::msg::own::{Intervention, Plan};
use crate::node::report;
use crate::time::Stamp;
use crate::wire::{History, Qos};

/// How long a wait for something to see goes on before another sign of life.
const LOOK_UP: Duration = Duration::from_millis(50);
/// The ends of the ways to other threads that thinking holds.
#[derive(Debug)]
pub(super) struct Ways {
    /// To control, where that is in this process.
    pub(super) courses: Option<Way>,
    /// Policies that shall take the place of this one.
    pub(super) minds: Receiver<Mind>,
}

/// Who thinks.
pub(super) struct Thinker {
    mind: Mind,
    shared: Arc<Shared>,
    ways: Ways,
    hours: Hours,
    schedule: Schedule,
    interpolate: Interpolate,
    joints: Vec<String>,
    period: Duration,
    /// How long thinking took lately, by the hours of the robot.
    thinking: Thinking,
    state: State,
    plans: Publisher<Plan>,
    drawing: Option<Drawing>,
    figures: Arc<Figures>,
    complaint: Complaint,
    blind: Complaint,
    said_slow: bool,
}

/// Tells whoever waits that nobody thinks any more, however the thread ended.
struct Obituary(Arc<Shared>);

impl Drop for Obituary {
    fn drop(&mut self) {
        self.0.dead.store(true, Relaxed);
        self.0.sight.news.notify_all();
    }
}

impl Thinker {
    pub(super) fn open(
        bus: &dyn Bus,
        robot: &Robot,
        mind: Mind,
        hours: Hours,
        shared: Arc<Shared>,
        ways: Ways,
        figures: Arc<Figures>,
    ) -> Result<Self, crate::bus::Error> {
        let control = &robot.control;
        let offered = Qos { history: History::KeepLast(1), ..Qos::sensor() };
        Ok(Self {
            plans: Publisher::open(bus, PLAN, offered)?,
            drawing: Drawing::of_plans(bus, robot)?,
            schedule: Schedule::new(control.join.clone(), control.interpolate),
            interpolate: control.interpolate,
            joints: robot.joints.clone(),
            period: robot.period(),
            thinking: Thinking::new(Duration::ZERO),
            state: State::Well,
            complaint: Complaint::default(),
            blind: Complaint::default(),
            said_slow: false,
            mind,
            shared,
            ways,
            hours,
            figures,
        })
    }

    /// Thinks until the runner ends.
    pub(super) fn run(mut self) {
        let _obituary = Obituary(Arc::clone(&self.shared));
        self.shared.history.store(self.mind.history, Relaxed);
        let mut considered = 0;
        while !self.shared.ends() {
            self.shared.alive.set();
            if let Some(way) = &self.ways.courses {
                way.clear();
            }
            if let Ok(mind) = self.ways.minds.try_recv() {
                self.change(mind);
            }
            let Some((version, seen)) = self.see(considered) else { continue };
            match seen {
                _ if self.shared.pauses.load(Relaxed) => self.nothing(State::Well),
                Ok(history) => self.consider(&history),
                Err(gap) => self.blind(&gap),
            }
            considered = version;
            lock(&self.shared.sight.seen).considered = considered;
            self.shared.sight.news.notify_all();
        }
    }

    /// Another policy goes on where this one was; the plan stays until it has one of its own.
    fn change(&mut self, mind: Mind) {
        tracing::info!("{} takes the place of {}", mind.name, self.mind.name);
        self.shared.history.store(mind.history, Relaxed);
        // How long it will think is not known yet; as long as the one before is a better guess than not at all.
        self.mind = mind;
        self.state = State::Well;
        self.said_slow = false;
        add(&self.shared.counts.reloads, 1);
    }

    /// What was seen, when it is other than what was considered last; why it is nothing, where it is.
    fn see(&self, considered: u64) -> Option<(u64, Result<Vec<Observation>, String>)> {
        let mut seen = lock(&self.shared.sight.seen);
        if seen.version <= considered {
            seen = wait(&self.shared.sight.news, seen, LOOK_UP);
        }
        let news = || match seen.history.is_empty() {
            false => Ok(seen.history.clone()),
            true => Err(seen.gap.clone().unwrap_or_default()),
        };
        (seen.version > considered).then(|| (seen.version, news()))
    }

    /// Takes back what was planned.
    fn nothing(&mut self, state: State) {
        let now = self.hours.now();
        self.schedule.clear();
        self.post(Course::nothing(self.joints.len(), now, self.period), now, state);
    }

    /// Says why there is nothing to think about.
    fn blind(&mut self, gap: &str) {
        // Whoever drives elsewhere does not see what is not seen here.
        if self.ways.courses.is_none() {
            self.nothing(State::Blind);
        }
        if let Some(times) = self.blind.raise(Instant::now()) {
            tracing::warn!(times, "nothing to think about: {gap}");
        }
    }

    fn consider(&mut self, history: &[Observation]) {
        let drives = self.drives();
        let now = self.hours.now();
        if !self.asks(now, history.last().map(|newest| newest.stamp)) {
            return;
        }
        let promised = if drives { self.schedule.promised(now) } else { None };
        let until = now + self.thinking.expected();
        let promise = promised.as_ref().map(|chunk| Promise { chunk, until });
        let begun = Instant::now();
        self.shared.thinking.set();
        let thought = (self.mind.think)(history, promise);
        self.shared.thinking.clear();
        self.shared.alive.set();
        self.figures.add(begun.elapsed());
        let there = self.hours.now();
        self.remember(there.since(now));
        match thought {
            _ if self.shared.pauses.load(Relaxed) => {}
            Ok(Thought { chunk, doubt }) => self.accept(chunk, doubt, there),
            Err(why) => self.complain(&why),
        }
    }

    fn driver(&self) -> u8 {
        self.shared.driver.load(Relaxed)
    }

    fn drives(&self) -> bool {
        self.driver() == Intervention::POLICY
    }

    /// Whether it is time for the next chunk. One that would come when the plan is over is asked for so much earlier, unless thinking
    /// takes longer than a chunk lasts: then the robot stands while it is thought of, as it was `seen` to.
    fn asks(&self, now: Stamp, seen: Option<Stamp>) -> bool {
        let stands = || seen.is_some_and(|seen| self.shared.rest.since(seen));
        match (self.state, self.driver()) {
            (State::Slow, Intervention::HUMAN) => self.schedule.at(now).is_none(),
            (State::Slow, _) => self.schedule.at(now).is_none() && stands(),
            (_, Intervention::POLICY) => self.schedule.asks(now, self.thinking.expected()),
            _ => true,
        }
    }

    fn remember(&mut self, took: Duration) {
        self.thinking.took(took);
        let expected = self.thinking.expected();
        self.state = if expected >= self.mind.lasts { State::Slow } else { State::Well };
        if self.state == State::Slow && !self.said_slow {
            self.said_slow = true;
            tracing::warn!(
                "thinking takes {:?} and a chunk lasts {:?}: the robot stands while it is thought of the next",
                expected,
                self.mind.lasts
            );
        }
    }

    fn accept(&mut self, chunk: Chunk, doubt: Option<f32>, there: Stamp) {
        let before = self.schedule.counts();
        // A robot that stood where it was looked at stands there still: what was planned for it begins now. One that was still on its
        // way would be led back.
        let stood = match self.driver() {
            Intervention::HOLD => self.shared.rest.since(chunk.observed()),
            Intervention::HUMAN => false,
            _ => self.schedule.stands_since(chunk.observed()),
        };
        let chunk = if stood { chunk.begun(there) } else { chunk };
        if !self.drives() {
            self.schedule.clear();
        }
        let seen = chunk.observed();
        self.schedule.accept(chunk, there);
        let after = self.schedule.counts();
        let counts = &self.shared.counts;
        add(&counts.chunks, after.chunks - before.chunks);
        add(&counts.overtaken, after.overtaken - before.overtaken);
        add(&counts.late, after.late - before.late);
        let mut course = Course::of(&self.schedule, self.interpolate, self.joints.len(), there, self.period);
        course.doubt = doubt;
        self.post(course, seen, self.state);
    }

    /// Hands on what came of what was `seen`, and says it to everybody.
    fn post(&mut self, mut course: Course, seen: Stamp, state: State) {
        (course.state, course.threshold, course.lasts) = (state, self.mind.threshold, self.mind.lasts);
        let plan = heard::say(&course, seen, &self.joints);
        // The robot comes first.
        if let Some(way) = &self.ways.courses {
            way.post(course);
        }
        if let Err(error) = self.plans.send(&plan) {
            add(&self.shared.counts.unsent, 1);
            tracing::debug!("a plan was not sent: {}", report(&error));
        }
        if let Some(drawing) = &mut self.drawing {
            drawing.plan(&plan, self.hours.now());
        }
    }

    fn complain(&mut self, why: &Unthought) {
        add(&self.shared.counts.unthought, 1);
        if let Some(times) = self.complaint.raise(Instant::now()) {
            tracing::warn!(times, "no chunk came of a thought: {why}");
        }
        if matches!(why, Unthought::NoNumber(_)) {
            self.nothing(State::Broken);
        }
    }
}
