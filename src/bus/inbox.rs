//! The receiving end of a bus: one bounded queue that many topics may share, with an account of every loss.
//!
//! The consumer makes the inbox and subscribes topics into it, so that a recorder waits in one place for all of
//! its topics. When it is full the oldest sample goes, because a robot acts on the newest; the topic it belonged to
//! counts it as dropped. A jump in a publisher's own numbering is counted as lost. Both are read with
//! [`Subscription::counts`], never guessed. A replay does not drop: it waits at the door until there is room,
//! because a bag can wait and a robot cannot.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::time::Stamp;
use crate::wire::{Gid, Sample};

/// How often one who waits at a door looks whether the wait still has a point.
const LOOK_UP: Duration = Duration::from_millis(100);

/// The most publishers of a topic whose numbering is followed; one that restarts is a new one each time. Beyond, the
/// one unheard longest is forgotten, and a gap of its own is not seen.
const PUBLISHERS: usize = 256;

/// How much an inbox holds before it drops the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Messages.
    pub samples: usize,
    /// Bytes of messages.
    pub bytes: usize,
}

/// What became of one topic's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Arrived here.
    pub received: u64,
    /// Arrived here and were dropped, because nobody took them in time or because they could not be read.
    pub dropped: u64,
    /// Never arrived: the publisher's own numbering jumped over them.
    pub lost: u64,
}

#[derive(Debug, Default)]
struct Account {
    received: AtomicU64,
    dropped: AtomicU64,
    lost: AtomicU64,
    /// Set when the subscription ends.
    closed: AtomicBool,
    numbering: Mutex<Numbering>,
}

/// Whose numbering has come how far.
#[derive(Debug, Default)]
struct Numbering {
    /// The next number expected of each publisher, and when in the order of all samples it was heard last.
    expected: HashMap<Gid, (u64, u64)>,
    heard: u64,
    /// How many came that could not be read: a number that is missing may be theirs, and they are counted already.
    unread: u64,
}

impl Numbering {
    /// Takes note of a number and returns how many before it never came.
    fn follow(&mut self, publisher: Gid, sequence: u64) -> u64 {
        self.heard += 1;
        if self.expected.len() >= PUBLISHERS && !self.expected.contains_key(&publisher) {
            let longest = self.expected.iter().min_by_key(|(_, (_, heard))| *heard).map(|(gid, _)| *gid);
            longest.map(|gid| self.expected.remove(&gid));
        }
        let (next, heard) = self.expected.entry(publisher).or_insert((sequence, 0));
        let missing = sequence.saturating_sub(*next);
        (*next, *heard) = ((*next).max(sequence + 1), self.heard);
        let unread = missing.min(self.unread);
        self.unread -= unread;
        missing - unread
    }
}

#[derive(Default)]
struct Queue {
    samples: VecDeque<(Sample, Arc<Account>)>,
    bytes: usize,
}

struct Shared {
    limit: Limit,
    queue: Mutex<Queue>,
    arrived: Condvar,
    /// Told when a sample was taken or a subscription ended, for those who wait at a door.
    room: Condvar,
}

/// A bounded queue of samples. Clones share it.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

impl fmt::Debug for Inbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.queue();
        out.debug_struct("Inbox").field("samples", &queue.samples.len()).field("bytes", &queue.bytes).finish()
    }
}

