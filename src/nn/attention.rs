//! Attention: every step of a sequence takes from others what it asks for (Vaswani et al. 2017).
//!
//! One block serves the encoder and decoder of `act`, the transformer that denoises, and the one that says tokens one after
//! another. What was attended to is kept as keys and values, so that a sequence that grows by one step computes one step,
//! and what does not change between calls is computed once.

use tch::Tensor;

use super::fits::{self, fits, some};
use super::layers::{LayerNorm, Linear, Mlp};
use super::weights::Site;

/// Keys and values, `[B, heads, steps, width / heads]` each.
#[derive(Debug)]
pub struct Memory {
    keys: Tensor,
    values: Tensor,
}

impl Memory {
    /// That of `count` rows of the batch from `start` on.
    pub fn rows(&self, start: i64, count: i64) -> Self {
        Self { keys: self.keys.narrow(0, start, count), values: self.values.narrow(0, start, count) }
    }
}

/// What a step may look at.
#[derive(Clone, Copy, Debug)]
pub enum Sight<'a> {
    /// Everything.
    All,
    /// Itself and what is before it.
    Before,
    /// Steps where this is true: `[B, steps]`.
    Where(&'a Tensor),
}

/// Whether a block normalizes what goes into its parts or what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Before each part, which trains without a warm-up (Xiong et al. 2020).
    Before,
    /// After each, as in the original transformer.
    After,
}

/// Attention of a sequence to itself.
#[derive(Debug)]
struct Own {
    heads: i64,
    inward: Linear,
    outward: Linear,
}

/// Attention of a sequence to another one.
#[derive(Debug)]
struct Other {
    heads: i64,
    asking: Linear,
    told: Linear,
    outward: Linear,
}

/// Attention to itself, to another sequence if it has one, then two linear maps; each is added to what went in.
#[derive(Debug)]
pub struct Block {
    order: Order,
    own: Own,
    other: Option<Other>,
    mlp: Mlp,
    norms: Vec<LayerNorm>,
}

/// How wide a block is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Numbers a step.
    pub width: i64,
    /// Heads; they share the width.
    pub heads: i64,
    /// Numbers between the two linear maps.
    pub inner: i64,
}

/// Refuses a width that the heads cannot share.
pub fn check(width: u32, heads: u32) -> Result<(), fits::Error> {
    some("heads", heads)?;
    fits(
        "width",
        &width,
        "a multiple of \"heads\", even and at least 4",
        width >= 4 && width.is_multiple_of(2) && width.is_multiple_of(heads),
    )
}

impl Block {
    /// Attending to itself only.
    pub fn alone(site: &Site<'_>, size: Size, order: Order) -> Self {
        Self::new(site, size, order, None)
    }

    /// Attending to another sequence too.
    pub fn with_memory(site: &Site<'_>, size: Size, order: Order) -> Self {
        let place = site.at("other");
        let other = Other {
            heads: size.heads,
            asking: Linear::new(&place.at("asking"), size.width, size.width),
            told: Linear::new(&place.at("told"), size.width, 2 * size.width),
            outward: Linear::new(&place.at("outward"), size.width, size.width),
        };
        Self::new(site, size, order, Some(other))
    }

    fn new(site: &Site<'_>, size: Size, order: Order, other: Option<Other>) -> Self {
        let place = site.at("own");
        let own = Own {
            heads: size.heads,
            inward: Linear::new(&place.at("inward"), size.width, 3 * size.width),
            outward: Linear::new(&place.at("outward"), size.width, size.width),
        };
        let mlp = Mlp::new(&site.at("mlp"), &[size.width, size.inner, size.width]);
        let parts = if other.is_some() { 3 } else { 2 };
        let norms = (0..parts).map(|part| LayerNorm::new(&site.at("norm").at(part), size.width)).collect();
        Self { order, own, other, mlp, norms }
    }

    /// Keys and values of the other sequence `[B, steps, width]`; `None` if this block attends to itself only.
    pub fn remember(&self, sequence: &Tensor) -> Option<Memory> {
        self.other.as_ref().map(|other| other.remember(sequence))
    }

    /// `x: [B, steps, width]` to the same; `memory` is what [`remember`](Self::remember) gave.
    pub fn forward(&self, x: &Tensor, sight: Sight<'_>, memory: Option<&Memory>) -> Tensor {
        self.through(x, memory, |x| self.own.forward(x, sight))
    }

    /// The next steps `x: [B, 1, width]` of a sequence of which `before` holds the earlier ones, and then these too.
    pub fn go_on(&self, x: &Tensor, before: &mut Option<Memory>, memory: Option<&Memory>) -> Tensor {
        self.through(x, memory, |x| self.own.go_on(x, before))
    }

    /// The part of [`forward`](Self::forward) in which the sequence attends to itself, for one that needs it but once.
    pub fn attend(&self, x: &Tensor) -> Tensor {
        self.part(0, x, |x| self.own.forward(x, Sight::All))
    }

    /// What is left of [`forward`](Self::forward) after [`attend`](Self::attend).
    pub fn finish(&self, x: &Tensor, memory: Option<&Memory>) -> Tensor {
        let mut x = x.shallow_clone();
        if let (Some(other), Some(memory)) = (&self.other, memory) {
            x = self.part(1, &x, |x| other.forward(x, memory));
        }
        self.part(self.norms.len() - 1, &x, |x| self.mlp.forward(x))
    }

