//! What every head keeps to, one list of cases over the registry.
//!
//! A head that is added is held to all of it by its line in the registry: it learns, it repeats, it survives a checkpoint, it
//! keeps what was promised, and padding does not teach it anything.
#![cfg(feature = "learn")]

#[path = "support/heads.rs"]
mod heads;

use std::cell::Cell;

use anyhow::{Result, ensure};
use apprentice::nn::{Encoding, chance};
use apprentice::noise::Noise;
use apprentice::policy::head::{Config, Continuing, HEADS, Promised};
use heads::{ACTION, Batch, CHUNK, loss, made, train};
use tch::{Device, Kind, Tensor};

const BATCH: i64 = 4;

/// Small networks of every head, and variants that take other ways through it.
fn cases() -> Result<Vec<(String, Config)>> {
    let settings = [
        "{mse: {width: 32}}",
        "{mse: {width: 32, prefixes: true}}",
        "{mog: {width: 32}}",
        "{mog: {width: 32, prefixes: true}}",
        "{act: {width: 32, inner: 64, layers: 2, kl: 1.0}}",
        "{act: {width: 32, inner: 64, layers: 2, kl: 1.0, decoders: 2, prefixes: true}}",
        "{diffusion: {network: {unet: {widths: [16, 32], groups: 4, time: 16}}, steps: 20}}",
        "{diffusion: {network: {unet: {widths: [16, 32], groups: 4, time: 16}}, steps: 20, prefixes: true}}",
        "{diffusion: {network: {transformer: {width: 32}}, steps: 20, target: sample, sampler: {ddpm: {}}}}",
        "{diffusion: {network: {transformer: {width: 32}}, steps: 20, target: velocity, guidance: 0.0}}",
        "{flow: {network: {unet: {widths: [16, 32], groups: 4, time: 16}}}}",
        "{flow: {network: {transformer: {width: 32}}, solver: midpoint, times: {beta: {}}}}",
        "{flow: {network: {transformer: {width: 32}}, target: sample}}",
        "{flow: {network: {transformer: {width: 32}}, prefixes: true}}",
        "{flow: {network: {perceptron: {width: 64, layers: 2}}, prefixes: true}}",
        "{tokens: {width: 32, levels: 64}}",
        "{tokens: {width: 32, levels: 64, knots: 4}}",
        "{energy: {width: 32}}",
        "{energy: {width: 32, knots: 6}}",
    ];
    settings.iter().map(|text| Ok(((*text).to_owned(), serde_saphyr::from_str(text)?))).collect()
}

/// Four chunks on straight lines that their observation tells apart, the last of them padded by `filling`.
fn batch(filling: f64) -> Batch {
    let (mut noise, like) = (Noise::new(1), Tensor::zeros([1], (Kind::Float, Device::Cpu)));
    let seen = Encoding {
        tokens: chance::normal(&mut noise, &[BATCH, 3, 16], &like),
        pooled: chance::normal(&mut noise, &[BATCH, 16], &like),
    };
    let ends = [[-0.8, 0.7], [-0.2, -0.5], [0.4, 0.6], [0.9, -0.6]];
    let value = |row: usize, step: i64, number: usize| {
        if row == 3 && step >= 4 { filling } else { ends[row][number] * (step + 1) as f64 / CHUNK as f64 }
    };
    let values: Vec<f64> = (0..4)
        .flat_map(|row| (0..CHUNK).flat_map(move |step| (0..2).map(move |number| value(row, step, number))))
        .collect();
    let actions = chance::given(&values, &like).view([BATCH, CHUNK, ACTION]);
    let real = Tensor::ones([BATCH, CHUNK], (Kind::Float, Device::Cpu));
    let _padded = real.get(3).narrow(0, 4, 2).zero_();
    Batch { seen, actions, real }
}

impl Batch {
    /// The same samples many times over, each with noise of its own.
    fn repeated(&self) -> Self {
        let again = |x: &Tensor| x.repeat([8].into_iter().chain(vec![1; x.dim() - 1]).collect::<Vec<i64>>());
        let seen = Encoding { tokens: again(&self.seen.tokens), pooled: again(&self.seen.pooled) };
        Self { seen, actions: again(&self.actions), real: again(&self.real) }
    }
}

