//! `apprentice eval`: how often a policy succeeds, with its interval.
//!
//! The robot's streams and its rate of control are those that the policy was trained with, which its checkpoint holds; what is laid
//! over them here is how it acts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context as _;
use apprentice::config::Settings;
use apprentice::nn::device;
use apprentice::policy::checkpoint;
use apprentice::sim;
use apprentice::train::evaluate::{self, Options, Report, evaluate};

use super::options::{WrongUse, key_value, put};
use super::progress::Progress;
use super::sim::disturbance;
use super::table::Table;

/// Try a policy in the simulator and say how often it succeeds
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The attempts run in lockstep and repeat: the same policy, seed and --worlds give the same attempts on every machine of one kind.
The interval is Wilson's, with 95 % confidence.

Examples:
  apprentice eval --policy runs/pick --world pick --episodes 200
  apprentice eval --policy runs/pick --world pick --set control.join.replace.after=4
  apprentice eval --policy runs/pick --world pick --delay 4 --set 'control.join={continue: {}}'
      where thinking takes four ticks of the policy's grid, and new chunks go on from the old
  apprentice eval --policy runs/pick --world pick --episodes 8 --video films --videos 8")]
pub(crate) struct Eval {
    /// A run's folder, of which the best checkpoint is taken, or a checkpoint
    #[arg(long, value_name = "RUN")]
    policy: PathBuf,
    /// The world to act in
    #[arg(long, value_name = "NAME")]
    world: String,
    /// How many attempts
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// The first attempt's seed; those that follow count up. Far from those of demonstrations, which begin at 0
    #[arg(long, value_name = "S", default_value_t = 1_000_000)]
    seed: u64,
    /// How many worlds stand side by side
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    worlds: u32,
    /// How long thinking of a chunk takes, in ticks of the policy's grid
    #[arg(long, value_name = "N", default_value_t = 0)]
    delay: u32,
    /// Where the policy computes: cpu, cuda, cuda:1
    #[arg(long, default_value = "cpu")]
    device: String,
    /// What the goal is, by its name in the world: for policies with a goal
    #[arg(long, value_name = "THING")]
    goal: Option<String>,
    /// What goes wrong: sensor or action (noise, rad), latency (s), push (N); as in push=5 sensor=0.001
    #[arg(long, value_name = "KIND=SIZE", value_parser = key_value, num_args = 1..)]
    disturb: Vec<(String, String)>,
    /// Ask the world's expert at every tick what he would have done, and say with --json how far that was from what was done
    #[arg(long)]
    beside: bool,
    /// Write films of the first attempts into this folder
    #[arg(long, value_name = "DIR")]
    video: Option<PathBuf>,
    /// How many films
    #[arg(long, value_name = "N", default_value_t = 4, requires = "video")]
    videos: u32,
    /// A setting on top of those that the policy was trained with: control.interpolate=smooth
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Say it for machines
    #[arg(long)]
    json: bool,
}

impl Eval {
    /// Evaluates and says what came out.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let report = self.report(|| false)?;
        match self.json {
            true => put(&serde_json::to_string_pretty(&report)?)?,
            false => put(&table(&report))?,
        }
        Ok(())
    }

    /// Evaluates, unless it stops before.
    pub(super) fn report(&self, stops: impl Fn() -> bool) -> anyhow::Result<Report> {
        let entry = sim::world(&self.world).map_err(|error| WrongUse(error.to_string()))?;
        let on = device::find(&self.device).map_err(|error| WrongUse(error.to_string()))?;
        let checkpoint = checkpoint::open(&self.policy, on)?;
        let name = checkpoint.path.join("config.yaml").display().to_string();
        let settings = Settings::parse_with(&checkpoint.settings, &name, &self.set)?;
        let act = settings.act.as_ref().context("the policy's settings have no section `act`")?;
        if let Some(folder) = &self.video {
            std::fs::create_dir_all(folder).with_context(|| format!("the folder {folder:?}"))?;
        }
        let options = Options {
            world: entry.name.to_owned(),
            episodes: self.episodes,
            seed: self.seed,
            worlds: self.worlds as usize,
            control: settings.control.clone(),
            delay: self.delay,
            disturbance: disturbance(&self.disturb)?,
            goal: self.goal.clone(),
            beside: self.beside,
            films: self.video.clone().map(|folder| (folder, self.videos)),
        };
        let mut progress = Progress::begin(entry.name, u64::from(self.episodes), "attempts");
        let report = evaluate(
            &checkpoint.policy,
            &settings.observe,
            act,
            &options,
            |_attempt| progress.step(),
            stops,
        )?;
        Ok(report)
    }
}

/// What came out, for people.
fn table(report: &Report) -> String {
    let evaluate::Report { share, interval: [low, high], successes, attempts, .. } = report;
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut table = Table::new(&["", ""]);
    let mut row = |what: &str, value: String| table.row(vec![what.to_owned(), value]);
    row("success", format!("{} ({successes} of {})", percent(*share), attempts.len()));
    row("95 % interval", format!("{} to {}", percent(*low), percent(*high)));
    row("score", format!("{:.3}", report.score));
    row("seconds where it succeeded", format!("{:.1}", report.seconds));
    row("jerk (rms), rad/s³", format!("{:.0}", report.jerk));
    row("largest step, rad", format!("{:.4}", report.largest_step));
    row("largest step where chunks meet, rad", format!("{:.4}", report.largest_seam));
    let [middle, slowest] = report.thinking_ms;
    row("thinking of a chunk", format!("{middle:.1} ms, {slowest:.1} at the slowest"));
    if report.late > 0.0 || report.waited > 0.0 {
        row("actions that came too late, an attempt", format!("{:.1}", report.late));
        row("seconds of waiting for a chunk", format!("{:.2}", report.waited));
    }
    let mut held = BTreeMap::<&str, usize>::new();
    attempts
        .iter()
        .filter_map(|attempt| attempt.held.as_deref())
        .for_each(|why| *held.entry(why).or_default() += 1);
    for (why, times) in held {
        row("attempts that ended held", format!("{times}: {why}"));
    }
    let gaps: u64 = attempts.iter().map(|attempt| attempt.gaps).sum();
    if gaps > 0 {
        row("observations that could not be made", gaps.to_string());
    }
    table.to_string()
}
