//! Every head beside an independent computation in PyTorch: losses, gradients of every weight, and samples from the same noise.
//!
//! `tests/golden/heads.py` computes in double precision from the papers' equations and shares no code with ours. In double
//! precision both have to agree to 1e-9 of the largest entry, which leaves room for another order of summing only; in single
//! precision to 1e-4, which is what its rounding comes to over the steps of a sampler.
#![cfg(feature = "learn")]

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use apprentice::nn::{Encoding, Weights, chance};
use apprentice::noise::Noise;
use apprentice::policy::head::{Config, Head, Promised, Shape, Target};
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

const BATCH: i64 = 3;
const CHUNK: i64 = 6;
const ACTION: i64 = 3;
const WIDTH: i64 = 10;
const TOKENS: i64 = 4;
const FROZEN: i64 = 2;
const PROMISED: i64 = 4;
/// The deviation of every weight.
const SPREAD: f64 = 0.4;

#[derive(Deserialize)]
struct Golden {
    head: Config,
    each: Vec<f64>,
    parts: BTreeMap<String, Vec<f64>>,
    inputs: BTreeMap<String, Vec<f64>>,
    gradients: BTreeMap<String, Vec<f64>>,
    sample: Vec<f64>,
    promised: Vec<f64>,
}

fn goldens() -> Result<BTreeMap<String, Golden>> {
    Ok(serde_json::from_str(include_str!("golden/heads.json"))?)
}

fn shape() -> Shape {
    let quantiles = |number: i64| {
        (0..9).map(|place| (number + 1) as f64 * (f64::from(place) / 8.0).powf(1.5) - 1.0).collect()
    };
    let quantiles = (0..ACTION).map(quantiles).collect();
    Shape { chunk: CHUNK, action: ACTION, width: WIDTH, tokens: TOKENS, quantiles }
}

