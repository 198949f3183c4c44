//! The section `policy`: what is seen, how it is remembered, and which head says what to do.
//!
//! Everything here shapes the network: it is kept beside the weights, which fit no other.

use serde::{Deserialize, Serialize};

use super::{Error, head, normal, remembered};
use crate::data::augment::Augment;
use crate::data::{Layout, Spread, Statistics};
use crate::nn::fits::{self, checked, fits, some};
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
#[serde(remote = "Self", deny_unknown_fields)]
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
    /// Of a head that learns to go on from promised actions: the most of a chunk that are given in training, of which every number
    /// comes up alike (Black et al. 2025, "Training-Time Action Conditioning for Efficient Real-Time Chunking"). Half the chunk
    /// where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<u16>,
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
        let (pictures, memory, past) = (self.encoder, self.memory.clone(), self.past);
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

    /// The most actions of a chunk that are given in training.
    pub(super) fn given(&self) -> u16 {
        if self.head.prefixes() { self.prefix.unwrap_or(self.chunk / 2) } else { 0 }
    }

    /// The least and the most that its head can say of each number of an action, in the robot's units, with these statistics.
    pub fn says(&self, statistics: &Statistics) -> Vec<[f64; 2]> {
        let scale = self.normal.actions;
        let of = |spread: &Spread| match scale.of(spread) {
            // It never changed, and never will.
            (centre, 0.0) => [centre; 2],
            (centre, one) => self.head.farthest(&scale.edges(spread)).map(|end| centre + one * end),
        };
        statistics.actions.iter().map(of).collect()
    }

    /// The rules that tie its settings to one another.
    pub(super) fn check(&self) -> Result<(), fits::Error> {
        some("history", self.history.into())?;
        some("chunk", self.chunk.into())?;
        some("width", self.width.into())?;
        self.check_memory()?;
        self.check_eyes()?;
        if let Some(encoder::Past { dropout }) = &self.past {
            fits("past.dropout", dropout, "from 0 to below 1", (0.0..1.0).contains(dropout))?;
        }
        let clip = self.normal.clip;
        fits("normal.clip", &clip, "above 1, so that it cuts nothing the data has", clip > 1.0)?;
        if let (head::Config::Diffusion(head), normal::Scale::Deviation) = (&self.head, self.normal.actions) {
            let why = "above 1 where `normal.actions` is `deviation`, which most of the data lies around";
            fits("head.diffusion.clip", &head.clip, why, head.clip > 1.0)?;
        }
        let Some(prefix) = self.prefix else { return Ok(()) };
        fits("prefix", &prefix, "below `chunk`: something must be left to plan", prefix < self.chunk)?;
        fits("prefix", &prefix, "with a head whose `prefixes` is true", self.head.prefixes())
    }

    fn check_memory(&self) -> Result<(), fits::Error> {
        let layers = match &self.memory {
            history::Config::Stack => return Ok(()),
            history::Config::Sparse(history::Sparse { recent, every, .. }) => {
                some("memory.sparse.recent", (*recent).into())?;
                some("memory.sparse.every", (*every).into())?;
                1
            }
            history::Config::Lstm(history::Lstm { layers }) => *layers,
            history::Config::Transformer(history::Transformer { layers, heads }) => {
                let heads = *heads;
                let shared = heads > 0 && self.width.is_multiple_of(heads.into());
                fits("memory.transformer.heads", &heads, "a number that divides `width`", shared)?;
                *layers
            }
        };
        some("memory.layers", layers.into())?;
        let enough = self.history > 1;
        fits("history", &self.history, "at least 2 where there is a memory other than `stack`", enough)
    }

    fn check_eyes(&self) -> Result<(), fits::Error> {
        let (keypoints, least) = match self.encoder {
            encoder::Config::Resnet(config) => (config.keypoints, config.channels),
            encoder::Config::Convnet(config) => {
                (config.keypoints, config.channels.into_iter().min().unwrap_or(0))
            }
            encoder::Config::Blind => return Ok(()),
        };
        some("encoder.keypoints", keypoints.into())?;
        some("encoder.channels", least.into())
    }

    /// The rules that tie it to what the robot shows.
    pub(super) fn check_for(&self, layout: &Layout, augment: &Augment) -> Result<(), Error> {
        let refused = |key, why: String| Err(Error::Setting { key, why });
        let numbers = layout.width() > 0 || self.past.is_some();
        if !numbers && (layout.cameras.is_empty() || self.encoder == encoder::Config::Blind) {
            return refused("policy.encoder", "nothing is left to see".to_owned());
        }
        if layout.actions.is_empty() {
            return refused("act.parts", "there are no actions to learn".to_owned());
        }
        remembered::check(self, layout)?;
        let Some(stride) = self.encoder.stride() else { return Ok(()) };
        for camera in &layout.cameras {
            let [width, height] = augment.seen(camera.size.map(|length| length as usize));
            // With a single place in its maps every point is always found there.
            if width.min(height) <= stride {
                let stream = &camera.stream;
                let why = format!(
                    "of {stream:?} {width}×{height} pixels are seen, and it finds nothing in fewer than {}",
                    stride + 1
                );
                return refused("policy.encoder", why);
            }
        }
        Ok(())
    }
}

checked!(Config);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_goes_no_farther_than_its_data_says_how_far_that_is() {
        let spread = |values: [f32; 3]| Spread::of(values.into_iter());
        let actions = vec![spread([1.0, 2.0, 5.0]), spread([0.5; 3])];
        let statistics = Statistics { actions, ..Statistics::default() };
        let endless = [f64::NEG_INFINITY, f64::INFINITY];
        for (text, first) in [
            ("head: {flow: {}}", endless),
            ("head: {tokens: {}}", [1.0, 5.0]),
            ("head: {diffusion: {}}", [1.0, 5.0]),
            ("head: {diffusion: {clip: 1.5}}", [0.0, 6.0]),
        ] {
            let config: Config = serde_saphyr::from_str(text).expect("settings that fit");
            assert_eq!(config.says(&statistics), [first, [0.5; 2]], "{text}");
        }
    }

    #[test]
    fn a_clip_within_the_deviation_is_refused() {
        let read = |clip: &str| {
            let text = format!("normal: {{actions: deviation}}\nhead: {{diffusion: {{{clip}}}}}");
            serde_saphyr::from_str::<Config>(&text).map_err(|error| error.to_string())
        };
        assert!(read("clip: 4.0").is_ok());
        assert!(read("").is_err_and(|why| why.contains("head.diffusion.clip")));
    }
}