    fn through(&self, x: &Tensor, memory: Option<&Memory>, own: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        self.finish(&self.part(0, x, own), memory)
    }

    fn part(&self, number: usize, x: &Tensor, work: impl FnOnce(&Tensor) -> Tensor) -> Tensor {
        let norm = &self.norms[number];
        match self.order {
            Order::Before => x + work(&norm.forward(x)),
            Order::After => norm.forward(&(x + work(x))),
        }
    }
}

impl Own {
    fn forward(&self, x: &Tensor, sight: Sight<'_>) -> Tensor {
        let [queries, keys, values] = self.taken_apart(x);
        let attended = match sight {
            Sight::All => attend(&queries, &keys, &values, None, false),
            Sight::Before => attend(&queries, &keys, &values, None, true),
            Sight::Where(seen) => {
                attend(&queries, &keys, &values, Some(&seen.unsqueeze(1).unsqueeze(1)), false)
            }
        };
        self.outward.forward(&joined(&attended))
    }

    fn go_on(&self, x: &Tensor, before: &mut Option<Memory>) -> Tensor {
        let [queries, keys, values] = self.taken_apart(x);
        let memory = match before.take() {
            Some(before) => Memory {
                keys: Tensor::cat(&[before.keys, keys], 2),
                values: Tensor::cat(&[before.values, values], 2),
            },
            None => Memory { keys, values },
        };
        let attended = attend(&queries, &memory.keys, &memory.values, None, false);
        *before = Some(memory);
        self.outward.forward(&joined(&attended))
    }

    fn taken_apart(&self, x: &Tensor) -> [Tensor; 3] {
        let all = parts(&self.inward.forward(x), self.heads, 3);
        [0, 1, 2].map(|part| all.get(part))
    }
}

impl Other {
    fn remember(&self, sequence: &Tensor) -> Memory {
        let all = parts(&self.told.forward(sequence), self.heads, 2);
        Memory { keys: all.get(0), values: all.get(1) }
    }

    fn forward(&self, x: &Tensor, memory: &Memory) -> Tensor {
        let queries = parts(&self.asking.forward(x), self.heads, 1).get(0);
        self.outward.forward(&joined(&attend(&queries, &memory.keys, &memory.values, None, false)))
    }
}

fn attend(queries: &Tensor, keys: &Tensor, values: &Tensor, seen: Option<&Tensor>, causal: bool) -> Tensor {
    Tensor::scaled_dot_product_attention(queries, keys, values, seen, 0.0, causal, None, false)
}

/// `[B, steps, count · width]` as `[count, B, heads, steps, width / heads]`.
fn parts(x: &Tensor, heads: i64, count: i64) -> Tensor {
    let size = x.size();
    x.view([size[0], size[1], count, heads, size[2] / (count * heads)]).permute([2, 0, 3, 1, 4])
}

/// `[B, heads, steps, width / heads]` as `[B, steps, width]`.
fn joined(x: &Tensor) -> Tensor {
    x.transpose(1, 2).flatten(2, 3)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::super::{Weights, chance};
    use super::*;
    use crate::noise::Noise;

    fn size() -> Size {
        Size { width: 8, heads: 2, inner: 16 }
    }

    fn far(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn a_sequence_that_grows_step_by_step_is_the_one_that_was_seen_whole() {
        let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
        let block = Block::with_memory(&weights.root(), size(), Order::Before);
        let like = Tensor::zeros([1], (Kind::Double, Device::Cpu));
        let x = chance::normal(&mut Noise::new(2), &[3, 5, 8], &like);
        let memory = block.remember(&chance::normal(&mut Noise::new(3), &[3, 4, 8], &like));
        let whole = block.forward(&x, Sight::Before, memory.as_ref());
        let mut before = None;
        for step in 0..5 {
            let grown = block.go_on(&x.narrow(1, step, 1), &mut before, memory.as_ref());
            assert!(far(&grown, &whole.narrow(1, step, 1)) < 1e-12, "step {step}");
        }
    }

    #[test]
    fn what_may_not_be_seen_has_no_influence() {
        let weights = Weights::new(Device::Cpu, Kind::Double, Noise::new(1));
        let block = Block::alone(&weights.root(), size(), Order::After);
        let like = Tensor::zeros([1], (Kind::Double, Device::Cpu));
        let x = chance::normal(&mut Noise::new(2), &[1, 5, 8], &like);
        let changed = Tensor::cat(&[x.narrow(1, 0, 4), x.narrow(1, 4, 1) + 1.0], 1);
        let seen = Tensor::from_slice(&[true, true, true, true, false]).view([1, 5]);
        for sight in [Sight::Before, Sight::Where(&seen)] {
            let pair = [&x, &changed].map(|x| block.forward(x, sight, None).narrow(1, 0, 4));
            assert!(far(&pair[0], &pair[1]) < 1e-14, "{sight:?}");
        }
        let pair = [&x, &changed].map(|x| block.forward(x, Sight::All, None).narrow(1, 0, 4));
        assert!(far(&pair[0], &pair[1]) > 1e-3);
    }
}
