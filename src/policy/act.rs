//! Acting: from the last observations to a chunk in the robot's units.
//!
//! Nothing is acted on that no policy can have learned: a number that is none, a picture of another size, a goal nobody told. Each
//! is refused in words, and the plan that is being carried out goes on.

use std::sync::Arc;
use std::time::Duration;

use tch::{Kind, Tensor};

use super::fence::fenced;
use super::head::{self, Continuing};
use super::{Error, Manner, Policy};
use crate::arm::Chunk;
use crate::data::batch::Batch;
use crate::data::{Gathered, Layout, Observation};
use crate::noise::Noise;
use crate::time::Stamp;

/// What the robot will do until a new chunk takes over, and as far as was planned.
#[derive(Clone, Copy, Debug)]
pub struct Promised<'a> {
    /// The plan.
    pub chunk: &'a Chunk,
    /// What is due before this instant will have been carried out when the new chunk comes.
    pub until: Stamp,
}

impl Policy {
    /// What to do after `observations`, the newest last; only the last `policy.history` of them count. Where there are fewer, the
    /// first is taken to have stood before.
    ///
    /// A head that cannot go on from what is `promised` begins anew; see [`continuing`](Self::continuing).
    pub fn act(
        &self,
        observations: &[Observation],
        promised: Option<Promised<'_>>,
        noise: &mut Noise,
    ) -> Result<Chunk, Error> {
        let now = observations.last().map(|newest| newest.stamp).unwrap_or_default();
        let kept = promised.map(|promised| self.kept(promised, now)).transpose()?.flatten();
        let mut chunks = self.chunks(&self.window(observations)?, &[now], kept, noise)?;
        Ok(chunks.swap_remove(0))
    }

    /// What each of several robots is to do after what it observed, all of them thought of at once; see [`act`](Self::act).
    pub fn act_all(&self, robots: &[Vec<Observation>], noise: &mut Noise) -> Result<Vec<Chunk>, Error> {
        if robots.is_empty() {
            return Ok(Vec::new());
        }
        let nows = robots.iter().filter_map(|observations| observations.last());
        let nows: Vec<Stamp> = nows.map(|newest| newest.stamp).collect();
        self.chunks(&self.windows(robots)?, &nows, None, noise)
    }

    /// The windows that several robots are in, side by side.
    pub(super) fn windows(&self, robots: &[Vec<Observation>]) -> Result<Gathered, Error> {
        let mut windows: Option<Gathered> = None;
        for observations in robots {
            let window = self.window(observations)?;
            match &mut windows {
                None => windows = Some(window),
                Some(windows) => windows.append(&window),
            }
        }
        Ok(windows.unwrap_or_default())
    }

    /// A chunk for each window, which ends at the instant of that place in `nows`.
    fn chunks(
        &self,
        windows: &Gathered,
        nows: &[Stamp],
        kept: Option<(Vec<f64>, i64)>,
        noise: &mut Noise,
    ) -> Result<Vec<Chunk>, Error> {
        let values = fenced("acting", || {
            let _off = tch::no_grad_guard();
            let batch = Batch::of(windows, self.device());
            let seen = self.encode(&batch, Manner::Plain);
            let kept = kept.map(|(rows, frozen)| (self.scaled(&rows), frozen));
            let kept = kept.as_ref().map(|(actions, frozen)| head::Promised { actions, frozen: *frozen });
            let chunks = self.normal.restored(&self.head.sample(&seen, kept, noise));
            Ok(Vec::<f64>::try_from(chunks.to_kind(Kind::Double).flatten(0, -1)))
        })?;
        let values = values.map_err(|source| Error::Torch { doing: "acting", why: source.to_string() })?;
        let names: Arc<[String]> = self.spec.layout.actions.as_slice().into();
        let each = values.chunks(values.len() / nows.len().max(1)).zip(nows);
        let chunk = |(values, now): (&[f64], &Stamp)| {
            Ok(Chunk::new(*now, *now, self.period(), Arc::clone(&names), values.to_vec())?)
        };
        each.map(chunk).collect()
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

    /// The promised actions on the grid of the chunk that begins at `now`, one row a step, and how many of them are certain.
    fn kept(&self, promised: Promised<'_>, now: Stamp) -> Result<Option<(Vec<f64>, i64)>, Error> {
        if self.continuing() != Continuing::Yes {
            return Ok(None);
        }
        let Promised { chunk, until } = promised;
        let place = |joint: &String| {
            let found = chunk.names().iter().position(|name| name == joint);
            let why = || format!("what is promised says nothing of {joint:?}, which the policy moves");
            found.ok_or_else(|| Error::Observation { why: why() })
        };
        let places: Vec<usize> = self.spec.layout.actions.iter().map(place).collect::<Result<_, _>>()?;
        let (period, steps) = (self.period(), usize::from(self.spec.policy.chunk));
        let (mut rows, mut frozen, mut count) = (Vec::new(), 0, 0);
        for step in 0..steps.saturating_sub(1) {
            let due = now + period * u32::try_from(step).unwrap_or(u32::MAX);
            let Some(row) = nearest(chunk, due) else { break };
            rows.extend(places.iter().map(|place| row[*place]));
            count += 1;
            if due < until {
                frozen = count;
            }
        }
        Ok((count > 0).then_some((rows, frozen)))
    }

    fn scaled(&self, rows: &[f64]) -> Tensor {
        let actions = self.spec.layout.actions.len() as i64;
        let rows = Tensor::from_slice(rows).view([1, -1, actions]).to_device(self.device());
        self.normal.actions(&rows)
    }
}

/// The promised action that is in force at `due`; before the first one that one, after the last one none.
fn nearest(chunk: &Chunk, due: Stamp) -> Option<&[f64]> {
    // Grids of two chunks may lie a rounding apart: half a period is nearer than any wrong step.
    let slack = chunk.period() / 2;
    let mut rows = chunk.rows().take_while(|(at, _)| *at <= due + slack);
    match rows.next() {
        None => chunk.rows().next().map(|(_, row)| row),
        Some(first) => {
            let (at, row) = rows.last().unwrap_or(first);
            (due < at + chunk.period()).then_some(row)
        }
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
