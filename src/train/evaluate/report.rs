//! What an evaluation came to: a share with its interval, and how the robot moved.
//!
//! Two hundred attempts do not say 95 %, they say from 91 to 97 %: a share without its interval is not told.

use std::time::Duration;

use serde::Serialize;

use crate::train::interval::wilson;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Attempt {
    /// What everything by chance in it followed from.
    pub seed: u64,
    /// Whether the task was done.
    pub success: bool,
    /// How well, from 0 to 1.
    pub score: f64,
    /// How long it took, s.
    pub seconds: f64,
    /// The root of the mean square of the arm's jerk, rad/s³.
    pub jerk: f64,
    /// The largest change of a joint from one command to the next, rad.
    pub largest_step: f64,
    /// The same where a chunk met another: from the last command of the one to the first of the other, rad.
    pub largest_seam: f64,
    /// How many actions came too late to be carried out.
    pub late: u64,
    /// How long the arm had nothing to do but wait for a chunk, s.
    pub waited: f64,
    /// How far to the left of the arm's base the tool came where it was furthest to a side, m: to the right below zero.
    pub side: f64,
    /// How many observations could not be made.
    pub gaps: u64,
    /// Why control held the arm at the end, where it did: what would have held a robot.
    pub held: Option<String>,
    /// How far its commands led off from what the expert would have commanded, in every half second, rad; where he was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub astray: Vec<f64>,
}

/// What an evaluation came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// In which world.
    pub world: String,
    /// How many attempts succeeded.
    pub successes: usize,
    /// The share that did.
    pub share: f64,
    /// Between which shares the truth lies, with 95 % confidence.
    pub interval: [f64; 2],
    /// The mean score.
    pub score: f64,
    /// How long a successful attempt took on average, s.
    pub seconds: f64,
    /// The mean over the attempts of their jerk, rad/s³.
    pub jerk: f64,
    /// The largest step of all, rad.
    pub largest_step: f64,
    /// The largest step where a chunk met another, rad.
    pub largest_seam: f64,
    /// The mean over the attempts of how many actions came too late to be carried out.
    pub late: f64,
    /// The mean over the attempts of how long the arm waited for a chunk, s.
    pub waited: f64,
    /// How long it took to think of one chunk, alone: the middle and the slowest of a hundred, ms.
    pub thinking_ms: [f64; 2],
    /// Every attempt, by its seed.
    pub attempts: Vec<Attempt>,
}

impl Report {
    /// Of `attempts`, thought about for so long each time.
    pub(super) fn of(world: &str, mut attempts: Vec<Attempt>, mut thinking: Vec<Duration>) -> Self {
        attempts.sort_by_key(|attempt| attempt.seed);
        thinking.sort();
        let millis = |place: usize| thinking.get(place).map_or(0.0, |took| took.as_secs_f64() * 1e3);
        let successes = attempts.iter().filter(|attempt| attempt.success).count();
        let count = attempts.len().max(1) as f64;
        let mean = |of: fn(&Attempt) -> f64| attempts.iter().map(of).sum::<f64>() / count;
        let done: Vec<f64> =
            attempts.iter().filter(|attempt| attempt.success).map(|attempt| attempt.seconds).collect();
        Self {
            world: world.to_owned(),
            successes,
            share: successes as f64 / count,
            interval: wilson(successes, attempts.len()),
            score: mean(|attempt| attempt.score),
            seconds: done.iter().fold(0.0, |sum, took| sum + took) / done.len().max(1) as f64,
            jerk: mean(|attempt| attempt.jerk),
            largest_step: attempts.iter().map(|attempt| attempt.largest_step).fold(0.0, f64::max),
            largest_seam: attempts.iter().map(|attempt| attempt.largest_seam).fold(0.0, f64::max),
            late: mean(|attempt| attempt.late as f64),
            waited: mean(|attempt| attempt.waited),
            thinking_ms: [millis(thinking.len() / 2), millis(thinking.len().saturating_sub(1))],
            attempts,
        }
    }
}
