//! The limits, for any wish from any state at any time: nothing that leaves breaks one, and what may be followed is.
//!
//! These lines stand between every fault of everything else and a robot's gears, so they are asked a million times, and the answers
//! are not held against the code's own notion of what is well, but against differences of the commands that left. The
//! states to begin from are drawn twice: such that a plain stop exists, which is gone through here, and of any kind.

#[path = "support/bounded.rs"]
mod bounded;

use std::time::Duration;

use apprentice::control::limits::Going;
use apprentice::noise::Noise;
use bounded::{Joint, Seen, limits_of, wish};

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// Lengths of ticks: steady, a little uneven, and of any kind.
fn tick(noise: &mut Noise, steady: f64, kind: usize) -> f64 {
    let any = |noise: &mut Noise| 10_f64.powf(noise.within(-3.3..-1.0));
    let h: f64 = match kind {
        0 => steady,
        1 => steady * noise.within(0.8..1.2),
        _ => any(noise),
    };
    seconds(h.clamp(5e-4, 0.1)).as_secs_f64()
}

/// Six joints at once, `episodes` times `steps` ticks; what the worst of them broke of position, speed, acceleration and jerk.
fn driven(seed: u64, episodes: u32, steps: u32, begin: impl Fn(&Joint, &mut Noise) -> [f64; 3]) -> [u64; 4] {
    let mut noise = Noise::new(seed);
    let mut broken = [0; 4];
    for _ in 0..episodes {
        let joints: Vec<Joint> = (0..6).map(|_| Joint::draw(&mut noise)).collect();
        let (limits, _) = limits_of(&joints);
        let mut seen: Vec<Seen> = joints.iter().map(|joint| Seen::at(begin(joint, &mut noise))).collect();
        let [p, v, a] = [0, 1, 2].map(|of| seen.iter().map(|seen| seen.state[of]).collect::<Vec<f64>>());
        let mut going = Going::new(&limits);
        assert!(going.resume(&p, &v, &a));
        let (steady, kind) = (10_f64.powf(noise.within(-3.3..-1.0)), noise.below(3));
        let mut want = p.clone();
        for _ in 0..steps {
            let h = tick(&mut noise, steady, kind);
            if noise.chance(0.3) {
                for (want, (joint, seen)) in want.iter_mut().zip(joints.iter().zip(&seen)) {
                    *want = wish(&mut noise, joint, seen.state[0]);
                }
            }
            let limited = match noise.below(20) {
                0 => limits.apply(&mut going, &want[1..], seconds(h)),
                1 => limits.brake(&mut going, seconds(h)),
                _ => limits.apply(&mut going, &want, seconds(h)),
            };
            let _words = limited.words(&limits);
            let at = going.position().expect("it has begun");
            for ((seen, joint), at) in seen.iter_mut().zip(&joints).zip(at) {
                *seen = seen.and(*at, h);
                let now = seen.broken(joint);
                for (count, broken) in broken.iter_mut().zip(now) {
                    *count += u64::from(broken);
                }
            }
        }
    }
    broken
}

#[test]
fn no_limit_is_broken_where_one_can_stop() {
    let viable = |joint: &Joint, noise: &mut Noise| loop {
        let state = joint.state(noise);
        if joint.can_stop(state) {
            return state;
        }
    };
    // 10,000 × 60 ticks of six joints each.
    assert_eq!(driven(1, 10_000, 60, viable), [0; 4]);
}

/// Braking with all there is: differences of acceleration and jerk hold even where those of position and speed cannot.
#[test]
fn from_any_state_at_all_a_robot_is_braked_with_what_it_may() {
    let any = |joint: &Joint, noise: &mut Noise| {
        let [lower, upper] = joint.range;
        let position = noise.within(2.0 * lower - upper..2.0 * upper - lower);
        let [_, speed, acceleration] = joint.state(noise);
        [position, 3.0 * speed, acceleration]
    };
    let [position, speed, acceleration, jerk] = driven(2, 7_000, 60, any);
    assert!(position > 0 && speed > 0, "it began outside");
    assert_eq!([acceleration, jerk], [0; 2]);
}

/// Whether even the strongest braking there is, tick by tick, leads over the upper limit of position or of speed.
fn is_lost(joint: &Joint, [p, v, a]: [f64; 3], h: f64) -> bool {
    let (most, change) = (joint.usable(), joint.jerk * h);
    let end = joint.range[1].max(p);
    let (mut p, mut v, mut a) = (p, v, a);
    loop {
        a = (-most).clamp(a - change, a + change);
        v += a * h;
        p += v * h;
        if p > end + 1e-9 || v > joint.speed * (1.0 + 1e-9) {
            return true;
        }
        if v <= 0.0 {
            return false;
        }
    }
}

