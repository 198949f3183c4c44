//! How attempts of one expert differ, world by world, and that in `fork` the side he passes on is really taken by chance.
//!
//! Who learns from demonstrations that are all alike learns a groove. What differs is looked for in the way that the tool goes and
//! not in what was drawn: a style that an expert does not heed would be drawn all the same.
#![cfg(feature = "sim")]

use std::time::Duration;

use apprentice::noise::Noise;
use apprentice::sim::expert::{Aim, Style, down, steer};
use apprentice::sim::{Entry, Light, Seen, Simulation, Thing, WORLDS};
use nalgebra::Vector3;

const TICK: Duration = Duration::from_millis(20);
/// The stream of an episode's seed from which a world is laid out.
const LAYING: u64 = 1;

/// Where the tool was at each tick of an attempt from `seed` in that style, and the last word on it.
///
/// The style of an attempt follows from its seed. To have two styles from one start, the expert of a second world, laid out over the
/// same physics by the same chance, is asked.
fn way(world: &mut Simulation, seed: u64, style: &Style) -> anyhow::Result<Vec<Vector3<f64>>> {
    world.reset(seed);
    let before = world.state().things.clone();
    let mut asked = (world.entry().open)(world.physics())?;
    asked.reset(world.physics(), &mut Noise::of(seed, LAYING));
    assert_eq!(asked.things(world.physics()), before[..before.len() - 1], "laid out as it was");
    let mut way = Vec::new();
    while !world.over() {
        let aim = asked.aim(world.state(), style);
        let command = steer(world.chain(), world.state(), &aim, style, TICK.as_secs_f64());
        world.step(&command);
        asked.tick(world.physics());
        way.push(world.state().tool.translation.vector);
    }
    assert!(world.judge().success, "{}: seed {seed} with {style:?}", world.entry().name);
    Ok(way)
}

/// How far the way `one` leads from the way `other`, whenever they are where, m.
fn apart(one: &[Vector3<f64>], other: &[Vector3<f64>]) -> f64 {
    let off = |at: &Vector3<f64>| other.iter().map(|place| (place - at).norm()).fold(f64::MAX, f64::min);
    one.iter().map(off).fold(0.0, f64::max)
}

/// Some seeds of attempts in which there is something to be done: in `sort` those with a green lamp.
fn seeds(world: &mut Simulation) -> Vec<u64> {
    let count = if world.entry().limit > Duration::from_secs(8) { 1 } else { 4 };
    let works = |seed: &u64| {
        world.reset(*seed);
        let red = |thing: &Thing| matches!(&thing.seen, Seen::Numbers(numbers) if numbers[0] < 0.0);
        !world.state().things.iter().any(red)
    };
    (0..).filter(works).take(count).collect()
}

#[test]
fn each_world_shows_the_variety_that_is_said_of_it() -> anyhow::Result<()> {
    for Entry { name, .. } in WORLDS {
        let mut world = Simulation::open(name, TICK, Light::Plain)?;
        let plain = Style::plain(true);
        // In `sort` the arm waits for three seconds anyway.
        let pause = if *name == "sort" { 3.2..3.6 } else { 0.1..0.5 };
        for seed in seeds(&mut world) {
            let usual = way(&mut world, seed, &plain)?;
            let mut other = |style: Style| way(&mut world, seed, &style);
            let slow = other(Style { speed: 0.75, ..plain.clone() })?;
            let rested = other(Style { pause: pause.clone(), ..plain.clone() })?;
            let side = apart(&other(Style::plain(false))?, &usual);
            let sway = apart(&other(Style { sway: Vector3::repeat(0.012), ..plain.clone() })?, &usual);
            let slower = slow.len() as f64 / usual.len() as f64;
            let longer = (rested.len() as f64 - usual.len() as f64) * TICK.as_secs_f64();
            println!("{name}: {slower:.2} times as long, {longer:.2} s, {side:.4} m, {sway:.4} m");
            assert!(slower > 1.05, "{name}: at three quarters of the speed {slower} times as long");
            assert!((0.3..0.5).contains(&longer), "{name}: with a pause of 0.4 s longer by {longer} s");
            let sided = matches!(*name, "fork" | "push");
            assert!(if sided { side > 0.02 } else { side == 0.0 }, "{name}: the other side is {side} m off");
            let sways = *name != "reach";
            assert!(if sways { sway > 0.005 } else { sway == 0.0 }, "{name}: way-points are {sway} m off");
        }
    }
    Ok(())
}

