//! What is remembered for long: `policy.memory.sparse.streams`.
//!
//! A policy that sees where its arm was seconds ago can tell from that what it was about to do, and then does that again instead of
//! looking (de Haan et al. 2019). Whoever writes the settings often knows what has to be remembered, and it is seldom the arm.

use tch::{Kind, Tensor};

use super::Error;
use super::config::Config;
use crate::data::Layout;
use crate::nn::Site;
use crate::nn::history;

/// What is left of the observations of a window.
#[derive(Debug)]
pub(super) struct Remembered {
    /// Ones and zeros for the numbers of each observation, `[history, state]`.
    numbers: Tensor,
    /// Of each camera, for its pictures one after the other, `[history, 1, 1, 1]`; nothing where all of them are left.
    pictures: Vec<Option<Tensor>>,
}

impl Remembered {
    /// Nothing where all streams are remembered alike.
    pub(super) fn new(config: &Config, layout: &Layout, site: &Site<'_>) -> Option<Self> {
        let history::Config::Sparse(sparse) = &config.memory else { return None };
        if sparse.streams.is_empty() {
            return None;
        }
        let history = i64::from(config.history);
        let recent = (0..history).map(|place| history - place <= i64::from(sparse.recent));
        let recent: Vec<bool> = recent.collect();
        let kept = |stream: &String| sparse.streams.contains(stream);
        let row = |recent: bool| {
            layout.state.iter().flat_map(move |part| {
                std::iter::repeat_n(recent || kept(&part.stream), part.labels.len()).map(f64::from)
            })
        };
        let numbers: Vec<f64> = recent.iter().flat_map(|recent| row(*recent)).collect();
        let of = |values: &[f64], kind| Tensor::from_slice(values).to_kind(kind).to_device(site.device());
        let shown: Vec<f64> = recent.iter().map(|recent| f64::from(*recent)).collect();
        let picture = |kept: bool| (!kept).then(|| of(&shown, Kind::Float).view([history, 1, 1, 1]));
        Some(Self {
            numbers: of(&numbers, site.kind()).view([history, layout.width() as i64]),
            pictures: layout.cameras.iter().map(|camera| picture(kept(&camera.stream))).collect(),
        })
    }

    /// `[B, history, state]`, normalized: what is forgotten is in the middle of what it could be.
    pub(super) fn numbers(&self, state: &Tensor) -> Tensor {
        state * &self.numbers
    }

    /// `[B · history, channels, height, width]` of a camera: what is forgotten is dark.
    pub(super) fn pictures(&self, camera: usize, pictures: Tensor) -> Tensor {
        let Some(Some(shown)) = self.pictures.get(camera) else { return pictures };
        let windows = pictures.unflatten(0, [-1, shown.size()[0]]);
        (windows * shown.to_kind(pictures.kind())).flatten(0, 1)
    }
}

/// Refuses streams that are not seen.
pub(super) fn check(config: &Config, layout: &Layout) -> Result<(), Error> {
    let history::Config::Sparse(sparse) = &config.memory else { return Ok(()) };
    let unknown = |stream: &&String| !layout.streams().any(|known| known == stream.as_str());
    let Some(stream) = sparse.streams.iter().find(unknown) else { return Ok(()) };
    let known: Vec<&str> = layout.streams().collect();
    let why = format!("{stream:?} is none of the streams that are seen: {}", known.join(", "));
    Err(Error::Setting { key: "policy.memory.sparse.streams", why })
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::data::{Camera, Part};
    use crate::nn::Weights;
    use crate::noise::Noise;

    fn layout() -> Layout {
        let part = |stream: &str, labels: &[&str]| Part {
            stream: stream.to_owned(),
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        };
        Layout {
            rate_hz: 25.0,
            state: vec![part("cue", &["0"]), part("joints", &["position/a", "position/b"])],
            cameras: vec![Camera { stream: "front".to_owned(), size: [2, 1], channels: 1 }],
            goal: Vec::new(),
            actions: vec!["a".to_owned()],
        }
    }

    fn config(sparse: &str) -> Config {
        let text = format!("{{history: 4, memory: {{sparse: {{{sparse}}}}}, head: {{mse: {{}}}}}}");
        serde_saphyr::from_str(&text).expect("settings")
    }

    #[test]
    fn of_what_lies_far_back_only_what_was_named_is_left() {
        let weights = Weights::new(Device::Cpu, Kind::Float, Noise::new(1));
        let of = |sparse| Remembered::new(&config(sparse), &layout(), &weights.root());
        assert!(of("recent: 2, every: 2").is_none(), "all are remembered where none is named");
        let remembered = of("recent: 2, every: 2, streams: [cue]").expect("one is named");
        let ones = Tensor::ones([1, 4, 3], (Kind::Float, Device::Cpu));
        let left = Vec::<f32>::try_from(remembered.numbers(&ones).flatten(0, -1)).expect("numbers");
        assert_eq!(left, [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let pictures = Tensor::ones([8, 1, 1, 2], (Kind::Float, Device::Cpu));
        let shown = remembered.pictures(0, pictures).amax([1, 2, 3], false);
        assert_eq!(Vec::<f32>::try_from(shown).expect("numbers"), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    }

    #[test]
    fn a_stream_that_nobody_sees_is_not_remembered() {
        let refused = check(&config("recent: 2, every: 2, streams: [lamp]"), &layout());
        let why = refused.expect_err("there is no lamp").to_string();
        assert!(why.contains("\"lamp\"") && why.contains("cue, joints, front"), "{why}");
    }
}
