//! A robot, its clock, a policy and a person as control meets them at each tick, and everything that may be wrong with them.
//!
//! Walks differ in how much goes wrong: where it is always something, nobody ever drives, and where it is nothing, nothing is
//! found. All of it is drawn from one seed.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use apprentice::arm::{Chain, Chunk};
use apprentice::control::gate::{Button, Plan};
use apprentice::control::join::{Bid, Continue, Ensemble, Replace};
use apprentice::control::watchdog::Ages;
use apprentice::control::{Interpolate, Join, Limits, Moment, Schedule};
use apprentice::noise::Noise;
use apprentice::time::Stamp;

use crate::bounded::{Joint, wish};

/// How old the streams may be.
pub(crate) const STREAMS: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(100)];
/// As long as anything of the watchdog may take here.
pub(crate) const BOUND: Duration = Duration::from_millis(200);

/// An arm and what it may do.
pub(crate) struct Arm {
    pub(crate) limits: Limits,
    pub(crate) joints: Vec<Joint>,
    pub(crate) names: Vec<String>,
    /// The box that its tip stays in, and what leads to it.
    pub(crate) room: Option<(Chain, [[f64; 3]; 2])>,
}

impl Arm {
    /// How far the tip is outside of its box.
    pub(crate) fn outside(&self, positions: &[f64]) -> f64 {
        let Some((chain, [least, most])) = &self.room else { return 0.0 };
        let tip = chain.pose(positions).translation.vector;
        (0..3).map(|axis| (least[axis] - tip[axis]).max(tip[axis] - most[axis])).fold(0.0, f64::max)
    }
}

/// Everything but control.
pub(crate) struct World {
    pub(crate) noise: Noise,
    pub(crate) arm: Arm,
    pub(crate) period: Duration,
    pub(crate) now: Stamp,
    pub(crate) monotonic: Duration,
    /// How likely each thing is to be wrong at a tick.
    trouble: f64,
    /// Time is of any kind.
    odd: bool,
    /// Time stands until the command is out, and nothing grows old.
    lockstep: bool,
    schedule: Schedule,
    /// Where the policy and the person go.
    goals: [Vec<f64>; 2],
    pub(crate) chunks: u64,
    /// Where it stands before it is told anything.
    home: Vec<f64>,
    pub(crate) measured: Option<Vec<f64>>,
    pub(crate) planned: Option<Vec<f64>>,
    pub(crate) plan: Plan,
    pub(crate) expert: Option<Vec<f64>>,
    pub(crate) button: Button,
    pub(crate) service: Option<bool>,
    moved: bool,
    another: bool,
    doubt: Option<f32>,
    pub(crate) resume: bool,
    pub(crate) released: bool,
    pub(crate) stop: bool,
    effort: Option<f64>,
    pub(crate) streams: [Option<Duration>; 2],
    pub(crate) told: Vec<Option<Duration>>,
    pub(crate) thinking: Option<Duration>,
    pub(crate) link: Option<Duration>,
}

fn join(noise: &mut Noise) -> Join {
    let sixteen = NonZeroU32::MIN.saturating_add(15);
    match noise.below(5) {
        0 => Join::Queue,
        1 => Join::Replace(Replace::default()),
        2 => Join::Continue(Continue::default()),
        3 => Join::Bid(Bid { after: None, samples: sixteen, decay: 0.5, weak: None }),
        _ => Join::Ensemble(Ensemble::default()),
    }
}

impl World {
    /// With that arm, which stands somewhere, where it may not be too.
    pub(crate) fn new(mut noise: Noise, arm: Arm) -> Self {
        let manner = [Interpolate::Hold, Interpolate::Linear, Interpolate::Smooth][noise.below(3)];
        let schedule = Schedule::new(join(&mut noise), manner);
        let outside = arm.room.is_none() && noise.chance(0.2);
        let mut at = |joint: &Joint| {
            let [lower, upper] = joint.range;
            let wide = upper - lower;
            match outside {
                true => noise.within(lower - wide..upper + wide),
                false => noise.within(lower..upper),
            }
        };
        let measured: Vec<f64> = arm.joints.iter().map(&mut at).collect();
        let period = Duration::from_secs_f64(10_f64.powf(noise.within(-3.0..-1.3)));
        Self {
            trouble: [0.0, 2e-4, 2e-3, 0.05][noise.below(4)],
            odd: noise.chance(0.1),
            lockstep: noise.chance(0.1),
            now: Stamp(1_000_000_000_000),
            monotonic: Duration::from_secs(5),
            goals: [measured.clone(), measured.clone()],
            home: measured.clone(),
            told: vec![Some(Duration::ZERO); arm.joints.len()],
            streams: [Some(Duration::ZERO); 2],
            thinking: Some(Duration::ZERO),
            link: Some(Duration::ZERO),
            measured: Some(measured),
            planned: None,
            plan: Plan::Over,
            expert: None,
            button: Button::Free,
            service: None,
            moved: false,
            another: false,
            doubt: None,
            resume: false,
            released: false,
            stop: false,
            effort: None,
            chunks: 0,
            schedule,
            period,
            arm,
            noise,
        }
    }

