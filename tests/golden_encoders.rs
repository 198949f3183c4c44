//! The encoders compute what PyTorch computes: tokens, what is pooled, and the gradient of every weight.
//!
//! `golden/encoders.json` was written by `golden/encoders.py`, which shares no code with us. Both sides fill every weight and input
//! with numbers that follow from its name. In float64 they may differ by 1e-9 of a tensor's largest entry, which is what a different
//! order of adding costs, in float32 by 1e-4.
#![cfg(feature = "learn")]

use std::collections::BTreeMap;

use apprentice::nn::encoder::{Config, Encoder, Past, Plan, Seen, Shape};
use apprentice::nn::{Weights, convnet, history, resnet};
use apprentice::noise::Noise;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

#[derive(Debug, Deserialize)]
struct Case {
    batch: i64,
    history: i64,
    state: i64,
    action: i64,
    goal: i64,
    past: bool,
    width: i64,
    eye: String,
    shared: bool,
    channels: serde_json::Value,
    keypoints: u16,
    cameras: Vec<[i64; 3]>,
    memory: String,
    layers: u8,
    heads: u8,
    tokens: Shaped,
    pooled: Shaped,
    gradients: BTreeMap<String, Gradient>,
}

#[derive(Debug, Deserialize)]
struct Shaped {
    shape: Vec<i64>,
    values: Vec<f64>,
}

#[derive(Debug, Deserialize)]
struct Gradient {
    norm: f64,
    entries: [f64; 8],
}

impl Case {
    fn plan(&self) -> Plan {
        let (shared, keypoints) = (self.shared, self.keypoints);
        let number = |value: &serde_json::Value| value.as_u64().expect("a count") as u16;
        let pictures = match self.eye.as_str() {
            "resnet" => {
                Config::Resnet(resnet::Config { shared, keypoints, channels: number(&self.channels) })
            }
            "convnet" => {
                let channels = [0, 1, 2].map(|layer| number(&self.channels[layer]));
                Config::Convnet(convnet::Config { shared, keypoints, channels })
            }
            _ => Config::Blind,
        };
        let (layers, heads) = (self.layers, self.heads);
        let memory = match self.memory.as_str() {
            "lstm" => history::Config::Lstm(history::Lstm { layers }),
            "transformer" => history::Config::Transformer(history::Transformer { layers, heads }),
            _ => history::Config::Stack,
        };
        Plan { pictures, memory, past: self.past.then(Past::default), width: self.width }
    }

    fn shape(&self) -> Shape {
        let (history, state, action, goal) = (self.history, self.state, self.action, self.goal);
        let cameras = self.cameras.iter().map(|[channels, ..]| *channels).collect();
        Shape { history, state, action, goal, cameras }
    }
}

/// Numbers between −1 and 1 that follow from a name.
fn numbers(name: &str, dims: &[i64]) -> Tensor {
    let phase = (name.bytes().map(u64::from).sum::<u64>() % 97) as f64;
    let at = |i: i64| (0.7 * i as f64 + 0.001 * (i * i % 10007) as f64 + phase).sin();
    let values: Vec<f64> = (0..dims.iter().product()).map(at).collect();
    Tensor::from_slice(&values).reshape(dims)
}

fn weight(name: &str, dims: &[i64]) -> Tensor {
    let values = numbers(name, dims);
    if dims.len() > 1 {
        return values * (1.5 / (dims[1..].iter().product::<i64>() as f64).sqrt());
    }
    let of_norm = name.ends_with("norm.weight") || (name.contains(".norm.") && name.ends_with("weight"));
    values * 0.1 + if of_norm { 1.0 } else { 0.0 }
}

/// How far `got` is from `wanted`, as a share of the largest entry.
fn off(got: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(f64::MIN_POSITIVE, |largest, value| largest.max(value.abs()));
    got.iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs() / largest).fold(0.0, f64::max)
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.detach().to_kind(Kind::Double).flatten(0, -1)).expect("numbers")
}

fn check(case: &Case, kind: Kind, tolerance: f64) {
    let weights = Weights::new(Device::Cpu, kind, Noise::new(1));
    let encoder = Encoder::new(&case.plan(), &case.shape(), &weights.root());
    let named = weights.named();
    tch::no_grad(|| {
        for (name, tensor) in &named {
            tensor.shallow_clone().copy_(&weight(name, &tensor.size()));
        }
    });
    let ours: Vec<&str> = {
        let mut names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    };
    assert_eq!(ours, case.gradients.keys().map(String::as_str).collect::<Vec<_>>());

    let (batch, history) = (case.batch, case.history);
    let pictures: Vec<Tensor> = case
        .cameras
        .iter()
        .enumerate()
        .map(|(number, [channels, height, width])| {
            (numbers(&format!("camera {number}"), &[batch * history, *channels, *height, *width]) * 0.5 + 0.5)
                .to_kind(kind)
        })
        .collect();
    let seen = encoder.forward(
        &Seen {
            state: &numbers("state", &[batch, history, case.state]).to_kind(kind),
            past: &numbers("past", &[batch, history, case.action]).to_kind(kind),
            pictures: &pictures,
            goal: &numbers("goal", &[batch, case.goal]).to_kind(kind),
        },
        None,
    );
    let (tokens, pooled) = (&seen.tokens, &seen.pooled);
    assert_eq!((tokens.size(), pooled.size()), (case.tokens.shape.clone(), case.pooled.shape.clone()));
    assert_eq!(tokens.size()[1..], [encoder.tokens(), encoder.width()]);
    let what = format!("{} {} {kind:?}", case.eye, case.memory);
    for (name, got, wanted) in [("tokens", tokens, &case.tokens), ("pooled", pooled, &case.pooled)] {
        let off = off(&flat(got), &wanted.values);
        assert!(off < tolerance, "{what}: {name} are off by {off:e}");
    }

    let loss = (tokens * numbers("to tokens", &tokens.size()).to_kind(kind)).sum(kind)
        + (pooled * numbers("to pooled", &pooled.size()).to_kind(kind)).sum(kind);
    loss.backward();
    for (name, tensor) in &named {
        let gradient = flat(&tensor.grad());
        let wanted = &case.gradients[name];
        let norm = gradient.iter().map(|value| value * value).sum::<f64>().sqrt();
        let largest = gradient.iter().fold(1e-3, |largest: f64, value| largest.max(value.abs()));
        assert!(
            (norm - wanted.norm).abs() <= tolerance * wanted.norm.max(largest),
            "{what}: {name}: {norm} for {}",
            wanted.norm
        );
        for (number, wanted) in wanted.entries.iter().enumerate() {
            let got = gradient[number * gradient.len() / 8];
            assert!((got - wanted).abs() <= tolerance * largest, "{what}: {name}: {got} for {wanted}");
        }
    }
}

#[test]
fn every_encoder_computes_what_pytorch_computes() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/encoders.json"));
    let cases: Vec<Case> = serde_json::from_str(&text.expect("made by encoders.py")).expect("cases");
    for case in &cases {
        check(case, Kind::Double, 1e-9);
        check(case, Kind::Float, 1e-4);
    }
}
