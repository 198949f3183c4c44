//! The thread that hears the robot and the person: into the grid of observations for thinking, and as the newest word for control.
//!
//! A message that does not read is counted and spoken of at most once a second, and so is one of a second publisher where only one
//! may speak. Pictures take long to decode and come last: no button waits behind them.

mod elsewhere;
mod person;
mod wanted;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::course::Way;
use super::eyes::{Eyes, Left};
use super::known::Known;
use super::pace::{self, CLOCK, Hours, Pace};
use super::robot::{Robot, Told};
use super::shared::{Shared, Wish, add};
use super::{Error, Half, lock};
use crate::bus::typed::read;
use crate::bus::{Bus, Complaint, Inbox, Limit, Subscription};
use crate::control::gate::source::{Admission, Only};
use crate::data::observe::AHEAD;
use crate::msg::Message;
use crate::msg::own::Intervention;
use crate::msg::sensor::{CompressedImage, Image, JointState};
use crate::msg::std::Clock;
use crate::node::report;
use crate::time::Stamp;
use crate::wire::{Qos, Sample, Topic};
use elsewhere::Elsewhere;
use person::Leader;
use wanted::{Use, wanted};

pub(super) use wanted::PLAN;

/// What waits to be heard; more is older than anybody wants to know.
const INBOX: Limit = Limit { samples: 2048, bytes: 1 << 28 };
/// How long a wait goes on before it is looked whether it still has a point.
const LOOK_UP: Duration = Duration::from_millis(20);
/// In lockstep a stream that owes a message is waited for so long, once.
const OWED: Duration = Duration::from_millis(250);

/// Who listens.
#[derive(Debug)]
pub(super) struct Listener {
    half: Half,
    pace: Pace,
    shared: Arc<Shared>,
    hours: LoggedHours,
    inbox: Inbox,
    /// Pictures that wait to be decoded.
    pictures: VecDeque<Sample>,
    uses: Vec<(String, Use)>,
    eyes: Eyes,
    known: Known,
    told: Vec<Told>,
    joints: Vec<String>,
    gripper: Option<usize>,
    elsewhere: Elsewhere,
    expert: Only,
    joy: Only,
    button: Option<usize>,
    leader: Option<Leader>,
    /// Of each topic that tells positions, who tells each of its joints.
    tellers: Vec<Vec<Only>>,
    refused: Complaint,
    seconds: Complaint,
    /// What time it was at the last turn.
    turned: Stamp,
    /// When `/clock` was heard of last, by the machine's time.
    moved: Instant,
    _subscriptions: Vec<Subscription>,
}

/// What time it is; of a clock nothing is worth printing.
pub(super) struct LoggedHours(Hours);

impl std::fmt::Debug for LoggedHours {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_tuple("Hours").field(&self.0.now()).finish()
    }
}

impl Listener {
    /// Everything subscribed to that this `half` of a runner needs, and nothing heard yet.
    pub(super) fn open(
        bus: &dyn Bus,
        robot: &Robot,
        (half, goal): (Half, Option<&str>),
        pace: Pace,
        hours: Hours,
        shared: Arc<Shared>,
        left: Left,
    ) -> Result<Self, Error> {
        let inbox = Inbox::new(INBOX);
        let (mut uses, mut subscriptions) = (Vec::new(), Vec::new());
        for (name, type_name, of) in wanted(robot, goal, half) {
            let name = bus.node().resolve(&name)?;
            let known = |(other, _): &(String, Use)| *other == name;
            if !uses.iter().any(known) {
                let qos = if matches!(of, Use::Goal(_)) { Qos::latched(1) } else { Qos::sensor() };
                subscriptions.push(bus.subscribe(&Topic::new(&name, type_name).with(qos), &inbox)?);
            }
            uses.push((name, of));
        }
        if pace != Pace::Wall {
            subscriptions.push(pace::hear(bus, &inbox)?);
            uses.push((CLOCK.to_owned(), Use::Clock));
        }
        let gate = &robot.control.gate;
        let milliseconds = |ms: f64| Duration::try_from_secs_f64(ms / 1e3).unwrap_or_default();
        let watchdog = &robot.control.watchdog;
        let (silence, joints) = (milliseconds(watchdog.expert_ms), milliseconds(watchdog.joints_ms));
        Ok(Self {
            elsewhere: Elsewhere::new(robot, left.clone()),
            eyes: Eyes::new(robot, left),
            known: Known::new(robot.joints.len(), robot.streams().len()),
            told: robot.told.clone(),
            joints: robot.joints.clone(),
            gripper: robot.limits.gripper(),
            expert: Only::new(silence),
            joy: Only::new(silence),
            button: gate.human.button.map(|button| button as usize),
            leader: gate.human.leader.as_ref().map(|leader| Leader::new(leader, robot, silence)),
            tellers: robot.told.iter().map(|told| vec![Only::new(joints); told.joints.len()]).collect(),
            refused: Complaint::default(),
            seconds: Complaint::default(),
            turned: Stamp(i64::MIN),
            moved: Instant::now(),
            hours: LoggedHours(hours),
            half,
            pace,
            shared,
            inbox,
            pictures: VecDeque::new(),
            uses,
            _subscriptions: subscriptions,
        })
    }

