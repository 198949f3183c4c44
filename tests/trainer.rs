//! A trainer that waits for recordings and learns on: each round begins when enough is new, survives a kill, and is what `best` leads to.
//!
//! Recordings are brought into its folder while it waits, as a recorder beside it would; the arm is made up.
#![cfg(all(feature = "learn", feature = "dds"))]

#[path = "support/cli.rs"]
mod cli;
#[path = "support/patience.rs"]
mod patience;
#[path = "support/running.rs"]
mod running;
#[path = "support/waves.rs"]
mod waves;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use apprentice::bus::typed::{call_typed, read, subscribe};
use apprentice::bus::{self, Inbox, Kind, Limit};
use apprentice::msg::diagnostic::DiagnosticArray;
use apprentice::msg::std::{Trigger, TriggerRequest};
use apprentice::nn::device::Device;
use apprentice::policy::checkpoint;
use apprentice::wire::Qos;
use running::Running;
use rustix::process::Signal;

const PATIENCE: Duration = Duration::from_secs(120);

/// A folder with the robot's file and recordings that are not to be learned from yet.
struct Place {
    folder: tempfile::TempDir,
    made: Vec<PathBuf>,
    domain: u16,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let sections = "policy: {history: 1, chunk: 4, width: 16, head: {mse: {}}}\n\
                        train: {steps: 15, threads: 1, batch: 8, warm_up: 2}\ndata: {held_out: 0.3}\n";
        fs::write(folder.path().join("robot.yaml"), format!("{}{sections}", waves::ROBOT))?;
        let made = waves::write(&folder.path().join("made"), 5, 2);
        let domain = u16::try_from(200 + std::process::id() % 10)?;
        Ok(Self { folder, made, domain })
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self) -> Result<Running> {
        let domain = self.domain.to_string();
        let [config, bags, out] =
            ["robot.yaml", "bags", "out"].map(|name| self.at(name).display().to_string());
        let words = ["train", "--config", &config, "--bags", &bags, "--out", &out];
        let words = [&words[..], &["--watch=2", "--quiet", "--device", "cpu", "--domain", &domain]].concat();
        Running::start(words, &[])
    }

    /// Brings a recording in; it is there from one instant to the next.
    fn bring(&self, number: usize) -> Result<()> {
        fs::create_dir_all(self.at("bags"))?;
        Ok(fs::rename(&self.made[number], self.at("bags").join(format!("episode_{number:04}")))?)
    }

    /// Waits until that round is what `best` leads to.
    fn leads_to(&self, round: &str) -> Result<()> {
        let best = self.at("out/best");
        let leads = || Ok(fs::read_link(&best).is_ok_and(|to| to == Path::new(round).join("best")));
        patience::until(&format!("best leads to {round}"), PATIENCE, leads)
    }

    /// How many recordings the policy that acts would have learned from or been held to.
    fn learned_from(&self) -> Result<usize> {
        Ok(checkpoint::open(&self.at("out"), Device::Cpu)?.provenance.origin.bags.len())
    }
}

/// Waits until monitors are told that it waits for one more.
fn one_is_missing(heard: &Inbox) -> Result<()> {
    let told = || {
        let all = std::iter::from_fn(|| heard.take()).map(|sample| read::<DiagnosticArray>(&sample));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        Ok(all.iter().flat_map(|said| &said.status).any(|status| {
            status.name == "trainer: training" && status.message == "waiting: 1 of 2 new recordings are there"
        }))
    };
    patience::until("it says that it waits for one more", PATIENCE, told)
}

#[test]
fn a_trainer_learns_on_when_enough_is_new_or_somebody_asks_and_a_kill_costs_no_round() -> Result<()> {
    let place = Place::new()?;
    let trainer = place.start()?;
    let person = bus::open(&bus::Options {
        kind: Kind::Dds,
        node: "person".to_owned(),
        domain: Some(place.domain),
        ..bus::Options::default()
    })?;
    let heard = Inbox::new(Limit { samples: 100, bytes: 1 << 20 });
    let _diagnostics = subscribe::<DiagnosticArray>(&*person, "/diagnostics", Qos::reliable(10), &heard)?;
    place.bring(0)?;
    one_is_missing(&heard)?;
    ensure!(!place.at("out/best").exists(), "it did not wait");
    place.bring(1)?;
    place.leads_to("0000")?;
    ensure!(place.learned_from()? == 2);
    trainer.kill()?;

    // One more is not enough, unless somebody asks.
    place.bring(2)?;
    let trainer = place.start()?;
    // Whoever asks before it is there asks the one that is gone.
    one_is_missing(&heard)?;
    let asked = call_typed::<Trigger>(&*person, "/trainer/train", &TriggerRequest {}, PATIENCE)?;
    ensure!(asked.success, "{}", asked.message);
    place.leads_to("0001")?;
    ensure!(place.learned_from()? == 3);
    let begun = fs::read_to_string(place.at("out/0001/config.yaml"))?;
    ensure!(begun.contains("out/0000"), "it did not go on from the round before: {begun}");
    trainer.signal(Signal::INT)?;
    let (code, said) = trainer.end()?;
    ensure!(code == Some(0) && said.contains("round 1: 3 recordings, 1 of them new"), "{code:?}: {said}");
    Ok(())
}

#[test]
fn what_nothing_can_be_learned_from_is_waited_over() -> Result<()> {
    let mut place = Place::new()?;
    place.domain += 10;
    // Two that are too short to have a window.
    let short = waves::write(&place.at("short"), 2, 0);
    fs::create_dir_all(place.at("bags"))?;
    for (number, bag) in short.iter().enumerate() {
        fs::rename(bag, place.at("bags").join(format!("short_{number}")))?;
    }
    let mut trainer = place.start()?;
    let said = trainer.says("more are waited for")?;
    ensure!(!place.at("out/best").exists(), "{said}");
    place.bring(0)?;
    place.bring(1)?;
    place.leads_to("0000")?;
    trainer.signal(Signal::INT)?;
    ensure!(trainer.end()?.0 == Some(0));
    Ok(())
}

#[test]
fn a_mistake_in_the_settings_ends_it_before_anything_is_waited_for() -> Result<()> {
    let place = Place::new()?;
    fs::write(place.at("robot.yaml"), waves::ROBOT)?;
    let (code, said) = place.start()?.end()?;
    ensure!(code == Some(2) && said.contains("nothing says what is learned"), "{code:?}: {said}");
    Ok(())
}

#[test]
fn a_folder_with_another_run_is_refused() -> Result<()> {
    let place = Place::new()?;
    fs::create_dir_all(place.at("out"))?;
    fs::write(place.at("out/metrics.jsonl"), "")?;
    let (code, said) = place.start()?.end()?;
    ensure!(code == Some(1) && said.contains("metrics.jsonl"), "{code:?}: {said}");
    Ok(())
}
