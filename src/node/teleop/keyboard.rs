//! The terminal's keys as a stick: a key moves while it is held.
//!
//! A terminal tells that a key was pressed and that it repeats, never that it was let go of. So one press moves for a
//! moment, and a key that repeats moves until the repeating stops. No key held is the dead-man switch released.
//!
//! ```text
//!   tip      w s forward, back · a d left, right · r f up, down · i k pitch · j l yaw · u o roll
//!   joints   q w e r t y u i: the first, the second, … one way · a s d f g h j k: the other way
//!   both     c v close, open · capital letters: turbo · m mode · space stop
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::above_zero;
use super::drive::Idle;
use super::hand::Hand;
use crate::time::Stamp;

/// Of each key the number of the share and the way it moves it.
const TIP: [(char, usize, f64); 12] = [
    ('w', 0, 1.0),
    ('s', 0, -1.0),
    ('a', 1, 1.0),
    ('d', 1, -1.0),
    ('r', 2, 1.0),
    ('f', 2, -1.0),
    ('o', 3, 1.0),
    ('u', 3, -1.0),
    ('k', 4, 1.0),
    ('i', 4, -1.0),
    ('j', 5, 1.0),
    ('l', 5, -1.0),
];
/// The keys of the joints in order, one way and the other.
const JOINTS: [&str; 2] = ["qwertyui", "asdfghjk"];

/// The section `teleop.keyboard`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How long a single press moves.
    #[serde(deserialize_with = "above_zero")]
    pub tap_ms: f64,
    /// How long after its last repeat a held key still counts as held. Terminals repeat 20 to 40 times a second.
    #[serde(deserialize_with = "above_zero")]
    pub hold_ms: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { tap_ms: 150.0, hold_ms: 120.0 }
    }
}

/// The terminal's keys.
#[derive(Clone, Debug)]
pub struct Keys {
    config: Config,
    joints: bool,
    held: Vec<Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    key: char,
    turbo: bool,
    last: Stamp,
    until: Stamp,
}

impl Keys {
    /// A keyboard of which no key is held; with `joints` it moves joints until the mode is changed.
    pub fn new(config: Config, joints: bool) -> Self {
        Self { config, joints, held: Vec::new() }
    }

    /// Whether it moves joints, and not the tip.
    pub fn moves_joints(&self) -> bool {
        self.joints
    }

    /// A key was pressed, or repeats.
    pub fn press(&mut self, letter: char, now: Stamp) {
        let key = letter.to_ascii_lowercase();
        match key {
            ' ' => self.held.clear(),
            'm' => {
                self.joints = !self.joints;
                self.held.clear();
            }
            _ => self.hold(key, letter.is_ascii_uppercase(), now),
        }
    }

    fn hold(&mut self, key: char, turbo: bool, now: Stamp) {
        let span = |ms: f64| Duration::from_secs_f64(ms / 1e3);
        // What a terminal waits before it repeats is up to a second; from then on it does so quickly.
        let repeats =
            self.held.iter().any(|held| held.key == key && now.since(held.last).as_secs_f64() < 1.0);
        let until = now + if repeats { span(self.config.hold_ms) } else { span(self.config.tap_ms) };
        self.held.retain(|held| held.key != key && now.since(held.last).as_secs_f64() < 1.0);
        self.held.push(Held { key, turbo, last: now, until });
    }

    /// What the hand on it wants at `now`; nothing where no key is held that means something.
    pub fn hand(&self, now: Stamp) -> Result<Hand, Idle> {
        let mut hand = Hand { shares: vec![0.0; 8], joints: self.joints, ..Hand::default() };
        let mut moves = false;
        for held in self.held.iter().filter(|held| held.last <= now && now < held.until) {
            let motion = match (held.key, self.joints) {
                ('c', _) => {
                    hand.gripper -= 1.0;
                    moves = true;
                    continue;
                }
                ('v', _) => {
                    hand.gripper += 1.0;
                    moves = true;
                    continue;
                }
                (key, false) => TIP.iter().find(|(known, ..)| *known == key).map(|(_, at, way)| (*at, *way)),
                (key, true) => joint_of(key),
            };
            if let Some((at, way)) = motion {
                hand.shares[at] += way;
                hand.turbo |= held.turbo;
                moves = true;
            }
        }
        if moves { Ok(hand) } else { Err(Idle::Released) }
    }

    /// What the keys do, in a line.
    pub fn help(&self) -> &'static str {
        match self.joints {
            false => {
                "w s forward back · a d left right · r f up down · i k pitch · j l yaw · u o roll · c v close open · \
                 capitals faster · m joints · space stop · Ctrl-C end"
            }
            true => {
                "q w e r t y u i joints one way · a s d f g h j k the other · c v close open · capitals faster · m tip · \
                 space stop · Ctrl-C end"
            }
        }
    }
}

fn joint_of(key: char) -> Option<(usize, f64)> {
    let ways = JOINTS.iter().zip([1.0, -1.0]);
    ways.into_iter().find_map(|(row, way)| row.find(key).map(|joint| (joint, way)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn keys() -> Keys {
        Keys::new(Config::default(), false)
    }

    #[test]
    fn a_tap_moves_for_a_moment() {
        let mut keys = keys();
        keys.press('w', Stamp(0));
        assert_eq!(keys.hand(Stamp(149 * MS)).map(|hand| hand.shares[0]), Ok(1.0));
        assert_eq!(keys.hand(Stamp(151 * MS)), Err(Idle::Released));
    }

    #[test]
    fn a_key_that_repeats_moves_until_it_no_longer_does() {
        let mut keys = keys();
        keys.press('A', Stamp(0));
        for at in (500..1000).step_by(33) {
            keys.press('A', Stamp(at * MS));
            let hand = keys.hand(Stamp((at + 33) * MS));
            assert_eq!(hand.map(|hand| (hand.shares[1], hand.turbo)), Ok((1.0, true)));
        }
        assert_eq!(keys.hand(Stamp((995 + 121) * MS)), Err(Idle::Released));
    }

    #[test]
    fn space_lets_go_of_everything_and_two_keys_add_up() {
        let mut keys = keys();
        keys.press('w', Stamp(0));
        keys.press('d', Stamp(0));
        keys.press('v', Stamp(0));
        let hand = keys.hand(Stamp(MS));
        assert_eq!(hand.map(|hand| (hand.shares[0], hand.shares[1], hand.gripper)), Ok((1.0, -1.0, 1.0)));
        keys.press(' ', Stamp(MS));
        assert_eq!(keys.hand(Stamp(MS)), Err(Idle::Released));
    }

    #[test]
    fn the_other_mode_moves_joints_and_a_key_without_a_meaning_nothing() {
        let mut keys = keys();
        keys.press('m', Stamp(0));
        keys.press('e', Stamp(0));
        keys.press('a', Stamp(0));
        let hand = keys.hand(Stamp(MS));
        assert_eq!(
            hand.map(|hand| (hand.joints, hand.shares[..3].to_vec())),
            Ok((true, vec![-1.0, 0.0, 1.0]))
        );
        keys.press('m', Stamp(MS));
        keys.press('z', Stamp(MS));
        assert_eq!(keys.hand(Stamp(MS)), Err(Idle::Released));
    }
}
