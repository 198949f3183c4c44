//! What every world keeps to, one list of cases over the registry.
//!
//! Experts must be right nearly always, because everything that is learned is learned from them; seeds must repeat to the
//! byte, because two policies are compared on the same ones.
#![cfg(feature = "sim")]

use std::time::Duration;

use apprentice::sim::{Light, Simulation, WORLDS};

const TICK: Duration = Duration::from_millis(10);

/// Runs the expert of `world` from `seed` to the end: success, score, seconds.
fn attempt(world: &mut Simulation, seed: u64) -> (bool, f64, f64) {
    world.reset(seed);
    while !world.over() {
        let command = world.expert();
        world.step(&command);
    }
    let judgement = world.judge();
    (judgement.success, judgement.score, world.state().time)
}

#[test]
fn experts_succeed() -> anyhow::Result<()> {
    for entry in WORLDS {
        let bar = if entry.name == "push" { 0.85 } else { 0.98 };
        let mut world = Simulation::open(entry.name, TICK, Light::Plain)?;
        let attempts: Vec<_> = (0..200).map(|seed| attempt(&mut world, seed)).collect();
        let failed: Vec<_> = (0..200).filter(|seed| !attempts[*seed].0).collect();
        let share = 1.0 - failed.len() as f64 / 200.0;
        let seconds = attempts.iter().map(|attempt| attempt.2).sum::<f64>() / 200.0;
        println!("{}: {share} of 200, {seconds:.2} s on average, failed: {failed:?}", entry.name);
        assert!(share >= bar, "{}: {share} is under {bar}; failed: {failed:?}", entry.name);
    }
    Ok(())
}