#[test]
fn who_cannot_be_stopped_in_time_is_braked_with_all_there_is() {
    let (mut noise, mut lost) = (Noise::new(6), 0);
    for _ in 0..200_000 {
        let joint = Joint::draw(&mut noise);
        let [lower, upper] = joint.range;
        let (speed, acceleration) = (3.0 * joint.speed, joint.usable());
        let state = [
            noise.within(lower..upper),
            speed * noise.within(-1.0..1.0),
            acceleration * noise.within(-1.0..1.0),
        ];
        let h = 10_f64.powf(noise.within(-3.0..-1.3));
        let mirrored = Joint { range: [-upper, -lower], ..joint };
        let [up, down] = [is_lost(&joint, state, h), is_lost(&mirrored, state.map(|value| -value), h)];
        if up == down {
            continue;
        }
        lost += 1;
        let (limits, _) = limits_of(&[joint]);
        let mut going = Going::new(&limits);
        assert!(going.resume(&state[..1], &state[1..2], &state[2..]));
        let want = wish(&mut noise, &joint, state[0]);
        match noise.chance(0.5) {
            true => limits.apply(&mut going, &[want], Duration::from_secs_f64(h)),
            false => limits.brake(&mut going, Duration::from_secs_f64(h)),
        };
        let (change, strongest) = (joint.jerk * h, if up { -acceleration } else { acceleration });
        let strongest = strongest.clamp(state[2] - change, state[2] + change);
        let [_, braked] = going.motion(0).expect("there is one joint");
        let near = 1e-6 * acceleration + 1e-9 / (h * h);
        assert!((braked - strongest).abs() < near, "{braked} for {strongest}: {state:?} of {joint:?}, {h}");
    }
    assert!(lost > 20_000, "{lost}");
}

/// Whoever begins outside, at whatever speed, ends inside or at rest, on the shortest way.
#[test]
fn whoever_is_beyond_a_limit_comes_back_and_goes_no_further() {
    let mut noise = Noise::new(3);
    for _ in 0..2_000 {
        let joint = Joint::draw(&mut noise);
        let (limits, _) = limits_of(&[joint]);
        let [lower, upper] = joint.range;
        let out = noise.within(0.0..1.0) * (upper - lower);
        let begin = if noise.chance(0.5) { upper + out } else { lower - out };
        let mut going = Going::new(&limits);
        assert!(going.begin(&[begin]));
        let (h, mut away) = (10_f64.powf(noise.within(-3.0..-1.3)), out);
        let (mut want, mut holds) = (begin, false);
        for _ in 0..(20.0 / h) as usize {
            if noise.chance(0.1) {
                (want, holds) = (wish(&mut noise, &joint, begin), noise.chance(0.2));
            }
            match holds {
                true => limits.brake(&mut going, seconds(h)),
                false => limits.apply(&mut going, &[want], seconds(h)),
            };
            let at = going.position().expect("it has begun")[0];
            let now = (at - upper).max(lower - at);
            assert!(now <= away.max(0.0) + 1e-12, "from {away} to {now} outside: {joint:?} at ticks of {h}");
            away = now;
            if away <= 0.0 {
                break;
            }
        }
    }
}

#[test]
fn a_target_is_come_to_without_overshoot_and_kept() {
    let mut noise = Noise::new(4);
    for _ in 0..3_000 {
        let joint = Joint::draw(&mut noise);
        let (limits, _) = limits_of(&[joint]);
        let [lower, upper] = joint.range;
        let (begin, target) = (noise.within(lower..upper), noise.within(lower - 0.1..upper + 0.1));
        let (goal, h) = (target.clamp(lower, upper), 10_f64.powf(noise.within(-3.0..-1.3)));
        let mut going = Going::new(&limits);
        assert!(going.begin(&[begin]));
        // Full acceleration half of the way and full braking for the other, and the same with jerk, is never slower than this.
        let (way, Joint { speed, acceleration, jerk, .. }) = ((goal - begin).abs(), joint);
        let least = way / speed
            + speed / acceleration
            + 2.0 * acceleration / jerk
            + 2.0 * (way / acceleration).sqrt();
        let least = least + 4.0 * (way / jerk).cbrt();
        let mut most = f64::NEG_INFINITY;
        for _ in 0..((1.5 * least / h) as usize + 20) {
            limits.apply(&mut going, &[target], seconds(h));
            most = most.max((going.position().expect("it has begun")[0] - goal) * (goal - begin).signum());
        }
        // A target nearer than one tick of jerk looks like the first step of a path.
        assert!(
            most <= joint.jerk * h.powi(3) + 1e-9,
            "{most} beyond {goal} from {begin}: {joint:?}, ticks of {h}"
        );
        let at = going.position().expect("it has begun")[0];
        assert!((at - goal).abs() < 1e-9, "{at} for {goal} from {begin}: {joint:?}, ticks of {h}");
        for _ in 0..20 {
            limits.apply(&mut going, &[target], seconds(h));
            assert!((going.position().expect("it has begun")[0] - goal).abs() < 1e-9);
        }
    }
}

/// Sines that stay within every limit, begun at rest: what leaves is what was wanted, to the last bit.
#[test]
fn a_way_within_the_limits_is_followed_to_the_last_bit() {
    let mut noise = Noise::new(5);
    for _ in 0..500 {
        let joint = Joint::draw(&mut noise);
        let (limits, _) = limits_of(&[joint]);
        let [lower, upper] = joint.range;
        let h = 10_f64.powf(noise.within(-3.0..-1.3));
        let pulse = noise.within(0.5..10.0);
        let most =
            (joint.speed / pulse).min(joint.acceleration / pulse.powi(2)).min(joint.jerk / pulse.powi(3));
        let wide = 0.2 * most.min((upper - lower) / 4.0);
        let middle = (lower + upper) / 2.0;
        // The third power swells from nothing with all its derivatives.
        let at = |t: f64| middle + wide * (pulse * t).sin().powi(3) / 3.0;
        let mut going = Going::new(&limits);
        assert!(going.begin(&[at(0.0)]));
        for step in 1..300 {
            let want = at(f64::from(step) * h);
            let limited = limits.apply(&mut going, &[want], seconds(h));
            assert!(!limited.changed(), "{limited:?} at step {step} of {h}: {joint:?}, {pulse} {wide}");
            assert_eq!(going.position(), Some(&[want][..]));
        }
    }
}
