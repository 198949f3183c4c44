//! What every world keeps to, one list of cases over the registry.
//!
//! Experts must be right nearly always, because everything that is learned is learned from them; seeds must repeat to the
//! byte, because two policies are compared on the same ones.
#![cfg(feature = "sim")]

#[path = "support/skipped.rs"]
mod skipped;

use std::time::Duration;

use apprentice::sim::{Conduct, Disturbance, JOINTS, Light, Seen, Simulation, State, WORLDS, expert};
use skipped::skipped;

const TICK: Duration = Duration::from_millis(10);
/// Attempts of each expert.
const ATTEMPTS: u64 = 200;

/// Runs the expert from `seed` to the end and gives back every state.
fn attempt(world: &mut Simulation, seed: u64) -> Vec<State> {
    world.reset(seed);
    let mut states = vec![world.state().clone()];
    while !world.over() {
        let command = world.expert();
        world.step(&command);
        states.push(world.state().clone());
    }
    states
}

#[test]
fn experts_succeed() -> anyhow::Result<()> {
    for entry in WORLDS {
        let bar = if entry.name == "push" { 0.85 } else { 0.98 };
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        let (mut failed, mut seconds, mut left) = (Vec::new(), 0.0, 0);
        for seed in 0..ATTEMPTS {
            attempt(&mut world, seed);
            seconds += world.state().time;
            left += u32::from(world.style().left);
            if !world.judge().success {
                failed.push(seed);
            }
        }
        let share = 1.0 - failed.len() as f64 / ATTEMPTS as f64;
        let (name, average) = (entry.name, seconds / ATTEMPTS as f64);
        println!("{name}: {share} of {ATTEMPTS}, {average:.2} s on average, failed: {failed:?}");
        assert!(share >= bar, "{name}: {share} is under {bar}; failed: {failed:?}");
        assert!((60..140).contains(&left), "{name}: {left} of {ATTEMPTS} prefer the left");
    }
    Ok(())
}

#[test]
fn whoever_does_nothing_fails() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, Duration::from_millis(50), Light::Plain)?;
        let mut successes = 0;
        for seed in 0..20 {
            world.reset(seed);
            let still = world.state().targets;
            while !world.over() {
                world.step(&still);
            }
            successes += u32::from(world.judge().success);
        }
        assert_eq!(successes, 0, "{}", entry.name);
    }
    Ok(())
}

#[test]
fn seeds_repeat_to_the_byte() -> anyhow::Result<()> {
    for entry in WORLDS {
        let disturbance = Disturbance { sensor: 0.001, action: 0.002, latency: 0.02, push: 3.0 };
        let mut worlds = [
            Simulation::open(entry.name, TICK, Light::Plain)?,
            Simulation::open(entry.name, TICK, Light::Plain)?,
        ];
        for (place, world) in worlds.iter_mut().enumerate() {
            world.disturb(disturbance);
            // What was before a reset leaves no trace.
            if place == 1 {
                attempt(world, 99);
            }
        }
        let [first, second] = worlds.each_mut().map(|world| attempt(world, 5));
        assert_eq!(first, second, "{}", entry.name);
        let [first, second] = worlds.each_mut().map(|world| world.measure());
        assert_eq!(first, second, "{}: what is measured", entry.name);
        let other = attempt(&mut worlds[0], 6);
        assert_ne!(other[0].joints, second.joints, "{}: another seed is another episode", entry.name);
    }
    Ok(())
}

