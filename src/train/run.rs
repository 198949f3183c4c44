//! A run: its members, how far it has come, and what it leaves behind.
//!
//! Here it begins, steps and ends. What it measures on the way, how good it finds its policies, what it keeps and how fast it goes
//! are files of their own below.

mod keep;
mod look;
mod measure;
mod pace;

use std::time::{Duration, Instant};

use super::batches::Ready;
use super::chance::{Purpose, stream};
use super::events::Events;
use super::loader::Loader;
use super::member::Member;
use super::metrics::Metrics;
use super::report::Facts;
use super::state::Progress;
use super::{Ended, Error, Folder, Job, Outcome, Schedule, Told, Watch};
use crate::data::batch::Batch;
use crate::policy::Landmarks;
use crate::time::{Clock, Wall};
use measure::Pending;
use pace::Pace;

/// A run that goes on.
#[derive(Debug)]
pub(super) struct Run<'a> {
    job: &'a Job<'a>,
    folder: Folder,
    members: Vec<Member>,
    schedule: Schedule,
    pace: Pace,
    progress: Progress,
    metrics: Metrics,
    events: Events,
    facts: Facts,
    pending: Option<Pending>,
    /// Some of what is learned from, for doubt by distance.
    landmarks: Option<Landmarks>,
}

impl<'a> Run<'a> {
    /// From the beginning, or from where the run in the folder is.
    pub(super) fn begin(job: &'a Job<'a>, an_epoch: u64) -> Result<Self, Error> {
        let folder = Folder::open(job.out, job.resume)?;
        let kept = keep::left(job, &folder)?;
        let progress = keep::progress(job, kept.as_ref(), &folder)?;
        let mut members = Vec::new();
        for number in 0..job.config.ensemble {
            let member = Member::new(job, number)?;
            match (&kept, job.from) {
                (Some(kept), _) => member.restore(kept, &keep::before(number))?,
                (None, Some(from)) => member.begin_from(from, number)?,
                (None, None) => {}
            }
            members.push(member);
        }
        keep::settings(job, &folder)?;
        let metrics = Metrics::open(&folder.metrics(), progress.step)?;
        let events = Events::create(folder.path(), metrics.lines(), Wall.now())?;
        let most = job.config.most_steps(an_epoch);
        let landmarks = members.first().map(|member| keep::landmarks(job, &member.average)).transpose()?;
        let run = Self {
            landmarks: landmarks.flatten(),
            job,
            folder,
            members,
            schedule: Schedule::new(job.config, most),
            pace: Pace::new(job.config, most, progress.step, progress.seconds),
            progress,
            metrics,
            events,
            facts: job.facts.clone(),
            pending: None,
        };
        if kept.is_none() {
            // Before the first checkpoint: wherever one is, there is something to go on from.
            run.remember()?;
        }
        Ok(run)
    }

    /// The number of the first batch of the next step.
    pub(super) fn first_batch(&self) -> u64 {
        self.progress.step * self.job.config.accumulate * self.members.len() as u64
    }

    /// Whether, and why, there is no next step.
    pub(super) fn over(&self, watch: &Watch<'_>) -> Option<Ended> {
        let Progress { step, since_best, .. } = self.progress;
        let patience = self.job.config.validation.patience;
        [
            (self.pace.out_of_steps(step), Ended::Steps),
            (self.pace.out_of_time(), Ended::Minutes),
            (patience.is_some_and(|patience| since_best >= patience), Ended::Patience),
            ((watch.stop)(), Ended::Stopped),
        ]
        .into_iter()
        .find_map(|(over, why)| over.then_some(why))
    }

    /// Whether something that is done every so many steps is done now.
    pub(super) fn is_due(&self, every: u64) -> bool {
        self.progress.step.is_multiple_of(every)
    }

    /// One step down, for every member.
    pub(super) fn step(&mut self, loader: &Loader<Ready>) -> Result<(), Error> {
        let step = self.progress.step + 1;
        let rate = self.schedule.rate(step, self.share());
        let (seed, of) = (self.job.config.seed, self.job.config.accumulate);
        let mut numbers = vec![Vec::new(); self.members.len()];
        for _ in 0..of {
            for (member, numbers) in self.members.iter_mut().zip(&mut numbers) {
                let (number, mut ready) = loader.next().ok_or(Error::Loader)?;
                if let Some(failed) = ready.failed.take() {
                    return Err(failed);
                }
                let batch = Batch::of(&ready.gathered, self.job.device);
                member.learn(&batch, &mut stream(seed, Purpose::Loss, 0, number), of)?;
                numbers.extend_from_slice(&ready.numbers);
                loader.take_back(ready);
            }
        }
        let stepped = self.members.iter_mut().map(|member| member.step(step, rate));
        let measured = stepped.collect::<Result<_, _>>()?;
        self.progress.step = step;
        self.measured(Pending { step, rate, measured, numbers })
    }

    /// Does something beside learning, whose time does not count for how fast it learns.
    pub(super) fn aside(&mut self, what: impl FnOnce(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        let begun = Instant::now();
        let done = what(self);
        self.pace.aside(begun.elapsed());
        done
    }

    /// How far it has come.
    pub(super) fn told(&self) -> Told {
        let (step, share) = (self.progress.step, self.share());
        let left = self.pace.seconds() * (1.0 - share) / share.max(1e-9);
        let last =
            |name: &str| self.metrics.lines().iter().rev().find_map(|line| line.values.get(name).copied());
        Told {
            step,
            share,
            samples_a_second: self.pace.samples_a_second(step),
            left: Duration::try_from_secs_f64(left).unwrap_or_default(),
            loss: last("train/loss"),
            validation: last("validation/loss"),
        }
    }

    fn share(&self) -> f64 {
        self.pace.share(self.progress.step)
    }

    /// Ends it: what is left to be said is said, and everything is kept. One that was told to end is left as it is, so that going on
    /// with it comes to the same as never having stopped.
    pub(super) fn end(mut self, ended: Ended, watch: &mut Watch<'_>) -> Result<Outcome, Error> {
        self.settle()?;
        if ended != Ended::Stopped {
            if !self.progress.meter.is_empty() {
                self.log()?;
            }
            if self.progress.looked != self.progress.step {
                self.look(watch)?;
            }
        }
        let judgement = self.best_judgement();
        let (steps, seconds, best) = (self.progress.step, self.pace.seconds(), self.progress.best);
        let held_out = self.job.held_out.is_some();
        let outcome = Outcome { ended, steps, seconds, best, held_out, judgement };
        self.facts.sentence = outcome.sentence();
        self.save()?;
        if best.is_none() {
            // Nothing said which is the best: the last one is what there is.
            self.checkpoint(&self.folder.best())?;
        }
        Ok(outcome)
    }
}
