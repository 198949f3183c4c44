//! The rounds as a page: how often the policy succeeds, who drove, what a correction looks like, and how it was learned.
//!
//! Everything is drawn from what the steps left in the folder; the page of a loop that goes on is made anew after every round. The
//! demonstration of this program shows the same parts with a story around them.

use std::path::Path;

use anyhow::Context as _;
use apprentice::msg::own::Intervention;
use apprentice::train::interact::Drove;
use apprentice::train::interval::wilson;
use apprentice::train::metrics;
use apprentice::train::report::chart::{Along, Chart, Curve, Values};
use apprentice::train::report::page::{self, Page, figures};
use apprentice::train::report::ribbon::{Ribbon, class, legend, ribbons};
use apprentice::train::report::{charts, moving};

use super::attempts::attempts;
use super::step::{Corrected, Filmed};
use super::told::{heads, rows};
use super::{Dagger, Gate, Loop, Round};

/// What of a run's metrics is shown of every round.
const SHOWN: [&str; 2] = ["Loss", "Error of the actions on held-out episodes"];

impl Loop {
    /// The page, as far as the rounds have come.
    pub(super) fn page(&self) -> anyhow::Result<Page> {
        let (Dagger { gate, .. }, world) = (&self.about, self.about.world());
        let by = match gate {
            Gate::Human => "by an expert who takes over where it strays",
            Gate::Doubt => "by an expert whom it asks where it doubts",
            Gate::Beta => "by an expert who says all along what he would do",
        };
        let page = Page::of(&format!("A policy for {world}, corrected {by}"));
        self.sections(page.lead(&self.sentence()).part(&self.tiles()))
    }

