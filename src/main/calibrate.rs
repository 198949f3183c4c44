//! `apprentice calibrate`: from which doubt on a policy asks for a person.
//!
//! A threshold is good for nothing without episodes that the policy has not seen: those it was trained on are told apart by their
//! checksums and left out, since on them it is surer than it will ever be again.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use apprentice::config::Settings;
use apprentice::control::gate::By;
use apprentice::control::{self, calibrate as conformal};
use apprentice::data::{Before, Dataset};
use apprentice::nn::device;
use apprentice::policy::checkpoint::{self, Calibration, Checkpoint};
use apprentice::train::doubts::{self, Doubts};
use apprentice::train::interval::wilson;

use super::options::{WrongUse, put};
use super::progress::Progress;
use super::table::Table;
use super::train::dataset;

/// The share of false alarms where nobody says one.
pub(crate) const FALSE_ALARMS: f64 = 0.1;

/// Find out from which doubt on a policy asks for a person
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Every recording counts by its greatest doubt, at the ticks at which the policy would think. What comes out is kept with the policy
(doubt.json), for any share of false alarms. Recordings that the policy was trained with are left out, and so are those that failed or
in which somebody took over.

Examples:
  apprentice calibrate --policy runs/pick --bags more_demos
  apprentice calibrate --policy runs/pick --bags more_demos --by distance --false-alarms 0.05
  apprentice calibrate --policy runs/pick --bags more_demos --try still_more_demos
      and how often it would have asked in others")]
pub(crate) struct Calibrate {
    /// A run's folder, of which the best checkpoint is taken, or a checkpoint
    #[arg(long, value_name = "RUN")]
    policy: PathBuf,
    /// Recordings of episodes that went well, or folders of them
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    bags: Vec<PathBuf>,
    /// In what share of such episodes it may ask [default: control.gate.doubt.false_alarms of its settings, else 0.1]
    #[arg(long, value_name = "SHARE")]
    false_alarms: Option<f64>,
    /// What doubt is measured by: ensemble, loss or distance [default: that of its settings, else the first it has]
    #[arg(long, value_name = "WHAT", value_parser = by)]
    by: Option<By>,
    /// Recordings of other such episodes: how often would it have asked in them?
    #[arg(long = "try", value_name = "PATH", num_args = 1..)]
    tried: Vec<PathBuf>,
    /// Where the policy computes: cpu, cuda, cuda:1
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Where decoded recordings are kept [default: .apprentice beside the first recording]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// A setting on top of those that the policy was trained with: control.join.replace.after=4
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
}

fn by(word: &str) -> anyhow::Result<By> {
    let known = [By::Ensemble, By::Loss, By::Distance];
    let found = known.into_iter().find(|by| by.word() == word);
    found.ok_or_else(|| anyhow::anyhow!("it is one of {}", known.map(By::word).join(", ")))
}

impl Calibrate {
    /// Calibrates and says what came out.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let on = device::find(&self.device).map_err(|error| WrongUse(error.to_string()))?;
        let checkpoint = checkpoint::open(&self.policy, on)?;
        let name = checkpoint.path.join("config.yaml").display().to_string();
        let mut settings = Settings::parse_with(&checkpoint.settings, &name, &self.set)?;
        let said = settings.control.gate.doubt;
        let false_alarms = self.false_alarms.or(said.map(|doubt| doubt.false_alarms)).unwrap_or(FALSE_ALARMS);
        ensure!(
            false_alarms > 0.0 && false_alarms < 1.0,
            WrongUse(format!("--false-alarms: {false_alarms} does not lie between 0 and 1"))
        );
        if let (Some(by), Some(doubt)) = (self.by, &mut settings.control.gate.doubt) {
            doubt.by = Some(by);
        }
        let by = checkpoint.policy.doubts_by(self.by.or(said.and_then(|doubt| doubt.by)))?;
        let data = dataset(&settings, &self.bags, self.cache.as_deref())?;
        let episodes = unseen(&checkpoint, &data)?;
        calibrate_by(&checkpoint, by, &settings.control, &data, &episodes, false_alarms)?;
        if !self.tried.is_empty() {
            self.attempt(&checkpoint, by, &settings, false_alarms)?;
        }
        Ok(())
    }

    /// In how many of the episodes in `tried` it would have asked.
    fn attempt(
        &self,
        checkpoint: &Checkpoint,
        by: By,
        settings: &Settings,
        false_alarms: f64,
    ) -> anyhow::Result<()> {
        let calibrated = checkpoint::open(&self.policy, checkpoint.policy.device())?.calibration;
        let Some(calibration) = calibrated else { return Ok(()) };
        let threshold = calibration.threshold(false_alarms)?.doubt;
        let data = dataset(settings, &self.tried, self.cache.as_deref())?;
        let episodes: Vec<usize> = (0..data.episodes.len()).collect();
        let found = watched(checkpoint, by, &settings.control, &data, &episodes)?;
        let alarms = found.greatest.iter().filter(|doubt| **doubt >= threshold).count();
        let (count, [low, high]) = (found.greatest.len(), wilson(alarms, found.greatest.len()));
        put(&format!(
            "In {alarms} of {count} other episodes, {:.1} %, it would have asked (95 % interval {:.1} to {:.1} %).",
            100.0 * alarms as f64 / count.max(1) as f64,
            100.0 * low,
            100.0 * high
        ))?;
        Ok(())
    }
}

