//! A run: its members, how far it has come, and what it leaves behind.
//!
//! What a step measured is fetched one step later, so that a GPU that is handed the next step is not waited for; before anything is
//! written, judged or kept it is fetched at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::batches::Ready;
use super::chance::{Purpose, stream};
use super::events::Events;
use super::fault::Fault;
use super::judge::{Judgement, judge};
use super::loader::Loader;
use super::member::{Measured, Member};
use super::metrics::{Line, Metrics};
use super::report::{self, Facts};
use super::state::{self, Identity, Kept, Progress};
use super::{Ended, Error, Folder, Job, Outcome, Schedule, Told, Watch};
use crate::data::Windows;
use crate::data::batch::Batch;
use crate::policy::Policy;
use crate::policy::checkpoint::{self, Origin};
use crate::time::{Clock, Wall};

/// A run that goes on.
#[derive(Debug)]
pub(super) struct Run<'a> {
    job: &'a Job<'a>,
    folder: Folder,
    members: Vec<Member>,
    schedule: Schedule,
    /// Where a number ends it.
    most: Option<u64>,
    pub(super) progress: Progress,
    metrics: Metrics,
    events: Events,
    facts: Facts,
    /// When this piece of it began, and the seconds before that.
    begun: (Instant, f64),
    /// When the last line was written, and after which step.
    logged: (Instant, u64),
    pending: Option<Pending>,
}

/// What is not fetched yet.
#[derive(Debug)]
struct Pending {
    step: u64,
    rate: f64,
    measured: Vec<Measured>,
    /// The windows of each member.
    numbers: Vec<Vec<u32>>,
}

impl<'a> Run<'a> {
    /// From the beginning, or from where the run in the folder is.
    pub(super) fn begin(job: &'a Job<'a>, an_epoch: u64) -> Result<Self, Error> {
        let folder = Folder::open(job.out, job.resume)?;
        let identity = identity(job);
        let kept = match job.resume && folder.state().exists() {
            true => Some(state::load(&folder.state())?),
            false => None,
        };
        let progress = match &kept {
            Some(kept) => same(kept, &identity, &folder)?,
            None => Progress { identity, ..Progress::default() },
        };
        let mut members = Vec::new();
        for number in 0..job.config.ensemble {
            let member = Member::new(job, number)?;
            if let Some(kept) = &kept {
                member.restore(kept, &before(number))?;
            }
            members.push(member);
        }
        write(&folder.config(), job.settings)?;
        let metrics = Metrics::open(&folder.metrics(), progress.step)?;
        let events = Events::create(folder.path(), metrics.lines(), Wall.now())?;
        let most = job.config.most_steps(an_epoch);
        let (now, step, seconds) = (Instant::now(), progress.step, progress.seconds);
        Ok(Self {
            job,
            folder,
            members,
            schedule: Schedule::new(job.config, most),
            most,
            progress,
            metrics,
            events,
            facts: job.facts.clone(),
            begun: (now, seconds),
            logged: (now, step),
            pending: None,
        })
    }

    /// The number of the first batch of the next step.
    pub(super) fn first_batch(&self) -> u64 {
        self.progress.step * self.job.config.accumulate * self.members.len() as u64
    }

