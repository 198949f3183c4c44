//! A whole tick of control, watchdog, gate, hand-over and limits together, a million times, with anything wrong at any time.
//!
//! Each part has tests of its own; what is asked here is whether one of them may be got round through another: a hand-over that
//! leads past a limit, a hold that begins with a leap, a wish that is no number and comes through when a person takes over. The
//! rules stand here once more and in other words, and look only at what goes into a tick and what leaves.

#[path = "support/bounded.rs"]
mod bounded;
#[path = "support/troubled.rs"]
mod troubled;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::arm::Chain;
use apprentice::config::Settings;
use apprentice::control::gate::config::{Agree, Ask, Doubt, Human, Leader, Resume};
use apprentice::control::gate::{self, Plan};
use apprentice::control::gate::{Button, Names};
use apprentice::control::limits::{Corners, Gripper, Limits, Most, Room};
use apprentice::control::{Config, Control, Mode, Outcome, Reason, watchdog};
use apprentice::msg::own::Intervention;
use apprentice::noise::Noise;
use apprentice::time::Stamp;
use bounded::{Joint, Seen};
use troubled::{Arm, BOUND, STREAMS, World};

/// Walks, and ticks of each.
const WALKS: u64 = 4000;
const TICKS: u64 = 250;
/// Ticks that a stop in ticks may take beyond one on a curve.
const SLACK: f64 = 4.0;
/// So many times the time of a plain stop may one take that has to turn away from a limit first.
const TURNING: f64 = 4.0;
const BOX: [[f64; 3]; 2] = [[0.15, -0.35, 0.05], [0.6, 0.35, 0.7]];

/// Settings of a gate and a watchdog of any kind.
fn config(noise: &mut Noise) -> Config {
    let doubt = Doubt {
        false_alarms: 0.1,
        by: None,
        release: 0.8,
        dwell_ms: 50.0,
        ask: if noise.chance(0.3) { Ask::Expert } else { Ask::Hold },
        returns: noise.chance(0.5),
    };
    let ms = BOUND.as_secs_f64() * 1e3;
    Config {
        gate: gate::Config {
            human: Human {
                button: noise.chance(0.8).then_some(4),
                leader: noise.chance(0.3).then_some(Leader { moved: 0.05, rest_ms: 500.0 }),
                give_back: noise.chance(0.7),
                ..Human::default()
            },
            doubt: noise.chance(0.4).then_some(doubt),
            resume: Resume { gap_ms: if noise.chance(0.5) { 300.0 } else { 0.0 } },
            dwell_ms: [0.0, 100.0][noise.below(2)],
            blend_ms: [0.0, 50.0, 300.0][noise.below(3)],
            agree: Agree::default(),
            ..gate::Config::default()
        },
        watchdog: watchdog::Config {
            joints_ms: ms,
            expert_ms: ms,
            thinking_ms: ms,
            link_ms: ms,
            leap_ms: ms,
            stopped_ms: ms,
        },
        ..Config::default()
    }
}

/// The clock as it was at the tick before.
#[derive(Clone, Copy)]
struct Hours {
    now: Stamp,
    monotonic: Duration,
    moved: Duration,
}

/// Control in a world, and what is known of both from outside.
struct Walk {
    world: World,
    control: Control,
    blend: Duration,
    /// Whether there is a button.
    button: bool,
    seen: Vec<Seen>,
    /// How far outside of its limit each joint was.
    outside: Vec<f64>,
    /// How far outside of its box the tip was.
    tip: f64,
    /// The last command, and whether it was one to rest.
    command: Option<Vec<f64>>,
    rests: bool,
    driven: bool,
    mode: Mode,
    /// Ticks of the hold that is under way, and within how many the arm has come to rest.
    held: f64,
    within: f64,
    hours: Option<Hours>,
    /// Since when the driver is the same and time goes on.
    steady: Stamp,
    /// The last tick said that what the policy wanted is none.
    blamed: bool,
}

