//! What a round learns from: demonstrations at first, then attempts that the policy and the expert share.
//!
//! A collection that was interrupted is begun anew: its attempts follow from their seeds, and half of one is no measure of anything.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use apprentice::bus::Node;
use apprentice::config::Settings;
use apprentice::control::Limits;
use apprentice::nn::device;
use apprentice::node::Stop;
use apprentice::node::recorder::Session;
use apprentice::node::recorder::notes::{PROMPT, TASK};
use apprentice::node::simulator::{self, Pace, Script};
use apprentice::policy::checkpoint::{self, Checkpoint};
use apprentice::sim::{self, Conduct, Disturbance};
use apprentice::train::interact::{self, Shared, Tally, interact};

use super::step::Collected;
use super::{Dagger, Gate};
use crate::command::progress::Progress;
use crate::command::sim::disturbance;
use crate::command::train::dataset;
use crate::command::{calibrate, notes};

/// How far the seeds of rounds are apart.
const APART: u64 = 10_000;
/// Where the seeds of demonstrations for calibration begin.
const CALIBRATING: u64 = 500_000;

impl Dagger {
    /// Records `count` demonstrations from the seed `first` on into `bags`.
    pub(super) fn demonstrate(
        &self,
        settings: &Settings,
        bags: &Path,
        first: u64,
        count: u32,
        stop: &Stop,
    ) -> anyhow::Result<Collected> {
        afresh(bags)?;
        let mut options = self.simulated(settings)?;
        (options.seed, options.episodes) = (self.seed.wrapping_add(first), Some(count));
        // Whoever shows how it is done does so in peace.
        options.disturbance = Disturbance::default();
        let (expected, session) = self.recording(settings, bags)?;
        let mut progress = Progress::begin(self.world(), u64::from(count), "demonstrations");
        let mut tally = Tally::default();
        let (rate_hz, linger) = (options.act.rate_hz, options.linger.as_secs_f64());
        let record = settings.record.clone();
        let outcome = simulator::collect(&options, &expected, record, session, stop, |one| {
            tally.attempts += 1;
            tally.successes += u64::from(one.attempt.success);
            let lingered = if one.attempt.success { linger } else { 0.0 };
            tally.expert += ((one.attempt.seconds + lingered) * rate_hz).round() as u64;
            progress.step();
        })?;
        drop(progress);
        ensure!(!stop.wished(), "stopped while collecting; the same command goes on");
        ensure!(outcome.failed == 0, "{} recordings ended early", outcome.failed);
        Ok(Collected { labels: tally.expert, tally })
    }

    /// Records attempts that the policy of the round before shares with the expert, where the rounds before spent so many labels.
    pub(super) fn share(
        &self,
        settings: &Settings,
        bags: &Path,
        round: u32,
        spent: u64,
        stop: &Stop,
    ) -> anyhow::Result<Collected> {
        afresh(bags)?;
        let run = self.folder(round - 1).join("run");
        let mut checkpoint = checkpoint::open(&run, device::find(&self.device)?)?;
        let mut calibrated = 0;
        if self.gate == Gate::Doubt {
            calibrated = self.calibrate(settings, &checkpoint, round, stop)?;
            checkpoint = checkpoint::open(&run, checkpoint.policy.device())?;
        }
        let (mut shared, options) = self.attempts(settings, &checkpoint, round, stop)?;
        if let Some(labels) = self.labels {
            let left = labels.saturating_sub(spent + calibrated) / u64::from(self.rounds + 1 - round);
            ensure!(
                left > 0,
                "of the {labels} labels none are left for round {round}: demonstrations took {spent}, calibration {calibrated}"
            );
            shared.truncate(within(&shared, left));
        }
        let tally = Tally::of(&shared);
        let labels = calibrated + tally.expert;
        let (expected, session) = self.recording(settings, bags)?;
        let scripts =
            shared.into_iter().map(|Shared { seed, success, told, .. }| Script { seed, success, told });
        let scripts: Vec<Script> = scripts.collect();
        let mut progress = Progress::begin(self.world(), scripts.len() as u64, "recordings");
        let record = settings.record.clone();
        let told = |_: &simulator::Collected| progress.step();
        let outcome = simulator::retell(&options, scripts, &expected, record, session, stop, told)?;
        drop(progress);
        ensure!(!stop.wished(), "stopped while recording; the same command goes on");
        ensure!(outcome.failed == 0, "{} recordings ended early", outcome.failed);
        Ok(Collected { tally, labels })
    }

