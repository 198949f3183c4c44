//! The one thread that takes everything rustdds received and hands it on at once.
//!
//! rustdds keeps a bounded number of samples per topic and overwrites the oldest without a word, so they must not
//! wait there. Its own thread only rings; this one, woken once however often it was rung for, empties every line
//! that rang into bounded queues that count.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Wake, Waker};
use std::thread;
use std::time::Instant;

use bytes::Bytes;
use rustdds::no_key::{DeserializedCacheChange, SimpleDataReader};

use super::super::complaint::Complaint;
use super::super::lock;
use super::raw::Raw;
use super::wait;
use crate::precedence::Precedence;

/// What is taken from a line.
pub(super) type Received = DeserializedCacheChange<Bytes>;
/// One end of rustdds that bytes come out of.
pub(super) type Reader = SimpleDataReader<Bytes, Raw>;
/// What is done with what comes, `None` being one that could not be read; it must not wait.
pub(super) type Take = Box<dyn FnMut(Option<Received>) + Send>;

#[derive(Default)]
struct Desk {
    rang: Vec<u64>,
    joining: Vec<(u64, Reader, Take)>,
    leaving: Vec<u64>,
    next_id: u64,
    closed: bool,
}

#[derive(Default)]
struct Bell {
    desk: Mutex<Desk>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self, change: impl FnOnce(&mut Desk)) {
        change(&mut lock(&self.desk));
        self.rung.notify_one();
    }
}

struct Cord {
    id: u64,
    bell: Arc<Bell>,
}

impl Wake for Cord {
    fn wake(self: Arc<Self>) {
        self.bell.ring(|desk| desk.rang.push(self.id));
    }
}

/// The receiving thread. It ends with this.
pub(super) struct Receiver {
    bell: Arc<Bell>,
}

impl Receiver {
    /// Starts the thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let bell = Arc::new(Bell::default());
        let heard = Arc::clone(&bell);
        thread::Builder::new().name("bus receiver".to_owned()).spawn(move || {
            Precedence::Receiving.take();
            receive(&heard);
        })?;
        Ok(Self { bell })
    }

    /// Has everything that comes out of `reader` taken by `take` until the line is dropped.
    pub(super) fn add(&self, reader: Reader, take: Take) -> Line {
        let mut id = 0;
        self.bell.ring(|desk| {
            id = desk.next_id;
            desk.next_id += 1;
            desk.joining.push((id, reader, take));
        });
        Line { id, bell: Arc::clone(&self.bell) }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.bell.ring(|desk| desk.closed = true);
    }
}

/// One reader being emptied; dropped, it leaves the bus.
pub(super) struct Line {
    id: u64,
    bell: Arc<Bell>,
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Line").field(&self.id).finish()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bell.ring(|desk| desk.leaving.push(self.id));
    }
}

struct Open {
    reader: Reader,
    take: Take,
    waker: Waker,
    unread: Complaint,
}

impl Bell {
    /// Waits until there is something to do, and takes it.
    fn heard(&self) -> Desk {
        let mut desk = lock(&self.desk);
        let mut idle = false;
        while desk.rang.is_empty() && desk.joining.is_empty() && desk.leaving.is_empty() && !desk.closed {
            idle = true;
            desk = self.rung.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
        if idle {
            // Whoever rings meanwhile finds nobody to wake. When a message came is known: it does not age here.
            drop(desk);
            wait::pause();
            desk = lock(&self.desk);
        }
        let (next_id, closed) = (desk.next_id, desk.closed);
        std::mem::replace(&mut *desk, Desk { next_id, closed, ..Desk::default() })
    }
}

fn receive(bell: &Arc<Bell>) {
    let mut lines: HashMap<u64, Open> = HashMap::new();
    loop {
        let mut work = bell.heard();
        if work.closed {
            return;
        }
        for (id, reader, take) in work.joining {
            let waker = Waker::from(Arc::new(Cord { id, bell: Arc::clone(bell) }));
            lines.insert(id, Open { reader, take, waker, unread: Complaint::default() });
            work.rang.push(id);
        }
        for id in work.leaving {
            lines.remove(&id);
        }
        work.rang.sort_unstable();
        work.rang.dedup();
        for id in work.rang {
            let Some(line) = lines.get_mut(&id) else { continue };
            // A defect inside rustdds shows itself as a poisoned lock; it must cost one topic, not the thread.
            if catch_unwind(AssertUnwindSafe(|| line.empty())).is_err() {
                tracing::error!("a topic failed inside the DDS library and is no longer received");
                lines.remove(&id);
            }
        }
    }
}

impl Open {
    /// Takes everything there is. The waker is set first, so that nothing can come in between unheard.
    fn empty(&mut self) {
        self.reader.set_waker(Some(self.waker.clone()));
        let mut nothing = 0;
        // Where a writer disposed of something, rustdds says "nothing" though more may follow: ask twice.
        while nothing < 2 {
            match self.reader.try_take_one() {
                Ok(Some(received)) => {
                    nothing = 0;
                    (self.take)(Some(received));
                }
                Ok(None) => nothing += 1,
                Err(error) => {
                    (self.take)(None);
                    if let Some(times) = self.unread.raise(Instant::now()) {
                        tracing::warn!(%error, times, "a message could not be read");
                    }
                }
            }
        }
    }
}