    /// Whether it is looked how old everything is.
    pub(crate) fn ages(&self) -> bool {
        !self.lockstep
    }

    fn wrong(&mut self) -> bool {
        self.noise.chance(self.trouble)
    }

    /// What is so at the next tick, after that `command`.
    pub(crate) fn go_on(&mut self, command: Option<&[f64]>) {
        self.time();
        self.robot(command);
        let here: Vec<f64> = command.unwrap_or(&self.home).to_vec();
        self.think(&here);
        self.person(&here);
        self.operator();
        self.grow_old();
    }

    fn time(&mut self) {
        let wall = if self.wrong() { self.noise.within(0.0..1.0) } else { self.period.as_secs_f64() };
        self.monotonic += Duration::from_secs_f64(wall);
        let odd = self.wrong() || (self.odd && self.noise.chance(0.1));
        if !odd {
            self.now = self.now + Duration::from_secs_f64(wall);
            return;
        }
        let step = self.noise.within(0.0..2.0);
        let step = Duration::from_secs_f64(step * step * step);
        self.now = match self.noise.below(if self.odd { 12 } else { 9 }) {
            0..3 => self.now,
            3..6 => self.now - step,
            6..9 => self.now + step,
            9 => Stamp(self.noise.bits() as i64),
            10 => [Stamp(i64::MAX), Stamp(i64::MIN), Stamp(0)][self.noise.below(3)],
            _ => Stamp(1_000_000_000_000),
        };
    }

    fn robot(&mut self, command: Option<&[f64]>) {
        // Told where to be, it is never quite there.
        let (noise, joints) = (&mut self.noise, &self.arm.joints);
        let spread = if command.is_some() { 1e-3 } else { 0.0 };
        let off = |(at, joint): (&f64, &Joint)| at + spread * joint.speed * noise.normal();
        self.measured = Some(command.unwrap_or(&self.home).iter().zip(joints).map(off).collect());
        if self.wrong() {
            let (kind, joint) = (self.noise.below(4), self.noise.below(self.arm.joints.len()));
            let [lower, upper] = self.arm.joints[joint].range;
            let somewhere = self.noise.within(2.0 * lower - upper..2.0 * upper - lower);
            match (kind, &mut self.measured) {
                (0, measured) => *measured = None,
                (1, Some(measured)) => measured[joint] = f64::NAN,
                (2, Some(measured)) => drop(measured.pop()),
                (_, Some(measured)) => measured[joint] = somewhere,
                _ => {}
            }
        }
        let effort = self.noise.within(-20.0..20.0);
        let odd = [None, Some(f64::NAN), Some(f64::INFINITY)][self.noise.below(3)];
        self.effort = if self.wrong() { odd } else { Some(effort) };
    }

    /// Where whoever goes to a goal wants to be after so many periods.
    fn towards(&mut self, whose: usize, here: &[f64], periods: f64) -> Vec<f64> {
        let ahead = periods * self.period.as_secs_f64();
        if self.noise.chance(0.05) {
            let drawn = |joint: &Joint| self.noise.within(joint.range[0]..joint.range[1]);
            self.goals[whose] = self.arm.joints.iter().map(drawn).collect();
        }
        let joints = self.arm.joints.iter().zip(&self.goals[whose]).zip(here);
        joints
            .map(|((joint, goal), at)| at + (goal - at).clamp(-joint.speed * ahead, joint.speed * ahead))
            .collect()
    }

    fn any(&mut self, here: &[f64]) -> Vec<f64> {
        let (noise, joints) = (&mut self.noise, &self.arm.joints);
        joints.iter().zip(here).map(|(joint, at)| wish(noise, joint, *at)).collect()
    }

