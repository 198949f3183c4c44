//! The schedule, for any chunks at any time: what is due, what is promised, and that no join is felt.
//!
//! A fault here is a robot that jerks or that acts on an old plan, once in a thousand joins; so the times and numbers are drawn.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use apprentice::arm::{Action, Chunk};
use apprentice::control::join::{Bid, Continue, Ensemble, Replace};
use apprentice::control::{Interpolate, Join, Schedule};
use apprentice::time::Stamp;
use proptest::prelude::*;

const PERIOD: Duration = Duration::from_millis(40);
const SIXTEEN: NonZeroU32 = NonZeroU32::new(16).expect("it is not zero");
/// All of them, the one that averages last.
const JOINS: [Join; 5] = [
    Join::Queue,
    Join::Replace(Replace { after: None }),
    Join::Continue(Continue { after: None, guidance: None }),
    Join::Bid(Bid { after: None, samples: SIXTEEN, decay: 0.5, weak: None }),
    Join::Ensemble(Ensemble { decay: 0.01 }),
];
/// Those that follow one plan.
const PLANS: usize = 4;
const MANNERS: [Interpolate; 3] = [Interpolate::Hold, Interpolate::Linear, Interpolate::Smooth];

fn ms(ms: i64) -> Stamp {
    Stamp(ms * 1_000_000)
}

/// A chunk of one joint, observed and first due at `at`.
fn chunk(at: Stamp, values: &[f64]) -> Chunk {
    chunk_of(&["elbow"], at, values)
}

fn chunk_of(names: &[&str], at: Stamp, values: &[f64]) -> Chunk {
    let names: Arc<[String]> = names.iter().map(|name| (*name).to_owned()).collect();
    Chunk::new(at, at, PERIOD, names, values.to_vec()).expect("numbers, in rows")
}

fn value(schedule: &Schedule, now: Stamp) -> Option<f64> {
    schedule.at(now).map(|Action { values, .. }| values[0])
}

/// Every join with every manner.
fn every() -> impl Iterator<Item = (Join, Interpolate)> {
    JOINS.into_iter().flat_map(|join| MANNERS.map(|manner| (join.clone(), manner)))
}

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0_f64, 2..12)
}

