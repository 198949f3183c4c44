//! The binary: parse, load the settings, start the named command, print an error once.
//!
//! An error comes up here as a chain of causes and is printed as one line; whether it was the user's (exit code 2) or
//! the world's (1) is told by its kind. Each command is a file of its own in `main/`.

#[path = "main"]
mod command {
    pub(crate) mod bag;
    #[cfg(feature = "learn")]
    pub(crate) mod calibrate;
    pub(crate) mod compose;
    #[cfg(feature = "learn")]
    pub(crate) mod course;
    #[cfg(all(feature = "learn", feature = "sim"))]
    pub(crate) mod dagger;
    pub(crate) mod dart;
    pub(crate) mod demo;
    pub(crate) mod doctor;
    #[cfg(all(feature = "learn", feature = "sim"))]
    pub(crate) mod eval;
    pub(crate) mod gate;
    pub(crate) mod notes;
    #[cfg(feature = "learn")]
    pub(crate) mod once;
    pub(crate) mod options;
    pub(crate) mod progress;
    pub(crate) mod record;
    pub(crate) mod ros_args;
    #[cfg(feature = "learn")]
    pub(crate) mod run;
    #[cfg(feature = "sim")]
    pub(crate) mod sim;
    pub(crate) mod standin;
    #[cfg(all(feature = "learn", feature = "sim"))]
    pub(crate) mod study;
    pub(crate) mod table;
    pub(crate) mod teleop;
    #[cfg(feature = "learn")]
    pub(crate) mod train;
}

use std::process::ExitCode;

use apprentice::config;
use clap::Parser;

use command::options::WrongUse;
use command::ros_args::RosArgs;
use command::{bag, compose, dart, demo, doctor, gate, record, ros_args, standin, teleop};

/// A robot's apprentice: records demonstrations, learns policies from them, acts, and is corrected.
#[derive(Parser)]
#[command(
    name = "apprentice",
    version,
    max_term_width = 132,
    after_help = "\
Exit codes: 0 done, 1 failed, 2 wrong use (of options or of settings).
Arguments between --ros-args and -- are taken as `ros2 run` and `ros2 launch` give them."
)]
struct Cli {
    /// Say more: once for details, twice for everything.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Record(record::Record),
    Teleop(teleop::Teleop),
    #[command(subcommand)]
    Bag(bag::Bag),
    #[command(subcommand)]
    Dart(dart::Noise),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    #[cfg(feature = "sim")]
    Sim(Box<command::sim::Sim>),
    #[cfg(feature = "learn")]
    Run(Box<command::run::Run>),
    Gate(gate::Gate),
    Compose(compose::Compose),
    #[cfg(feature = "learn")]
    Train(command::train::Train),
    #[cfg(all(feature = "learn", feature = "sim"))]
    Eval(command::eval::Eval),
    #[cfg(feature = "learn")]
    Calibrate(command::calibrate::Calibrate),
    #[cfg(all(feature = "learn", feature = "sim"))]
    Dagger(command::dagger::Dagger),
    #[cfg(all(feature = "learn", feature = "sim"))]
    #[command(subcommand)]
    Study(command::study::Study),
    #[command(hide = true)]
    Standin(standin::Standin),
}

impl Command {
    /// What its node is called where nothing else is asked for.
    fn node(&self) -> &'static str {
        match self {
            Self::Record(_) => "recorder",
            Self::Teleop(_) => "teleop",
            #[cfg(feature = "sim")]
            Self::Sim(_) => "simulator",
            #[cfg(feature = "learn")]
            Self::Run(run) => run.node(),
            Self::Gate(_) => "gate",
            #[cfg(feature = "learn")]
            Self::Train(_) => "trainer",
            _ => "apprentice",
        }
    }

    /// Whether it is a node, that goes on until it is stopped.
    fn is_node(&self) -> bool {
        match self {
            Self::Record(_) | Self::Teleop(_) | Self::Gate(_) => true,
            #[cfg(feature = "sim")]
            Self::Sim(_) => true,
            #[cfg(feature = "learn")]
            Self::Run(_) => true,
            _ => false,
        }
    }

    /// From which level on is logged where nothing else is said; less where what happens is told anyway.
    fn level(&self) -> &'static str {
        match self {
            Self::Demo(_) => "error",
            #[cfg(all(feature = "learn", feature = "sim"))]
            Self::Dagger(_) => "warn",
            _ => "info",
        }
    }
}

fn main() -> ExitCode {
    let (arguments, mut ros) = ros_args::split(std::env::args());
    let cli = Cli::parse_from(arguments);
    command::options::log(cli.verbose, cli.command.level(), &ros);
    let done = match cli.command {
        // Each of its nodes reads the files for itself.
        Command::Compose(nodes) => nodes.run(&ros),
        command => ros.read_files(command.node()).and_then(|()| start(command, &ros)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("apprentice: {error:#}");
            ExitCode::from(if error.is::<WrongUse>() || error.is::<config::Error>() { 2 } else { 1 })
        }
    }
}

fn start(command: Command, ros: &RosArgs) -> anyhow::Result<()> {
    match command {
        Command::Record(record) => record.run(ros),
        Command::Teleop(teleop) => teleop.run(ros),
        Command::Bag(bag) => bag.run(),
        Command::Dart(noise) => noise.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Demo(demo) => demo.run(ros),
        #[cfg(feature = "sim")]
        Command::Sim(sim) => sim.run(ros),
        #[cfg(feature = "learn")]
        Command::Run(run) => run.run(ros),
        Command::Gate(gate) => gate.run(ros),
        Command::Compose(nodes) => nodes.run(ros),
        #[cfg(feature = "learn")]
        Command::Train(train) => train.run(ros),
        #[cfg(all(feature = "learn", feature = "sim"))]
        Command::Eval(eval) => eval.run(),
        #[cfg(feature = "learn")]
        Command::Calibrate(calibrate) => calibrate.run(),
        #[cfg(all(feature = "learn", feature = "sim"))]
        Command::Dagger(dagger) => dagger.run(),
        #[cfg(all(feature = "learn", feature = "sim"))]
        Command::Study(study) => study.run(),
        Command::Standin(standin) => standin.run(ros),
    }
}
