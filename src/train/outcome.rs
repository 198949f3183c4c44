//! What came of a run, in a sentence for whoever waited for it.
//!
//! A loss says nothing to somebody who does not know the head. How far the policy's actions are from what was done, beside what two
//! answers without any learning come to, says whether there is a policy at all.

use super::Judgement;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All steps are done.
    Steps,
    /// The time is over.
    Minutes,
    /// Nothing better came for too long.
    Patience,
    /// It was told to.
    Stopped,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Why it ended.
    pub ended: Ended,
    /// Steps that are done.
    pub steps: u64,
    /// The seconds it took.
    pub seconds: f64,
    /// The best result, and the step it was had at.
    pub best: Option<(f64, u64)>,
    /// Whether there are held-out episodes.
    pub held_out: bool,
    /// How good what is in `best` is on held-out episodes, where there are any.
    pub judgement: Option<Judgement>,
}

impl Outcome {
    /// How good the policy is.
    pub fn sentence(&self) -> String {
        let Self { steps, seconds, .. } = self;
        let why = match self.ended {
            Ended::Steps => "",
            Ended::Minutes => ", when the time was over",
            Ended::Patience => ", when nothing better came any more",
            Ended::Stopped => ", when it was told to stop",
        };
        let took = format!("{steps} steps in {:.1} minutes{why}.", seconds / 60.0);
        let (Some(judgement), Some((_, step))) = (&self.judgement, self.best) else {
            return match self.held_out {
                true => format!("{took} How good the policy is was not looked at yet."),
                false => format!("{took} No episodes were held out to say how good the policy is."),
            };
        };
        let errors = judgement.errors;
        let least = errors.mean.min(errors.last);
        let verdict = match errors.policy {
            policy if policy < 0.5 * least => "it has learned",
            policy if policy < 0.9 * least => "it has learned something",
            _ => "by that it has not learned enough yet",
        };
        format!(
            "{took} The best policy is that of step {step}: on episodes it has not seen its actions are {:.3} deviations off; the \
             mean action would be {:.3} off, the last action again {:.3}: {verdict}.",
            errors.policy, errors.mean, errors.last
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::Errors;
    use super::*;

    #[test]
    fn the_sentence_says_what_no_learning_would_come_to() {
        let errors = Errors { policy: 0.1, mean: 0.8, last: 0.3 };
        let judgement = Some(Judgement { errors, ..Judgement::default() });
        let outcome = Outcome {
            ended: Ended::Minutes,
            steps: 900,
            seconds: 90.0,
            best: Some((0.2, 800)),
            held_out: true,
            judgement,
        };
        let said = outcome.sentence();
        assert!(said.starts_with(
            "900 steps in 1.5 minutes, when the time was over. The best policy is that of step 800"
        ));
        assert!(
            said.contains("0.100 deviations off") && said.ends_with("again 0.300: it has learned."),
            "{said}"
        );
        let blind = Outcome { judgement: None, best: None, held_out: false, ended: Ended::Steps, ..outcome };
        assert_eq!(
            blind.sentence(),
            "900 steps in 1.5 minutes. No episodes were held out to say how good the policy is."
        );
        let early = Outcome { held_out: true, ..blind };
        assert!(early.sentence().ends_with("was not looked at yet."), "they are held out all the same");
    }
}
