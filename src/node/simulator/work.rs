//! The loop: what is asked, what is said, what is told, and a period of physics.
//!
//! [`run`] and the collection of demonstrations go through the same steps; the one waits for what others do, the other
//! begins and ends recordings around the attempts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::asked::{Answer, Ask, Asked};
use super::ear::{COMMAND, Ear};
use super::others::Others;
use super::pace::Wall;
use super::person::Person;
use super::report::{Report, tell_over};
use super::retell::{Retelling, Script};
use super::voice::Voice;
use super::{BEGINNING, Error, Options, Pace};
use crate::arm::Injector;
use crate::bus::ToldClock;
use crate::msg::own::Judgement;
use crate::node::Context;
use crate::node::diagnostics::{Diagnostics, header};
use crate::noise::Noise;
use crate::sim::{self, JOINTS, Light, Simulation};
use crate::spec::Name;
use crate::time::Stamp;

/// In lockstep everything is said again after so long without a command: whoever came late heard none of it.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a wait goes on before it is looked whether it still has a point.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Which stream of an attempt's chance is for noise on what the expert does; the world has the lower ones.
const INJECTING: u64 = 16;

/// One attempt that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    /// Its seed.
    pub seed: u64,
    /// Whether the task was done.
    pub success: bool,
    /// How well, from 0 to 1.
    pub score: f64,
    /// How long it took.
    pub seconds: f64,
}

/// Who tells the joints where to be.
enum Driver {
    Others(Ear),
    Expert(Person),
}

/// A simulator at work.
pub(super) struct Simulator<'a> {
    context: &'a Context,
    options: &'a Options,
    world: Simulation,
    voice: Voice,
    driver: Driver,
    /// What comes between what the expert means and what is executed.
    injector: Option<Injector>,
    /// Where an attempt that others made is told again, instead of what the expert means.
    retelling: Option<Retelling>,
    asked: Asked,
    diagnostics: Diagnostics,
    wall: Wall,
    now: Stamp,
    tick: Duration,
    /// How the attempt ended, once it did; it stays so, whatever happens afterwards.
    ended: Option<Judgement>,
    /// When it is over for whoever counts attempts: the expert lingers where he was to come to.
    until: Stamp,
    /// Whether that was given to whoever counts attempts.
    counted: bool,
    /// Whether it was done and whether it was over, as said last.
    said: (bool, bool),
    asked_again: u64,
    waiting: bool,
    refused_before: u64,
    others: Others,
}

/// Simulates until `context` is stopped or as many attempts as wanted are over; `told`, where it is given, is told the time.
pub fn run(
    context: &Context,
    options: &Options,
    told: Option<Arc<ToldClock>>,
) -> Result<Vec<Attempt>, Error> {
    let mut simulator = Simulator::open(context, options, told)?;
    let mut attempts = Vec::new();
    simulator.reset(options.seed)?;
    while !context.stop.wished() {
        simulator.hear()?;
        simulator.show()?;
        if let Some(attempt) = simulator.finished() {
            tell_over(attempt, options.auto_reset || options.episodes.is_some());
            attempts.push(attempt);
            if options.episodes.is_some_and(|wanted| attempts.len() >= wanted as usize) {
                break;
            }
            if options.auto_reset || options.episodes.is_some() {
                simulator.reset(attempt.seed.wrapping_add(1))?;
                continue;
            }
        }
        simulator.act()?;
    }
    Ok(attempts)
}

impl<'a> Simulator<'a> {
    /// Opens the world and every topic; nothing is said yet.
    pub(super) fn open(
        context: &'a Context,
        options: &'a Options,
        told: Option<Arc<ToldClock>>,
    ) -> Result<Self, Error> {
        let bus = context.bus.as_ref();
        let mut world =
            Simulation::open(&options.world, options.tick(), Light::Plain).map_err(options.refused())?;
        world.disturb(options.disturbance);
        world.set_conduct(options.conduct);
        let gate = (options.pace == Pace::Lockstep).then_some(COMMAND);
        let driver = match options.commands.as_ref().map(Name::as_str).or(gate) {
            _ if options.expert => Driver::Expert(Person::open(bus, options)?),
            Some(topic) => Driver::Others(Ear::of_whole(bus, options, topic)?),
            None => Driver::Others(Ear::of_controllers(bus, options)?),
        };
        Ok(Self {
            voice: Voice::open(bus, options, &mut world, told)?,
            asked: Asked::serve(bus, options)?,
            diagnostics: Diagnostics::open(bus)?,
            wall: Wall::new(),
            injector: None,
            retelling: None,
            now: BEGINNING,
            tick: world.tick(),
            ended: None,
            until: BEGINNING,
            counted: false,
            said: (false, false),
            asked_again: 0,
            waiting: false,
            refused_before: 0,
            others: Others::default(),
            context,
            options,
            world,
            driver,
        })
    }

