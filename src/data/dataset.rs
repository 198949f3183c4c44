//! A data set: recordings brought onto one grid, as episodes.
//!
//! Recordings are read directly; what was decoded is kept in a cache that nobody has to know of. Those that cannot be learned from
//! are left out and named with their reasons in the summary; only where nothing is left it is an error.

mod load;
mod split;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::driver::Driver;
use super::import::Scene;
use super::layout::Layout;
use super::observe::Observe;
use super::statistics::{Spread, Statistics};
use super::store::{Kept, Take};
use super::summary::{Dropped, Summary};
use super::window::Signs;
use super::{Config, Error, Frame, Gaps, Observation};
use crate::spec::{Act, Robot};
use load::Loaded;

pub use split::Before;

/// Which robot the recordings are of: the sections of its file.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Which arm.
    pub robot: &'a Robot,
    /// What is observed.
    pub observe: &'a Observe,
    /// Where actions come from.
    pub act: &'a Act,
}

/// How far the recordings are read.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// How many are.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// The last one.
    pub path: &'a Path,
}

/// A run of ticks of one recording without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Episode {
    /// Which of the data set's recordings it is of.
    pub recording: usize,
    /// Its first tick among those of the recording.
    pub(super) first: usize,
    /// How many ticks it has.
    pub ticks: usize,
    /// Whether windows may reach over its beginning and its end, where they are padded.
    pub(super) padded: [bool; 2],
}

/// One recording of a data set.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) path: PathBuf,
    pub(super) identity: [u8; 32],
    pub(super) kept: Kept,
    pub(super) success: Option<bool>,
    pub(super) weight: f64,
    /// How many pictures of each camera the recordings before it have.
    pub(super) before: Vec<usize>,
}

/// Recordings brought onto one grid.
#[derive(Debug)]
pub struct Dataset {
    /// What is seen and done at each tick.
    pub layout: Layout,
    /// The episodes.
    pub episodes: Vec<Episode>,
    pub(super) recordings: Vec<Recording>,
    pub(super) config: Config,
    /// What is another in a mirror, where windows are seen in one.
    pub(super) signs: Option<Signs>,
    summary: Summary,
}

