//! From a window of observations to what a head sees: numbers, pictures, past actions and the goal as tokens of one width.
//!
//! Everything that is seen at a step becomes one token a source, so that a head which attends can look at the camera that matters;
//! how the steps of a window come together is the business of its memory.
//!
//! A policy that is shown what it just did may learn to do that again and look at nothing else: on demonstrations, where one action
//! is much like the last, it is nearly right (de Haan et al. 2019, "Causal Confusion in Imitation Learning"). So past actions enter
//! only where they are asked for, and with dropout not to be relied on: in training each of their numbers is multiplied by one drawn
//! about 1 (Srivastava et al. 2014, "Dropout", section 10). Taken away altogether, as Bansal et al. 2018 ("ChauffeurNet", section 5.1)
//! do, they are seen to be missing: a network learns an answer for that, and where it acts, and they are there, it gives the other.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::convnet::{self, Convnet};
use super::history::{self, Extent, History};
use super::layers::{Linear, Mlp};
use super::resnet::{self, Resnet};
use super::weights::Site;
use super::{Encoding, chance};
use crate::noise::Noise;

/// The setting `policy.encoder`: how pictures are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Config {
    /// By ResNet-18.
    Resnet(resnet::Config),
    /// By a small network.
    Convnet(convnet::Config),
    /// Not at all.
    Blind,
}

impl Default for Config {
    fn default() -> Self {
        Self::Resnet(resnet::Config::default())
    }
}

/// The setting `policy.past`: the actions carried out before each observation are seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Past {
    /// How little of them is to be relied on, from 0 to below 1: as much noise as dropout of that share makes.
    pub dropout: f64,
}

impl Default for Past {
    fn default() -> Self {
        Self { dropout: 0.5 }
    }
}

/// How an encoder is built.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How pictures are seen.
    pub pictures: Config,
    /// How the observations of a window come together.
    pub memory: history::Config,
    /// Whether past actions are seen.
    pub past: Option<Past>,
    /// Numbers a token.
    pub width: i64,
}

/// How much there is to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Observations in a window.
    pub history: i64,
    /// Numbers of an observation.
    pub state: i64,
    /// Numbers of an action.
    pub action: i64,
    /// Numbers of a goal; zero where there is none.
    pub goal: i64,
    /// Channels of each camera's pictures.
    pub cameras: Vec<i64>,
}

/// A window of observations, normalized.
#[derive(Debug)]
pub struct Seen<'a> {
    /// `[B, history, state]`.
    pub state: &'a Tensor,
    /// `[B, history, action]`: what was done at the step before each.
    pub past: &'a Tensor,
    /// For each camera `[B · history, channels, height, width]`, from 0 to 1.
    pub pictures: &'a [Tensor],
    /// `[B, goal]`.
    pub goal: &'a Tensor,
}

/// The network.
#[derive(Debug)]
pub struct Encoder {
    history: i64,
    /// Which observations are looked at, where not all are.
    looked_at: Option<Vec<i64>>,
    width: i64,
    numbers: Option<Mlp>,
    past: Option<Past>,
    cameras: Vec<Camera>,
    eyes: Vec<Eye>,
    goal: Option<Mlp>,
    extent: Extent,
    memory: History,
}

/// Which eye a camera is seen through, and what becomes of the points it finds.
#[derive(Debug)]
struct Camera {
    eye: usize,
    token: Linear,
}

#[derive(Debug)]
enum Eye {
    Resnet(Resnet),
    Convnet(Convnet),
}

impl Encoder {
    /// With weights made at `site`.
    pub fn new(plan: &Plan, shape: &Shape, site: &Site<'_>) -> Self {
        let width = plan.width;
        let inputs = shape.state + plan.past.map_or(0, |_| shape.action);
        let mlp =
            |name: &str, inputs: i64| (inputs > 0).then(|| Mlp::new(&site.at(name), &[inputs, width, width]));
        let numbers = mlp("numbers", inputs);
        let (eyes, cameras) = see(plan, shape, site);
        let goal = mlp("goal", shape.goal);
        let tokens = i64::from(numbers.is_some()) + cameras.len() as i64;
        let looked_at = plan.memory.seen(shape.history);
        let history = looked_at.as_ref().map_or(shape.history, |seen| seen.len() as i64);
        let extent = Extent { history, tokens, beside: i64::from(goal.is_some()), width };
        let memory = History::new(&plan.memory, extent, &site.at("memory"));
        let past = plan.past;
        Self { history, looked_at, width, numbers, past, cameras, eyes, goal, extent, memory }
    }

    /// How many tokens an encoding has.
    pub fn tokens(&self) -> i64 {
        self.memory.tokens(self.extent)
    }

    /// How many numbers a token has.
    pub fn width(&self) -> i64 {
        self.width
    }

