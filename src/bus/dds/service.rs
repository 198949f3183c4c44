//! Services over DDS: a topic for requests, a topic for replies, as ROS 2 names them.
//!
//! A server answers everyone in the way the request was numbered; a client numbers its request in the way the server
//! expects. See [`super::identity`].

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver as Queue, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustdds::{GUID, RTPSEntity, WriteOptionsBuilder};

use super::endpoints::{Ear, Endpoints, Voice};
use super::identity::{self, Identity};
use super::receiver::Received;
use super::{raw, words};
use crate::bus::complaint::Complaint;
use crate::bus::{Answer, Error, Served, lock};
use crate::wire::Qos;

/// How many requests wait for a server's answer before more are dropped.
const WAITING: usize = 64;
/// How long an answer waits for its reader to be known; the rest of what makes a lost answer is the network's.
const PATIENCE: Duration = Duration::from_millis(500);
/// How much later than we of them, those we have just met may know of us; a request before that would be lost.
const INTRODUCTION: Duration = Duration::from_millis(200);
/// How often something that tells nobody is looked at.
const LOOK_UP: Duration = Duration::from_millis(5);

/// A service's two topics.
struct Pair {
    request: (String, String),
    reply: (String, String),
}

impl Pair {
    fn of(service: &str, type_name: &str) -> Self {
        Self {
            request: (format!("rq{service}Request"), format!("{type_name}_Request")),
            reply: (format!("rr{service}Reply"), format!("{type_name}_Response")),
        }
    }
}

fn transport(what: &'static str, service: &str, type_name: &str, source: super::Cause) -> Error {
    Error::Transport { what, topic: service.to_owned(), type_name: type_name.to_owned(), source }
}

/// A service being answered.
struct Server {
    name: String,
    _ear: Ear,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Server").field(&self.name).finish()
    }
}

impl Served for Server {}

/// Begins to answer a service. Its thread ends when the line does.
pub(super) fn serve(
    endpoints: &Arc<Endpoints>,
    service: &str,
    type_name: &str,
    answer: Answer,
) -> Result<Box<dyn Served>, Error> {
    let pair = Pair::of(service, type_name);
    let qos = words::qos(&Qos::reliable(10), WAITING as i32);
    let replies = endpoints.speak(&pair.reply.0, &pair.reply.1, &qos)?;
    let (sender, requests) = sync_channel(WAITING);
    let answering =
        Answering { service: service.to_owned(), endpoints: Arc::clone(endpoints), replies, answer };
    thread::Builder::new()
        .name("bus service".to_owned())
        .spawn(move || answering.run(&requests))
        .map_err(|error| transport("serving", service, type_name, error.into()))?;
    let name = service.to_owned();
    let mut dropped = Complaint::default();
    let take = move |received: Option<Received>| {
        let Some(received) = received else { return };
        let asker = received.writer_guid();
        let Some((identity, request)) = identity::of_request(received) else { return };
        if sender.try_send((asker, identity, request)).is_err()
            && let Some(times) = dropped.raise(Instant::now())
        {
            tracing::warn!(service = name, times, "a request was dropped: {WAITING} are waiting");
        }
    };
    let ear = endpoints.listen(&pair.request.0, &pair.request.1, &qos, Box::new(take))?;
    Ok(Box::new(Server { name: service.to_owned(), _ear: ear }))
}

struct Answering {
    service: String,
    endpoints: Arc<Endpoints>,
    replies: Voice,
    answer: Answer,
}

impl Answering {
    fn run(mut self, requests: &Queue<(GUID, Identity, Bytes)>) {
        for (asker, identity, request) in requests {
            match (self.answer)(request) {
                Ok(response) => self.reply(asker, identity, response),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(service = self.service, error, "no answer");
                }
            }
        }
    }

    fn reply(&self, asker: GUID, identity: Identity, response: Bytes) {
        if !raw::is_sendable(&response) {
            tracing::warn!(service = self.service, "over DDS only little-endian CDR can be sent");
            return;
        }
        self.wait_for(asker);
        let sent = match identity {
            Identity::Header(header) => self
                .replies
                .writer
                .write(identity::with_header(header, &response), None)
                .map_err(|e| e.to_string()),
            Identity::Sample(asked) => {
                let options = WriteOptionsBuilder::new().related_sample_identity(asked).build();
                self.replies.writer.write_with_options(response, options).map(drop).map_err(|e| e.to_string())
            }
        };
        if let Err(error) = sent {
            tracing::warn!(service = self.service, error, "an answer was not sent");
        }
    }

    /// Waits until the asker's reader of replies is known: an answer sent before would be lost.
    fn wait_for(&self, asker: GUID) {
        let deadline = Instant::now() + PATIENCE;
        let ours = self.replies.writer.guid();
        while !self.endpoints.connected(ours).iter().any(|reader| reader.prefix == asker.prefix)
            && Instant::now() < deadline
        {
            thread::sleep(LOOK_UP);
        }
    }
}

