//! Every encoder with every memory: sizes, the way back to each weight, what may be seen, and that it can learn from pictures.
//!
//! The goldens say that the numbers are right; here it is held that the parts fit together whichever are chosen.
#![cfg(feature = "learn")]

#[path = "support/policies.rs"]
mod support;

use apprentice::data::batch::Batch;
use apprentice::nn::encoder::{Config, Encoder, Plan, Seen, Shape};
use apprentice::nn::{Weights, convnet, history, resnet};
use apprentice::noise::Noise;
use apprentice::policy::Error;
use support::*;
use tch::{Device, Kind, Tensor};

const EYES: [&str; 3] =
    ["blind", "{convnet: {channels: [4, 4, 4], keypoints: 4}}", "{resnet: {channels: 4, keypoints: 4}}"];
const MEMORIES: [&str; 3] = ["stack", "{lstm: {layers: 2}}", "{transformer: {layers: 2, heads: 2}}"];

#[test]
fn gradients_reach_every_weight_whatever_is_chosen() -> Result<(), Error> {
    for (eyes, memory) in EYES.iter().flat_map(|eyes| MEMORIES.map(|memory| (*eyes, memory))) {
        for (goal, past) in [(false, ""), (true, "past: {dropout: 0.3}, ")] {
            let text = format!(
                "{{history: 2, chunk: 4, width: 16, encoder: {eyes}, memory: {memory}, {past}head: {{mse: {{}}}}}}"
            );
            let spec = spec(&text, layout(true, goal));
            let policy = made(&spec, 1);
            let batch = batch(&spec, 8, 2);
            policy.loss(&batch, &mut Noise::new(3))?.mean(&batch.weight).backward();
            for (name, weight) in policy.weights().named() {
                // A token alone, as of heads that take only what is pooled, has no way back to its place.
                let reached = weight.grad().defined() && weight.grad().abs().max().double_value(&[]) > 0.0;
                assert!(reached || name == "encoder.memory.places", "{text}: {name}");
            }
        }
    }
    Ok(())
}

#[test]
fn cameras_share_an_eye_where_they_are_told_to() {
    let shape = Shape { history: 1, state: 2, action: 1, goal: 0, cameras: vec![3, 1, 3] };
    let eyes = |shared: bool| {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let pictures = Config::Convnet(convnet::Config { shared, ..convnet::Config::default() });
        let plan = Plan { pictures, memory: history::Config::Stack, past: None, width: 8 };
        let encoder = Encoder::new(&plan, &shape, &weights.root());
        assert_eq!(encoder.tokens(), 4, "one for the numbers, one a camera");
        let named = weights.named();
        named
            .iter()
            .filter(|(name, _)| name.starts_with("eyes.") && name.ends_with("layers.0.weight"))
            .count()
    };
    assert_eq!((eyes(false), eyes(true)), (3, 2), "a camera of depth has an eye of its own in any case");
}

#[test]
fn a_transformer_does_not_see_what_comes_later() {
    let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
    let memory = history::Config::Transformer(history::Transformer { layers: 2, heads: 2 });
    let plan = Plan { pictures: Config::Blind, memory, past: None, width: 8 };
    let shape = Shape { history: 4, state: 3, action: 2, goal: 0, cameras: Vec::new() };
    let encoder = Encoder::new(&plan, &shape, &weights.root());
    let (kind, device) = (Kind::Double, Device::Cpu);
    let state = Tensor::arange(12, (kind, device)).view([1, 4, 3]) / 12.0;
    let encode = |state: &Tensor| {
        let (past, goal) = (Tensor::zeros([1, 4, 2], (kind, device)), Tensor::zeros([1, 0], (kind, device)));
        encoder.forward(&Seen { state, past: &past, pictures: &[], goal: &goal }, None)
    };
    let later = Tensor::cat(&[state.narrow(1, 0, 3), state.narrow(1, 3, 1) + 1.0], 1);
    let far = |a: &Tensor, b: &Tensor| (a - b).abs().max().double_value(&[]);
    let (one, other) = (encode(&state), encode(&later));
    assert!(far(&one.tokens.narrow(1, 0, 3), &other.tokens.narrow(1, 0, 3)) < 1e-14);
    assert!(far(&one.pooled, &other.pooled) > 1e-6, "what is pooled knows of the newest");
}

/// Where a bright spot stands in a dark picture is to be said: what a policy needs of its eyes.
#[test]
fn a_small_eye_learns_where_things_are() {
    let pictures = Config::Convnet(convnet::Config { channels: [8, 8, 8], keypoints: 4, shared: false });
    let mut noise = Noise::new(2);
    let off = learned(pictures, 150, || spots(32, 32, &mut noise));
    assert!(off < 0.03, "the squared error is {off} where guessing has 0.33");
}