    /// What came of it, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let [Some(first), Some(last)] = [self.rounds.first(), self.rounds.last()] else {
            return String::new();
        };
        let shown = first.collected.tally.attempts;
        let before = format!(
            "What a policy learned from {shown} demonstrations succeeds in {} of its attempts",
            share(first.judged.share)
        );
        match self.rounds.len() {
            1 => format!("{before}."),
            number => {
                let rounds =
                    if number == 2 { "one round".to_owned() } else { format!("{} rounds", number - 1) };
                format!("{before}; after {rounds} of corrections it is {}.", share(last.judged.share))
            }
        }
    }

    /// The figures to be seen first.
    pub(crate) fn tiles(&self) -> String {
        let [Some(first), Some(last)] = [self.rounds.first(), self.rounds.last()] else {
            return String::new();
        };
        let trials = self.about.trials;
        let corrections: u64 = self.rounds.iter().skip(1).map(|round| round.collected.labels).sum();
        let takeovers: u64 = self.rounds.iter().skip(1).map(|round| round.collected.tally.switches).sum();
        let rate = self.settings.act.as_ref().map_or(1.0, |act| act.rate_hz);
        let seconds = |labels: u64| format!("{:.0} s", labels as f64 / rate);
        let interval = |round: &Round| {
            let [low, high] = round.judged.interval.map(share);
            format!("{trials} attempts alone; 95 % interval {low} to {high}")
        };
        let shown = first.collected.tally.attempts;
        let (taken, showing) = (seconds(corrections), seconds(first.collected.labels));
        let attempts: u64 = self.rounds.iter().skip(1).map(|round| round.collected.tally.attempts).sum();
        let mut tiles = vec![
            ["demonstrations".to_owned(), shown.to_string(), format!("{showing} of the expert's driving")],
            ["success after demonstrations".to_owned(), share(first.judged.share), interval(first)],
        ];
        if self.rounds.len() > 1 {
            let means =
                format!("in {attempts} attempts of the policy; {takeovers} times the expert took over");
            tiles.push(["driving that corrected".to_owned(), taken, means]);
            tiles.push(["success after corrections".to_owned(), share(last.judged.share), interval(last)]);
        }
        let tiles: Vec<[&str; 3]> = tiles.iter().map(|tile| tile.each_ref().map(String::as_str)).collect();
        page::tiles(&tiles)
    }

    /// Everything below what is to be seen first.
    pub(crate) fn sections(&self, mut page: Page) -> anyhow::Result<Page> {
        let shared = self.shared()?;
        let mut drawn = vec![self.success()];
        drawn.extend(self.interventions(&shared));
        page = page
            .section(
                "How often it succeeds, and how much help it needs",
                "Each round the policy is tried alone, on starts that it has never met. The bars say where the true share lies, with 95 % \
                 confidence.",
                &figures(&drawn),
            )
            .part(&page::table(&heads(), &rows(&self.rounds)));
        if let Some(pairs) = self.pairs()? {
            let words = "The first attempts of both trials, from the same starts: on the left after demonstrations alone, on the right after \
                         the corrections.";
            page = page.section("Before and after", words, &pairs);
        }
        if !shared.is_empty() {
            let words = "Every attempt from which the policy learned more, as long as it took. A tick at its end says that the task was done, \
                         whoever drove then.";
            page = page.section("Who drove", words, &(legend() + &self.ribbons(&shared)));
        }
        if let Some(corrections) = self.corrections()? {
            let words = "The border of the picture and the ground of the chart say who drives: blue the policy, orange the expert. Only what \
                         the expert did is learned from.";
            page = page.section("What a correction looks like", words, &corrections);
        }
        let words =
            "Each round goes on from the policy of the round before, with all that was recorded so far.";
        Ok(page.section("How it was learned", words, &figures(&self.about.learning(self.rounds.len())?)))
    }

    /// The attempts of every round that were shared, with the number of the round.
    fn shared(&self) -> anyhow::Result<Vec<(usize, Vec<Drove>)>> {
        let tick = Dagger::tick(&self.settings)?;
        let rounds = (0..).zip(&self.rounds).skip(1);
        let of = |(number, _): (u32, _)| {
            Ok((number as usize, attempts(&self.about.folder(number).join("bags"), tick)?))
        };
        rounds.map(of).collect()
    }

    fn names(&self, skipped: usize) -> Along {
        let name = |number: usize| match number {
            0 => "demonstrations".to_owned(),
            _ => format!("round {number}"),
        };
        Along::Named((skipped..self.rounds.len()).map(name).collect())
    }

    fn success(&self) -> String {
        let places = (0..).map(f64::from).zip(&self.rounds);
        let (points, ends) =
            places.map(|(at, round)| ((at, round.judged.share), round.judged.interval)).unzip();
        let curve = Curve { label: "the policy alone".to_owned(), points, ends };
        let chart =
            Chart { along: self.names(0), values: Values::Shares, ..Chart::of("Success alone", vec![curve]) };
        Chart { words: format!("{} attempts each", self.about.trials), ..chart }.figure()
    }

    /// How much the expert had to do, round after round.
    fn interventions(&self, shared: &[(usize, Vec<Drove>)]) -> Option<String> {
        let (mut drove, mut met, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for (at, (number, attempts)) in (0..).map(f64::from).zip(shared) {
            let tally = &self.rounds.get(*number)?.collected.tally;
            let helped = attempts.iter().filter(|attempt| attempt.takeovers() > 0).count();
            drove.push((at, tally.expert as f64 / tally.ticks().max(1) as f64));
            met.push((at, helped as f64 / attempts.len().max(1) as f64));
            ends.push(wilson(helped, attempts.len()));
        }
        let curves = vec![
            Curve { label: "attempts that needed help".to_owned(), points: met, ends },
            Curve::of("time the expert drove", drove),
        ];
        let chart =
            Chart { along: self.names(1), values: Values::Shares, ..Chart::of("Help it needed", curves) };
        let words = "while it was being corrected".to_owned();
        (!shared.is_empty()).then(|| Chart { words, ..chart }.figure())
    }

    fn ribbons(&self, shared: &[(usize, Vec<Drove>)]) -> String {
        let longest = shared.iter().flat_map(|(_, attempts)| attempts);
        let longest = longest.map(|attempt| attempt.tick.as_secs_f64() * attempt.ticks.len() as f64);
        let most = longest.fold(1.0, f64::max);
        let drawn = shared.iter().map(|(number, attempts)| {
            let takeovers: usize = attempts.iter().map(Drove::takeovers).sum();
            let of = |attempt: &Drove| Ribbon { turns: attempt.turns(), success: attempt.success };
            let all: Vec<Ribbon> = attempts.iter().map(of).collect();
            let words = format!("{} attempts; the expert took over {takeovers} times", all.len());
            ribbons(&format!("Round {number}"), &words, &all, most)
        });
        figures(&drawn.collect::<Vec<_>>())
    }

    /// Films from the same starts, before and after, where there are any.
    fn pairs(&self) -> anyhow::Result<Option<String>> {
        let last = u32::try_from(self.rounds.len()).unwrap_or(u32::MAX).saturating_sub(1);
        let [Some(before), Some(after)] = [self.rounds.first(), self.rounds.get(last as usize)] else {
            return Ok(None);
        };
        let mut drawn = Vec::new();
        for film in before.judged.films.iter().filter(|_| last > 0) {
            let Some(other) = after.judged.films.iter().find(|other| other.seed == film.seed) else {
                continue;
            };
            let folders = [self.about.folder(0), self.about.folder(last)];
            let films = [moved(&folders[0], film)?, moved(&folders[1], other)?];
            let said = [film, other].map(|film| (ended(film), film.success));
            let pair = [0, 1].map(|side| (films[side].as_str(), said[side].0.as_str(), said[side].1));
            drawn.push(page::figure(&format!("Start {}", drawn.len() + 1), "", &moving::pair(pair)));
        }
        Ok((!drawn.is_empty()).then(|| page::broad_figures(&drawn)))
    }

    /// Attempts that were corrected, where there are films of them.
    fn corrections(&self) -> anyhow::Result<Option<String>> {
        let mut drawn = Vec::new();
        for (number, round) in (0..).zip(&self.rounds) {
            for corrected in &round.corrected {
                let film = moved(&self.about.folder(number), &corrected.filmed)?;
                let caption = format!("Round {number}, attempt of seed {}", corrected.filmed.seed);
                let height =
                    "<small>height of the hand over the table, cm</small>\n".to_owned() + &height(corrected);
                drawn.push(page::figure(&caption, &said_of(corrected), &(film + &height)));
            }
        }
        Ok((!drawn.is_empty()).then(|| figures(&drawn)))
    }
}

