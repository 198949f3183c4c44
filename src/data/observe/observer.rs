//! The one place where streams become observations: the importer and the running robot both feed it and ask it.
//!
//! It uses what was received by the tick and nothing else, so that a policy is never trained on what it cannot have. A stream that
//! has nothing to say at a tick is a gap with a name and an age; it is never filled in.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::super::layout::Layout;
use super::super::{Frame, Observation};
use super::relative::seen_from;
use super::{Align, Observe, Reading, Stamps};
use crate::time::Stamp;

/// How long before the newest message a tick may lie that is still asked for: on a robot, thinking runs beside listening.
const BEHIND: Duration = Duration::from_millis(200);
/// What comes so long after it counts as said was stamped by another clock.
const FOREIGN: Duration = Duration::from_secs(3600);

/// A stream with nothing to say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stream:?} has nothing to say: {}", words(.age, .foreign, .limit))]
pub struct Gap {
    /// The stream.
    pub stream: String,
    /// How old the newest of its messages is at the instant that it is looked at; `None` where there is none.
    pub age: Option<Duration>,
    /// Whether that one came so long after it counts as said that another clock stamped it.
    pub foreign: bool,
    /// The age beyond which a message stands for nothing.
    pub limit: Duration,
}

fn words(age: &Option<Duration>, foreign: &bool, limit: &Duration) -> String {
    match age {
        Some(_) if *foreign => {
            "its stamps are of another clock: beside a simulator, go by its time (use_sim_time)".to_owned()
        }
        Some(age) => format!(
            "its newest message is {} ms old, over its limit of {} ms",
            age.as_millis(),
            limit.as_millis()
        ),
        None => "it has not been heard".to_owned(),
    }
}

/// Makes observations of readings.
#[derive(Clone, Debug)]
pub struct Observer {
    queues: Vec<Queue>,
    /// How many of the streams give numbers; they come first.
    numbers: usize,
    width: usize,
    measured: Option<Vec<usize>>,
    goal: Vec<f32>,
}

#[derive(Clone, Debug)]
struct Queue {
    stream: String,
    align: Align,
    limit: Duration,
    latency: Duration,
    /// The queue of the pose from which this one is seen.
    from: Option<usize>,
    /// By their own stamps, which rise.
    kept: VecDeque<(Stamps, Reading)>,
    backwards: u64,
}

impl Observer {
    /// For the streams of `layout`; `observe` is what the layout was resolved from.
    pub fn new(layout: &Layout, observe: &Observe) -> Self {
        let place = |name: &String| layout.streams().position(|known| known == name);
        let queue = |name: &str| {
            let stream = observe.streams.get(name)?;
            let milliseconds = |value: f64| Duration::try_from_secs_f64(value / 1e3).unwrap_or_default();
            Some(Queue {
                stream: name.to_owned(),
                align: stream.align,
                limit: milliseconds(stream.max_age_ms),
                latency: milliseconds(stream.latency_ms),
                from: stream.relative_to.as_ref().and_then(place),
                kept: VecDeque::new(),
                backwards: 0,
            })
        };
        Self {
            queues: layout.streams().filter_map(queue).collect(),
            numbers: layout.state.len(),
            width: layout.width(),
            measured: layout.measured(),
            goal: Vec::new(),
        }
    }

    /// Takes what a message of the stream of that number said. One that counts as said before the last one of its stream is
    /// dropped and counted; one of the same instant stands in its place.
    pub fn see(&mut self, stream: usize, stamps: Stamps, reading: Reading) {
        self.queues[stream].see(stamps, reading);
    }

    /// What is to be reached from now on, as the goal's stream said it.
    pub fn aim(&mut self, goal: &Reading) {
        self.goal.clear();
        append(goal, &mut self.goal);
    }

    /// Forgets all that was seen, as when time begins anew.
    pub fn forget(&mut self) {
        self.goal.clear();
        self.queues.iter_mut().for_each(|queue| queue.kept.clear());
    }

    /// How many messages of the stream of that number were dropped because they went back in time.
    pub fn backwards(&self, stream: usize) -> u64 {
        self.queues[stream].backwards
    }

    /// Whether every stream has been heard by `tick`.
    pub fn has_heard_all(&self, tick: Stamp) -> bool {
        self.queues.iter().all(|queue| queue.kept.iter().any(|(stamps, _)| stamps.received <= tick))
    }

    /// What is known at `tick`; ticks are asked for in order.
    pub fn at(&self, tick: Stamp) -> Result<Observation, Gap> {
        let mut state = Vec::with_capacity(self.width);
        let mut frames: Vec<Arc<Frame>> = Vec::with_capacity(self.queues.len() - self.numbers);
        for queue in &self.queues {
            match self.seen(queue, tick)? {
                Reading::Picture(frame) => frames.push(frame),
                reading => append(&reading, &mut state),
            }
        }
        let past = self.measured.iter().flatten().map(|place| state[*place]).collect();
        Ok(Observation { stamp: tick, state, frames, goal: self.goal.clone(), past })
    }

    /// What a queue says of `tick`, seen from where it is to be seen from.
    fn seen(&self, queue: &Queue, tick: Stamp) -> Result<Reading, Gap> {
        let reading = queue.at(tick)?;
        match queue.from {
            Some(from) => Ok(seen_from(&self.queues[from].at(tick)?, &reading)),
            None => Ok(reading),
        }
    }
}

