//! Acting: from the last observations to a chunk in the robot's units.
//!
//! Nothing is acted on that no policy can have learned: a number that is none, a picture of another size, a goal nobody told. Each
//! is refused in words, and the plan that is being carried out goes on.

use std::sync::Arc;
use std::time::Duration;

use tch::{Kind, Tensor};

use super::fence::fenced;
use super::{Error, Manner, Policy, Promised};
use crate::arm::Chunk;
use crate::data::batch::Batch;
use crate::data::{Gathered, Layout, Observation};
use crate::nn::Encoding;
use crate::noise::Noise;
use crate::time::Stamp;

/// What a robot is thought about with.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// What it observed, the newest last; only the last `policy.history` of them count. Where there are fewer, the first is taken to
    /// have stood before.
    pub seen: &'a [Observation],
    /// What it will do until a new chunk takes over, where it is doing something.
    pub promised: Option<Promised<'a>>,
}

impl Policy {
    /// What to do after `observations`; see [`act_all`](Self::act_all).
    pub fn act(
        &self,
        observations: &[Observation],
        promised: Option<Promised<'_>>,
        noise: &mut Noise,
    ) -> Result<Chunk, Error> {
        Ok(self.act_all(&[Question { seen: observations, promised }], noise)?.swap_remove(0))
    }

    /// What each of several robots is to do, all of them thought of at once.
    ///
    /// A head that cannot go on from what is promised begins anew; see [`continuing`](Self::continuing).
    pub fn act_all(&self, robots: &[Question<'_>], noise: &mut Noise) -> Result<Vec<Chunk>, Error> {
        let now = |robot: &Question<'_>| robot.seen.last().map(|newest| newest.stamp).unwrap_or_default();
        let kept = |robot: &Question<'_>| {
            let kept = robot.promised.map(|promised| self.kept(promised, now(robot)));
            Ok(kept.transpose()?.flatten())
        };
        let kept = robots.iter().map(kept).collect::<Result<Vec<_>, Error>>()?;
        let sample = |seen: &Encoding, noise: &mut Noise| self.going_on(seen, &kept, noise);
        self.chunks(robots, 1, noise, sample)
    }

    /// `count` chunks for each of several robots, from nothing promised, all of them thought of at once: what is observed is looked at
    /// once however many there are.
    pub fn sample_all(
        &self,
        robots: &[Question<'_>],
        count: u32,
        noise: &mut Noise,
    ) -> Result<Vec<Vec<Chunk>>, Error> {
        let each = i64::from(count);
        let sample = |seen: &Encoding, noise: &mut Noise| {
            let again = |x: &Tensor| x.repeat_interleave_self_int(each, 0, x.size()[0] * each);
            let seen = Encoding { tokens: again(&seen.tokens), pooled: again(&seen.pooled) };
            self.head.sample(&seen, None, noise)
        };
        let chunks = self.chunks(robots, count as usize, noise, sample)?;
        Ok(chunks.chunks(count.max(1) as usize).map(<[Chunk]>::to_vec).collect())
    }

    /// The windows that several robots are in, side by side.
    pub(super) fn windows(&self, robots: &[Question<'_>]) -> Result<Gathered, Error> {
        let mut windows: Option<Gathered> = None;
        for robot in robots {
            let window = self.window(robot.seen)?;
            match &mut windows {
                None => windows = Some(window),
                Some(windows) => windows.append(&window),
            }
        }
        Ok(windows.unwrap_or_default())
    }

    /// The chunks that `sample` has for what is seen of `robots`, `each` for every one of them.
    fn chunks(
        &self,
        robots: &[Question<'_>],
        each: usize,
        noise: &mut Noise,
        sample: impl FnOnce(&Encoding, &mut Noise) -> Tensor,
    ) -> Result<Vec<Chunk>, Error> {
        if robots.is_empty() {
            return Ok(Vec::new());
        }
        let windows = self.windows(robots)?;
        let values = fenced("acting", || {
            let _off = tch::no_grad_guard();
            let seen = self.encode(&Batch::of(&windows, self.device()), Manner::Plain);
            let chunks = self.normal.restored(&sample(&seen, noise));
            Ok(Vec::<f64>::try_from(chunks.to_kind(Kind::Double).flatten(0, -1)))
        })?;
        let values = values.map_err(|source| Error::Torch { doing: "acting", why: source.to_string() })?;
        let names: Arc<[String]> = self.spec.layout.actions.as_slice().into();
        let nows = robots.iter().filter_map(|robot| robot.seen.last()).map(|newest| newest.stamp);
        let nows = nows.flat_map(|now| std::iter::repeat_n(now, each));
        let chunk = |(values, now): (&[f64], Stamp)| {
            Ok(Chunk::new(now, now, self.period(), Arc::clone(&names), values.to_vec())?)
        };
        values.chunks(values.len() / (robots.len() * each).max(1)).zip(nows).map(chunk).collect()
    }

    /// What it would do in each window of a batch, from nothing promised, in the robot's units: `[B, chunk, action]`.
    pub fn sample(&self, batch: &Batch, noise: &mut Noise) -> Result<Tensor, Error> {
        fenced("acting", || {
            let _off = tch::no_grad_guard();
            let seen = self.encode(batch, Manner::Plain);
            Ok(self.normal.restored(&self.head.sample(&seen, None, noise)))
        })
    }

    /// The time between two actions of its chunks.
    pub fn period(&self) -> Duration {
        Duration::from_secs_f64(1.0 / self.spec.layout.rate_hz)
    }

    fn window(&self, observations: &[Observation]) -> Result<Gathered, Error> {
        let (layout, history) = (&self.spec.layout, usize::from(self.spec.policy.history));
        let newest = &observations[observations.len().saturating_sub(history)..];
        if newest.is_empty() {
            return Err(Error::Observation { why: "there is none yet".to_owned() });
        }
        let mut seen = newest.to_vec();
        for observation in &mut seen {
            if observation.past.is_empty() && self.spec.policy.past.is_none() {
                // Not looked at.
                observation.past = vec![0.0; layout.actions.len()];
            }
            check(layout, observation)?;
        }
        Ok(Gathered::seen(layout, history, &seen))
    }
}

/// Refuses what no policy may act on.
fn check(layout: &Layout, observation: &Observation) -> Result<(), Error> {
    let refused = |why: String| Err(Error::Observation { why });
    let rows = [
        ("the state", &observation.state, layout.width()),
        ("the past action", &observation.past, layout.actions.len()),
        ("the goal", &observation.goal, layout.goal.len()),
    ];
    for (what, numbers, wanted) in rows {
        if numbers.len() != wanted {
            return refused(format!("{what} has {} numbers where {wanted} are seen", numbers.len()));
        }
        if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
            let label = if what == "the state" { layout.labels().get(place).cloned() } else { None };
            let label = label.unwrap_or_else(|| format!("number {place}"));
            return refused(format!("{what} has {} for {label}", numbers[place]));
        }
    }
    if observation.frames.len() != layout.cameras.len() {
        let (got, wanted) = (observation.frames.len(), layout.cameras.len());
        return refused(format!("it has {got} pictures where {wanted} are seen"));
    }
    for (camera, frame) in layout.cameras.iter().zip(&observation.frames) {
        if frame.size != camera.size
            || frame.channels != camera.channels
            || frame.pixels.len() != camera.bytes()
        {
            let [width, height] = camera.size;
            let why = format!(
                "the picture of {:?} is {frame:?} with {} bytes where {width}×{height}×{} is seen",
                camera.stream,
                frame.pixels.len(),
                camera.channels
            );
            return refused(why);
        }
    }
    Ok(())
}
