//! `apprentice study compounding`: demonstrations alone, with noise, and with corrections, at equal numbers of the expert's labels.
//!
//! The ways that correct are `apprentice dagger` with its gates; the plain one is the same with no round of correction and as many
//! steps of training as all rounds together. What the plain one's demonstrations took of the expert is what the others may spend.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apprentice::study::compounding::{self, Cell, DISTURBED, DOUBTED, Outcome, SETTINGS, WAYS, WORLD};
use serde_json::Value;

use super::{drawn, own, resumed};

/// How far the seeds of cells are apart.
const APART: u64 = 100_000;

/// What error is expected of the policy in the end, rad² over an episode: what the one of a quarter errs by would throw the cube
/// out of the expert's fingers.
const FINAL_ERROR: &str = "0.02";

/// Demonstrations that say how much doubt is too much: they are labels too, so there are few.
const CALIBRATION: &str = "10";

/// The experiment `compounding`.
#[derive(clap::Args, Debug)]
pub(crate) struct Compounding {
    /// Where demonstrations, runs and what came out of each cell go
    #[arg(long, value_name = "DIR", default_value = "studies/compounding")]
    out: PathBuf,
    /// The folder of the worlds' settings
    #[arg(long, value_name = "DIR", default_value = "config")]
    configs: PathBuf,
    /// Only these ways, separated by commas: cloned, dart, beta, human, doubt
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = way)]
    ways: Vec<String>,
    /// How many seeds, from 0 on
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// How many demonstrations the plain way has
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(4..))]
    demonstrations: u32,
    /// How many rounds of correction the others have
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Steps of training for each round
    #[arg(long, value_name = "N", default_value_t = 5000)]
    steps: u64,
    /// How many attempts to judge by
    #[arg(long, value_name = "N", default_value_t = 200)]
    episodes: u32,
}

fn way(name: &str) -> anyhow::Result<String> {
    ensure!(WAYS.contains(&name), "the ways are {}", WAYS.join(", "));
    Ok(name.to_owned())
}

impl Compounding {
    /// Runs what is not done yet and shows the table.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let cells = compounding::cells(&self.ways, self.seeds);
        let outcomes = resumed(&self.out, &cells, Cell::name, |cell| self.cell(cell))?;
        let title = "What becomes of small errors";
        let lead = "Demonstrations alone, demonstrations with noise, and corrections, at equal numbers of the expert's labels.";
        drawn(&self.out, title, lead, &compounding::table(&outcomes), &compounding::charts(&outcomes))
    }

    fn cell(&self, cell: &Cell) -> anyhow::Result<Outcome> {
        let (run, labels) = match cell.way.as_str() {
            "cloned" => self.cloned(cell)?,
            "dart" => self.noisy(cell)?,
            _ => self.corrected(cell)?,
        };
        let episodes = self.episodes.to_string();
        let words =
            ["eval", "--world", WORLD, "--disturb", DISTURBED, "--episodes", &episodes, "--beside", "--json"];
        outcome(cell, labels, &serde_json::from_str(&own(&words, &[("--policy", &run)])?)?)
    }

    /// Demonstrations alone: the run, and the labels that it took.
    fn cloned(&self, cell: &Cell) -> anyhow::Result<(PathBuf, u64)> {
        let out = self.folder(cell);
        let count = self.demonstrations.to_string();
        self.dagger(cell, &["--rounds", "0", "--demonstrations", &count], self.all_steps(), &out)?;
        Ok((out.join("round_0/run"), spent(&out, 0)?))
    }

    /// A third of the demonstrations, and corrections for what is left of the plain way's labels.
    fn corrected(&self, cell: &Cell) -> anyhow::Result<(PathBuf, u64)> {
        let plain = Cell { way: WAYS[0].to_owned(), ..cell.clone() };
        let (_, labels) = self.cloned(&plain)?;
        let out = self.folder(cell);
        let (rounds, labels) = (self.rounds.to_string(), labels.to_string());
        let count = (self.demonstrations / 3).to_string();
        let mut words = vec![
            "--gate",
            &cell.way,
            "--calibration",
            CALIBRATION,
            "--rounds",
            &rounds,
            "--labels",
            &labels,
            "--demonstrations",
            &count,
        ];
        if cell.way == "doubt" {
            words.extend(["--set", DOUBTED]);
        }
        self.dagger(cell, &words, self.steps, &out)?;
        Ok((out.join(format!("round_{}/run", self.rounds)), spent(&out, self.rounds)?))
    }

    fn dagger(&self, cell: &Cell, words: &[&str], steps: u64, out: &Path) -> anyhow::Result<()> {
        let (steps, seed) = (format!("train.steps={steps}"), (cell.seed * APART).to_string());
        let trials =
            ["--episodes", "60", "--trials", "50", "--disturb", DISTURBED, "--set", &steps, "--seed", &seed];
        let words = [&["dagger", "--world", WORLD], words, &trials, &set()].concat();
        own(&words, &[("--config", &self.config()), ("--out", out)])?;
        Ok(())
    }

    /// As many demonstrations, half of them with noise like the errors of a policy of a quarter in another quarter.
    fn noisy(&self, cell: &Cell) -> anyhow::Result<(PathBuf, u64)> {
        let out = self.folder(cell);
        let quarter = self.demonstrations / 4;
        let noise = out.join("dart.yaml");
        let bags = [("first", quarter), ("second", quarter), ("noisy", self.demonstrations - 2 * quarter)];
        let mut seed = cell.seed * APART;
        let mut paths = Vec::new();
        for (name, count) in bags {
            let folder = out.join(name);
            if name == "noisy" {
                self.train(&paths[..1], self.steps, &out.join("first_run"))?;
                let learned = [("--learned", &*out.join("first_run")), ("--out", &*noise)];
                let fitted = paths[1].to_string_lossy();
                own(&["dart", "fit", &fitted, "--final-error", FINAL_ERROR], &learned)?;
            }
            let noise = Some(&*noise).filter(|_| name == "noisy");
            self.demonstrated(&folder, count, seed, noise)?;
            seed += u64::from(count);
            paths.push(folder);
        }
        let run = out.join("run");
        self.train(&paths, self.all_steps(), &run)?;
        let labels = paths.iter().map(|folder| labelled(folder)).sum::<anyhow::Result<u64>>()?;
        Ok((run, labels))
    }

    fn demonstrated(&self, out: &Path, count: u32, seed: u64, noise: Option<&Path>) -> anyhow::Result<()> {
        let done = out.join("done");
        if done.exists() {
            return Ok(());
        }
        if out.exists() {
            fs::remove_dir_all(out)?;
        }
        let (count, seed) = (count.to_string(), seed.to_string());
        let words = ["sim", "--world", WORLD, "--expert", "--cameras", "none"];
        let words = [&words[..], &["--episodes", &count, "--seed", &seed]].concat();
        let config = self.config();
        let mut paths = vec![("--config", &*config), ("--out", out)];
        paths.extend(noise.map(|noise| ("--dart", noise)));
        own(&words, &paths)?;
        Ok(fs::write(done, "")?)
    }

    fn train(&self, bags: &[PathBuf], steps: u64, run: &Path) -> anyhow::Result<()> {
        let steps = format!("train.steps={steps}");
        let config = self.config();
        let mut paths = vec![("--config", &*config), ("--out", run)];
        paths.extend(bags.iter().map(|bags| ("--bags", &**bags)));
        own(&[&["train", "--device", "cpu", "--resume", "--set", &steps][..], &set()].concat(), &paths)?;
        Ok(())
    }

    /// As many steps as a way that corrects has in all its rounds.
    fn all_steps(&self) -> u64 {
        self.steps * u64::from(self.rounds + 1)
    }

    fn folder(&self, cell: &Cell) -> PathBuf {
        self.out.join("runs").join(cell.name())
    }

    fn config(&self) -> PathBuf {
        self.configs.join(format!("{WORLD}.yaml"))
    }
}