proptest! {
    #[test]
    fn an_action_is_carried_out_at_its_instant(values in values(), start in 0..10_000_i64) {
        for (join, manner) in every() {
            let mut schedule = Schedule::new(join.clone(), manner);
            let chunk = chunk(ms(start), &values);
            schedule.accept(chunk.clone(), ms(start));
            for (due, row) in chunk.rows() {
                let got = value(&schedule, due).expect("it covers its actions");
                prop_assert!((got - row[0]).abs() < 1e-12, "{join:?} {manner:?}: {got} for {}", row[0]);
            }
            prop_assert_eq!(value(&schedule, chunk.due(chunk.steps())), None, "the plan has run out");
            prop_assert_eq!(value(&schedule, Stamp(ms(start).0 - 1)), None, "not yet");
            prop_assert_eq!(schedule.promised(ms(start)), Some(chunk));
        }
    }

    #[test]
    fn a_new_chunk_is_not_felt_where_the_robot_is(
        old in prop::collection::vec(-1.0..1.0_f64, 12),
        new in values(),
        observed in 0..200_i64,
        latency in 1..200_i64,
        nanoseconds in 1..40_000_000_i64,
    ) {
        for (join, manner) in every().filter(|(_, manner)| *manner != Interpolate::Hold).take(PLANS * 2) {
            let mut schedule = Schedule::new(join.clone(), manner);
            schedule.accept(chunk(ms(0), &old), ms(0));
            let now = Stamp(ms(observed + latency).0 + nanoseconds);
            let new = chunk(ms(observed), &new);
            prop_assume!(new.rows().all(|(due, _)| due != now));
            let before = value(&schedule, now);
            prop_assert!(before.is_some(), "the old plan goes on");
            let near = |schedule: &Schedule| value(schedule, Stamp(now.0 + 1000)).map(|ahead| (ahead, 1e-3));
            schedule.accept(new, now);
            let after = value(&schedule, now);
            prop_assert!((before.expect("as held") - after.expect("still covered")).abs() < 1e-9, "{join:?} {manner:?}");
            if let (Some((ahead, close)), Some(before)) = (near(&schedule), before) {
                prop_assert!((ahead - before).abs() < close, "{join:?} {manner:?}: from {before} to {ahead} in a microsecond");
            }
        }
    }

    #[test]
    fn what_came_late_is_dropped_and_counted(values in values(), latency in 0..600_i64) {
        for join in JOINS {
            let mut schedule = Schedule::new(join, Interpolate::Hold);
            let chunk = chunk(ms(0), &values);
            schedule.accept(chunk.clone(), ms(latency));
            let late = chunk.rows().filter(|(due, _)| *due < ms(latency)).count();
            prop_assert_eq!(schedule.counts().late, late as u64);
            let over = chunk.due(chunk.steps()) <= ms(latency);
            prop_assert_eq!(schedule.at(ms(latency)).is_none(), over);
        }
    }

    #[test]
    fn what_is_promised_is_what_is_carried_out_if_nothing_comes(
        chunks in prop::collection::vec((0..120_i64, 0..60_i64, values()), 1..6), ahead in 0..300_i64
    ) {
        for (join, manner) in every() {
            let mut schedule = Schedule::new(join.clone(), manner);
            let (mut observed, mut now) = (ms(0), ms(0));
            for (wait, latency, values) in &chunks {
                observed = observed.max(now) + Duration::from_millis(*wait as u64);
                now = observed + Duration::from_millis(*latency as u64);
                schedule.accept(chunk(observed, values), now);
            }
            let asked = now + Duration::from_millis(ahead as u64);
            let Some(promised) = schedule.promised(asked) else { continue };
            prop_assert!(promised.first() >= asked && promised.first() < asked + PERIOD);
            for (due, row) in promised.rows() {
                prop_assert_eq!(value(&schedule, due), Some(row[0]));
            }
        }
    }

    #[test]
    fn a_mean_of_chunks_lies_between_them(chunks in prop::collection::vec(values(), 1..6), decay in -1.0..1.0_f64) {
        let mut schedule = Schedule::new(Join::Ensemble(Ensemble { decay }), Interpolate::Hold);
        for (tick, values) in chunks.iter().enumerate() {
            let now = ms(40 * tick as i64);
            schedule.accept(chunk(now, values), now);
            let said = chunks[..=tick].iter().enumerate().filter_map(|(from, values)| values.get(tick - from));
            let (least, most) = said.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(*value), most.max(*value)));
            let mean = value(&schedule, now).expect("the newest covers its own tick");
            prop_assert!((least - 1e-12..=most + 1e-12).contains(&mean));
        }
    }

    #[test]
    fn a_seam_is_no_larger_a_step_than_the_chunks_and_their_disagreement_make_it(
        old in prop::collection::vec(-1.0..1.0_f64, 12),
        new in prop::collection::vec(-1.0..1.0_f64, 12),
        observed in 1..6_u64,
        latency in 1..160_u64,
    ) {
        let tick = Duration::from_millis(1);
        let observed = ms(0) + PERIOD * observed as u32;
        let now = observed + Duration::from_millis(latency);
        let (old, new) = (chunk(ms(0), &old), chunk(observed, &new));
        let step = |chunk: &Chunk| chunk.values().windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f64::max);
        let apart = new.rows().filter_map(|(due, row)| Some((row[0] - old.in_force(due)?[0]).abs()));
        let (step, apart) = (step(&old).max(step(&new)), apart.fold(0.0, f64::max));
        for (join, manner) in every().filter(|(_, manner)| *manner != Interpolate::Hold).take(PLANS * 2) {
            let mut schedule = Schedule::new(join.clone(), manner);
            schedule.accept(old.clone(), ms(0));
            let before = value(&schedule, Stamp(now.0 - 1_000_000)).expect("the old plan goes on");
            schedule.accept(new.clone(), now);
            let after = value(&schedule, now + tick).expect("a plan goes on");
            // The way to the next action has at least half a period; the smooth one is at first as fast as it was before, which is up
            // to twice as fast as from one action to the next, and in its middle 15/8 times as fast as the straight one.
            let most = (apart + 2.0 * step) * 2.0 * (tick * 2).div_duration_f64(PERIOD);
            let most = if manner == Interpolate::Smooth { 4.0 * most } else { most };
            prop_assert!((after - before).abs() <= most + 1e-12, "{join:?} {manner:?}: from {before} to {after}, over {most}");
        }
    }

    #[test]
    fn whatever_comes_whenever_every_value_is_a_number_and_time_goes_on(
        chunks in prop::collection::vec((0..200_u64, 0..400_u64, values()), 1..12), waits in any::<bool>()
    ) {
        for (join, manner) in every() {
            let mut schedule = Schedule::new(join.clone(), manner);
            let mut now = ms(1);
            for (wait, latency, values) in &chunks {
                let observed = now + Duration::from_millis(*wait);
                now = observed + Duration::from_millis(*latency);
                let new = chunk(observed, values);
                let stood = schedule.stands_since(observed);
                schedule.accept(if stood && waits { new.begun(now) } else { new }, now);
                prop_assert!(!(stood && waits) || schedule.at(now).is_some(), "an arm that stood has something to do");
                for later in 0..5 {
                    let then = now + Duration::from_millis(17) * later;
                    let Some(action) = schedule.at(then) else { continue };
                    prop_assert!(action.due == then && action.values.iter().all(|value| value.is_finite()), "{join:?} {manner:?}");
                    prop_assert!(!schedule.stands_since(then));
                }
                let promised = schedule.promised(now);
                let dues: Vec<Stamp> = promised.iter().flat_map(Chunk::rows).map(|(due, _)| due).collect();
                prop_assert!(dues.iter().all(|due| *due >= now) && dues.is_sorted_by(|one, next| one < next));
            }
        }
    }

    #[test]
    fn the_smooth_way_has_no_jump_in_speed(values in values()) {
        let mut schedule = Schedule::new(Join::Queue, Interpolate::Smooth);
        let chunk = chunk(ms(0), &values);
        schedule.accept(chunk.clone(), ms(0));
        let step = 10_000;
        let speed = |at: i64| {
            let (here, there) = (value(&schedule, Stamp(at))?, value(&schedule, Stamp(at + step))?);
            Some((there - here) / (step as f64 * 1e-9))
        };
        for knot in 1..chunk.steps() {
            let due = chunk.due(knot).0;
            if let (Some(before), Some(after)) = (speed(due - step), speed(due)) {
                // Speeds here come to tens a second; within 10 µs they change by what the greatest acceleration allows.
                prop_assert!((before - after).abs() < 1.0, "{before} then {after} at step {knot}");
            }
        }
    }
}

