//! Makes the arm draggable before kinesthetic teaching, and no longer afterwards.
//!
//! An arm that stayed stiff would be forced by hand, one that stayed limp would fall: so a recording is refused if
//! the service refuses, and what was done is undone whichever way the episode ends.

use std::time::Duration;

use super::Error;
use crate::bus::Bus;
use crate::bus::typed::call_typed;
use crate::msg::std::{SetBool, SetBoolRequest, Trigger, TriggerRequest};
use crate::spec::Teach;

/// A controller switch takes its time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes the arm draggable (`true`) or no longer (`false`).
pub(super) fn call(bus: &dyn Bus, teach: &Teach, draggable: bool) -> Result<(), Error> {
    let (name, answered) = match teach {
        Teach::SetBool { service } => {
            let request = SetBoolRequest { data: draggable };
            let called = call_typed::<SetBool>(bus, service.as_str(), &request, PATIENCE);
            (service, called.map(|answer| (answer.success, answer.message)))
        }
        Teach::Trigger { before, after } => {
            let name = if draggable { before } else { after };
            let called = call_typed::<Trigger>(bus, name.as_str(), &TriggerRequest {}, PATIENCE);
            (name, called.map(|answer| (answer.success, answer.message)))
        }
    };
    let refused = |why: String| Error::Teach { service: name.to_string(), why };
    match answered {
        Ok((true, _)) => Ok(()),
        Ok((false, message)) => Err(refused(message)),
        Err(error) => Err(refused(super::report(&error))),
    }
}
