//! The schedule, for any chunks at any time: what is due, what is promised, and that no join is felt.
//!
//! A fault here is a robot that jerks or that acts on an old plan, once in a thousand joins; so the times and numbers are drawn.

use std::sync::Arc;
use std::time::Duration;

use apprentice::arm::{Action, Chunk};
use apprentice::control::join::{Ensemble, Replace};
use apprentice::control::{Interpolate, Join, Schedule};
use apprentice::time::Stamp;
use proptest::prelude::*;

const PERIOD: Duration = Duration::from_millis(40);
const JOINS: [Join; 3] =
    [Join::Queue, Join::Replace(Replace { after: None }), Join::Ensemble(Ensemble { decay: 0.01 })];
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

fn values() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0_f64, 2..12)
}

proptest! {
    #[test]
    fn an_action_is_carried_out_at_its_instant(values in values(), start in 0..10_000_i64) {
        for (join, manner) in JOINS.iter().flat_map(|join| MANNERS.map(|manner| (*join, manner))) {
            let mut schedule = Schedule::new(join, manner);
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
        old in values(), new in values(), observed in 0..400_i64, latency in 1..200_i64, nanoseconds in 1..40_000_000_i64
    ) {
        for (join, manner) in JOINS[..2].iter().flat_map(|join| MANNERS[1..].iter().map(|manner| (*join, *manner))) {
            let mut schedule = Schedule::new(join, manner);
            schedule.accept(chunk(ms(0), &old), ms(0));
            let now = Stamp(ms(observed + latency).0 + nanoseconds);
            let new = chunk(ms(observed), &new);
            prop_assume!(new.rows().all(|(due, _)| due != now));
            let before = value(&schedule, now);
            prop_assume!(before.is_some());
            let near = |schedule: &Schedule| value(schedule, Stamp(now.0 + 1000)).map(|ahead| (ahead, 1e-3));
            schedule.accept(new, now);
            let after = value(&schedule, now);
            prop_assert!((before.expect("assumed") - after.expect("still covered")).abs() < 1e-9, "{join:?} {manner:?}");
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
        for (join, manner) in JOINS.iter().flat_map(|join| MANNERS.map(|manner| (*join, manner))) {
            let mut schedule = Schedule::new(join, manner);
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
    assert!(!schedule.asks(ms(150)) && schedule.asks(ms(160)));
}

#[test]
fn a_replaced_plan_is_carried_out_until_the_new_one_begins() {
    let mut schedule = Schedule::new(Join::default(), Interpolate::Hold);
    schedule.accept(chunk(ms(0), &[1.0, 2.0, 3.0, 4.0]), ms(0));
    assert!(!schedule.asks(ms(79)) && schedule.asks(ms(80)), "half a chunk is carried out");
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
        assert!(schedule.asks(ms(40)) && schedule.promised(ms(40)).is_none());
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
    let ensemble = read("control: {join: {ensemble: {}}, interpolate: smooth}");
    assert_eq!(ensemble.join, Join::Ensemble(Ensemble { decay: 0.01 }));
    assert_eq!(ensemble.interpolate, Interpolate::Smooth);
    let wrong = settings("control: {jion: queue}").expect_err("a typo").to_string();
    assert!(wrong.contains("control.jion: unknown field"), "{wrong}");
}
