//! A world that is reset over and over takes no more memory than at first.
//!
//! A process of its own, because what is in memory is counted for the whole of it.
#![cfg(feature = "sim")]

use std::time::Duration;

use apprentice::sim::{Light, Simulation, WORLDS};

const TICK: Duration = Duration::from_millis(10);

/// Kilobytes of this process that are in memory.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = status.split(' ').nth(1).unwrap_or_default().parse()?;
    Ok(pages * 4)
}

#[test]
fn a_thousand_resets_leak_nothing() -> anyhow::Result<()> {
    for entry in WORLDS {
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        let mut some = |from: u64| {
            for seed in from..from + 500 {
                world.reset(seed);
                let command = world.expert();
                world.step(&command);
            }
        };
        some(0);
        let before = resident()?;
        some(500);
        let grown = resident()?.saturating_sub(before);
        assert!(grown < 2000, "{}: {grown} kB more after 500 resets", entry.name);
    }
    Ok(())
}