    /// Whether, and why, there is no next step.
    pub(super) fn over(&self, watch: &Watch<'_>) -> Option<Ended> {
        let Progress { step, since_best, .. } = self.progress;
        let minutes = self.job.config.minutes;
        let patience = self.job.config.validation.patience;
        [
            (self.most.is_some_and(|most| step >= most), Ended::Steps),
            (minutes.is_some_and(|minutes| self.seconds() >= 60.0 * minutes), Ended::Minutes),
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
        match self.pending.replace(Pending { step, rate, measured, numbers }) {
            Some(earlier) => self.read(&earlier),
            None => Ok(()),
        }
    }

    /// Fetches what is not fetched yet.
    fn settle(&mut self) -> Result<(), Error> {
        self.pending.take().map_or(Ok(()), |pending| self.read(&pending))
    }

    fn read(&mut self, pending: &Pending) -> Result<(), Error> {
        for measured in &pending.measured {
            for (name, value) in measured.read()? {
                if !value.is_finite() && ["loss", "norm"].contains(&name) {
                    let what = if name == "loss" { "loss" } else { "norm of the gradients" };
                    let Pending { step, rate, ref numbers, .. } = *pending;
                    let fault = Fault { what, value, step, rate, numbers };
                    return Err(fault.ends(&self.folder.bad_batch(), self.job));
                }
                self.progress.meter.add(&format!("train/{name}"), value);
            }
        }
        self.progress.meter.add("train/rate", pending.rate);
        Ok(())
    }

    /// Writes a line of what was measured since the last.
    pub(super) fn log(&mut self) -> Result<(), Error> {
        self.settle()?;
        let mut values = self.progress.meter.take();
        values.insert("train/samples_a_second".to_owned(), self.samples_a_second());
        self.logged = (Instant::now(), self.progress.step);
        self.told_of(values)
    }

    fn told_of(&mut self, values: BTreeMap<String, f64>) -> Result<(), Error> {
        let line = Line { step: self.progress.step, stamp: Wall.now().0, seconds: self.seconds(), values };
        self.events.add(&line)?;
        self.metrics.add(line)
    }

    /// Looks at the held-out episodes, and keeps the policies where they are the best so far.
    pub(super) fn look(&mut self, watch: &mut Watch<'_>) -> Result<(), Error> {
        self.settle()?;
        self.progress.looked = self.progress.step;
        let mut result = None;
        if let Some(windows) = self.job.held_out {
            let judgement = self.judge(windows)?;
            result = Some(judgement.loss());
            self.told_of(judgement.values())?;
        }
        if let Some(evaluate) = &mut watch.evaluate {
            let averages: Vec<&Policy> = self.members.iter().map(|member| &member.average).collect();
            let success = evaluate(&averages);
            self.told_of([("evaluation".to_owned(), success)].into())?;
            // More is better; results are kept as losses are.
            result = Some(-success);
        }
        match result.filter(|result| result.is_finite()) {
            Some(result) if self.progress.best.is_none_or(|(best, _)| result < best) => {
                self.progress.best = Some((result, self.progress.step));
                self.progress.since_best = 0;
                self.checkpoint(&self.folder.best())
            }
            Some(_) => {
                self.progress.since_best += 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn judge(&self, windows: &Windows) -> Result<Judgement, Error> {
        let averages: Vec<&Policy> = self.members.iter().map(|member| &member.average).collect();
        judge(&averages, windows, self.job, self.job.config.validation.batches)
    }

    fn checkpoint(&self, path: &Path) -> Result<(), Error> {
        let weights = |member: &Member| member.average.weights().named();
        let members: Vec<_> = self.members.iter().map(weights).collect();
        let (seed, steps) = (self.job.config.seed, self.progress.step);
        let origin = Origin { seed, steps, ..self.job.origin.clone() };
        let contents = checkpoint::Contents {
            spec: self.job.spec,
            statistics: self.job.statistics,
            settings: self.job.settings,
            members: &members,
            origin: &origin,
        };
        Ok(checkpoint::save(path, &contents)?)
    }

    /// Keeps everything: the checkpoint of this step, and then what the run goes on from.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        self.settle()?;
        self.checkpoint(&self.folder.last())?;
        self.metrics.settle()?;
        self.progress.seconds = self.seconds();
        let states = self.members.iter().enumerate();
        let tensors = states.flat_map(|(number, member)| member.state(&before(number))).collect();
        state::save(&self.folder.state(), tensors, &self.progress)?;
        report::write(&self.folder.report(), &self.facts, self.metrics.lines())
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
        let (steps, seconds, best) = (self.progress.step, self.seconds(), self.progress.best);
        let outcome = Outcome { ended, steps, seconds, best, judgement };
        self.facts.sentence = outcome.sentence();
        self.save()?;
        if best.is_none() {
            // Nothing said which is the best: the last one is what there is.
            self.checkpoint(&self.folder.best())?;
        }
        Ok(outcome)
    }

    /// What was found when the best was looked at.
    fn best_judgement(&self) -> Option<Judgement> {
        let (_, step) = self.progress.best?;
        let lines = self.metrics.lines().iter().rev();
        lines.filter(|line| line.step == step).find_map(|line| Judgement::of_values(&line.values))
    }

    /// How far it has come.
    pub(super) fn told(&self) -> Told {
        let share = self.share();
        let left = self.seconds() * (1.0 - share) / share.max(1e-9);
        let last =
            |name: &str| self.metrics.lines().iter().rev().find_map(|line| line.values.get(name).copied());
        Told {
            step: self.progress.step,
            share,
            samples_a_second: self.samples_a_second(),
            left: Duration::try_from_secs_f64(left).unwrap_or_default(),
            loss: last("train/loss"),
            validation: last("validation/loss"),
        }
    }

    /// The share of the run that is over.
    fn share(&self) -> f64 {
        let by_steps = self.most.map(|most| self.progress.step as f64 / most as f64);
        let by_clock = self.job.config.minutes.map(|minutes| self.seconds() / (60.0 * minutes));
        by_steps.into_iter().chain(by_clock).fold(0.0, f64::max).min(1.0)
    }

    fn seconds(&self) -> f64 {
        self.begun.0.elapsed().as_secs_f64() + self.begun.1
    }

    fn samples_a_second(&self) -> f64 {
        let (since, step) = self.logged;
        let (batch, of) = (self.job.config.batch as f64, self.job.config.accumulate as f64);
        let samples = (self.progress.step - step) as f64 * batch * of * self.members.len() as f64;
        samples / since.elapsed().as_secs_f64().max(1e-9)
    }
}

/// What stands before the names of a member's tensors.
fn before(number: usize) -> String {
    format!("{number}/")
}

/// How far a run had come, if it is of the same.
fn same(kept: &Kept, identity: &Identity, folder: &Folder) -> Result<Progress, Error> {
    match kept.progress.identity.differs(identity) {
        Some(differs) => Err(Error::Foreign { path: folder.state(), differs }),
        None => Ok(kept.progress.clone()),
    }
}

fn identity(job: &Job<'_>) -> Identity {
    let checksum =
        |text: String| Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let json = |value: Result<String, serde_json::Error>| value.expect("names and numbers can be written");
    Identity {
        policy: checksum(json(serde_json::to_string(job.spec))),
        data: checksum(json(serde_json::to_string(&(job.origin, job.learned.len())))),
        members: job.config.ensemble,
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let disk = |source| Error::Disk { path: path.to_owned(), source };
    let beside = path.with_extension("part");
    std::fs::write(&beside, text).map_err(disk)?;
    std::fs::rename(&beside, path).map_err(disk)
}
