//! The built binary as a process that goes on while the test does something else.
//!
//! It ends with the test at the latest: a process that is left behind keeps its domain, and the next test hears it.

#![allow(dead_code, reason = "each test file uses the part it needs")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apprentice::time::{Clock as _, Stamp, Wall};
use rustix::process::{Pid, Signal, kill_process};

use crate::cli::command;
use crate::patience;

/// A small machine that does something else beside.
const PATIENCE: Duration = Duration::from_secs(90);

/// A process that is ended with the test, and its log where somebody waits for a word in it.
pub(crate) struct Running {
    process: Child,
    log: Option<Receiver<String>>,
}

impl Running {
    /// Starts the binary with these words and paths.
    pub(crate) fn start<'a>(
        words: impl IntoIterator<Item = &'a str>,
        paths: &[&Path],
    ) -> anyhow::Result<Self> {
        let mut command = command(words, paths);
        let process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        Ok(Self { process, log: None })
    }

    /// Sends it a signal; when, by the machine's time.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<Stamp> {
        let at = Wall.now();
        kill_process(Pid::from_child(&self.process), signal)?;
        Ok(at)
    }

    /// Asks it to end.
    pub(crate) fn stop(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM).map(drop)
    }

    /// Kills it, as nothing can be caught that ends like that; when.
    pub(crate) fn kill(mut self) -> anyhow::Result<Stamp> {
        let at = self.signal(Signal::KILL)?;
        self.process.wait()?;
        Ok(at)
    }

    /// Waits until it says that in its log, and gives all that it said until then.
    pub(crate) fn says(&mut self, words: &str) -> anyhow::Result<String> {
        let log = self.process.stderr.take().context("it is piped")?;
        let (tell, told) = sync_channel(10_000);
        // It ends with the process, whose log is read to its end so that it does not wait for us.
        thread::spawn(move || {
            BufReader::new(log).lines().map_while(Result::ok).all(|line| tell.send(line).is_ok())
        });
        let (mut said, deadline) = (String::new(), Instant::now() + PATIENCE);
        while !said.contains(words) {
            let line = told.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            said.push_str(&line.with_context(|| format!("without a word of {words:?}: {said}"))?);
        }
        self.log = Some(told);
        Ok(said)
    }

    /// Waits for its end; the exit code and all that it said.
    pub(crate) fn end(mut self) -> anyhow::Result<(Option<i32>, String)> {
        let waited = patience::until("the process ends", PATIENCE, || Ok(self.process.try_wait()?.is_some()));
        if waited.is_err() {
            self.process.kill()?;
        }
        let mut said = String::new();
        self.process.stdout.take().context("it is piped")?.read_to_string(&mut said)?;
        match &self.log {
            Some(log) => said.extend(log.iter()),
            None => drop(self.process.stderr.take().context("it is piped")?.read_to_string(&mut said)?),
        }
        waited.with_context(|| said.clone())?;
        Ok((self.process.wait()?.code(), said))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended already cannot be ended.
        self.process.kill().unwrap_or_default();
        self.process.wait().map_or_else(drop, drop);
    }
}
