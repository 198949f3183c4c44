//! What several commands take: settings, the bus and its reach, and how much is logged.
//!
//! Taken from one place, an option has the same name, default and help in every command; and where nothing else is asked
//! for, the bus stays on this host: a trial must not be heard by somebody's robot.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use apprentice::bus::{self, Bus, Kind};
use apprentice::config::Settings;
use clap::ValueEnum as _;
use tracing_subscriber::EnvFilter;

use super::progress::Logged;
use super::ros_args::RosArgs;

/// A command line that asks for what cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

/// The settings of a command.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct SettingsArgs {
    /// A robot's file; several are laid on each other in order
    #[arg(long, short, value_name = "FILE")]
    pub(crate) config: Vec<PathBuf>,
    /// One setting on top of the files: `--set observe.rate_hz=20`
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    pub(crate) set: Vec<String>,
}

impl SettingsArgs {
    /// The settings, where there are any.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Settings>> {
        if self.config.is_empty() {
            return Ok(None);
        }
        Ok(Some(Settings::load(&self.config, &self.set)?))
    }
}

/// Which bus, and how far it reaches.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Bus")]
pub(crate) struct BusArgs {
    /// How messages travel: ros, the ROS 2 that is sourced; dds, as ROS 2 speaks it; local, in this process only
    #[arg(long, value_enum, default_value_t = BusKind::best())]
    pub(crate) bus: BusKind,
    /// The domain; where unsaid, what ROS_DOMAIN_ID says, else 0
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=232))]
    pub(crate) domain: Option<u16>,
    /// Meet nodes of other hosts too; without it the bus stays on this one
    #[arg(long)]
    pub(crate) off_host: bool,
}

/// The buses that can be asked for by name, the one that meets the most first.
// What each is, is said at the option: a doc comment here would spread every option of the help over three lines.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BusKind {
    #[cfg(feature = "ros")]
    Ros,
    #[cfg(feature = "dds")]
    Dds,
    Local,
}

impl BusKind {
    /// The bus that meets the most.
    pub(crate) fn best() -> Self {
        Self::value_variants()[0]
    }

    fn kind(self) -> Kind {
        match self {
            #[cfg(feature = "ros")]
            Self::Ros => Kind::Ros,
            #[cfg(feature = "dds")]
            Self::Dds => Kind::Dds,
            Self::Local => Kind::Local,
        }
    }
}

impl fmt::Display for BusKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            #[cfg(feature = "ros")]
            Self::Ros => "ros",
            #[cfg(feature = "dds")]
            Self::Dds => "dds",
            Self::Local => "local",
        })
    }
}

impl BusArgs {
    /// Where nodes are met, in words; nothing to say of a bus within this process.
    pub(crate) fn reach(&self) -> Result<Option<String>, WrongUse> {
        if self.bus == BusKind::Local {
            return Ok(None);
        }
        #[cfg(feature = "ros")]
        if self.bus == BusKind::Ros {
            return Ok(Some(format!("domain {}, as far as ROS 2 is set to reach", self.told_domain()?)));
        }
        let reach = if self.off_host { "this host and others" } else { "this host only" };
        Ok(Some(format!("domain {}, {reach}", self.told_domain()?)))
    }

    /// Whether no option of ours would have it reach further.
    pub(crate) fn reaches_far(&self) -> bool {
        #[cfg(feature = "ros")]
        if self.bus == BusKind::Ros {
            return true;
        }
        self.off_host
    }

    /// The domain. What a variable says wrongly is wrong use, as it is of the option.
    fn told_domain(&self) -> Result<u16, WrongUse> {
        let options = bus::Options { domain: self.domain, ..bus::Options::default() };
        options.domain().map_err(|error| WrongUse(error.to_string()))
    }

    /// Opens the bus for the node `node`, unless the ROS arguments call it otherwise.
    pub(crate) fn open(&self, node: &str, ros: &RosArgs) -> anyhow::Result<Arc<dyn Bus>> {
        self.open_as(node, ros, false)
    }

    /// The same for a node that collects and answers nobody.
    pub(crate) fn open_unhurried(&self, node: &str, ros: &RosArgs) -> anyhow::Result<Arc<dyn Bus>> {
        self.open_as(node, ros, true)
    }

    fn open_as(&self, node: &str, ros: &RosArgs, unhurried: bool) -> anyhow::Result<Arc<dyn Bus>> {
        for undone in &ros.undone {
            tracing::warn!("{undone} is not something that this program does: ignored");
        }
        for (name, value) in &ros.parameters {
            tracing::warn!("{node} has no parameter {name:?}: {value:?} is ignored");
        }
        let options = bus::Options {
            kind: self.bus.kind(),
            node: ros.node.clone().unwrap_or_else(|| node.to_owned()),
            namespace: ros.namespace.clone().unwrap_or_default(),
            domain: Some(self.told_domain()?),
            leave_host: self.off_host,
            sim_time: ros.sim_time,
            unhurried,
            buffer: None,
        };
        Ok(bus::open(&options)?)
    }
}

/// Logs to standard error, above whatever stands at the foot of the terminal, from `level` on where nobody says more.
pub(crate) fn log(verbose: u8, level: &str, ros: &RosArgs) {
    let level = ros.log_level.as_deref().unwrap_or(match verbose {
        0 => level,
        1 => "debug",
        _ => "trace",
    });
    // What a library's trouble means is said by our own errors; its words come with -v.
    let others = ["off", "error"].get(usize::from(verbose)).copied().unwrap_or(level);
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{others},apprentice={level}")))
        .with_target(verbose > 0)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Logged);
    match verbose {
        0 => lines.without_time().init(),
        _ => lines.init(),
    }
}

/// A length in seconds, above zero.
pub(crate) fn seconds(text: &str) -> anyhow::Result<Duration> {
    let seconds = f64::from_str(text).context("no number")?;
    anyhow::ensure!(seconds > 0.0, "not above zero");
    Ok(Duration::try_from_secs_f64(seconds)?)
}

/// `key=value`.
pub(crate) fn key_value(text: &str) -> anyhow::Result<(String, String)> {
    let (key, value) = text.split_once('=').context("no `=`: it reads KEY=VALUE")?;
    anyhow::ensure!(!key.is_empty(), "no key before the `=`");
    Ok((key.to_owned(), value.to_owned()))
}

/// Prints `text` and ends its last line. A reader who has seen enough, as `head` has, is no error.
pub(crate) fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
