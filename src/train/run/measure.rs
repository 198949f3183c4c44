//! What a run measures: fetched from where it was computed, looked at, and written as lines of metrics.
//!
//! What a step measured is fetched one step later, so that a GPU that is handed the next step is not waited for; before anything is
//! written, judged or kept it is fetched at once.

use std::collections::BTreeMap;

use super::Run;
use crate::time::{Clock, Wall};
use crate::train::Error;
use crate::train::fault::Fault;
use crate::train::member::Measured;
use crate::train::metrics::Line;

/// What is not fetched yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) step: u64,
    pub(super) rate: f64,
    pub(super) measured: Vec<Measured>,
    /// The windows of each member.
    pub(super) numbers: Vec<Vec<u32>>,
}

impl Run<'_> {
    /// Keeps what a step measured until the next, and reads what was kept of the one before.
    pub(super) fn measured(&mut self, pending: Pending) -> Result<(), Error> {
        match self.pending.replace(pending) {
            Some(earlier) => self.read(&earlier),
            None => Ok(()),
        }
    }

    /// Fetches what is not fetched yet.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
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
    pub(in crate::train) fn log(&mut self) -> Result<(), Error> {
        self.settle()?;
        let step = self.progress.step;
        let mut values = self.progress.meter.take();
        values.insert("train/samples_a_second".to_owned(), self.pace.samples_a_second(step));
        self.pace.log(step);
        self.write(values)
    }

    /// Writes a line of these.
    pub(super) fn write(&mut self, values: BTreeMap<String, f64>) -> Result<(), Error> {
        let (step, seconds) = (self.progress.step, self.pace.seconds());
        let line = Line { step, stamp: Wall.now().0, seconds, values };
        self.events.add(&line)?;
        self.metrics.add(line)
    }
}