/// A pause is drawn for three attempts of ten and begins within three seconds: short ones are mostly over by then, and in `sort` the
/// arm waits until then anyway.
#[test]
fn few_attempts_of_some_worlds_have_a_pause_in_them() -> anyhow::Result<()> {
    let mut world = Simulation::open("sort", TICK, Light::Plain)?;
    let late = (0..200).filter(|seed| {
        world.reset(*seed);
        world.style().pause.end > 3.0 && !world.style().pause.is_empty()
    });
    let late = late.count();
    assert!((2..=12).contains(&late), "sort: {late} of 200");
    for (name, expected) in [("reach", 2..=12), ("fork", 7..=28)] {
        let mut world = Simulation::open(name, TICK, Light::Plain)?;
        let mut rested = 0;
        for seed in 0..200 {
            world.reset(seed);
            let pause = world.style().pause.clone();
            if pause.is_empty() {
                continue;
            }
            while !world.over() && world.state().time < pause.start {
                let command = world.expert();
                world.step(&command);
            }
            rested += u32::from(!world.over());
        }
        assert!(expected.contains(&rested), "{name}: {rested} of 200");
    }
    Ok(())
}

#[test]
fn in_fork_either_side_is_taken_as_often_as_the_other() -> anyhow::Result<()> {
    const ATTEMPTS: u64 = 200;
    let mut world = Simulation::open("fork", TICK, Light::Plain)?;
    let (mut left, mut before) = (0, [0, 0]);
    for seed in 0..ATTEMPTS {
        world.reset(seed);
        let post = world.state().pose("post").expect("there is a post").translation.vector;
        let (mut sides, mut start) = (Vec::new(), None);
        while !world.over() {
            let command = world.expert();
            world.step(&command);
            let at = world.state().tool.translation.vector - post;
            start.get_or_insert(at.y);
            if at.x.abs() < 0.03 {
                sides.push(at.y > 0.0);
            }
        }
        let first = *sides.first().expect("it comes past the post");
        assert!(sides.iter().all(|side| *side == first), "seed {seed}: it is passed on one side");
        assert_eq!(first, world.style().left, "seed {seed}: on the side that was drawn");
        left += u64::from(first);
        before[usize::from(first)] += u64::from(start.is_some_and(|y| y > 0.0));
    }
    assert!((60..=140).contains(&left), "{left} of {ATTEMPTS} pass it on the left");
    // Where the arm starts does not tell which side it will be.
    let shares = [before[0] as f64 / (ATTEMPTS - left) as f64, before[1] as f64 / left as f64];
    assert!(
        (shares[0] - shares[1]).abs() < 0.25,
        "{shares:?} of those to the right and to the left start at the left"
    );
    Ok(())
}

#[test]
fn in_fork_straight_on_ends_at_the_post_and_scores_nothing() -> anyhow::Result<()> {
    let mut world = Simulation::open("fork", TICK, Light::Plain)?;
    let plain = Style::plain(true);
    for seed in 0..40 {
        world.reset(seed);
        let target = world.state().pose("target").expect("there is a place to come to").translation;
        while !world.over() {
            let aim = Aim { tool: down(target.x, target.y, target.z, 0.0), gripper: 0.0, speed: 0.3 };
            let command = steer(world.chain(), world.state(), &aim, &plain, TICK.as_secs_f64());
            world.step(&command);
        }
        let judged = world.judge();
        assert!(!judged.success && judged.score == 0.0 && judged.settled, "seed {seed}: {judged:?}");
    }
    Ok(())
}
