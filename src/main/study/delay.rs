//! `apprentice study delay`: thinking that takes time, and every way to join chunks.
//!
//! What is tried says the room `study`; here a policy of each world is trained, unless one is given, and tried by the commands that a
//! user would give. The demonstrations say besides what step of a command a person would call smooth.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apprentice::bag;
use apprentice::config::Settings;
use apprentice::msg::Message as _;
use apprentice::msg::own::Command;
use apprentice::sim::{JOINTS, NAMES};
use apprentice::study::delay::{self, Cell, JOINS, LEARNED, Outcome};
use serde_json::Value;

use super::{drawn, own, resumed};
use crate::command::bag::Bags;
use crate::command::options::key_value;

/// The topic of the expert's commands.
const EXPERT: &str = "/expert/command";

/// The experiment `delay`.
#[derive(clap::Args, Debug)]
pub(crate) struct Delay {
    /// Where demonstrations, runs and what came out of each cell go
    #[arg(long, value_name = "DIR", default_value = "studies/delay")]
    out: PathBuf,
    /// The folder of the worlds' settings
    #[arg(long, value_name = "DIR", default_value = "config")]
    configs: PathBuf,
    /// Only these worlds, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    worlds: Vec<String>,
    /// Only these joins, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = join)]
    joins: Vec<String>,
    /// Only these delays, in ticks of the policy's grid, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "TICKS")]
    delays: Vec<u32>,
    /// A policy that is there already, in the place of one that is trained: pick=runs/pick; pick_continue_learned is the one that learned
    /// to go on from what is promised
    #[arg(long, value_name = "WORLD=RUN", value_parser = key_value)]
    policy: Vec<(String, String)>,
    /// Minutes of training for each world
    #[arg(long, value_name = "M", default_value_t = 8.0)]
    minutes: f64,
    /// How many demonstrations
    #[arg(long, value_name = "N", default_value_t = 100)]
    demonstrations: u32,
    /// How many attempts to judge by
    #[arg(long, value_name = "N", default_value_t = 100)]
    episodes: u32,
}

fn join(name: &str) -> anyhow::Result<String> {
    let known: Vec<&str> = JOINS.iter().map(|(name, _)| *name).collect();
    ensure!(known.contains(&name), "the joins are {}", known.join(", "));
    Ok(name.to_owned())
}

impl Delay {
    /// Runs what is not done yet and shows the table.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let cells = delay::cells(&self.worlds, &self.joins, &self.delays);
        let outcomes = resumed(&self.out, &cells, Cell::name, |cell| self.cell(cell))?;
        let title = "Thinking that takes time, and every way to join chunks";
        let lead =
            "The delay is in ticks of the policy's grid; the attempts of a world are the same throughout.";
        drawn(&self.out, title, lead, &delay::table(&outcomes), &delay::charts(&outcomes))
    }

    fn cell(&self, cell: &Cell) -> anyhow::Result<Outcome> {
        let demonstrations = self.demonstrated(&cell.world)?;
        let run = self.policy_of(cell, &demonstrations)?;
        let join = format!("control.join={}", cell.setting().context("the cells are those of known joins")?);
        let (episodes, delay) = (self.episodes.to_string(), cell.delay.to_string());
        let words = ["eval", "--world", &cell.world, "--episodes", &episodes, "--delay", &delay];
        let words = [&words[..], &["--set", &join, "--json"]].concat();
        let said = own(&words, &[("--policy", &run)])?;
        let said = serde_json::from_str(&said).context("what the evaluation said")?;
        outcome(cell, largest_step(&demonstrations)?, &said)
    }

    /// The demonstrations of a world, which are made where there are none yet.
    fn demonstrated(&self, world: &str) -> anyhow::Result<PathBuf> {
        let folder = self.out.join("demonstrations").join(world);
        let done = folder.join("done");
        if done.exists() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let count = self.demonstrations.to_string();
        let words = ["sim", "--world", world, "--expert", "--cameras", "none", "--episodes", &count];
        own(&words, &[("--config", &self.config(world)), ("--out", &folder)])?;
        fs::write(done, "")?;
        Ok(folder)
    }

    /// The run of a cell's policy: the one that was given for its world, or one that is trained where there is none yet.
    fn policy_of(&self, cell: &Cell, demonstrations: &Path) -> anyhow::Result<PathBuf> {
        let (world, learned) = (&cell.world, cell.join == LEARNED);
        let name = if learned { format!("{world}_{LEARNED}") } else { world.clone() };
        if let Some((_, run)) = self.policy.iter().find(|(known, _)| *known == name) {
            return Ok(PathBuf::from(run));
        }
        let run = self.out.join("runs").join(&name);
        let done = self.out.join("runs").join(format!("{name}_done"));
        if !done.exists() {
            let config = self.config(world);
            let minutes = self.minutes.to_string();
            let prefixes = format!("policy.head.{}.prefixes=true", head(&config)?);
            let mut words = vec!["train", "--minutes", &minutes, "--device", "cpu", "--resume"];
            words.extend(["--set", &prefixes].iter().filter(|_| learned));
            own(&words, &[("--config", &config), ("--bags", demonstrations), ("--out", &run)])?;
            fs::write(done, "")?;
        }
        Ok(run)
    }

    fn config(&self, world: &str) -> PathBuf {
        self.configs.join(format!("{world}.yaml"))
    }
}

