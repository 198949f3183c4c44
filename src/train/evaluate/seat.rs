//! One place of an evaluation: a robot, what it has seen, and the plan that is carried out there, one attempt after another.
//!
//! It goes on by itself until it needs a chunk, and waits then: whoever thinks can think of many robots at once. Where thinking is to
//! take time the chunk is there at once and lies aside until that time is over:
//!
//! ```text
//!   tick of the grid   k          k+1         k+2 = k + delay
//!   seen, asked for ───●
//!   plan            ───┴─ promised: carried out ─┬─ the new chunk, its first two actions late
//! ```

use std::collections::VecDeque;

use super::astray::Astray;
use super::motion::Motion;
use super::robot::Robot;
use super::{Attempt, Error, Setup};
use crate::arm::Chunk;
use crate::control::gate::{Mode, Names, Plan, Reason};
use crate::control::{Control, Moment, Schedule};
use crate::sim::JOINTS;
use crate::time::Stamp;
use crate::train::film::Film;
use crate::train::wanted::{Recent, Wanted};

/// A robot and who acts on it.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    setup: &'a Setup<'a>,
    robot: Robot,
    schedule: Schedule,
    control: Control,
    seen: Recent,
    /// The seeds of the attempts to come.
    seeds: VecDeque<u64>,
    command: [f64; JOINTS],
    /// Whether this tick has been looked at already, and thought about.
    looked: bool,
    thought: bool,
    /// The chunk that is being thought of, and when that will be done.
    coming: Option<(Stamp, Chunk)>,
    /// Whether the last command was one of a plan, and whether a chunk came since.
    moving: bool,
    seam: bool,
    /// Actions that were late in attempts that are over.
    late: u64,
    /// Ticks without a plan.
    idle: u32,
    motion: Motion,
    astray: Astray,
    /// Why the arm is held, where it is.
    held: Option<Reason>,
    side: f64,
    film: Option<Film>,
    over: Vec<Attempt>,
}

impl<'a> Seat<'a> {
    /// A seat for the attempts of those seeds, of which there is at least one.
    pub(super) fn open(setup: &'a Setup<'a>, seeds: VecDeque<u64>) -> Result<Self, Error> {
        let Setup { layout, observe, act, options, .. } = *setup;
        let goal = options.goal.as_deref();
        let mut seat = Self {
            robot: Robot::open(&options.world, options.disturbance, layout, observe, act, goal)?,
            schedule: Schedule::new(options.control.join.clone(), options.control.interpolate),
            control: setup.control.clone(),
            command: [0.0; JOINTS],
            seen: Recent::new(setup.history),
            looked: false,
            thought: false,
            coming: None,
            moving: false,
            seam: false,
            late: 0,
            idle: 0,
            motion: Motion::default(),
            astray: Astray::default(),
            held: None,
            side: 0.0,
            film: None,
            over: Vec::new(),
            setup,
            seeds,
        };
        seat.begin();
        Ok(seat)
    }

    /// Goes on until a chunk is needed, and gives what is to be thought about; nothing once all attempts are over.
    pub(super) fn advance(&mut self) -> Result<Option<Wanted>, Error> {
        while let Some(seed) = self.seeds.front().copied() {
            if self.robot.world().over() {
                self.end(seed)?;
                self.seeds.pop_front();
                self.begin();
                continue;
            }
            if !self.looked {
                self.look()?;
            }
            self.take();
            if self.asks() {
                self.thought = true;
                let plan = self.schedule.promised(self.robot.now());
                return Ok(Some(self.seen.wanted(plan, self.robot.later(self.setup.options.delay))));
            }
            self.step()?;
        }
        Ok(None)
    }

    /// Takes the chunk that was asked for, once thinking of it is over.
    pub(super) fn accept(&mut self, chunk: Chunk) {
        self.coming = Some((self.robot.later(self.setup.options.delay), chunk));
        self.take();
    }

    fn asks(&self) -> bool {
        let thinking = self.robot.later(self.setup.options.delay).since(self.robot.now());
        self.robot.on_grid()
            && !self.thought
            && !self.seen.is_empty()
            && self.coming.is_none()
            && self.schedule.asks(self.robot.now(), thinking)
    }

