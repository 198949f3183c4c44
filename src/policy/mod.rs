//! A policy: an encoder, a normalizer and one head; what it learns from and what it says to do.
//!
//! Learning and acting see through the same `encode`: a difference between the two would be a policy that was never trained for what
//! it meets. A policy keeps nothing between two calls; what was promised and what is remembered is handed to it.

mod act;
pub mod checkpoint;
mod config;
pub mod doubt;
pub mod ensemble;
mod error;
mod fence;
pub mod head;
pub mod normal;
mod promise;
mod remembered;
pub mod spec;
pub mod thinker;

use tch::{Device, Tensor};

pub use act::Question;
pub use config::Config;
pub use doubt::{Decided, Landmarks};
pub use ensemble::Ensemble;
pub use error::Error;
pub use promise::Promised;
pub use spec::Spec;
pub use thinker::Thinker;

use crate::data::Statistics;
use crate::data::batch::Batch;
use crate::nn::encoder::{Encoder, Seen};
use crate::nn::{Encoding, Weights, chance, fits};
use crate::noise::Noise;
use fence::fenced;
use head::{Continuing, Head, Loss, Shape, Target};
use normal::Normal;
use remembered::Remembered;

/// An encoder, a normalizer and a head.
#[derive(Debug)]
pub struct Policy {
    spec: Spec,
    statistics: Statistics,
    weights: Weights,
    normal: Normal,
    remembered: Option<Remembered>,
    encoder: Encoder,
    head: Box<dyn Head>,
}

/// Whether pictures vary and past actions are blurred, as where one learns, or all is as it is.
#[derive(Debug)]
enum Manner<'a> {
    Learning(&'a mut Noise),
    Plain,
}

impl Policy {
    /// A policy that has learned nothing yet; its weights are made in `weights`.
    pub fn create(spec: &Spec, statistics: &Statistics, weights: Weights) -> Result<Self, Error> {
        let Spec { layout, policy, augment } = spec;
        let unfit = |error: fits::Error| Error::Setting { key: "policy", why: error.to_string() };
        policy.check().map_err(unfit)?;
        policy.check_for(layout, augment)?;
        let known = [statistics.state.len(), statistics.actions.len(), statistics.goal.len()];
        let wanted = [layout.width(), layout.actions.len(), layout.goal.len()];
        if known != wanted {
            let why = format!("statistics of {known:?} numbers do not fit {wanted:?}: state, actions, goal");
            return Err(Error::Setting { key: "policy.normal", why });
        }
        let (normal, remembered, encoder, head) = fenced("making the network", || {
            let root = weights.root();
            let encoder = Encoder::new(&policy.plan(), &policy.shape(layout), &root.at("encoder"));
            let head = policy.head.build(&head_shape(spec, statistics, &encoder), &root.at("head"));
            let normal = Normal::new(&policy.normal, layout, statistics, &root);
            Ok((normal, Remembered::new(policy, layout, &root), encoder, head))
        })?;
        let (spec, statistics) = (spec.clone(), statistics.clone());
        Ok(Self { spec, statistics, weights, normal, remembered, encoder, head })
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

    /// Whether it can go on from actions that are already promised, guided so strongly; as its head's settings say where nothing is
    /// said.
    pub fn continuing(&self, guidance: Option<f64>) -> Continuing {
        self.head.continuing(guidance)
    }

    /// How far off it is where it learns: pictures are cut and lit by chance, past actions are blurred, and the beginnings of
    /// chunks are given, each as set.
    pub fn loss(&self, batch: &Batch, noise: &mut Noise) -> Result<Loss, Error> {
        fenced("computing the loss", || {
            let seen = self.encode(batch, Manner::Learning(&mut *noise));
            let given = self.given(batch, noise);
            Ok(self.head_loss(&seen, batch, given.as_ref(), noise))
        })
    }

    /// How far off it is where nothing varies: on demonstrations that it does not learn from.
    pub fn judge(&self, batch: &Batch, noise: &mut Noise) -> Result<Loss, Error> {
        fenced("computing the loss", || {
            let _off = tch::no_grad_guard();
            let seen = self.encode(batch, Manner::Plain);
            Ok(self.head_loss(&seen, batch, None, noise))
        })
    }

    fn head_loss(
        &self,
        seen: &Encoding,
        batch: &Batch,
        promised: Option<&Tensor>,
        noise: &mut Noise,
    ) -> Loss {
        let actions = self.normal.actions(&batch.actions);
        let real = batch.real.to_kind(actions.kind());
        self.head.loss(seen, &Target { actions: &actions, real: &real, promised }, noise)
    }

    /// How many of each chunk's actions are given, `[B]`, where the head learns to go on from them.
    fn given(&self, batch: &Batch, noise: &mut Noise) -> Option<Tensor> {
        let most = usize::from(self.spec.policy.given());
        let draw = || chance::below(noise, batch.actions.size()[0], most + 1);
        (most > 0).then(draw).map(|counts| Tensor::from_slice(&counts).to_device(self.device()))
    }

    /// What the head sees.
    fn encode(&self, batch: &Batch, mut manner: Manner<'_>) -> Encoding {
        let cameras = if self.encoder.sees() { self.spec.layout.cameras.len() } else { 0 };
        let augment = &self.spec.augment;
        let mut pictures: Vec<Tensor> = (0..cameras)
            .map(|camera| match &mut manner {
                Manner::Learning(noise) => batch.pictures(camera, augment, Some(&mut **noise)),
                Manner::Plain => batch.pictures(camera, augment, None),
            })
            .collect();
        let mut state = self.normal.state(&batch.state);
        if let Some(remembered) = &self.remembered {
            state = remembered.numbers(&state);
            let left = pictures.drain(..).enumerate().map(|(camera, all)| remembered.pictures(camera, all));
            pictures = left.collect();
        }
        let seen = Seen {
            state: &state,
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

impl Loss {
    /// What is trained on: the mean over samples that count as much as `weight: [B]` says.
    pub fn mean(&self, weight: &Tensor) -> Tensor {
        weighted(&self.each, weight)
    }

    /// The same mean of each of its parts.
    pub fn parts(&self, weight: &Tensor) -> Vec<(&'static str, Tensor)> {
        self.parts.iter().map(|(name, part)| (*name, weighted(part, weight))).collect()
    }
}

fn weighted(each: &Tensor, weight: &Tensor) -> Tensor {
    let weight = weight.to_kind(each.kind());
    (each * &weight).sum(each.kind()) / weight.sum(each.kind()).clamp_min(f64::from(f32::MIN_POSITIVE))
}

/// What the head is made to fit.
fn head_shape(spec: &Spec, statistics: &Statistics, encoder: &Encoder) -> Shape {
    let scale = spec.policy.normal.actions;
    Shape {
        chunk: i64::from(spec.policy.chunk),
        action: spec.layout.actions.len() as i64,
        width: encoder.width(),
        tokens: encoder.tokens(),
        quantiles: statistics.actions.iter().map(|spread| scale.edges(spread)).collect(),
    }
}
