//! Who takes over, and when: the acts of whoever stands by.
//!
//! A person sees where the robot is going and compares it with where he would go; he needs a moment to act, and gives back when the
//! two agree again. So does the expert who stands in for him, only that he knows exactly: a bound for what a person could do, and the
//! same at every try. Whatever he does goes through the gate, as `~/take` does on a robot.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control;
use crate::control::gate::config::{Agree, Doubt};
use crate::control::gate::{Ask, Mode};
use crate::noise::Noise;
use crate::time::Stamp;

/// Over how long the difference between two ways is looked at.
const LOOK: f64 = 0.5;
/// Which stream of an attempt's chance coins are thrown with; the world and its demonstrations have others.
const COINS: u64 = 32;

/// Who takes over, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The expert, when the policy strays.
    Stray(Stray),
    /// The expert, when the policy's doubt asks for him.
    Doubt,
    /// By a coin before every chunk, the expert with this probability (Ross et al. 2011, "A Reduction of Imitation Learning and
    /// Structured Prediction to No-Regret Online Learning", algorithm 3.1 with its β).
    Coin(f64),
    /// The expert always; what the policy would have done is only looked at.
    Expert,
}

/// When a policy strays, to one who knows better.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Stray {
    /// How far a joint may be brought, within half a second, from where the expert would have brought it.
    pub tolerance: Agree,
    /// How long it takes him to act when it is further, and to trust the policy again when it is not.
    pub reaction_ms: f64,
}

impl Default for Stray {
    /// A tenth of a radian at this arm's reach is some four centimetres; a quarter of a second is how fast people react to what they see.
    fn default() -> Self {
        Self { tolerance: Agree { angle: 0.1, length: 0.01 }, reaction_ms: 250.0 }
    }
}

impl Who {
    /// The settings of control with a gate that lets him act.
    pub(super) fn gated(&self, config: &control::Config) -> control::Config {
        let mut config = config.clone();
        (config.gate.human.service, config.gate.human.give_back) = (true, true);
        // He goes on from where the robot is told to be, tick by tick: led over to him gradually, it would be the policy's way that he is
        // seen to want meanwhile.
        config.gate.blend_ms = 0.0;
        config.gate.doubt = config.gate.doubt.filter(|_| *self == Self::Doubt).map(|doubt| Doubt {
            ask: Ask::Expert,
            returns: true,
            ..doubt
        });
        config
    }
}

/// Whoever stands by in one attempt.
#[derive(Debug)]
pub(super) struct Keeper {
    who: Who,
    bounds: Vec<f64>,
    reaction: Duration,
    /// How much of a difference is forgotten at a tick.
    fades: f64,
    coins: Noise,
    /// How far the policy's way led from the expert's, lately.
    off: Vec<f64>,
    /// Since when it is as it has to be for him to act.
    since: Option<Stamp>,
    /// What he says at the next tick.
    word: Option<bool>,
}

impl Keeper {
    /// In the attempt of `seed`, at joints of which `slides` says which do not turn, told something once in a `period`.
    pub(super) fn new(who: &Who, slides: &[bool], period: Duration, seed: u64) -> Self {
        let Stray { tolerance, reaction_ms } = match who {
            Who::Stray(stray) => *stray,
            _ => Stray::default(),
        };
        Self {
            who: who.clone(),
            bounds: tolerance.bounds(slides),
            reaction: Duration::try_from_secs_f64(reaction_ms / 1e3).unwrap_or(Duration::MAX),
            fades: (-period.as_secs_f64() / LOOK).exp(),
            coins: Noise::of(seed, COINS),
            off: vec![0.0; slides.len()],
            since: None,
            word: matches!(who, Who::Expert).then_some(true),
        }
    }

    /// The policy thought again.
    pub(super) fn thought(&mut self) {
        if let Who::Coin(share) = self.who {
            self.word = Some(self.coins.chance(share));
        }
    }

    /// What he says at this tick: whether he drives, where he says anything.
    pub(super) fn acts(
        &mut self,
        mode: Mode,
        planned: Option<&[f64]>,
        wish: &[f64],
        now: Stamp,
    ) -> Option<bool> {
        if let (Who::Stray(_), Some(planned)) = (&self.who, planned) {
            self.look(mode, planned, wish, now);
        }
        self.word.take()
    }

    /// Compares the policy's way with his own.
    fn look(&mut self, mode: Mode, planned: &[f64], wish: &[f64], now: Stamp) {
        let drives = mode == Mode::Human;
        let ways = planned.iter().zip(wish).map(|(planned, wish)| planned - wish);
        for (off, way) in self.off.iter_mut().zip(ways) {
            // Each tick begins where the last command left the robot, so what the policy brought it off adds up; where he drives
            // himself it is brought off by nothing, and the plan alone tells.
            *off = if drives { way } else { *off * self.fades + way };
        }
        let strays = self.off.iter().zip(&self.bounds).any(|(off, bound)| off.abs() > *bound);
        if strays == drives {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(now);
        if now.since(since) >= self.reaction {
            (self.word, self.since) = (Some(!drives), None);
            self.off.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    fn at(tick: u32) -> Stamp {
        Stamp(0) + PERIOD * tick
    }

    /// What he says in the first second of a plan that leads off by `step` a tick.
    fn says(mode: Mode, step: f64) -> Vec<(u32, bool)> {
        let mut keeper = Keeper::new(&Who::Stray(Stray::default()), &[false], PERIOD, 1);
        let said = |tick| Some((tick, keeper.acts(mode, Some(&[step]), &[0.0], at(tick))?));
        (0..100).filter_map(said).collect()
    }

    #[test]
    fn he_takes_over_a_reaction_after_the_policy_strays_and_not_for_a_trifle() {
        assert_eq!(says(Mode::Policy, 0.001), []);
        // Eleven ticks of a hundredth are more than a tenth, and 250 ms later he acts.
        let said = says(Mode::Policy, 0.01);
        assert!(matches!(said[..], [(35..=37, true), ..]), "{said:?}");
    }

    #[test]
    fn he_gives_back_when_the_policy_wants_what_he_wants() {
        assert_eq!(says(Mode::Human, 0.2), []);
        assert!(matches!(says(Mode::Human, 0.02)[..], [(25, false), ..]));
    }

    #[test]
    fn a_coin_falls_once_a_chunk() {
        let mut keeper = Keeper::new(&Who::Coin(0.5), &[false], PERIOD, 1);
        let mut heads = 0;
        for chunk in 0..1000 {
            keeper.thought();
            heads += u32::from(keeper.acts(Mode::Policy, None, &[0.0], at(chunk)) == Some(true));
            assert_eq!(keeper.acts(Mode::Policy, None, &[0.0], at(chunk)), None);
        }
        assert!((450..550).contains(&heads), "{heads}");
    }

    #[test]
    fn only_he_who_is_asked_by_doubt_has_it_in_his_gate() {
        let config: control::Config =
            serde_json::from_str(r#"{"gate": {"doubt": {"false_alarms": 0.1}}}"#).expect("it is a section");
        let doubt = Who::Doubt.gated(&config).gate.doubt.expect("it asks");
        assert_eq!((doubt.ask, doubt.returns), (Ask::Expert, true));
        assert_eq!(Who::Coin(0.5).gated(&config).gate.doubt, None);
        assert_eq!(Who::Expert.gated(&config).gate.blend_ms, 0.0);
    }
}
