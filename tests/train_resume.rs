//! `kill -9` while training, twenty times: the run that goes on each time comes to the same weights, to the bit.
//!
//! The run that is killed is a process of its own: this very test file, run again for its ignored test `victim`. It says each
//! step it has done; this side lets it do a random number of them, waits a random moment, and kills it, wherever it then is:
//! between two steps, in one, in the middle of a checkpoint. What is compared in the end is everything a run keeps.
#![cfg(feature = "learn")]

#[path = "support/patience.rs"]
mod patience;
#[path = "support/training.rs"]
mod training;
#[path = "support/waves.rs"]
mod waves;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use apprentice::noise::Noise;
use apprentice::train::{Ended, metrics, state};
use training::{POLICY, Setup};

const KILLS: u64 = 20;
/// Where a victim finds its folder; it is run by this test only.
const FOLDER: &str = "VICTIM_FOLDER";
/// Two members, two batches a step, checkpoints so often that many kills hit one.
const TRAIN: &str = "
train: {batch: 8, accumulate: 2, ensemble: 2, steps: 300, threads: 1, log_every: 7, save_every: 5, validation: {every: 11, batches: 2}}
";

fn setup(folder: &Path) -> Setup {
    Setup::new(folder, &format!("{POLICY}{TRAIN}"))
}

/// Trains in the folder it is given, and says each step. Run by the test below, which kills it.
#[test]
#[ignore = "run by a_run_that_is_killed_and_goes_on_comes_to_the_same_weights"]
fn victim() -> anyhow::Result<()> {
    let Some(folder) = std::env::var_os(FOLDER) else { return Ok(()) };
    let folder = Path::new(&folder);
    let mut told = |told: &apprentice::train::Told| {
        // Whoever reads it may be gone; then so is this process, soon.
        drop(writeln!(std::io::stdout().lock(), "step {}", told.step));
    };
    setup(folder).train_until(&folder.join("run"), true, &mut told, &|| false)?;
    Ok(())
}

/// Starts a victim and kills it after `steps` and a moment; whether it came to its end before that.
fn kill(folder: &Path, steps: usize, moment: Duration) -> anyhow::Result<bool> {
    let mut process = Command::new(std::env::current_exe()?)
        .args(["victim", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()?;
    let said = process.stdout.take().context("its output is piped")?;
    let heard = BufReader::new(said)
        .lines()
        .map_while(Result::ok)
        .filter(|line| line.starts_with("step "))
        .take(steps);
    let done = heard.count() < steps;
    patience::due_at(Instant::now() + moment);
    process.kill()?;
    let ended = process.wait()?;
    ensure!(!done || ended.success(), "the victim ended by itself: {ended}");
    Ok(done)
}

/// Every tensor of a run's state, by name, as bytes.
fn tensors(run: &Path) -> anyhow::Result<HashMap<String, Vec<u8>>> {
    let named = state::load(&run.join("resume.safetensors"))?;
    let bytes = |tensor: &tch::Tensor| -> anyhow::Result<Vec<u8>> {
        let mut bytes = vec![0; tensor.numel() * tensor.kind().elt_size_in_bytes()];
        tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
        Ok(bytes)
    };
    named.tensors().map(|(name, tensor)| Ok((name.to_owned(), bytes(tensor)?))).collect()
}

/// A step and what was measured at it, to the bit.
type Measured = (u64, Vec<(String, u64)>);

/// What was measured, without what the clock says.
fn measured(run: &Path) -> anyhow::Result<Vec<Measured>> {
    let lines = metrics::read(&run.join("metrics.jsonl"))?.into_iter().map(|mut line| {
        line.values.remove("train/samples_a_second");
        (line.step, line.values.into_iter().map(|(name, value)| (name, value.to_bits())).collect())
    });
    Ok(lines.collect())
}

fn compare(killed: &Path, whole: &Path) -> anyhow::Result<()> {
    let (one, other) = (tensors(killed)?, tensors(whole)?);
    ensure!(one.len() == other.len() && one.len() > 20, "{} and {} tensors", one.len(), other.len());
    for (name, bytes) in &one {
        ensure!(other.get(name) == Some(bytes), "{name} is not the same");
    }
    ensure!(measured(killed)? == measured(whole)?, "what was measured is not the same");
    for file in ["weights.safetensors", "members/1.safetensors"] {
        for checkpoint in ["best", "last"] {
            let read = |run: &Path| fs::read(run.join(checkpoint).join(file));
            ensure!(read(killed)? == read(whole)?, "{checkpoint}/{file} is not the same");
        }
    }
    Ok(())
}

#[test]
fn a_run_that_is_killed_and_goes_on_comes_to_the_same_weights() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let whole = folder.join("whole");
    let setup = setup(folder);
    ensure!(setup.train(&whole, false)?.ended == Ended::Steps);
    let mut chance = Noise::new(11);
    for number in 0..KILLS {
        let steps = 1 + chance.below(20);
        let moment = Duration::from_micros(chance.bits() % 20_000);
        ensure!(!kill(folder, steps, moment)?, "victim {number} came to its end");
    }
    let run = folder.join("run");
    let before = state::load(&run.join("resume.safetensors"))?.progress.step;
    eprintln!("{KILLS} kills in the first {before} steps");
    ensure!(before > 50, "the run hardly moved between kills: {before} steps");
    setup.train(&run, true)?;
    compare(&run, &whole)
}

#[test]
fn a_run_that_is_stopped_and_goes_on_comes_to_the_same_weights() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let (whole, run) = (folder.join("whole"), folder.join("run"));
    let setup = setup(folder);
    setup.train(&whole, false)?;
    // Not where anything is due.
    for last in [23, 94] {
        let step = std::cell::Cell::new(0);
        let mut told = |told: &apprentice::train::Told| step.set(told.step);
        let outcome = setup.train_until(&run, last > 23, &mut told, &|| step.get() >= last)?;
        ensure!((outcome.ended, outcome.steps) == (Ended::Stopped, last));
    }
    setup.train(&run, true)?;
    compare(&run, &whole)
}