impl Inbox {
    /// An empty inbox with that limit. One sample is always held, however large.
    pub fn new(limit: Limit) -> Self {
        Self(Arc::new(Shared {
            limit,
            queue: Mutex::default(),
            arrived: Condvar::new(),
            room: Condvar::new(),
        }))
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest sample, if there is one.
    pub fn take(&self) -> Option<Sample> {
        let sample = self.queue().pop()?;
        self.0.room.notify_all();
        Some(sample)
    }

    /// The oldest sample, if it was received before `instant`.
    pub fn take_before(&self, instant: Stamp) -> Option<Sample> {
        let mut queue = self.queue();
        queue.samples.front().filter(|(oldest, _)| oldest.received < instant)?;
        let sample = queue.pop();
        self.0.room.notify_all();
        sample
    }

    /// The oldest sample, waiting for one until `deadline`.
    pub fn wait(&self, deadline: Instant) -> Option<Sample> {
        let mut queue = self.queue();
        loop {
            if let Some(sample) = queue.pop() {
                self.0.room.notify_all();
                return Some(sample);
            }
            let left =
                deadline.checked_duration_since(Instant::now()).filter(|left| *left > Duration::ZERO)?;
            queue = self.0.arrived.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Messages and bytes waiting.
    pub fn waiting(&self) -> Limit {
        let queue = self.queue();
        Limit { samples: queue.samples.len(), bytes: queue.bytes }
    }

    /// For buses: the entrance through which one subscription's samples come in.
    pub(super) fn door(&self) -> Door {
        Door { inbox: self.clone(), account: Arc::default() }
    }
}

impl Queue {
    fn pop(&mut self) -> Option<Sample> {
        let (sample, _) = self.samples.pop_front()?;
        self.bytes -= sample.cdr.len();
        Some(sample)
    }
}

/// The entrance of one subscription into an inbox.
#[derive(Clone, Debug)]
pub(super) struct Door {
    inbox: Inbox,
    account: Arc<Account>,
}

impl Door {
    /// Delivers a sample; the oldest go where there is no room.
    pub(super) fn deliver(&self, sample: Sample) {
        self.enter(self.inbox.queue(), sample);
    }

    /// Delivers a sample once there is room for it, and says to `full` whenever it finds none. Nothing is dropped; the
    /// wait ends without delivery when the subscription does, or when `gone` says that nobody plays any more.
    pub(super) fn deliver_patiently(&self, sample: Sample, gone: &AtomicBool, full: &dyn Fn()) {
        let mut queue = self.inbox.queue();
        let limit = self.inbox.0.limit;
        while !queue.samples.is_empty()
            && (queue.samples.len() >= limit.samples || queue.bytes + sample.cdr.len() > limit.bytes)
        {
            if self.account.closed.load(Relaxed) || gone.load(Relaxed) {
                return;
            }
            // While the queue is locked, so that nobody made room yet who hears of it.
            full();
            queue = self.inbox.0.room.wait_timeout(queue, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.enter(queue, sample);
    }

    fn enter(&self, mut queue: MutexGuard<'_, Queue>, sample: Sample) {
        if self.account.closed.load(Relaxed) {
            return;
        }
        self.account.received.fetch_add(1, Relaxed);
        self.account_for(&sample);
        let limit = self.inbox.0.limit;
        queue.bytes += sample.cdr.len();
        queue.samples.push_back((sample, Arc::clone(&self.account)));
        while queue.samples.len() > 1 && (queue.samples.len() > limit.samples || queue.bytes > limit.bytes) {
            if let Some((oldest, account)) = queue.samples.pop_front() {
                queue.bytes -= oldest.cdr.len();
                account.dropped.fetch_add(1, Relaxed);
            }
        }
        drop(queue);
        self.inbox.0.arrived.notify_one();
    }

    /// Counts a sample that came but could not be read.
    #[cfg(any(feature = "dds", test))]
    pub(super) fn refuse(&self) {
        self.account.received.fetch_add(1, Relaxed);
        self.account.dropped.fetch_add(1, Relaxed);
        self.numbering().unread += 1;
    }

    fn numbering(&self) -> MutexGuard<'_, Numbering> {
        self.account.numbering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn account_for(&self, sample: &Sample) {
        let (Some(publisher), Some(sequence)) = (sample.publisher, sample.sequence) else { return };
        self.account.lost.fetch_add(self.numbering().follow(publisher, sequence), Relaxed);
    }

    /// The subscription a consumer holds; `keep` is what the bus needs dropped when it ends.
    pub(super) fn subscription(&self, keep: impl Send + Sync + 'static) -> Subscription {
        Subscription { account: Arc::clone(&self.account), inbox: self.inbox.clone(), _keep: Box::new(keep) }
    }
}

/// A topic being delivered into an inbox; dropped, it no longer is.
pub struct Subscription {
    account: Arc<Account>,
    inbox: Inbox,
    _keep: Box<dyn Send + Sync>,
}

impl Subscription {
    /// What became of this topic's messages so far.
    pub fn counts(&self) -> Counts {
        let account = &self.account;
        Counts {
            received: account.received.load(Relaxed),
            dropped: account.dropped.load(Relaxed),
            lost: account.lost.load(Relaxed),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.account.closed.store(true, Relaxed);
        self.inbox.0.room.notify_all();
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Subscription").field(&self.counts()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Stamp;
    use crate::wire::Topic;
    use bytes::Bytes;

    fn sample(sequence: u64, bytes: usize) -> Sample {
        Sample {
            topic: Arc::new(Topic::new("/t", "std_msgs/msg/Header")),
            received: Stamp(0),
            sent: None,
            publisher: Some(Gid([1; 16])),
            sequence: Some(sequence),
            cdr: Bytes::from(vec![0; bytes]),
        }
    }

    #[test]
    fn a_full_inbox_drops_the_oldest_and_counts_it() {
        let inbox = Inbox::new(Limit { samples: 2, bytes: 100 });
        let door = inbox.door();
        let subscription = door.subscription(());
        for sequence in 1..=3 {
            door.deliver(sample(sequence, 10));
        }
        assert_eq!(inbox.take().and_then(|sample| sample.sequence), Some(2));
        assert_eq!(subscription.counts(), Counts { received: 3, dropped: 1, lost: 0 });
    }

    #[test]
    fn one_who_waits_at_the_door_drops_nothing() {
        let inbox = Inbox::new(Limit { samples: 2, bytes: 100 });
        let door = inbox.door();
        let subscription = door.subscription(());
        let player = std::thread::spawn(move || {
            for sequence in 1..=50 {
                door.deliver_patiently(sample(sequence, 10), &AtomicBool::new(false), &|| {});
            }
        });
        let deadline = Instant::now() + Duration::from_secs(20);
        let taken: Vec<_> =
            (0..50).map_while(|_| inbox.wait(deadline)).filter_map(|sample| sample.sequence).collect();
        assert_eq!(taken, (1..=50).collect::<Vec<_>>());
        assert_eq!(subscription.counts(), Counts { received: 50, dropped: 0, lost: 0 });
        player.join().expect("the player ends");
    }

    #[test]
    fn a_subscription_that_ends_frees_one_who_waits_at_the_door() {
        let inbox = Inbox::new(Limit { samples: 1, bytes: 100 });
        let door = inbox.door();
        let subscription = door.subscription(());
        door.deliver(sample(1, 10));
        let waiting = std::thread::spawn(move || {
            door.deliver_patiently(sample(2, 10), &AtomicBool::new(false), &|| {})
        });
        drop(subscription);
        waiting.join().expect("the wait ends");
        assert_eq!(inbox.waiting().samples, 1);
    }

    #[test]
    fn a_sample_larger_than_the_inbox_is_held_alone() {
        let inbox = Inbox::new(Limit { samples: 9, bytes: 100 });
        let door = inbox.door();
        door.deliver(sample(1, 10));
        door.deliver(sample(2, 500));
        assert_eq!(inbox.waiting(), Limit { samples: 1, bytes: 500 });
    }

    #[test]
    fn a_jump_in_a_publishers_numbering_is_counted_as_lost() {
        let inbox = Inbox::new(Limit { samples: 9, bytes: 100 });
        let door = inbox.door();
        let subscription = door.subscription(());
        for sequence in [7, 8, 11, 10, 12] {
            door.deliver(sample(sequence, 1));
        }
        assert_eq!(
            subscription.counts().lost,
            2,
            "9 and 10 were jumped over; that 10 came late is not undone"
        );
    }

    #[test]
    fn a_message_that_cannot_be_read_is_counted_once() {
        let inbox = Inbox::new(Limit { samples: 9, bytes: 100 });
        let door = inbox.door();
        let subscription = door.subscription(());
        door.deliver(sample(1, 1));
        door.refuse();
        door.deliver(sample(4, 1));
        // 2 could not be read, 3 never came.
        assert_eq!(subscription.counts(), Counts { received: 3, dropped: 1, lost: 1 });
    }

    #[test]
    fn a_publisher_that_restarts_for_ever_takes_no_more_room() {
        let mut numbering = Numbering::default();
        let gid =
            |number: u64| Gid([number.to_le_bytes(), [0; 8]].concat().try_into().expect("sixteen bytes"));
        for number in 1..=3 * PUBLISHERS as u64 {
            assert_eq!(numbering.follow(gid(number), 1), 0);
            // One that goes on is not forgotten for those that come and go.
            assert_eq!(numbering.follow(gid(0), 2 * number), u64::from(number > 1));
        }
        assert_eq!(numbering.expected.len(), PUBLISHERS);
    }
}
