//! `apprentice study`: the experiments behind the README's figures, cell by cell, by the commands that a user would give.
//!
//! Every step is this very program with other words, started as a process of its own: what the study finds is what its reader gets.
//! A cell that is done is a file; begun again, the study goes on where it was.

mod compounding;
mod data;
mod delay;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use apprentice::study::Table;
use apprentice::study::heads::{self, Cell, Outcome};
use apprentice::train::report::chart::Chart;
use apprentice::train::report::page::{self, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::options::put;

/// Run an experiment of the README
#[derive(clap::Subcommand, Debug)]
pub(crate) enum Study {
    /// Every head in the worlds it has to prove itself in, each with the same few minutes of training
    #[command(after_help = "\
Run it in a clone of the project, on a machine that does nothing else: the minutes of training are the wall's.

Examples:
  apprentice study heads
      all cells: two hours on two cores; Ctrl-C at any time, and the same command goes on
  apprentice study heads --worlds fork --heads mse,flow")]
    Heads(Heads),
    /// Treatments of demonstrations, with and without: weights for poor ones, shift with corrective action, dropout of past actions
    #[command(after_help = "\
Run it in a clone of the project. Training is counted in steps: what comes out is the same again.

Examples:
  apprentice study data
      all cells, some minutes; Ctrl-C at any time, and the same command goes on
  apprentice study data --cases shift_few,shift_many --seeds 1")]
    Data(data::Data),
    /// Thinking that takes longer and longer, and every way in which chunks may meet
    #[command(after_help = "\
Run it in a clone of the project. One policy a world is trained, for minutes of the wall's, or given; the attempts repeat.

Examples:
  apprentice study delay
      all cells: some two hours on two cores; Ctrl-C at any time, and the same command goes on
  apprentice study delay --policy pick=runs/pick --worlds pick --joins replace,continue --delays 4")]
    Delay(delay::Delay),
    /// What becomes of small errors: demonstrations alone, with noise, and with corrections, at equal labels
    #[command(after_help = "\
Run it in a clone of the project. Training is counted in steps: what comes out is the same again.

Examples:
  apprentice study compounding
      all cells: about an hour on two cores; Ctrl-C at any time, and the same command goes on
  apprentice study compounding --ways cloned,human --seeds 3")]
    Compounding(compounding::Compounding),
}

/// The experiment `heads`.
#[derive(clap::Args, Debug)]
pub(crate) struct Heads {
    /// Where demonstrations, runs and what came out of each cell go
    #[arg(long, value_name = "DIR", default_value = "studies/heads")]
    out: PathBuf,
    /// The folder of the worlds' settings
    #[arg(long, value_name = "DIR", default_value = "config")]
    configs: PathBuf,
    /// Only these worlds, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    worlds: Vec<String>,
    /// Only these heads, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    heads: Vec<String>,
    /// Minutes of training for each cell [default: 3, for push and pick 8]
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// How many demonstrations
    #[arg(long, value_name = "N", default_value_t = 100)]
    demonstrations: u32,
    /// How many attempts to judge by
    #[arg(long, value_name = "N", default_value_t = 200)]
    episodes: u32,
}

impl Study {
    /// Runs what is not done yet and shows the table.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let study = match self {
            Self::Heads(study) => study,
            Self::Data(study) => return study.run(),
            Self::Delay(study) => return study.run(),
            Self::Compounding(study) => return study.run(),
        };
        let cells = heads::cells(&study.worlds, &study.heads, study.minutes);
        let outcomes = resumed(&study.out, &cells, Cell::name, |cell| study.cell(cell))?;
        show(&heads::table(&outcomes))
    }
}

