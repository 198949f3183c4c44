//! One robot of an evaluation: a world, what is seen of it, and the plan that is carried out there, one attempt after another.
//!
//! It goes on by itself until it needs a chunk, and waits then: whoever thinks can think of many robots at once.

use std::collections::VecDeque;
use std::time::Duration;

use super::film::Film;
use super::motion::Motion;
use super::senses::Senses;
use super::{Attempt, Error, Setup};
use crate::arm::Chunk;
use crate::control::Schedule;
use crate::data::Observation;
use crate::data::observe::Observer;
use crate::sim::{JOINTS, Light, NAMES, Simulation};
use crate::time::Stamp;

/// When every attempt begins: not at zero, which means "never" to many who read stamps.
const BEGINNING: Stamp = Stamp::from_parts(1, 0);

/// A world and who acts in it.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    setup: &'a Setup<'a>,
    world: Simulation,
    senses: Senses,
    observer: Observer,
    schedule: Schedule,
    seen: VecDeque<Observation>,
    /// The seeds of the attempts to come.
    seeds: VecDeque<u64>,
    tick: Duration,
    /// One of how many ticks an observation is made.
    grid: u64,
    /// The joints that are moved, by their place among the world's.
    moved: Vec<usize>,
    command: [f64; JOINTS],
    /// What was commanded at the last observation; nothing before the first.
    past: Option<Vec<f32>>,
    /// Whether this tick has been looked at already, and thought about.
    looked: bool,
    thought: bool,
    motion: Motion,
    side: f64,
    gaps: u64,
    film: Option<Film>,
    over: Vec<Attempt>,
}

impl<'a> Seat<'a> {
    /// A seat for the attempts of those seeds, of which there is at least one.
    pub(super) fn open(setup: &'a Setup<'a>, seeds: VecDeque<u64>) -> Result<Self, Error> {
        let tick = Duration::from_secs_f64(1.0 / setup.act.rate_hz);
        let mut world = Simulation::open(&setup.options.world, tick, Light::Plain)?;
        world.disturb(setup.options.disturbance);
        let control = &setup.options.control;
        let (layout, rate_hz) = (setup.layout, setup.act.rate_hz);
        let ticks = rate_hz / layout.rate_hz;
        if ticks.round() < 1.0 || (ticks - ticks.round()).abs() > 1e-6 {
            return Err(Error::Grid { rate_hz: layout.rate_hz, control_hz: rate_hz });
        }
        let place = |joint: &String| {
            let known = NAMES.iter().position(|known| known == joint);
            known.ok_or_else(|| Error::Joint { joint: joint.clone(), known: &NAMES })
        };
        let goal = setup.options.goal.as_deref();
        let mut seat = Self {
            senses: Senses::find(layout, setup.observe, &world, rate_hz, goal)?,
            observer: Observer::new(layout, setup.observe),
            schedule: Schedule::new(control.join, control.interpolate),
            moved: layout.actions.iter().map(place).collect::<Result<_, _>>()?,
            grid: ticks.round() as u64,
            command: [0.0; JOINTS],
            seen: VecDeque::new(),
            past: None,
            looked: false,
            thought: false,
            motion: Motion::default(),
            side: 0.0,
            gaps: 0,
            film: None,
            over: Vec::new(),
            setup,
            world,
            seeds,
            tick,
        };
        seat.begin();
        Ok(seat)
    }

    /// Goes on until a chunk is needed, and gives what is to be thought about; nothing once all attempts are over.
    pub(super) fn advance(&mut self) -> Result<Option<Vec<Observation>>, Error> {
        while let Some(seed) = self.seeds.front().copied() {
            if self.world.over() {
                self.end(seed)?;
                self.seeds.pop_front();
                self.begin();
                continue;
            }
            let now = self.now();
            if !self.looked {
                self.look(now)?;
            }
            let asks = self.world.ticks().is_multiple_of(self.grid) && self.schedule.asks(now);
            if asks && !self.thought && !self.seen.is_empty() {
                self.thought = true;
                return Ok(Some(self.seen.iter().cloned().collect()));
            }
            self.step(now)?;
        }
        Ok(None)
    }

    /// Takes the chunk that was asked for.
    pub(super) fn accept(&mut self, chunk: Chunk) {
        let now = self.now();
        self.schedule.accept(chunk, now);
    }

    /// The attempts that ended since this was asked last.
    pub(super) fn ended(&mut self) -> Vec<Attempt> {
        std::mem::take(&mut self.over)
    }

    fn now(&self) -> Stamp {
        BEGINNING + self.tick * u32::try_from(self.world.ticks()).unwrap_or(u32::MAX)
    }

    fn begin(&mut self) {
        let Some(seed) = self.seeds.front().copied() else { return };
        self.world.reset(seed);
        self.observer.forget();
        self.schedule.clear();
        self.seen.clear();
        self.command = self.world.state().targets;
        (self.past, self.looked, self.thought) = (None, false, false);
        (self.motion, self.side, self.gaps) = (Motion::default(), 0.0, 0);
        self.film = self.setup.options.film(seed).map(|path| Film::begin(path, self.tick));
    }

    fn look(&mut self, now: Stamp) -> Result<(), Error> {
        self.looked = true;
        self.senses.show(&mut self.world, now, &mut self.observer)?;
        if !self.world.ticks().is_multiple_of(self.grid) {
            return Ok(());
        }
        match self.observer.at(now) {
            Ok(mut observation) => {
                if let Some(past) = self.past.take() {
                    observation.past = past;
                }
                self.seen.push_back(observation);
                if self.seen.len() > self.setup.history {
                    self.seen.pop_front();
                }
            }
            // The plan goes on, as on a robot; where there is none the arm stays.
            Err(_gap) => self.gaps += 1,
        }
        Ok(())
    }

    fn step(&mut self, now: Stamp) -> Result<(), Error> {
        if let Some(action) = self.schedule.at(now) {
            for (joint, value) in self.moved.iter().zip(&action.values) {
                self.command[*joint] = *value;
            }
        }
        if self.world.ticks().is_multiple_of(self.grid) {
            self.past = Some(self.moved.iter().map(|joint| self.command[*joint] as f32).collect());
        }
        if let Some(film) = &mut self.film {
            film.look(&mut self.world)?;
        }
        self.motion.add(self.command);
        self.world.step(&self.command);
        let aside = self.world.state().tool.translation.vector.y;
        if aside.abs() > self.side.abs() {
            self.side = aside;
        }
        (self.looked, self.thought) = (false, false);
        Ok(())
    }

    fn end(&mut self, seed: u64) -> Result<(), Error> {
        let judged = self.world.judge();
        self.over.push(Attempt {
            seed,
            success: judged.success,
            score: judged.score,
            seconds: self.world.state().time,
            jerk: self.motion.jerk(self.setup.act.rate_hz),
            largest_step: self.motion.largest_step(),
            side: self.side,
            gaps: self.gaps,
        });
        self.film.take().map_or(Ok(()), Film::end)
    }
}