/// The name of the head in those settings.
fn head(config: &Path) -> anyhow::Result<&'static str> {
    let settings = Settings::load(&[config.to_owned()], &[])?;
    let policy = settings.policy.with_context(|| format!("{config:?} has no section `policy`"))?;
    Ok(policy.head.name())
}

/// The largest change of a joint of the arm from one command of the expert to the next, rad.
fn largest_step(demonstrations: &Path) -> anyhow::Result<f64> {
    let mut largest: f64 = 0.0;
    for path in Bags::of(&[demonstrations.to_owned()]).found()? {
        let mut last: Option<Vec<f64>> = None;
        for sample in bag::open(&path)?.samples(&[EXPERT]) {
            let command = Command::decode(&sample?.cdr)?;
            // The gripper's metres do not go with radians; it is the last one.
            let of = |name: &&str| {
                let place = command.names.iter().position(|known| known == name);
                let position = place.and_then(|place| command.values.get(place)).copied();
                position.with_context(|| format!("a command in {path:?} says nothing of {name:?}"))
            };
            let arm = NAMES[..JOINTS - 1].iter().map(of).collect::<anyhow::Result<Vec<f64>>>()?;
            if let Some(last) = last {
                let steps = arm.iter().zip(&last).map(|(now, before)| (now - before).abs());
                largest = steps.fold(largest, f64::max);
            }
            last = Some(arm);
        }
    }
    ensure!(largest > 0.0, "nobody moved in {demonstrations:?}");
    Ok(largest)
}

fn outcome(cell: &Cell, demonstrated_step: f64, said: &Value) -> anyhow::Result<Outcome> {
    let number = |key: &str| said[key].as_f64().with_context(|| format!("the evaluation says no {key}"));
    let end = |place: usize| said["interval"][place].as_f64().context("the evaluation says no interval");
    let attempts = said["attempts"].as_array().context("the evaluation says no attempts")?;
    Ok(Outcome {
        cell: cell.clone(),
        successes: attempts.iter().map(|attempt| attempt["success"] == true).collect(),
        share: number("share")?,
        interval: [end(0)?, end(1)?],
        score: number("score")?,
        jerk: number("jerk")?,
        largest_step: number("largest_step")?,
        largest_seam: number("largest_seam")?,
        demonstrated_step,
        waited: number("waited")?,
        thinking_ms: said["thinking_ms"][0].as_f64().context("the evaluation says no thinking_ms")?,
    })
}
