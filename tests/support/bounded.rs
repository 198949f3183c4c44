//! Joints with limits of any kind, and the commands that left for them, held to those limits by their differences alone.
//!
//! What a controller sees is a sequence of commands. So whoever says that no limit was broken says it of that sequence, and not of
//! anything that the code under test keeps.

#![allow(dead_code, reason = "each test file uses a part of it")]

use apprentice::control::limits::{Config, Each, Limits, Most, Range};
use apprentice::noise::Noise;

/// The limits of one joint, as commands are held to them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joint {
    pub(crate) range: [f64; 2],
    pub(crate) speed: f64,
    pub(crate) acceleration: f64,
    pub(crate) jerk: f64,
}

impl Joint {
    pub(crate) fn draw(noise: &mut Noise) -> Self {
        let speed = 10_f64.powf(noise.within(-1.5..1.0));
        let acceleration = speed / noise.within(0.05..1.0);
        let lower = noise.within(-3.0..0.0);
        let range = [lower, lower + speed * 10_f64.powf(noise.within(-1.5..1.0))];
        Self { range, speed, acceleration, jerk: acceleration / noise.within(0.02..0.5) }
    }

    /// Whether a stop exists by which a joint set going like that keeps every limit: any of those that hold the greatest jerk,
    /// then the greatest acceleration against the motion until it has turned, and then come to rest at leisure.
    pub(crate) fn can_stop(&self, [mut p, mut v, mut a]: [f64; 3]) -> bool {
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

    /// The acceleration that can be used: to come back from more of it would break the limit of speed, or lead over both ends.
    pub(crate) fn usable(&self) -> f64 {
        let way = 0.75 * (self.range[1] - self.range[0]);
        self.acceleration.min((self.jerk * self.speed).sqrt()).min((way * self.jerk * self.jerk).cbrt())
    }

    /// How long the fastest stop takes on a curve, in seconds.
    pub(crate) fn stops_in(&self, [_, v, a]: [f64; 3]) -> f64 {
        let (j, most) = (self.jerk, self.usable());
        // Braked downwards, or mirrored; against what is left of the speed once there is no acceleration.
        let side = if v + a * a.abs() / (2.0 * j) >= 0.0 { 1.0 } else { -1.0 };
        let (v, a) = (side * v, side * a);
        let left = v + a * a / (2.0 * j);
        let rest =
            if left <= most * most / j { 2.0 * (left.max(0.0) / j).sqrt() } else { most / j + left / most };
        rest + a / j
    }

    /// Whether no limit of position has a say in the fastest stop: the joint cannot come to one of them on the way.
    pub(crate) fn stops_freely(&self, [p, v, a]: [f64; 3]) -> bool {
        let fastest = v.abs() + a * a / (2.0 * self.jerk);
        let way = 1.2 * fastest * self.stops_in([p, v, a]);
        self.range[0] + way < p && p < self.range[1] - way
    }

    /// A state of any kind, within the limits.
    pub(crate) fn state(&self, noise: &mut Noise) -> [f64; 3] {
        let [lower, upper] = self.range;
        let side = |noise: &mut Noise| noise.within(-1.0..1.0);
        [noise.within(lower..upper), self.speed * side(noise), self.acceleration * side(noise)]
    }
}

/// The limits of those joints, and the names they have there.
pub(crate) fn limits_of(joints: &[Joint]) -> (Limits, Vec<String>) {
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

/// The commands that left: positions, and their differences as a controller sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) state: [f64; 3],
    pub(crate) jerk: f64,
    /// The last three ticks: where one was short, so is what its difference is worth.
    pub(crate) ticks: [f64; 3],
}

impl Seen {
    /// Nothing left yet: the joint is set going like that.
    pub(crate) fn at(state: [f64; 3]) -> Self {
        Self { state, jerk: 0.0, ticks: [0.1; 3] }
    }

    /// With the next command, which left `h` seconds later.
    pub(crate) fn and(self, position: f64, h: f64) -> Self {
        let [p, v, a] = self.state;
        let speed = (position - p) / h;
        let acceleration = (speed - v) / h;
        let ticks = [h, self.ticks[0], self.ticks[1]];
        Self { state: [position, speed, acceleration], jerk: (acceleration - a) / h, ticks }
    }

    /// The limits that are broken by more than the last digits of positions, as these show in differences.
    pub(crate) fn broken(&self, joint: &Joint) -> [bool; 4] {
        let h = self.ticks.into_iter().fold(f64::INFINITY, f64::min);
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
pub(crate) fn wish(noise: &mut Noise, joint: &Joint, at: f64) -> f64 {
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
