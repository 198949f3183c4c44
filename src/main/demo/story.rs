//! The story after its first part: demonstrations, a policy, corrections, and a page that shows it all.
//!
//! The task and its figures are chosen so that two cores come to the end in minutes and what happens can be seen: thirty demonstrations are
//! too few for a cube that may lie anywhere, and what is missing shows only where the policy goes by itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use apprentice::node::Stop;
use apprentice::train::report::page::{self, Page};

use super::Demo;
use super::recording::{Robot, record};
use crate::command::bag;
use crate::command::dagger::{Dagger, Loop, blind, words};
use crate::command::once::once;
use crate::command::options::put;
use crate::command::ros_args::RosArgs;

/// The world of the story.
const WORLD: &str = "pick";
/// Its settings and those they lie on, which are part of the binary.
const SETTINGS: [(&str, &str); 2] = [
    ("pick.yaml", include_str!("../../../config/pick.yaml")),
    ("sim_arm.yaml", include_str!("../../../config/sim_arm.yaml")),
];
/// What is learned: a head that is trained in a minute on a processor.
const HEAD: &str = "policy.head={mse: {}}";

/// How much of everything.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Learning")]
pub(super) struct Learning {
    /// Demonstrations to begin with
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    demonstrations: u32,
    /// Rounds of corrections
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Attempts a round
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    episodes: u32,
    /// Steps of training a round
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// How many attempts a policy is judged by
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    trials: u32,
    /// Attempts that are filmed, before and after
    #[arg(long, value_name = "N", default_value_t = 4)]
    films: u32,
}

/// Does what is not done yet, and tells it.
pub(super) fn tell(demo: &Demo, ros: &RosArgs) -> anyhow::Result<()> {
    let begun = Instant::now();
    std::fs::create_dir_all(&demo.out).with_context(|| format!("the folder {:?}", demo.out))?;
    let anew = std::fs::read_dir(&demo.out).is_ok_and(|mut entries| entries.next().is_none());
    let blind = blind(WORLD);
    put(&format!(
        "The story of a robot arm that learns from people, in a simulator. Everything goes to {}/.\n\
         \n\n1. A recording, as beside a real robot\n",
        demo.out.display()
    ))?;
    if let Some(why) = &blind {
        put(&format!(
            "No pictures can be drawn here, so cameras and films are skipped and all else is done: {why}\n"
        ))?;
    }
    let recorded = recorded(demo, blind.is_none(), ros)?;
    put("\n\n2. Demonstrations, a policy, and corrections")?;
    let rounds = words::<Dagger>(&demo.learning.said(&demo.out, blind.is_none())?)?.rounds()?;
    let path = demo.out.join("report.html");
    page(demo, &rounds, &recorded)?.write(&path)?;
    let took = begun.elapsed();
    put(&format!(
        "\n\n3. What came of it\n\n{}\n{}\n\nThe page: {}\n\n{}",
        rounds.sentence(),
        told(took, anew),
        path.display(),
        next().join("\n")
    ))?;
    Ok(())
}

/// The bag of the first part, recorded now or before.
fn recorded(demo: &Demo, cameras: bool, ros: &RosArgs) -> anyhow::Result<PathBuf> {
    let file = demo.out.join("recorded.json");
    let known = file.exists();
    let bag = once(&file, || {
        put(&format!(
            "A simulated arm{} starts as a process of its own; its expert picks up cubes.",
            if cameras { " with two cameras" } else { "" }
        ))?;
        record(
            demo,
            Robot::Simulator { cameras },
            ros,
            &Stop::on_signals().context("signals cannot be heard")?,
        )
    })?;
    if known {
        put(&format!("It is there already:\n\n{}", bag::info_of(&bag)?))?;
    }
    put(&format!("\nAny ROS 2 tool reads it: ros2 bag info {}", bag.display()))?;
    Ok(bag)
}

