//! A world at work: commands in, physics, and what can be known afterwards.
//!
//! One tick is one period of the robot's control. It takes whole steps of physics, so that time is never rounded and the
//! same seed and the same commands give the same numbers, whoever waits for whom.

use std::sync::Arc;
use std::time::Duration;

use super::conduct::{Conduct, Mind};
use super::disturb::{Disturbance, Disturbed};
use super::drag;
use super::expert::{self, Aim, Style, down};
use super::physics::{Body, Joint, Motor, Physics, Pose};
use super::render::{Eyes, Picture};
use super::world::{Entry, Judgement, Seen, State, TOOL, Thing, World};
use super::{CONDUCTING, DESCRIPTION, Error, JOINTS, LAYING, NAMES, STARTING, STYLING, world};
use crate::arm::{Chain, Description, Search, inverse};
use crate::noise::Noise;

/// How far from its home position a joint may start, rad.
const SCATTER: f64 = 0.04;
/// Where the tool is at home.
pub(super) const HOME: [f64; 3] = [0.27, 0.0, 0.22];
/// How far the fingers are open at home, m.
pub(super) const HOME_GRIPPER: f64 = 0.03;

/// How a scene is lit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Light {
    /// Without shadows: fast.
    #[default]
    Plain,
    /// With shadows and smooth edges: for a slide.
    Fine,
}

/// A world at work.
#[derive(Debug)]
pub struct Simulation {
    entry: &'static Entry,
    physics: Physics,
    world: Box<dyn World>,
    chain: Arc<Chain>,
    joints: [Joint; JOINTS],
    motors: [Motor; JOINTS],
    /// The least and the greatest position of each joint.
    ranges: [(f64, f64); JOINTS],
    tool: Body,
    hand: Body,
    home: [f64; JOINTS],
    steps: usize,
    eyes: Eyes,
    disturbance: Disturbance,
    disturbed: Disturbed,
    style: Style,
    conduct: Conduct,
    mind: Mind,
    state: State,
    /// Whether the motors are off, so that a hand can move the arm.
    limp: bool,
    seed: u64,
    ticks: u64,
}

impl Simulation {
    /// Opens a world by its name; `tick` is the period of control, whole steps of physics.
    pub fn open(name: &str, tick: Duration, light: Light) -> Result<Self, Error> {
        let entry = world(name)?;
        let light = match light {
            Light::Plain => include_str!("../../scenes/plain.xml"),
            Light::Fine => include_str!("../../scenes/fine.xml"),
        };
        let table = include_str!("../../scenes/table.xml");
        let physics = Physics::build(&[
            ("scene.xml", entry.scene),
            ("table.xml", table),
            ("picking.xml", include_str!("../../scenes/picking.xml")),
            ("light.xml", light),
            ("sim_arm.urdf", DESCRIPTION),
        ])?;
        let steps = (tick.as_secs_f64() / physics.step_seconds()).round();
        if steps < 1.0 || (steps * physics.step_seconds() - tick.as_secs_f64()).abs() > 1e-9 {
            return Err(Error::Tick { tick, step_s: physics.step_seconds() });
        }
        let arm = Description::parse(DESCRIPTION, "sim_arm.urdf")?;
        let chain = Chain::between(&arm, "base_link", "tool0")?;
        let (mut joints, mut motors, mut ranges) = (Vec::new(), Vec::new(), Vec::new());
        for name in NAMES {
            joints.push(physics.joint(name)?);
            motors.push(physics.motor(name)?);
            let limit = arm.joint(name)?.limit.as_ref();
            ranges.push(limit.map_or((f64::NEG_INFINITY, f64::INFINITY), |limit| (limit.lower, limit.upper)));
        }
        let home = home(&chain);
        let mut simulation = Self {
            world: (entry.open)(&physics)?,
            tool: physics.body("tool0")?,
            hand: physics.body("hand")?,
            joints: array(joints),
            motors: array(motors),
            ranges: array(ranges),
            state: blank(),
            eyes: Eyes::default(),
            disturbance: Disturbance::default(),
            disturbed: Disturbed::new(Disturbance::default(), 0),
            style: Style::plain(true),
            conduct: Conduct::default(),
            mind: Mind::Task,
            limp: false,
            chain: Arc::new(chain),
            steps: steps as usize,
            seed: 0,
            ticks: 0,
            entry,
            physics,
            home,
        };
        simulation.reset(0);
        Ok(simulation)
    }

