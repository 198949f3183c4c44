//! The rounds beside a robot, where people show and correct: what they do is waited for, all else is as in a world.
//!
//! Recordings are all that passes between the robot and this. So it may run on another machine that sees the same folder, and what
//! people recorded is never thrown away: a round that was interrupted goes on with what is there. Nobody tries a policy alone a
//! hundred times on a robot; what is known of it is how often it came through the next round without help.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apprentice::bag;
use apprentice::config::Settings;
use apprentice::msg::Message as _;
use apprentice::msg::own::{Command, Intervention};
use apprentice::node::Stop;
use apprentice::node::recorder::notes::SUCCESS;
use apprentice::train::interact::{Tally, turns};
use apprentice::train::interval::wilson;
use apprentice::train::report::chart::{Along, Chart, Curve, Values};
use apprentice::train::report::page::{self, Page, figures};
use apprentice::train::report::ribbon::{Ribbon, legend, ribbons};
use apprentice::wire::Sample;
use serde::{Deserialize, Serialize};

use super::attempts::COMMAND;
use super::page::share;
use super::{Dagger, Gate, PAGE};
use crate::command::once::once;
use crate::command::options::{WrongUse, put};
use crate::command::table::Table;

/// How often it is looked whether people have recorded more.
const LOOK: Duration = Duration::from_millis(250);
/// What a recording of attempts needs beside what the robot's file names: who drove, why, and what the person wanted.
const TOPICS: [&str; 3] = ["command", "intervention", "expert/command"];

/// What is told of a round; numbers are marked.
const HEADS: [&str; 9] = [
    "round",
    ">labels",
    ">taken over",
    ">policy",
    ">people",
    ">held",
    ">succeeded",
    ">unaided",
    "95 % interval",
];

/// What people did in a round.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    tally: Tally,
    /// How many attempts succeeded without anybody taking over.
    unaided: u64,
    /// How many recordings say nothing of success.
    unsaid: u64,
    /// Who drove in each attempt, for how many seconds, one after another; and whether the task was done.
    turns: Vec<(Vec<(u8, f64)>, bool)>,
}

impl Dagger {
    /// Waits for people, round after round, trains on what they recorded, and shows what came of it.
    pub(super) fn with_people(mut self) -> anyhow::Result<()> {
        ensure!(
            self.gate == Gate::Human,
            WrongUse("--gate: beside a robot its own gate decides, as control.gate says; with --world it is chosen here".into())
        );
        if let Some(minutes) = self.minutes {
            self.settings.set.push(format!("train.minutes={minutes}"));
        }
        self.settings.set.push("data.failures=keep".to_owned());
        let settings = self.load()?;
        self.settle(&settings)?;
        let stop = Stop::on_signals().context("signals cannot be heard")?;
        let mut rounds = Vec::new();
        for number in 0..=self.rounds {
            let folder = self.folder(number);
            let recorded = once(&folder.join("collected.json"), || self.wait(&settings, number, &stop))?;
            let run = folder.join("run");
            once(&folder.join("trained.json"), || self.train(number, &run, &stop))?;
            rounds.push(recorded);
            put(&format!("\n{}", table(&rounds)))?;
            self.page_of(&settings, &rounds)?.write(&self.out.join(PAGE))?;
        }
        let last = self.folder(self.rounds).join("run");
        put(&format!("The page: {}\nThe last policy: {}", self.out.join(PAGE).display(), self.acting(&last)))
            .map_err(Into::into)
    }