/// That the large one can tell pictures apart is enough here: it takes longer to learn what holds of all.
#[test]
fn a_large_eye_learns_a_few_pictures() {
    let pictures = Config::Resnet(resnet::Config { channels: 8, keypoints: 8, shared: false });
    let few = spots(8, 64, &mut Noise::new(2));
    let off = learned(pictures, 100, || (few.0.shallow_clone(), few.1.shallow_clone()));
    assert!(off < 0.03, "the squared error is {off} where guessing has 0.33");
}

/// The squared error after so many steps on what is `shown`.
fn learned(pictures: Config, steps: i32, mut shown: impl FnMut() -> (Tensor, Tensor)) -> f64 {
    let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
    let plan = Plan { pictures, memory: history::Config::Stack, past: None, width: 32 };
    let shape = Shape { history: 1, state: 0, action: 2, goal: 0, cameras: vec![1] };
    let encoder = Encoder::new(&plan, &shape, &weights.root());
    let head = apprentice::nn::layers::Linear::new(&weights.root().at("head"), 32, 2);
    let mut moments: Vec<(Tensor, Tensor)> =
        weights.named().iter().map(|(_, weight)| (weight.zeros_like(), weight.zeros_like())).collect();
    let mut last = f64::MAX;
    for step in 1..=steps {
        let (pictures, places) = shown();
        let nothing = Tensor::zeros([places.size()[0], 1, 0], (Kind::Float, Device::Cpu));
        let seen = Seen { state: &nothing, past: &nothing, pictures: &[pictures], goal: &nothing };
        let said = head.forward(&encoder.forward(&seen, None).pooled);
        let loss = (said - places).square().mean(Kind::Float);
        last = loss.double_value(&[]);
        adam(&weights, &loss, &mut moments, step);
    }
    last
}

/// Pictures with a spot of a tenth of their `side`, and where it is: across and down, from −1 to 1.
fn spots(count: usize, side: usize, noise: &mut Noise) -> (Tensor, Tensor) {
    let mut places = Vec::new();
    let (length, spot) = (side as i64, side as i64 / 10);
    let pictures = Tensor::zeros([count as i64, 1, length, length], (Kind::Float, Device::Cpu));
    for number in 0..count as i64 {
        let mut place = || noise.below((length - spot + 1) as usize) as i64;
        let (left, upper) = (place(), place());
        let picture = pictures.get(number).get(0);
        let _filled = picture.narrow(0, upper, spot).narrow(1, left, spot).fill_(1.0);
        places.extend([left, upper].map(|at| at as f32 / ((length - spot) as f32 / 2.0) - 1.0));
    }
    (pictures, Tensor::from_slice(&places).view([-1, 2]))
}

/// One step of Adam (Kingma and Ba 2015), enough to see whether something can be learned.
fn adam(weights: &Weights, loss: &Tensor, moments: &mut [(Tensor, Tensor)], step: i32) {
    loss.backward();
    tch::no_grad(|| {
        for ((_, weight), (mean, square)) in weights.named().into_iter().zip(moments) {
            let mut gradient = weight.grad();
            if !gradient.defined() {
                continue;
            }
            *mean = &*mean * 0.9 + &gradient * 0.1;
            *square = &*square * 0.99 + gradient.square() * 0.01;
            let (m, s) = (&*mean / (1.0 - 0.9_f64.powi(step)), &*square / (1.0 - 0.99_f64.powi(step)));
            let mut weight = weight;
            weight -= m / (s.sqrt() + 1e-8) * 3e-3;
            let _zeroed = gradient.zero_();
        }
    });
}

#[test]
fn pictures_reach_the_policy_through_the_batch() -> Result<(), Error> {
    let text =
        "{history: 2, chunk: 4, width: 16, encoder: {convnet: {channels: [4, 4, 4]}}, head: {mse: {}}}";
    let spec = spec(text, layout(true, false));
    let policy = made(&spec, 1);
    let window = windows(&spec, 2, &mut Noise::new(2));
    let mut dark = window.clone();
    dark.frames[0].fill(0);
    let judged = |window| -> Result<f64, Error> {
        let batch = Batch::of(window, Device::Cpu);
        Ok(policy.judge(&batch, &mut Noise::new(3))?.mean(&batch.weight).double_value(&[]))
    };
    assert_ne!(judged(&window)?, judged(&dark)?);
    assert_eq!(judged(&window)?, judged(&window)?, "where it does not learn nothing varies");
    Ok(())
}
