//! `apprentice study data`: treatments of demonstrations, with and without.
//!
//! Which there are and in what cases they are tried says the room `study`; here demonstrations are made, policies trained and tried, by
//! the commands that a user would give.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use apprentice::study::data::{self, Case, Cell, Lesson, Outcome};
use serde_json::Value;

use super::{own, resumed, show};

/// The experiment `data`.
#[derive(clap::Args, Debug)]
pub(crate) struct Data {
    /// Where demonstrations, runs and what came out of each cell go
    #[arg(long, value_name = "DIR", default_value = "studies/data")]
    out: PathBuf,
    /// The folder of the worlds' settings
    #[arg(long, value_name = "DIR", default_value = "config")]
    configs: PathBuf,
    /// Only these cases, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES", value_parser = case)]
    cases: Vec<String>,
    /// How many seeds of training, from 0 on
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// How many attempts to judge by
    #[arg(long, value_name = "N", default_value_t = 200)]
    episodes: u32,
}

fn case(name: &str) -> anyhow::Result<String> {
    let known = || data::CASES.iter().map(|case| case.name).collect::<Vec<_>>().join(", ");
    Case::named(name).with_context(|| format!("the cases are {}", known()))?;
    Ok(name.to_owned())
}

impl Data {
    /// Runs what is not done yet and shows the table.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let cells = data::cells(&self.cases, self.seeds);
        let outcomes = resumed(&self.out, &cells, Cell::name, |cell| self.cell(cell))?;
        show(&data::table(&outcomes))
    }

    fn cell(&self, cell: &Cell) -> anyhow::Result<Outcome> {
        let case = Case::named(&cell.case).context("the cells are those of known cases")?;
        let config = self.configs.join(format!("{}.yaml", case.world));
        let bags = case.lessons.iter().map(|lesson| self.lesson(case, lesson));
        let bags = bags.collect::<anyhow::Result<Vec<_>>>()?;
        let run = self.out.join("runs").join(cell.name());
        let seed = format!("train.seed={}", cell.seed);
        let mut words = vec!["train", "--device", "cpu", "--resume"];
        words.extend(["--set", &seed]);
        case.settings(cell.with).for_each(|set| words.extend(["--set", set]));
        let mut paths = vec![("--config", &*config), ("--out", &*run)];
        paths.extend(bags.iter().map(|bags| ("--bags", &**bags)));
        own(&words, &paths)?;
        let episodes = self.episodes.to_string();
        let mut words = vec!["eval", "--world", case.world, "--episodes", &episodes, "--json"];
        words.extend(case.trial);
        outcome(cell, &serde_json::from_str(&own(&words, &[("--policy", &*run)])?)?)
    }

    /// The folder of those demonstrations, which are made where there are none yet.
    fn lesson(&self, case: &Case, lesson: &Lesson) -> anyhow::Result<PathBuf> {
        let folder = self.out.join("demonstrations").join(lesson.name);
        let done = folder.join("done");
        if done.exists() {
            return Ok(folder);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let config = self.configs.join(format!("{}.yaml", case.world));
        let (count, seed) = (lesson.count.to_string(), lesson.seed.to_string());
        let mut words = vec!["sim", "--world", case.world, "--expert", "--cameras", "none"];
        words.extend(["--episodes", &count, "--seed", &seed]);
        words.extend(lesson.words);
        own(&words, &[("--config", &*config), ("--out", &*folder)])?;
        if let Some(quality) = lesson.quality {
            let note = format!("quality={quality}");
            let path = folder.to_str().context("the folder's name is no text")?;
            own(&["bag", "label", path, "--note", &note], &[])?;
        }
        fs::write(done, "")?;
        Ok(folder)
    }
}

fn outcome(cell: &Cell, said: &Value) -> anyhow::Result<Outcome> {
    let number = |key: &str| said[key].as_f64().with_context(|| format!("the evaluation says no {key}"));
    let end = |place: usize| said["interval"][place].as_f64().context("the evaluation says no interval");
    Ok(Outcome {
        cell: cell.clone(),
        share: number("share")?,
        interval: [end(0)?, end(1)?],
        seconds: number("seconds")?,
        score: number("score")?,
    })
}
