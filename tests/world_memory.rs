//! A world in which attempt follows attempt takes no more memory than at first.
//!
//! A process of its own, because what is in memory is counted for the whole of it, and for the same reason one test.
#![cfg(feature = "sim")]

#[path = "support/skipped.rs"]
mod skipped;

use std::time::Duration;

use apprentice::sim::{Entry, Error, Light, Simulation, WORLDS};
use skipped::skipped;

const TICK: Duration = Duration::from_millis(20);

/// Kilobytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = status.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4)
}

/// The expert's whole attempt from `seed`, or the first so many ticks of one who does nothing.
fn attempt(world: &mut Simulation, seed: u64, ticks: Option<u64>) {
    world.reset(seed);
    while !world.over() && ticks.is_none_or(|ticks| world.ticks() < ticks) {
        let command = if ticks.is_none() { world.expert() } else { world.state().targets };
        world.step(&command);
    }
}

/// How many kilobytes a thousand times of `once` leave behind, after some more that may fill what is filled once.
fn grown(before: u64, mut once: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<u64> {
    (0..before).try_for_each(&mut once)?;
    let then = resident()?;
    (before..before + 1000).try_for_each(&mut once)?;
    Ok(resident()?.saturating_sub(then))
}

#[test]
fn a_thousand_attempts_and_a_thousand_pictures_leak_nothing() -> anyhow::Result<()> {
    attempts()?;
    pictures()
}

fn attempts() -> anyhow::Result<()> {
    for Entry { name, .. } in WORLDS {
        let mut world = Simulation::open(name, TICK, Light::Plain)?;
        let ticks = (*name != "reach").then_some(5);
        let grew = grown(50, |seed| {
            attempt(&mut world, seed, ticks);
            Ok(())
        })?;
        println!("{name}: {grew} kB more after 1000 attempts");
        assert!(grew < 300, "{name}: {grew} kB more after 1000 attempts");
    }
    Ok(())
}

fn pictures() -> anyhow::Result<()> {
    let mut world = Simulation::open("pick", TICK, Light::Plain)?;
    let grew = grown(300, |seed| {
        attempt(&mut world, seed, Some(1));
        world.picture("front", [64, 64])?;
        Ok(())
    });
    match grew {
        // A picture has 12 kB; what draws it takes some megabytes at once now and then.
        Ok(grew) => assert!(grew < 6000, "{grew} kB more after 1000 pictures"),
        Err(error) if matches!(error.downcast_ref(), Some(Error::Blind { .. })) => {
            skipped("a_thousand_attempts_and_a_thousand_pictures_leak_nothing, its pictures", error);
        }
        Err(error) => return Err(error),
    }
    Ok(())
}