    fn think(&mut self, here: &[f64]) {
        if self.noise.chance(0.1) {
            self.chunk(here);
        }
        let due = self.schedule.at(self.now);
        assert!(due.as_ref().is_none_or(|action| action.due == self.now), "an action of another time");
        self.planned = due.map(|action| action.values);
        self.plan =
            if self.planned.is_some() { Plan::Due } else { [Plan::Over, Plan::Slow][self.noise.below(2)] };
        if self.wrong() {
            self.plan = [Plan::NoPolicy, Plan::Over, Plan::Slow, Plan::Reload][self.noise.below(4)];
            self.planned = None;
        } else if self.wrong() {
            // What no schedule gives out.
            let (mut any, cut) = (self.any(here), self.noise.chance(0.3));
            any.truncate(any.len() - usize::from(cut));
            (self.plan, self.planned) = (Plan::Due, Some(any));
        }
        self.doubt = match self.noise.below(40) {
            _ if self.wrong() => [None, Some(f32::NAN), Some(f32::INFINITY)][self.noise.below(3)],
            0 => Some(1.5),
            1 => Some(0.9),
            _ => Some(0.2),
        };
    }

    fn chunk(&mut self, here: &[f64]) {
        let steps = 1 + self.noise.below(16);
        let period = self.period.mul_f64(self.noise.within(0.5..8.0)).max(Duration::from_nanos(1));
        let wild = self.noise.chance(0.1);
        let mut values = Vec::new();
        for step in 0..steps {
            let periods = (step as f64 + 1.0) * period.div_duration_f64(self.period);
            values.extend(if wild { self.any(here) } else { self.towards(0, here, periods) });
        }
        let (late, early) = (self.noise.within(0.0..0.1), self.noise.within(0.0..0.02));
        let observed = self.now - Duration::from_secs_f64(late) + Duration::from_secs_f64(early);
        let chunk = Chunk::new(observed, observed, period, Arc::from(self.arm.names.clone()), values);
        self.chunks += 1;
        // What is no number is refused here, and comes to control by other ways.
        if let Ok(chunk) = chunk {
            self.schedule
                .accept(if self.noise.chance(0.3) { chunk.begun(self.now) } else { chunk }, self.now);
        }
        if self.noise.chance(0.01) {
            self.schedule.clear();
        }
    }

    fn person(&mut self, here: &[f64]) {
        let there = self.noise.chance(0.97) && !self.wrong();
        let wild = self.wrong();
        let wants = if wild { self.any(here) } else { self.towards(1, here, 1.0) };
        self.expert = there.then_some(wants);
        if self.noise.chance(0.01) {
            self.button = [Button::Free, Button::Held][self.noise.below(2)];
        }
        if self.wrong() {
            self.button = Button::Unheard;
        }
        self.service = (self.noise.chance(0.005)).then(|| self.noise.chance(0.4));
        self.moved = self.noise.chance(0.01);
        self.another = self.noise.chance(0.002);
    }

    fn operator(&mut self) {
        self.resume = self.noise.chance(0.1);
        self.released = self.noise.chance(0.05);
        self.stop = self.noise.chance(0.001);
    }

    fn grow_old(&mut self) {
        let mut age = |bound: Duration| match self.noise.chance(self.trouble) {
            true if self.noise.chance(0.3) => None,
            true => Some(bound.mul_f64(self.noise.within(0.9..3.0))),
            false => Some(bound.mul_f64(self.noise.within(0.0..1.0))),
        };
        self.streams = STREAMS.map(&mut age);
        self.told.iter_mut().for_each(|told| *told = age(BOUND));
        (self.thinking, self.link) = (age(BOUND), age(BOUND));
    }

    /// It, as control is told.
    pub(crate) fn moment(&self) -> Moment<'_> {
        let ages =
            Ages { streams: &self.streams, joints: &self.told, thinking: self.thinking, link: self.link };
        Moment {
            now: self.now,
            monotonic: self.monotonic,
            measured: self.measured.as_deref(),
            effort: self.effort,
            planned: self.planned.as_deref(),
            plan: self.plan,
            expert: self.expert.as_deref(),
            button: self.button,
            service: self.service,
            moved: self.moved,
            another: self.another,
            doubt: self.doubt,
            resume: self.resume,
            released: self.released,
            stop: self.stop,
            ages: self.ages().then_some(ages),
        }
    }
}
