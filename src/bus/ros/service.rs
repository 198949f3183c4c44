//! Services on the `ros` bus: bytes in, bytes out, through the types that r2r made from the sourced install.
//!
//! r2r knows a service only as a Rust type of its own; ROS 2's serializer turns it into the bytes that the rest of
//! the house speaks, so the list at the foot needs nothing but names. Where no ROS 2 is installed it is what no compiler sees, but
//! for the services that r2r brings along. An answer may take its time, and may ask the bus for something itself: each
//! service has a thread for it, never the node's.

use std::fmt;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use r2r::{Client, QosProfile, ServiceRequest, WrappedServiceTypeSupport, WrappedTypesupport};

use super::line::{Cause, Line, Spinner, Task};
use crate::bus::{Answer, Error, Served};

/// How often a client looks whether its time is up.
const LOOK_UP: Duration = Duration::from_millis(20);
/// How many requests wait for their answer; more are not taken.
const WAITING: usize = 16;

/// A service type that r2r has bound.
struct Bound {
    type_name: &'static str,
    serve: fn(&Arc<Line>, &str, &'static str, Answer) -> Result<Task, Error>,
    call: fn(&Line, &str, &'static str, Bytes, Duration) -> Result<Bytes, Error>,
}

impl Bound {
    const fn of<S: WrappedServiceTypeSupport + 'static>(type_name: &'static str) -> Self {
        Self { type_name, serve: serve_as::<S>, call: call_as::<S> }
    }
}

struct Server {
    name: String,
    _task: Task,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Served for Server {}

/// Answers a service of a type that is bound.
pub(super) fn serve(
    line: &Arc<Line>,
    name: String,
    type_name: &str,
    answer: Answer,
) -> Result<Box<dyn Served>, Error> {
    let bound = find("serving", &name, type_name)?;
    let task = (bound.serve)(line, &name, bound.type_name, answer)?;
    Ok(Box::new(Server { name, _task: task }))
}

/// Calls a service of a type that is bound.
pub(super) fn call(
    line: &Line,
    name: String,
    type_name: &str,
    request: Bytes,
    within: Duration,
) -> Result<Bytes, Error> {
    let bound = find("calling", &name, type_name)?;
    (bound.call)(line, &name, bound.type_name, request, within)
}

fn find(what: &'static str, name: &str, type_name: &str) -> Result<&'static Bound, Error> {
    SERVICES.iter().find(|bound| bound.type_name == type_name).ok_or_else(|| Error::Transport {
        what,
        topic: name.to_owned(),
        type_name: type_name.to_owned(),
        source: "this type of service is not bound on the ros bus".into(),
    })
}

fn serve_as<S: WrappedServiceTypeSupport + 'static>(
    line: &Arc<Line>,
    name: &str,
    type_name: &'static str,
    answer: Answer,
) -> Result<Task, Error> {
    let (tell, asked) = sync_channel(WAITING);
    let (service, back) = (name.to_owned(), Arc::downgrade(line));
    thread::Builder::new()
        .name("ros answers".to_owned())
        .spawn(move || answer_all::<S>(&service, &asked, answer, &back))
        .map_err(|error| Error::Open { bus: "ros", source: error.into() })?;
    let service = name.to_owned();
    line.ask("serving", (name, type_name), move |spinner| {
        let requests = spinner.node.create_service::<S>(&service, QosProfile::services_default())?;
        spinner.start(requests.for_each(move |request| {
            let passed = request.message.to_serialized_bytes().map_err(Cause::from);
            if let Err(error) = passed.and_then(|cdr| {
                Ok(tell.try_send((Bytes::from(cdr), request)).map_err(|full| full.to_string())?)
            }) {
                tracing::warn!(service, %error, "a request was not taken");
            }
            futures::future::ready(())
        }))
    })
}

/// Answers requests until nobody can ask any more.
fn answer_all<S: WrappedServiceTypeSupport + 'static>(
    service: &str,
    asked: &Receiver<(Bytes, ServiceRequest<S>)>,
    mut answer: Answer,
    back: &Weak<Line>,
) {
    for (cdr, request) in asked {
        match answer(cdr) {
            Ok(response) => {
                let service = service.to_owned();
                let Some(line) = back.upgrade() else { return };
                line.tell(Box::new(move |_spinner| {
                    let said = S::Response::from_serialized_bytes(&response);
                    if let Err(error) = said.and_then(|said| request.respond(said)) {
                        tracing::warn!(service, %error, "an answer was not sent");
                    }
                }));
            }
            Err(error) => {
                tracing::warn!(service, error = &error as &dyn std::error::Error, "no answer");
            }
        }
    }
}

fn call_as<S: WrappedServiceTypeSupport + 'static>(
    line: &Line,
    name: &str,
    type_name: &'static str,
    request: Bytes,
    within: Duration,
) -> Result<Bytes, Error> {
    let deadline = Instant::now() + within;
    let (tell, told) = sync_channel(1);
    let service = name.to_owned();
    let _task = line.ask("calling", (name, type_name), move |spinner| {
        let client = client::<S>(spinner, service, type_name)?;
        let available = r2r::Node::is_available(&*client)?;
        let request = S::Request::from_serialized_bytes(&request)?;
        spinner.start(async move {
            let answered = async {
                available.await?;
                client.request(&request)?.await?.to_serialized_bytes()
            };
            // Where nobody waits any more, the call was given up.
            drop(tell.send(answered.await));
        })
    })?;
    loop {
        match told.recv_timeout(LOOK_UP) {
            Ok(Ok(response)) => return Ok(response.into()),
            Ok(Err(error)) => {
                return Err(Error::Transport {
                    what: "calling",
                    topic: name.to_owned(),
                    type_name: type_name.to_owned(),
                    source: error.into(),
                });
            }
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(_) => {
                return Err(Error::Unanswered { service: name.to_owned(), after_ms: within.as_millis() });
            }
        }
    }
}

/// The node's one client of that service.
fn client<S: WrappedServiceTypeSupport + 'static>(
    spinner: &mut Spinner,
    service: String,
    type_name: &'static str,
) -> Result<Rc<Client<S>>, Cause> {
    let known = spinner.clients.get(&(service.clone(), type_name)).cloned();
    if let Some(client) = known.and_then(|known| known.downcast().ok()) {
        return Ok(client);
    }
    let client = Rc::new(spinner.node.create_client::<S>(&service, QosProfile::services_default())?);
    spinner.clients.insert((service, type_name), client.clone());
    Ok(client)
}

macro_rules! services {
    ($($package:ident: $($name:ident)+;)*) => {
        &[$($(
            Bound::of::<r2r::$package::srv::$name::Service>(
                concat!(stringify!($package), "/srv/", stringify!($name)),
            ),
        )+)*]
    };
}

#[cfg(feature = "ros-check")]
static SERVICES: &[Bound] = services! {
    rcl_interfaces: DescribeParameters GetParameters GetParameterTypes ListParameters SetParameters
                    SetParametersAtomically;
};

#[cfg(not(feature = "ros-check"))]
static SERVICES: &[Bound] = services! {
    rcl_interfaces: DescribeParameters GetParameters GetParameterTypes ListParameters SetParameters
                    SetParametersAtomically;
    std_srvs: Empty SetBool Trigger;
    lifecycle_msgs: ChangeState GetAvailableStates GetAvailableTransitions GetState;
    apprentice: Disturb Load Reset;
};