    fn take(&mut self) {
        let now = self.robot.now();
        let Some((_, chunk)) = self.coming.take_if(|(there, _)| *there <= now) else { return };
        // An arm that stood when it was looked at stands there still: what was planned for it begins now.
        let stood = self.schedule.stands_since(chunk.observed());
        self.schedule.accept(if stood { chunk.begun(now) } else { chunk }, now);
        self.seam = self.moving;
    }

    /// The attempts that ended since this was asked last.
    pub(super) fn ended(&mut self) -> Vec<Attempt> {
        std::mem::take(&mut self.over)
    }

    fn begin(&mut self) {
        let Some(seed) = self.seeds.front().copied() else { return };
        self.robot.reset(seed);
        self.schedule.clear();
        self.control = self.setup.control.clone();
        self.seen.clear();
        self.coming = None;
        (self.late, self.idle) = (self.schedule.counts().late, 0);
        self.command = self.robot.world().state().targets;
        (self.looked, self.thought, self.moving, self.seam) = (false, false, false, false);
        (self.motion, self.astray, self.side) = (Motion::default(), Astray::default(), 0.0);
        let tick = self.robot.world().tick();
        self.film = self.setup.options.film(seed).map(|path| Film::begin(path, tick));
    }

    fn look(&mut self) -> Result<(), Error> {
        self.looked = true;
        // Where nothing could be made of what is there the plan goes on, as on a robot; where there is none the arm stays.
        self.robot.look()?.into_iter().for_each(|observation| self.seen.add(observation));
        Ok(())
    }

    fn step(&mut self) -> Result<(), Error> {
        self.tick();
        if let Some(film) = &mut self.film {
            film.look(self.robot.world_mut(), None)?;
        }
        self.motion.add(self.command, self.seam);
        if self.setup.options.beside {
            self.astray.add(self.command, self.robot.world().expert(), self.setup.act.rate_hz);
        }
        self.robot.step(&self.command);
        let aside = self.robot.world().state().tool.translation.vector.y;
        if aside.abs() > self.side.abs() {
            self.side = aside;
        }
        (self.looked, self.thought, self.seam) = (false, false, false);
        Ok(())
    }

    /// What is due goes the way that it goes on a robot.
    fn tick(&mut self) {
        let now = self.robot.now();
        let action = self.schedule.at(now);
        self.moving = action.is_some();
        self.idle += u32::from(action.is_none());
        let measured = self.robot.measured();
        let outcome = self.control.tick(&Moment {
            now,
            measured: Some(&measured),
            effort: self.robot.pressing(self.control.limits()),
            planned: action.as_ref().map(|action| action.values.as_slice()),
            plan: if action.is_some() { Plan::Due } else { Plan::Over },
            // An attempt begins with its first plan; what holds the arm later holds it to the end.
            resume: action.is_some() && self.control.gate().mode() == Mode::Hold(Reason::Start),
            ..Moment::default()
        });
        self.held = match outcome.mode {
            Mode::Hold(reason) if reason != Reason::Start => Some(reason),
            _ => None,
        };
        for (joint, value) in self.robot.moved().iter().zip(self.control.command().unwrap_or_default()) {
            self.command[*joint] = *value;
        }
    }

    fn end(&mut self, seed: u64) -> Result<(), Error> {
        let judged = self.robot.world().judge();
        self.over.push(Attempt {
            seed,
            success: judged.success,
            score: judged.score,
            seconds: self.robot.world().state().time,
            jerk: self.motion.jerk(self.setup.act.rate_hz),
            largest_step: self.motion.largest_step(),
            largest_seam: self.motion.largest_seam(),
            late: self.schedule.counts().late - self.late,
            waited: (self.robot.world().tick() * self.idle).as_secs_f64(),
            side: self.side,
            gaps: self.robot.gaps(),
            held: self.held.take().map(|reason| reason.words(&Names::default()).to_string()),
            astray: std::mem::take(&mut self.astray).into_blocks(),
        });
        self.film.take().map_or(Ok(()), Film::end)
    }
}
