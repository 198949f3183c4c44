//! Plans on their way between two processes: one that thinks, and one that holds the robot.
//!
//! What is said is the plan as it is to be followed, joined and interpolated already, and not the chunk of which it came: so whoever
//! follows has nothing to join, and any policy, also one that is not ours, drives a robot by saying where to be when. Times are
//! absolute, so a plan that took long on its way is followed from where it has got to, and one that is over is no plan.

use std::time::Duration;

use super::course::{Course, LONGEST, State};
use crate::msg::own::Plan;
use crate::node::diagnostics::header;
use crate::time::Stamp;

/// How much the time between two places may differ from that between the first two, which is what is left of it in a float.
const UNEVEN: f64 = 1e-6;
/// The longest that a plan may reach ahead, s.
const AHEAD: f64 = 60.0;

/// The message of a course that came of what was seen at `seen`.
pub(super) fn say(course: &Course, seen: Stamp, joints: &[String]) -> Plan {
    let (first, period) = (seconds(course.first, seen), course.period.as_secs_f64());
    Plan {
        header: header(seen),
        names: joints.to_vec(),
        due: (0..course.ticks()).map(|tick| first + period * tick as f64).collect(),
        values: course.rows.clone(),
        doubt: course.doubt.unwrap_or(f32::NAN),
        threshold: course.threshold.unwrap_or(f32::NAN),
        state: match course.state {
            State::Well => Plan::WELL,
            State::Slow => Plan::SLOW,
            State::Broken => Plan::BROKEN,
            State::Blind => Plan::BLIND,
        },
    }
}

/// Why a message is no plan.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(super) enum Unplanned {
    #[error("it has {values} values for {places} places of {joints} joints")]
    Values { values: usize, places: usize, joints: usize },
    #[error("it has {places} places, over the {LONGEST} that count")]
    Long { places: usize },
    #[error("the joint {missing:?} is not in it")]
    Joint { missing: String },
    #[error("its state {state} is none of those known")]
    State { state: u8 },
    #[error("a place is due {due} s after what was seen, over the {AHEAD} s that count")]
    Far { due: f64 },
    #[error("its places are not due at even distances, one after the other")]
    Uneven,
}

/// The course that a message tells, for these joints. With `stands` a place stands until the next, instead of leading to it.
pub(super) fn hear(
    plan: &Plan,
    joints: &[String],
    period: Duration,
    stands: bool,
) -> Result<Course, Unplanned> {
    let seen = Stamp::from_parts(plan.header.stamp.sec, plan.header.stamp.nanosec);
    let (due, names) = (&plan.due, &plan.names);
    let (values, places, width) = (plan.values.len(), due.len(), names.len());
    if values != places * width {
        return Err(Unplanned::Values { values, places, joints: width });
    }
    if places > LONGEST {
        return Err(Unplanned::Long { places });
    }
    let place = |joint: &String| names.iter().position(|name| name == joint);
    if let Some(missing) = joints.iter().find(|joint| place(joint).is_none()) {
        return Err(Unplanned::Joint { missing: missing.clone() });
    }
    if let Some(due) = due.iter().copied().find(|due| !(-AHEAD..=AHEAD).contains(due)) {
        return Err(Unplanned::Far { due });
    }
    let period = match due[..] {
        [first, second, ..] => second - first,
        _ => period.as_secs_f64(),
    };
    let even = |pair: &[f64]| (pair[1] - pair[0] - period).abs() <= UNEVEN.min(period / 100.0);
    if period <= 0.0 || !due.windows(2).all(even) {
        return Err(Unplanned::Uneven);
    }
    let first = due.first().map_or(0, |first| (first * 1e9).round() as i64);
    let order: Vec<usize> = joints.iter().filter_map(place).collect();
    let rows = plan.values.chunks_exact(width.max(1));
    let number = |said: f32| Some(said).filter(|said| said.is_finite());
    Ok(Course {
        first: Stamp(seen.0.saturating_add(first)),
        period: Duration::from_secs_f64(period),
        joints: joints.len(),
        rows: rows.flat_map(|row| order.iter().map(|place| row[*place])).collect(),
        stands,
        state: match plan.state {
            Plan::WELL => State::Well,
            Plan::SLOW => State::Slow,
            Plan::BROKEN => State::Broken,
            Plan::BLIND => State::Blind,
            state => return Err(Unplanned::State { state }),
        },
        doubt: number(plan.doubt),
        // Nobody's threshold is zero: that is a message in which nothing was said of it.
        threshold: number(plan.threshold).filter(|threshold| *threshold > 0.0),
        // How long it thinks is not seen from here.
        lasts: Duration::MAX,
    })
}

