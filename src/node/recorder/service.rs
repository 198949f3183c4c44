//! std_srvs as a recorder answers and calls them: "do it" and "on or off", with success and a message.

use std::time::Duration;

use bytes::Bytes;

use crate::bus::{Bus, Error};
use crate::msg::std::{SetBool, SetBoolRequest, SetBoolResponse, Trigger, TriggerRequest, TriggerResponse};
use crate::msg::{Message, Service};

/// What both services answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) success: bool,
    pub(super) message: String,
}

/// The type of "do it".
pub(super) const TRIGGER: &str = Trigger::TYPE;
/// The type of "on or off".
pub(super) const SET_BOOL: &str = SetBool::TYPE;

pub(super) fn trigger_response(reply: Reply) -> Bytes {
    TriggerResponse { success: reply.success, message: reply.message }.encode()
}

pub(super) fn set_bool_response(reply: Reply) -> Bytes {
    SetBoolResponse { success: reply.success, message: reply.message }.encode()
}

/// What a request of "on or off" to `service` says.
pub(super) fn set_bool_of(request: &Bytes, service: &str) -> Result<bool, Error> {
    Ok(read::<SetBoolRequest>(request, service)?.data)
}

/// Calls "do it".
pub(super) fn call_trigger(bus: &dyn Bus, service: &str, within: Duration) -> Result<Reply, Error> {
    let response = bus.call(service, TRIGGER, TriggerRequest {}.encode(), within)?;
    let TriggerResponse { success, message } = read(&response, service)?;
    Ok(Reply { success, message })
}

/// Calls "on or off".
pub(super) fn call_set_bool(
    bus: &dyn Bus,
    service: &str,
    on: bool,
    within: Duration,
) -> Result<Reply, Error> {
    let response = bus.call(service, SET_BOOL, SetBoolRequest { data: on }.encode(), within)?;
    let SetBoolResponse { success, message } = read(&response, service)?;
    Ok(Reply { success, message })
}

fn read<M: Message>(cdr: &Bytes, service: &str) -> Result<M, Error> {
    M::decode(cdr).map_err(|source| Error::Message {
        topic: service.to_owned(),
        type_name: M::TYPE.to_owned(),
        source: Box::new(source),
    })
}