#[test]
fn a_queue_carries_a_plan_out_before_the_next() {
    let mut schedule = Schedule::new(Join::Queue, Interpolate::Hold);
    schedule.accept(chunk(ms(0), &[1.0, 2.0, 3.0]), ms(0));
    schedule.accept(chunk(ms(40), &[7.0, 8.0, 9.0]), ms(50));
    let carried: Vec<f64> = (0..4).filter_map(|tick| value(&schedule, ms(40 * tick + 10))).collect();
    assert_eq!(
        carried,
        [2.0, 3.0, 9.0],
        "from the second plan only what lies behind the first; the past is forgotten"
    );
    assert!(!schedule.asks(ms(150), Duration::ZERO) && schedule.asks(ms(160), Duration::ZERO));
}

#[test]
fn the_next_chunk_is_asked_for_so_that_it_comes_in_time() {
    // When a chunk of eight actions lets the next be asked for, with thinking that takes so many of its periods.
    let asked = |join: &Join, thinking: u32| {
        let mut schedule = Schedule::new(join.clone(), Interpolate::Linear);
        schedule.accept(chunk(ms(0), &[0.0; 8]), ms(0));
        (0..20).find(|step| schedule.asks(ms(40 * step), PERIOD * thinking)).expect("it runs out")
    };
    let at = |join: &Join| [0, 2, 6, 7, 8, 30].map(|thinking| asked(join, thinking));
    assert_eq!(
        at(&JOINS[0]),
        [8, 6, 2, 1, 8, 8],
        "a queue: as it runs out; where that is too soon, when it has"
    );
    for join in &JOINS[1..PLANS] {
        assert_eq!(at(join), [4, 4, 2, 1, 8, 8], "{join:?}: half of it, or in time");
    }
    assert_eq!(at(&JOINS[PLANS]), [1, 1, 1, 1, 8, 8], "an ensemble: at once");
    let late = Join::Continue(Continue { after: Some(7), guidance: None });
    assert_eq!(at(&late), [7, 6, 2, 1, 8, 8]);
}

#[test]
fn what_comes_as_an_action_is_due_goes_on_from_where_the_robot_is() {
    let accepted = |observed: i64, manner| {
        let mut schedule = Schedule::new(JOINS[2].clone(), manner);
        schedule.accept(chunk(ms(0), &[0.0; 8]), ms(0));
        schedule.accept(chunk(ms(observed), &[1.0; 8]), ms(80));
        [80, 90, 120].map(|at| value(&schedule, ms(at)).expect("covered"))
    };
    assert_eq!(accepted(40, Interpolate::Linear), [0.0, 0.25, 1.0]);
    assert_eq!(accepted(80, Interpolate::Linear), [0.0, 0.25, 1.0], "however short thinking was");
    assert_eq!(accepted(40, Interpolate::Hold), [1.0; 3], "there is no way between actions to go on");
}

