//! The limits that are about more than one joint's numbers: the tip's box, the gripper's grip, and wishes that are none.
//!
//! The arm is the simulated one, with the numbers of its own file, so that these hold for limits somebody uses.

use std::path::Path;
use std::time::Duration;

use apprentice::arm::{Chain, Description};
use apprentice::config::Settings;
use apprentice::control::limits::{Bound, Config, Corners, Error, Going, Gripper, Limits, Most, Room};
use apprentice::noise::Noise;

const TICK: Duration = Duration::from_millis(10);
/// The arm as it stands in the worlds of the simulator: the tool in front of it.
const READY: [f64; 7] = [0.0, 0.3, 0.6, 0.6, 0.0, 0.0, 0.02];
const BOX: [[f64; 3]; 2] = [[0.15, -0.35, 0.05], [0.6, 0.35, 0.7]];

struct Arm {
    config: Config,
    description: Description,
    joints: Vec<String>,
    chain: Chain,
}

impl Arm {
    fn load() -> anyhow::Result<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/sim_arm.yaml");
        let settings = Settings::load(&[file], &[])?;
        let description = settings.description()?.expect("the file names one");
        let config = settings.control.limits.clone().expect("the file says some");
        let chain = Chain::between(&description, "base_link", "tool0")?;
        Ok(Self { config, description, joints: settings.robot.joints, chain })
    }

    fn limits(&self) -> Result<Limits, Error> {
        Limits::load(&self.config, Some(&self.description), &self.joints)
    }

    fn boxed(mut self) -> Self {
        let [base, tip] = ["base_link", "tool0"].map(str::to_owned);
        self.config.workspace = Some(Room { base, tip, corners: Corners(BOX) });
        self
    }

    /// How far the tip is outside of the box.
    fn outside(&self, positions: &[f64]) -> f64 {
        let tip = self.chain.pose(positions).translation.vector;
        let over = (0..3).map(|axis| (BOX[0][axis] - tip[axis]).max(tip[axis] - BOX[1][axis]));
        over.fold(f64::NEG_INFINITY, f64::max)
    }

    /// A wish within the joints' limits.
    fn wish(&self, noise: &mut Noise) -> Vec<f64> {
        let mut wish: Vec<f64> =
            self.chain.coordinates().iter().map(|joint| noise.within(joint.lower..joint.upper)).collect();
        wish.push(noise.within(0.0..0.04));
        wish
    }
}

fn at(going: &Going) -> &[f64] {
    going.position().expect("it has begun")
}

#[test]
fn a_tip_in_its_box_stays_there_whatever_is_wanted() -> anyhow::Result<()> {
    let arm = Arm::load()?.boxed();
    let limits = arm.limits()?;
    let (mut noise, mut held, mut out) = (Noise::new(1), 0, 0.0_f64);
    for _ in 0..60 {
        let mut going = Going::new(&limits);
        let begin = loop {
            let begin = arm.wish(&mut noise);
            if arm.outside(&begin) < -0.01 {
                break begin;
            }
        };
        assert!(going.begin(&begin));
        let mut want = begin;
        for _ in 0..300 {
            if noise.chance(0.03) {
                want = arm.wish(&mut noise);
            }
            let limited = limits.apply(&mut going, &want, TICK);
            held += u32::from(limited.bound() == Some(Bound::Workspace));
            out = out.max(arm.outside(at(&going)));
        }
    }
    assert!(held > 1000, "the walls are met: {held} times");
    assert!(out <= 1e-8, "{out} m outside");
    Ok(())
}

/// With ticks of any lengths a stop is not quite the one that was looked at.
#[test]
fn uneven_ticks_bring_a_tip_out_of_its_box_by_no_more_than_it_moves_in_one() -> anyhow::Result<()> {
    let arm = Arm::load()?.boxed();
    let limits = arm.limits()?;
    let (mut noise, mut worst) = (Noise::new(2), 0.0_f64);
    for _ in 0..60 {
        let mut going = Going::new(&limits);
        assert!(going.begin(&READY));
        let mut want = READY.to_vec();
        for _ in 0..300 {
            if noise.chance(0.03) {
                want = arm.wish(&mut noise);
            }
            limits.apply(&mut going, &want, TICK.mul_f64(noise.within(0.8..1.2)));
            worst = worst.max(arm.outside(at(&going)));
        }
    }
    assert!(worst < 0.01, "{worst} m outside, where the tip moves up to 2 m/s");
    Ok(())
}

#[test]
fn a_tip_outside_of_its_box_comes_in_and_goes_no_further_out() -> anyhow::Result<()> {
    let arm = Arm::load()?.boxed();
    let limits = arm.limits()?;
    let mut noise = Noise::new(3);
    for _ in 0..40 {
        let begin = loop {
            let begin = arm.wish(&mut noise);
            if (0.0..0.2).contains(&arm.outside(&begin)) {
                break begin;
            }
        };
        let mut going = Going::new(&limits);
        assert!(going.begin(&begin));
        let mut before = arm.outside(&begin);
        for step in 0..200 {
            let want = if step < 50 { arm.wish(&mut noise) } else { READY.to_vec() };
            limits.apply(&mut going, &want, TICK);
            let now = arm.outside(at(&going)).max(0.0);
            assert!(now <= before + 1e-8, "from {before} to {now} outside");
            before = now;
        }
    }
    Ok(())
}