impl Walk {
    fn new(mut noise: Noise, arm: Arm) -> Self {
        let config = config(&mut noise);
        let slides: Vec<bool> = arm.joints.iter().map(|_| noise.chance(0.2)).collect();
        let (joints, limits) = (arm.joints.len(), arm.limits.clone());
        let world = World::new(noise, arm);
        let mut control =
            Control::new(&config, Some(limits), &slides, STREAMS.to_vec(), world.period, world.now);
        control.calibrate(Some(1.0));
        Self {
            blend: Duration::from_secs_f64(config.gate.blend_ms / 1e3),
            button: config.gate.human.button.is_some(),
            seen: vec![Seen::at([0.0; 3]); joints],
            outside: vec![0.0; joints],
            tip: 0.0,
            command: None,
            rests: true,
            driven: false,
            mode: control.gate().mode(),
            held: 0.0,
            within: 0.0,
            hours: None,
            steady: world.now,
            blamed: false,
            world,
            control,
        }
    }

    fn tick(&mut self) -> anyhow::Result<Outcome> {
        self.world.go_on(self.command.as_deref());
        let (before, lost) = (self.mode, self.lost());
        let outcome = self.control.tick(&self.world.moment());
        self.mode = outcome.mode;
        ensure!(
            outcome.changed == (self.mode != before) && self.mode == self.control.gate().mode(),
            "it says otherwise"
        );
        ensure!(self.control.gate().since() <= self.world.now, "it began later than now");
        self.drives(before, lost)?;
        self.moves(before)?;
        self.follows(before, outcome)?;
        self.rests(before)?;
        self.speaks(outcome)?;
        self.blamed = self.mode == Mode::Policy && outcome.limited.is_fault();
        Ok(outcome)
    }

    /// Whether the robot itself is lost at this tick: nobody hears it, it is blind, or time is wrong.
    fn lost(&mut self) -> bool {
        if !self.world.ages() {
            return false;
        }
        let World { now, monotonic, .. } = self.world;
        let late = |age: Option<Duration>| age.is_none_or(|age| age > BOUND);
        let before = self.hours.replace(Hours { now, monotonic, moved: monotonic });
        let odd = before.is_some_and(|before| {
            if now == before.now {
                self.hours = Some(Hours { now, monotonic, moved: before.moved });
                return monotonic - before.moved > BOUND;
            }
            now < before.now || now.since(before.now) > monotonic - before.monotonic + BOUND
        });
        odd || late(self.world.link) || self.world.told.iter().any(|told| late(*told))
    }

    /// Who may drive.
    fn drives(&self, before: Mode, lost: bool) -> anyhow::Result<()> {
        let world = &self.world;
        let held = match self.mode {
            Mode::Hold(reason) => Some(reason),
            _ => None,
        };
        ensure!(!lost || held.is_some_and(Reason::binds_all), "lost and not held for it");
        ensure!(!world.stop || held.is_some(), "the operator wants it held");
        let silent = |(age, bound): (&Option<Duration>, &Duration)| age.is_none_or(|age| age > *bound);
        let blind = world.streams.iter().zip(&STREAMS).any(silent);
        let late = world.thinking.is_none_or(|age| age > BOUND);
        if self.mode == Mode::Policy {
            ensure!(world.plan == Plan::Due, "it drives without a plan");
            ensure!(!world.ages() || !(blind || late), "it drives blind");
            ensure!(!self.blamed, "it goes on after a wish that is none");
            let graver = matches!(before, Mode::Hold(reason) if reason.gravity() >= 3);
            ensure!(!graver || world.resume || world.released, "nobody let it go on after {before:?}");
            let hand = self.button && world.button == Button::Held;
            ensure!(before != Mode::Human || !hand, "it takes over from a hand");
        }
        ensure!(self.mode != Mode::Human || world.expert.is_some(), "a person who is not there drives");
        Ok(())
    }

