//! How one joint comes to rest: the fastest stop with bounded jerk and acceleration, tick by tick, and where it ends.
//!
//! A controller sees a sequence of commands and no curve, so the stop is computed for sequences: it ends after a whole number of
//! ticks with speed and acceleration at exactly zero, and its rest is a stop again. A stop made for curves and then
//! sampled would miss its end by a little, and whoever corrects that little at every tick never comes to rest.
//!
//! In units of ticks a step is `b′ = b + δ`, `u′ = u + b′`, `p′ = p + u′`, with |δ| ≤ d and |b′| ≤ B. Let a joint be braked by `β`,
//! then `β − d`, `β − 2d` and so on to nothing. That takes away the speed
//!
//! ```text
//! F(β) = Σ (β − kd)⁺ = (m + 1) β − d m (m + 1) / 2,   k = 0, 1, …,   m = ⌊β / d⌋
//! ```
//!
//! and on the way the joint goes F(β − d) + F(β − 2d) + …  So the strongest braking that a speed of `u` bears is the `β` with
//! F(β) = u: the time-optimal switching curve of the double integrator in discrete time (Desoer and Wing 1961, "The minimal time
//! regulator problem for linear sampled-data systems"), and the second-order half of what Kröger and Wahl do on curves (2010,
//! "Online Trajectory Generation: Basic Concepts for Instantaneous Reactions to Unforeseen Events").

/// The bounds of one joint in units of ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// The most that the change of the change of position changes in a tick: jerk · h³.
    d: f64,
    /// The most that the change of position changes in a tick: acceleration · h².
    most: f64,
}

impl Stop {
    /// With those bounds and ticks of `h` seconds.
    pub(super) fn new(acceleration: f64, jerk: f64, h: f64) -> Self {
        Self { d: jerk * h * h * h, most: acceleration * h * h }
    }

    /// F(β): the speed that braking by `beta`, and by `d` less at every tick, takes away.
    fn taken(self, beta: f64) -> f64 {
        if beta <= 0.0 {
            return 0.0;
        }
        let m = (beta / self.d).floor();
        (m + 1.0) * beta - self.d * m * (m + 1.0) / 2.0
    }

    /// The braking that takes away exactly the speed `u`, which is not below zero.
    fn bearable(self, u: f64) -> f64 {
        let m = (((1.0 + 8.0 * u / self.d).sqrt() - 1.0) / 2.0).floor();
        (u + self.d * m * (m + 1.0) / 2.0) / (m + 1.0)
    }

    /// Whether the joint, were its acceleration brought to nothing at once, would go on upwards.
    fn upward(self, u: f64, b: f64) -> bool {
        u + b.signum() * self.taken(b.abs() - self.d) >= 0.0
    }

    /// The next `b` of the stop from speed `u` and acceleration `b`.
    pub(super) fn next(self, u: f64, b: f64) -> f64 {
        let sign = if self.upward(u, b) { 1.0 } else { -1.0 };
        let (u, b) = (sign * u, sign * b);
        let wanted = if u < 0.0 { -self.most } else { -self.most.min(self.bearable(u)) };
        sign * wanted.clamp(b - self.d, b + self.d)
    }

    /// How far the joint goes until it rests.
    pub(super) fn way(self, u: f64, b: f64) -> f64 {
        match self.upward(u, b) {
            true => self.way_up(u, b),
            false => -self.way_up(-u, -b),
        }
    }

    fn way_up(self, u: f64, b: f64) -> f64 {
        let at = |k: f64| u + k * b - self.d * k * (k + 1.0) / 2.0;
        // After `k` ticks of the greatest jerk against the way, the next tick needs less of it.
        let free = |k: f64| {
            let beta = (k + 1.0) * self.d - b;
            beta >= 0.0 && (self.most <= beta || at(k) <= self.taken(beta))
        };
        let half = b / self.d;
        let mut k = (half + (half * half / 2.0 + u / self.d).max(0.0).sqrt()).floor().max(0.0);
        while !free(k) {
            k += 1.0;
        }
        while k >= 1.0 && free(k - 1.0) {
            k -= 1.0;
        }
        let gone = k * (u + (k + 1.0) * (b / 2.0 - self.d * (k + 2.0) / 6.0));
        gone + self.held(at(k).max(0.0))
    }

    /// The way from speed `u` where braking is as strong as it may be at once.
    fn held(self, u: f64) -> f64 {
        let n = ((u - self.taken(self.most)) / self.most).ceil().max(0.0);
        let left = (u - n * self.most).max(0.0);
        let beta = self.bearable(left);
        let m = (beta / self.d).floor();
        let rest = beta - m * self.d;
        let released = m * (m + 1.0) * (rest / 2.0 + self.d * (m - 1.0) / 6.0);
        n * (u - self.most * (n + 1.0) / 2.0) + released
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Noise;

    /// Where a stop that is gone through tick by tick ends, and after how many ticks.
    fn walked(stop: Stop, mut u: f64, mut b: f64) -> (f64, usize) {
        let (mut p, mut ticks) = (0.0, 0);
        while u.abs() > 1e-12 * stop.d || b.abs() > 1e-12 * stop.d {
            let next = stop.next(u, b);
            assert!((next - b).abs() <= stop.d * (1.0 + 1e-9), "jerk: from {b} to {next} with {stop:?}");
            assert!(
                next.abs() <= stop.most.max(b.abs()) * (1.0 + 1e-12),
                "acceleration: {next} with {stop:?}"
            );
            b = next;
            u += b;
            p += u;
            ticks += 1;
            assert!(ticks < 100_000, "it never rests: {u} {b} {stop:?}");
        }
        (p, ticks)
    }

    fn drawn(noise: &mut Noise) -> (Stop, f64, f64) {
        let d = 10_f64.powf(noise.within(-3.0..1.0));
        let stop = Stop { d, most: d * noise.within(0.3..20.0) };
        let u = noise.within(-60.0..60.0) * d * noise.unit();
        (stop, u, noise.within(-1.0..1.0) * stop.most)
    }

    #[test]
    fn a_stop_ends_where_its_formula_says() {
        let mut noise = Noise::new(1);
        for _ in 0..20_000 {
            let (stop, u, b) = drawn(&mut noise);
            let (end, ticks) = walked(stop, u, b);
            let said = stop.way(u, b);
            assert!(
                (end - said).abs() <= 1e-9 * (1.0 + end.abs()),
                "{end} {said} in {ticks}: {stop:?} {u} {b}"
            );
        }
    }

    #[test]
    fn who_is_faster_or_gains_speed_stops_further_ahead() {
        let mut noise = Noise::new(2);
        for _ in 0..20_000 {
            let (stop, u, b) = drawn(&mut noise);
            let more = noise.unit() * stop.d * 3.0;
            let slack = 1e-9 * (1.0 + stop.way(u, b).abs());
            assert!(stop.way(u + more, b) >= stop.way(u, b) - slack, "{stop:?} {u} {b} {more}");
            let stronger = (b + more).min(stop.most);
            assert!(stop.way(u, stronger) >= stop.way(u, b) - slack, "{stop:?} {u} {b} {stronger}");
        }
    }
}
