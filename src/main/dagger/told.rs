//! What came of rounds, as a table.
//!
//! The terminal and the page show the same rows, so they are made in one place.

use super::Round;
use super::step::Collected;
use crate::command::table::Table;

/// What came of the rounds, for a terminal.
pub(super) fn table(rounds: &[Round]) -> String {
    let mut table = Table::new(&heads());
    rows(rounds).into_iter().for_each(|row| table.row(row));
    table.to_string()
}

/// What is told of a round; numbers are marked.
pub(super) fn heads() -> [&'static str; 9] {
    ["round", ">labels", ">taken over", ">policy", ">expert", ">held", ">shared", ">alone", "95 % interval"]
}

/// What came of each round; the expert's labels are counted from the first.
pub(super) fn rows(rounds: &[Round]) -> Vec<Vec<String>> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let mut labels = 0;
    let row = |(number, round): (usize, &Round)| {
        let Round { collected: Collected { tally, labels: more }, judged, .. } = round;
        labels += more;
        let of = |part: u64, whole: u64| percent(part as f64 / whole.max(1) as f64);
        let ticks = |part| of(part, tally.ticks());
        let [low, high] = judged.interval.map(percent);
        vec![
            number.to_string(),
            labels.to_string(),
            tally.switches.to_string(),
            ticks(tally.policy),
            ticks(tally.expert),
            ticks(tally.hold),
            of(tally.successes, tally.attempts),
            percent(judged.share),
            format!("{low} to {high}"),
        ]
    };
    rounds.iter().enumerate().map(row).collect()
}
