//! `apprentice train`: from a folder of recordings to a policy, in one command.
//!
//! It decides nothing about training: settings and recordings are brought together here, what became of them is shown before
//! anything is computed, and how good the outcome is closes the run.

mod held;
mod reach;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::config::Settings;
use apprentice::control;
use apprentice::data::{self, Dataset, Rules, Shape, Subject, Windows};
use apprentice::nn::device::{self, Device};
use apprentice::node::Stop;
use apprentice::node::trainer::About;
use apprentice::policy::checkpoint;
use apprentice::policy::{Ensemble, Policy, Spec};
use apprentice::spec::Act;
use apprentice::train::report::Facts;
use apprentice::train::{self, Job, Told, Watch};

use super::bag::Bags;
use super::calibrate;
use super::course::Course;
use super::options::{BusArgs, BusKind, SettingsArgs, WrongUse, put};
use super::progress::Progress;
use super::ros_args::RosArgs;
use super::table::Table;

/// Where decoded recordings are kept, beside them.
const CACHE: &str = ".apprentice";

/// Learn a policy from recordings
#[derive(clap::Args, Clone, Debug)]
#[command(after_help = "\
The settings say what is learned (`policy`), from what of the recordings (`data`), and how (`train`); what they do not
say has defaults. RUN holds the curves (report.html, TensorBoard's events, metrics.jsonl) and the checkpoints best/
and last/. Ctrl-C ends after the step and keeps everything; the same command with --resume goes on as if nothing had happened.
Minutes and steps are those of the whole run: to go on with one that is done takes more of them.

With --watch it is a node, `trainer`, that learns on from the policy before, round after round, with all that is recorded by then; RUN has
a folder for each round, and best leads to the last. ~/train (Trigger) asks not to wait for N. The same command goes on where it ended.

Examples:
  apprentice train --config config/so101.yaml --bags demos --out runs/first
  apprentice train --config so101.yaml --config recipe.yaml --bags demos more_demos --out runs/second --minutes 30
  apprentice train --config so101.yaml --bags demos --out runs/first --resume --set train.steps=40000
  apprentice train --config so101.yaml --config recipe.yaml --bags demos corrections --out runs/fold --watch=5 --minutes 10
      beside `apprentice run --policy runs/fold --watch`, which takes in what comes of each five recordings
  tensorboard --logdir runs")]
pub(crate) struct Train {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Recordings, or folders of recordings
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    bags: Vec<PathBuf>,
    /// The run's folder; one that has a run is refused
    #[arg(long, short, value_name = "RUN")]
    out: PathBuf,
    /// Go on with the run that is in the folder, where there is one
    #[arg(long)]
    resume: bool,
    /// Where to compute: cpu, cuda or cuda:N [default: the first GPU, else cpu]
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// End after so many minutes; `train.minutes` of the settings
    #[arg(long, value_name = "M")]
    minutes: Option<f64>,
    /// Leave out what became of the recordings
    #[arg(long)]
    quiet: bool,
    /// Where decoded recordings are kept [default: .apprentice beside the first recording]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Go on waiting for recordings, and learn on whenever N more are there [default: 1]
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1",
          value_parser = clap::value_parser!(u32).range(1..))]
    watch: Option<u32>,
    #[command(flatten)]
    bus: BusArgs,
    /// Whom it tells what it is about.
    #[arg(skip)]
    about: Option<About>,
}

