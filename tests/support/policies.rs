//! Small policies for a robot of two joints and a camera, and windows for them.
//!
//! Every encoder and every head is met by several tests; what they are tried on is made here once, small enough for a network to be
//! made in milliseconds.
#![allow(dead_code, reason = "each test uses some of it")]

use std::sync::Arc;

use apprentice::config::Settings;
use apprentice::data::augment::Augment;
use apprentice::data::batch::Batch;
use apprentice::data::{Camera, Frame, Gathered, Layout, Observation, Part, Shape, Spread, Statistics};
use apprentice::nn::Weights;
use apprentice::noise::Noise;
use apprentice::policy::{self, Policy, Spec};
use apprentice::time::Stamp;
use tch::{Device, Kind};

pub(crate) const SIZE: [u32; 2] = [72, 64];

/// A robot of two joints that sees a cube and, where it has one, through a camera; its goal is where the cube goes.
pub(crate) fn layout(camera: bool, goal: bool) -> Layout {
    let part = |stream: &str, labels: &[&str]| Part {
        stream: stream.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
    };
    let front = Camera { stream: "front".to_owned(), size: SIZE, channels: 3 };
    Layout {
        rate_hz: 25.0,
        state: vec![part("cube", &["x", "y", "z"]), part("joints", &["position/elbow", "position/gripper"])],
        cameras: if camera { vec![front] } else { Vec::new() },
        goal: if goal { vec![0, 1, 2] } else { Vec::new() },
        actions: ["elbow", "gripper"].map(str::to_owned).to_vec(),
    }
}

fn spread(least: f64, most: f64) -> Spread {
    let at = |share: f64| least + (most - least) * share;
    Spread {
        mean: at(0.5),
        deviation: (most - least) / 12_f64.sqrt(),
        least,
        most,
        low: at(0.01),
        high: at(0.99),
        quantiles: (0..=256).map(|edge| at(f64::from(edge) / 256.0) as f32).collect(),
    }
}

/// Of a cube on a table of constant height, and of joints with ranges of their own.
pub(crate) fn statistics(layout: &Layout) -> Statistics {
    let state =
        vec![spread(0.2, 0.6), spread(-0.3, 0.3), spread(0.02, 0.02), spread(-1.5, 0.5), spread(0.0, 0.04)];
    let goal = layout.goal.iter().map(|place| state[*place].clone()).collect();
    Statistics { actions: state[3..].to_vec(), state, goal }
}

/// The section `policy` as it is written.
pub(crate) fn config(policy: &str) -> policy::Config {
    try_config(policy).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn try_config(policy: &str) -> Result<policy::Config, apprentice::config::Error> {
    let robot = "robot: {name: a, joints: [b]}\nobserve: {rate_hz: 30, streams: {joints: {topic: /j, type: \
                 sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 50}}}\n";
    let settings = Settings::parse(&format!("{robot}policy: {policy}"), "robot.yaml")?;
    Ok(settings.policy.expect("it is there"))
}

pub(crate) fn spec(policy: &str, layout: Layout) -> Spec {
    Spec { layout, policy: config(policy), augment: Augment::default() }
}

pub(crate) fn made(spec: &Spec, seed: u64) -> Policy {
    made_of(spec, seed, Kind::Float)
}

pub(crate) fn made_of(spec: &Spec, seed: u64, kind: Kind) -> Policy {
    let weights = Weights::new(Device::Cpu, kind, Noise::new(seed));
    Policy::create(spec, &statistics(&spec.layout), weights).expect("the settings fit")
}

/// What the robot might see at tick `tick`.
pub(crate) fn observation(layout: &Layout, tick: i64, noise: &mut Noise) -> Observation {
    let drawn = |spreads: &[Spread], noise: &mut Noise| -> Vec<f32> {
        spreads.iter().map(|spread| noise.within(spread.least..spread.most + 1e-12) as f32).collect()
    };
    let statistics = statistics(layout);
    let frame = |camera: &Camera| {
        let pixels = (0..camera.bytes()).map(|_| noise.below(256) as u8).collect();
        Arc::new(Frame { size: camera.size, channels: camera.channels, sent: camera.size, pixels })
    };
    let frames = layout.cameras.iter().map(frame).collect();
    Observation {
        stamp: Stamp(tick * 40_000_000),
        state: drawn(&statistics.state, noise),
        frames,
        goal: drawn(&statistics.goal, noise),
        past: drawn(&statistics.actions, noise),
    }
}

/// `count` windows, of which the last action pads.
pub(crate) fn windows(spec: &Spec, count: usize, noise: &mut Noise) -> Gathered {
    let layout = &spec.layout;
    let (history, chunk) = (usize::from(spec.policy.history), usize::from(spec.policy.chunk));
    let mut all: Option<Gathered> = None;
    for _ in 0..count {
        let seen: Vec<Observation> =
            (0..history).map(|tick| observation(layout, tick as i64, noise)).collect();
        let mut one = Gathered::seen(layout, history, &seen);
        for spread in (0..chunk).flat_map(|_| statistics(layout).actions) {
            one.actions.push(noise.within(spread.least..spread.most) as f32);
        }
        one.real = (0..chunk).map(|step| if step + 1 < chunk { 1.0 } else { 0.0 }).collect();
        all = Some(match all {
            None => one,
            Some(all) => joined(all, one),
        });
    }
    let mut all = all.expect("at least one window");
    all.shape = Shape { history, chunk };
    all
}

fn joined(mut all: Gathered, one: Gathered) -> Gathered {
    all.count += one.count;
    for (to, from) in [
        (&mut all.state, &one.state),
        (&mut all.past, &one.past),
        (&mut all.goal, &one.goal),
        (&mut all.actions, &one.actions),
        (&mut all.real, &one.real),
        (&mut all.weight, &one.weight),
    ] {
        to.extend_from_slice(from);
    }
    all.frames.iter_mut().zip(&one.frames).for_each(|(to, from)| to.extend_from_slice(from));
    all
}

pub(crate) fn batch(spec: &Spec, count: usize, seed: u64) -> Batch {
    Batch::of(&windows(spec, count, &mut Noise::new(seed)), Device::Cpu)
}
