//! The conditional U-Net over time of Diffusion Policy (Chi et al. 2023, section III-A; Janner et al. 2022 before it).
//!
//! Convolutions halve the chunk and double it again, and what was seen and the time of denoising scale and shift the channels of
//! every block (FiLM, Perez et al. 2018). Those scales do not depend on the chunk: they come from one product for all
//! blocks, and a sampler has them made once for all of its steps.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::Encoding;
use super::conv::{Channels, Conv, Rise};
use super::denoiser::Frame;
use super::fits::{self, checked, fits, some};
use super::layers::Linear;
use super::step::Step;
use super::waves::waves;
use super::weights::Site;

/// How large the network is. The paper's has widths of 512, 1024 and 2048 (263 million weights) and is meant for a GPU; this one
/// (4.6 million) learns on a CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct Config {
    /// Channels, level by level; each level after the first has half of the steps of the one before.
    pub widths: Vec<u32>,
    /// Steps in a window; odd.
    pub kernel: u32,
    /// Groups of channels that are normalized together; a divisor of every width.
    pub groups: u32,
    /// Waves that tell the time; even.
    pub time: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { widths: vec![64, 128, 256], kernel: 5, groups: 8, time: 128 }
    }
}

checked!(Config);

impl Config {
    fn check(&self) -> Result<(), fits::Error> {
        let Self { widths, kernel, groups, time } = self;
        some("groups", *groups)?;
        let fit =
            !widths.is_empty() && widths.iter().all(|width| *width > 0 && width.is_multiple_of(*groups));
        fits("widths", widths, "a list of multiples of \"groups\"", fit)?;
        fits("kernel", kernel, "odd", kernel % 2 == 1)?;
        fits("time", time, "even and at least 4", *time >= 4 && time.is_multiple_of(2))
    }
}

/// The network.
#[derive(Debug)]
pub struct Unet {
    time: i64,
    early: Linear,
    late: Linear,
    /// Scales and shifts of all blocks.
    film: Linear,
    down: Vec<(Block, Block, Option<Conv>)>,
    middle: [Block; 2],
    up: Vec<(Block, Block, Rise)>,
    last: Step,
    out: Linear,
}

/// Scales and shifts `[times, B, all channels]`.
#[derive(Debug)]
pub struct Condition(Tensor);

impl Unet {
    /// From `frame.inputs` numbers a step to `frame.outputs`.
    pub fn new(config: &Config, frame: &Frame, site: &Site<'_>) -> Self {
        let widths: Vec<i64> = config.widths.iter().map(|width| i64::from(*width)).collect();
        let time = i64::from(config.time);
        let mut plan = Plan { kernel: config.kernel.into(), groups: config.groups.into(), film: 0 };
        let mut down = Vec::new();
        for (level, &to) in widths.iter().enumerate() {
            let (site, from) =
                (site.at("down").at(level), if level == 0 { frame.inputs } else { widths[level - 1] });
            let first = plan.block(&site.at("first"), Channels { from, to });
            let second = plan.block(&site.at("second"), Channels { from: to, to });
            let halve = (level + 1 < widths.len())
                .then(|| Conv::new(&site.at("halve"), Channels { from: to, to }, 3, 2));
            down.push((first, second, halve));
        }
        let (narrow, wide) = (widths[0], widths[widths.len() - 1]);
        let middle = ["first", "second"]
            .map(|name| plan.block(&site.at("middle").at(name), Channels { from: wide, to: wide }));
        let mut up = Vec::new();
        for (level, pair) in widths.windows(2).enumerate().rev() {
            let (site, to) = (site.at("up").at(level), pair[0]);
            let first = plan.block(&site.at("first"), Channels { from: 2 * pair[1], to });
            let second = plan.block(&site.at("second"), Channels { from: to, to });
            up.push((first, second, Rise::new(&site.at("double"), Channels { from: to, to })));
        }
        Self {
            time,
            early: Linear::new(&site.at("time").at(0), time, 4 * time),
            late: Linear::new(&site.at("time").at(1), 4 * time, time),
            film: Linear::new(&site.at("film"), time + frame.width, plan.film),
            down,
            middle,
            up,
            last: plan.step(&site.at("last"), Channels { from: narrow, to: narrow }),
            out: Linear::new(&site.at("out"), narrow, frame.outputs),
        }
    }

    /// What is the same for every chunk that is denoised at `times: [times, B]`.
    pub fn condition(&self, seen: &Encoding, times: &Tensor) -> Condition {
        let (count, batch) = (times.size()[0], times.size()[1]);
        let time = self.late.forward(&self.early.forward(&waves(&times.flatten(0, 1), self.time)).mish());
        let seen = seen.pooled.unsqueeze(0).expand([count, -1, -1], false).flatten(0, 1);
        let film = self.film.forward(&Tensor::cat(&[time, seen], 1).mish());
        Condition(film.view([count, batch, -1]))
    }

    /// `x: [B, chunk, inputs]` at the time of that number to `[B, chunk, outputs]`.
    pub fn forward(&self, x: &Tensor, condition: &Condition, number: i64) -> Tensor {
        let film = condition.0.get(number).unsqueeze(1);
        let (chunk, whole) = (x.size()[1], 1 << (self.down.len() - 1));
        let missing = (whole - chunk % whole) % whole;
        let mut x = if missing == 0 { x.shallow_clone() } else { x.constant_pad_nd([0, 0, 0, missing]) };
        let mut kept = Vec::new();
        for (first, second, halve) in &self.down {
            x = second.forward(&first.forward(&x, &film), &film);
            if let Some(halve) = halve {
                let halved = halve.forward(&x);
                kept.push(x);
                x = halved;
            } else {
                kept.push(x.shallow_clone());
            }
        }
        for block in &self.middle {
            x = block.forward(&x, &film);
        }
        // The widest level meets its own end; the narrowest one's is not taken up again, as in the paper's code.
        for ((first, second, double), skipped) in self.up.iter().zip(kept.iter().rev()) {
            x = first.forward(&Tensor::cat(&[&x, skipped], 2), &film);
            x = double.forward(&second.forward(&x, &film));
        }
        let out = self.out.forward(&self.last.forward(&x));
        if missing == 0 { out } else { out.narrow(1, 0, chunk) }
    }
}

/// What is known while the blocks are made: their form, and how many scales and shifts there are so far.
struct Plan {
    kernel: i64,
    groups: i64,
    film: i64,
}

impl Plan {
    fn block(&mut self, site: &Site<'_>, channels: Channels) -> Block {
        let Channels { from, to } = channels;
        let film = self.film;
        self.film += 2 * to;
        Block {
            width: to,
            film,
            first: self.step(&site.at("first"), channels),
            second: self.step(&site.at("second"), Channels { from: to, to }),
            past: (from != to).then(|| Linear::new(&site.at("past"), from, to)),
        }
    }

    fn step(&self, site: &Site<'_>, channels: Channels) -> Step {
        Step::new(site, channels, self.kernel, self.groups)
    }
}

/// Two steps with the scale and shift between them, and a way past both.
#[derive(Debug)]
struct Block {
    width: i64,
    film: i64,
    first: Step,
    second: Step,
    past: Option<Linear>,
}

impl Block {
    fn forward(&self, x: &Tensor, film: &Tensor) -> Tensor {
        let scale = film.narrow(2, self.film, self.width);
        let shift = film.narrow(2, self.film + self.width, self.width);
        let inner = self.second.forward(&shift.addcmul(&self.first.forward(x), &scale));
        match &self.past {
            Some(past) => inner + past.forward(x),
            None => inner + x,
        }
    }
}