impl Train {
    /// Trains.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        if let Some(every) = self.watch {
            return self.watched(every, ros);
        }
        let heard = self.bus.domain.is_some() || self.bus.off_host || self.bus.bus != BusKind::best();
        ensure!(!heard, WrongUse("--bus, --domain and --off-host are for a node: --watch".to_owned()));
        let out = self.out.display().to_string();
        let outcome = self.outcome()?;
        Ok(put(&format!("{}\n{out}", outcome.sentence()))?)
    }

    /// Trains, and says what came of it.
    pub(super) fn outcome(mut self) -> anyhow::Result<train::Outcome> {
        if let Some(minutes) = self.minutes {
            self.settings.set.push(format!("train.minutes={minutes}"));
        }
        let (settings, device) = self.settled()?;
        train::Folder::check(&self.out, self.resume)?;
        let dataset = self.dataset(&settings)?;
        if !self.quiet {
            put(&format!("{}\n", summary(&dataset)))?;
        }
        self.learn(&settings, &dataset, device)
    }

    /// What is said of the training, without a mistake that can be seen before there are recordings.
    fn settled(&self) -> anyhow::Result<(Settings, Device)> {
        let wanting = || WrongUse("a robot's file says what is seen and done: --config FILE".to_owned());
        let settings = self.settings.load()?.ok_or_else(wanting)?;
        let device = match &self.device {
            Some(name) => device::find(name).map_err(|error| WrongUse(error.to_string()))?,
            None => device::all().pop().context("there is no device")?,
        };
        device::check(device)?;
        acts(&settings)?;
        learns(&settings)?;
        Ok((settings, device))
    }

    fn dataset(&self, settings: &Settings) -> anyhow::Result<Arc<Dataset>> {
        dataset(settings, &self.bags, self.cache.as_deref())
    }

    fn learn(
        &self,
        settings: &Settings,
        dataset: &Arc<Dataset>,
        device: Device,
    ) -> anyhow::Result<train::Outcome> {
        let policy = learns(settings)?.clone();
        let shape = Shape { history: policy.history.into(), chunk: policy.chunk.into() };
        let from = settings.train.from.as_ref().map(|from| checkpoint::open(from, device)).transpose()?;
        let (learned, held_out) = held::split(settings, dataset, from.as_ref());
        let statistics = match &from {
            Some(from) => beginning(&from.policy).statistics().clone(),
            None => dataset.statistics(&learned),
        };
        let windows = Windows::new(dataset, &learned, shape, Rules::learning(&settings.data, &statistics))?;
        let judged = held::judged(settings, dataset, &held_out, shape)?;
        let layout = dataset.layout.clone();
        let spec = Spec { layout, policy, augment: settings.data.augment.clone() };
        let origin = held::origin(dataset, &held_out, from.as_ref());
        if let Some(from) = &from {
            train::check_beginning(&from.policy, &spec, settings.train.ensemble)?;
        }
        reach::tell(settings, &spec.policy, &statistics, dataset, &learned)?;
        let facts = facts(settings, dataset, &windows, device);
        let job = Job {
            config: &settings.train,
            spec: &spec,
            statistics: &statistics,
            learned: &windows,
            held_out: judged.as_ref(),
            settings: &settings.to_yaml(),
            origin: &origin,
            facts: &facts,
            from: from.as_ref().map(|from| &from.policy),
            device,
            out: &self.out,
            resume: self.resume,
        };
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let mut course = Course::begin("training");
        let mut told = |told: &Told| {
            course.at(told.share, || {
                let words = words(told);
                if let Some(about) = &self.about {
                    about.say(&words);
                }
                words
            });
        };
        let mut watch = Watch { told: &mut told, stop: &|| stop.wished(), evaluate: None };
        let outcome = train::train(&job, &mut watch)?;
        drop(course);
        let wanted = settings.train.calibrate.unwrap_or(settings.control.gate.doubt.is_some());
        if wanted && outcome.ended != train::Ended::Stopped {
            self.calibrate(settings, dataset, &held_out, device)?;
        }
        Ok(outcome)
    }

    /// Finds out how doubtful the best policy is on the episodes it did not learn from, where they are enough for that.
    fn calibrate(
        &self,
        settings: &Settings,
        dataset: &Dataset,
        held_out: &[usize],
        device: Device,
    ) -> anyhow::Result<()> {
        let doubt = settings.control.gate.doubt;
        let false_alarms = doubt.map_or(calibrate::FALSE_ALARMS, |doubt| doubt.false_alarms);
        let least = control::calibrate::least(false_alarms);
        let (_, few) = calibrate::well(dataset, held_out);
        if few < least {
            return Ok(put(&format!(
                "The policy's doubt is not calibrated: {few} recordings that went well without help are held out, {false_alarms} false \
                 alarms an episode take {least}; `apprentice calibrate` does it with others."
            ))?);
        }
        let checkpoint = checkpoint::open(&self.out, device)?;
        calibrate::calibrate(&checkpoint, &settings.control, dataset, held_out, false_alarms)
    }
}