/// The number of a weight's stream of noise: FNV-1a over its name.
fn stream(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |value, byte| {
        (value ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn head(config: &Config, kind: Kind) -> Result<(Weights, Box<dyn Head>)> {
    let weights = Weights::new(Device::Cpu, kind, Noise::new(0));
    let head = config.build(&shape(), &weights.root());
    let like = Tensor::zeros([1], (kind, Device::Cpu));
    let filled = weights.named().into_iter().map(|(name, weight)| {
        let mut noise = Noise::of(5, stream(&name));
        // Norms keep what they are there for: their weights lie around one.
        let middle = if name.contains("norm") && name.ends_with("weight") { 1.0 } else { 0.0 };
        (name, chance::normal(&mut noise, &weight.size(), &like) * SPREAD + middle)
    });
    weights.load(&filled.collect::<Vec<_>>())?;
    Ok((weights, head))
}

fn seen(kind: Kind) -> Encoding {
    let (mut noise, like) = (Noise::new(1), Tensor::zeros([1], (kind, Device::Cpu)));
    let tokens = chance::normal(&mut noise, &[BATCH, TOKENS, WIDTH], &like).set_requires_grad(true);
    let pooled = chance::normal(&mut noise, &[BATCH, WIDTH], &like).set_requires_grad(true);
    Encoding { tokens, pooled }
}

/// What the script keeps of a tensor: all of a small one, of a larger one figures that every entry moves.
fn digest(values: &Tensor) -> Vec<f64> {
    let flat = values.to_kind(Kind::Double).flatten(0, -1);
    let count = flat.size()[0];
    if count <= 32 {
        return numbers(&flat);
    }
    let along = chance::normal(&mut Noise::new(9), &[count], &flat);
    let figures = [flat.abs().max(), flat.norm(), (&flat * along).sum(Kind::Double)];
    let some = (0..8).map(|place| flat.double_value(&[place * count / 8]));
    figures.iter().map(|figure| figure.double_value(&[])).chain(some).collect()
}

fn numbers(values: &Tensor) -> Vec<f64> {
    Vec::try_from(values.to_kind(Kind::Double).flatten(0, -1)).expect("it is flat and double")
}

fn close(what: &str, got: &[f64], wanted: &[f64], within: f64) -> Result<()> {
    ensure!(got.len() == wanted.len(), "{what}: {} numbers, not {}", got.len(), wanted.len());
    let largest = wanted.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let off = got.iter().zip(wanted).fold(0.0_f64, |most, (got, wanted)| most.max((got - wanted).abs()));
    ensure!(
        off <= within * largest,
        "{what}: {off:e} off, its largest entry is {largest}\n{got:?}\n{wanted:?}"
    );
    Ok(())
}

fn losses(name: &str, golden: &Golden, kind: Kind, within: f64) -> Result<()> {
    let (weights, head) = head(&golden.head, kind)?;
    let (seen, like) = (seen(kind), Tensor::zeros([1], (kind, Device::Cpu)));
    let actions = chance::normal(&mut Noise::new(2), &[BATCH, CHUNK, ACTION], &like) * 0.5;
    let real = Tensor::ones([BATCH, CHUNK], (kind, Device::Cpu));
    let _zeroed = real.get(1).narrow(0, 4, 2).zero_();
    let counts = Tensor::from_slice(&[0_i64, 1, 3]);
    let prefixes = golden.head.prefixes() || golden.head.name() == "tokens";
    let target = Target { actions: &actions, real: &real, promised: prefixes.then_some(&counts) };
    let loss = head.loss(&seen, &target, &mut Noise::new(11));
    close(&format!("{name}: loss"), &numbers(&loss.each), &golden.each, within)?;
    ensure!(loss.parts.len() == golden.parts.len(), "{name}: parts {:?}", loss.parts);
    for (part, values) in &loss.parts {
        let wanted = golden.parts.get(*part).with_context(|| format!("{name}: the part {part}"))?;
        close(&format!("{name}: {part}"), &numbers(values), wanted, within)?;
    }
    let shares = chance::given(&[1.0, 0.5, 2.0], &like);
    (loss.each * shares).sum(kind).backward();
    let inputs = [("tokens", &seen.tokens), ("pooled", &seen.pooled)];
    for (input, tensor) in inputs.into_iter().filter(|(_, tensor)| tensor.grad().defined()) {
        let wanted = golden.inputs.get(input).with_context(|| format!("{name}: uses {input}"))?;
        close(&format!("{name}: by {input}"), &digest(&tensor.grad()), wanted, within)?;
    }
    let named = weights.named();
    let unknown: Vec<_> = named.iter().filter(|(weight, _)| !golden.gradients.contains_key(weight)).collect();
    ensure!(
        unknown.is_empty() && named.len() == golden.gradients.len(),
        "{name}: other weights: {unknown:?}"
    );
    for (weight, tensor) in named {
        let wanted = &golden.gradients[&weight];
        close(&format!("{name}: by {weight}"), &digest(&tensor.grad()), wanted, within)?;
    }
    Ok(())
}

fn samples(name: &str, golden: &Golden, kind: Kind, within: f64) -> Result<()> {
    let (_weights, head) = head(&golden.head, kind)?;
    let (seen, like) = (seen(kind), Tensor::zeros([1], (kind, Device::Cpu)));
    let actions = chance::normal(&mut Noise::new(3), &[BATCH, PROMISED, ACTION], &like) * 0.5;
    let promised = Promised { actions: &actions, frozen: FROZEN, guidance: None };
    for (promised, wanted) in [(None, &golden.sample), (Some(promised), &golden.promised)] {
        let chunk = head.sample(&seen, promised, &mut Noise::new(12));
        let what =
            format!("{name}: sample with {} promised", if promised.is_some() { "some" } else { "nothing" });
        close(&what, &numbers(&chunk), wanted, within)?;
    }
    Ok(())
}

/// Every case is tried, so that one run tells all that is wrong.
fn all(check: impl Fn(&str, &Golden) -> Result<()>) -> Result<()> {
    let wrong: Vec<String> = goldens()?
        .iter()
        .filter_map(|(name, golden)| check(name, golden).err().map(|error| format!("{error:#}")))
        .collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() -> Result<()> {
    all(|name, golden| losses(name, golden, Kind::Double, 1e-9))
}

#[test]
fn samples_are_those_of_pytorch() -> Result<()> {
    all(|name, golden| samples(name, golden, Kind::Double, 1e-9))
}

#[test]
fn single_precision_is_near_enough() -> Result<()> {
    all(|name, golden| {
        losses(name, golden, Kind::Float, 1e-4)?;
        samples(name, golden, Kind::Float, 1e-4)
    })
}

#[test]
fn every_head_has_a_golden_case() -> Result<()> {
    let cases: Vec<&str> = goldens()?.values().map(|golden| golden.head.name()).collect();
    for entry in apprentice::policy::head::HEADS {
        ensure!(cases.contains(&entry.name), "{} has none", entry.name);
    }
    Ok(())
}
