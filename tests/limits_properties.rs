//! The limits, for any wish from any state at any time: nothing that leaves breaks one, and what may be followed is.
//!
//! These lines stand between every fault of everything else and a robot's gears, so they are asked a million times, and the answers
//! are not held against the code's own notion of what is well, but against differences of the commands that left. The
//! states to begin from are drawn twice: such that a plain stop exists, which is gone through here, and of any kind.

use std::time::Duration;

use apprentice::arm::urdf::{Description, SIM_ARM};
use apprentice::control::limits::{
    Bound, Config, Corners, Each, Going, Gripper, Limited, Limits, Most, Range, Room,
};
use apprentice::noise::Noise;

/// The limits of one joint, as this file holds commands to them.
#[derive(Clone, Copy, Debug)]
struct Joint {
    range: [f64; 2],
    speed: f64,
    acceleration: f64,
    jerk: f64,
}

impl Joint {
    fn draw(noise: &mut Noise) -> Self {
        let speed = 10_f64.powf(noise.within(-1.5..1.0));
        let acceleration = speed / noise.within(0.05..1.0);
        let lower = noise.within(-3.0..0.0);
        let range = [lower, lower + speed * 10_f64.powf(noise.within(-1.5..1.0))];
        Self { range, speed, acceleration, jerk: acceleration / noise.within(0.02..0.5) }
    }

    /// Whether a stop exists by which a joint set going like that keeps every limit: any of those that hold the greatest jerk,
    /// then the greatest acceleration against the motion until it has turned, and then come to rest at leisure.
    fn can_stop(&self, [mut p, mut v, mut a]: [f64; 3]) -> bool {
        let step = 1e-4;
        let against = if v + a * a.abs() / (2.0 * self.jerk) > 0.0 { -1.0 } else { 1.0 };
        let within = |p: f64, v: f64| (self.range[0]..=self.range[1]).contains(&p) && v.abs() <= self.speed;
        let moving = |v: f64, a: f64| v * against < 0.0 || a * against < 0.0;
        // A third of the acceleration is left to the code, which must also be able to turn round again.
        let most = self.acceleration / 3.0;
        while moving(v, a) {
            if !within(p, v) || a.abs() > self.acceleration {
                return false;
            }
            a = (a + against * self.jerk * step).clamp(-most.max(a.abs()), most.max(a.abs()));
            v += a * step;
            p += v * step;
        }
        let turned = 1.5 * a.abs().powi(3) / self.jerk.powi(2);
        let side = [p - self.range[0], self.range[1] - p];
        within(p, v) && side[usize::from(against > 0.0)] > turned && a * a / self.jerk < self.speed
    }

    fn state(&self, noise: &mut Noise) -> [f64; 3] {
        let [lower, upper] = self.range;
        let side = |noise: &mut Noise| noise.within(-1.0..1.0);
        [noise.within(lower..upper), self.speed * side(noise), self.acceleration * side(noise)]
    }
}

fn limits_of(joints: &[Joint]) -> (Limits, Vec<String>) {
    let names: Vec<String> = (0..joints.len()).map(|number| format!("joint_{number}")).collect();
    let each = |of: fn(&Joint) -> f64| {
        let pairs = names.iter().cloned().zip(joints.iter().map(|joint| Most(of(joint))));
        Some(Each::Joints(pairs.collect()))
    };
    let ranges = names.iter().cloned().zip(joints.iter().map(|joint| Range(joint.range)));
    let config = Config {
        position: Some(Each::Joints(ranges.collect())),
        speed: each(|joint| joint.speed),
        acceleration: each(|joint| joint.acceleration),
        jerk: each(|joint| joint.jerk),
        ..Config::default()
    };
    (Limits::load(&config, None, &names).expect("everything is said"), names)
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The commands that left: positions, and their differences as a controller sees them.
#[derive(Clone, Copy, Debug)]
struct Seen {
    state: [f64; 3],
    jerk: f64,
}

impl Seen {
    fn at(state: [f64; 3]) -> Self {
        Self { state, jerk: 0.0 }
    }

    fn and(self, position: f64, h: f64) -> Self {
        let [p, v, a] = self.state;
        let speed = (position - p) / h;
        let acceleration = (speed - v) / h;
        Self { state: [position, speed, acceleration], jerk: (acceleration - a) / h }
    }

    /// The limits that are broken by more than the last digits of positions, as differences over `h` seconds see them.
    fn broken(&self, joint: &Joint, h: f64) -> [bool; 4] {
        let [p, v, a] = self.state;
        let digits = 8.0 * f64::EPSILON * (1.0 + p.abs());
        let over =
            |value: f64, most: f64, power: i32| value.abs() > most * (1.0 + 1e-6) + digits / h.powi(power);
        [
            p < joint.range[0] || p > joint.range[1],
            over(v, joint.speed, 1),
            over(a, joint.acceleration, 2),
            over(self.jerk, joint.jerk, 3),
        ]
    }
}

/// A wish of the kinds that there are: nearby, anywhere, no number, and any bits.
fn wish(noise: &mut Noise, joint: &Joint, at: f64) -> f64 {
    let [lower, upper] = joint.range;
    match noise.below(12) {
        0 => f64::NAN,
        1 => [f64::INFINITY, f64::NEG_INFINITY][noise.below(2)],
        2 => f64::from_bits(noise.bits()),
        3 => [lower, upper][noise.below(2)],
        4..7 => noise.within(2.0 * lower - upper..2.0 * upper - lower),
        7..9 => at,
        _ => at + noise.normal() * joint.speed * 10_f64.powf(noise.within(-4.0..0.0)),
    }
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
                let now = seen.broken(joint, h);
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
