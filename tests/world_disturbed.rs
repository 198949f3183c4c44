//! What is made to go wrong does go wrong, by as much as was asked for, and in every attempt.
//!
//! A disturbance that does nothing looks like a policy that bears everything. So an attempt with it is held against the same one
//! without it, and the difference against what the size of the disturbance lets expect.
#![cfg(feature = "sim")]

use std::time::Duration;

use apprentice::sim::{Disturbance, JOINTS, Light, NAMES, Seen, Simulation, State, WORLDS};
use nalgebra::{Matrix2, Vector3};

const TICK: Duration = Duration::from_millis(10);
/// How many ticks of an attempt are looked at, at most.
const MOST: usize = 45;
/// What the servos of the arm do about a deviation, N·m/rad: as `scenes/table.xml` has them.
const STIFFNESS: [f64; JOINTS - 1] = [500.0, 700.0, 400.0, 80.0, 60.0, 30.0];

fn open(name: &str, disturbance: Disturbance) -> anyhow::Result<Simulation> {
    let mut world = Simulation::open(name, TICK, Light::Plain)?;
    world.disturb(disturbance);
    Ok(world)
}

/// The expert's attempt from `seed`: every state of it, or of its beginning where it is long.
fn attempt(world: &mut Simulation, seed: u64) -> Vec<State> {
    world.reset(seed);
    let mut states = vec![world.state().clone()];
    while !world.over() && states.len() < MOST {
        let command = world.expert();
        world.step(&command);
        states.push(world.state().clone());
    }
    states
}

/// The same with an arm that is told to stay where it is, for so many ticks.
fn stillness(world: &mut Simulation, seed: u64, ticks: usize) -> Vec<State> {
    world.reset(seed);
    let still = world.state().targets;
    let mut states = Vec::new();
    for _ in 0..ticks {
        world.step(&still);
        states.push(world.state().clone());
    }
    states
}

/// The farthest that anything known of the two ways lies apart, m: the tool alone, or the things besides it.
fn apart(one: &[State], other: &[State], of_tool: bool) -> f64 {
    let places = |state: &State| -> Vec<Vector3<f64>> {
        let (tool, things) = state.things.split_last().expect("the tool is always known");
        let known = if of_tool { std::slice::from_ref(tool) } else { things };
        let poses = known.iter().filter_map(|thing| match &thing.seen {
            Seen::Pose(pose) => Some(pose.translation.vector),
            Seen::Numbers(_) => None,
        });
        poses.collect()
    };
    let off = one.iter().zip(other).flat_map(|(one, other)| {
        let pairs = places(one).into_iter().zip(places(other));
        pairs.map(|(one, other)| (one - other).norm()).collect::<Vec<_>>()
    });
    off.fold(0.0, f64::max)
}

fn deviation(off: &[f64]) -> f64 {
    (off.iter().map(|off| off * off).sum::<f64>() / off.len() as f64).sqrt()
}

#[test]
fn noise_on_what_is_measured_has_the_size_asked_for_and_moves_nothing() -> anyhow::Result<()> {
    let sensor = 0.02;
    for entry in WORLDS {
        let plain = attempt(&mut open(entry.name, Disturbance::default())?, 3);
        let mut world = open(entry.name, Disturbance { sensor, ..Disturbance::default() })?;
        assert!(plain == attempt(&mut world, 3), "{}: who is not deceived goes the same way", entry.name);
        let (mut joints, mut places) = (Vec::new(), Vec::new());
        for _ in 0..1000 {
            let (measured, state) = (world.measure(), world.state());
            joints.extend((0..JOINTS).map(|joint| measured.joints[joint] - state.joints[joint]));
            let (_, things) = state.things.split_last().expect("the tool is always known");
            for (measured, thing) in measured.things.iter().zip(things) {
                if let (Seen::Pose(measured), Seen::Pose(pose)) = (&measured.seen, &thing.seen) {
                    places.extend((measured.translation.vector - pose.translation.vector).iter());
                }
            }
        }
        for (what, off, wanted) in [("joints", joints, sensor), ("places", places, 0.1 * sensor)] {
            let found = deviation(&off);
            assert!((found / wanted - 1.0).abs() < 0.05, "{}, {what}: {found}, not {wanted}", entry.name);
        }
    }
    Ok(())
}