    /// Waits until people have recorded what a round takes, and reads who drove.
    fn wait(&self, settings: &Settings, number: u32, stop: &Stop) -> anyhow::Result<Recorded> {
        let bags = self.folder(number).join("bags");
        fs::create_dir_all(&bags).with_context(|| format!("the folder {bags:?}"))?;
        put(&self.asked(number, &bags))?;
        let wanted = if number == 0 { self.demonstrations } else { self.episodes };
        let mut seen = 0;
        let found = loop {
            let found = whole(&bags).with_context(|| format!("the folder {bags:?}"))?;
            // How long people will take nobody can say; what is there is said.
            if found.len() != seen {
                seen = found.len();
                put(&format!("{seen} of {wanted} recordings are there"))?;
            }
            if found.len() >= wanted as usize {
                break found;
            }
            ensure!(
                !stop.wished(),
                "stopped while waiting; what is recorded stays, and the same command goes on"
            );
            thread::sleep(LOOK);
        };
        let tick = Self::tick(settings)?;
        let mut recorded = Recorded { tally: Tally::default(), unaided: 0, unsaid: 0, turns: Vec::new() };
        for path in &found {
            recorded.add(path, number == 0, tick).with_context(|| format!("{path:?}"))?;
        }
        if recorded.unsaid > 0 {
            put(&format!(
                "{} of these recordings do not say whether the task was done, and count as if it was not: apprentice bag label",
                recorded.unsaid
            ))?;
        }
        Ok(recorded)
    }

    /// What people are asked to do in a round.
    fn asked(&self, number: u32, bags: &Path) -> String {
        let config = self.configs();
        let Self { demonstrations, episodes, .. } = self;
        let bags = bags.display();
        match number.checked_sub(1) {
            None => format!(
                "\nRound 0: show it {demonstrations} times. Beside the robot, with whatever you drive it by:\n  \
                 apprentice record{config} --out {bags} --episodes {demonstrations}"
            ),
            Some(before) => {
                let topics: String = TOPICS.map(|topic| format!(" --topic {topic}")).concat();
                format!(
                    "\nRound {number}: let it try {episodes} times, and take over where it goes astray. Beside the robot, each in a \
                     terminal of its own:\n  {}\n  apprentice record{config}{topics} --out {bags} --episodes {episodes}",
                    self.acting(&self.folder(before).join("run"))
                )
            }
        }
    }

    /// How the policy of that run is let drive.
    fn acting(&self, run: &Path) -> String {
        format!("apprentice run{} --policy {}", self.configs(), run.display())
    }

    fn configs(&self) -> String {
        self.settings.config.iter().map(|file| format!(" --config {}", file.display())).collect()
    }

    fn page_of(&self, settings: &Settings, rounds: &[Recorded]) -> anyhow::Result<Page> {
        let name = |number: usize| format!("round {number}");
        let corrected = || (0_u32..).map(f64::from).zip(rounds.iter().skip(1));
        let of = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        let chart = |title: &str, curves| Chart {
            along: Along::Named((1..rounds.len()).map(name).collect()),
            values: Values::Shares,
            ..Chart::of(title, curves)
        };
        let (unaided, ends) = corrected()
            .map(|(at, round)| ((at, of(round.unaided, round.tally.attempts)), round.interval()))
            .unzip();
        let unaided = Curve { label: "unaided".to_owned(), points: unaided, ends };
        let driven =
            corrected().map(|(at, round)| (at, of(round.tally.expert, round.tally.ticks()))).collect();
        let longest = rounds.iter().skip(1).flat_map(|round| &round.turns);
        let longest = longest.map(|(turns, _)| turns.iter().map(|(_, seconds)| seconds).sum::<f64>());
        let most = longest.fold(1.0, f64::max);
        let drawn = (1..).zip(rounds.iter().skip(1)).map(|(number, round): (usize, _)| {
            let of = |(turns, success): &(_, bool)| Ribbon { turns: Vec::clone(turns), success: *success };
            let all: Vec<Ribbon> = round.turns.iter().map(of).collect();
            let words = format!("{} attempts; people took over {} times", all.len(), round.tally.switches);
            ribbons(&format!("Round {number}"), &words, &all, most)
        });
        let drawn: Vec<String> = drawn.collect();
        let rows = rows(rounds);
        let mut page = Page::of(&format!("A policy for {}, corrected by people", settings.robot.name))
            .lead(&sentence(rounds))
            .part(&page::table(&HEADS, &rows));
        if rounds.len() > 1 {
            let charts = [
                chart("Attempts that it came through by itself", vec![unaided]).figure(),
                chart("Time that people drove", vec![Curve::of("people", driven)]).figure(),
            ];
            let words = "Of each round the policy that it began with. A tick at a ribbon's end says that the task was done, whoever \
                         drove then.";
            page = page.section("Who drove", words, &(figures(&charts) + &legend() + &figures(&drawn)));
        }
        let words =
            "Each round goes on from the policy of the round before, with all that was recorded so far.";
        Ok(page.section("How it was learned", words, &figures(&self.learning(rounds.len())?)))
    }
}