    /// From now on attempts are told again: opens the topics that this takes.
    pub(super) fn retell(&mut self) -> Result<(), Error> {
        self.retelling = Some(Retelling::open(self.context.bus.as_ref(), self.options)?);
        Ok(())
    }

    /// Begins the attempt of `seed`, or that of a script.
    pub(super) fn begin(&mut self, seed: u64, script: Option<Script>) -> Result<(), Error> {
        if let (Some(retelling), Some(script)) = (&mut self.retelling, script) {
            retelling.begin(script);
        }
        self.reset(seed)
    }

    /// The full names of what is published and shall be recorded.
    pub(super) fn topics(&self) -> Vec<String> {
        let person = match &self.driver {
            Driver::Expert(person) => Some(person),
            Driver::Others(_) => None,
        };
        let said = person.into_iter().flat_map(Person::topics);
        let said = said.chain(self.retelling.iter().flat_map(Retelling::topics));
        self.voice.topics().chain(said).map(str::to_owned).collect()
    }

    /// Those of them that nobody hears.
    pub(super) fn unheard(&self) -> Vec<String> {
        let mut unheard = self.voice.unheard();
        if let Driver::Expert(person) = &self.driver {
            unheard.extend(person.unheard());
        }
        unheard.extend(self.retelling.iter().flat_map(Retelling::unheard));
        unheard
    }

    /// Begins the attempt of `seed`. That it stands at its beginning is said a tick before the first observation.
    pub(super) fn reset(&mut self, seed: u64) -> Result<(), Error> {
        self.world.reset(seed);
        self.world.set_limp(self.options.teach);
        let noise = Noise::of(seed, INJECTING);
        self.injector = self.options.dart.as_ref().map(|dart| dart.noise(&sim::NAMES, noise)).transpose()?;
        (self.ended, self.counted) = (None, false);
        if let Driver::Others(ear) = &mut self.driver {
            ear.begin(self.world.state().targets);
        }
        self.now = self.now + self.tick;
        self.voice.tell(self.now)?;
        self.judge()?;
        // Told at once: a recording that is begun now begins with the first observation.
        self.now = self.now + self.tick;
        self.voice.tell(self.now)
    }

    /// Does what services asked for; whether the attempt is another one now.
    pub(super) fn hear(&mut self) -> Result<bool, Error> {
        self.report()?;
        let mut anew = false;
        while let Some((ask, answer)) = self.asked.next() {
            let reply = match ask {
                Ask::Reset(seed) => {
                    self.reset(seed)?;
                    anew = true;
                    (true, format!("{} begins with seed {seed}", self.options.world))
                }
                Ask::Disturb(kind, size) => self.disturb(kind, size),
                Ask::Teach(limp) => {
                    self.world.set_limp(limp);
                    (true, if limp { "the arm can be dragged" } else { "the arm is stiff" }.to_owned())
                }
            };
            if answer.try_send(reply).is_err() {
                tracing::debug!("a service's caller did not wait for its answer");
            }
        }
        Ok(anew)
    }

    fn disturb(&mut self, kind: sim::Kind, size: f64) -> Answer {
        match self.world.disturbance().with(kind, size) {
            Ok(disturbance) => {
                self.world.disturb(disturbance);
                (true, format!("{disturbance:?}"))
            }
            Err(error) => (false, error.to_string()),
        }
    }

    /// Says what is to be seen at this tick, when it is time.
    pub(super) fn show(&mut self) -> Result<(), Error> {
        if self.options.pace == Pace::Real {
            self.wall.wait(self.now, &self.context.stop);
        }
        self.voice.tell(self.now)?;
        self.voice.show(self.options, &mut self.world, self.now)?;
        let result = self.result();
        if self.voice.result_is_due(self.world.ticks()) || self.said != (result.success, result.over) {
            self.judge()?;
        }
        Ok(())
    }

    fn judge(&mut self) -> Result<(), Error> {
        let result = self.result();
        self.said = (result.success, result.over);
        self.voice.judge(&result)
    }

