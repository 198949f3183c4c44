//! Several policies that learned the same from different beginnings, acting as one.
//!
//! Where the data leaves no doubt they agree; where it does not they each guess, and how far apart they are says so. A mean of them
//! may be what none would do, left of the obstacle and right of it making straight at it; so what is carried out is the chunk of one of
//! them, the one nearest to their mean.

use tch::Device;

use super::{Error, Landmarks, Policy, Promised, Question, Spec};
use crate::arm::Chunk;
use crate::data::{Observation, Spread};
use crate::noise::Noise;

/// What deviates less over the data never moves: what is left of it are roundings.
const CONSTANT: f64 = 1e-6;

/// One policy, or several for the same robot.
#[derive(Debug)]
pub struct Ensemble {
    first: Policy,
    others: Vec<Policy>,
    landmarks: Option<Landmarks>,
}

impl Ensemble {
    /// Of one policy and others that see and do the same.
    pub fn new(first: Policy, others: Vec<Policy>) -> Self {
        Self { first, others, landmarks: None }
    }

    /// The same, which remembers some of what it learned from.
    pub fn with_landmarks(self, landmarks: Landmarks) -> Self {
        Self { landmarks: Some(landmarks), ..self }
    }

    /// What it remembers of what it learned from.
    pub fn landmarks(&self) -> Option<&Landmarks> {
        self.landmarks.as_ref()
    }

    /// What they see and do.
    pub fn spec(&self) -> &Spec {
        self.first.spec()
    }

    /// Where they compute.
    pub fn device(&self) -> Device {
        self.first.device()
    }

    /// Every one of them; at least one.
    pub fn members(&self) -> impl Iterator<Item = &Policy> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// What each of them would do; see [`Policy::act`]. All get the same chance: what they differ in is what they learned.
    pub fn act_each(
        &self,
        observations: &[Observation],
        promised: Option<Promised<'_>>,
        noise: &mut Noise,
    ) -> Result<Vec<Chunk>, Error> {
        self.alike(noise, |member, noise| member.act(observations, promised, noise))
    }

    /// What each of them would do with each of several robots: for every robot the chunks of all members.
    pub(super) fn act_all_each(
        &self,
        robots: &[Question<'_>],
        noise: &mut Noise,
    ) -> Result<Vec<Vec<Chunk>>, Error> {
        let each = self.alike(noise, |member, noise| member.act_all(robots, noise))?;
        let mut rows = vec![Vec::with_capacity(each.len()); robots.len()];
        for chunks in each {
            rows.iter_mut().zip(chunks).for_each(|(row, chunk)| row.push(chunk));
        }
        Ok(rows)
    }

    /// What comes of asking every member with the same chance.
    fn alike<T>(
        &self,
        noise: &mut Noise,
        ask: impl Fn(&Policy, &mut Noise) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let begun = noise.clone();
        let asked = |member| {
            *noise = begun.clone();
            ask(member, noise)
        };
        self.members().map(asked).collect()
    }

    /// What to do: the chunk of that member which is nearest to the mean of all.
    pub fn act(
        &self,
        observations: &[Observation],
        promised: Option<Promised<'_>>,
        noise: &mut Noise,
    ) -> Result<Chunk, Error> {
        if self.others.is_empty() {
            return self.first.act(observations, promised, noise);
        }
        let mut chunks = self.act_each(observations, promised, noise)?;
        let nearest = self.nearest(&chunks);
        Ok(chunks.swap_remove(nearest))
    }

    /// What each of several robots is to do; see [`Policy::act_all`].
    pub fn act_all(&self, robots: &[Question<'_>], noise: &mut Noise) -> Result<Vec<Chunk>, Error> {
        let choose = |mut row: Vec<Chunk>| row.swap_remove(self.nearest(&row));
        Ok(self.act_all_each(robots, noise)?.into_iter().map(choose).collect())
    }

    /// `count` chunks for each of several robots, about as many of each member; see [`Policy::sample_all`].
    pub fn sample_all(
        &self,
        robots: &[Question<'_>],
        count: u32,
        noise: &mut Noise,
    ) -> Result<Vec<Vec<Chunk>>, Error> {
        let members = u32::try_from(self.members().count()).unwrap_or(u32::MAX);
        let share = |number: u32| count / members + u32::from(number < count % members);
        let each = (0..).zip(self.members()).filter(|(number, _)| share(*number) > 0);
        by_robot(each.map(|(number, member)| member.sample_all(robots, share(number), noise)))
    }

    /// For each joint the distance that counts as one: its deviation over the data; of one that never moves no distance does.
    pub fn ones(&self) -> Vec<f64> {
        let one =
            |spread: &Spread| if spread.deviation > CONSTANT { spread.deviation } else { f64::INFINITY };
        self.first.statistics().actions.iter().map(one).collect()
    }

    /// Which of `chunks` is nearest to their mean, a joint's distance being measured in its deviations over the data.
    pub(super) fn nearest(&self, chunks: &[Chunk]) -> usize {
        let ones = self.ones();
        let count = chunks.len() as f64;
        let mean = |number: usize| chunks.iter().map(|chunk| chunk.values()[number]).sum::<f64>() / count;
        let means: Vec<f64> = (0..chunks[0].values().len()).map(mean).collect();
        let far = |chunk: &Chunk| -> f64 {
            let off = chunk.values().iter().zip(&means).zip(ones.iter().cycle());
            off.map(|((value, mean), one)| ((value - mean) / one).powi(2)).sum()
        };
        let distances: Vec<f64> = chunks.iter().map(far).collect();
        (0..distances.len()).min_by(|a, b| distances[*a].total_cmp(&distances[*b])).unwrap_or(0)
    }
}

/// What every member has for each robot, robot by robot.
fn by_robot(members: impl Iterator<Item = Result<Vec<Vec<Chunk>>, Error>>) -> Result<Vec<Vec<Chunk>>, Error> {
    let mut rows: Vec<Vec<Chunk>> = Vec::new();
    for chunks in members {
        let chunks = chunks?;
        rows.resize_with(chunks.len(), Vec::new);
        rows.iter_mut().zip(chunks).for_each(|(row, chunks)| row.extend(chunks));
    }
    Ok(rows)
}