    /// Hands plans that are heard on to control by that way.
    pub(super) fn hand_on_by(&mut self, way: Way) {
        self.elsewhere.way = Some(way);
    }

    /// Listens until the runner ends.
    pub(super) fn run(mut self) {
        while !self.shared.ends() || !self.shared.still.load(Relaxed) {
            let now = self.hours.0.now();
            let wait = match self.pace {
                Pace::Wall => self.eyes.until_next(now).unwrap_or(LOOK_UP).min(LOOK_UP),
                // What is owed is waited for in small steps, because it may be that it does not come.
                Pace::Clock | Pace::Lockstep => LOOK_UP,
            };
            if let Some(sample) = self.inbox.wait(Instant::now() + wait) {
                self.take(sample);
            }
            self.turn();
        }
    }

    /// Hears what waits, and looks at every tick of the grid that is complete.
    fn turn(&mut self) {
        // By the machine's time whatever was received by this instant is in the inbox already.
        let now = self.hours.0.now();
        self.drain();
        // Those that come meanwhile wait for the next turn; whatever else comes does not wait behind them.
        for _ in 0..self.pictures.len() {
            if let Some(picture) = self.pictures.pop_front() {
                self.hear(&picture);
            }
            self.drain();
        }
        let now = if self.pace == Pace::Wall { now } else { self.hours.0.now() };
        // A machine's time that is put back would have everything lie in the future.
        if self.pace == Pace::Wall && now + AHEAD < self.turned {
            tracing::warn!(
                "the time went back by {:?}: what was known by it is forgotten",
                self.turned.since(now)
            );
            self.forget();
        }
        self.turned = now;
        self.elsewhere.look(&self.shared, now);
        if self.half == Half::Thinking {
            self.elsewhere.await_all(&self.eyes.unheard());
        }
        let mut complete = self.eyes.complete(now);
        if !complete && self.pace == Pace::Lockstep && self.moved.elapsed() > OWED {
            self.eyes.give_up(now);
            complete = true;
        }
        let looked = self.eyes.look(now, complete, self.shared.history.load(Relaxed));
        self.shared.counts.gaps.store(self.eyes.gaps, Relaxed);
        let through = complete && self.pace == Pace::Lockstep;
        if looked || through {
            self.tell(looked, through.then_some(now));
        }
    }

    /// Takes what waits, and lets control know what is new.
    fn drain(&mut self) {
        while let Some(sample) = self.inbox.take() {
            self.take(sample);
        }
        lock(&self.shared.known).copy(&self.known);
    }

    /// Hears a message, or lays it aside where that takes long.
    fn take(&mut self, sample: Sample) {
        match sample.topic.type_name.as_str() {
            Image::TYPE | CompressedImage::TYPE => self.pictures.push_back(sample),
            _ => self.hear(&sample),
        }
    }

    /// Hands on what was seen.
    fn tell(&self, looked: bool, through: Option<Stamp>) {
        let mut seen = lock(&self.shared.sight.seen);
        if looked {
            seen.history.clear();
            if self.eyes.aimed() {
                seen.history.extend(self.eyes.history.iter().cloned());
            }
            let unaimed = || (!self.eyes.aimed()).then(|| "nobody has said what is to be reached".to_owned());
            seen.gap = self.eyes.gap.clone().or_else(unaimed);
            seen.version += 1;
        }
        if let Some(through) = through {
            seen.through = through;
        }
        drop(seen);
        self.shared.sight.news.notify_all();
    }

    fn hear(&mut self, sample: &Sample) {
        for number in 0..self.uses.len() {
            let (name, of) = &self.uses[number];
            if *name != sample.topic.name {
                continue;
            }
            let wrong = match *of {
                Use::Stream(stream) => self.stream(stream, sample),
                Use::Goal(stream) => self.eyes.aim(stream, sample).err().map(|unread| unread.to_string()),
                Use::Positions(told) => self.positions(told, sample),
                Use::Expert => self.expert(sample),
                Use::Joy => self.joy(sample),
                Use::Leader(leader) => self.leader(leader, sample),
                Use::Clock => self.clock(sample),
                Use::Plan => self.plan(sample),
                Use::Left => self.left(sample),
            };
            if let Some(wrong) = wrong {
                add(&self.shared.counts.refused, 1);
                if let Some(times) = self.refused.raise(Instant::now()) {
                    tracing::warn!(times, "a message on {} is refused: {wrong}", sample.topic.name);
                }
            }
        }
    }

