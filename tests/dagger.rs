//! The loop of rounds, killed at any moment: begun again with the same words, it ends as if nothing had happened.
//!
//! A loop takes hours on a real task; whoever runs one has to be able to lose the machine on the way. Steps are waited for by the files
//! that they leave, and the process is killed where it stands.
#![cfg(all(feature = "learn", feature = "sim"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use cli::text;

/// No step takes longer on a machine that is not broken.
const PATIENCE: Duration = Duration::from_secs(300);

/// The loop in its smallest form.
fn dagger(out: &Path, gate: &str) -> Command {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/reach.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_apprentice"));
    command.args(["dagger", "--world", "reach", "--gate", gate, "--rounds", "1", "--episodes", "2"]);
    command.args(["--demonstrations", "4", "--calibration", "9", "--trials", "2", "--worlds", "2"]);
    command.args(["--set", "policy.head={flow: {network: {perceptron: {}}}}", "--set", "policy.width=16"]);
    command.args(["--set", "train.steps=20", "--set", "train.threads=1", "--set", "train.save_every=5"]);
    command.arg("--config").arg(config).arg("--out").arg(out);
    command
}

/// Waits until `file` is there, then kills the loop; whether it was killed before it ended.
fn killed_at(mut running: Child, file: &Path) -> anyhow::Result<bool> {
    let mut ended = false;
    patience::until(&format!("{file:?}"), PATIENCE, || {
        ended = running.try_wait()?.is_some();
        Ok(ended || file.exists())
    })?;
    if !ended {
        running.kill()?;
        running.wait()?;
    }
    Ok(!ended)
}

#[test]
fn a_loop_that_is_killed_at_every_step_ends_all_the_same() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("loop");
    let mut killed = 0;
    for file in [
        "round_0/bags/episode_0001",
        "round_0/collected.json",
        "round_0/run/last",
        "round_0/trained.json",
        "round_0/evaluated.json",
        "round_1/bags",
        "round_1/collected.json",
        "round_1/run/resume.safetensors",
        "round_1/trained.json",
    ] {
        let running =
            dagger(&out, "human").stdout(Stdio::null()).stderr(Stdio::null()).spawn().context("it starts")?;
        killed += u32::from(killed_at(running, &out.join(file))?);
    }
    ensure!(killed >= 6, "it was killed {killed} times only");
    let ended = dagger(&out, "human").output()?;
    ensure!(ended.status.success(), "{}", text(&ended.stderr));
    let told = text(&ended.stdout);
    ensure!(told.contains("round") && told.contains("labels") && told.contains("The last policy"), "{told}");
    for file in ["round_0/evaluated.json", "round_1/evaluated.json", "round_1/run/best/provenance.json"] {
        ensure!(out.join(file).exists(), "{file}");
    }
    let provenance = std::fs::read_to_string(out.join("round_1/run/best/provenance.json"))?;
    ensure!(provenance.contains("\"from\""), "the second policy went on from the first: {provenance}");
    let page = std::fs::read_to_string(out.join("report.html"))?;
    ensure!(page.contains("round 1") && page.contains("Who drove"), "the rounds have a page");
    let learned = || std::fs::metadata(out.join("round_1/trained.json"))?.modified();
    let before = learned()?;
    let again = text(&dagger(&out, "human").output()?.stdout);
    ensure!(again.lines().last() == told.lines().last(), "it ends alike: {again}");
    ensure!(learned()? == before && !again.contains("Round"), "nothing is done twice: {again}");
    let other = dagger(&out, "beta").output()?;
    ensure!(text(&other.stderr).contains("is another loop, with other gate:"), "{}", text(&other.stderr));
    Ok(())
}

#[test]
fn a_world_that_does_not_show_what_is_to_be_seen_is_refused_before_anybody_shows_anything()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("loop");
    let mut wrong = dagger(&out, "human");
    wrong.args(["--set", "observe.streams.block={topic: /block_pose, type: geometry_msgs/msg/PoseStamped, align: newest, max_age_ms: 50, time: header}"]);
    let refused = wrong.output()?;
    ensure!(text(&refused.stderr).contains("\"block\", which the world"), "{}", text(&refused.stderr));
    ensure!(!refused.status.success() && !out.exists());
    Ok(())
}

#[test]
fn doubt_and_coins_come_to_their_end_too() -> anyhow::Result<()> {
    for gate in ["doubt", "beta"] {
        let folder = tempfile::tempdir()?;
        let ended = dagger(&folder.path().join("loop"), gate).output()?;
        ensure!(ended.status.success(), "{gate}: {}", text(&ended.stderr));
        let doubt = folder.path().join("loop/round_0/run/best/doubt.json");
        ensure!(doubt.exists() == (gate == "doubt"), "{gate}");
    }
    Ok(())
}
