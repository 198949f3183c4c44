//! Services on the `ros` bus, each named with how its fields go over to ours.
//!
//! r2r knows a service only as a Rust type it made from the sourced install. Where none is installed the list at the
//! foot of this file is what no compiler sees; the machinery above it is checked with a service that r2r brings along.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::abortable;
use futures::task::LocalSpawnExt;
use futures::{FutureExt, StreamExt};
use r2r::QosProfile;

use super::{Abort, Ros, Spinner};
use crate::bus::{Answer, Error, Served};
use crate::msg::{Message, Service};

/// How often a client looks whether its server has come.
const LOOK_UP: Duration = Duration::from_millis(20);

struct Server {
    name: String,
    _abort: Abort,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Served for Server {}

/// A service as both sides have it.
macro_rules! services {
    ($($ours:ty, $package:ident $theirs:ident {
        request { $($asked:ident),* } response { $($answered:ident),* }
    })+) => {
        /// Answers a service of a type we know.
        #[allow(clippy::needless_update, reason = "an empty message has a filler there, others have none")]
        #[cfg_attr(feature = "ros-check", expect(unused_variables, reason = "its answer has no field of our kind"))]
        pub(super) fn serve(
            ros: &Ros,
            name: String,
            type_name: &str,
            mut answer: Answer,
        ) -> Result<Box<dyn Served>, Error> {
            $(if type_name == <$ours>::TYPE {
                use r2r::$package::srv::$theirs as theirs;
                type Asked = <$ours as Service>::Request;
                type Said = <$ours as Service>::Response;
                let service = name.clone();
                let work = move |spinner: &mut Spinner| {
                    let requests =
                        spinner.node.create_service::<theirs::Service>(&service, QosProfile::services_default())?;
                    let answering = requests.for_each(move |request| {
                        let asked = Asked {
                            $($asked: request.message.$asked.clone(),)*
                            ..Default::default()
                        };
                        match answer(asked.encode()).map(|cdr| Said::decode(&cdr)) {
                            Ok(Ok(said)) => {
                                let response = theirs::Response {
                                    $($answered: said.$answered,)*
                                    ..Default::default()
                                };
                                if let Err(error) = request.respond(response) {
                                    tracing::warn!(service, %error, "an answer was not sent");
                                }
                            }
                            Ok(Err(error)) => tracing::warn!(service, %error, "an answer does not read"),
                            Err(error) => tracing::warn!(service, %error, "no answer"),
                        }
                        futures::future::ready(())
                    });
                    let (answering, abort) = abortable(answering);
                    spinner.spawner.spawn_local(answering.map(|_ended| ()))?;
                    Ok(Abort(abort))
                };
                let abort = ros.ask("serving", (&name, type_name), work)?;
                return Ok(Box::new(Server { name, _abort: abort }));
            })+
            Err(unknown("serving", &name, type_name))
        }

        /// Calls a service of a type we know.
        #[allow(clippy::needless_update, reason = "an empty message has a filler there, others have none")]
        #[cfg_attr(feature = "ros-check", expect(unused_variables, reason = "its answer has no field of our kind"))]
        pub(super) fn call(
            ros: &Ros,
            name: String,
            type_name: &str,
            request: &Bytes,
            within: Duration,
        ) -> Result<Bytes, Error> {
            let unanswered = || Error::Unanswered { service: name.clone(), after_ms: within.as_millis() };
            let deadline = Instant::now() + within;
            $(if type_name == <$ours>::TYPE {
                use r2r::$package::srv::$theirs as theirs;
                type Asked = <$ours as Service>::Request;
                type Said = <$ours as Service>::Response;
                let asked = Asked::decode(request).map_err(|source| Error::Message {
                    topic: name.clone(),
                    type_name: type_name.to_owned(),
                    source: Box::new(source),
                })?;
                let (tell, told) = sync_channel(1);
                let service = name.clone();
                let _abort = ros.ask("calling", (&name, type_name), move |spinner| {
                    let client =
                        spinner.node.create_client::<theirs::Service>(&service, QosProfile::services_default())?;
                    let available = r2r::Node::is_available(&client)?;
                    let calling = async move {
                        available.await?;
                        let request = theirs::Request { $($asked: asked.$asked,)* ..Default::default() };
                        let said = client.request(&request)?.await?;
                        let response = Said {
                            $($answered: said.$answered,)*
                            ..Default::default()
                        };
                        drop(tell.send(response.encode()));
                        Ok::<(), r2r::Error>(())
                    };
                    let (calling, abort) = abortable(calling);
                    spinner.spawner.spawn_local(calling.map(|_ended| ()))?;
                    Ok(Abort(abort))
                })?;
                loop {
                    match told.recv_timeout(LOOK_UP) {
                        Ok(response) => return Ok(response),
                        Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
                        Err(_) => return Err(unanswered()),
                    }
                }
            })+
            Err(unknown("calling", &name, type_name))
        }
    };
}

#[cfg(feature = "ros-check")]
services! {
    crate::msg::rcl::GetParameterTypes, rcl_interfaces GetParameterTypes { request { names } response {} }
}

#[cfg(not(feature = "ros-check"))]
use crate::msg::{own, std as ours};

#[cfg(not(feature = "ros-check"))]
services! {
    ours::Trigger, std_srvs Trigger { request {} response { success, message } }
    ours::SetBool, std_srvs SetBool { request { data } response { success, message } }
    own::Load, apprentice Load { request { path } response { success, message } }
    own::Reset, apprentice Reset { request { seed } response { success, message } }
    own::Disturb, apprentice Disturb { request { kind, size } response { success, message } }
}

fn unknown(what: &'static str, name: &str, type_name: &str) -> Error {
    let source = "this type of service is not bound on the ros bus".into();
    Error::Transport { what, topic: name.to_owned(), type_name: type_name.to_owned(), source }
}