    fn stream(&mut self, stream: usize, sample: &Sample) -> Option<String> {
        match self.eyes.see(stream, sample) {
            Ok(own) => {
                // A clock that goes before ours makes nothing younger than new.
                let own = own.min(sample.received);
                self.known.streams[stream] = self.known.streams[stream].max(Some(own));
                None
            }
            Err(unread) => Some(unread.to_string()),
        }
    }

    /// Forgets whatever was known by a time that begins anew.
    fn forget(&mut self) {
        self.eyes.forget();
        self.known.forget();
        self.expert.forget();
        self.joy.forget();
        self.tellers.iter_mut().flatten().for_each(Only::forget);
        self.leader.iter_mut().for_each(Leader::forget);
        self.elsewhere.forget();
        self.pictures.clear();
    }

    fn clock(&mut self, sample: &Sample) -> Option<String> {
        let said = match read::<Clock>(sample) {
            Ok(said) => Stamp::from_parts(said.clock.sec, said.clock.nanosec),
            Err(error) => return Some(report(&error)),
        };
        let before = self.hours.0.now();
        if said < before {
            self.forget();
        }
        if said != before {
            self.moved = Instant::now();
        }
        self.hours.0.tell(said);
        None
    }

    fn positions(&mut self, told: usize, sample: &Sample) -> Option<String> {
        let state: JointState = match read(sample) {
            Ok(state) => state,
            Err(error) => return Some(report(&error)),
        };
        if state.position.len() != state.name.len() {
            let (names, positions) = (state.name.len(), state.position.len());
            return Some(format!("it names {names} joints and has {positions} positions"));
        }
        let place = |name: &String| state.name.iter().position(|other| other == name);
        let found = || self.told[told].joints.iter().filter_map(|(joint, name)| Some((*joint, place(name)?)));
        if let Some((joint, at)) = found().find(|(_, at)| !state.position[*at].is_finite()) {
            return Some(format!("the position of {:?} is {}", self.joints[joint], state.position[at]));
        }
        let never = |(joint, _): &(usize, String)| self.known.told[*joint].is_none();
        if found().next().is_none() && self.told[told].joints.iter().all(never) {
            // Joints of others may come on the same topic; but where none of ours ever did, they may have other names.
            let wanted: Vec<&str> = self.told[told].joints.iter().map(|(_, name)| name.as_str()).collect();
            let (wanted, named) = (wanted.join(", "), state.name.join(", "));
            return Some(format!("none of the joints {wanted} is in it, which has {named}"));
        }
        let mut second = None;
        for ((joint, name), teller) in self.told[told].joints.iter().zip(&mut self.tellers[told]) {
            let Some(at) = place(name) else { continue };
            // What two say of one joint is where it is only by chance.
            let admitted = teller.admit(sample.publisher, sample.received);
            if admitted != Admission::Owner {
                second = Some(admitted);
                self.known.told[*joint] = self.known.told[*joint].filter(|_| admitted.refuses());
                continue;
            }
            self.known.told[*joint] = Some(sample.received);
            self.known.positions[*joint] = state.position[at];
            if self.gripper == Some(*joint) {
                self.known.effort = state.effort.get(at).copied().unwrap_or(f64::NAN);
            }
        }
        if second.is_some_and(|second| !self.refuses(second, &sample.topic.name)) {
            self.inherited(second, &sample.topic.name);
        }
        None
    }

    /// Who tells where the robot is is another from now on: what is on its way goes no further by that.
    fn inherited(&self, admitted: Option<Admission>, topic: &str) {
        let words = admitted.and_then(|admitted| admitted.words(topic)).unwrap_or_default();
        tracing::warn!("{words}; whoever drives has to be let go on");
        if self.shared.driver.load(Relaxed) != Intervention::HOLD {
            self.shared.wishes.utter(Wish::Hold);
        }
    }

    /// Whether a message is one of a second publisher, which is counted and said.
    fn refuses(&mut self, admitted: Admission, topic: &str) -> bool {
        if let Some(words) = admitted.words(topic).filter(|_| admitted.refuses()) {
            self.second(&words);
        }
        admitted.refuses()
    }

    fn second(&mut self, words: &str) {
        add(&self.shared.counts.seconds, 1);
        if let Some(times) = self.seconds.raise(Instant::now()) {
            tracing::warn!(times, "{words}");
        }
    }
}
