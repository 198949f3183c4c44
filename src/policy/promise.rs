//! What is promised: what a robot will have done by the time a new chunk comes, and what it would do then.
//!
//! Robots that are thought about together have not come equally far with their plans; a head is told one number of steps for a whole
//! batch. So those that are alike in this go through it together, all of them after one look at what is observed.

use tch::Tensor;

use super::head::{self, Continuing};
use super::{Error, Policy};
use crate::arm::Chunk;
use crate::nn::Encoding;
use crate::noise::Noise;
use crate::time::Stamp;

/// What the robot will do until a new chunk takes over, and as far as was planned.
#[derive(Clone, Copy, Debug)]
pub struct Promised<'a> {
    /// The plan.
    pub chunk: &'a Chunk,
    /// What is due before this instant will have been carried out when the new chunk comes.
    pub until: Stamp,
    /// How strongly a guided head keeps to it; as its own settings say where nothing is said.
    pub guidance: Option<f64>,
}

/// What is promised, on the grid of the chunk that is asked for.
#[derive(Debug)]
pub(super) struct Kept {
    /// The actions, row after row.
    rows: Vec<f64>,
    alike: Alike,
}

/// What robots have in common that a head may think about together.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Alike {
    steps: i64,
    frozen: i64,
    guidance: Option<f64>,
}

impl Policy {
    /// What of `promised` concerns the chunk that begins at `now`; nothing where the head does not heed it.
    pub(super) fn kept(&self, promised: Promised<'_>, now: Stamp) -> Result<Option<Kept>, Error> {
        let Promised { chunk, until, guidance } = promised;
        if self.continuing(guidance) != Continuing::Yes {
            return Ok(None);
        }
        let place = |joint: &String| {
            let found = chunk.names().iter().position(|name| name == joint);
            let why = || format!("what is promised says nothing of {joint:?}, which the policy moves");
            found.ok_or_else(|| Error::Observation { why: why() })
        };
        let places: Vec<usize> = self.spec.layout.actions.iter().map(place).collect::<Result<_, _>>()?;
        let period = self.period();
        let (mut rows, mut frozen, mut steps) = (Vec::new(), 0, 0);
        for step in 1..self.spec.policy.chunk {
            let due = now + period * u32::from(step - 1);
            let Some(row) = chunk.in_force(due) else { break };
            rows.extend(places.iter().map(|place| row[*place]));
            steps += 1;
            if due < until {
                frozen = steps;
            }
        }
        Ok((steps > 0).then_some(Kept { rows, alike: Alike { steps, frozen, guidance } }))
    }

    /// A chunk for each row of `seen` that goes on from what is `kept` there: `[B, chunk, action]`, normalized.
    pub(super) fn going_on(&self, seen: &Encoding, kept: &[Option<Kept>], noise: &mut Noise) -> Tensor {
        let groups = groups(kept);
        if let [_alone] = &groups[..] {
            return self.heeding(seen, kept.iter().flatten(), noise);
        }
        let places = |group: &[i64]| Tensor::from_slice(group).to_device(self.device());
        let heeded = |group: &Vec<i64>| {
            let of = |x: &Tensor| x.index_select(0, &places(group));
            let seen = Encoding { tokens: of(&seen.tokens), pooled: of(&seen.pooled) };
            let kept = group.iter().filter_map(|place| kept.get(usize::try_from(*place).ok()?)?.as_ref());
            self.heeding(&seen, kept, noise)
        };
        let chunks: Vec<Tensor> = groups.iter().map(heeded).collect();
        // Where each of them is now, in the order in which they were asked for.
        Tensor::cat(&chunks, 0).index_select(0, &places(&groups.concat()).argsort(0, false))
    }

    /// The same where all that is kept is alike, or nothing is.
    fn heeding<'a>(
        &self,
        seen: &Encoding,
        kept: impl Iterator<Item = &'a Kept>,
        noise: &mut Noise,
    ) -> Tensor {
        let (mut rows, mut alike) = (Vec::new(), None);
        for kept in kept {
            rows.extend_from_slice(&kept.rows);
            alike = Some(kept.alike);
        }
        let Some(Alike { steps, frozen, guidance }) = alike else {
            return self.head.sample(seen, None, noise);
        };
        let rows = Tensor::from_slice(&rows).view([seen.pooled.size()[0], steps, -1]);
        let actions = self.normal.actions(&rows.to_device(self.device()));
        self.head.sample(seen, Some(head::Promised { actions: &actions, frozen, guidance }), noise)
    }
}

/// The places of those that are alike, group by group in the order in which they come up.
fn groups(kept: &[Option<Kept>]) -> Vec<Vec<i64>> {
    let mut groups: Vec<(Option<Alike>, Vec<i64>)> = Vec::new();
    for (place, kept) in (0..).zip(kept) {
        let alike = kept.as_ref().map(|kept| kept.alike);
        match groups.iter_mut().find(|(known, _)| *known == alike) {
            Some((_, group)) => group.push(place),
            None => groups.push((alike, vec![place])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}