    /// Begins the episode of `seed`.
    pub fn reset(&mut self, seed: u64) {
        self.seed = seed;
        self.ticks = 0;
        self.physics.reset();
        self.let_go();
        self.style = Style::draw(&mut Noise::of(seed, STYLING));
        self.mind = Mind::draw(self.conduct, &mut Noise::of(seed, CONDUCTING));
        self.disturbed = Disturbed::new(self.disturbance, seed);
        let mut start = Noise::of(seed, STARTING);
        for joint in 0..JOINTS {
            let scatter = if joint == JOINTS - 1 { 0.0 } else { start.within(-SCATTER..SCATTER) };
            let at = self.home[joint] + scatter;
            self.physics.set_position(self.joints[joint], at);
            self.physics.drive(self.motors[joint], at);
            self.state.targets[joint] = at;
        }
        if let Ok(mirror) = self.physics.joint("gripper_mirror") {
            self.physics.set_position(mirror, self.home[JOINTS - 1]);
        }
        self.world.reset(&mut self.physics, &mut Noise::of(seed, LAYING));
        self.physics.settle();
        self.look_around();
    }

    /// One tick of control: the joints are told `command`, in the order of [`NAMES`], and time passes.
    ///
    /// A number that is none is not passed on: that joint is told what it was told before.
    pub fn step(&mut self, command: &[f64; JOINTS]) {
        let mut told = *command;
        for (joint, told) in told.iter_mut().enumerate() {
            let (lower, upper) = self.ranges[joint];
            *told = if told.is_finite() { told.clamp(lower, upper) } else { self.state.targets[joint] };
        }
        let tick = self.tick().as_secs_f64();
        let arrived = self.disturbed.arriving(told, self.state.targets, tick);
        // What was said counts, not what became of it on the way: an expert goes on from his own words.
        self.state.targets = told;
        for (joint, told) in arrived.into_iter().enumerate() {
            let (lower, upper) = self.ranges[joint];
            self.physics.drive(self.motors[joint], told.clamp(lower, upper));
        }
        self.pass(tick);
    }

    /// One tick in which the expert takes the arm by its hand and moves it; the arm has to be limp.
    pub fn drag(&mut self) {
        let (aim, tick) = (self.aim(), self.tick().as_secs_f64());
        let efforts = drag::pull(&self.chain, &self.state, &aim, &self.style, tick);
        for (joint, effort) in self.joints.into_iter().zip(efforts) {
            self.physics.push(joint, effort);
        }
        self.pass(tick);
    }

    /// Makes the arm limp, or stiff again where it is then.
    ///
    /// Its weight stays carried: an arm that is taught does not fall.
    pub fn set_limp(&mut self, limp: bool) {
        self.limp = limp;
        self.physics.power(!limp);
        if !limp {
            self.let_go();
            self.hold_on();
        }
    }

    /// Whether the arm is limp.
    pub fn limp(&self) -> bool {
        self.limp
    }

    /// Nobody holds the arm any more.
    fn let_go(&mut self) {
        for joint in self.joints {
            self.physics.push(joint, 0.0);
        }
    }

    /// Tells the motors to be where the arm is.
    fn hold_on(&mut self) {
        for joint in 0..JOINTS {
            let (lower, upper) = self.ranges[joint];
            let at = self.physics.position(self.joints[joint]);
            self.physics.drive(self.motors[joint], at.clamp(lower, upper));
            self.state.targets[joint] = self.physics.driven(self.motors[joint]);
        }
    }

    fn pass(&mut self, tick: f64) {
        if self.limp {
            self.hold_on();
        }
        self.disturbed.push(&mut self.physics, self.hand, self.world.pushed(), tick);
        self.physics.steps(self.steps);
        self.world.tick(&mut self.physics);
        self.ticks += 1;
        self.look_around();
    }

    fn look_around(&mut self) {
        self.state.time = self.physics.time();
        for joint in 0..JOINTS {
            self.state.joints[joint] = self.physics.position(self.joints[joint]);
            self.state.speeds[joint] = self.physics.speed(self.joints[joint]);
            self.state.efforts[joint] = self.physics.effort(self.joints[joint]);
        }
        self.state.tool = self.physics.pose(self.tool);
        self.state.things = self.world.things(&self.physics);
        self.state.things.push(Thing { name: TOOL, seen: Seen::Pose(self.state.tool) });
    }

