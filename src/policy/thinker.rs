//! A policy and how its chunks are to meet the plan: whoever thinks, thinks through this.
//!
//! What a join needs of a policy is known when the policy is loaded: one that cannot go on from a plan is refused then and in words,
//! and not in the middle of a motion. An evaluation in lockstep and a robot in real time ask here alike.

use std::borrow::Borrow;

use super::head::Continuing;
use super::{Decided, Ensemble, Error, Promised, Question, checkpoint};
use crate::arm::Chunk;
use crate::control::Join;
use crate::control::bid::{self, Weighing};
use crate::control::gate::config::By;
use crate::control::join::{Bid, Continue};
use crate::noise::Noise;

/// Policies that think as a join wants it.
#[derive(Debug)]
pub struct Thinker<P> {
    policy: P,
    join: Join,
    /// The worse policy of bidirectional decoding, where there is one.
    weak: Option<Ensemble>,
}

impl<P: Borrow<Ensemble>> Thinker<P> {
    /// `policy`, whose chunks meet the plan as `join` says; refused where they cannot. A worse policy that the join names is loaded.
    pub fn new(policy: P, join: &Join) -> Result<Self, Error> {
        let ensemble: &Ensemble = policy.borrow();
        if let Join::Continue(Continue { guidance, .. }) = join
            && let Some(reason) = ensemble.members().find_map(|member| match member.continuing(*guidance) {
                Continuing::Yes => None,
                Continuing::No(reason) => Some(reason),
            })
        {
            let why = format!("the policy cannot go on from what is promised: {reason}");
            return Err(Error::Setting { key: "control.join.continue", why });
        }
        let weak = match join {
            Join::Bid(Bid { weak: Some(path), .. }) => {
                let layout = &ensemble.spec().layout;
                Some(checkpoint::open_for(path, layout, ensemble.device())?.policy)
            }
            _ => None,
        };
        Ok(Self { policy, join: join.clone(), weak })
    }

    /// Who thinks.
    pub fn policy(&self) -> &Ensemble {
        self.policy.borrow()
    }

    /// Whether it is to be told what is promised.
    pub fn heeds(&self) -> bool {
        matches!(self.join, Join::Continue(_) | Join::Bid(_))
    }

    /// What to do.
    pub fn act(&self, question: Question<'_>, noise: &mut Noise) -> Result<Chunk, Error> {
        Ok(self.act_all(&[question], noise)?.swap_remove(0))
    }

    /// What each of several robots is to do, all of them thought of at once.
    pub fn act_all(&self, robots: &[Question<'_>], noise: &mut Noise) -> Result<Vec<Chunk>, Error> {
        if let Join::Bid(bid) = &self.join {
            return self.bid(robots, bid, noise);
        }
        self.policy().act_all(&self.all_heeded(robots), noise)
    }

    /// What to do, and how doubtful that is; see [`decide_all`](Self::decide_all).
    pub fn decide(&self, question: Question<'_>, by: By, noise: &mut Noise) -> Result<Decided, Error> {
        Ok(self.decide_all(&[question], by, noise)?.swap_remove(0))
    }

    /// What each of several robots is to do, and how doubtful that is. Of the best of many samples only what does not come of comparing
    /// members can be told.
    pub fn decide_all(
        &self,
        robots: &[Question<'_>],
        by: By,
        noise: &mut Noise,
    ) -> Result<Vec<Decided>, Error> {
        let rows = match &self.join {
            Join::Bid(_) if by == By::Ensemble => {
                let why = "the best of many samples says nothing of how far members are apart: doubt by loss or distance";
                return Err(Error::Doubt { why: why.to_owned() });
            }
            Join::Bid(bid) => self.bid(robots, bid, noise)?.into_iter().map(|chunk| vec![chunk]).collect(),
            _ => self.policy().act_all_each(&self.all_heeded(robots), noise)?,
        };
        self.policy().doubting(robots, rows, by)
    }

    fn all_heeded<'a>(&self, robots: &[Question<'a>]) -> Vec<Question<'a>> {
        robots.iter().map(|robot| self.heeded(*robot)).collect()
    }

    /// The question with as much of a promise as the join wants heeded.
    fn heeded<'a>(&self, question: Question<'a>) -> Question<'a> {
        let guidance = match &self.join {
            Join::Continue(Continue { guidance, .. }) => *guidance,
            _ => None,
        };
        let heeded = question.promised.filter(|_| self.heeds());
        Question { promised: heeded.map(|promised| Promised { guidance, ..promised }), ..question }
    }

    fn bid(&self, robots: &[Question<'_>], bid: &Bid, noise: &mut Noise) -> Result<Vec<Chunk>, Error> {
        let count = bid.samples.get();
        let samples = self.policy().sample_all(robots, count, noise)?;
        let mut weak = match &self.weak {
            Some(weak) => weak.sample_all(robots, count, noise)?,
            None => vec![Vec::new(); robots.len()],
        };
        let ones = self.policy().ones();
        let weighing = Weighing { decay: bid.decay, ones: &ones };
        let choose = |((mut samples, weak), robot): ((Vec<Chunk>, &mut Vec<Chunk>), &Question<'_>)| {
            let plan = robot.promised.map(|promised| promised.chunk);
            let best = bid::best(&samples, weak, plan, weighing);
            samples.swap_remove(best)
        };
        Ok(samples.into_iter().zip(&mut weak).zip(robots).map(choose).collect())
    }
}
