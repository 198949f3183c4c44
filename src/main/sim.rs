//! `apprentice sim`: a world behind topics, and the expert's demonstrations of it as bags.
//!
//! It decides nothing about the world: options are laid over the robot's file here, and the loop runs in the simulator's
//! room, where tests reach it without a command line.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use apprentice::bus::Node;
use apprentice::config::{self, Settings};
use apprentice::msg::Message as _;
use apprentice::msg::sensor::{CompressedImage, Image};
use apprentice::node::recorder::notes::{PROMPT, TASK};
use apprentice::node::recorder::{Outcome, Session};
use apprentice::node::simulator::{self, Options, Pace};
use apprentice::node::{Context, Stop};
use apprentice::sim::{self, CAMERAS, Conduct, Disturbance};
use apprentice::spec::Name;

use super::notes::{self, NoteArgs};
use super::options::{BusArgs, SettingsArgs, WrongUse, key_value};
use super::progress::Progress;
use super::ros_args::RosArgs;
use super::standin::sim_arm;

/// How a slide's name may end.
const SLIDES: [&str; 4] = ["png", "jpg", "jpeg", "gif"];
/// What is noted of play as its task.
const PLAY: &str = "move about, with nothing to be done";

/// Simulate an arm in a world, behind the topics of a real one
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Services: ~/reset (with a seed), ~/disturb. How the attempt stands: ~/result (latched). How the node is: /diagnostics.
Commands are taken on the topics that the robot's file names in act.parts.*.to; in lockstep on `command`; with --commands
on that topic alone.

Examples:
  apprentice sim --world reach
      in real time, on the bus; cameras, joints and /clock as the robot's file says
  apprentice sim --world pick --commands expert/command --config config/sim_arm_teleop.yaml
      driven by hand: `apprentice teleop keyboard` (or joy, or leader) in another terminal
  apprentice sim --world fork --rate lockstep --episodes 50 --cameras none
      each tick waits for the `command` stamped with its time: the same on every machine
  apprentice sim --world fork --expert --episodes 50 --out demos
      fifty demonstrations as bags, as fast as they can be made
  apprentice sim --world reach --expert --play --episodes 100 --cameras none --out play
      a hundred times of moving about, for a policy that is told what to reach
  apprentice sim --world push --seed 3 --slide push.png
      a picture of it, for whoever is to be shown")]
pub(crate) struct Sim {
    /// The world; `list` says which there are
    #[arg(long, value_name = "NAME")]
    world: String,
    /// The first attempt's seed; those that follow count up
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// How time passes: real, fast or lockstep [default: real; fast where demonstrations are collected]
    #[arg(long, value_name = "RATE")]
    rate: Option<Pace>,
    /// Obey the commands on this topic, as `apprentice teleop` sends them on expert/command
    #[arg(long, value_name = "TOPIC", value_parser = Name::parse, conflicts_with = "expert")]
    commands: Option<Name>,
    /// The world's own expert drives
    #[arg(long)]
    expert: bool,
    /// The expert drives by hand: the arm is limp, he drags it, and no command is sent
    #[arg(long, requires = "expert")]
    teach: bool,
    /// The expert has nothing to do and moves about for 10 to 20 seconds: to learn from with `data.goal`
    #[arg(long, requires = "expert", conflicts_with = "careless")]
    play: bool,
    /// The expert goes to a wrong place first, and notices late
    #[arg(long, requires = "expert")]
    careless: bool,
    /// How long the expert goes on when it is done, s: staying is learned too
    #[arg(long, value_name = "S", requires = "expert", default_value = "0.6", value_parser = lingering)]
    linger: Duration,
    /// Noise between what the expert means and what is executed, as `apprentice dart fit` makes it
    #[arg(long, value_name = "FILE", requires = "expert", conflicts_with = "teach")]
    dart: Option<PathBuf>,
    /// End after so many attempts, each with the next seed
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    episodes: Option<u32>,
    /// Begin the next attempt when one is over, instead of waiting for ~/reset
    #[arg(long)]
    auto_reset: bool,
    /// Record the expert's attempts into this folder, one bag each, on a bus within this process
    #[arg(long, short, value_name = "DIR", requires = "expert")]
    out: Option<PathBuf>,
    /// The cameras, separated by commas, or none [default: those that the robot's file observes]
    #[arg(long, value_name = "NAMES")]
    cameras: Option<String>,
    /// The size of every picture [default: what the robot's file says a policy sees]
    #[arg(long, value_name = "WxH", value_parser = size)]
    size: Option<[u32; 2]>,
    /// Send pictures as JPEG too
    #[arg(long)]
    jpeg: bool,
    /// Draw the expert's attempt, half-way through, into this file (png, jpg or gif), 1920x1080 or as --size says, and end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["expert", "rate", "commands", "episodes", "auto_reset", "disturb"])]
    slide: Option<PathBuf>,
    /// What goes wrong: sensor or action (noise, rad), latency (s), push (N); as in push=5 sensor=0.001
    #[arg(long, value_name = "KIND=SIZE", value_parser = key_value, num_args = 1..)]
    disturb: Vec<(String, String)>,
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(flatten)]
    notes: NoteArgs,
    #[command(flatten)]
    bus: BusArgs,
}

