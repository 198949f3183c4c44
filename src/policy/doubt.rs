//! How doubtful a policy is of what it decided: the setting `control.gate.doubt.by`.
//!
//! Doubt is a number that is not below zero and has no unit: what it means is found out by calibration, on episodes that went well.
//! So it need not be a probability, it has to be larger where the policy was not taught. There are three ways to it:
//!
//! - `ensemble`: how far members that learned the same from different beginnings are apart (Lakshminarayanan et al. 2017, "Simple
//!   and Scalable Predictive Uncertainty Estimation using Deep Ensembles", section 2.4; as a gate for experts: Menda et al. 2019,
//!   "EnsembleDAgger", section III). All draw the same chance, so nothing but what they learned sets them apart. It comes with the
//!   decision and costs nothing more.
//! - `loss`: how far off a head that takes noise away finds its own chunk, at several levels of noise (Lee et al. 2024,
//!   "Diff-DAgger", section IV.A). The noise is the same at every decision, so that doubt is a function of what was seen and decided.
//! - `distance`: how far what is seen is from what was learned from; see [`Landmarks`].

mod distance;

use tch::Tensor;

pub use crate::control::gate::By;
pub use distance::{Landmarks, MOST};

use super::fence::fenced;
use super::head::Target;
use super::{Ensemble, Error, Manner, Policy, Question};
use crate::arm::Chunk;
use crate::data::Gathered;
use crate::data::batch::Batch;
use crate::nn::Encoding;
use crate::noise::Noise;

/// At how many levels of noise a chunk is judged.
const LEVELS: i64 = 16;
/// What that noise follows from.
const SEED: u64 = 0x444F_5542;

/// What was decided, and how doubtful the policy is of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What to do.
    pub chunk: Chunk,
    /// How doubtful it is; not below zero.
    pub doubt: f32,
}

impl Ensemble {
    /// What its doubt is measured by: what is `asked` for, else the first that it has of members that can disagree, a head that
    /// takes noise away, and what it remembers. Refused in words where that cannot be.
    pub fn doubts_by(&self, asked: Option<By>) -> Result<By, Error> {
        let known = [By::Ensemble, By::Loss, By::Distance];
        let Some(by) = asked.or_else(|| known.into_iter().find(|by| self.lacks(*by).is_none())) else {
            return Err(Error::Doubt { why: self.lacks(By::Distance).unwrap_or_default() });
        };
        match self.lacks(by) {
            None => Ok(by),
            Some(why) => Err(Error::Doubt { why }),
        }
    }

    /// What is missing to measure doubt so; nothing where it can be.
    fn lacks(&self, by: By) -> Option<String> {
        let head = &self.spec().policy.head;
        let has = match by {
            By::Ensemble => self.members().nth(1).is_some(),
            By::Loss => head.denoises(),
            By::Distance => self.landmarks().is_some(),
        };
        let why = || match by {
            By::Ensemble => {
                "one policy cannot disagree with itself; train several: train.ensemble=3".to_owned()
            }
            By::Loss => {
                format!("the head {:?} does not take noise away; diffusion and flow do", head.name())
            }
            By::Distance if self.members().any(Policy::sees_pictures) => {
                "distance is measured in numbers, and this policy sees pictures; doubt by ensemble or loss"
                    .to_owned()
            }
            By::Distance => {
                "the checkpoint remembers nothing of what it was learned from, to which a distance could be \
                             measured; train again, or doubt by ensemble or loss"
                    .to_owned()
            }
        };
        (!has).then(why)
    }

    /// Of every robot the chunk of the member that is carried out, and the doubt of it.
    pub(super) fn doubting(
        &self,
        robots: &[Question<'_>],
        rows: Vec<Vec<Chunk>>,
        by: By,
    ) -> Result<Vec<Decided>, Error> {
        self.doubts_by(Some(by))?;
        let apart: Vec<f32> = rows.iter().map(|row| self.apart(row)).collect();
        let choose = |mut row: Vec<Chunk>| row.swap_remove(self.nearest(&row));
        let chunks: Vec<Chunk> = rows.into_iter().map(choose).collect();
        let doubts = match by {
            By::Ensemble => apart,
            By::Loss => self.losses(robots, &chunks)?,
            By::Distance => self.distances(robots)?,
        };
        Ok(chunks.into_iter().zip(doubts).map(|(chunk, doubt)| Decided { chunk, doubt }).collect())
    }

    /// How far `chunks` are apart: the root of the mean variance of their numbers, each in deviations of that action over the data.
    fn apart(&self, chunks: &[Chunk]) -> f32 {
        let count = chunks.len() as f64;
        let (mut sum, mut of) = (0.0, 0.0);
        for (number, one) in (0..chunks[0].values().len()).zip(self.ones().into_iter().cycle()) {
            if one.is_infinite() {
                continue;
            }
            let values = || chunks.iter().map(|chunk| chunk.values()[number] / one);
            let mean = values().sum::<f64>() / count;
            sum += values().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            of += 1.0;
        }
        (sum / f64::max(of, 1.0)).sqrt() as f32
    }

    /// The mean over the members of their losses.
    fn losses(&self, robots: &[Question<'_>], chunks: &[Chunk]) -> Result<Vec<f32>, Error> {
        let mut sums = vec![0.0; chunks.len()];
        for member in self.members() {
            let losses = member.losses(&member.windows(robots)?, chunks)?;
            sums.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss);
        }
        let count = self.members().count() as f64;
        Ok(sums.into_iter().map(|sum| (sum / count) as f32).collect())
    }

    fn distances(&self, robots: &[Question<'_>]) -> Result<Vec<f32>, Error> {
        let (Some(landmarks), Some(first)) = (self.landmarks(), self.members().next()) else {
            return Ok(Vec::new());
        };
        landmarks.distances(first, &first.windows(robots)?)
    }
}

impl Policy {
    /// Whether it looks at pictures.
    pub(super) fn sees_pictures(&self) -> bool {
        self.encoder.sees() && !self.spec.layout.cameras.is_empty()
    }

    /// The loss of each chunk in the window of that number: over the same levels and draws of noise for every one of them.
    fn losses(&self, windows: &Gathered, chunks: &[Chunk]) -> Result<Vec<f64>, Error> {
        fenced("doubting", || {
            let _off = tch::no_grad_guard();
            let seen = self.encode(&Batch::of(windows, self.device()), Manner::Plain);
            let loss = |(row, chunk)| self.own_loss(&seen, row, chunk);
            Ok((0..).zip(chunks).map(loss).collect())
        })
    }

    fn own_loss(&self, seen: &Encoding, row: i64, chunk: &Chunk) -> f64 {
        let repeated = |of: &Tensor| {
            let mut dims = of.size();
            dims[0] = LEVELS;
            of.narrow(0, row, 1).expand(&dims, false)
        };
        let seen = Encoding { tokens: repeated(&seen.tokens), pooled: repeated(&seen.pooled) };
        let (steps, width) = (chunk.steps() as i64, chunk.names().len() as i64);
        let actions = Tensor::from_slice(chunk.values()).reshape([1, steps, width]).to_device(self.device());
        let actions = self.normal.actions(&actions).expand([LEVELS, steps, width], false);
        let real = actions.select(2, 0).ones_like();
        let target = Target { actions: &actions, real: &real, promised: None };
        let loss = self.head.loss(&seen, &target, &mut Noise::new(SEED));
        loss.each.mean(tch::Kind::Double).double_value(&[])
    }
}