type Waiting = Arc<Mutex<HashMap<Identity, SyncSender<Bytes>>>>;

/// Our end of a service that somebody else answers; kept, so that a second call need not be introduced again.
pub(super) struct Client {
    type_name: String,
    endpoints: Arc<Endpoints>,
    requests: Mutex<Voice>,
    replies: Ear,
    waiting: Waiting,
    calls: AtomicU64,
}

impl Client {
    pub(super) fn open(endpoints: &Arc<Endpoints>, service: &str, type_name: &str) -> Result<Self, Error> {
        let pair = Pair::of(service, type_name);
        let qos = words::qos(&Qos::reliable(10), WAITING as i32);
        let waiting = Waiting::default();
        let heard = Arc::clone(&waiting);
        let take = move |received: Option<Received>| {
            let Some((identity, response)) = received.and_then(identity::of_reply) else { return };
            if let Some(caller) = lock(&heard).remove(&identity) {
                // A caller that gave up no longer listens.
                drop(caller.try_send(response));
            }
        };
        let replies = endpoints.listen(&pair.reply.0, &pair.reply.1, &qos, Box::new(take))?;
        let requests = Mutex::new(endpoints.speak(&pair.request.0, &pair.request.1, &qos)?);
        let (type_name, endpoints) = (type_name.to_owned(), Arc::clone(endpoints));
        Ok(Self { type_name, endpoints, requests, replies, waiting, calls: AtomicU64::new(0) })
    }

    pub(super) fn call(&self, service: &str, request: &Bytes, within: Duration) -> Result<Bytes, Error> {
        let unanswered = || Error::Unanswered { service: service.to_owned(), after_ms: within.as_millis() };
        let deadline = Instant::now() + within;
        let server = self.find_server(deadline).ok_or_else(unanswered)?;
        let (reply, answer) = sync_channel(1);
        let identity = self
            .ask(server, request, reply)
            .map_err(|error| transport("calling", service, &self.type_name, error))?;
        let answer = answer.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        lock(&self.waiting).remove(&identity);
        answer.map_err(|_none| unanswered())
    }

    /// A participant that reads our requests and writes to our reader of replies.
    fn find_server(&self, deadline: Instant) -> Option<GUID> {
        let requests = lock(&self.requests).writer.guid();
        let mut newly_met = false;
        loop {
            let answering = self.endpoints.connected(self.replies.guid);
            let server = self
                .endpoints
                .connected(requests)
                .into_iter()
                .find(|reader| answering.iter().any(|writer| writer.prefix == reader.prefix));
            match server {
                Some(_) if !newly_met => return server,
                // Looked at once more: it may be gone again by then.
                Some(_) => thread::sleep(INTRODUCTION),
                None => thread::sleep(LOOK_UP),
            }
            newly_met = server.is_none();
            if Instant::now() >= deadline {
                return None;
            }
        }
    }

    fn ask(&self, server: GUID, request: &Bytes, reply: SyncSender<Bytes>) -> Result<Identity, super::Cause> {
        if !raw::is_sendable(request) {
            return Err("over DDS only little-endian CDR can be sent".into());
        }
        // Held until the identity is noted: the answer may be quicker than this thread.
        let mut waiting = lock(&self.waiting);
        let requests = &lock(&self.requests).writer;
        let identity = if identity::speaks_in_headers(server) {
            let mut header = [0; 16];
            header[..8].copy_from_slice(&requests.guid().to_bytes()[8..]);
            header[8..].copy_from_slice(&(self.calls.fetch_add(1, Relaxed) + 1).to_le_bytes());
            requests
                .write(identity::with_header(header, request), None)
                .map_err(|error| error.to_string())?;
            Identity::Header(header)
        } else {
            let options = WriteOptionsBuilder::new().build();
            let asked =
                requests.write_with_options(request.clone(), options).map_err(|error| error.to_string())?;
            Identity::Sample(asked)
        };
        waiting.insert(identity, reply);
        Ok(identity)
    }
}