/// What every training is told.
fn set() -> Vec<&'static str> {
    SETTINGS.into_iter().flat_map(|setting| ["--set", setting]).collect()
}

/// The labels of all rounds up to `last`.
fn spent(out: &Path, last: u32) -> anyhow::Result<u64> {
    let of = |round: u32| {
        let file = out.join(format!("round_{round}/collected.json"));
        let said: Value =
            serde_json::from_str(&fs::read_to_string(&file).with_context(|| format!("{file:?}"))?)?;
        said["labels"].as_u64().with_context(|| format!("{file:?} says no labels"))
    };
    (0..=last).map(of).sum()
}

/// How many commands of the expert there are in the recordings of a folder.
fn labelled(folder: &Path) -> anyhow::Result<u64> {
    let said: Value =
        serde_json::from_str(&own(&["bag", "info", "--json", &folder.to_string_lossy()], &[])?)?;
    let bags = said.as_array().context("the bags' facts are a list")?;
    let topics = bags.iter().filter_map(|bag| bag["topics"].as_array()).flatten();
    let expert = topics.filter(|topic| topic["name"] == "/expert/command");
    let counts = expert.map(|topic| topic["messages"].as_u64().context("the bag says no count"));
    counts.sum()
}

fn outcome(cell: &Cell, labels: u64, said: &Value) -> anyhow::Result<Outcome> {
    let number = |value: &Value| value.as_f64().context("the evaluation says no number there");
    let attempts = said["attempts"].as_array().context("the evaluation says no attempts")?;
    let astray = |attempt: &Value| -> anyhow::Result<Vec<f64>> {
        attempt["astray"]
            .as_array()
            .context("the evaluation says nothing of the expert")?
            .iter()
            .map(number)
            .collect()
    };
    let errors = attempts.iter().map(astray).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Outcome {
        cell: cell.clone(),
        labels,
        attempts: attempts.len(),
        successes: attempts.iter().filter(|attempt| attempt["success"] == true).count(),
        share: number(&said["share"])?,
        interval: [number(&said["interval"][0])?, number(&said["interval"][1])?],
        errors: compounding::summed(&errors),
    })
}