    /// Whether pictures are looked at.
    pub fn sees(&self) -> bool {
        !self.cameras.is_empty()
    }

    /// What a head sees. In training past actions are blurred by `blur`.
    pub fn forward(&self, seen: &Seen<'_>, blur: Option<&mut Noise>) -> Encoding {
        let Some(looked_at) = &self.looked_at else { return self.look(seen, blur) };
        let history = seen.state.size()[1];
        let places = Tensor::from_slice(looked_at).to_device(seen.state.device());
        let of_steps = |numbers: &Tensor| numbers.index_select(1, &places);
        let of_pictures = |pictures: &Tensor| of_steps(&pictures.unflatten(0, [-1, history])).flatten(0, 1);
        let pictures: Vec<Tensor> = seen.pictures.iter().map(of_pictures).collect();
        let (state, past) = (&of_steps(seen.state), &of_steps(seen.past));
        self.look(&Seen { state, past, pictures: &pictures, goal: seen.goal }, blur)
    }

    fn look(&self, seen: &Seen<'_>, blur: Option<&mut Noise>) -> Encoding {
        let mut tokens = Vec::new();
        if let Some(numbers) = &self.numbers {
            tokens.push(numbers.forward(&self.with_past(seen, blur)));
        }
        for (camera, pictures) in self.cameras.iter().zip(seen.pictures) {
            let around_zero = pictures.to_kind(seen.state.kind()) * 2.0 - 1.0;
            let points = self.eyes[camera.eye].forward(&around_zero);
            tokens.push(camera.token.forward(&points).unflatten(0, [-1, self.history]));
        }
        let goal = self.goal.as_ref().map(|goal| goal.forward(seen.goal).unsqueeze(1));
        self.memory.forward(&Tensor::stack(&tokens, 2), goal.as_ref())
    }

    /// The numbers of each step: `[B, history, state]`, and behind them the past if it is seen.
    fn with_past(&self, seen: &Seen<'_>, blur: Option<&mut Noise>) -> Tensor {
        let Some(Past { dropout }) = self.past else { return seen.state.shallow_clone() };
        let Some(noise) = blur.filter(|_| dropout > 0.0) else {
            return Tensor::cat(&[seen.state, seen.past], -1);
        };
        // As much noise, by its variance, as dropout at that share makes in what comes out.
        let size = (dropout / (1.0 - dropout)).sqrt();
        let factors = chance::normal(noise, &seen.past.size(), seen.past) * size + 1.0;
        Tensor::cat(&[seen.state, &(seen.past * factors)], -1)
    }
}

impl Eye {
    /// `None` for one that is blind.
    fn new(config: &Config, site: &Site<'_>, channels: i64) -> Option<Self> {
        match config {
            Config::Resnet(config) => Some(Self::Resnet(Resnet::new(config, site, channels))),
            Config::Convnet(config) => Some(Self::Convnet(Convnet::new(config, site, channels))),
            Config::Blind => None,
        }
    }

    fn forward(&self, pictures: &Tensor) -> Tensor {
        match self {
            Self::Resnet(resnet) => resnet.forward(pictures),
            Self::Convnet(convnet) => convnet.forward(pictures),
        }
    }
}

impl Config {
    /// How many pixels of a side go into one place of the maps in which points are found; `None` for one that is blind.
    pub fn stride(&self) -> Option<usize> {
        match self {
            Self::Resnet(_) => Some(resnet::STRIDE),
            Self::Convnet(_) => Some(convnet::STRIDE),
            Self::Blind => None,
        }
    }

    /// Whether cameras share an eye, and how many points it finds.
    fn sharing(&self) -> (bool, i64) {
        match self {
            Self::Resnet(config) => (config.shared, i64::from(config.keypoints)),
            Self::Convnet(config) => (config.shared, i64::from(config.keypoints)),
            Self::Blind => (false, 0),
        }
    }
}

/// An eye for each camera, or for all cameras with as many channels.
fn see(plan: &Plan, shape: &Shape, site: &Site<'_>) -> (Vec<Eye>, Vec<Camera>) {
    let (shared, points) = plan.pictures.sharing();
    let (mut eyes, mut cameras, mut known): (Vec<Eye>, Vec<Camera>, Vec<i64>) = Default::default();
    for (number, channels) in shape.cameras.iter().enumerate() {
        let eye = match known.iter().position(|known| shared && known == channels) {
            Some(eye) => eye,
            None => {
                let Some(eye) = Eye::new(&plan.pictures, &site.at("eyes").at(eyes.len()), *channels) else {
                    break;
                };
                eyes.push(eye);
                known.push(*channels);
                eyes.len() - 1
            }
        };
        let token = Linear::new(&site.at("cameras").at(number), 2 * points, plan.width);
        cameras.push(Camera { eye, token });
    }
    (eyes, cameras)
}