impl Dataset {
    /// Reads `recordings`, each a bag, of the robot `subject`. What is decoded is kept in the folder `cache`.
    pub fn open(
        recordings: &[PathBuf],
        subject: Subject<'_>,
        config: &Config,
        cache: &Path,
        progress: &(dyn Fn(Progress<'_>) + Sync),
    ) -> Result<Self, Error> {
        config.check()?;
        if recordings.is_empty() {
            return Err(Error::NoRecordings);
        }
        let widths = load::widths(recordings, subject);
        let Subject { robot, observe, act } = subject;
        let layout = Layout::resolve(robot, observe, act, config.goal.as_ref(), &widths)?;
        let signs = config.augment.mirror.as_ref().map(|mirror| Signs::of(mirror, &layout)).transpose()?;
        let scene = Scene::new(&layout, observe, act, config)?;
        let loaded = load::all(recordings, &scene, act, cache, progress)?;
        let mut summary = Summary { recordings: recordings.len(), ..Summary::default() };
        let mut found = Vec::new();
        let (mut before, mut known) = (vec![0; layout.cameras.len()], HashMap::<_, &PathBuf>::new());
        for (path, loaded) in recordings.iter().zip(loaded) {
            match loaded {
                Loaded::Left(why) => summary.dropped.push((path.clone(), why)),
                Loaded::Taken { mut recording, decoded } => {
                    // Counted twice it would be held out and learned from.
                    if let Some(of) = known.get(&recording.identity) {
                        summary.dropped.push((path.clone(), Dropped::Twice { of: PathBuf::clone(of) }));
                        continue;
                    }
                    known.insert(recording.identity, path);
                    recording.before.clone_from(&before);
                    for (camera, count) in before.iter_mut().enumerate() {
                        *count += recording.kept.pictures.count(camera);
                    }
                    summary.decoded += usize::from(decoded);
                    found.push(*recording);
                }
            }
        }
        if found.is_empty() {
            let (path, why) =
                summary.dropped.first().map(|(path, why)| (path.clone(), why.in_words())).unwrap_or_default();
            return Err(Error::Nothing { recordings: recordings.len(), path, why });
        }
        let mut dataset =
            Self { layout, episodes: Vec::new(), recordings: found, config: config.clone(), signs, summary };
        dataset.part();
        dataset.count();
        Ok(dataset)
    }

    /// Makes episodes of the recordings' stretches.
    fn part(&mut self) {
        for (number, recording) in self.recordings.iter().enumerate() {
            let stretches = &recording.kept.take.stretches;
            for (place, stretch) in stretches.iter().enumerate() {
                let ends = self.config.gaps == Gaps::End;
                let padded = [ends || place == 0, ends || place + 1 == stretches.len()];
                let (first, ticks) = (stretch.first, stretch.ticks);
                self.episodes.push(Episode { recording: number, first, ticks, padded });
            }
            self.summary.cut += stretches.len() - 1;
        }
    }

    fn count(&mut self) {
        let summary = &mut self.summary;
        summary.episodes = self.episodes.len();
        for recording in &self.recordings {
            let take = &recording.kept.take;
            summary.add(&take.account);
            summary.ticks += take.stamps.len();
            summary.success[match recording.success {
                Some(true) => 0,
                Some(false) => 1,
                None => 2,
            }] += 1;
            for driver in &take.drivers {
                *summary.drivers.entry(*driver).or_default() += 1;
            }
            let learned = (0..take.stamps.len()).filter(|tick| self.config.counts(recording, *tick));
            summary.learned += learned.count();
        }
        summary.seconds = summary.ticks as f64 / self.layout.rate_hz;
    }

    /// What became of the recordings.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Every recording with the hash that tells it from others: what a checkpoint says it was made from.
    pub fn identities(&self) -> impl Iterator<Item = (&Path, String)> {
        let hex = |identity: &[u8; 32]| identity.iter().map(|byte| format!("{byte:02x}")).collect();
        self.recordings.iter().map(move |recording| (recording.path.as_path(), hex(&recording.identity)))
    }

    /// How the numbers of these episodes are spread, in the mirror too where windows are seen in one. Actions are those that are
    /// learned.
    pub fn statistics(&self, episodes: &[usize]) -> Statistics {
        let (width, joints) = (self.layout.width(), self.layout.actions.len());
        let states: Vec<&[f32]> =
            episodes.iter().map(|episode| self.rows(*episode, |take| &take.state, width)).collect();
        let learned: Vec<&[f32]> = self.labels(episodes).collect();
        let [mirrored_states, mirrored_actions] = match &self.signs {
            Some(signs) => [&signs.state[..], &signs.actions],
            None => [&[][..]; 2],
        };
        let state = Spread::of_columns(&states, width, mirrored_states);
        let goal = self.layout.goal.iter().map(|place| state[*place].clone()).collect();
        Statistics { state, actions: Spread::of_columns(&learned, joints, mirrored_actions), goal }
    }

    /// The actions of these episodes that are learned, each `[action]`.
    pub fn labels<'a>(&'a self, episodes: &'a [usize]) -> impl Iterator<Item = &'a [f32]> {
        let joints = self.layout.actions.len();
        episodes.iter().flat_map(move |number| {
            let episode = &self.episodes[*number];
            let recording = &self.recordings[episode.recording];
            let ticks = episode.first..episode.first + episode.ticks;
            let ticks = ticks.filter(move |tick| self.config.counts(recording, *tick));
            ticks.map(move |tick| &recording.kept.take.actions[tick * joints..][..joints])
        })
    }

    fn rows<'a>(&'a self, episode: usize, of: impl Fn(&'a Take) -> &'a Vec<f32>, width: usize) -> &'a [f32] {
        let Episode { recording, first, ticks, .. } = self.episodes[episode];
        &of(&self.recordings[recording].kept.take)[first * width..][..ticks * width]
    }

    /// The actions of an episode, `[ticks, action]`.
    pub fn actions(&self, episode: usize) -> &[f32] {
        self.rows(episode, |take| &take.actions, self.layout.actions.len())
    }

    /// Who drove at each tick of an episode.
    pub fn drivers(&self, episode: usize) -> &[Driver] {
        let Episode { recording, first, ticks, .. } = self.episodes[episode];
        &self.recordings[recording].kept.take.drivers[first..first + ticks]
    }

    /// What was known at a tick of an episode.
    pub fn observation(&self, episode: usize, tick: usize) -> Result<Observation, Error> {
        let Episode { recording, first, .. } = self.episodes[episode];
        let (recording, row) = (&self.recordings[recording], first + tick);
        let take = &recording.kept.take;
        let frame = |(number, camera): (usize, &super::Camera)| {
            let mut pixels = vec![0; camera.bytes()];
            recording.kept.pictures.fetch(number, take.places[number][row], &mut pixels)?;
            Ok(Arc::new(Frame { size: camera.size, channels: camera.channels, sent: camera.size, pixels }))
        };
        let (width, joints, goal) = (self.layout.width(), self.layout.actions.len(), self.layout.goal.len());
        let aimed = row.checked_sub(take.unaimed).map_or(&[][..], |row| &take.goals[row * goal..][..goal]);
        Ok(Observation {
            stamp: take.stamps[row],
            state: take.state[row * width..][..width].to_vec(),
            frames: self.layout.cameras.iter().enumerate().map(frame).collect::<Result<_, Error>>()?,
            goal: aimed.to_vec(),
            past: take.past[row * joints..][..joints].to_vec(),
        })
    }

    /// What a policy is asked about a tick of an episode: what was known, and where nobody said what is to be reached, what was
    /// reached as late as a goal that is learned can lie.
    pub fn asked(&self, episode: usize, tick: usize) -> Result<Observation, Error> {
        let mut asked = self.observation(episode, tick)?;
        if let Some(goal) = self.config.goal.as_ref().filter(|_| asked.goal.is_empty()) {
            let width = self.layout.width();
            let states = self.rows(episode, |take| &take.state, width);
            let reached = goal.latest(tick, self.episodes[episode].ticks, self.layout.rate_hz) * width;
            asked.goal.extend(self.layout.goal.iter().map(|place| states[reached + place]));
        }
        Ok(asked)
    }

    /// How many different pictures there are of each camera.
    pub fn pictures(&self) -> Vec<usize> {
        let count =
            |camera| self.recordings.iter().map(|recording| recording.kept.pictures.count(camera)).sum();
        (0..self.layout.cameras.len()).map(count).collect()
    }

    /// Fetches the picture of that place among all of a camera's into `out`, in the order in which places rise.
    pub fn picture(&self, camera: usize, place: usize, out: &mut [u8]) -> Result<(), Error> {
        let after = self.recordings.partition_point(|recording| recording.before[camera] <= place);
        let recording = &self.recordings[after - 1];
        let place = (place - recording.before[camera]) as u32;
        recording.kept.pictures.fetch(camera, place, out)
    }
}

impl Config {
    /// Whether a tick of a recording is learned from.
    pub(super) fn counts(&self, recording: &Recording, tick: usize) -> bool {
        let take = &recording.kept.take;
        take.labelled[tick] && self.interventions.counts(take.drivers[tick], recording.success)
    }
}

/// How many numbers the streams have whose settings do not say it.
pub(super) type Widths = BTreeMap<String, usize>;
