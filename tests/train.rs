//! Runs over demonstrations of a made-up arm: what they leave behind, how they end, and what they refuse.
//!
//! The demonstrations are read from bags like anybody's, so the whole way is walked; each run takes a second or two.
#![cfg(feature = "learn")]

#[path = "support/small_disk.rs"]
mod small_disk;
#[path = "support/training.rs"]
mod training;
#[path = "support/waves.rs"]
mod waves;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use apprentice::nn::device::Device;
use apprentice::policy::checkpoint;
use apprentice::train::{Ended, Error, Watch, metrics, train};
use small_disk::SmallDisk;
use training::{POLICY, Setup};

fn setup(folder: &Path, train: &str) -> Setup {
    Setup::new(folder, &format!("{POLICY}train: {{threads: 1, {train}}}\n"))
}

/// Names in a folder, without the numbers of an event file.
fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        names.push(if name.starts_with("events.out.tfevents.") { "events".to_owned() } else { name });
    }
    names.sort();
    Ok(names)
}

#[test]
fn a_run_learns_and_leaves_all_there_is_to_see() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    // The made-up arm moves so evenly that repeating the last action is nearly right; what learns fastest has to beat it.
    let policy = "policy: {history: 2, chunk: 4, width: 64, head: {mse: {width: 64}}}";
    let train = "train: {threads: 1, batch: 32, steps: 1500, rate: 3.0e-3, ema: 0.99, log_every: 125, validation: {every: 375}}";
    let outcome = Setup::of(80, scratch.path(), &format!("{policy}\n{train}\n")).train(&run, false)?;
    let judgement = outcome.judgement.clone().context("episodes were held out")?;
    let sentence = outcome.sentence();
    ensure!(judgement.errors.policy < 0.5 * judgement.errors.last.min(judgement.errors.mean), "{sentence}");
    ensure!(sentence.contains("it has learned."), "{sentence}");
    ensure!(
        names(&run)?
            == [
                "best",
                "config.yaml",
                "events",
                "last",
                "metrics.jsonl",
                "report.html",
                "resume.safetensors"
            ],
        "{:?}",
        names(&run)?
    );
    let lines = metrics::read(&run.join("metrics.jsonl"))?;
    let of = |name: &str| lines.iter().filter_map(|line| line.values.get(name).copied()).collect::<Vec<_>>();
    ensure!(of("train/loss").len() == 12 && of("validation/loss").len() == 4, "{lines:?}");
    ensure!(of("train/loss")[11] < 0.5 * of("train/loss")[0], "{:?}", of("train/loss"));
    ensure!(of("train/norm").iter().all(|norm| *norm > 0.0));
    let page = fs::read_to_string(run.join("report.html"))?;
    ensure!(page.contains("<svg") && page.contains("it has learned"));
    let opened = checkpoint::open(&run, Device::Cpu)?;
    ensure!(opened.path == run.join("best"));
    Ok(())
}

#[test]
fn what_is_in_a_folder_is_never_written_over_and_never_gone_on_with_as_something_else() -> anyhow::Result<()>
{
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let short = "batch: 8, steps: 3, validation: {batches: 1}";
    setup(scratch.path(), short).train(&run, false)?;
    let taken = setup(scratch.path(), short).train(&run, false).err().context("it is taken")?;
    ensure!(matches!(taken, Error::Occupied { .. }), "{taken}");
    let two = setup(scratch.path(), "ensemble: 2, batch: 8, steps: 3");
    let other = two.train(&run, true).err().context("it is another run")?.to_string();
    ensure!(other.contains("`train.ensemble` is not the same"), "{other}");
    let policy = POLICY.replace("chunk: 4", "chunk: 5");
    let longer = Setup::new(scratch.path(), &format!("{policy}train: {{batch: 8, steps: 3}}\n"));
    let other = longer.train(&run, true).err().context("it is another policy")?.to_string();
    ensure!(other.contains("the policy's settings"), "{other}");
    // More steps of the same are welcome.
    ensure!(
        setup(scratch.path(), "batch: 8, steps: 5, validation: {batches: 1}").train(&run, true)?.steps == 5
    );
    Ok(())
}

#[test]
fn a_damaged_state_is_refused_in_words() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let setup = setup(scratch.path(), "batch: 8, steps: 3, validation: {batches: 1}");
    setup.train(&run, false)?;
    let state = run.join("resume.safetensors");
    let bytes = fs::read(&state)?;
    let refused = |bytes: &[u8], words: &str| -> anyhow::Result<()> {
        fs::write(&state, bytes)?;
        let error = setup.train(&run, true).err().context("it is damaged")?.to_string();
        ensure!(error.contains("resume.safetensors") && error.contains(words), "{error}");
        Ok(())
    };
    refused(&bytes[..bytes.len() / 2], "no whole file of tensors")?;
    for share in [0.3, 0.6, 0.9] {
        let mut bytes = bytes.clone();
        let place = (bytes.len() as f64 * share) as usize;
        bytes[place] ^= 0x40;
        refused(&bytes, "its checksum is not the one that was written")?;
    }
    fs::write(&state, bytes)?;
    ensure!(setup.train(&run, true)?.steps == 3, "as it was it goes on");
    Ok(())
}

