//! One joint and its limits: from where it is and what is wanted to the nearest command that it may be given.
//!
//! Two questions are kept apart. What is *allowed* must hold for any tick to come, however long, so it asks of a command that the
//! joint could still be turned before a limit if time ran as on a curve: greatest jerk against the way, then greatest
//! acceleration, to where the speed is nothing. Sequences with `a′ = a + jh`, `v′ = v + a′h`, `p′ = p + v′h` brake earlier than
//! that curve at every tick, so the set of such states is never left (the viability kernel of Del Prete 2018, "Joint Position
//! and Velocity Bounds in Discrete-Time Acceleration/Torque Control of Robot Arms", with a bound on jerk). For each of four
//! limits the allowed accelerations reach up to, or down to, one number. What is *sought* is another matter: the command
//! after which the fastest stop ends nearest to what is wanted, for ticks like this one.

use super::Bound;
use super::stop::Stop;

/// Positions closer than this are one: sixteen digits, less what some hundred sums take from them.
const ROUNDING: f64 = 1e-12;
/// A joint this slow rests, whatever its limits make of the last digits, rad/s or m/s.
const REST: f64 = 1e-9;
/// How often an interval is halved: to the last bits that count.
const HALVINGS: u32 = 52;

/// The limits of one joint.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Joint {
    pub(super) lower: f64,
    pub(super) upper: f64,
    pub(super) speed: f64,
    /// No more than what can be used: see [`Joint::new`].
    pub(super) acceleration: f64,
    pub(super) jerk: f64,
    /// How far away what is wanted may be.
    pub(super) jump: f64,
}

/// What was commanded last: differences of the sequence of commands by the lengths of their ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Course {
    pub(super) position: f64,
    pub(super) speed: f64,
    pub(super) acceleration: f64,
}

impl Course {
    /// After a tick of `h` seconds with that acceleration.
    fn after(self, acceleration: f64, h: f64) -> Self {
        let speed = self.speed + acceleration * h;
        Self { position: self.position + speed * h, speed, acceleration }
    }

    /// After a tick of `h` seconds that ends at `position`.
    fn at(self, position: f64, h: f64) -> Self {
        let speed = (position - self.position) / h;
        Self { position, speed, acceleration: (speed - self.speed) / h }
    }

    /// At rest, where all that is left of the motion are digits that no position has: they would halve for many ticks yet.
    fn stilled(self, h: f64) -> Self {
        let nothing = |part: f64| part.abs() < f64::EPSILON;
        let still = nothing(self.speed * h) && nothing(self.acceleration * h * h);
        if still { Self { speed: 0.0, acceleration: 0.0, ..self } } else { self }
    }

    fn mirrored(self) -> Self {
        Self { position: -self.position, speed: -self.speed, acceleration: -self.acceleration }
    }
}

/// What is wanted of a joint, and how that moves: what lies behind it, as far as the joint could follow.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Want {
    pub(super) at: f64,
    pace: f64,
    gain: f64,
}

impl Want {
    /// Rest at `at`.
    pub(super) fn rest(at: f64) -> Self {
        Self { at, pace: 0.0, gain: 0.0 }
    }

    /// `h` seconds later, at `at`. Half of the acceleration is left for coming nearer.
    fn after(self, at: f64, h: f64, joint: &Joint) -> Self {
        let pace = ((at - self.at) / h).clamp(-joint.speed, joint.speed);
        let half = joint.acceleration / 2.0;
        Self { at, pace, gain: ((pace - self.pace) / h).clamp(-half, half) }
    }
}

/// The accelerations that are allowed in a tick, and which limits they end at.
#[derive(Clone, Copy, Debug)]
struct Room {
    least: f64,
    most: f64,
    below: Option<Bound>,
    above: Option<Bound>,
}

impl Joint {
    /// A joint with those limits, of which the acceleration is cut to what the others leave room for: turning round takes
    /// speed a² / 2j beyond rest and way 2a³ / 3j², and where that is not there, full acceleration could never be left in time.
    pub(super) fn new([lower, upper]: [f64; 2], speed: f64, acceleration: f64, jerk: f64, jump: f64) -> Self {
        let by_speed = (jerk * speed).sqrt();
        let by_way = (0.75 * (upper - lower) * jerk * jerk).cbrt();
        Self { lower, upper, speed, acceleration: acceleration.min(by_speed).min(by_way), jerk, jump }
    }

    /// A bound on how far a stop from `course` takes the joint from there; `None` where limits may have a say in it.
    pub(super) fn reach(&self, course: Course, h: f64) -> Option<f64> {
        let stop = Stop::new(self.acceleration, self.jerk, h);
        let way = stop.way(course.speed * h, course.acceleration * h * h);
        let end = course.position + way;
        // Where a stop ends this near to a limit, its last ticks are stronger than a stop needs.
        let near = 9.0 * self.jerk * h * h * h;
        let clear = |at: f64| (self.lower + near..=self.upper - near).contains(&at);
        // Who is about to turn round goes on for no more ticks than it takes to lose the acceleration, and ever slower.
        let turning = if course.speed * way < 0.0 {
            course.speed.abs() * course.acceleration.abs() / self.jerk
        } else {
            0.0
        };
        let rests = course.speed.abs() + course.acceleration.abs() * h < REST;
        (rests || clear(end) && clear(course.position)).then_some(way.abs() + turning)
    }

