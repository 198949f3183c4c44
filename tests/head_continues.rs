//! Going on from what is promised, as trained heads do it: to the bit where it is frozen, and nearer to it where it is not.
//!
//! Where one observation allows many ways, only what is promised tells which is under way. A head that does not heed it draws
//! another, and the arm changes its mind at every chunk.
#![cfg(feature = "learn")]

#[path = "support/heads.rs"]
mod heads;

use anyhow::{Result, ensure};
use apprentice::nn::{Encoding, chance};
use apprentice::noise::Noise;
use apprentice::policy::head::{Config, Promised};
use heads::{ACTION, Batch, CHUNK, made, train};
use tch::{Device, Kind, Tensor};

/// One observation after which straight lines go anywhere.
fn anywhere() -> Batch {
    let like = Tensor::zeros([1], (Kind::Float, Device::Cpu));
    let ends = chance::unit(&mut Noise::new(6), &[64, 1, ACTION], &like) * 1.8 - 0.9;
    let along: Vec<f64> = (1..=CHUNK).map(|step| step as f64 / CHUNK as f64).collect();
    let seen = Encoding {
        tokens: like.new_zeros([64, 3, 16], (Kind::Float, Device::Cpu)),
        pooled: like.new_zeros([64, 16], (Kind::Float, Device::Cpu)),
    };
    Batch {
        seen,
        actions: ends * chance::given(&along, &like).view([1, -1, 1]),
        real: like.new_ones([64, CHUNK], (Kind::Float, Device::Cpu)),
    }
}

/// How far `chunk` is from what the lines do at the steps from `first` to `last`, on average.
fn off(chunk: &Tensor, batch: &Batch, first: i64, last: i64) -> Result<f64> {
    let of = |all: &Tensor| all.narrow(1, first, last - first);
    Ok(f64::try_from((of(chunk) - of(&batch.actions)).abs().mean(Kind::Float))?)
}

#[test]
fn guidance_goes_on_the_way_that_was_promised() -> Result<()> {
    let batch = anywhere();
    let wanted = batch.actions.narrow(1, 0, 4);
    for text in [
        "{flow: {network: {transformer: {width: 32}}}}",
        "{diffusion: {network: {transformer: {width: 32}}, steps: 20}}",
    ] {
        let config: Config = serde_saphyr::from_str(text)?;
        let made = made(&config, 1);
        train(&config, &made, &batch, 250);
        let far = |promised: Option<Promised<'_>>| {
            off(&made.head.sample(&batch.seen, promised, &mut Noise::new(4)), &batch, 4, CHUNK)
        };
        let promised = |guidance| Promised { actions: &wanted, frozen: 4, guidance };
        let (free, guided) = (far(None)?, far(Some(promised(None)))?);
        println!("{text}: {guided} off with guidance, {free} without");
        ensure!(guided < 0.9 * free, "{text}: {guided} off with guidance, {free} without");
        let [as_set, let_be] = [Some(5.0), Some(0.0)].map(|guidance| far(Some(promised(guidance))));
        ensure!(as_set? == guided, "{text}: told what it has set it does something else");
        ensure!(let_be? == free, "{text}: it is guided by nothing");
    }
    Ok(())
}

#[test]
fn a_continued_chunk_begins_as_is_frozen_and_keeps_nearer_to_the_rest_than_a_new_one() -> Result<()> {
    let batch = anywhere();
    let (steps, frozen) = (5, 2);
    let wanted = batch.actions.narrow(1, 0, steps);
    let promised = Promised { actions: &wanted, frozen, guidance: None };
    for text in [
        "{flow: {network: {transformer: {width: 32}}}}",
        "{flow: {network: {transformer: {width: 32}}, prefixes: true, guidance: 0.0}}",
        "{flow: {network: {transformer: {width: 32}}, prefixes: true}}",
        "{diffusion: {network: {transformer: {width: 32}}, steps: 20}}",
        "{diffusion: {network: {transformer: {width: 32}}, steps: 20, prefixes: true, guidance: 0.0}}",
        "{tokens: {width: 32, levels: 32}}",
    ] {
        let config: Config = serde_saphyr::from_str(text)?;
        let made = made(&config, 1);
        train(&config, &made, &batch, 250);
        let (mut new, mut continued) = (0.0, 0.0);
        for seed in 0..8 {
            let sample = |promised| made.head.sample(&batch.seen, promised, &mut Noise::new(seed));
            let (one, other) = (sample(None), sample(Some(promised)));
            let begins = other.narrow(1, 0, frozen).equal(&wanted.narrow(1, 0, frozen));
            ensure!(begins, "{text}: what is frozen moved");
            new += off(&one, &batch, frozen, steps)? / 8.0;
            continued += off(&other, &batch, frozen, steps)? / 8.0;
        }
        println!("{text}: {continued} off where it goes on, {new} where it begins anew");
        ensure!(
            continued < 0.8 * new,
            "{text}: {continued} off where it goes on, {new} where it begins anew"
        );
    }
    Ok(())
}