    /// How the attempt stands.
    fn result(&self) -> Judgement {
        if let Some(ended) = &self.ended {
            return Judgement { header: header(self.now), ..ended.clone() };
        }
        let sim::Judgement { success, score, .. } = self.world.judge();
        Judgement {
            header: header(self.now),
            world: self.options.world.clone(),
            seed: self.world.seed(),
            seconds: self.tick.as_secs_f64() * self.world.ticks() as f64,
            success,
            score,
            over: false,
        }
    }

    /// The attempt, once, when it is over.
    pub(super) fn finished(&mut self) -> Option<Attempt> {
        let Judgement { seed, success, score, seconds, .. } =
            *self.ended.as_ref().filter(|_| !self.counted && self.now >= self.until)?;
        self.counted = true;
        Some(Attempt { seed, success, score, seconds })
    }

    /// Whether the attempt that was told again ended as it did the first time; always, where none is told again.
    pub(super) fn ended_as_told(&self, attempt: Attempt) -> bool {
        self.retelling.as_ref().is_none_or(|retelling| {
            let script = retelling.script();
            script.success == attempt.success && script.told.len() as u64 == self.world.ticks()
        })
    }

    /// One period of control: whoever drives is heard, and time passes.
    pub(super) fn act(&mut self) -> Result<(), Error> {
        let (now, end) = (self.now, self.now + self.tick);
        if self.options.pace == Pace::Lockstep && !self.wait_for_command()? {
            return Ok(());
        }
        let command = match &mut self.driver {
            Driver::Expert(_) if self.options.teach => {
                self.world.drag();
                self.pass(end);
                return Ok(());
            }
            Driver::Expert(person) => {
                let meant = self.world.expert();
                let told = self.retelling.as_mut().map(|retelling| retelling.say(self.world.ticks(), now));
                let executed = match (told.transpose()?.flatten(), &mut self.injector) {
                    (Some(told), _) => told,
                    (None, Some(injector)) => array(injector.executed(&meant)),
                    (None, None) => meant,
                };
                person.say(&meant, &executed, now)?;
                executed
            }
            Driver::Others(ear) => {
                if self.options.pace != Pace::Lockstep {
                    ear.listen_now(now);
                }
                ear.command(end)
            }
        };
        self.world.step(&command);
        self.pass(end);
        Ok(())
    }

    /// It is later now, and the attempt may be over.
    fn pass(&mut self, now: Stamp) {
        self.now = now;
        if self.ended.is_none() && self.world.over() {
            let ended = Judgement { over: true, ..self.result() };
            let lingers =
                ended.success && matches!(self.driver, Driver::Expert(_)) && self.retelling.is_none();
            self.until = if lingers { now + self.options.linger } else { now };
            self.ended = Some(ended);
        }
    }

    /// Waits for the command of this tick, without end; whether it came. It did not where the attempt is another one now or
    /// the simulator shall stop.
    fn wait_for_command(&mut self) -> Result<bool, Error> {
        let mut again = Instant::now() + AGAIN;
        loop {
            let Driver::Others(ear) = &mut self.driver else { return Ok(true) };
            if ear.wait_for(self.now, Instant::now() + LOOK_UP) {
                self.waiting = false;
                return Ok(true);
            }
            if self.hear()? || self.context.stop.wished() {
                return Ok(false);
            }
            if Instant::now() >= again {
                again = Instant::now() + AGAIN;
                self.asked_again += 1;
                self.waiting = true;
                tracing::warn!(
                    "no command stamped {} within {AGAIN:?}: all is said again; `apprentice run --lockstep` or another node has to answer every tick on `command`",
                    self.now
                );
                self.voice.repeat()?;
            }
        }
    }

    fn report(&mut self) -> Result<(), Error> {
        if !self.diagnostics.is_due() {
            return Ok(());
        }
        self.others.look(self.context.bus.as_ref());
        let tally = match &self.driver {
            Driver::Others(ear) => Some(&ear.tally),
            Driver::Expert(_) => None,
        };
        let report = Report {
            result: &self.result(),
            tally,
            refused_before: self.refused_before,
            late: self.wall.late,
            asked_again: self.asked_again,
            waiting: self.waiting,
        };
        let (parts, refused) = (report.parts(), tally.map_or(0, |tally| tally.refused));
        self.refused_before = refused;
        Ok(self.diagnostics.publish(self.now, parts)?)
    }
}

fn array(command: Vec<f64>) -> [f64; JOINTS] {
    command.try_into().expect("as many joints are executed as were meant")
}