fn seconds(to: Stamp, from: Stamp) -> f64 {
    (to.0 - from.0) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn joints() -> Vec<String> {
        ["a", "b"].map(str::to_owned).to_vec()
    }

    fn course() -> Course {
        let mut course = Course::nothing(2, Stamp(1_030_000_000), PERIOD);
        course.rows = vec![0.0, 1.0, 0.1, 1.1, 0.2, 1.2];
        (course.doubt, course.threshold, course.lasts) = (Some(0.5), Some(2.0), Duration::MAX);
        course
    }

    fn plan() -> Plan {
        say(&course(), Stamp(1_000_000_000), &joints())
    }

    #[test]
    fn what_is_said_is_what_is_heard() {
        for state in [State::Well, State::Slow, State::Broken, State::Blind] {
            let said = Course { state, ..course() };
            let plan = say(&said, Stamp(1_000_000_000), &joints());
            assert_eq!(hear(&plan, &joints(), PERIOD, false), Ok(said));
        }
        let silent = Course { doubt: None, threshold: None, rows: vec![], ..course() };
        let plan = say(&silent, Stamp(1_000_000_000), &joints());
        let heard = hear(&plan, &joints(), PERIOD, false).expect("it is one, though there is nothing in it");
        assert_eq!((heard.doubt, heard.threshold, heard.ticks()), (None, None, 0));
    }

    #[test]
    fn joints_are_found_by_name_and_others_beside_them_are_nobodys() {
        let names = ["b", "other", "a"].map(str::to_owned).to_vec();
        let values = vec![1.0, 9.0, 0.0, 1.1, 9.0, 0.1];
        let told = Plan { names, values, due: vec![0.03, 0.04], ..plan() };
        assert_eq!(hear(&told, &joints(), PERIOD, false).expect("it is one").rows, [0.0, 1.0, 0.1, 1.1]);
    }

    #[test]
    fn somebody_elses_plan_may_have_other_distances_and_begin_before_what_was_seen() {
        let told = Plan { due: vec![-0.04, 0.0, 0.04], threshold: 0.0, ..plan() };
        let heard = hear(&told, &joints(), PERIOD, false).expect("it is one");
        let mut at = [0.0; 2];
        assert!(heard.at(Stamp(980_000_000), &mut at) && heard.threshold.is_none());
        assert!((at[0] - 0.05).abs() < 1e-9 && (at[1] - 1.05).abs() < 1e-9, "{at:?}");
    }

    #[test]
    fn what_is_no_plan_is_refused_in_words() {
        let refused = [
            (Plan { values: vec![0.0; 5], ..plan() }, "5 values for 3 places of 2 joints"),
            (Plan { names: vec!["a".into(), "c".into()], ..plan() }, "\"b\" is not in it"),
            (Plan { due: vec![0.0, 0.01, 0.03], ..plan() }, "even"),
            (Plan { due: vec![0.0, 0.0, 0.0], ..plan() }, "even"),
            (Plan { due: vec![0.0, f64::NAN, 0.02], ..plan() }, "NaN"),
            (Plan { due: vec![0.0, 0.01, 1e300], ..plan() }, "over the 60 s"),
            (Plan { state: 9, ..plan() }, "none of those known"),
            (Plan { due: vec![0.0; 5000], values: vec![0.0; 10_000], ..plan() }, "over the 4096"),
        ];
        for (plan, words) in refused {
            let why = hear(&plan, &joints(), PERIOD, false).expect_err(words).to_string();
            assert!(why.contains(words), "{why}");
        }
    }
}