/// The greatest step of a command in an attempt, against what the joint may do in a tick.
#[test]
fn what_is_observed_and_commanded_keeps_to_the_arms_limits() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        for seed in 0..10 {
            let states = attempt(&mut world, seed);
            for state in &states {
                for joint in 0..JOINTS {
                    let (lower, upper) = world.ranges()[joint];
                    let slack = 0.02;
                    let at = state.joints[joint];
                    assert!(
                        at > lower - slack && at < upper + slack,
                        "{}: joint {joint} at {at}",
                        entry.name
                    );
                }
                for thing in &state.things {
                    let sound = match &thing.seen {
                        Seen::Pose(pose) => {
                            pose.translation.vector.norm() < 3.0 && pose.rotation.norm() > 0.99
                        }
                        Seen::Numbers(numbers) => numbers.iter().all(|number| number.is_finite()),
                    };
                    assert!(sound, "{}: {thing:?}", entry.name);
                }
            }
            let names = |state: &State| state.things.iter().map(|thing| thing.name).collect::<Vec<_>>();
            assert!(states.windows(2).all(|pair| names(&pair[0]) == names(&pair[1])), "{}", entry.name);
            for pair in states.windows(2) {
                for (joint, known) in world.chain().coordinates().iter().enumerate() {
                    let step = (pair[1].targets[joint] - pair[0].targets[joint]).abs();
                    let most = known.speed * TICK.as_secs_f64() * 1.001;
                    assert!(
                        step <= most,
                        "{}: {} is told {step} in a tick, over {most}",
                        entry.name,
                        known.name
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn an_expert_can_be_asked_anywhere() -> anyhow::Result<()> {
    use apprentice::noise::Noise;
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        let mut noise = Noise::new(1);
        for seed in 0..5 {
            world.reset(seed);
            for _ in 0..100 {
                let mut command = world.state().targets;
                command.iter_mut().for_each(|told| *told += 0.05 * noise.normal());
                world.step(&command);
                let asked = world.expert();
                assert_eq!(asked, world.expert(), "{}: it has no memory", entry.name);
                assert!(asked.iter().all(|told| told.is_finite()), "{}: {asked:?}", entry.name);
            }
        }
    }
    Ok(())
}

#[test]
fn a_number_that_is_none_moves_nothing() -> anyhow::Result<()> {
    let mut world = Simulation::open("reach", TICK, Light::Plain)?;
    world.reset(3);
    let before = world.state().targets;
    world.step(&[f64::NAN; JOINTS]);
    world.step(&[f64::INFINITY; JOINTS]);
    assert_eq!(world.state().targets, before);
    Ok(())
}

#[test]
fn a_limp_arm_stays_where_it_is_let_go_and_is_dragged_to_its_aim() -> anyhow::Result<()> {
    let mut world = Simulation::open("reach", TICK, Light::Plain)?;
    let mut successes = 0;
    for seed in 0..20 {
        world.reset(seed);
        let before = world.state().joints;
        world.set_limp(true);
        for _ in 0..100 {
            world.step(&[0.0; JOINTS]);
        }
        let moved = world.state().joints.iter().zip(before).map(|(now, then)| (now - then).abs());
        let moved = moved.fold(0.0, f64::max);
        assert!(
            moved < 0.02,
            "seed {seed}: moved by {moved}, though its weight is carried and commands are not heard"
        );
        while !world.over() {
            world.drag();
        }
        successes += u32::from(world.judge().success);
        world.set_limp(false);
        let held = world.state().joints;
        for _ in 0..50 {
            let told = world.state().targets;
            world.step(&told);
        }
        let moved: Vec<_> =
            world.state().joints.iter().zip(held).map(|(now, then)| (now - then).abs()).collect();
        assert!(moved.iter().all(|moved| *moved < 0.05), "seed {seed}: stiff again, it moved by {moved:?}");
    }
    assert!(successes >= 18, "{successes} of 20");
    Ok(())
}

#[test]
fn the_same_seed_gives_the_same_pictures() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut pictures = Vec::new();
        for _ in 0..2 {
            let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
            world.reset(4);
            for _ in 0..30 {
                let command = world.expert();
                world.step(&command);
            }
            let mut look = |camera, size| match world.picture(camera, size) {
                Ok(picture) => Some(picture),
                Err(error) => {
                    skipped("the_same_seed_gives_the_same_pictures", error);
                    None
                }
            };
            let Some(front) = look("front", [96, 96]) else { return Ok(()) };
            let wrist = look("wrist", [160, 120]);
            pictures.push((front, wrist));
        }
        assert!(pictures[0] == pictures[1], "{}", entry.name);
        for picture in [Some(&pictures[0].0), pictures[0].1.as_ref()].into_iter().flatten() {
            let colours: std::collections::BTreeSet<&[u8]> = picture.rgb.chunks(3).collect();
            assert!(colours.len() > 20, "{}: something is seen", entry.name);
        }
    }
    Ok(())
}

#[test]
fn styles_differ_between_seeds_and_steer_towards_the_aim() -> anyhow::Result<()> {
    let mut world = Simulation::open("reach", TICK, Light::Plain)?;
    let mut speeds = Vec::new();
    for seed in 0..10 {
        world.reset(seed);
        speeds.push(world.style().speed);
        let aim = expert::Aim { tool: world.state().tool, gripper: 0.02, speed: 0.2 };
        let plain = expert::Style::plain(true);
        let told = expert::steer(world.chain(), world.state(), &aim, &plain, TICK.as_secs_f64());
        let off = told[..6].iter().zip(&world.state().joints[..6]).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 0.01, "who is there stays there");
    }
    speeds.sort_by(f64::total_cmp);
    assert!(speeds[9] - speeds[0] > 0.2, "{speeds:?}");
    Ok(())
}

