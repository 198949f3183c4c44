//! What is given of a chunk: which steps are promised, which are real, and means over what is left.
//!
//! Every head has to ignore padding and to keep promises; it is done here once, so that all of them do it alike.

use tch::{Kind, Tensor};

use super::{Promised, Target};

/// The first steps of a chunk, given to a network that was trained to go on from them.
#[derive(Debug)]
pub(super) struct Given {
    /// `[B, chunk, 1]`: 1 where the step is given.
    steps: Tensor,
    /// `[B, chunk, action]`: zero where it is not.
    actions: Tensor,
}

impl Given {
    /// What is promised of a target; nothing where nothing is.
    pub(super) fn of(target: &Target<'_>) -> Self {
        let steps = promised(target).unsqueeze(2);
        Self { actions: target.actions * &steps, steps }
    }

    /// The steps that will have been carried out, of chunks of `dims`: `[B, chunk, action]`.
    pub(super) fn frozen(promised: Option<Promised<'_>>, dims: [i64; 3], like: &Tensor) -> Self {
        let steps = Tensor::zeros([dims[0], dims[1], 1], (like.kind(), like.device()));
        let actions = Tensor::zeros(dims, (like.kind(), like.device()));
        if let Some(Promised { actions: wanted, frozen, .. }) = promised {
            // Filling what was made here; nothing else holds it.
            let _filled = steps.narrow(1, 0, frozen).fill_(1.0);
            actions.narrow(1, 0, frozen).copy_(&wanted.narrow(1, 0, frozen));
        }
        Self { steps, actions }
    }

    /// `chunk` with the given steps in their places.
    pub(super) fn put(&self, chunk: &Tensor) -> Tensor {
        &self.actions + chunk * (1.0 - &self.steps)
    }

    /// `chunk` with the given steps in their places and a number beside each step that says which are.
    pub(super) fn beside(&self, chunk: &Tensor) -> Tensor {
        Tensor::cat(&[&self.put(chunk), &self.steps], 2)
    }

    /// The given steps and which they are: `[B, chunk, action + 1]`, zeros where nothing is given.
    pub(super) fn alone(&self) -> Tensor {
        Tensor::cat(&[&self.actions, &self.steps], 2)
    }
}

/// `[B, chunk]`: 1 where the target's step is promised.
fn promised(target: &Target<'_>) -> Tensor {
    match target.promised {
        Some(count) => {
            let steps = Tensor::arange(target.real.size()[1], (Kind::Int64, target.real.device()));
            steps.unsqueeze(0).lt_tensor(&count.to_kind(Kind::Int64).unsqueeze(1)).to_kind(target.real.kind())
        }
        None => target.real.zeros_like(),
    }
}

/// `[B, chunk]`: 1 where an action is real and not given.
pub(super) fn counted(target: &Target<'_>) -> Tensor {
    if target.promised.is_none() {
        return target.real.shallow_clone();
    }
    target.real * (1.0 - promised(target))
}

/// The target's actions with its last real one in every step of padding: what stands there does not matter to a network that
/// sees a chunk as a whole, and nothing comes that acting would not bring.
pub(super) fn held(target: &Target<'_>) -> Tensor {
    let [batch, chunk, action] = [0, 1, 2].map(|place| target.actions.size()[place]);
    let last = (target.real.sum_dim_intlist(1, true, Kind::Int64) - 1).clamp_min(0);
    let steps = Tensor::arange(chunk, (Kind::Int64, last.device())).unsqueeze(0).minimum(&last);
    target.actions.gather(1, &steps.unsqueeze(2).expand([batch, chunk, action], false), false)
}

/// `[B]`: how many numbers of `counted` actions there are, at least one action's.
pub(super) fn count(counted: &Tensor, action: i64) -> Tensor {
    counted.sum_dim_intlist(1, false, counted.kind()).clamp_min(1.0) * action as f64
}

/// `[B]`: the mean of `errors: [B, chunk, action]` over what is `counted: [B, chunk]`.
pub(super) fn mean(errors: &Tensor, counted: &Tensor) -> Tensor {
    let action = errors.size()[2];
    let sum = (errors * counted.unsqueeze(2)).sum_dim_intlist([1, 2].as_slice(), false, errors.kind());
    sum / count(counted, action)
}

/// `chunk` with the frozen steps replaced by what was promised of them.
pub(super) fn kept(chunk: Tensor, promised: Option<Promised<'_>>) -> Tensor {
    match promised {
        Some(Promised { actions, frozen, .. }) if frozen > 0 => {
            let rest = chunk.narrow(1, frozen, chunk.size()[1] - frozen);
            Tensor::cat(&[actions.narrow(1, 0, frozen), rest], 1)
        }
        _ => chunk,
    }
}

/// For each row of `shares: [.., choices]`, not negative, the choice at the place `at: [..]` in `[0, 1)` of their sum.
pub(super) fn choice(shares: &Tensor, at: &Tensor) -> Tensor {
    let upto = shares.cumsum(-1, shares.kind());
    let last = shares.size()[shares.dim() - 1] - 1;
    let place = at.unsqueeze(-1) * upto.narrow(-1, last, 1);
    upto.lt_tensor(&place).sum_dim_intlist(-1, false, Kind::Int64).clamp_max(last)
}