fn far(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Every case is tried, so that one run tells all that is wrong.
fn all(check: impl Fn(&Config) -> Result<()>) -> Result<()> {
    let wrong =
        |(name, config): (String, Config)| check(&config).err().map(|error| format!("{name}: {error:#}"));
    let wrong: Vec<String> = cases()?.into_iter().filter_map(wrong).collect();
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[test]
fn every_head_is_tried_and_says_what_it_is() -> Result<()> {
    let cases = cases()?;
    for entry in HEADS {
        ensure!(cases.iter().any(|(_, config)| config.name() == entry.name), "{} has no case", entry.name);
        ensure!((entry.plain)().name() == entry.name && !entry.about.is_empty());
        let text = format!("{{{}: {{}}}}", entry.name);
        ensure!(
            serde_saphyr::from_str::<Config>(&text)? == (entry.plain)(),
            "{text} is not its plain settings"
        );
        let again: Config = serde_saphyr::from_str(&serde_saphyr::to_string(&(entry.plain)())?)?;
        ensure!(again == (entry.plain)(), "{}: settings do not survive being written", entry.name);
    }
    Ok(())
}

#[test]
fn losses_and_chunks_have_their_shapes() -> Result<()> {
    let batch = batch(0.0);
    all(|config| {
        let made = made(config, 1);
        ensure!(loss(config, &*made.head, &batch, 1).size() == [BATCH]);
        let chunk = made.head.sample(&batch.seen, None, &mut Noise::new(1));
        ensure!(chunk.size() == [BATCH, CHUNK, ACTION] && chunk.kind() == Kind::Float, "{chunk:?}");
        ensure!(!chunk.requires_grad(), "a chunk carries no way back");
        ensure!(f64::try_from(chunk.isfinite().all())? == 1.0, "not finite");
        Ok(())
    })
}

#[test]
fn every_head_learns_one_batch_by_heart() -> Result<()> {
    let batch = batch(0.0);
    all(|config| {
        let made = made(config, 1);
        train(config, &made, &batch.repeated(), 500);
        let chunk = made.head.sample(&batch.seen, None, &mut Noise::new(5));
        let off = ((chunk - &batch.actions).abs() * batch.real.unsqueeze(2)).mean(Kind::Float);
        let off = f64::try_from(off)?;
        ensure!(off < 0.08, "{off} off on average, over its bar of 0.08");
        Ok(())
    })
}

#[test]
fn a_seed_repeats_the_weights_the_loss_and_the_chunk() -> Result<()> {
    let batch = batch(0.0);
    all(|config| {
        let [one, two, other] = [1, 1, 2].map(|seed| made(config, seed));
        let named = [&one, &two, &other].map(|made| made.weights.named());
        ensure!(named[0].iter().zip(&named[1]).all(|(a, b)| a.0 == b.0 && a.1.equal(&b.1)), "other weights");
        ensure!(named[0].iter().zip(&named[2]).any(|(a, b)| !a.1.equal(&b.1)), "a seed means nothing");
        let losses = [&one, &two].map(|made| loss(config, &*made.head, &batch, 3));
        ensure!(losses[0].equal(&losses[1]), "another loss");
        let chunks = [&one, &two].map(|made| made.head.sample(&batch.seen, None, &mut Noise::new(4)));
        ensure!(chunks[0].equal(&chunks[1]), "another chunk");
        Ok(())
    })
}

#[test]
fn weights_that_were_saved_are_the_same_head() -> Result<()> {
    let (batch, folder) = (batch(0.0), tempfile::tempdir()?);
    all(|config| {
        let (one, other) = (made(config, 1), made(config, 2));
        let path = folder.path().join("weights.safetensors");
        Tensor::write_safetensors(&one.weights.named(), &path)?;
        other.weights.load(&Tensor::read_safetensors(&path)?)?;
        let chunks = [&one, &other].map(|made| made.head.sample(&batch.seen, None, &mut Noise::new(4)));
        ensure!(chunks[0].equal(&chunks[1]), "another chunk");
        Ok(())
    })
}

#[test]
fn what_is_promised_is_kept_or_refused_in_words() -> Result<()> {
    let batch = batch(0.0);
    let wanted = &batch.actions.narrow(1, 0, 4) * 0.5 + 0.1;
    all(|config| {
        let made = made(config, 1);
        let free = made.head.sample(&batch.seen, None, &mut Noise::new(4));
        let promised = Promised { actions: &wanted, frozen: 2, guidance: None };
        let bound = made.head.sample(&batch.seen, Some(promised), &mut Noise::new(4));
        match made.head.continuing(None) {
            Continuing::Yes => {
                ensure!(bound.narrow(1, 0, 2).equal(&wanted.narrow(1, 0, 2)), "frozen steps moved");
                ensure!(
                    far(&bound.narrow(1, 2, 4), &free.narrow(1, 2, 4)) > 1e-6,
                    "the rest does not heed it"
                );
            }
            Continuing::No(reason) => {
                ensure!(bound.equal(&free), "it cannot go on and yet does something else");
                ensure!(reason.len() > 10);
            }
        }
        Ok(())
    })
}

#[test]
fn padding_teaches_nothing() -> Result<()> {
    let (one, other, short) = (batch(0.0), batch(0.9), batch(0.0));
    let _padded = short.real.narrow(1, 4, 2).zero_();
    let looked = Cell::new(0);
    all(|config| {
        let made = made(config, 1);
        let slopes = [&one, &other].map(|batch| {
            let loss = loss(config, &*made.head, batch, 3);
            let named = made.weights.named();
            let weights: Vec<&Tensor> = named.iter().map(|(_, weight)| weight).collect();
            (loss.detach(), Tensor::run_backward(&[loss.sum(Kind::Float)], &weights, false, false))
        });
        ensure!(slopes[0].0.equal(&slopes[1].0), "another loss");
        ensure!(slopes[0].1.iter().zip(&slopes[1].1).all(|(a, b)| a.equal(b)), "another gradient");
        // Where every number of a chunk has a weight of its own, those of padding are not moved by what stands in for it either.
        loss(config, &*made.head, &short, 3).sum(Kind::Float).backward();
        for (name, weight) in made.weights.named() {
            if weight.size() == [CHUNK * ACTION] {
                let moved = |first, steps| {
                    weight.grad().narrow(0, first * ACTION, steps * ACTION).abs().max().double_value(&[])
                };
                ensure!(moved(0, 4) > 0.0 && moved(4, 2) == 0.0, "padding moves {name} by {}", moved(4, 2));
                looked.set(looked.get() + 1);
            }
        }
        Ok(())
    })?;
    ensure!(looked.get() >= 2, "no head has such weights");
    Ok(())
}

#[test]
fn the_gradient_reaches_every_weight() -> Result<()> {
    let batch = batch(0.0);
    all(|config| {
        let made = made(config, 1);
        loss(config, &*made.head, &batch, 3).sum(Kind::Float).backward();
        let dead = |(name, weight): (String, Tensor)| {
            let slope = weight.grad();
            let alive = slope.defined() && slope.abs().max().double_value(&[]) > 1e-12;
            (!alive).then_some(name)
        };
        let dead: Vec<String> = made.weights.named().into_iter().filter_map(dead).collect();
        ensure!(dead.is_empty(), "none at {dead:?}");
        Ok(())
    })
}

#[test]
fn settings_that_do_not_fit_are_refused_where_they_are_read() -> Result<()> {
    for (text, words) in [
        ("{act: {width: 30, heads: 4}}", "a multiple of \"heads\""),
        ("{diffusion: {network: {unet: {kernel: 4}}}}", "odd"),
        ("{diffusion: {network: {unet: {widths: [20], groups: 8}}}}", "multiples of \"groups\""),
        ("{flow: {steps: 0}}", "at least 1"),
        ("{flow: {guidance: .inf}}", "a number from 0 on"),
        ("{flow: {network: {perceptron: {width: 2}}}}", "even and at least 4"),
        ("{energy: {rounds: 200}}", "so few"),
        ("{act: {kl: .nan}}", "a number from 0 on"),
        ("{tokens: {top_p: 0.0}}", "more than 0 and at most 1"),
        ("{mog: {mods: 3}}", "mods"),
    ] {
        let refused = serde_saphyr::from_str::<Config>(text).err().map(|error| error.to_string());
        ensure!(refused.as_ref().is_some_and(|said| said.contains(words)), "{text}: {refused:?}");
    }
    Ok(())
}
