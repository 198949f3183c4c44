//! Looks whether another one tells the time.
//!
//! Two worlds behind the same topics are none: for everybody who lives by `/clock` time runs to and fro, and nobody could say why.

use std::time::Instant;

use super::voice::CLOCK;
use crate::bus::{Bus, Complaint};

/// Others who tell the time, and how often that was found.
#[derive(Debug, Default)]
pub(super) struct Others(Complaint);

impl Others {
    /// Says it where there is one.
    pub(super) fn look(&mut self, bus: &dyn Bus) {
        let Some(who) = who(bus) else { return };
        if let Some(times) = self.0.raise(Instant::now()) {
            tracing::warn!(
                times,
                "{who} publishes {CLOCK} too: end one of the two, or give this one another --domain"
            );
        }
    }
}

/// Who else tells the time, where somebody does.
fn who(bus: &dyn Bus) -> Option<String> {
    let offers = bus.offers();
    let other = offers.iter().find(|offer| offer.name == CLOCK && !offer.offered.is_empty())?;
    Some(match &other.publishers[..] {
        [] => "somebody".to_owned(),
        known => known.join(" and "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Node;
    use crate::bus::local::Hub;
    use crate::bus::typed::Publisher;
    use crate::msg::std::Clock;
    use crate::wire::Qos;

    #[test]
    fn only_another_one_that_tells_the_time_is_found() -> Result<(), Box<dyn std::error::Error>> {
        let hub = Hub::default();
        let (own, other) = (hub.join(Node::new("simulator", "")?), hub.join(Node::new("other", "")?));
        let _own = Publisher::<Clock>::open(&own, CLOCK, Qos::reliable(1))?;
        assert_eq!(who(&own), None);
        let its = Publisher::<Clock>::open(&other, CLOCK, Qos::reliable(1))?;
        assert_eq!(who(&own).as_deref(), Some("/other"));
        drop(its);
        assert_eq!(who(&own), None);
        Ok(())
    }
}