    fn attempts(
        &self,
        settings: &Settings,
        checkpoint: &Checkpoint,
        round: u32,
        stop: &Stop,
    ) -> anyhow::Result<(Vec<Shared>, simulator::Options)> {
        let options = self.simulated(settings)?;
        let threshold = checkpoint.threshold(&settings.control)?;
        let limits = settings.control.limits.as_ref();
        let names = &checkpoint.policy.spec().layout.actions;
        let description = settings.description()?;
        let shared = interact::Options {
            world: options.world.clone(),
            episodes: self.episodes,
            seed: self.seed.wrapping_add(u64::from(round) * APART),
            worlds: self.worlds as usize,
            control: settings.control.clone(),
            limits: limits.map(|limits| Limits::load(limits, description.as_ref(), names)).transpose()?,
            disturbance: disturbance(&self.disturb)?,
            who: self.who(round),
            doubt: threshold.map(|(by, _)| by),
            threshold: threshold.map(|(_, threshold)| threshold.doubt),
        };
        let mut progress = Progress::begin(self.world(), u64::from(self.episodes), "attempts");
        let told = |_: &Shared| progress.step();
        let made =
            interact(&checkpoint.policy, &settings.observe, &options.act, &shared, told, || stop.wished());
        drop(progress);
        ensure!(!stop.wished(), "stopped while collecting; the same command goes on");
        Ok((made?, options))
    }

    /// Finds out how much doubt of this policy is too much; how many ticks of the expert's that took, which is none but the first time.
    fn calibrate(
        &self,
        settings: &Settings,
        checkpoint: &Checkpoint,
        round: u32,
        stop: &Stop,
    ) -> anyhow::Result<u64> {
        let folder = self.out.join("calibration");
        let bags = folder.join("bags");
        let collected = super::once(&folder.join("collected.json"), || {
            self.demonstrate(settings, &bags, CALIBRATING, self.calibration, stop)
        })?;
        let data = dataset(settings, &[bags], Some(&self.out.join("cache")))?;
        let episodes: Vec<usize> = (0..data.episodes.len()).collect();
        let doubt = settings.control.gate.doubt.context("the settings have doubt ask")?;
        calibrate::calibrate(checkpoint, &settings.control, &data, &episodes, doubt.false_alarms)?;
        Ok(if round == 1 { collected.labels } else { 0 })
    }

    /// The world behind a robot's topics, as fast as it goes.
    fn simulated(&self, settings: &Settings) -> anyhow::Result<simulator::Options> {
        let act = settings.act.clone().context("the robot's file has no section `act`")?;
        Ok(simulator::Options {
            world: self.world().to_owned(),
            seed: self.seed,
            pace: Pace::Fast,
            joints: settings.robot.joints.clone(),
            observe: settings.observe.clone(),
            act,
            commands: None,
            cameras: None,
            size: None,
            jpeg: false,
            disturbance: disturbance(&self.disturb)?,
            expert: true,
            conduct: Conduct::Careful,
            teach: false,
            linger: std::time::Duration::from_millis(600),
            dart: None,
            auto_reset: false,
            episodes: None,
        })
    }

    fn recording(
        &self,
        settings: &Settings,
        bags: &Path,
    ) -> anyhow::Result<(Vec<apprentice::spec::Expect>, Session)> {
        let node = Node::new("recorder", "")?;
        let mut noted = notes::of_robot(settings, &node)?;
        let about = sim::world(self.world())?.about;
        noted.extend([TASK, PROMPT].map(|key| (key.to_owned(), about.to_owned())));
        let session = Session { out: bags.to_owned(), notes: noted, ..Session::default() };
        Ok((settings.expected(&node)?, session))
    }
}

/// How many of the attempts it takes until the expert has said what he would do at `labels` ticks; all, where that is not enough.
fn within(shared: &[Shared], labels: u64) -> usize {
    let mut spent = 0;
    let before = shared.iter().take_while(|one| {
        let goes_on = spent < labels;
        spent += Tally::of([*one]).expert;
        goes_on
    });
    before.count()
}

/// Takes away what an interrupted collection left.
fn afresh(bags: &Path) -> anyhow::Result<()> {
    if bags.exists() {
        fs::remove_dir_all(bags).with_context(|| format!("the folder {bags:?}"))?;
    }
    fs::create_dir_all(bags).with_context(|| format!("the folder {bags:?}"))
}
