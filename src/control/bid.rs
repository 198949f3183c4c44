//! Bidirectional decoding: which of many chunks agrees most with the plan behind it and with what its policy means to do.
//!
//! Liu et al. 2024, "Bidirectional Decoding: Improving Action Chunking via Guided Test-Time Sampling", section 4: a chunk drawn anew
//! may take the other of two good ways, and a robot that changes its mind at every chunk takes neither. Backward coherence is how far
//! a chunk is from what was planned, a step counting ρ times as much as the one before; forward contrast is how far it is from the
//! other chunks of the policy, less how far it is from those of a worse one. The chunk with the least sum of both is taken. Theirs
//! are sums, ours are means over steps and chunks: how long a plan still is does not decide between the two.

use crate::arm::Chunk;

/// How chunks are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighing<'a> {
    /// ρ: how much of its weight a step of the plan has of what the one before it has.
    pub decay: f64,
    /// For each joint the distance that counts as one: radians do not go with metres. Where it is infinite the joint does not count.
    pub ones: &'a [f64],
}

/// Which of `samples` is the best, by its number; zero where there is none. The chunks of a worse policy, where there are some, are
/// `weak`, and what was planned so far is `plan`.
pub fn best(samples: &[Chunk], weak: &[Chunk], plan: Option<&Chunk>, weighing: Weighing<'_>) -> usize {
    // A chunk is among those it is compared with; from itself it is no way, so that counts the same for all.
    let wrong = |sample: &Chunk| {
        backward(sample, plan, weighing) + forward(sample, samples, weighing)
            - forward(sample, weak, weighing)
    };
    let wrong: Vec<f64> = samples.iter().map(wrong).collect();
    (0..wrong.len()).min_by(|one, other| wrong[*one].total_cmp(&wrong[*other])).unwrap_or(0)
}

/// How far `sample` is from `plan`, as far as that goes; nothing where they have no instant or no joints in common.
fn backward(sample: &Chunk, plan: Option<&Chunk>, weighing: Weighing<'_>) -> f64 {
    let Some(plan) = plan.filter(|plan| plan.names() == sample.names()) else { return 0.0 };
    let (mut sum, mut of, mut weight) = (0.0, 0.0, 1.0);
    for (due, row) in sample.rows() {
        let Some(planned) = plan.in_force(due) else { break };
        sum += weight * distance(row, planned, weighing.ones);
        of += weight;
        weight *= weighing.decay;
    }
    if of > 0.0 { sum / of } else { 0.0 }
}

/// How far `sample` is from `others` on average over them and their steps.
fn forward(sample: &Chunk, others: &[Chunk], weighing: Weighing<'_>) -> f64 {
    let far = |other: &Chunk| {
        let pairs = sample.rows().zip(other.rows());
        let sum: f64 = pairs.map(|((_, row), (_, other))| distance(row, other, weighing.ones)).sum();
        sum / sample.steps().min(other.steps()) as f64
    };
    others.iter().map(far).sum::<f64>() / others.len().max(1) as f64
}

fn distance(one: &[f64], other: &[f64], ones: &[f64]) -> f64 {
    let off = one.iter().zip(other).zip(ones).map(|((one, other), unit)| ((one - other) / unit).powi(2));
    off.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::time::Stamp;

    const PERIOD: Duration = Duration::from_nanos(10);

    /// Of an elbow in radians and a gripper in metres, first due at `at`.
    fn chunk(at: i64, rows: &[[f64; 2]]) -> Chunk {
        let names: Arc<[String]> = ["elbow", "gripper"].map(str::to_owned).to_vec().into();
        Chunk::new(Stamp(at), Stamp(at), PERIOD, names, rows.concat()).expect("numbers, in rows")
    }

    fn still(elbow: f64) -> Chunk {
        chunk(0, &[[elbow, 0.0]; 4])
    }

    fn chosen(samples: &[Chunk], weak: &[Chunk], plan: Option<&Chunk>) -> usize {
        best(samples, weak, plan, Weighing { decay: 0.5, ones: &[1.0, 0.01] })
    }

    #[test]
    fn without_a_plan_the_chunk_in_the_middle_of_the_others_is_taken() {
        let samples = [0.9, -1.0, 1.0, 1.1, -3.0].map(still);
        assert_eq!(chosen(&samples, &[], None), 0);
        assert_eq!(chosen(&samples[..1], &[], None), 0);
        assert_eq!(chosen(&[], &[], None), 0);
    }

    #[test]
    fn of_two_good_ways_the_one_that_was_planned_goes_on() {
        // Two go left and two go right: what the others do does not say which.
        let samples = [1.0, -1.0, 1.0, -1.0].map(still);
        assert_eq!(chosen(&samples, &[], Some(&still(-0.8))), 1);
        assert_eq!(chosen(&samples, &[], Some(&still(0.8))), 0);
    }

    #[test]
    fn what_is_due_sooner_counts_more() {
        let first = chunk(0, &[[0.0, 0.0], [0.0, 0.0], [0.9, 0.0]]);
        let last = chunk(0, &[[0.9, 0.0], [0.0, 0.0], [0.0, 0.0]]);
        let plan = still(0.0);
        assert_eq!(chosen(&[last.clone(), first.clone()], &[], Some(&plan)), 1);
        let even = Weighing { decay: 1.0, ones: &[1.0, 0.01] };
        assert_eq!(best(&[last, first], &[], Some(&plan), even), 0, "the first of two that are as good");
    }

    #[test]
    fn only_instants_that_both_speak_of_are_compared_with_the_plan() {
        // The plan began two steps earlier; what is left of it is its last two actions.
        let plan = chunk(-20, &[[9.0, 0.0], [9.0, 0.0], [0.1, 0.0], [0.2, 0.0]]);
        let follows = chunk(0, &[[0.1, 0.0], [0.2, 0.0], [2.0, 0.0], [3.0, 0.0]]);
        let stays = chunk(0, &[[0.5, 0.0], [0.5, 0.0], [0.5, 0.0], [0.5, 0.0]]);
        assert_eq!(chosen(&[stays, follows], &[], Some(&plan)), 1);
    }

    #[test]
    fn what_a_worse_policy_would_do_speaks_against_a_chunk() {
        let samples = [0.0, 1.0].map(still);
        assert_eq!(chosen(&samples, &[still(-0.5)], None), 1);
        assert_eq!(chosen(&samples, &[still(1.5)], None), 0);
    }

    #[test]
    fn a_joint_counts_in_its_own_measure() {
        let plan = still(0.0);
        // Five centimetres of the gripper are far, five hundredths of a radian are not.
        let [gripper, elbow] = [[0.0, 0.05], [0.05, 0.0]].map(|row| chunk(0, &[row; 4]));
        assert_eq!(chosen(&[gripper, elbow], &[], Some(&plan)), 1);
    }

    #[test]
    fn a_joint_that_never_moves_counts_for_nothing() {
        let samples = [chunk(0, &[[0.3, 0.0]; 4]), chunk(0, &[[0.1, 1e-9]; 4])];
        let weighing = Weighing { decay: 0.5, ones: &[1.0, f64::INFINITY] };
        assert_eq!(best(&samples, &[], Some(&still(0.0)), weighing), 1);
    }

    #[test]
    fn a_plan_for_other_joints_says_nothing() {
        let names: Arc<[String]> = ["wrist", "gripper"].map(str::to_owned).to_vec().into();
        let plan = Chunk::new(Stamp(0), Stamp(0), PERIOD, names, vec![5.0; 8]).expect("numbers, in rows");
        assert_eq!(chosen(&[still(0.0), still(5.0)], &[], Some(&plan)), 0);
    }
}
