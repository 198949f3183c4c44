//! A policy: an encoder, a normalizer and one head; what it learns from and what it says to do.
//!
//! Learning and acting see through the same `encode`: a difference between the two would be a policy that was never trained for what
//! it meets. A policy keeps nothing between two calls; what was promised and what is remembered is handed to it.

mod act;
pub mod checkpoint;
mod config;
pub mod ensemble;
mod error;
mod fence;
pub mod head;
pub mod normal;
pub mod spec;

use tch::{Device, Tensor};

pub use act::Promised;
pub use config::Config;
pub use ensemble::Ensemble;
pub use error::Error;
pub use spec::Spec;

use crate::data::augment::Augment;
use crate::data::batch::Batch;
use crate::data::{Layout, Statistics};
use crate::nn::encoder::{Encoder, Seen};
use crate::nn::{Encoding, Weights, chance};
use crate::noise::Noise;
use fence::fenced;
use head::{Continuing, Head, Loss, Target};
use normal::Normal;

/// An encoder, a normalizer and a head.
#[derive(Debug)]
pub struct Policy {
    spec: Spec,
    statistics: Statistics,
    weights: Weights,
    normal: Normal,
    encoder: Encoder,
    head: Box<dyn Head>,
}

/// Whether pictures vary and past actions are taken away, as where one learns, or all is as it is.
#[derive(Debug)]
enum Manner<'a> {
    Learning(&'a mut Noise),
    Plain,
}

impl Policy {
    /// A policy that has learned nothing yet; its weights are made in `weights`.
    pub fn create(spec: &Spec, statistics: &Statistics, weights: Weights) -> Result<Self, Error> {
        let Spec { layout, policy, .. } = spec;
        policy.check(layout)?;
        let known = [statistics.state.len(), statistics.actions.len(), statistics.goal.len()];
        let wanted = [layout.width(), layout.actions.len(), layout.goal.len()];
        if known != wanted {
            let why = format!("statistics of {known:?} numbers do not fit {wanted:?}: state, actions, goal");
            return Err(Error::Setting { key: "policy.normal", why });
        }
        let (normal, encoder, head) = fenced("making the network", || {
            let root = weights.root();
            let encoder = Encoder::new(&policy.plan(), &policy.shape(layout), &root.at("encoder"));
            let head = head_of(spec, statistics, &encoder, &root.at("head"))?;
            Ok((Normal::new(&policy.normal, statistics, &root), encoder, head))
        })?;
        Ok(Self { spec: spec.clone(), statistics: statistics.clone(), weights, normal, encoder, head })
    }

    /// What it sees and does.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// What its numbers are scaled by.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Its weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Where it computes.
    pub fn device(&self) -> Device {
        self.weights.device()
    }

    /// Whether it can go on from actions that are already promised.
    pub fn continuing(&self) -> Continuing {
        self.head.continuing()
    }

    /// How far off it is where it learns: pictures are cut and lit by chance, past actions are taken away, and the beginnings of
    /// chunks are given, each as set.
    pub fn loss(&self, batch: &Batch, noise: &mut Noise) -> Result<Loss, Error> {
        fenced("computing the loss", || {
            let seen = self.encode(batch, Manner::Learning(&mut *noise));
            let promised = self.given(batch, noise);
            Ok(self.head.loss(&seen, &self.target(batch, &promised), noise))
        })
    }

    /// How far off it is where nothing varies: on demonstrations that it does not learn from.
    pub fn judge(&self, batch: &Batch, noise: &mut Noise) -> Result<Loss, Error> {
        fenced("computing the loss", || {
            let _off = tch::no_grad_guard();
            let seen = self.encode(batch, Manner::Plain);
            Ok(self.head.loss(&seen, &self.target(batch, &None), noise))
        })
    }

    /// What the head sees.
    fn encode(&self, batch: &Batch, mut manner: Manner<'_>) -> Encoding {
        let cameras = if self.encoder.sees() { self.spec.layout.cameras.len() } else { 0 };
        let augment = &self.spec.augment;
        let pictures: Vec<Tensor> = (0..cameras)
            .map(|camera| match &mut manner {
                Manner::Learning(noise) => batch.pictures(camera, augment, Some(noise)),
                Manner::Plain => batch.pictures(camera, augment, None),
            })
            .collect();
        let seen = Seen {
            state: &self.normal.state(&batch.state),
            past: &self.normal.past(&batch.past),
            pictures: &pictures,
            goal: &self.normal.goal(&batch.goal),
        };
        match manner {
            Manner::Learning(noise) => self.encoder.forward(&seen, Some(noise)),
            Manner::Plain => self.encoder.forward(&seen, None),
        }
    }
}