impl Queue {
    fn see(&mut self, stamps: Stamps, reading: Reading) {
        match self.kept.back().map(|(last, _)| last.own) {
            Some(last) if stamps.own < last => {
                self.backwards += 1;
                return;
            }
            // Of two that say the same instant the later counts, but not for ticks before it came.
            Some(last)
                if stamps.own == last
                    && self.kept.back().is_some_and(|(last, _)| last.received == stamps.received) =>
            {
                self.kept.pop_back();
            }
            _ => {}
        }
        self.kept.push_back((stamps, reading));
        // The first one is still needed as long as the second lies after what may yet be asked for.
        let needed = stamps.received - self.latency - BEHIND;
        while self.kept.get(1).is_some_and(|(second, _)| second.own <= needed && second.received <= needed) {
            self.kept.pop_front();
        }
    }

    /// What stands for the instant `latency` before the tick.
    fn at(&self, tick: Stamp) -> Result<Reading, Gap> {
        let instant = tick - self.latency;
        let known = || self.kept.iter().filter(|(stamps, _)| stamps.received <= tick);
        let gap = |age, foreign| Gap { stream: self.stream.clone(), age, foreign, limit: self.limit };
        let (before, older) =
            known().take_while(|(stamps, _)| stamps.own <= instant).last().ok_or_else(|| gap(None, false))?;
        let age = instant.since(before.own);
        if age > self.limit {
            return Err(gap(Some(age), before.received.since(before.own) > FOREIGN));
        }
        let later = known().find(|(stamps, _)| stamps.own > instant);
        Ok(match (self.align, later) {
            // A hole wider than what a message may stand for is not bridged.
            (Align::Linear, Some((after, later))) if after.own.since(before.own) <= self.limit => {
                let share = age.as_nanos() as f64 / after.own.since(before.own).as_nanos() as f64;
                between(older, later, share)
            }
            _ => older.clone(),
        })
    }
}

/// What lies between two readings.
fn between(older: &Reading, later: &Reading, share: f64) -> Reading {
    let line = |from: f64, to: f64| from + share * (to - from);
    match (older, later) {
        (Reading::Numbers(from), Reading::Numbers(to)) => {
            Reading::Numbers(from.iter().zip(to).map(|(from, to)| line(*from, *to)).collect())
        }
        (Reading::Pose(from, turned), Reading::Pose(to, turning)) => {
            let at = [0, 1, 2].map(|axis| line(from[axis], to[axis]));
            Reading::Pose(at, turn(turned, turning, share))
        }
        _ => older.clone(),
    }
}

/// The rotation between two, at even speed on the shorter way (Shoemake 1985, "Animating rotation with quaternion curves").
fn turn(from: &[f64; 4], to: &[f64; 4], share: f64) -> [f64; 4] {
    let dot: f64 = from.iter().zip(to).map(|(from, to)| from * to).sum();
    let (dot, sign) = if dot < 0.0 { (-dot, -1.0) } else { (dot, 1.0) };
    // So near to one another that the sine tells nothing, the straight way is the same.
    let (one, other) = if dot > 1.0 - 1e-9 {
        (1.0 - share, share)
    } else {
        let angle = dot.acos();
        (((1.0 - share) * angle).sin() / angle.sin(), (share * angle).sin() / angle.sin())
    };
    let turned = [0, 1, 2, 3].map(|part| one * from[part] + sign * other * to[part]);
    let length = turned.iter().map(|part| part * part).sum::<f64>().sqrt();
    turned.map(|part| part / length)
}

/// Adds the numbers of a reading; a picture has none.
fn append(reading: &Reading, numbers: &mut Vec<f32>) {
    match reading {
        Reading::Numbers(values) => numbers.extend(values.iter().map(|value| *value as f32)),
        Reading::Pose(at, [x, y, z, w]) => {
            numbers.extend(at.map(|value| value as f32));
            let first = [1.0 - 2.0 * (y * y + z * z), 2.0 * (x * y + z * w), 2.0 * (x * z - y * w)];
            let second = [2.0 * (x * y - z * w), 1.0 - 2.0 * (x * x + z * z), 2.0 * (y * z + x * w)];
            numbers.extend(first.iter().chain(&second).map(|value| *value as f32));
        }
        Reading::Picture(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_clock_stamped_is_told_from_what_is_late() {
        let second = |seconds: i32| Stamp::from_parts(seconds, 0);
        let told = |stamps: Option<Stamps>, tick: i32| {
            let limit = Duration::from_millis(50);
            let (stream, align) = ("joints".to_owned(), Align::Newest);
            let kept = stamps.into_iter().map(|stamps| (stamps, Reading::Numbers(vec![0.0]))).collect();
            let queue =
                Queue { stream, align, limit, latency: Duration::ZERO, from: None, kept, backwards: 0 };
            queue.at(second(tick)).expect_err("it has nothing to say").to_string()
        };
        let [wall, simulated] = [second(1_795_000_000), second(12)];
        let late = told(Some(Stamps { received: wall, own: wall }), 1_795_007_200);
        assert!(late.ends_with("is 7200000 ms old, over its limit of 50 ms"), "{late}");
        let foreign = told(Some(Stamps { received: wall, own: simulated }), 1_795_000_001);
        assert!(foreign.contains("another clock") && foreign.contains("use_sim_time"), "{foreign}");
        assert!(told(None, 5).ends_with("it has not been heard"));
    }
}
