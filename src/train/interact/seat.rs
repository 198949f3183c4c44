//! One place of a shared attempt: a robot, the policy's plan, whoever stands by, and the control that decides between them.
//!
//! It goes on by itself until it needs a chunk, and waits then: whoever thinks can think of many robots at once.

use std::collections::VecDeque;
use std::time::Duration;

use super::keeper::Keeper;
use super::{Error, Setup, Shared};
use crate::arm::Chunk;
use crate::control::calibrate::greatest;
use crate::control::gate::{Mode, Names, Plan};
use crate::control::{Control, Moment, Schedule};
use crate::sim::{JOINTS, Told};
use crate::time::Stamp;
use crate::train::evaluate::Robot;
use crate::train::wanted::{Recent, Wanted};

/// How often a second it is said who drives, besides whenever that changes.
const SAID_HZ: f64 = 10.0;
/// After how long whoever stands by lets a robot go on that is held.
const HELD: Duration = Duration::from_millis(500);

/// A robot and who acts on it.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    setup: &'a Setup<'a>,
    robot: Robot,
    /// Which of the joints that are moved do not turn.
    slides: Vec<bool>,
    period: Duration,
    control: Control,
    keeper: Keeper,
    schedule: Schedule,
    seen: Recent,
    /// The seeds of the attempts to come.
    seeds: VecDeque<u64>,
    doubt: Option<f32>,
    doubts: Vec<Option<f32>>,
    command: [f64; JOINTS],
    /// Whether this tick has been looked at already, and thought about.
    looked: bool,
    thought: bool,
    told: Vec<Told>,
    over: Vec<Shared>,
}

impl<'a> Seat<'a> {
    /// A seat for the attempts of those seeds.
    pub(super) fn open(setup: &'a Setup<'a>, seeds: VecDeque<u64>) -> Result<Self, Error> {
        let Setup { layout, observe, act, options, control, .. } = setup;
        let robot = Robot::open(&options.world, options.disturbance, layout, observe, act, None)?;
        // Of this arm's joints the gripper slides, which is the last.
        let slides: Vec<bool> = robot.moved().iter().map(|joint| joint + 1 == JOINTS).collect();
        let period = Duration::from_secs_f64(1.0 / act.rate_hz);
        let mut seat = Self {
            control: Control::new(control, options.limits.clone(), &slides, vec![], period, robot.now()),
            keeper: Keeper::new(&options.who, &slides, period, 0),
            schedule: Schedule::new(control.join.clone(), control.interpolate),
            command: robot.world().state().targets,
            seen: Recent::new(setup.history),
            doubt: None,
            doubts: Vec::new(),
            looked: false,
            thought: false,
            told: Vec::new(),
            over: Vec::new(),
            setup,
            robot,
            slides,
            period,
            seeds,
        };
        seat.begin();
        Ok(seat)
    }

    /// Goes on until a chunk is needed, and gives what is to be thought about; nothing once all attempts are over.
    pub(super) fn advance(&mut self) -> Result<Option<Wanted>, Error> {
        while let Some(seed) = self.seeds.front().copied() {
            if self.robot.world().over() {
                self.end(seed);
                self.seeds.pop_front();
                self.begin();
                continue;
            }
            if !self.looked {
                self.look()?;
            }
            let asks = self.robot.on_grid() && self.schedule.asks(self.robot.now(), Duration::ZERO);
            if asks && !self.thought && !self.seen.is_empty() {
                self.thought = true;
                let now = self.robot.now();
                // As on a robot, what is planned is promised only where it is carried out.
                let drives = self.control.gate().mode() == Mode::Policy;
                let plan = drives.then(|| self.schedule.promised(now)).flatten();
                return Ok(Some(self.seen.wanted(plan, now)));
            }
            self.step();
        }
        Ok(None)
    }

    /// Takes the chunk that was asked for, and how doubtful the policy is of it.
    pub(super) fn accept(&mut self, chunk: Chunk, doubt: Option<f32>) {
        self.schedule.accept(chunk, self.robot.now());
        self.doubt = doubt;
        self.doubts.push(doubt);
        self.keeper.thought();
    }

    /// The attempts that ended since this was asked last.
    pub(super) fn ended(&mut self) -> std::vec::Drain<'_, Shared> {
        self.over.drain(..)
    }

    fn begin(&mut self) {
        let Some(seed) = self.seeds.front().copied() else { return };
        let Setup { options, control, .. } = self.setup;
        self.robot.reset(seed);
        let now = self.robot.now();
        self.control = Control::new(control, options.limits.clone(), &self.slides, vec![], self.period, now);
        self.control.calibrate(options.threshold);
        self.keeper = Keeper::new(&options.who, &self.slides, self.period, seed);
        self.schedule.clear();
        self.seen.clear();
        self.doubts.clear();
        self.doubt = None;
        self.command = self.robot.world().state().targets;
        (self.looked, self.thought) = (false, false);
        self.told.clear();
    }

    fn look(&mut self) -> Result<(), Error> {
        self.looked = true;
        self.robot.look()?.into_iter().for_each(|observation| self.seen.add(observation));
        Ok(())
    }

    fn step(&mut self) {
        let (now, moved) = (self.robot.now(), self.robot.moved().to_vec());
        let of = |all: &[f64; JOINTS]| -> Vec<f64> { moved.iter().map(|joint| all[*joint]).collect() };
        let world = self.robot.world();
        let (wish, measured) = (of(&world.expert()), self.robot.measured());
        let planned = self.schedule.at(now).map(|action| action.values);
        let mode = self.control.gate().mode();
        let service = self.keeper.acts(mode, planned.as_deref(), &wish, now);
        let waits = self.told.is_empty() || self.is_held(mode, now);
        let moment = Moment {
            now,
            monotonic: now.since(Stamp(0)),
            measured: Some(&measured),
            effort: self.robot.pressing(self.control.limits()),
            planned: planned.as_deref(),
            plan: if planned.is_some() { Plan::Due } else { Plan::Over },
            expert: Some(&wish),
            service,
            doubt: self.doubt,
            // Who takes over has not let the policy go on.
            resume: waits && service != Some(true),
            ..Moment::default()
        };
        let outcome = self.control.tick(&moment);
        if let Some(command) = self.control.command() {
            moved.iter().zip(command).for_each(|(joint, value)| self.command[*joint] = *value);
        }
        let said = self.is_to_be_said(outcome.changed);
        let gate = self.control.gate();
        self.told.push(Told {
            command: self.command,
            driver: outcome.mode.driver(),
            limited: outcome.limited.changed(),
            said: said.then(|| gate.intervention(&Names::default(), now)),
        });
        self.robot.step(&self.command);
        (self.looked, self.thought) = (false, false);
    }

    /// Whether nobody has driven for so long that somebody has to say a word.
    fn is_held(&self, mode: Mode, now: Stamp) -> bool {
        matches!(mode, Mode::Hold(_)) && now.since(self.control.gate().since()) >= HELD
    }

    fn is_to_be_said(&self, changed: bool) -> bool {
        let every = (self.setup.act.rate_hz / SAID_HZ).round().max(1.0) as usize;
        changed || self.told.len().is_multiple_of(every)
    }

    fn end(&mut self, seed: u64) {
        let judged = self.robot.world().judge();
        let doubts = std::mem::take(&mut self.doubts);
        self.over.push(Shared {
            seed,
            success: judged.success,
            score: judged.score,
            greatest: self.setup.options.doubt.map(|_| greatest(doubts)),
            told: std::mem::take(&mut self.told),
        });
    }
}