impl Dagger {
    /// The curves of all rounds' training, each kind in one chart.
    pub(super) fn learning(&self, rounds: usize) -> anyhow::Result<Vec<String>> {
        let mut drawn: Vec<Chart> = SHOWN.map(|title| Chart::of(title, Vec::new())).to_vec();
        for number in 0..rounds {
            let folder = self.folder(u32::try_from(number).unwrap_or(u32::MAX)).join("run");
            let lines =
                metrics::read(&folder.join("metrics.jsonl")).with_context(|| format!("{folder:?}"))?;
            for chart in charts(&lines) {
                let Some(kept) = drawn.iter_mut().find(|kept| kept.title == chart.title) else { continue };
                // Held-out episodes say more than training, where there are any.
                let curve = chart
                    .curves
                    .into_iter()
                    .max_by_key(|curve| curve.label == "held-out episodes" || curve.label == "policy");
                kept.curves.extend(curve.map(|curve| Curve { label: format!("round {number}"), ..curve }));
            }
        }
        drawn.retain(|chart| !chart.curves.is_empty());
        let words = |chart: Chart| Chart {
            words: "on held-out episodes, over steps of training".to_owned(),
            ..chart
        };
        Ok(drawn.into_iter().map(|chart| words(chart).figure()).collect())
    }
}

/// A share in words.
pub(crate) fn share(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

fn ended(film: &Filmed) -> String {
    match film.success {
        true => format!("done after {:.1} s", film.seconds),
        false => format!("not done in {:.0} s", film.seconds),
    }
}

fn moved(folder: &Path, film: &Filmed) -> anyhow::Result<String> {
    Ok(moving::film(
        &folder.join(&film.file),
        &format!("the attempt of seed {}, {}", film.seed, ended(film)),
    )?)
}

fn said_of(corrected: &Corrected) -> String {
    let of = |driver: u8| corrected.turns.iter().filter(move |(who, _)| *who == driver);
    let (times, seconds) =
        (of(Intervention::HUMAN).count(), of(Intervention::HUMAN).map(|(_, seconds)| seconds).sum::<f64>());
    let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
    format!("The expert took over {times} and drove for {seconds:.1} s; {}.", ended(&corrected.filmed))
}

/// How high the hand was, over a ground that says who drove.
fn height(corrected: &Corrected) -> String {
    let seconds = corrected.filmed.seconds;
    let step = seconds / corrected.heights.len().max(1) as f64;
    let points = (0..).map(f64::from).zip(&corrected.heights).map(|(at, height)| (at * step, 100.0 * height));
    let curve = Curve::of("height", points.collect());
    let (mut spans, mut begun) = (Vec::new(), 0.0);
    for (driver, seconds) in &corrected.turns {
        spans.push((begun, begun + seconds, class(*driver)));
        begun += seconds;
    }
    let chart = Chart::of("Height of the hand over the table, cm", vec![curve]);
    Chart { along: Along::Seconds, spans, ..chart }.picture()
}
