//! What the tests of training share: demonstrations, the made-up arm's where a test has none of its own, and a run over them.
//!
//! The network is as small as one can be that still has every part of a big one, so that a run of a hundred steps takes a second.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use apprentice::config::Settings;
use apprentice::data::{Dataset, Rules, Shape, Statistics, Subject, Windows};
use apprentice::nn::device::Device;
use apprentice::policy::Spec;
use apprentice::policy::checkpoint::Origin;
use apprentice::train::report::Facts;
use apprentice::train::{Error, Job, Outcome, Told, Watch, train};

use crate::waves;

/// A head that draws on chance where it learns, in its smallest form.
pub(crate) const POLICY: &str = "
policy:
  history: 2
  chunk: 4
  width: 16
  head: {flow: {network: {unet: {widths: [16, 32], kernel: 3, groups: 4, time: 16}}}}
";

/// Everything a run needs.
pub(crate) struct Setup {
    settings: Settings,
    text: String,
    spec: Spec,
    statistics: Statistics,
    learned: Windows,
    held_out: Windows,
    origin: Origin,
    facts: Facts,
}

impl Setup {
    /// For the demonstrations in `folder`, which are written where there are none, and the sections of settings.
    pub(crate) fn new(folder: &Path, sections: &str) -> Self {
        Self::of(6, folder, sections)
    }

    /// The same for so many demonstrations.
    pub(crate) fn of(count: u64, folder: &Path, sections: &str) -> Self {
        let path = |number| folder.join(format!("episode_{number:04}"));
        if !path(0).exists() {
            waves::write(folder, count, 3);
        }
        let recordings: Vec<_> = (0..count).map(path).collect();
        Self::with(waves::settings(sections), &recordings, &folder.join("cache"))
    }

    /// For recordings of the robot of `settings`, which say what is learned too.
    pub(crate) fn with(settings: Settings, recordings: &[PathBuf], cache: &Path) -> Self {
        let act = settings.act.as_ref().expect("the arm is moved");
        let subject = Subject { robot: &settings.robot, observe: &settings.observe, act };
        let dataset = Dataset::open(recordings, subject, &settings.data, cache, &|_| {});
        let dataset = Arc::new(dataset.expect("recordings to learn from"));
        let policy = settings.policy.clone().expect("the settings say what is learned");
        let shape = Shape { history: policy.history.into(), chunk: policy.chunk.into() };
        let (learned, held_out) = dataset.split(0.2, 0);
        let statistics = dataset.statistics(&learned);
        let windows =
            |episodes: &[usize], rules| Windows::new(&dataset, episodes, shape, rules).expect("windows");
        Self {
            learned: windows(&learned, Rules::learning(&settings.data, &statistics)),
            held_out: windows(&held_out, Rules::judging(&settings.data)),
            spec: Spec { layout: dataset.layout.clone(), policy, augment: settings.data.augment.clone() },
            text: settings.to_yaml(),
            statistics,
            settings,
            origin: Origin::default(),
            facts: Facts::default(),
        }
    }

    pub(crate) fn job<'a>(&'a self, out: &'a Path, resume: bool) -> Job<'a> {
        Job {
            config: &self.settings.train,
            spec: &self.spec,
            statistics: &self.statistics,
            learned: &self.learned,
            held_out: Some(&self.held_out),
            settings: &self.text,
            origin: &self.origin,
            facts: &self.facts,
            from: None,
            device: Device::Cpu,
            out,
            resume,
        }
    }

    /// Trains to the end.
    pub(crate) fn train(&self, out: &Path, resume: bool) -> Result<Outcome, Error> {
        self.train_until(out, resume, &mut |_| {}, &|| false)
    }

    /// Trains until it is told to stop.
    pub(crate) fn train_until(
        &self,
        out: &Path,
        resume: bool,
        told: &mut dyn FnMut(&Told),
        stop: &dyn Fn() -> bool,
    ) -> Result<Outcome, Error> {
        train(&self.job(out, resume), &mut Watch { told, stop, evaluate: None })
    }
}