/// The episodes of recordings that neither the policy nor one that it goes on from was trained with.
pub(super) fn unseen(checkpoint: &Checkpoint, data: &Dataset) -> anyhow::Result<Vec<usize>> {
    let origin = &checkpoint.provenance.origin;
    let learned: Vec<bool> =
        data.identities().map(|(_, hash)| origin.known(&hash) != Before::Unseen).collect();
    let unseen: Vec<usize> =
        (0..data.episodes.len()).filter(|episode| !learned[data.episodes[*episode].recording]).collect();
    let left = learned.iter().filter(|learned| **learned).count();
    ensure!(
        !unseen.is_empty(),
        "the policy was trained with every one of these {left} recordings; it takes others to say how doubtful it is"
    );
    if left > 0 {
        put(&format!("{left} recordings are left out: the policy was trained with them."))?;
    }
    Ok(unseen)
}

/// Those of `episodes` that say how doubtful a policy is where all is well, and of how many recordings they are: failed ones and ones
/// in which somebody took over do not.
pub(super) fn well(data: &Dataset, episodes: &[usize]) -> (Vec<usize>, usize) {
    let recording = |episode: &usize| data.episodes[*episode].recording;
    let went_well = |episode: &usize| data.went_well(recording(episode));
    let episodes: Vec<usize> = episodes.iter().copied().filter(went_well).collect();
    let recordings: BTreeSet<usize> = episodes.iter().map(recording).collect();
    (episodes, recordings.len())
}

/// Calibrates the policy of `checkpoint` with `episodes`, by what its settings say.
pub(super) fn calibrate(
    checkpoint: &Checkpoint,
    config: &control::Config,
    data: &Dataset,
    episodes: &[usize],
    false_alarms: f64,
) -> anyhow::Result<()> {
    let by = checkpoint.policy.doubts_by(config.gate.doubt.and_then(|doubt| doubt.by))?;
    calibrate_by(checkpoint, by, config, data, episodes, false_alarms)
}

fn calibrate_by(
    checkpoint: &Checkpoint,
    by: By,
    config: &control::Config,
    data: &Dataset,
    episodes: &[usize],
    false_alarms: f64,
) -> anyhow::Result<()> {
    // Refused before anything is computed, and before anything is put in the place of a calibration that is there.
    let ((well, count), least) = (well(data, episodes), conformal::least(false_alarms));
    if well.len() < episodes.len() {
        let left = episodes.len() - well.len();
        put(&format!("{left} episodes are left out: they did not go well, or somebody took over."))?;
    }
    if count < least {
        return Err(conformal::Error::Few { episodes: count, false_alarms, least }.into());
    }
    let found = watched(checkpoint, by, config, data, &well)?;
    let calibration = Calibration::new(&checkpoint.provenance, by, config.join.clone(), &found.greatest);
    let threshold = calibration.threshold(false_alarms)?;
    calibration.save(&checkpoint.path)?;
    let cost = doubts::cost(&checkpoint.policy, by, config, data, well[0])?;
    Ok(put(&table(by, false_alarms, &threshold, &found, cost))?)
}

fn watched(
    checkpoint: &Checkpoint,
    by: By,
    config: &control::Config,
    data: &Dataset,
    episodes: &[usize],
) -> anyhow::Result<Doubts> {
    let mut progress = Progress::begin("doubting", episodes.len() as u64, "episodes");
    Ok(doubts::watch(&checkpoint.policy, by, config, data, episodes, || progress.step())?)
}

fn table(
    by: By,
    false_alarms: f64,
    threshold: &conformal::Threshold,
    found: &Doubts,
    cost: [Duration; 2],
) -> String {
    let mut table = Table::new(&["doubt", ""]);
    let mut row = |what: &str, value: String| table.row(vec![what.to_owned(), value]);
    row("by", by.word().to_owned());
    row("episodes", format!("{}, {} decisions", threshold.episodes, found.decisions));
    row("asks from", format!("{:.6}", threshold.doubt));
    let [low, high] = threshold.interval.map(|end| 100.0 * end);
    row(
        "false alarms",
        format!(
            "{:.1} % asked for; between {low:.1} and {high:.1} %, nine times in ten",
            100.0 * false_alarms
        ),
    );
    let [plain, doubting] = cost.map(|took| took.as_secs_f64() * 1e3);
    row("a decision", format!("{plain:.1} ms, with its doubt {doubting:.1} ms"));
    table.to_string()
}
