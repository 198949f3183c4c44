//! `apprentice sim --expert --out` as a process: what two runs of it have in common, and what a bag says was put between the expert and
//! the arm.
//!
//! Two simulations in one process share what a process has: its memory, its hashes' seeds, its wall. Only two processes show that
//! nothing of that reaches a bag.
#![cfg(feature = "sim")]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/recording.rs"]
mod recording;
#[path = "support/simulating.rs"]
mod simulating;
#[path = "support/skipped.rs"]
mod skipped;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apprentice::arm::Dart;
use apprentice::bus::typed;
use apprentice::config;
use apprentice::msg::own::Command;
use apprentice::msg::std::Float64MultiArray;
use cli::{apprentice, text};
use recording::{Read, episode};
use simulating::{COMMANDS, blind};
use skipped::skipped;

/// Collects with those words more into `out`.
fn collect(words: &str, out: &Path) -> anyhow::Result<()> {
    let words = ["sim", "--expert"].into_iter().chain(words.split(' ')).chain(["--out"]);
    let output = apprentice(words, [out]);
    ensure!(output.status.success(), "{}", text(&output.stderr));
    Ok(())
}

/// The files of an episode, by name.
fn files(folder: &Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort();
    let file = |path: PathBuf| {
        let name = path.file_name().context("it has one")?.to_string_lossy().into_owned();
        Ok((name, fs::read(path)?))
    };
    paths.into_iter().map(file).collect()
}

#[test]
fn two_processes_with_the_same_seed_write_the_same_bytes() -> anyhow::Result<()> {
    let sees = blind()?
        .map(|why| skipped("two_processes_with_the_same_seed_write_the_same_bytes, its pictures", why))
        .is_none();
    let cameras = if sees { "front,wrist" } else { "none" };
    let words = format!(
        "--world fork --seed 5 --cameras {cameras} --disturb sensor=0.001 action=0.002 latency=0.02 push=3"
    );
    let out = tempfile::tempdir()?;
    let folders = ["one", "other"].map(|name| out.path().join(name));
    folders.iter().try_for_each(|folder| collect(&words, folder))?;
    let [one, other] = folders.each_ref().map(|folder| files(&episode(folder, 0)));
    let (one, other) = (one?, other?);
    let sizes: Vec<usize> = one.iter().map(|(_, bytes)| bytes.len()).collect();
    ensure!(
        sizes.len() == 2 && sizes.iter().sum::<usize>() > 100_000,
        "a recording and its metadata: {sizes:?}"
    );
    for ((name, bytes), (also, others)) in one.iter().zip(&other) {
        ensure!(name == also, "{name} and {also}");
        let first = bytes.iter().zip(others).position(|(byte, other)| byte != other);
        ensure!(bytes.len() == others.len() && first.is_none(), "{name}: from byte {first:?} on");
    }
    Ok(())
}

#[test]
fn noise_from_a_file_is_put_on_what_is_executed_and_the_intention_stays() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let (file, bags) = (out.path().join("dart.yaml"), out.path().join("bags"));
    fs::write(&file, "joints: [elbow, shoulder_pan]\ncovariance: [[1.0e-4, 1.0e-4], [1.0e-4, 4.0e-4]]\n")?;
    let words = format!("--world reach --episodes 4 --cameras none --dart {}", file.display());
    collect(&words, &bags)?;
    let mut off: Vec<Vec<f64>> = Vec::new();
    for number in 0..4 {
        let mut read = Read::open(&episode(&bags, number))?;
        let noted = out.path().join("noted.yaml");
        fs::write(&noted, read.note("apprentice.dart")?)?;
        ensure!(
            config::alone::<Dart>(&noted)? == config::alone::<Dart>(&file)?,
            "as it is noted it can be used"
        );
        let (meant, done) = (read.samples("/expert/command")?, read.samples(COMMANDS)?);
        ensure!(meant.len() == done.len() && meant.len() > 50);
        for (meant, done) in meant.iter().zip(&done) {
            let (meant, done) = (typed::read::<Command>(meant)?, typed::read::<Float64MultiArray>(done)?);
            ensure!(meant.names[0] == "shoulder_pan" && meant.names[2] == "elbow", "{:?}", meant.names);
            off.push(done.data.iter().zip(&meant.values).map(|(done, meant)| done - meant).collect());
        }
    }
    let covariance = |one: usize, other: usize| {
        off.iter().map(|off| off[one] * off[other]).sum::<f64>() / off.len() as f64
    };
    for (one, other, wanted) in
        [(0, 0, 4e-4), (2, 2, 1e-4), (0, 2, 1e-4), (1, 1, 0.0), (3, 3, 0.0), (6, 6, 0.0)]
    {
        let found = covariance(one, other);
        ensure!((found - wanted).abs() <= 0.3 * wanted, "joints {one} and {other}: {found}, not {wanted}");
    }
    Ok(())
}

#[test]
fn a_bag_says_what_was_made_to_go_wrong_and_info_shows_it() -> anyhow::Result<()> {
    let out = tempfile::tempdir()?;
    let bags = ["plain", "pushed"].map(|name| out.path().join(name));
    collect("--world reach --cameras none", &bags[0])?;
    collect("--world reach --cameras none --disturb push=20 sensor=0.001", &bags[1])?;
    let [plain, pushed] = bags.each_ref().map(|bags| apprentice(["bag", "info"], [episode(bags, 0)]));
    let (plain, pushed) = (text(&plain.stdout), text(&pushed.stdout));
    let line = pushed.lines().find(|line| line.contains("apprentice.disturb")).context(pushed.clone())?;
    ensure!(line.ends_with("sensor=0.001 push=20"), "{line}");
    ensure!(plain.contains("apprentice.world") && !plain.contains("apprentice.disturb"), "{plain}");
    ensure!(!plain.contains("apprentice.dart") && !pushed.contains("apprentice.dart"), "{plain}{pushed}");
    Ok(())
}

#[test]
fn a_slide_shows_the_world_with_its_shadows_and_says_why_where_it_cannot() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("reach.png");
    if let Some(why) = blind()? {
        skipped("a_slide_shows_the_world_with_its_shadows_and_says_why_where_it_cannot", why);
        return Ok(());
    }
    let draw = |path: &Path, size: &str| {
        apprentice(["sim", "--world", "reach", "--seed", "3", "--size", size, "--slide"], [path])
    };
    let output = draw(&path, "320x180");
    ensure!(output.status.success(), "{}", text(&output.stderr));
    let file = fs::read(&path)?;
    ensure!(file.starts_with(b"\x89PNG") && file.len() > 10_000, "{} bytes are no picture", file.len());
    let refused = draw(&folder.path().join("nowhere/reach.png"), "320x180");
    ensure!(refused.status.code() == Some(2) && text(&refused.stderr).contains("nowhere"));
    Ok(())
}