#[test]
fn a_replaced_plan_is_carried_out_until_the_new_one_begins() {
    let mut schedule = Schedule::new(Join::default(), Interpolate::Hold);
    schedule.accept(chunk(ms(0), &[1.0, 2.0, 3.0, 4.0]), ms(0));
    assert!(
        !schedule.asks(ms(79), Duration::ZERO) && schedule.asks(ms(80), Duration::ZERO),
        "half a chunk is carried out"
    );
    schedule.accept(chunk(ms(40), &[7.0, 8.0, 9.0]), ms(50));
    let carried: Vec<f64> =
        [50, 79, 80, 120, 159].map(|at| value(&schedule, ms(at)).expect("covered")).to_vec();
    assert_eq!(carried, [2.0, 2.0, 8.0, 9.0, 9.0]);
    assert_eq!(value(&schedule, ms(160)), None);
    assert_eq!(schedule.counts().late, 1);
}

#[test]
fn an_ensemble_weighs_the_oldest_most() {
    let mut schedule = Schedule::new(Join::Ensemble(Ensemble { decay: 0.5 }), Interpolate::Hold);
    schedule.accept(chunk(ms(0), &[0.0, 1.0, 1.0]), ms(0));
    schedule.accept(chunk(ms(40), &[2.0, 2.0]), ms(40));
    let (old, new) = (1.0, (-0.5_f64).exp());
    assert_eq!(value(&schedule, ms(40)), Some((old * 1.0 + new * 2.0) / (old + new)));
}

#[test]
fn a_chunk_that_was_overtaken_changes_nothing() {
    for join in JOINS {
        let mut schedule = Schedule::new(join, Interpolate::Linear);
        schedule.accept(chunk(ms(80), &[1.0, 1.0, 1.0]), ms(90));
        schedule.accept(chunk(ms(40), &[5.0, 5.0, 5.0, 5.0]), ms(95));
        assert_eq!(value(&schedule, ms(100)), Some(1.0));
        assert_eq!(schedule.counts().overtaken, 1);
    }
}

#[test]
fn a_chunk_for_other_joints_begins_anew() {
    for join in JOINS {
        let mut schedule = Schedule::new(join, Interpolate::Linear);
        schedule.accept(chunk(ms(0), &[1.0, 1.0, 1.0]), ms(0));
        schedule.accept(chunk_of(&["elbow", "gripper"], ms(40), &[2.0, 3.0]), ms(40));
        assert_eq!(schedule.at(ms(40)).expect("the new plan").values, [2.0, 3.0]);
        schedule.clear();
        assert_eq!(schedule.at(ms(40)), None);
        assert!(schedule.asks(ms(40), Duration::ZERO) && schedule.promised(ms(40)).is_none());
    }
}

#[test]
fn the_settings_read_as_they_are_written() {
    let settings = |text: &str| {
        let robot = "robot: {name: a, joints: [b]}\nobserve: {rate_hz: 30, streams: {joints: {topic: /j, \
                     type: sensor_msgs/msg/JointState, fields: [position], align: linear, max_age_ms: 50}}}\n";
        apprentice::config::Settings::parse(&format!("{robot}{text}"), "robot.yaml")
    };
    let read = |text: &str| settings(text).expect("it reads").control;
    assert_eq!(read("control: {}"), apprentice::control::Config::default());
    assert_eq!(read("control: {limits: {speed: {b: 1}}, join: queue}").join, Join::Queue);
    let guided = Join::Continue(Continue { after: None, guidance: Some(5.0) });
    assert_eq!(read("control: {join: {continue: {guidance: 5.0}}}").join, guided);
    assert_eq!(read("control: {join: {continue: {}}}").join, JOINS[2]);
    assert_eq!(read("control: {join: {bid: {}}}").join, JOINS[3]);
    let weak = Some("runs/first".into());
    let bid = Join::Bid(Bid { after: Some(4), samples: NonZeroU32::MIN, decay: 0.9, weak });
    assert_eq!(
        read("control: {join: {bid: {after: 4, samples: 1, decay: 0.9, weak: runs/first}}}").join,
        bid
    );
    for (wrong, words) in [
        ("{continue: {guidance: -1.0}}", "-1 is no strength"),
        ("{continue: {delay: 3}}", "unknown field"),
        ("{bid: {samples: 0}}", "nonzero"),
        ("{bid: {decay: 1.5}}", "1.5 is no share"),
    ] {
        let said = settings(&format!("control: {{join: {wrong}}}")).expect_err(wrong).to_string();
        assert!(said.contains(words) && said.contains("control.join"), "{wrong}: {said}");
    }
    let ensemble = read("control: {join: {ensemble: {}}, interpolate: smooth}");
    assert_eq!(ensemble.join, Join::Ensemble(Ensemble { decay: 0.01 }));
    assert_eq!(ensemble.interpolate, Interpolate::Smooth);
    let wrong = settings("control: {jion: queue}").expect_err("a typo").to_string();
    assert!(wrong.contains("control.jion: unknown field"), "{wrong}");
}
