//! Opens recordings side by side: from the cache where they are in it, else by decoding them into it.
//!
//! Decoding is all computing, so every core takes the next recording; what comes of it does not depend on which one did.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::{Progress, Recording, Subject, Widths};
use crate::bag;
use crate::data::import::{Scene, find, import};
use crate::data::store::{Draft, Kept, identity, key, prepare};
use crate::data::summary::Dropped;
use crate::data::weights::QUALITY;
use crate::data::{Error, Failures};
use crate::msg::Message as _;
use crate::msg::std::Float64MultiArray;
use crate::spec::Act;

/// The key under which a recording notes whether it went well.
const SUCCESS: &str = "success";

/// What became of one recording.
pub(super) enum Loaded {
    Taken { recording: Box<Recording>, decoded: bool },
    Left(Dropped),
}

/// Every recording, in order.
pub(super) fn all(
    paths: &[PathBuf],
    scene: &Scene<'_>,
    act: &Act,
    cache: &Path,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Vec<Loaded>, Error> {
    prepare(cache)?;
    let settings = shaping(scene, act);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let slots: Vec<Mutex<Option<Result<Loaded, Error>>>> = paths.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        loop {
            let number = next.fetch_add(1, Relaxed);
            let Some(path) = paths.get(number) else { return };
            let loaded = one(path, scene, &settings, cache, number);
            if loaded.is_err() {
                // Nobody needs to begin another one.
                next.store(paths.len(), Relaxed);
            }
            *slots[number].lock().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
            progress(Progress { done: done.fetch_add(1, Relaxed) + 1, of: paths.len(), path });
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(paths.len());
    thread::scope(|scope| {
        for _ in 1..workers {
            scope.spawn(work);
        }
        work();
    });
    let loaded = slots.into_iter().map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner));
    let (mut all, mut first) = (Vec::new(), None);
    for loaded in loaded.flatten() {
        match loaded {
            Ok(loaded) => all.push(loaded),
            Err(error) => first = first.or(Some(error)),
        }
    }
    first.map_or(Ok(all), Err)
}

/// All settings that shape what comes out of a recording.
fn shaping(scene: &Scene<'_>, act: &Act) -> String {
    let goal = scene.config.goal.as_ref().map(|goal| &goal.stream);
    let shaping = (scene.layout, scene.observe, act, &scene.config.actions, scene.config.interventions, goal);
    serde_json::to_string(&shaping).expect("names and finite numbers always have a JSON")
}

fn one(path: &Path, scene: &Scene<'_>, settings: &str, cache: &Path, number: usize) -> Result<Loaded, Error> {
    let mut reader = match bag::open(path) {
        Ok(reader) => reader,
        Err(error) => return Ok(Loaded::Left(Dropped::Bag(error))),
    };
    for torn in reader.torn() {
        tracing::warn!("{}: what is left of it is learned from: {torn}", path.display());
    }
    let success = reader.notes().get(SUCCESS).and_then(|noted| noted.parse().ok());
    if success == Some(false) && scene.config.failures == Failures::LeaveOut {
        return Ok(Loaded::Left(Dropped::Failed));
    }
    let weight = scene.config.weights.of_quality(reader.notes().get(QUALITY).map(String::as_str))?;
    let identity =
        identity(path).map_err(|source| Error::Cache { what: "reading", path: path.to_owned(), source })?;
    let key = key(&identity, settings);
    let cameras = &scene.layout.cameras;
    let (mut kept, mut decoded) = (Kept::open(cache, &key, cameras, number)?, false);
    if kept.is_none() {
        let mut draft = Draft::begin(cache, &key, cameras.len())?;
        match import(scene, reader.as_mut(), &mut draft)? {
            Ok(take) => draft.finish(&take)?,
            Err(dropped) => return Ok(Loaded::Left(dropped)),
        }
        (kept, decoded) = (Kept::open(cache, &key, cameras, number)?, true);
    }
    let lost =
        || Error::Damaged { path: cache.to_owned(), why: "what was written a moment ago does not read back" };
    let (path, kept, before) = (path.to_owned(), kept.ok_or_else(lost)?, Vec::new());
    let recording = Box::new(Recording { path, identity, kept, success, weight, before });
    Ok(Loaded::Taken { recording, decoded })
}

/// How many numbers the observed streams of `Float64MultiArray` have: as many as the first message that there is.
pub(super) fn widths(paths: &[PathBuf], subject: Subject<'_>) -> Widths {
    let mut widths = Widths::new();
    let unknown =
        |stream: &&String| subject.observe.streams[*stream].type_name.as_str() == Float64MultiArray::TYPE;
    let mut wanted: Vec<&String> = subject.observe.streams.keys().filter(unknown).collect();
    for path in paths {
        if wanted.is_empty() {
            break;
        }
        // A recording that does not open is told of when it is read.
        let Ok(mut reader) = bag::open(path) else { continue };
        wanted.retain(|name| {
            let topic =
                find(reader.topics(), subject.observe.streams[*name].topic.as_str(), Float64MultiArray::TYPE);
            let Ok(topic) = topic.map(str::to_owned) else { return true };
            let mut samples = reader.samples(&[&topic]).flatten();
            let width =
                samples.find_map(|sample| Some(Float64MultiArray::decode(&sample.cdr).ok()?.data.len()));
            widths.extend(width.map(|width| ((*name).clone(), width)));
            width.is_none()
        });
    }
    widths
}