impl Recorded {
    /// Adds what the recording at `path` says; in a demonstration a person drives all along.
    fn add(&mut self, path: &Path, demonstration: bool, tick: Duration) -> anyhow::Result<()> {
        let mut bag = bag::open(path)?;
        let said = bag.notes().get(SUCCESS).cloned();
        let success = said.as_deref() == Some("true");
        self.unsaid += u64::from(said.is_none());
        let drivers = if demonstration {
            let length = bag.span().map_or(0.0, |(first, last)| last.since(first).as_secs_f64());
            vec![Intervention::HUMAN; (length / tick.as_secs_f64()).round() as usize]
        } else {
            let drove =
                |sample: Result<Sample, bag::Error>| anyhow::Ok(Command::decode(&sample?.cdr)?.driver);
            let drivers: Vec<u8> = bag.samples(&[COMMAND]).map(drove).collect::<anyhow::Result<_>>()?;
            ensure!(
                !drivers.is_empty(),
                "it does not say who drove: record it with {}",
                TOPICS.map(|topic| format!("--topic {topic}")).join(" ")
            );
            drivers
        };
        self.tally.add(success, drivers.iter().copied());
        let aided = drivers.contains(&Intervention::HUMAN);
        self.unaided += u64::from(success && !aided);
        self.turns.push((turns(drivers, tick), success));
        Ok(())
    }

    /// Where the share that succeeds unaided lies, with 95 % confidence.
    fn interval(&self) -> [f64; 2] {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        wilson(count(self.unaided), count(self.tally.attempts))
    }
}

/// The recordings in the folder that are whole, by name: a writer at work leaves no metadata yet.
fn whole(bags: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(bags)? {
        let path = entry?.path();
        if path.join("metadata.yaml").exists() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn sentence(rounds: &[Recorded]) -> String {
    let shown = rounds.first().map_or(0, |round| round.tally.attempts);
    match &rounds[1.min(rounds.len())..] {
        [] => format!("It was shown {shown} times."),
        [first, .., last] => {
            let of = |round: &Recorded| share(round.unaided as f64 / round.tally.attempts.max(1) as f64);
            format!(
                "What a policy learned from {shown} demonstrations came through {} of its attempts by itself; after {} corrected rounds \
                 it was {}.",
                of(first),
                rounds.len() - 2,
                of(last)
            )
        }
        [only] => {
            let share = share(only.unaided as f64 / only.tally.attempts.max(1) as f64);
            format!(
                "What a policy learned from {shown} demonstrations came through {share} of its attempts by itself."
            )
        }
    }
}

fn table(rounds: &[Recorded]) -> String {
    let mut table = Table::new(&HEADS);
    rows(rounds).into_iter().for_each(|row| table.row(row));
    table.to_string()
}

/// What came of each round; labels are counted from the first.
fn rows(rounds: &[Recorded]) -> Vec<Vec<String>> {
    let mut labels = 0;
    let row = |(number, round): (usize, &Recorded)| {
        let tally = &round.tally;
        labels += tally.expert;
        let of = |part: u64, whole: u64| format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64);
        let ticks = |part| of(part, tally.ticks());
        let [low, high] = round.interval().map(|end| format!("{:.1} %", 100.0 * end));
        // Demonstrations try no policy.
        let (unaided, interval) = match number {
            0 => (String::new(), String::new()),
            _ => (of(round.unaided, tally.attempts), format!("{low} to {high}")),
        };
        vec![
            number.to_string(),
            labels.to_string(),
            if number == 0 { "0".to_owned() } else { tally.switches.to_string() },
            ticks(tally.policy),
            ticks(tally.expert),
            ticks(tally.hold),
            of(tally.successes, tally.attempts),
            unaided,
            interval,
        ]
    };
    rounds.iter().enumerate().map(row).collect()
}
