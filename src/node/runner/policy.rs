//! Policies from checkpoints as minds of a runner, on libtorch.
//!
//! One thread of libtorch's own is enough for one robot, and more of them would take the processor from under control. A panic inside
//! libtorch is an error here; what none of this catches ends the thinking thread and nothing else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::mind::{Load, Mind, Thought, Unthought};
use crate::control;
use crate::control::gate::config::By;
use crate::data::goal::Goal;
use crate::data::observe::Observe;
use crate::data::{Frame, Layout, Observation};
use crate::nn::device::{self, Device};
use crate::node::report;
use crate::noise::Noise;
use crate::policy::{Decided, Ensemble, Error, Promised, Question, Thinker, checkpoint, spec};
use crate::spec::{Act, Robot};
use crate::time::Stamp;

/// How often a policy thinks before its first thought in earnest: libtorch makes plans and takes memory at the first ones.
const WARM: usize = 3;
/// The chance that a runner draws on, whatever the policy.
const SEED: u64 = 0;

/// What the policy at `path` sees on this robot; refused in words where that is not what it was trained on.
pub fn layout(
    path: &Path,
    robot: &Robot,
    observe: &Observe,
    act: &Act,
    goal: Option<&Goal>,
    device: Device,
) -> Result<Layout, Refused> {
    let checkpoint = checkpoint::open(path, device)?;
    let known = &checkpoint.policy.spec().layout;
    // How many numbers an array has stands in no robot's file; a policy knows it of those it learned from.
    let widths: BTreeMap<String, usize> =
        known.state.iter().map(|part| (part.stream.clone(), part.labels.len())).collect();
    let layout = Layout::resolve(robot, observe, act, goal, &widths)?;
    match spec::differences(known, &layout) {
        None => Ok(layout),
        Some(differences) => Err(Error::OtherRobot { path: checkpoint.path, differences }.into()),
    }
}

/// Why a policy cannot act on a robot.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The policy.
    #[error("the policy is refused")]
    Policy(#[from] Error),
    /// What the robot shows.
    #[error("the robot's file")]
    Robot(#[from] crate::data::Error),
}

/// Loads policies that see `layout` and can do what `control` wants of them onto `device`: go on as their chunks are joined, and tell
/// their doubt where it is to ask for a person.
pub fn loader(layout: Layout, control: control::Config, device: Device) -> Load {
    Box::new(move |path| {
        device::use_threads(1);
        load(path, &layout, &control, device).map_err(|error| Unthought::Refused(report(&error)))
    })
}

/// The file that changes when the policy that is meant by `path` does.
pub fn watched(path: &Path) -> Result<PathBuf, Error> {
    Ok(checkpoint::find(path)?.join("provenance.json"))
}

fn load(path: &Path, layout: &Layout, control: &control::Config, device: Device) -> Result<Mind, Error> {
    let checkpoint = checkpoint::open_for(path, layout, device)?;
    let doubt = checkpoint.threshold(control)?;
    let (policy, name) = (checkpoint.policy, checkpoint.path.display().to_string());
    let mut noise = Noise::new(SEED);
    let blank = blank(&policy);
    let thinker = Thinker::new(policy, &control.join)?;
    let by = doubt.map(|(by, _)| by);
    for _ in 0..WARM {
        thought(&thinker, Question { seen: &blank, promised: None }, by, &mut noise)?;
    }
    let spec = thinker.policy().spec();
    let (history, chunk) = (usize::from(spec.policy.history), u32::from(spec.policy.chunk));
    let lasts = Duration::from_secs_f64(1.0 / spec.layout.rate_hz) * chunk;
    let think = move |seen: &[Observation], promise: Option<super::Promise<'_>>| {
        // The number of threads is a thread's own, and cheap to say.
        device::use_threads(1);
        let promised =
            promise.map(|promise| Promised { chunk: promise.chunk, until: promise.until, guidance: None });
        thought(&thinker, Question { seen, promised }, by, &mut noise).map_err(|error| match error {
            Error::Chunk(why) => Unthought::NoNumber(why.to_string()),
            other => Unthought::Refused(report(&other)),
        })
    };
    let threshold = doubt.map(|(_, threshold)| threshold.doubt);
    Ok(Mind { name, history, lasts, threshold, think: Box::new(think) })
}

/// What to do, and how doubtful that is where doubt is measured.
fn thought(
    thinker: &Thinker<Ensemble>,
    question: Question<'_>,
    by: Option<By>,
    noise: &mut Noise,
) -> Result<Thought, Error> {
    match by {
        Some(by) => {
            let Decided { chunk, doubt } = thinker.decide(question, by, noise)?;
            Ok(Thought { chunk, doubt: Some(doubt) })
        }
        None => Ok(Thought { chunk: thinker.act(question, noise)?, doubt: None }),
    }
}

/// What no robot sees, of the right sizes.
fn blank(policy: &Ensemble) -> Vec<Observation> {
    let spec = policy.spec();
    let frame = |camera: &crate::data::Camera| {
        let pixels = vec![0; camera.bytes()];
        Frame { size: camera.size, channels: camera.channels, sent: camera.size, pixels }.into()
    };
    let at = |mean: &crate::data::Spread| mean.mean as f32;
    let members = policy.members().next().map(|member| member.statistics());
    let means = |of: fn(&crate::data::Statistics) -> &[crate::data::Spread]| -> Vec<f32> {
        members.map(|statistics| of(statistics).iter().map(at).collect()).unwrap_or_default()
    };
    vec![
        Observation {
            stamp: Stamp(0),
            state: means(|statistics| &statistics.state),
            frames: spec.layout.cameras.iter().map(frame).collect(),
            goal: means(|statistics| &statistics.goal),
            past: means(|statistics| &statistics.actions),
        };
        usize::from(spec.policy.history)
    ]
}
