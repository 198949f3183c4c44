//! What every bus keeps of services, as cases of the contract in `bus_contract.rs`.
//!
//! An answer runs on the bus's own thread, so the cases are about who waits for whom as much as about what is said.

use std::sync::Arc;
use std::time::Duration;

use apprentice::bus::Error;
use apprentice::msg::std::{
    SetBool, SetBoolRequest, SetBoolResponse, Trigger, TriggerRequest, TriggerResponse,
};
use apprentice::msg::{Message, Service};
use bytes::Bytes;

use crate::{GRACE, PATIENCE, Pair};

/// A question of a real type: a bus may look into what it carries.
fn question(data: bool) -> Bytes {
    SetBoolRequest { data }.encode()
}

pub(crate) fn a_service_is_answered(pair: &Pair) -> Result<(), Error> {
    let mut asked = 0;
    let answer = move |request: Bytes| {
        let data = SetBoolRequest::decode(&request).expect("it was asked so").data;
        asked += 1;
        Ok(SetBoolResponse { success: data, message: format!("number {asked}") }.encode())
    };
    let _served = pair.here.serve("~/ask", SetBool::TYPE, Box::new(answer))?;
    for n in 1..=5 {
        let response = pair.there.call("/arm/here/ask", SetBool::TYPE, question(n % 2 == 0), PATIENCE)?;
        let response = SetBoolResponse::decode(&response).expect("it was answered so");
        assert_eq!(response, SetBoolResponse { success: n % 2 == 0, message: format!("number {n}") });
    }
    Ok(())
}

pub(crate) fn an_answer_may_ask_the_bus(pair: &Pair) -> Result<(), Error> {
    let empty = TriggerResponse::default().encode();
    let _asked = pair.there.serve("/asked_back", Trigger::TYPE, Box::new(move |_| Ok(empty.clone())))?;
    let here = Arc::clone(&pair.here);
    let answer = move |_| here.call("/asked_back", Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE);
    let _served = pair.here.serve("/asks", Trigger::TYPE, Box::new(answer))?;
    pair.there.call("/asks", Trigger::TYPE, TriggerRequest {}.encode(), PATIENCE)?;
    Ok(())
}

pub(crate) fn a_failing_answer_is_unanswered(pair: &Pair) -> Result<(), Error> {
    let failing = |_| Err(Error::Name { name: "x".to_owned(), why: "it was made to fail" });
    let _served = pair.here.serve("/fails", SetBool::TYPE, Box::new(failing))?;
    let answer = pair.there.call("/fails", SetBool::TYPE, question(true), Duration::from_secs(1));
    assert!(matches!(answer, Err(Error::Unanswered { .. })), "{answer:?}");
    Ok(())
}

pub(crate) fn nobody_answers(pair: &Pair) -> Result<(), Error> {
    let answer = pair.there.call("/nobody", SetBool::TYPE, question(true), GRACE);
    assert!(matches!(answer, Err(Error::Unanswered { .. })), "{answer:?}");
    Ok(())
}