    fn mirrored(&self) -> Self {
        Self { lower: -self.upper, upper: -self.lower, ..*self }
    }

    /// The command of the fastest stop, `h` seconds after `from`.
    pub(super) fn brake(&self, from: Course, h: f64) -> (Course, Option<Bound>) {
        let stop = Stop::new(self.acceleration, self.jerk, h);
        let sought = stop.next(from.speed * h, from.acceleration * h * h) / (h * h);
        let next = from.after(sought, h).stilled(h);
        if self.keeps(from, next) {
            return (self.settled(from, next, h), None);
        }
        let (acceleration, bound) = self.room(from, h).nearest(sought);
        (self.settled(from, from.after(acceleration, h).stilled(h), h), bound)
    }

    /// A command on the way from that of the fastest stop (0) to `next` (1).
    pub(super) fn between(&self, from: Course, stopped: Course, next: Course, share: f64, h: f64) -> Course {
        let acceleration = stopped.acceleration + share * (next.acceleration - stopped.acceleration);
        self.settled(from, from.after(acceleration, h), h)
    }

    /// The nearest allowed command to what is wanted, `h` seconds after `from`, and what kept it from that.
    pub(super) fn follow(&self, from: Course, want: &mut Want, to: f64, h: f64) -> (Course, Option<Bound>) {
        let before = want.at;
        *want = want.after(to.clamp(self.lower, self.upper), h, self);
        let there = from.at(want.at, h);
        let outside = (want.at != to).then_some(Bound::Position);
        let smooth = there.acceleration.abs() <= self.acceleration
            && (there.acceleration - from.acceleration).abs() <= self.jerk * h;
        let possible = smooth && self.keeps(from, there);
        if possible && (from.position == before || self.can_stay(there, *want, h)) {
            return (there, outside);
        }
        let room = self.room(from, h);
        let next = from.after(self.sought(from, *want, room, h), h);
        let next = self.settled(from, next, h);
        let kept = (next.position != to).then(|| outside.unwrap_or(self.why(from, there, room, h)));
        (next, kept)
    }

    /// Whether a joint that is `there`, where it is wanted, can go on with what is wanted if that goes on as it does.
    fn can_stay(&self, there: Course, want: Want, h: f64) -> bool {
        let (next, change) = (want.gain + (want.pace - there.speed) / h, self.jerk * h);
        (next - there.acceleration).abs() <= change
            && (want.gain - next).abs() <= change
            && next.abs() <= self.acceleration
    }

    /// The allowed acceleration after which the fastest stop, seen from what is wanted, ends nearest to that.
    fn sought(&self, from: Course, want: Want, room: Room, h: f64) -> f64 {
        let stop = Stop::new(self.acceleration - want.gain.abs(), self.jerk, h);
        let beyond = |acceleration: f64| {
            let next = from.after(acceleration, h);
            let way = stop.way((next.speed - want.pace) * h, (acceleration - want.gain) * h * h);
            (next.position - want.at) + way
        };
        let on = stop.next((from.speed - want.pace) * h, (from.acceleration - want.gain) * h * h);
        let on = on / (h * h) + want.gain;
        if room.nearest(on).1.is_none() && beyond(on).abs() <= ROUNDING {
            return on;
        }
        root(beyond, room.least, room.most)
    }

    /// What kept a joint from being `there`.
    fn why(&self, from: Course, there: Course, room: Room, h: f64) -> Bound {
        let wanted = there.acceleration;
        if there.speed.abs() > self.speed {
            Bound::Speed
        } else if wanted.abs() > self.acceleration {
            Bound::Acceleration
        } else if (wanted - from.acceleration).abs() > self.jerk * h {
            Bound::Jerk
        } else {
            // It could be there, and not stop in time; or could not go on from there without a jerk.
            room.nearest(wanted).1.unwrap_or(Bound::Jerk)
        }
    }

    /// The accelerations after which every limit can still be kept. Where there are none, because the joint was set going
    /// like that, the strongest against the limit that will be broken.
    fn room(&self, from: Course, h: f64) -> Room {
        let change = self.jerk * h;
        let (weakest, strongest) = (from.acceleration - change, from.acceleration + change);
        let least = (-self.acceleration).clamp(weakest, strongest);
        let most = self.acceleration.clamp(weakest, strongest);
        let (above, up) = self.highest(from, least, most, h);
        let (below, down) = self.mirrored().highest(from.mirrored(), -most, -least, h);
        let below = -below;
        let (least, most) = match (below <= above, up.broken, down.broken) {
            (true, ..) => (below, above),
            (false, true, false) => (above, above),
            (false, false, true) => (below, below),
            // Two limits at once: neither can be kept by giving in to the other.
            (false, ..) => ((below + above) / 2.0, (below + above) / 2.0),
        };
        Room { least, most, below: down.bound, above: up.bound }
    }