    /// Where the expert would bring the tool next.
    fn aim(&self) -> Aim {
        self.mind.aim(self.state.time, || self.world.aim(&self.state, &self.style))
    }

    /// What the expert of this world would tell the joints now.
    pub fn expert(&self) -> [f64; JOINTS] {
        expert::steer(&self.chain, &self.state, &self.aim(), &self.style, self.tick().as_secs_f64())
    }

    /// Everything as it is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Everything as it is measured: with the noise that is asked for. It is drawn anew at each call.
    pub fn measure(&mut self) -> State {
        let mut state = self.state.clone();
        for joint in &mut state.joints {
            *joint += self.disturbed.measured();
        }
        // Nobody measures a tool: where it is follows from the joints.
        state.tool = self.chain.pose(&state.joints);
        for thing in &mut state.things {
            if thing.name == TOOL {
                thing.seen = Seen::Pose(state.tool);
            } else if let Seen::Pose(pose) = &mut thing.seen {
                for axis in pose.translation.vector.iter_mut() {
                    *axis += 0.1 * self.disturbed.measured();
                }
            }
        }
        state
    }

    /// How the episode stands; in play nothing is to be done, and nothing is.
    pub fn judge(&self) -> Judgement {
        match self.mind {
            Mind::Play(_) => Judgement { success: false, score: 0.0, settled: false },
            Mind::Task | Mind::Slips(_) => self.world.judge(&self.physics, &self.state),
        }
    }

    /// Whether the episode's time is up, or nothing would change how it ends.
    pub fn over(&self) -> bool {
        let limit = match &self.mind {
            Mind::Play(play) => play.seconds(),
            Mind::Task | Mind::Slips(_) => self.entry.limit.as_secs_f64(),
        };
        self.state.time >= limit || self.judge().settled || self.physics.ran_away()
    }

    /// How the expert goes about it from the next reset on.
    pub fn set_conduct(&mut self, conduct: Conduct) {
        self.conduct = conduct;
    }

    /// What is made to go wrong, from the next reset on as from now.
    pub fn disturb(&mut self, disturbance: Disturbance) {
        self.disturbance = disturbance;
        self.disturbed.what = disturbance;
    }

    /// What is made to go wrong.
    pub fn disturbance(&self) -> Disturbance {
        self.disturbance
    }

    /// What the camera of that name sees now.
    pub fn picture(&mut self, camera: &str, size: [u32; 2]) -> Result<Picture, Error> {
        self.eyes.look(&mut self.physics, camera, size)
    }

    /// The world this is.
    pub fn entry(&self) -> &'static Entry {
        self.entry
    }

    /// The period of control.
    pub fn tick(&self) -> Duration {
        Duration::from_secs_f64(self.steps as f64 * self.physics.step_seconds())
    }

    /// How many ticks passed since the reset.
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// The seed of this episode.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How the expert of this episode differs from others.
    pub fn style(&self) -> &Style {
        &self.style
    }

    /// The arm from its base to its tool.
    pub fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// The least and the greatest position of each joint.
    pub fn ranges(&self) -> &[(f64, f64); JOINTS] {
        &self.ranges
    }

    /// The physics below, for who wants to do what no world foresees.
    pub fn physics(&mut self) -> &mut Physics {
        &mut self.physics
    }
}

/// The joints of the arm with its tool at [`HOME`], pointing down.
fn home(chain: &Chain) -> [f64; JOINTS] {
    let [x, y, z] = HOME;
    let from = [0.0, -0.3, 0.6, 1.2, 0.0, 0.0];
    let solution = inverse::solve(chain, &down(x, y, z, 0.0), &from, &Search::default());
    let mut home = [HOME_GRIPPER; JOINTS];
    home[..JOINTS - 1].copy_from_slice(&solution.positions[..JOINTS - 1]);
    home
}

fn array<T: Copy + std::fmt::Debug>(items: Vec<T>) -> [T; JOINTS] {
    items.try_into().expect("there is one for each name")
}

fn blank() -> State {
    let zeros = [0.0; JOINTS];
    let (joints, speeds, efforts, targets) = (zeros, zeros, zeros, zeros);
    State { time: 0.0, joints, speeds, efforts, targets, tool: Pose::identity(), things: Vec::new() }
}
