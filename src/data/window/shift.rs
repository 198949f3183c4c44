//! A robot that is a little off its way, in the window gathered last.
//!
//! All of the history is moved alike, because a robot that is off now was off a moment ago; see [`Shift`] for the formula and where
//! the idea comes from.

use crate::data::augment::Shift;
use crate::data::{Gathered, Shape};
use crate::noise::Noise;

impl Shift {
    /// Moves the last window of `out`. `deviations` is in the order of actions, `measured` says where their positions stand in the
    /// state. Draws the same amount of chance whether it moves or not.
    pub(super) fn apply(
        &self,
        deviations: &[f32],
        measured: &[usize],
        shape: Shape,
        noise: &mut Noise,
        out: &mut Gathered,
    ) {
        let moved = noise.chance(self.share);
        let offs: Vec<f32> =
            deviations.iter().map(|deviation| deviation * (self.deviation * noise.normal()) as f32).collect();
        if !moved {
            return;
        }
        let joints = deviations.len();
        let windows = out.weight.len() + 1;
        let width = out.state.len() / (windows * shape.history);
        let (state, past) =
            (last(&mut out.state, shape.history * width), last(&mut out.past, shape.history * joints));
        for row in state.chunks_exact_mut(width) {
            measured.iter().zip(&offs).for_each(|(place, off)| row[*place] += off);
        }
        for row in past.chunks_exact_mut(joints) {
            row.iter_mut().zip(&offs).for_each(|(value, off)| *value += off);
        }
        let actions = last(&mut out.actions, shape.chunk * joints);
        for (step, row) in actions.chunks_exact_mut(joints).enumerate() {
            row.iter_mut().zip(&offs).for_each(|(value, off)| *value += self.left(step) * off);
        }
    }
}

fn last(row: &mut [f32], length: usize) -> &mut [f32] {
    let begin = row.len() - length;
    &mut row[begin..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_moves_and_the_chunk_leads_back() {
        let shape = Shape { history: 2, chunk: 5 };
        let shift = Shift { deviation: 0.5, steps: 3, share: 1.0 };
        let gathered = || Gathered {
            state: vec![0.0; 6],
            past: vec![0.0; 4],
            actions: vec![0.0; 10],
            ..Gathered::default()
        };
        let mut out = gathered();
        shift.apply(&[1.0, 2.0], &[2, 0], shape, &mut Noise::new(4), &mut out);
        let [second, _, first] = out.state[..3] else { panic!("three numbers") };
        assert!(first != 0.0 && second != 0.0 && out.state[1] == 0.0, "{:?}", out.state);
        assert_eq!(out.state[3..], out.state[..3]);
        assert_eq!(out.past, [first, second, first, second]);
        let firsts: Vec<f32> = out.actions.iter().step_by(2).copied().collect();
        assert_eq!(firsts[2..], [0.0; 3], "after three steps it is back");
        assert!(firsts[0] / first > firsts[1] / first && firsts[1] / first > 0.0, "{firsts:?}");
        let mut still = gathered();
        Shift { share: 0.0, ..shift }.apply(&[1.0, 2.0], &[2, 0], shape, &mut Noise::new(4), &mut still);
        assert_eq!(still, gathered());
    }
}