#[test]
fn a_gripper_that_presses_enough_may_open_and_not_close() -> anyhow::Result<()> {
    let mut arm = Arm::load()?;
    arm.config.gripper = Some(Gripper { joint: "gripper".to_owned(), effort: Most(10.0) });
    let limits = arm.limits()?;
    assert_eq!(limits.gripper(), Some(6));
    let mut going = Going::new(&limits);
    assert!(going.begin(&READY));
    let (mut closed, mut opened) = (READY, READY);
    (closed[6], opened[6]) = (0.0, 0.03);
    for _ in 0..10 {
        limits.apply(&mut going, &closed, TICK);
    }
    going.feel(-11.0);
    let limited = limits.apply(&mut going, &closed, TICK);
    assert_eq!((limited.bound(), limited.joint()), (Some(Bound::Gripper), Some(6)));
    assert_eq!(limited.words(&limits), "gripper closes with as much force as it may");
    for _ in 0..30 {
        limits.apply(&mut going, &closed, TICK);
    }
    let pressing = at(&going)[6];
    assert!(pressing > 0.0 && going.rests(), "{pressing}");
    limits.apply(&mut going, &closed, TICK);
    assert_eq!(at(&going)[6], pressing, "no further");
    for _ in 0..100 {
        limits.apply(&mut going, &opened, TICK);
    }
    assert_eq!(at(&going)[6], 0.03, "it opens");
    going.feel(f64::NAN);
    for _ in 0..100 {
        limits.apply(&mut going, &closed, TICK);
    }
    assert_eq!(at(&going)[6], 0.0, "nothing is felt");
    Ok(())
}

#[test]
fn a_wish_that_is_none_brakes_the_robot_and_is_named() -> anyhow::Result<()> {
    let mut arm = Arm::load()?;
    arm.config.jump = Some(apprentice::control::limits::Each::All(Most(0.5)));
    let limits = arm.limits()?;
    let mut going = Going::new(&limits);
    let unbegun = limits.apply(&mut going, &READY, TICK);
    assert_eq!((unbegun.bound(), going.position()), (Some(Bound::Nowhere), None));
    assert!(!going.begin(&READY[1..]) && !going.begin(&[f64::NAN; 7]) && going.begin(&READY));

    let mut near = READY;
    near[2] += 0.4;
    for _ in 0..10 {
        assert!(!limits.apply(&mut going, &near, TICK).is_fault());
    }
    let mut far = READY;
    far[1] += 0.6;
    let jump = limits.apply(&mut going, &far, TICK);
    assert!(jump.is_fault() && jump.changed());
    assert_eq!(jump.words(&limits), "shoulder_lift was to be somewhere far away at once");
    let mut none = READY;
    none[3] = f64::NAN;
    assert_eq!(
        limits.apply(&mut going, &none, TICK).words(&limits),
        "what wrist_pitch was to do is no number"
    );
    let short = limits.apply(&mut going, &READY[1..], TICK);
    assert_eq!(short.words(&limits), "a command has not one number for each of 7 joints");
    for _ in 0..100 {
        limits.brake(&mut going, TICK);
    }
    let stopped = at(&going).to_vec();
    assert!(going.rests() && !limits.brake(&mut going, TICK).changed());
    assert_eq!(at(&going), stopped);
    Ok(())
}

#[test]
fn ticks_too_short_to_count_are_put_together_and_long_ones_are_cut() -> anyhow::Result<()> {
    let arm = Arm::load()?;
    let limits = arm.limits()?;
    let (mut one, mut other) = (Going::new(&limits), Going::new(&limits));
    assert!(one.begin(&READY) && other.begin(&READY));
    let want = [0.3; 7];
    for _ in 0..40 {
        limits.apply(&mut one, &want, Duration::from_millis(1));
        for _ in 0..4 {
            limits.apply(&mut other, &want, Duration::from_micros(250));
        }
    }
    assert!(at(&one).iter().zip(at(&other)).all(|(one, other)| (one - other).abs() < 0.02));
    assert!(at(&other)[0] > 0.0);
    let mut late = one.clone();
    limits.apply(&mut one, &want, Duration::from_millis(100));
    limits.apply(&mut late, &want, Duration::from_secs(1000));
    assert_eq!(one, late);
    Ok(())
}

#[test]
fn limits_that_nobody_says_are_asked_for_in_words() -> anyhow::Result<()> {
    let arm = Arm::load()?;
    let refused = |config: &Config, description| {
        Limits::load(config, description, &arm.joints).expect_err("something is missing").to_string()
    };
    let nothing = refused(&Config::default(), None);
    assert!(nothing.contains("limits of position of shoulder_pan, shoulder_lift"), "{nothing}");
    let unsaid = refused(&Config::default(), Some(&arm.description));
    assert!(unsaid.contains("`control.limits.acceleration: {shoulder_pan: 8, "), "{unsaid}");
    let config =
        Config { acceleration: Some(apprentice::control::limits::Each::All(Most(8.0))), ..Config::default() };
    let unsaid = refused(&config, Some(&arm.description));
    assert!(unsaid.contains("`control.limits.jerk: {shoulder_pan: 80, "), "{unsaid}");
    let boxed = Arm::load()?.boxed();
    let few = Limits::load(&boxed.config, Some(&boxed.description), &boxed.joints[1..])
        .expect_err("the pan is not there");
    assert!(few.to_string().contains("the workspace needs the joint \"shoulder_pan\""), "{few}");
    Ok(())
}