impl Sim {
    /// Simulates until a signal comes or as many attempts as wanted are over.
    pub(crate) fn run(self, ros: &RosArgs) -> anyhow::Result<()> {
        if self.world == "list" {
            return list();
        }
        if let Some(size) = self.size {
            sim::drawable(size).map_err(|error| WrongUse(format!("--size: {error}")))?;
        }
        if let Some(path) = &self.slide {
            return self.draw(path);
        }
        let settings = match self.settings.load()? {
            Some(settings) => settings,
            None => sim_arm()?,
        };
        let options = self.options(&settings)?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        if let Some(out) = self.out.clone() {
            return self.collect(&settings, &options, out, &stop);
        }
        let bus = self.bus.open("simulator", ros)?;
        tracing::info!("{}, seed {}: {}", options.world, options.seed, driven(&options));
        let attempts = simulator::run(&Context::new(bus, stop), &options, None)?;
        for attempt in &attempts {
            println!(
                "seed {}: {}, {:.1} s, score {:.2}",
                attempt.seed,
                if self.play { "over" } else { verdict(attempt.success) },
                attempt.seconds,
                attempt.score
            );
        }
        Ok(())
    }

    /// Draws the slide, unless it can be seen beforehand that this will not do.
    fn draw(&self, path: &Path) -> anyhow::Result<()> {
        let world = sim::world(&self.world).map_err(|error| WrongUse(error.to_string()))?;
        let known = path.extension().is_some_and(|ending| SLIDES.iter().any(|known| ending == *known));
        if !known || path.is_dir() {
            let endings = SLIDES.join(", ");
            return Err(WrongUse(format!("--slide {path:?}: a file that ends in one of {endings}")).into());
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(WrongUse(format!("--slide: there is no folder {folder:?}")).into());
        }
        Ok(simulator::slide(world.name, self.seed, self.size, path)?)
    }

    fn options(&self, settings: &Settings) -> anyhow::Result<Options> {
        let entry = sim::world(&self.world).map_err(|error| WrongUse(error.to_string()))?;
        let act = settings.act.clone().ok_or_else(|| {
            WrongUse(
                "the robot's file has no section `act`: the simulator does not know what moves it".into(),
            )
        })?;
        let pace = self.rate.unwrap_or(if self.out.is_some() { Pace::Fast } else { Pace::Real });
        if self.expert && pace == Pace::Lockstep {
            return Err(WrongUse(
                "lockstep waits for others' commands: with --expert nobody sends any".into(),
            )
            .into());
        }
        Ok(Options {
            world: entry.name.to_owned(),
            seed: self.seed,
            pace,
            joints: settings.robot.joints.clone(),
            observe: settings.observe.clone(),
            act,
            commands: self.commands.clone(),
            cameras: self.cameras()?,
            size: self.size,
            jpeg: self.jpeg,
            disturbance: disturbance(&self.disturb)?,
            expert: self.expert,
            conduct: self.conduct(),
            teach: self.teach,
            linger: self.linger,
            dart: self.dart.as_deref().map(config::alone).transpose()?,
            auto_reset: self.auto_reset,
            episodes: self.episodes,
        })
    }

    fn conduct(&self) -> Conduct {
        match (self.play, self.careless) {
            (true, _) => Conduct::Playful,
            (_, true) => Conduct::Careless,
            (false, false) => Conduct::Careful,
        }
    }

    fn cameras(&self) -> Result<Option<Vec<String>>, WrongUse> {
        let Some(said) = self.cameras.as_deref() else { return Ok(None) };
        if said == "none" {
            return Ok(Some(Vec::new()));
        }
        let names: Vec<String> = said.split(',').map(str::to_owned).collect();
        match names.iter().find(|name| !CAMERAS.contains(&name.as_str())) {
            Some(name) => {
                Err(WrongUse(format!("{name:?} is no camera; there are {}, or none", CAMERAS.join(" and "))))
            }
            None => Ok(Some(names)),
        }
    }

