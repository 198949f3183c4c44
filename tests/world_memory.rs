//! A world in which attempt follows attempt takes no more memory than at first.
//!
//! A process of its own, because what is in memory is counted for the whole of it.
#![cfg(feature = "sim")]

use std::time::Duration;

use apprentice::sim::{Error, Light, Simulation, WORLDS};

const TICK: Duration = Duration::from_millis(20);

/// Kilobytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = status.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4)
}

/// An attempt from `seed` and a picture of how it ended: a whole one of the expert where `ticks` is not said, else the first so many
/// with what he would do at first.
fn attempt(world: &mut Simulation, seed: u64, ticks: Option<u64>, sees: bool) -> anyhow::Result<()> {
    world.reset(seed);
    let mut command = world.expert();
    while !world.over() && ticks.is_none_or(|ticks| world.ticks() < ticks) {
        world.step(&command);
        if ticks.is_none() {
            command = world.expert();
        }
    }
    if sees {
        world.picture("front", [64, 64])?;
    }
    Ok(())
}

#[test]
fn a_thousand_attempts_leak_nothing() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        let sees = match world.picture("front", [64, 64]) {
            Ok(_) => true,
            Err(error @ Error::Blind { .. }) => {
                eprintln!("SKIPPED the pictures of a_thousand_attempts_leak_nothing: {error}");
                false
            }
            Err(error) => return Err(error.into()),
        };
        let ticks = (entry.name != "reach").then_some(5);
        (0..100).try_for_each(|seed| attempt(&mut world, seed, ticks, sees))?;
        let before = resident()?;
        (100..1100).try_for_each(|seed| attempt(&mut world, seed, ticks, sees))?;
        let grown = resident()?.saturating_sub(before);
        println!("{}: {grown} kB more after 1000 attempts", entry.name);
        assert!(grown < 1000, "{}: {grown} kB more after 1000 attempts", entry.name);
    }
    Ok(())
}
