//! The hand-over, between any two ways at any instant: no jump of position, speed or acceleration, at neither end.
//!
//! What is checked is what a robot would feel, differences of commands; how the way is made is not looked at. And nothing that
//! control does at a tick may allocate, because whoever allocates may have to wait.

#[path = "support/counting.rs"]
mod counting;

use std::f64::consts::TAU;
use std::time::Duration;

use apprentice::control::gate::{Config, Gate, Signs};
use apprentice::control::watchdog::{self, Ages, Watchdog};
use apprentice::control::{Handover, Mode};
use apprentice::time::Stamp;
use proptest::prelude::*;

#[global_allocator]
static COUNTING: counting::Counting = counting::Counting;

/// The period of the control tick.
const TICK: i64 = 4_000_000;
/// A step so short that a jump cannot hide behind the jerk of the way.
const FINE: i64 = 10_000;

/// The way a driver wants to go: a wave.
#[derive(Clone, Copy, Debug)]
struct Way {
    middle: f64,
    width: f64,
    turns: f64,
    phase: f64,
}

impl Way {
    fn at(&self, now: i64) -> f64 {
        self.middle + self.width * (self.turns * now as f64 * 1e-9 + self.phase).sin()
    }

    fn speed(&self) -> f64 {
        self.width * self.turns
    }

    fn acceleration(&self) -> f64 {
        self.speed() * self.turns
    }
}

fn way() -> impl Strategy<Value = Way> {
    (-0.5..0.5_f64, 0.0..0.5_f64, 0.0..4.0_f64, 0.0..TAU).prop_map(|(middle, width, turns, phase)| Way {
        middle,
        width,
        turns,
        phase,
    })
}

/// A robot that went along `old` in steps of `period` until `change`, where another takes over.
fn changed(old: Way, over: Duration, change: i64, period: i64) -> Handover {
    let mut handover = Handover::new(1, over);
    for tick in (1..10).rev() {
        let at = change - tick * period;
        handover.sent(&[old.at(at)], Stamp(at));
    }
    handover.begin(Stamp(change));
    handover
}

fn blended(handover: &mut Handover, new: Way, now: i64) -> f64 {
    let mut wanted = [new.at(now)];
    handover.blend(&mut wanted, Stamp(now));
    wanted[0]
}

/// The greatest change of speed and of acceleration from one of these places to the next, a fine step apart.
fn roughness(places: &[f64]) -> (f64, f64) {
    let step = FINE as f64 * 1e-9;
    let differences =
        |values: &[f64]| -> Vec<f64> { values.windows(2).map(|pair| (pair[1] - pair[0]) / step).collect() };
    let greatest =
        |values: &[f64]| values.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f64::max);
    let speeds = differences(places);
    (greatest(&speeds), greatest(&differences(&speeds)))
}

