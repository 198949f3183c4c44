//! Makes the arm draggable before kinesthetic teaching, and no longer afterwards.
//!
//! An arm that stayed stiff would be forced by hand, one that stayed limp would fall: so a recording is refused if
//! the service refuses, and what was done is undone whichever way the episode ends.

use std::time::Duration;

use super::{Error, Teach, service};
use crate::bus::Bus;

/// A controller switch takes its time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes the arm draggable (`true`) or no longer (`false`).
pub(super) fn call(bus: &dyn Bus, teach: &Teach, draggable: bool) -> Result<(), Error> {
    let (name, called) = match teach {
        Teach::SetBool { service } => (service, service::call_set_bool(bus, service, draggable, PATIENCE)),
        Teach::Trigger { before, after } => {
            let name = if draggable { before } else { after };
            (name, service::call_trigger(bus, name, PATIENCE))
        }
    };
    let refused = |why: String| Error::Teach { service: name.clone(), why };
    let reply = called.map_err(|error| refused(error.to_string()))?;
    if reply.success { Ok(()) } else { Err(refused(reply.message)) }
}