    fn collect(
        self,
        settings: &Settings,
        options: &Options,
        out: PathBuf,
        stop: &Stop,
    ) -> anyhow::Result<()> {
        let node = Node::new("recorder", "")?;
        let settings = &seen_by(settings, options.cameras.as_deref());
        let expected = settings.expected(&node)?;
        let mut notes = notes::of_robot(settings, &node)?;
        let about = if self.play { PLAY } else { sim::world(&options.world)?.about };
        notes.extend([TASK, PROMPT].map(|key| (key.to_owned(), about.to_owned())));
        notes.extend(self.notes.notes());
        let wanted = options.episodes.unwrap_or(1);
        let mut progress = Progress::begin(&options.world, u64::from(wanted), "demonstrations");
        let session = Session { out, notes, ..Session::default() };
        let mut well = 0;
        let outcome =
            simulator::collect(options, &expected, settings.record.clone(), session, stop, |collected| {
                well += u32::from(collected.attempt.success);
                progress.step();
                tracing::debug!(?collected, "kept");
            })?;
        drop(progress);
        say(&outcome, (!self.play).then_some(well));
        anyhow::ensure!(outcome.failed == 0, "{} episodes ended early", outcome.failed);
        Ok(())
    }
}

/// The settings without the cameras that are not drawn: a bag is held to what is noted in it.
fn seen_by(settings: &Settings, cameras: Option<&[String]>) -> Settings {
    let mut settings = settings.clone();
    settings.observe.streams.retain(|_, stream| {
        let pictures = [Image::TYPE, CompressedImage::TYPE].contains(&stream.type_name.as_str());
        let camera = sim::camera_of(stream.topic.as_str()).filter(|_| pictures);
        camera.zip(cameras).is_none_or(|(camera, drawn)| drawn.iter().any(|drawn| drawn == camera))
    });
    settings
}

/// Who moves the arm: at the terminal nothing else shows that a world is there and waits.
fn driven(options: &Options) -> String {
    let to = options.act.parts.values().map(|part| part.to.topic.as_str());
    let topics: BTreeSet<&str> = match &options.commands {
        Some(topic) => [topic.as_str()].into(),
        None if options.pace == Pace::Lockstep => ["command"].into(),
        None => to.collect(),
    };
    match options.expert {
        true => "its expert drives".to_owned(),
        false => format!("commands are taken on {}", topics.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// What was kept, and where it is known how many of it went well.
fn say(outcome: &Outcome, well: Option<u32>) {
    let (first, last) = (outcome.kept.first(), outcome.kept.last());
    let (Some(first), Some(last)) = (first, last) else {
        println!("nothing was kept");
        return;
    };
    let failed = well.map_or(0, |well| outcome.kept.len() as u64 - u64::from(well));
    if 2 * failed > outcome.kept.len() as u64 {
        tracing::warn!(
            "most of them failed, and who learns from them learns to fail: --dart and --disturb may be too much for the expert"
        );
    }
    let sum = |of: fn(&apprentice::node::recorder::Kept) -> u64| outcome.kept.iter().map(of).sum::<u64>();
    println!(
        "{} demonstrations{}, {} to {}: {} messages, {:.1} MB, {} lost",
        outcome.kept.len(),
        well.map_or_else(String::new, |well| format!(", {well} of them successful")),
        first.path.display(),
        last.path.display(),
        sum(|kept| kept.messages),
        sum(|kept| kept.bytes) as f64 / 1e6,
        sum(|kept| kept.lost)
    );
}

fn list() -> anyhow::Result<()> {
    let lines: Vec<String> =
        sim::WORLDS.iter().map(|entry| format!("{:8} {}", entry.name, entry.about)).collect();
    Ok(super::options::put(&lines.join("\n"))?)
}

/// What `--disturb` asks for.
pub(crate) fn disturbance(asked: &[(String, String)]) -> Result<Disturbance, WrongUse> {
    let wrong = |error: sim::Error| WrongUse(error.to_string());
    asked.iter().try_fold(Disturbance::default(), |disturbance, (kind, size)| {
        let number = size.parse().map_err(|_no| WrongUse(format!("--disturb {kind}={size}: no number")))?;
        disturbance.with(kind.parse().map_err(wrong)?, number).map_err(wrong)
    })
}

fn verdict(success: bool) -> &'static str {
    if success { "done" } else { "failed" }
}

fn lingering(text: &str) -> anyhow::Result<Duration> {
    Ok(Duration::try_from_secs_f64(text.parse()?)?)
}

fn size(text: &str) -> anyhow::Result<[u32; 2]> {
    let (width, height) = text.split_once('x').context("no `x`: it reads WIDTHxHEIGHT, as in 96x96")?;
    Ok([width.parse()?, height.parse()?])
}
