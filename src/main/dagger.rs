//! `apprentice dagger`: a policy drives, is corrected, and learns from that, round after round.
//!
//! A policy that learned from demonstrations meets states that no demonstration shows, because it brought itself there, and goes further
//! astray with every error (Ross et al. 2011, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online
//! Learning", section 2). Here it is shown what to do in just those. Every step is one that has a command of its own, and leaves a
//! file when it is done: whatever moment this is killed at, the same words go on from there.
//!
//! ```text
//!   OUT/round_0/  bags/  the expert's demonstrations        collected.json
//!                 run/   a policy of them                   trained.json     evaluated.json
//!   OUT/round_1/  bags/  attempts of that policy, shared    collected.json   corrected.json
//!                 run/   goes on from it, with all bags …   trained.json     evaluated.json
//!   OUT/report.html      what came of it, after every round
//! ```

mod attempts;
mod collect;
mod films;
mod page;
mod people;
mod plan;
mod step;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use apprentice::config::Settings;
use apprentice::control::calibrate::least;
use apprentice::control::gate::config::Agree;
use apprentice::data::Layout;
use apprentice::node::Stop;
use apprentice::sim;
use apprentice::train::evaluate::Robot;
use apprentice::train::film::film_of;
use apprentice::train::interact::{Stray, Who};
use serde::{Deserialize, Serialize};

use super::eval::Eval;
use super::once::once;
use super::options::{SettingsArgs, WrongUse, key_value, put};
use super::train::Train;
use step::{Collected, Corrected, Filmed, Judged, Trained};

pub(super) use films::blind;
pub(super) use step::words;

/// Let a policy drive, correct it, and train it on that, round after round
#[derive(clap::Args, Debug)]
#[command(after_help = "\
In simulation the world's expert stands in for the person. Who drives is decided at every tick by the gate that a robot has:
  human  the expert takes over when the policy strays, after a reaction time, and gives back when the two agree again
  doubt  the policy's doubt asks for him, from the threshold that was calibrated on demonstrations on
  beta   a coin before every chunk: DAgger as it was first written, with chunks in the place of single actions
Without a world it is people beside a robot who show and correct: each round says what to run there, and waits in its folder until
so many recordings are whole.
Ctrl-C at any time, and the same command goes on.

Examples:
  apprentice dagger --config config/so101.yaml --demonstrations 30 --episodes 20 --rounds 3 --out runs/taught
      with people, also on another machine that sees the same folder
  apprentice dagger --config config/pick.yaml --world pick --rounds 5 --gate human --episodes 20 --out runs/dagger
  apprentice dagger --config config/reach.yaml --world reach --gate doubt --set train.steps=2000 --out runs/doubtful
  apprentice dagger --config config/reach.yaml --world reach --gate beta --beta 0.7 --minutes 1 --out runs/beta")]
pub(crate) struct Dagger {
    #[command(flatten)]
    settings: SettingsArgs,
    /// The world to act in; without one this is a robot's, and people are waited for
    #[arg(long, value_name = "NAME")]
    world: Option<String>,
    /// How many rounds, after that of the demonstrations
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: u32,
    /// What decides who drives
    #[arg(long, value_enum, default_value_t = Gate::Human)]
    gate: Gate,
    /// Attempts a round
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// Demonstrations to begin with
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    demonstrations: u32,
    /// With --gate human: how far the policy may bring a joint within half a second from where the expert would have, rad; a tenth of
    /// that in m where it slides
    #[arg(long, requires = "world", value_name = "RAD", default_value_t = 0.1)]
    tolerance: f64,
    /// With --gate human: how long the expert takes to act, ms
    #[arg(long, requires = "world", value_name = "MS", default_value_t = 250.0)]
    reaction_ms: f64,
    /// With --gate doubt: demonstrations that are not learned from but say how much doubt is too much
    #[arg(long, requires = "world", value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    calibration: u32,
    /// The expert's labels of all rounds together, in ticks: what the demonstrations left is shared equally by the rounds, and attempts
    /// beyond a round's share are not kept
    #[arg(long, requires = "world", value_name = "TICKS")]
    labels: Option<u64>,
    /// Something that goes wrong in attempts and trials: sensor, action, latency or push, and how much
    #[arg(long, requires = "world", value_name = "KIND=SIZE", value_parser = key_value, num_args = 1..)]
    disturb: Vec<(String, String)>,
    /// With --gate beta: in round r the expert drives with the probability of this to the power of r
    #[arg(long, requires = "world", value_name = "SHARE", default_value_t = 0.8)]
    beta: f64,
    /// Training ends after so many minutes a round; `train.minutes` of the settings
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// How many attempts a policy is judged by
    #[arg(long, requires = "world", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,
    /// The first attempt's seed; rounds count up from it. Trials have seeds far from these
    #[arg(long, requires = "world", value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How many worlds stand side by side
    #[arg(long, requires = "world", value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    worlds: u32,
    /// Film so many attempts before and after for report.html, and half as many that were corrected
    #[arg(long, requires = "world", value_name = "N", default_value_t = 0)]
    films: u32,
    /// Where to compute: cpu, cuda or cuda:N
    #[arg(long, default_value = "cpu")]
    device: String,
    /// The folder of all rounds
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
}

