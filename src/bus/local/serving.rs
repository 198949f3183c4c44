//! Services within one process: a thread per server, so that a slow answer holds up nobody but its caller.
//!
//! Answered on the caller's own thread, a service that calls another one, or itself, could never meet its deadline; here the
//! caller gives up in time whatever the server does.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::{Answer, Error, Served, lock};
use super::Key;

/// How many requests wait for a server before a caller has to.
const WAITING: usize = 16;

struct Call {
    request: Bytes,
    reply: SyncSender<Bytes>,
}

/// The servers of a hub by name and type.
#[derive(Clone, Default)]
pub(super) struct Services(Arc<Board>);

#[derive(Default)]
struct Board {
    servers: Mutex<HashMap<Key, SyncSender<Call>>>,
    changed: Condvar,
}

impl Services {
    pub(super) fn serve(
        &self,
        name: &str,
        type_name: &str,
        answer: Answer,
    ) -> Result<Box<dyn Served>, Error> {
        let refused = |source: Box<dyn std::error::Error + Send + Sync>| Error::Transport {
            what: "serving",
            topic: name.to_owned(),
            type_name: type_name.to_owned(),
            source,
        };
        let key: Key = (name.to_owned(), type_name.to_owned());
        let mut servers = lock(&self.0.servers);
        if servers.contains_key(&key) {
            return Err(refused("somebody on this bus already answers it".into()));
        }
        let (sender, calls) = sync_channel(WAITING);
        let service = name.to_owned();
        thread::Builder::new()
            .name("bus service".to_owned())
            .spawn(move || answer_all(&service, &calls, answer))
            .map_err(|source| refused(source.into()))?;
        servers.insert(key.clone(), sender);
        self.0.changed.notify_all();
        Ok(Box::new(Server { board: Arc::clone(&self.0), key }))
    }

    pub(super) fn call(
        &self,
        name: &str,
        type_name: &str,
        request: Bytes,
        within: Duration,
    ) -> Result<Bytes, Error> {
        let unanswered = || Error::Unanswered { service: name.to_owned(), after_ms: within.as_millis() };
        let deadline = Instant::now() + within;
        let server = self.find((name.to_owned(), type_name.to_owned()), deadline).ok_or_else(unanswered)?;
        let (reply, answer) = sync_channel(1);
        server.send(Call { request, reply }).map_err(|_gone| unanswered())?;
        // Where the answer failed, the channel ends at once: nobody need wait for what cannot come.
        answer.recv_timeout(deadline.saturating_duration_since(Instant::now())).map_err(|_none| unanswered())
    }

    fn find(&self, key: Key, deadline: Instant) -> Option<SyncSender<Call>> {
        let mut servers = lock(&self.0.servers);
        loop {
            if let Some(server) = servers.get(&key) {
                return Some(server.clone());
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            servers = self.0.changed.wait_timeout(servers, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn answer_all(service: &str, calls: &Receiver<Call>, mut answer: Answer) {
    for call in calls {
        match answer(call.request) {
            // A caller that gave up no longer listens.
            Ok(response) => drop(call.reply.try_send(response)),
            Err(error) => tracing::warn!(service, error = &error as &dyn std::error::Error, "no answer"),
        }
    }
}

/// Takes a server off the board when it is dropped; its thread ends with the last request.
struct Server {
    board: Arc<Board>,
    key: Key,
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Server").field(&self.key.0).finish()
    }
}

impl Served for Server {}

impl Drop for Server {
    fn drop(&mut self) {
        lock(&self.board.servers).remove(&self.key);
    }
}