#[test]
fn where_the_tool_is_follows_from_what_is_measured_of_the_joints() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        // Physics has bodies where they were a step of a thousandth second before the joints.
        for (sensor, most) in [(0.0, 2e-3), (0.02, 0.3)] {
            world.disturb(Disturbance { sensor, ..Disturbance::default() });
            world.reset(8);
            for _ in 0..50 {
                let command = world.expert();
                world.step(&command);
            }
            let measured = world.measure();
            let told = measured.pose("tool").copied().expect("every world tells it");
            assert_eq!(told, world.chain().pose(&measured.joints), "{}", entry.name);
            let off = told.inv_mul(&world.state().tool);
            let off = off.translation.vector.norm() + off.rotation.angle();
            assert!(off <= most && (sensor == 0.0 || off > 5e-3), "{}: {off} off the truth", entry.name);
            assert_eq!(world.state().pose("tool"), Some(&world.state().tool), "{}", entry.name);
        }
    }
    Ok(())
}

#[test]
fn who_plays_moves_about_and_does_nothing_well_or_badly() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        world.set_conduct(Conduct::Playful);
        let (mut lasting, mut first) = (Vec::new(), None);
        for seed in 0..4 {
            let states = attempt(&mut world, seed);
            let judged = world.judge();
            assert!(!judged.success && judged.score == 0.0 && !judged.settled, "{}: {judged:?}", entry.name);
            let end = states.last().map_or(0.0, |state| state.time);
            assert!((9.9..20.1).contains(&end), "{}: it lasts {end} s", entry.name);
            for axis in 0..3 {
                let along = states.iter().map(|state| state.tool.translation.vector[axis]);
                let (low, high) =
                    along.fold((f64::MAX, f64::MIN), |(low, high), at| (low.min(at), high.max(at)));
                assert!(high - low > 0.05, "{}: seed {seed} from {low} to {high}", entry.name);
            }
            lasting.push(end);
            first.get_or_insert(states);
        }
        lasting.dedup();
        assert_eq!(lasting.len(), 4, "{}: no two last alike", entry.name);
        assert_eq!(first, Some(attempt(&mut world, 0)), "{}: seeds repeat in play too", entry.name);
    }
    Ok(())
}

#[test]
fn who_is_careless_gets_there_late() -> anyhow::Result<()> {
    let mut world = Simulation::open("reach", TICK, Light::Plain)?;
    let mut seconds = [0.0; 2];
    for (conduct, seconds) in [Conduct::Careful, Conduct::Careless].into_iter().zip(&mut seconds) {
        world.set_conduct(conduct);
        for seed in 0..50 {
            *seconds += attempt(&mut world, seed).last().map_or(0.0, |state| state.time) / 50.0;
            assert!(world.judge().success, "{conduct:?}: seed {seed}");
        }
    }
    let [careful, careless] = seconds;
    assert!(careless > 2.0 * careful, "{careful} s and {careless} s");
    Ok(())
}