#[test]
fn noise_on_what_is_done_has_the_size_asked_for() -> anyhow::Result<()> {
    let action = 0.02;
    let mut world = open("reach", Disturbance { action, ..Disturbance::default() })?;
    let motors = NAMES.map(|name| world.physics().motor(name).expect("there is one for each joint"));
    world.reset(1);
    let told = world.state().targets;
    let mut off = vec![Vec::new(); JOINTS];
    let mut ways = Vec::new();
    for _ in 0..1000 {
        world.step(&told);
        assert_eq!(world.state().targets, told, "what was said counts, not what became of it");
        for (joint, motor) in motors.iter().enumerate() {
            off[joint].push(world.physics().driven(*motor) - told[joint]);
        }
        ways.push(world.state().joints[0] - told[0]);
    }
    for (joint, off) in off.iter().enumerate() {
        // The fingers travel centimetres where joints turn radians.
        let wanted = if joint == JOINTS - 1 { 0.02 * action } else { action };
        let found = deviation(off);
        assert!((found / wanted - 1.0).abs() < 0.1, "{}: {found}, not {wanted}", NAMES[joint]);
    }
    let moved = deviation(&ways);
    assert!(moved > 0.05 * action && moved < action, "a servo follows noise a little: {moved} rad");
    Ok(())
}

#[test]
fn commands_come_as_late_as_asked_for() -> anyhow::Result<()> {
    let mut world = open("reach", Disturbance { latency: 0.05, ..Disturbance::default() })?;
    let motor = world.physics().motor(NAMES[0])?;
    world.reset(1);
    let start = world.state().targets;
    let told = |tick: usize| start[0] + 0.001 * tick as f64;
    for tick in 1..=50 {
        let mut command = start;
        command[0] = told(tick);
        world.step(&command);
        let arrived = world.physics().driven(motor);
        assert_eq!(arrived, told(tick.saturating_sub(5)), "tick {tick}: that of five ticks before");
    }
    Ok(())
}

/// How far a push of a newton brings the tool that servos hold, m, on average over the directions in the plane: J K⁻¹ Jᵀ.
fn compliance(world: &Simulation) -> f64 {
    let (_, jacobian) = world.chain().jacobian(&world.state().joints[..JOINTS - 1]);
    let mut sum = Matrix2::zeros();
    for (joint, stiffness) in STIFFNESS.iter().enumerate() {
        let along = jacobian.fixed_view::<2, 1>(0, joint);
        sum += along * along.transpose() / *stiffness;
    }
    (sum.trace() / 2.0).abs()
}

#[test]
fn every_held_arm_is_pushed_at_once_and_as_far_as_its_servos_give() -> anyhow::Result<()> {
    const SEEDS: u64 = 40;
    for entry in WORLDS {
        let mut plain = open(entry.name, Disturbance::default())?;
        let push = |push: f64| open(entry.name, Disturbance { push, ..Disturbance::default() });
        let mut pushed = [push(5.0)?, push(10.0)?];
        let (mut tools, mut others, mut gives) = ([0.0; 2], 0, 0.0);
        for seed in 0..SEEDS {
            let undisturbed = stillness(&mut plain, seed, MOST);
            let ways = pushed.each_mut().map(|world| stillness(world, seed, MOST));
            let [tool, double] = ways.each_ref().map(|way| apart(&undisturbed, way, true));
            let other = apart(&undisturbed, &ways[1], false);
            assert!(tool > 1e-4 || other > 1e-3, "{}: seed {seed} is not pushed", entry.name);
            if tool > 1e-4 {
                gives += compliance(&plain);
                tools[0] += tool;
                tools[1] += double;
            }
            others += u64::from(other > 1e-3);
        }
        // A tenth of a second brings the tool to three quarters of where it would rest.
        let (share, doubled) = (tools[0] / (5.0 * gives), tools[1] / tools[0]);
        assert!((0.65..0.85).contains(&share), "{}: {share} of what servos give", entry.name);
        assert!((1.9..2.1).contains(&doubled), "{}: {doubled} times as far by twice the force", entry.name);
        let handled = matches!(entry.name, "push" | "pick");
        let as_often = if handled { SEEDS / 4..3 * SEEDS / 4 } else { 0..1 };
        assert!(as_often.contains(&others), "{}: {others} of {SEEDS} push what is handled", entry.name);
    }
    Ok(())
}

#[test]
fn nearly_every_attempt_of_an_expert_is_pushed_before_it_is_over() -> anyhow::Result<()> {
    const SEEDS: u64 = 20;
    for entry in WORLDS {
        let mut plain = open(entry.name, Disturbance::default())?;
        let mut world = open(entry.name, Disturbance { push: 60.0, ..Disturbance::default() })?;
        let mut off = Vec::new();
        for seed in 0..SEEDS {
            let (undisturbed, disturbed) = (attempt(&mut plain, seed), attempt(&mut world, seed));
            off.push(apart(&undisturbed, &disturbed, true).max(apart(&undisturbed, &disturbed, false)));
        }
        let pushed = off.iter().filter(|off| **off > 5e-3).count();
        // An attempt of `reach` that begins at its end is over at once.
        assert!(pushed * 20 >= off.len() * 19, "{}: {pushed} of {}: {off:.4?}", entry.name, off.len());
    }
    Ok(())
}
