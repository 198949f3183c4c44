//! Going on from what another run has learned: `train.from`.
//!
//! Weights mean nothing without the network they are of and the numbers they were scaled by. So a run that begins from a policy has its
//! network and its scales, though the data are other ones by now: scales that moved would be an error at every weight of the first layer.

use super::Error;
use crate::policy::{Ensemble, Spec};

/// Refuses in words a policy that a run of `spec` with so many `members` cannot begin from.
pub fn check(from: &Ensemble, spec: &Spec, members: usize) -> Result<(), Error> {
    let refused = |why: &str| Err(Error::Beginning { why: why.to_owned() });
    let (was, count) = (from.spec(), from.members().count());
    if was.policy != spec.policy {
        return refused("its section `policy` is another one, and weights fit no other network");
    }
    if was.layout != spec.layout {
        return refused("it sees or does something else than the recordings show");
    }
    if count != members {
        return Err(Error::Beginning { why: format!("it has {count} members where {members} are trained") });
    }
    Ok(())
}