    /// The highest acceleration of those from `least` to `most` after which the upper limits can be kept.
    fn highest(&self, from: Course, least: f64, most: f64, h: f64) -> (f64, End) {
        let bound = |acceleration| self.over(from, from.after(acceleration, h));
        let Some(first) = bound(most) else { return (most, End { bound: None, broken: false }) };
        if let Some(bound) = bound(least) {
            return (least, End { bound: Some(bound), broken: true });
        }
        let (mut kept, mut broken, mut reason) = (least, most, first);
        for _ in 0..HALVINGS {
            let middle = (kept + broken) / 2.0;
            match bound(middle) {
                None => kept = middle,
                Some(bound) => (broken, reason) = (middle, bound),
            }
        }
        (kept, End { bound: Some(reason), broken: false })
    }

    /// Whether every limit of position and speed can still be kept from `next`, the command after `from`.
    fn keeps(&self, from: Course, next: Course) -> bool {
        self.over(from, next).is_none() && self.mirrored().over(from.mirrored(), next.mirrored()).is_none()
    }

    /// Which upper limit cannot be kept from `next`, the command after `from`.
    ///
    /// A joint that is beyond its limit, because the robot is, may be there and may not go further.
    fn over(&self, from: Course, next: Course) -> Option<Bound> {
        let gained = next.acceleration.max(0.0).powi(2) / (2.0 * self.jerk);
        if next.speed + gained > self.speed * (1.0 + ROUNDING) {
            return Some(Bound::Speed);
        }
        let rounding = ROUNDING * (1.0 + self.upper.abs());
        let [peak, rise] = self.ahead(next);
        // Who is beyond the limit may come back as he likes, but turn round only where the limit is kept then.
        let turns = next.position + peak > self.upper + rounding && rise > rounding;
        let out = next.position > self.upper.max(from.position) || turns;
        out.then_some(Bound::Position)
    }

    /// How far a joint goes up before its speed is nothing, with the greatest jerk and then the greatest acceleration against it: from
    /// where it is, which may be above that, and from where it is lowest before.
    fn ahead(&self, Course { speed, acceleration, .. }: Course) -> [f64; 2] {
        let square = acceleration * acceleration + 2.0 * self.jerk * speed;
        if (speed <= 0.0 && acceleration <= 0.0) || square < 0.0 {
            return [f64::NEG_INFINITY, 0.0];
        }
        let way = |t: f64| t * (speed + t * (acceleration / 2.0 - self.jerk * t / 6.0));
        let [lowest, turned] = [-1.0, 1.0].map(|sign| (acceleration + sign * square.sqrt()) / self.jerk);
        let full = ((acceleration + self.acceleration) / self.jerk).max(0.0);
        let t = turned.min(full);
        let left = if turned > full { speed + t * (acceleration - self.jerk * t / 2.0) } else { 0.0 };
        let peak = way(t) + left * left / (2.0 * self.acceleration);
        [peak, peak - way(lowest.max(0.0))]
    }

    /// `next` without the last digit by which sums miss a limit.
    fn settled(&self, from: Course, next: Course, h: f64) -> Course {
        let missed = 8.0 * ROUNDING * (1.0 + next.position.abs());
        let inside = next.position.clamp(self.lower, self.upper);
        let by_rounding = inside != next.position && (inside - next.position).abs() <= missed;
        if by_rounding { from.at(inside, h) } else { next }
    }
}

/// Where allowed accelerations end: at which limit, and whether even the last one breaks it.
#[derive(Clone, Copy, Debug)]
struct End {
    bound: Option<Bound>,
    broken: bool,
}

impl Room {
    /// The nearest allowed acceleration, and what is in the way of the wanted one.
    fn nearest(&self, wanted: f64) -> (f64, Option<Bound>) {
        if wanted > self.most {
            (self.most, self.above)
        } else if wanted < self.least {
            (self.least, self.below)
        } else {
            (wanted, None)
        }
    }
}

/// Where the rising function `of` is nothing, or the end of the interval that is nearest to that: by false position with the
/// Illinois rule (Dowell and Jarratt 1971, "A modified regula falsi method for computing the root of an equation").
fn root(of: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let (mut under, mut over) = (of(low), of(high));
    if under >= 0.0 {
        return low;
    }
    if over <= 0.0 {
        return high;
    }
    let mut kept = 0;
    for _ in 0..HALVINGS {
        let middle = (low * over - high * under) / (over - under);
        let middle = if middle > low && middle < high { middle } else { (low + high) / 2.0 };
        let value = of(middle);
        if value.abs() <= ROUNDING * 0.1 {
            return middle;
        }
        if value < 0.0 {
            (low, under) = (middle, value);
            over = if kept < 0 { over / 2.0 } else { over };
            kept = -1;
        } else {
            (high, over) = (middle, value);
            under = if kept > 0 { under / 2.0 } else { under };
            kept = 1;
        }
    }
    (low + high) / 2.0
}