    /// What left: a number for each joint, within each limit, from where the robot is after a hold.
    fn moves(&mut self, before: Mode) -> anyhow::Result<()> {
        let joints = &self.world.arm.joints;
        let Some(now) = self.control.command() else {
            ensure!(self.command.is_none() && !self.control.has_driven(), "a command is taken back");
            return Ok(());
        };
        ensure!(now.len() == joints.len() && now.iter().all(|at| at.is_finite()), "{now:?}");
        let released = matches!(before, Mode::Hold(_)) && !matches!(self.mode, Mode::Hold(_)) && self.rests;
        if self.command.is_none() || released {
            let known = |measured: &&Vec<f64>| {
                measured.len() == joints.len() && measured.iter().all(|at| at.is_finite())
            };
            let begin = self.world.measured.as_ref().filter(known).or(self.command.as_ref());
            let mut begin = begin.context("it begins where nobody knows where it is")?.clone();
            // A gripper that is still told what to do goes on pressing.
            for (joint, told) in self.command.iter().flatten().enumerate().filter(|_| self.driven) {
                begin[joint] = if self.world.arm.limits.grips(joint) { *told } else { begin[joint] };
            }
            for ((seen, outside), (at, joint)) in
                self.seen.iter_mut().zip(&mut self.outside).zip(begin.iter().zip(joints))
            {
                *seen = Seen::at([*at, 0.0, 0.0]);
                *outside = beyond(joint, *at);
            }
            self.tip = self.world.arm.outside(&begin);
        }
        let h = self.world.period.as_secs_f64();
        for (number, (at, joint)) in now.iter().zip(joints).enumerate() {
            let seen = self.seen[number].and(*at, h);
            let [position, speed, acceleration, jerk] = seen.broken(joint);
            let out = beyond(joint, *at);
            ensure!(
                !position || out <= self.outside[number].max(0.0) + 1e-12,
                "further out: {seen:?} of {joint:?}"
            );
            ensure!(!(speed || acceleration || jerk), "{:?} of {joint:?}", seen);
            (self.seen[number], self.outside[number]) = (seen, out);
        }
        let tip = self.world.arm.outside(now);
        ensure!(tip <= self.tip + 1e-8, "the tip is {tip} outside of its box, after {}", self.tip);
        self.tip = tip;
        Ok(())
    }

    /// What nothing changed is what the driver wants.
    fn follows(&mut self, before: Mode, outcome: Outcome) -> anyhow::Result<()> {
        if before != self.mode || self.world.now < self.steady {
            self.steady = self.world.now;
        }
        let blended = self.world.now.since(self.steady) > self.blend;
        let wish = match self.mode {
            Mode::Policy => &self.world.planned,
            Mode::Human => &self.world.expert,
            Mode::Hold(_) => return Ok(()),
        };
        ensure!(
            outcome.limited.changed() || !blended || wish.as_deref() == self.control.command(),
            "{wish:?} is not followed"
        );
        Ok(())
    }

    /// Who is held is braked with what he may, and then stays.
    fn rests(&mut self, before: Mode) -> anyhow::Result<()> {
        let now = self.control.command().map(<[f64]>::to_vec);
        let same = now == self.command;
        if matches!(self.mode, Mode::Hold(_)) {
            if !matches!(before, Mode::Hold(_)) {
                let h = self.world.period.as_secs_f64();
                let ticks = |(seen, joint): (&Seen, &Joint)| {
                    let turning = if joint.stops_freely(seen.state) { 1.0 } else { TURNING };
                    turning * (joint.stops_in(seen.state) / h + SLACK)
                };
                self.within = self.seen.iter().zip(&self.world.arm.joints).map(ticks).fold(0.0, f64::max);
                self.held = 0.0;
            }
            self.held += 1.0;
            ensure!(self.control.rests() || self.held <= self.within, "it moves after {} ticks", self.held);
            ensure!(!self.rests || same || self.command.is_none(), "it stood and was moved");
        }
        (self.rests, self.driven) = (self.control.rests(), self.control.has_driven());
        self.command = now;
        Ok(())
    }

    /// Whoever stands beside the robot is told why it is held.
    fn speaks(&self, outcome: Outcome) -> anyhow::Result<()> {
        if !outcome.changed {
            return Ok(());
        }
        let names = Names { streams: vec!["front".to_owned()], joints: self.world.arm.names.clone() };
        let said = self.control.gate().intervention(&names, self.world.now);
        ensure!(said.driver == self.mode.driver(), "{said:?}");
        let plain = said.reason.is_empty() && said.cause == Intervention::CAUSE_NONE;
        ensure!(plain == (self.mode == Mode::Policy), "{said:?}");
        let words = outcome.limited.words(&self.world.arm.limits);
        ensure!(words.is_empty() != outcome.limited.changed(), "{words:?}");
        Ok(())
    }
}

