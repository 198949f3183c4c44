//! Rounds beside a robot: the loop waits for what people record, learns from it, and asks for more.
//!
//! The robot is a simulated one here: its recordings are what a loop in a world left, which are those that a recorder beside a robot
//! makes. They are brought into the folder while the loop waits, as a person's would be.
#![cfg(all(feature = "learn", feature = "sim"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cli::{apprentice, text};

/// No step takes longer on a machine that is not broken.
const PATIENCE: Duration = Duration::from_secs(120);
/// The settings of a policy that is learned in a moment.
const SMALL: [&str; 4] = ["policy.head={mse: {}}", "policy.width=16", "train.steps=20", "train.threads=1"];

fn dagger(words: &[&str], out: &Path) -> Command {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reach.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.arg("dagger").args(words).args(["--rounds", "1", "--episodes", "2", "--demonstrations", "3"]);
    SMALL.iter().for_each(|set| {
        command.args(["--set", set]);
    });
    command.arg("--config").arg(config).arg("--out").arg(out);
    command
}

/// A folder with what people would have recorded: that of a loop in a world.
fn recorded() -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    let ended = dagger(&["--world", "reach", "--trials", "2", "--worlds", "2"], &folder.path().join("loop"))
        .output()?;
    ensure!(ended.status.success(), "{}", text(&ended.stderr));
    Ok(folder)
}

fn copied(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    let mut files: Vec<_> = fs::read_dir(from)?.collect::<Result<_, _>>()?;
    // What says that a recording is whole comes last, as a recorder writes it.
    files.sort_by_key(|file| file.file_name() == "metadata.yaml");
    files.iter().try_for_each(|file| fs::copy(file.path(), to.join(file.file_name())).map(|_| ()))?;
    Ok(())
}

/// Waits until `file` is there; an error where the loop ends first.
fn there(running: &mut Child, file: &Path) -> anyhow::Result<()> {
    patience::until(&format!("{file:?}"), PATIENCE, || {
        ensure!(running.try_wait()?.is_none(), "the loop ended before {file:?} was there");
        Ok(file.exists())
    })
}

#[test]
fn people_are_waited_for_and_what_they_recorded_is_never_thrown_away() -> anyhow::Result<()> {
    let known = recorded()?;
    let of =
        |round: u32, episode: u32| known.path().join(format!("loop/round_{round}/bags/episode_{episode:04}"));
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("taught");
    let bags = |round: u32| out.join(format!("round_{round}/bags"));
    let begin = || dagger(&[], &out).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();

    let mut first = begin()?;
    there(&mut first, &bags(0))?;
    for episode in 0..2 {
        copied(&of(0, episode), &bags(0).join(format!("episode_{episode:04}")))?;
    }
    // One of the three is missing.
    let mut asked = String::new();
    let mut said = BufReader::new(first.stdout.take().context("it is piped")?);
    while !asked.contains("2 of 3 recordings are there") {
        ensure!(said.read_line(&mut asked)? > 0, "it ended without waiting:\n{asked}");
    }
    ensure!(first.try_wait()?.is_none() && !out.join("round_0/collected.json").exists(), "it did not wait");
    first.kill()?;
    first.wait()?;
    for said in ["show it 3 times", "apprentice record --config", "--episodes 3"] {
        ensure!(asked.contains(said), "{said:?} is not in\n{asked}");
    }

    let mut second = begin()?;
    copied(&of(0, 2), &bags(0).join("episode_0002"))?;
    there(&mut second, &bags(1))?;
    // One attempt without a word about who drove is said, and the rest stays.
    copied(&of(0, 0), &bags(1).join("episode_0000"))?;
    copied(&of(1, 1), &bags(1).join("episode_0001"))?;
    let refused = second.wait_with_output()?;
    ensure!(refused.status.code() == Some(1), "a round that does not say who drove went through");

    fs::remove_dir_all(bags(1).join("episode_0000"))?;
    copied(&of(1, 0), &bags(1).join("episode_0000"))?;
    let ended = begin()?.wait_with_output()?;
    let told = text(&ended.stdout);
    ensure!(ended.status.success(), "{told}");
    for said in
        ["apprentice run --config", "--topic command --topic intervention --topic expert/command", "unaided"]
    {
        ensure!(told.contains(said), "{said:?} is not in\n{told}");
    }
    ensure!(bags(0).join("episode_0000/metadata.yaml").exists(), "a recording is gone");
    let page = fs::read_to_string(out.join("report.html"))?;
    ensure!(page.contains("corrected by people") && page.contains("Round 1"), "the page is another");

    // Done once more it has nothing to wait for, and its table is the same.
    let again = dagger(&[], &out).output()?;
    let table = |told: &str| told.lines().filter(|line| line.starts_with('1')).map(str::to_owned).next_back();
    ensure!(again.status.success() && table(&text(&again.stdout)) == table(&told), "another table");
    ensure!(table(&told).context("there is a line of round 1")?.contains('%'));
    Ok(())
}

#[test]
fn what_only_a_world_can_do_is_refused_without_one() {
    for words in [&["--gate", "doubt"][..], &["--trials", "5"], &["--disturb", "push=2"]] {
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/config/reach.yaml");
        let said = [&["dagger", "--config", config, "--out", "/nowhere/at/all"], words].concat();
        let output = apprentice(said, [""; 0]);
        let why = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {why}");
        assert!(why.contains("--world"), "{words:?}: {why}");
    }
}