/// How the robot of `settings` is commanded.
fn acts(settings: &Settings) -> Result<&Act, WrongUse> {
    let missing = "the robot's file says nothing of actions: it has no section `act`";
    settings.act.as_ref().ok_or_else(|| WrongUse(missing.to_owned()))
}

/// What is learned.
fn learns(settings: &Settings) -> Result<&apprentice::policy::Config, WrongUse> {
    let missing = "nothing says what is learned: `policy: {head: {flow: {}}}`, in a file or by --set";
    settings.policy.as_ref().ok_or_else(|| WrongUse(missing.to_owned()))
}

/// The first of the policies that are begun from; all have the same statistics.
fn beginning(from: &Ensemble) -> &Policy {
    from.members().next().expect("an ensemble has a first member")
}

/// Reads recordings; what is decoded is kept in `cache`, or beside the first of them.
pub(super) fn dataset(
    settings: &Settings,
    bags: &[PathBuf],
    cache: Option<&Path>,
) -> anyhow::Result<Arc<Dataset>> {
    let recordings = Bags::of(bags).found()?;
    let subject = Subject { robot: &settings.robot, observe: &settings.observe, act: acts(settings)? };
    let beside = recordings.first().and_then(|first| first.parent()).unwrap_or(Path::new("."));
    let cache = cache.map_or_else(|| beside.join(CACHE), Path::to_owned);
    let bar = Mutex::new(Progress::begin("reading", recordings.len() as u64, "recordings"));
    let read = |_: data::Progress<'_>| bar.lock().unwrap_or_else(PoisonError::into_inner).step();
    Ok(Arc::new(Dataset::open(&recordings, subject, &settings.data, &cache, &read)?))
}

/// How far it is, in a line.
fn words(told: &Told) -> String {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.4}"));
    format!(
        "step {}, loss {}, held out {}, {:.0} samples a second, {} left",
        told.step,
        number(told.loss),
        number(told.validation),
        told.samples_a_second,
        span(told.left)
    )
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", (seconds + 30) / 60),
        _ => format!("{:.1} h", time.as_secs_f64() / 3600.0),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What became of the recordings, before anything is learned from them.
fn summary(dataset: &Dataset) -> String {
    let summary = dataset.summary();
    let [good, bad, unsaid] = summary.success;
    let mut whole = Table::new(&["recordings", ""]);
    let mut row = |name: &str, value: String| whole.row(vec![name.to_owned(), value]);
    row("used", format!("{} of {}", summary.recordings - summary.dropped.len(), summary.recordings));
    row("episodes", summary.episodes.to_string());
    row(
        "time",
        format!(
            "{:.2} h, {} ticks, {} learned from",
            summary.seconds / 3600.0,
            summary.ticks,
            summary.learned
        ),
    );
    row("success", format!("{good} yes, {bad} no, {unsaid} not said"));
    let drivers =
        summary.drivers.iter().map(|(driver, ticks)| format!("{driver:?} {ticks} ticks").to_lowercase());
    row("driven by", drivers.collect::<Vec<_>>().join(", "));
    let mut streams = Table::new(&["stream", ">messages", ">Hz", ">unusable", ">gaps"]);
    for (name, heard) in &summary.heard {
        let unusable: u64 = heard.bad.values().sum::<u64>() + heard.backwards;
        streams.row(vec![
            name.clone(),
            heard.messages.to_string(),
            format!("{:.1}", heard.rate_hz()),
            unusable.to_string(),
            heard.gaps.to_string(),
        ]);
    }
    let remarks: String = summary.remarks().iter().map(|remark| format!("{remark}\n")).collect();
    format!("{whole}\n{streams}\n{remarks}")
}

/// What the run's page tells beside its curves.
fn facts(settings: &Settings, dataset: &Dataset, windows: &Windows, device: Device) -> Facts {
    let summary = dataset.summary();
    let head = settings.policy.as_ref().map_or("", |policy| policy.head.name());
    let rows = [
        ("robot", settings.robot.name.clone()),
        ("head", head.to_owned()),
        ("episodes", format!("{}, {:.2} h", summary.episodes, summary.seconds / 3600.0)),
        ("windows learned from", windows.len().to_string()),
        ("device", device::said(device)),
    ];
    let rows = rows.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Facts { title: format!("{head} for {}", settings.robot.name), sentence: String::new(), rows }
}
