//! Who drove: a ribbon for each attempt, one below the other, as long as the attempt took.
//!
//! A share of the time says how much was corrected; where in an attempt, and whether it is the same place again and again, is seen
//! only where attempts lie side by side.

use super::page::figure;
use crate::msg::own::Intervention;

/// An attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Ribbon {
    /// Who drove, one of [`Intervention`]'s constants, and for how many seconds, one after another.
    pub turns: Vec<(u8, f64)>,
    /// Whether the task was done.
    pub success: bool,
}

const WIDTH: f64 = 440.0;
/// How far one ribbon is below the one before, and how much of that it fills.
const EVERY: f64 = 10.0;
const THICK: f64 = 7.0;
/// Room for a mark at the end of each, and for seconds below all.
const MARK: f64 = 18.0;
const FOOT: f64 = 20.0;

/// The ribbons of some attempts, in a figure whose axis reaches to `most` seconds.
pub fn ribbons(caption: &str, words: &str, attempts: &[Ribbon], most: f64) -> String {
    let most = most.max(1e-3);
    let across = |seconds: f64| seconds / most * (WIDTH - MARK);
    let height = EVERY * attempts.len() as f64 + FOOT;
    let mut svg = String::new();
    let every =
        [1.0, 2.0, 5.0, 10.0, 20.0, 60.0].into_iter().find(|every| most / every <= 6.0).unwrap_or(120.0);
    for tick in 0..=(most / every) as u32 {
        let (at, foot) = (across(every * f64::from(tick)), height - FOOT);
        svg += &format!("<path class=\"grid\" d=\"M{at:.1} 0V{foot:.1}\"/>\n");
        let anchor = if tick == 0 { "start" } else { "middle" };
        let seconds = every * f64::from(tick);
        svg += &format!(
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{seconds} s</text>\n",
            height - 5.0
        );
    }
    for (number, attempt) in attempts.iter().enumerate() {
        svg += &drawn(attempt, EVERY * number as f64, across);
    }
    let inside = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n{svg}</svg>\n",
        super::page::escaped(caption)
    );
    figure(caption, words, &inside)
}

/// What the colours of ribbons and borders say.
pub fn legend() -> String {
    let entry = |(class, word): (&str, &str)| format!("<li><i class=\"{class}\"></i>{word}</li>");
    let entries = [
        ("policy", "the policy drives"),
        ("expert", "the expert drives"),
        ("hold", "nobody drives, the robot holds"),
    ];
    format!("<ul class=\"legend\">{}</ul>\n", entries.map(entry).concat())
}

/// The class of whoever drives.
pub fn class(driver: u8) -> &'static str {
    match driver {
        Intervention::POLICY => "policy",
        Intervention::HUMAN => "expert",
        _ => "hold",
    }
}

fn drawn(attempt: &Ribbon, top: f64, across: impl Fn(f64) -> f64) -> String {
    let (mut svg, mut begun) = (String::new(), 0.0);
    for (driver, seconds) in &attempt.turns {
        let (from, wide, class) = (across(begun), across(*seconds), class(*driver));
        svg += &format!(
            "<rect class=\"turn {class}\" x=\"{from:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{THICK}\"/>\n"
        );
        begun += seconds;
    }
    let (x, y) = (across(begun) + 6.0, top + 0.5 * THICK);
    svg + &match attempt.success {
        true => format!("<path class=\"mark good\" d=\"M{x:.1} {y:.1}l2.5 2.8l5 -6\"/>\n"),
        false => format!("<path class=\"mark bad\" d=\"M{x:.1} {:.1}l6 6m0 -6l-6 6\"/>\n", y - 3.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_as_long_as_its_turns_and_marked_by_how_it_ended() {
        let (policy, human) = (Intervention::POLICY, Intervention::HUMAN);
        let good = Ribbon { turns: vec![(policy, 2.0), (human, 1.0)], success: true };
        let bad = Ribbon { turns: vec![(policy, 4.0)], success: false };
        let figure = ribbons("who <drove>", "", &[good, bad], 4.0);
        assert!(figure.contains("turn policy\" x=\"0.0\" y=\"0.0\" width=\"211.0\""), "{figure}");
        assert!(figure.contains("turn expert\" x=\"211.0\" y=\"0.0\" width=\"105.5\""), "{figure}");
        assert_eq!([figure.matches("mark good").count(), figure.matches("mark bad").count()], [1, 1]);
        assert!(figure.contains("who &lt;drove&gt;") && figure.contains("4 s</text>"));
    }
}