#[test]
fn checkpoints_without_what_their_run_goes_on_from_are_not_begun_over() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let setup = setup(scratch.path(), "batch: 8, steps: 3, validation: {batches: 1}");
    setup.train(&run, false)?;
    fs::remove_file(run.join("resume.safetensors"))?;
    let weights = || fs::read(run.join("best/weights.safetensors"));
    let before = weights()?;
    let error = setup.train(&run, true).err().context("there is nothing to go on from")?;
    ensure!(matches!(error, Error::Stateless { .. }) && weights()? == before, "{error}");
    Ok(())
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_the_batch_that_made_it() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let setup = setup(scratch.path(), "batch: 4, steps: 200, rate: 1.0e+30, clip: 0, warm_up: 0");
    let error = setup.train(&run, false).err().context("nothing can come of such a rate")?;
    let Error::Diverged { step, path, .. } = &error else { anyhow::bail!("{error}") };
    let written: serde_json::Value = serde_json::from_slice(&fs::read(path)?)?;
    ensure!(written["step"] == *step && written["members"][0].as_array().is_some_and(|all| all.len() == 4));
    let place = &written["members"][0][0];
    ensure!(place["recording"].as_str().is_some_and(|path| path.contains("episode_0")), "{place}");
    ensure!(place["tick"].is_u64() && place["seconds"].is_number(), "{place}");
    Ok(())
}

#[test]
fn a_run_that_gets_no_better_ends() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let stuck =
        "batch: 8, steps: 1000, rate: 1.0e-30, ema: 0, validation: {every: 2, batches: 1, patience: 3}";
    let outcome = setup(scratch.path(), stuck).train(&scratch.path().join("run"), false)?;
    ensure!(outcome.ended == Ended::Patience && outcome.steps < 30, "{outcome:?}");
    // Stopped before anybody looked: episodes are held out all the same.
    let early = setup(scratch.path(), "batch: 8, steps: 1000");
    let outcome = early.train_until(&scratch.path().join("early"), false, &mut |_| {}, &|| true)?;
    ensure!(outcome.sentence().contains("was not looked at yet"), "{}", outcome.sentence());
    Ok(())
}

#[test]
fn a_run_ends_by_the_clock_with_its_rate_at_the_end() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let outcome = setup(scratch.path(), "batch: 8, minutes: 0.03, log_every: 5").train(&run, false)?;
    ensure!(outcome.ended == Ended::Minutes && outcome.seconds >= 1.8, "{outcome:?}");
    let lines = metrics::read(&run.join("metrics.jsonl"))?;
    let rates: Vec<f64> = lines.iter().filter_map(|line| line.values.get("train/rate").copied()).collect();
    let last = rates.last().context("there are lines")?;
    ensure!(*last < 0.2 * rates.iter().copied().fold(0.0, f64::max), "the rate did not fall: {rates:?}");
    Ok(())
}

#[test]
fn the_best_may_be_chosen_by_success_instead_of_loss() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    let setup = setup(scratch.path(), "batch: 8, steps: 8, validation: {every: 2, batches: 1}");
    let mut successes = [0.1, 0.7, 0.3, 0.6].into_iter();
    let mut evaluate = |_: &[&apprentice::policy::Policy]| successes.next().unwrap_or(0.0);
    let mut watch = Watch { told: &mut |_| {}, stop: &|| false, evaluate: Some(&mut evaluate) };
    let outcome = train(&setup.job(&run, false), &mut watch)?;
    ensure!(outcome.best == Some((-0.7, 4)), "{outcome:?}");
    Ok(())
}

#[test]
fn the_last_may_be_kept_as_the_best_whatever_its_loss_is() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let run = scratch.path().join("run");
    // At such a rate nothing gets better.
    let setup = setup(
        scratch.path(),
        "batch: 8, steps: 8, rate: 0.05, warm_up: 0, validation: {every: 2, batches: 1, best: last}",
    );
    let outcome = setup.train(&run, false)?;
    ensure!(outcome.best.is_some_and(|(_, step)| step == 8), "{outcome:?}");
    let weights = |checkpoint: &str| fs::read(run.join(checkpoint).join("weights.safetensors"));
    ensure!(weights("best")? == weights("last")?, "they are of one step");
    Ok(())
}

#[test]
fn a_run_on_a_full_disk_says_so() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let setup = setup(scratch.path(), "batch: 8, steps: 5, save_every: 1, validation: {batches: 1}");
    let test = "a_run_on_a_full_disk_says_so";
    let Some(disk) = SmallDisk::mount(test, &scratch.path().join("disk"), "64k") else { return Ok(()) };
    let error = setup.train(&disk.0.join("run"), false);
    drop(disk);
    let said = format!("{:#}", anyhow::Error::from(error.err().context("it is full")?));
    ensure!(said.contains("No space left on device"), "{said}");
    Ok(())
}
