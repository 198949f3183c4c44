//! Which bus to open, as whom, and how far it may reach.
//!
//! Only `open` names the buses that were built in: whoever asks it gets a `dyn Bus` and runs unchanged on a robot, in one
//! process or from a bag.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::local::Hub;
use super::name::Node;
use super::{Bus, Error};

/// The kind of bus.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Kind {
    /// Nodes of this process.
    #[default]
    Local,
    /// Nodes of other processes, over DDS as ROS 2 speaks it.
    #[cfg(feature = "dds")]
    Dds,
    /// Whatever the ROS 2 that is sourced here speaks.
    #[cfg(feature = "ros")]
    Ros,
    /// A bag that is played.
    Replay(super::replay::Source),
}

/// What [`open`] needs to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Which bus.
    pub kind: Kind,
    /// The node's name.
    pub node: String,
    /// The namespace it lives in; empty for the root.
    pub namespace: String,
    /// Which of a network's separate buses; where unsaid, what `ROS_DOMAIN_ID` says, else 0.
    pub domain: Option<u16>,
    /// Whether it may leave this host, by multicast on every interface. Where not, only this host's nodes are met.
    pub leave_host: bool,
    /// Whether time is what `/clock` says.
    pub sim_time: bool,
    /// Whether a message may be taken two milliseconds after it came, so that many are taken at once: for whoever only collects.
    pub unhurried: bool,
    /// Bytes that a receiving socket may hold, where the kernel grants so much; where unsaid, what a quarter of a second of
    /// cameras needs.
    pub buffer: Option<usize>,
}

impl Options {
    /// The domain: as set, else as `ROS_DOMAIN_ID` sets it for every ROS 2 program, else 0.
    pub fn domain(&self) -> Result<u16, Error> {
        match (self.domain, std::env::var_os("ROS_DOMAIN_ID")) {
            (Some(domain), _) => Ok(domain),
            (None, Some(said)) => domain_of(&said.to_string_lossy()),
            (None, None) => Ok(0),
        }
    }
}

/// The domain that `ROS_DOMAIN_ID` says; empty, it says nothing. A typo must not lead into another domain.
fn domain_of(said: &str) -> Result<u16, Error> {
    /// The last one for which DDS has ports.
    const LAST: u16 = 232;
    match said.trim() {
        "" => Ok(0),
        said => said
            .parse()
            .ok()
            .filter(|domain| *domain <= LAST)
            .ok_or_else(|| Error::Domain { said: said.to_owned() }),
    }
}

/// Opens a bus.
pub fn open(options: &Options) -> Result<Arc<dyn Bus>, Error> {
    let node = Node::new(&options.node, &options.namespace)?;
    match &options.kind {
        Kind::Local => {
            let local = Hub::of_domain(options.domain()?).join(node);
            Ok(Arc::new(if options.sim_time { local.with_sim_time()? } else { local }))
        }
        Kind::Replay(source) => {
            let bag = crate::bag::open(&source.bag)?;
            Ok(Arc::new(super::replay::Replay::open(bag, source.pace, node)?))
        }
        #[cfg(feature = "dds")]
        Kind::Dds => Ok(Arc::new(super::dds::Dds::open(options, node)?)),
        #[cfg(feature = "ros")]
        Kind::Ros => Ok(Arc::new(super::ros::Ros::open(options, node)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_with_a_typo_is_an_error_and_not_domain_zero() {
        assert!(matches!(domain_of(" 42 "), Ok(42)));
        assert!(matches!(domain_of(""), Ok(0)));
        for said in ["abc", "-1", "233", "4 2"] {
            assert!(domain_of(said).is_err_and(|error| error.to_string().contains(said)), "{said:?}");
        }
        assert!(matches!(Options { domain: Some(7), ..Options::default() }.domain(), Ok(7)));
    }
}