fn beyond(joint: &Joint, at: f64) -> f64 {
    (at - joint.range[1]).max(joint.range[0] - at)
}

/// What the walks came to, so that nobody takes ticks at which nothing happened for a proof.
#[derive(Debug, Default)]
struct Tally {
    ticks: BTreeMap<&'static str, u64>,
    chunks: u64,
    limited: u64,
}

impl Tally {
    fn count(&mut self, outcome: Outcome) {
        let name = match outcome.mode {
            Mode::Policy => "policy",
            Mode::Human => "human",
            Mode::Hold(reason) => reason.name(),
        };
        *self.ticks.entry(name).or_default() += 1;
        self.limited += u64::from(outcome.limited.changed());
    }
}

/// Joints of any kind.
fn any(noise: &mut Noise) -> Arm {
    let joints: Vec<Joint> = (0..1 + noise.below(3)).map(|_| Joint::draw(noise)).collect();
    let (limits, names) = bounded::limits_of(&joints);
    Arm { limits, joints, names, room: None }
}

/// The simulated arm, in a box, with a gripper that feels.
fn boxed(_noise: &mut Noise) -> Arm {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
    let settings = Settings::load(&[file], &[]).expect("it is the package's own");
    let description = settings.description().expect("so is this").expect("the file names one");
    let mut config = settings.control.limits.clone().expect("the file says some");
    let [base, tip] = ["base_link", "tool0"].map(str::to_owned);
    config.workspace = Some(Room { base, tip, corners: Corners(BOX) });
    config.gripper = Some(Gripper { joint: "gripper".to_owned(), effort: Most(15.0) });
    let names = settings.robot.joints;
    let limits = Limits::load(&config, Some(&description), &names).expect("they are complete");
    let chain = Chain::between(&description, "base_link", "tool0").expect("they are of one tree");
    let coordinates = chain.coordinates().iter().map(|joint| ([joint.lower, joint.upper], joint.speed));
    // The description's speed after 50 ms, full acceleration after 20, and no joint faster than the file says.
    let joint = |(range, speed)| Joint {
        range,
        speed: f64::min(speed, 2.1),
        acceleration: 20.0 * speed,
        jerk: 1000.0 * speed,
    };
    let joints = coordinates.chain([([0.0, 0.04], 0.15)]).map(joint).collect();
    Arm { limits, joints, names, room: Some((chain, BOX)) }
}

fn walk(number: u64, of: fn(&mut Noise) -> Arm) -> anyhow::Result<Tally> {
    let mut noise = Noise::of(6, number);
    let arm = of(&mut noise);
    let (mut walk, mut tally) = (Walk::new(noise, arm), Tally::default());
    for tick in 0..TICKS {
        let outcome = walk.tick().with_context(|| format!("walk {number}, tick {tick}: {:?}", walk.mode))?;
        tally.count(outcome);
    }
    tally.chunks = walk.world.chunks;
    Ok(tally)
}

fn walks(numbers: Range<u64>, of: fn(&mut Noise) -> Arm) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    for number in numbers {
        let Tally { ticks, chunks, limited } = walk(number, of)?;
        ticks.into_iter().for_each(|(name, ticks)| *tally.ticks.entry(name).or_default() += ticks);
        (tally.chunks, tally.limited) = (tally.chunks + chunks, tally.limited + limited);
    }
    println!("{tally:?}");
    Ok(tally)
}

#[test]
fn whatever_goes_wrong_whenever_no_limit_is_broken_and_nobody_is_held_without_a_reason() -> anyhow::Result<()>
{
    let tally = walks(0..WALKS, any)?;
    let of = |name: &str| tally.ticks.get(name).copied().unwrap_or_default();
    ensure!(of("policy") > 200_000 && of("human") > 50_000 && tally.limited > 50_000, "{tally:?}");
    ensure!(tally.ticks.len() > 17, "{tally:?}");
    Ok(())
}

#[test]
fn nor_does_the_tip_of_an_arm_leave_its_box() -> anyhow::Result<()> {
    let tally = walks(0..WALKS / 40, boxed)?;
    let of = |name: &str| tally.ticks.get(name).copied().unwrap_or_default();
    ensure!(of("policy") > 5000 && of("human") > 1000 && tally.limited > 2000, "{tally:?}");
    Ok(())
}