/// What decides who drives.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Gate {
    Human,
    Doubt,
    Beta,
}

/// The page of all rounds, within their folder.
const PAGE: &str = "report.html";

/// A loop and what came of its rounds.
#[derive(Debug)]
pub(crate) struct Loop {
    about: Dagger,
    settings: Settings,
    rounds: Vec<Round>,
}

/// What came of a round.
#[derive(Debug)]
struct Round {
    collected: Collected,
    judged: Judged,
    corrected: Vec<Corrected>,
}

impl Dagger {
    /// Does what is not done yet, and shows the table.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        if self.world.is_none() {
            return self.with_people();
        }
        let (folder, rounds, world) = (self.out.clone(), self.rounds, self.world().to_owned());
        self.rounds()?;
        let last = folder.join(format!("round_{rounds}")).join("run");
        Ok(put(&format!(
            "The page: {}\nThe last policy: apprentice eval --policy {} --world {world}",
            folder.join(PAGE).display(),
            last.display(),
        ))?)
    }

    /// Does what is not done yet, and says what came of every round.
    pub(super) fn rounds(mut self) -> anyhow::Result<Loop> {
        sim::world(self.world()).map_err(|error| WrongUse(error.to_string()))?;
        for (name, value) in [("tolerance", self.tolerance), ("reaction-ms", self.reaction_ms)] {
            ensure!(value > 0.0 && value.is_finite(), WrongUse(format!("--{name}: {value} is not above 0")));
        }
        ensure!((0.0..=1.0).contains(&self.beta), WrongUse(format!("--beta: {} is no share", self.beta)));
        if let Some(minutes) = self.minutes {
            self.settings.set.push(format!("train.minutes={minutes}"));
        }
        self.settings.set.extend(self.sets()?);
        let settings = self.load()?;
        if let Some(doubt) = settings.control.gate.doubt {
            let least = least(doubt.false_alarms);
            ensure!(
                self.calibration as usize >= least,
                WrongUse(format!(
                    "--calibration {}: {} false alarms take at least {least} demonstrations",
                    self.calibration, doubt.false_alarms
                ))
            );
        }
        self.shows(&settings)?;
        self.settle(&settings)?;
        if self.films > 0
            && let Some(why) = films::blind(self.world())
        {
            put(&format!("No films are made: {why}"))?;
            self.films = 0;
        }
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let mut all = Loop { about: self, settings, rounds: Vec::new() };
        for number in 0..=all.about.rounds {
            let spent = all.rounds.iter().map(|round| round.collected.labels).sum();
            let round = all.about.round(number, spent, &all.settings, &stop)?;
            all.rounds.push(round);
            put(&format!("\n{}", told::table(&all.rounds)))?;
            all.page()?.write(&all.about.out.join(PAGE))?;
        }
        Ok(all)
    }

    /// The world to act in; only where one was given.
    fn world(&self) -> &str {
        self.world.as_deref().unwrap_or_default()
    }

    /// Refuses a world that does not show what is to be seen, before anybody shows anything there.
    fn shows(&self, settings: &Settings) -> anyhow::Result<()> {
        let act = settings.act.as_ref().context("the robot's file has no section `act`")?;
        let layout = Layout::resolve(&settings.robot, &settings.observe, act, None, &BTreeMap::new())?;
        Robot::open(self.world(), sim::Disturbance::default(), &layout, &settings.observe, act, None)?;
        Ok(())
    }

    fn load(&self) -> anyhow::Result<Settings> {
        let wanting = || WrongUse("a robot's file says what is seen and done: --config FILE".to_owned());
        Ok(self.settings.load()?.ok_or_else(wanting)?)
    }

    /// What the settings have to say for a loop: an attempt that failed shows where the policy is wrong.
    fn sets(&self) -> anyhow::Result<Vec<String>> {
        let mut sets = vec!["data.failures=keep".to_owned()];
        if self.gate == Gate::Doubt && self.load()?.control.gate.doubt.is_none() {
            sets.push("control.gate.doubt.false_alarms=0.1".to_owned());
        }
        // Nobody but who is named by the gate takes over.
        if self.gate != Gate::Doubt {
            sets.push("control.gate.doubt=null".to_owned());
        }
        // Calibration has demonstrations of its own here.
        sets.push("train.calibrate=false".to_owned());
        Ok(sets)
    }

    fn folder(&self, round: u32) -> PathBuf {
        self.out.join(format!("round_{round}"))
    }

    /// Collect, train, judge; where the rounds before spent so many labels.
    fn round(&self, number: u32, spent: u64, settings: &Settings, stop: &Stop) -> anyhow::Result<Round> {
        let folder = self.folder(number);
        let bags = folder.join("bags");
        if !folder.join("evaluated.json").exists() {
            put(&self.announcement(number))?;
        }
        let collected = once(&folder.join("collected.json"), || match number {
            0 => self.demonstrate(settings, &bags, 0, self.demonstrations, stop),
            _ => self.share(settings, &bags, number, spent, stop),
        })?;
        let corrected = match self.films > 0 && number > 0 {
            true => once(&folder.join("corrected.json"), || self.corrected(settings, number))?,
            false => Vec::new(),
        };
        let run = folder.join("run");
        once(&folder.join("trained.json"), || self.train(number, &run, stop))?;
        let judged = once(&folder.join("evaluated.json"), || self.judge(number, &run, stop))?;
        Ok(Round { collected, judged, corrected })
    }

    /// What happens in a round, for whoever waits for it.
    fn announcement(&self, number: u32) -> String {
        let (Self { episodes, demonstrations, trials, .. }, world) = (self, self.world());
        let tried = format!("Then it is tried alone, {trials} times.");
        match (number, self.gate) {
            (0, _) => format!(
                "\nRound 0: the expert shows {world} {demonstrations} times, and a policy is learned from that. {tried}"
            ),
            (_, Gate::Human) => format!(
                "\nRound {number}: the policy tries {episodes} times, and the expert takes over where it strays. It goes on learning from \
                 what he did there. {tried}"
            ),
            (_, Gate::Doubt) => format!(
                "\nRound {number}: the policy tries {episodes} times, and asks the expert where it doubts. It goes on learning from what he \
                 did there. {tried}"
            ),
            (_, Gate::Beta) => format!(
                "\nRound {number}: policy and expert drive by a coin, {episodes} times. The policy goes on learning from what the expert did. \
                 {tried}"
            ),
        }
    }

    /// Trains on the bags of all rounds so far, from what the round before learned.
    fn train(&self, number: u32, run: &Path, stop: &Stop) -> anyhow::Result<Trained> {
        let mut said: Vec<String> =
            ["--quiet", "--resume", "--device", &self.device].map(str::to_owned).into();
        let mut option = |name: &str, value: String| said.extend([name.to_owned(), value]);
        self.settings.config.iter().for_each(|file| option("--config", file.display().to_string()));
        self.settings.set.iter().for_each(|set| option("--set", set.clone()));
        if let Some(before) = number.checked_sub(1) {
            option("--set", format!("train.from={}", self.folder(before).join("run").display()));
        }
        option("--out", run.display().to_string());
        option("--cache", self.out.join("cache").display().to_string());
        said.push("--bags".to_owned());
        said.extend((0..=number).map(|round| self.folder(round).join("bags").display().to_string()));
        let outcome = words::<Train>(&said)?.outcome()?;
        ensure!(!stop.wished(), "stopped while training; the same command goes on");
        Ok(Trained { steps: outcome.steps, seconds: outcome.seconds })
    }

    fn judge(&self, number: u32, run: &Path, stop: &Stop) -> anyhow::Result<Judged> {
        let (policy, trials) = (run.display().to_string(), self.trials.to_string());
        let said =
            ["--policy", &policy, "--world", self.world(), "--episodes", &trials, "--device", &self.device];
        let mut said: Vec<String> = said.map(str::to_owned).into();
        for (kind, size) in &self.disturb {
            said.extend(["--disturb".to_owned(), format!("{kind}={size}")]);
        }
        // What is between the first and the last round is seen in figures well enough.
        let films = if number == 0 || number == self.rounds { self.films.min(self.trials) } else { 0 };
        let folder = self.folder(number).join("films");
        if films > 0 {
            said.extend(["--video".to_owned(), folder.display().to_string()]);
            said.extend(["--videos".to_owned(), films.to_string()]);
        }
        let report = words::<Eval>(&said)?.report(|| stop.wished());
        ensure!(!stop.wished(), "stopped while trying the policy; the same command goes on");
        let report = report?;
        let filmed = report.attempts.iter().take(films as usize).map(|attempt| Filmed {
            seed: attempt.seed,
            success: attempt.success,
            seconds: attempt.seconds,
            file: PathBuf::from("films").join(film_of(self.world(), attempt.seed)),
        });
        let films = filmed.collect();
        Ok(Judged { share: report.share, interval: report.interval, score: report.score, films })
    }

    /// Who takes over in a round.
    fn who(&self, round: u32) -> Who {
        match self.gate {
            Gate::Human => Who::Stray(Stray {
                tolerance: Agree { angle: self.tolerance, length: 0.1 * self.tolerance },
                reaction_ms: self.reaction_ms,
            }),
            Gate::Doubt => Who::Doubt,
            Gate::Beta => Who::Coin(self.beta.powi(i32::try_from(round).unwrap_or(i32::MAX))),
        }
    }
}
