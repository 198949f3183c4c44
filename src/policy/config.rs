//! The section `policy`: what is seen, how it is remembered, and which head says what to do.
//!
//! Everything here shapes the network: it is kept beside the weights, which fit no other.

use serde::{Deserialize, Serialize};

use super::{Error, head, normal};
use crate::data::Layout;
use crate::nn::{encoder, history};

/// The section `policy`.
///
/// ```yaml
/// policy:
///   history: 2               # observations that are seen
///   chunk: 16                # actions that are planned
///   encoder: {resnet: {}}
///   head: {flow: {steps: 10}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How many observations are seen; two, as in Chi et al. 2023 ("Diffusion Policy", table 6).
    #[serde(default = "two")]
    pub history: u16,
    /// How many actions are planned; sixteen, as in the same table.
    #[serde(default = "sixteen")]
    pub chunk: u16,
    /// Numbers a token of the encoding.
    #[serde(default = "wide")]
    pub width: u16,
    /// How pictures are seen.
    #[serde(default)]
    pub encoder: encoder::Config,
    /// How the observations come together.
    #[serde(default)]
    pub memory: history::Config,
    /// Whether, and how, past actions are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub past: Option<encoder::Past>,
    /// How numbers are scaled.
    #[serde(default)]
    pub normal: normal::Config,
    /// The most actions of a chunk that are given in training as already promised, so that the head learns to go on from them
    /// (Black et al. 2025, "Training-Time Action Conditioning for Efficient Real-Time Chunking"); 0 gives none.
    #[serde(default)]
    pub prefix: u16,
    /// What says what to do.
    pub head: head::Config,
}

fn two() -> u16 {
    2
}

fn sixteen() -> u16 {
    16
}

fn wide() -> u16 {
    256
}

impl Config {
    /// How the encoder is built.
    pub(super) fn plan(&self) -> encoder::Plan {
        let (pictures, memory, past) = (self.encoder, self.memory, self.past);
        encoder::Plan { pictures, memory, past, width: i64::from(self.width) }
    }

    /// How much there is to see.
    pub(super) fn shape(&self, layout: &Layout) -> encoder::Shape {
        encoder::Shape {
            history: i64::from(self.history),
            state: layout.width() as i64,
            action: layout.actions.len() as i64,
            goal: layout.goal.len() as i64,
            cameras: layout.cameras.iter().map(|camera| i64::from(camera.channels)).collect(),
        }
    }

    /// The rules that tie its settings to one another and to what the robot shows.
    pub(super) fn check(&self, layout: &Layout) -> Result<(), Error> {
        let refused = |key, why: String| Err(Error::Setting { key, why });
        for (key, value) in
            [("policy.history", self.history), ("policy.chunk", self.chunk), ("policy.width", self.width)]
        {
            if value == 0 {
                return refused(key, "0 is too few".to_owned());
            }
        }
        let remembers = !matches!(self.memory, history::Config::Stack);
        if remembers && self.history < 2 {
            let why = "there is nothing to remember where `policy.history` is 1".to_owned();
            return refused("policy.memory", why);
        }
        if let history::Config::Lstm(history::Lstm { layers: 0 })
        | history::Config::Transformer(history::Transformer { layers: 0, .. }) = self.memory
        {
            return refused("policy.memory", "0 layers are too few".to_owned());
        }
        if let history::Config::Transformer(history::Transformer { heads, .. }) = self.memory
            && (heads == 0 || self.width % u16::from(heads) != 0)
        {
            let why = format!("{heads} heads do not share a width of {} evenly", self.width);
            return refused("policy.memory.transformer.heads", why);
        }
        if let Some(encoder::Past { dropout }) = self.past
            && !(0.0..=1.0).contains(&dropout)
        {
            return refused("policy.past.dropout", format!("{dropout} is no share between 0 and 1"));
        }
        let reaches_all = self.normal.clip > 1.0;
        if !reaches_all {
            let why = format!("{} would cut what the data has", self.normal.clip);
            return refused("policy.normal.clip", why);
        }
        if self.prefix >= self.chunk {
            let why = format!("{} leaves nothing of a chunk of {}", self.prefix, self.chunk);
            return refused("policy.prefix", why);
        }
        self.check_sight(layout)
    }

    fn check_sight(&self, layout: &Layout) -> Result<(), Error> {
        let (resnet, convnet) = match self.encoder {
            encoder::Config::Resnet(config) => (Some(config), None),
            encoder::Config::Convnet(config) => (None, Some(config)),
            encoder::Config::Blind => (None, None),
        };
        let nothing = resnet.is_some_and(|config| config.keypoints == 0 || config.channels == 0)
            || convnet.is_some_and(|config| config.keypoints == 0 || config.channels.contains(&0));
        if nothing {
            let why = "0 channels or 0 points see nothing".to_owned();
            return Err(Error::Setting { key: "policy.encoder", why });
        }
        let sees = layout.width() > 0 || self.past.is_some();
        if !sees && (layout.cameras.is_empty() || self.encoder == encoder::Config::Blind) {
            let why = "nothing is left to see".to_owned();
            return Err(Error::Setting { key: "policy.encoder", why });
        }
        if layout.actions.is_empty() {
            let why = "there are no actions to learn".to_owned();
            return Err(Error::Setting { key: "act.parts", why });
        }
        Ok(())
    }
}
