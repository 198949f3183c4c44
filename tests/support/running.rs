//! The built binary as a process that goes on while the test does something else.
//!
//! It ends with the test at the latest: a process that is left behind keeps its domain, and the next test hears it.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::time::{Clock as _, Stamp, Wall};
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::command;
use crate::patience;

/// A small machine that does something else beside.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that is ended with the test.
pub(crate) struct Running(Child);

impl Running {
    /// Starts the binary with these words and paths.
    pub(crate) fn start<'a>(
        words: impl IntoIterator<Item = &'a str>,
        paths: &[&Path],
    ) -> anyhow::Result<Self> {
        let mut command = command(words, paths);
        Ok(Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?))
    }

    /// Sends it a signal; when, by the machine's time.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<Stamp> {
        let at = Wall.now();
        kill_process(Pid::from_child(&self.0), signal)?;
        Ok(at)
    }

    /// Asks it to end.
    pub(crate) fn stop(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM).map(drop)
    }

    /// Kills it, as nothing can be caught that ends like that; when.
    pub(crate) fn kill(mut self) -> anyhow::Result<Stamp> {
        let at = self.signal(Signal::KILL)?;
        self.0.wait()?;
        Ok(at)
    }

    /// Waits until it says that in its log, and gives all that it said until then.
    pub(crate) fn says(&mut self, words: &str) -> anyhow::Result<String> {
        let mut log = BufReader::new(self.0.stderr.take().context("it is piped")?);
        let mut said = String::new();
        while !said.contains(words) {
            ensure!(log.read_line(&mut said)? > 0, "it ended without a word of {words:?}: {said}");
        }
        self.0.stderr = Some(log.into_inner());
        Ok(said)
    }

    /// Waits for its end; the exit code and all that it said.
    pub(crate) fn end(mut self) -> anyhow::Result<(Option<i32>, String)> {
        let waited = patience::until("the process ends", PATIENCE, || Ok(self.0.try_wait()?.is_some()));
        if waited.is_err() {
            self.0.kill()?;
        }
        let mut said = String::new();
        self.0.stdout.take().context("it is piped")?.read_to_string(&mut said)?;
        self.0.stderr.take().context("it is piped")?.read_to_string(&mut said)?;
        waited.with_context(|| said.clone())?;
        Ok((self.0.wait()?.code(), said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be ended.
        self.0.kill().unwrap_or_default();
        self.0.wait().map_or_else(drop, drop);
    }
}
