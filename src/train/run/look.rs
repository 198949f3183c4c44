//! How good a run's policies are: the look at held-out episodes, and which step was the best.
//!
//! The averages are looked at, not the policies that learn: they are what will act. Whoever waits for the run may say how good they
//! are, by letting them act, and then that decides.

use super::Run;
use crate::policy::Policy;
use crate::train::judge::{Judgement, judge};
use crate::train::{Best, Error, Watch};

impl Run<'_> {
    /// Looks at the held-out episodes, and keeps the policies where they are the best so far.
    pub(in crate::train) fn look(&mut self, watch: &mut Watch<'_>) -> Result<(), Error> {
        self.settle()?;
        self.progress.looked = self.progress.step;
        let mut result = None;
        if let Some(windows) = self.job.held_out {
            let judgement = judge(&self.averages(), windows, self.job, self.job.config.validation.batches)?;
            result = Some(judgement.loss());
            self.write(judgement.values())?;
        }
        if let Some(evaluate) = &mut watch.evaluate {
            let success = evaluate(&self.averages());
            self.write([("evaluation".to_owned(), success)].into())?;
            // More is better; results are kept as losses are.
            result = Some(-success);
        }
        let any = watch.evaluate.is_none() && self.job.config.validation.best == Best::Last;
        match result.filter(|result| result.is_finite()) {
            Some(result) if any || self.progress.best.is_none_or(|(best, _)| result < best) => {
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

    /// What was found when the best was looked at.
    pub(super) fn best_judgement(&self) -> Option<Judgement> {
        let (_, step) = self.progress.best?;
        let lines = self.metrics.lines().iter().rev();
        lines.filter(|line| line.step == step).find_map(|line| Judgement::of_values(&line.values))
    }

    fn averages(&self) -> Vec<&Policy> {
        self.members.iter().map(|member| &member.average).collect()
    }
}