proptest! {
    #[test]
    fn no_step_is_larger_than_both_drivers_and_the_way_between_them_ask_for(
        old in way(), new in way(), over_ms in 50..600_u64, change in 1_000..2_000_i64
    ) {
        let (over, change) = (Duration::from_millis(over_ms), change * 1_000_000);
        let span = over.as_secs_f64();
        let mut handover = changed(old, over, change, TICK);
        // As far as the old way may still go, and as the new one may be from there; least jerk is 15/8 of the mean speed at most.
        let going = old.speed() + 0.1 * span * old.acceleration();
        let coasting = 0.5 * span * old.speed() + span * span / 48.0 * old.acceleration();
        let apart = (old.at(change - TICK) - new.at(change - TICK)).abs() + coasting + new.speed() * span.min(1.0 / new.turns.max(1e-9));
        let fastest = going.max(new.speed()) + 1.875 * apart / span;
        let mut last = old.at(change - TICK);
        for tick in 0..i64::try_from(over.as_nanos()).expect("short") / TICK + 5 {
            let now = change + tick * TICK;
            let place = blended(&mut handover, new, now);
            prop_assert!((place - last).abs() <= fastest * TICK as f64 * 1e-9 + 1e-9, "{} at tick {tick}", place - last);
            handover.sent(&[place], Stamp(now));
            last = place;
        }
        prop_assert_eq!(last, new.at(change + (i64::try_from(over.as_nanos()).expect("short") / TICK + 4) * TICK));
        prop_assert!(!handover.is_under_way(Stamp(change + 2_000_000_000)));
    }

    #[test]
    fn neither_end_is_felt(old in way(), new in way(), over_ms in 200..600_u64, change in 1_000..2_000_i64) {
        let (over, change) = (Duration::from_millis(over_ms), change * 1_000_000);
        let mut handover = changed(old, over, change, FINE);
        let before = (1..10).rev().map(|step| old.at(change - step * FINE));
        let after: Vec<f64> = (0..10).map(|step| blended(&mut handover, new, change + step * FINE)).collect();
        let begins: Vec<f64> = before.chain(after).collect();
        let end = change - FINE + i64::try_from(over.as_nanos()).expect("short");
        let ends: Vec<f64> = (-10..10).map(|step| blended(&mut handover, new, end + step * FINE)).collect();
        for (place, places) in [("begins", begins), ("ends", ends)] {
            let (speed, acceleration) = roughness(&places);
            // The jerk of these ways comes to some 20,000/s³ at the most, which is 0.2/s² in a fine step; a jump would be of the
            // order of their accelerations, up to 8/s².
            prop_assert!(speed < 1e-3 && acceleration < 0.5, "where it {place}: {speed}/s, {acceleration}/s²");
        }
    }

    #[test]
    fn a_change_in_the_middle_of_a_change_is_not_felt_either(
        drivers in [way(), way(), way()], share in 0.05..0.95_f64
    ) {
        let (over, change) = (Duration::from_millis(400), 1_000_000_000);
        let [old, new, other] = drivers;
        let mut handover = changed(old, over, change, FINE);
        let again = change + (share * 400.0) as i64 * 1_000_000;
        let mut places = Vec::new();
        for step in -10..0 {
            let now = again + step * FINE;
            places.push(blended(&mut handover, new, now));
            handover.sent(&places[places.len() - 1..], Stamp(now));
        }
        handover.begin(Stamp(again));
        places.extend((0..10).map(|step| blended(&mut handover, other, again + step * FINE)));
        let (speed, acceleration) = roughness(&places);
        prop_assert!(speed < 1e-3 && acceleration < 0.5, "{speed}/s, {acceleration}/s²");
    }

    #[test]
    fn whatever_was_sent_what_is_wanted_comes_in_the_end(
        sent in prop::collection::vec((any::<f64>(), -5..50_i64), 0..8), wanted in -1.0..1.0_f64, later in 0..400_i64
    ) {
        let mut handover = Handover::new(1, Duration::from_millis(100));
        let mut now = 0;
        for (value, wait) in sent {
            now += wait * 1_000_000;
            handover.sent(&[value], Stamp(now));
        }
        handover.begin(Stamp(now));
        let mut values = [wanted];
        handover.blend(&mut values, Stamp(now + later * 1_000_000));
        if later > 105 {
            prop_assert_eq!(values, [wanted]);
        }
    }
}

#[test]
fn a_start_begins_where_the_robot_is_measured() {
    let mut handover = Handover::new(2, Duration::from_millis(300));
    handover.start(&[0.4, -0.2], Stamp(5));
    handover.begin(Stamp(5));
    let mut wanted = [1.0, 1.0];
    handover.blend(&mut wanted, Stamp(5));
    assert_eq!(wanted, [0.4, -0.2]);
    let mut handover = Handover::new(1, Duration::ZERO);
    handover.start(&[0.4], Stamp(5));
    handover.begin(Stamp(5));
    let mut wanted = [1.0];
    handover.blend(&mut wanted, Stamp(5));
    assert_eq!(wanted, [1.0], "no time to blend in");
}

#[test]
fn what_left_long_ago_says_nothing_of_speed() {
    let mut handover = Handover::new(1, Duration::from_millis(300));
    for tick in 0..5 {
        handover.sent(&[tick as f64 * 0.1], Stamp(tick * TICK));
    }
    handover.begin(Stamp(10_000_000_000));
    let mut wanted = [0.4];
    handover.blend(&mut wanted, Stamp(10_100_000_000));
    assert_eq!(wanted, [0.4]);
}

#[test]
fn a_tick_allocates_nothing() {
    let streams = [Some(Duration::ZERO); 3];
    let mut dog = Watchdog::new(&watchdog::Config::default(), vec![Duration::from_millis(50); 3]);
    let mut gate = Gate::new(&Config::default(), None, Stamp(0));
    let mut handover = Handover::new(6, Duration::from_millis(300));
    let ages = Ages { streams: &streams, joints: &streams, thinking: streams[0], link: streams[0] };
    let mut ticks = || {
        let mut mode = gate.mode();
        for tick in 0..1000_i64 {
            let now = Stamp(tick * TICK);
            let fault = dog.look(&ages, true, now, Duration::from_nanos(now.0 as u64));
            let service = (tick % 100 == 0).then_some(tick % 200 == 0);
            let signs = Signs {
                service,
                fault,
                expert: apprentice::control::gate::Expert::Ready,
                ..Signs::default()
            };
            let next = gate.step(&signs, now);
            if next != mode {
                handover.begin(now);
                mode = next;
            }
            let mut wanted = [if mode == Mode::Human { 0.1 } else { 0.0 }; 6];
            handover.blend(&mut wanted, now);
            handover.sent(&wanted, now);
        }
    };
    let ((), held) = counting::most_held(&mut ticks);
    assert_eq!(held, 0);
}