impl Heads {
    fn cell(&self, cell: &Cell) -> anyhow::Result<Outcome> {
        let config = self.configs.join(format!("{}.yaml", cell.world));
        let demonstrations = self.out.join("demonstrations").join(&cell.world);
        let done = demonstrations.join("done");
        if !done.exists() {
            if demonstrations.exists() {
                fs::remove_dir_all(&demonstrations)?;
            }
            let episodes = self.demonstrations.to_string();
            let words =
                ["sim", "--world", &cell.world, "--expert", "--cameras", "none", "--episodes", &episodes];
            own(&words, &[("--config", &config), ("--out", &demonstrations)])?;
            fs::write(done, "")?;
        }
        let run = self.out.join("runs").join(cell.name());
        let head = format!("policy.head={}", cell.settings());
        let minutes = cell.minutes.to_string();
        let words = ["train", "--set", &head, "--minutes", &minutes, "--device", "cpu", "--resume"];
        own(&words, &[("--config", &config), ("--bags", &demonstrations), ("--out", &run)])?;
        let episodes = self.episodes.to_string();
        let words = ["eval", "--world", &cell.world, "--episodes", &episodes, "--json"];
        let said = own(&words, &[("--policy", &run)])?;
        outcome(cell, &run, &serde_json::from_str(&said).context("what the evaluation said")?)
    }
}

/// Shows what came out.
fn show(table: &Table) -> anyhow::Result<()> {
    Ok(put(&table.markdown())?)
}

/// Shows what came out, and draws it on a page.
fn drawn(out: &Path, title: &str, lead: &str, table: &Table, charts: &[Chart]) -> anyhow::Result<()> {
    let path = out.join("report.html");
    let figures: Vec<String> = charts.iter().map(Chart::figure).collect();
    Page::of(title).lead(lead).part(&page::figures(&figures)).part(&table.part()).write(&path)?;
    show(table)?;
    Ok(put(&format!("\nThe page: {}", path.display()))?)
}

fn outcome(cell: &Cell, run: &Path, said: &Value) -> anyhow::Result<Outcome> {
    let number = |key: &str| said[key].as_f64().with_context(|| format!("the evaluation says no {key}"));
    let end = |place: usize| said["interval"][place].as_f64().context("the evaluation says no interval");
    let attempts = said["attempts"].as_array().context("the evaluation says no attempts")?;
    let well = attempts.iter().filter(|attempt| attempt["success"] == true);
    let (left, right): (Vec<&Value>, Vec<&Value>) =
        well.partition(|attempt| attempt["side"].as_f64().is_some_and(|side| side > 0.0));
    let metrics = run.join("metrics.jsonl");
    let lines = fs::read_to_string(&metrics).with_context(|| format!("{metrics:?}"))?;
    let steps =
        lines.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok()?["step"].as_u64());
    Ok(Outcome {
        cell: cell.clone(),
        steps: steps.context("the run has no step in its metrics")?,
        share: number("share")?,
        interval: [end(0)?, end(1)?],
        score: number("score")?,
        sides: [left.len(), right.len()],
        jerk: number("jerk")?,
        thinking_ms: said["thinking_ms"][0].as_f64().context("the evaluation says no thinking_ms")?,
    })
}

/// What came out of each cell, from its file where it is done, and else done now.
fn resumed<C, O: Serialize + DeserializeOwned>(
    out: &Path,
    cells: &[C],
    name: impl Fn(&C) -> String,
    run: impl Fn(&C) -> anyhow::Result<O>,
) -> anyhow::Result<Vec<O>> {
    let of = |cell: &C| {
        let file = out.join(format!("{}.json", name(cell)));
        match fs::read_to_string(&file) {
            Ok(text) => serde_json::from_str(&text).with_context(|| format!("{file:?}")),
            Err(_not_done) => {
                let outcome = run(cell)?;
                fs::write(&file, serde_json::to_string_pretty(&outcome)?)?;
                Ok(outcome)
            }
        }
    };
    cells.iter().map(of).collect()
}

/// Runs this program with other words; what it printed.
fn own(words: &[&str], paths: &[(&str, &Path)]) -> anyhow::Result<String> {
    let mut command = Command::new(std::env::current_exe().context("where this program is")?);
    command.args(words);
    paths.iter().for_each(|(option, path)| {
        command.arg(option).arg(path);
    });
    let said = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(said.status.success(), "`apprentice {}` ended with {}", words.join(" "), said.status);
    Ok(String::from_utf8(said.stdout)?)
}