impl Learning {
    /// What is asked of `apprentice dagger`.
    fn said(&self, out: &Path, films: bool) -> anyhow::Result<Vec<String>> {
        let folder = out.join("config");
        std::fs::create_dir_all(&folder).with_context(|| format!("the folder {folder:?}"))?;
        for (name, text) in SETTINGS {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("{path:?}"))?;
        }
        let films = if films { self.films } else { 0 };
        let steps = format!("train.steps={}", self.steps);
        let path = |path: PathBuf| path.display().to_string();
        let said = [
            ("--config", path(folder.join(SETTINGS[0].0))),
            ("--world", WORLD.to_owned()),
            ("--gate", "human".to_owned()),
            ("--rounds", self.rounds.to_string()),
            ("--demonstrations", self.demonstrations.to_string()),
            ("--episodes", self.episodes.to_string()),
            ("--trials", self.trials.to_string()),
            ("--films", films.to_string()),
            ("--set", HEAD.to_owned()),
            ("--set", steps),
            ("--out", path(out.join("rounds"))),
        ];
        Ok(said.into_iter().flat_map(|(option, value)| [option.to_owned(), value]).collect())
    }
}

/// The page of the whole story.
fn page(demo: &Demo, rounds: &Loop, recorded: &Path) -> anyhow::Result<Page> {
    let lead = format!("{} All of it in a simulator, on a machine without a GPU.", rounds.sentence());
    let page = Page::of("A robot arm learns to put a cube into a bin").lead(&lead).part(&rounds.tiles());
    let bag = bag::info_of(recorded)?;
    let words = "Before anything was learned, an episode of the arm was recorded over DDS, from a process of its own, as it would be from a \
                 robot. The demonstrations and corrections went through the same recorder. Each is a bag that every ROS 2 tool reads:";
    let again = "Everything can be had again, step by step; all of it lies in the folder of this page.";
    let next: Vec<String> = next().into_iter().skip(1).map(|line| line.trim_start().to_owned()).collect();
    Ok(rounds
        .sections(page)?
        .section(
            "What was recorded",
            words,
            &page::commands(&bag.lines().map(str::to_owned).collect::<Vec<_>>()),
        )
        .section("The same by hand", again, &page::commands(&by_hand(&demo.learning)))
        .section(
            "The same with your robot",
            "One file describes it, as config/so101.yaml does.",
            &page::commands(&next),
        ))
}

/// The commands that this demonstration is made of.
fn by_hand(learning: &Learning) -> Vec<String> {
    let Learning { demonstrations, episodes, trials, rounds, steps, .. } = learning;
    let config = "--config config/pick.yaml";
    let head = format!("--set '{HEAD}' --set train.steps={steps}");
    vec![
        format!("apprentice sim --world {WORLD} --expert --episodes {demonstrations} --out demos {config}"),
        format!("apprentice train {config} {head} --bags demos --out runs/first"),
        format!("apprentice eval --policy runs/first --world {WORLD} --episodes {trials} --video films"),
        "# or all rounds at once, with a page of their own".to_owned(),
        format!(
            "apprentice dagger {config} {head} --world {WORLD} --gate human --rounds {rounds} --demonstrations {demonstrations} \
             --episodes {episodes} --trials {trials} --out runs/rounds"
        ),
    ]
}

/// What to do next, with a real robot.
fn next() -> Vec<String> {
    [
        "Next, with your robot, which one file describes as config/so101.yaml does:",
        "  apprentice doctor # what this machine lacks",
        "  apprentice record --config robot.yaml --out demos # 30 demonstrations: space starts and stops",
        "  apprentice train --config robot.yaml --bags demos --out runs/first",
        "  apprentice run --config robot.yaml --policy runs/first # r lets it go, t takes over",
        "  apprentice record --config robot.yaml --topic command --topic intervention --topic expert/command --out corrections # beside it",
        "  apprentice train --config robot.yaml --bags demos corrections --set train.from=runs/first --out runs/second",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// How long it took.
fn told(took: Duration, anew: bool) -> String {
    let minutes = took.as_secs_f64() / 60.0;
    match anew {
        true => format!("All of it took {minutes:.1} minutes."),
        false => format!(
            "What was left to do of it took {minutes:.1} minutes; to have all of it anew, remove the folder."
        ),
    }
}
