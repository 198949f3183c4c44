//! Something that goes wrong again and again: counted every time, spoken of at most once a second.
//!
//! A publisher that sends nonsense does so at its full rate, and a log line for each message would bury the log and
//! cost more than the message did.

use std::time::{Duration, Instant};

/// How long it is silent after it was spoken of.
const QUIET: Duration = Duration::from_secs(1);

/// How often something went wrong.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    times: u64,
    spoken: Option<Instant>,
}

impl Complaint {
    /// Counts once more. Where it may be spoken of, says how often it happened so far.
    pub(crate) fn raise(&mut self, now: Instant) -> Option<u64> {
        self.times += 1;
        let may = self.spoken.is_none_or(|spoken| now.saturating_duration_since(spoken) >= QUIET);
        may.then(|| {
            self.spoken = Some(now);
            self.times
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_wrong_at_a_kilohertz_is_spoken_of_once_a_second() {
        let (mut complaint, start) = (Complaint::default(), Instant::now());
        let spoken: Vec<u64> =
            (0..2500).filter_map(|ms| complaint.raise(start + Duration::from_millis(ms))).collect();
        assert_eq!(spoken, [1, 1001, 2001]);
    }
}
