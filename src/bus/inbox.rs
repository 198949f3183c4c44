//! The receiving end of a bus: one bounded queue that many topics may share, with an account of every loss.
//!
//! The consumer makes the inbox and subscribes topics into it, so that a recorder waits in one place for all of
//! its topics. When it is full the oldest sample goes, because a robot acts on the newest; the topic it belonged to
//! counts it as dropped. A jump in a publisher's own numbering is counted as lost. Both are read with
//! [`Subscription::counts`], never guessed. A replay does not drop: it waits at the door until there is room,
//! because a bag can wait and a robot cannot. A subscription that takes the place of another goes on with its account,
//! because what falls between the two is missing all the same.

mod account;

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::time::Stamp;
use crate::wire::Sample;
use account::Account;

pub use account::Counts;

/// How often one who waits at a door looks whether the wait still has a point.
const LOOK_UP: Duration = Duration::from_millis(100);

/// How much an inbox holds before it drops the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Messages.
    pub samples: usize,
    /// Bytes of messages.
    pub bytes: usize,
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
pub struct Inbox {
    shared: Arc<Shared>,
    /// The account that what is subscribed into this goes on with.
    resumed: Option<Arc<Account>>,
}

impl fmt::Debug for Inbox {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.queue();
        out.debug_struct("Inbox").field("samples", &queue.samples.len()).field("bytes", &queue.bytes).finish()
    }
}

impl Inbox {
    /// An empty inbox with that limit. One sample is always held, however large.
    pub fn new(limit: Limit) -> Self {
        let (arrived, room) = (Condvar::new(), Condvar::new());
        Self { shared: Arc::new(Shared { limit, queue: Mutex::default(), arrived, room }), resumed: None }
    }

    /// The same inbox for a subscription in the place of `earlier`, which ends: it goes on with its counts and
    /// its publishers' numbering, so that what they sent in between is counted as lost, and what they send again is
    /// not taken again.
    pub fn after(&self, earlier: &mut Subscription) -> Self {
        earlier.end();
        Self { shared: Arc::clone(&self.shared), resumed: Some(Arc::clone(&earlier.door.account)) }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.shared.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The oldest sample, if there is one.
    pub fn take(&self) -> Option<Sample> {
        let sample = self.queue().pop()?;
        self.shared.room.notify_all();
        Some(sample)
    }

    /// The oldest sample, if it was received before `instant`.
    pub fn take_before(&self, instant: Stamp) -> Option<Sample> {
        let mut queue = self.queue();
        queue.samples.front().filter(|(oldest, _)| oldest.received < instant)?;
        let sample = queue.pop();
        self.shared.room.notify_all();
        sample
    }

    /// The oldest sample, waiting for one until `deadline`.
    pub fn wait(&self, deadline: Instant) -> Option<Sample> {
        let mut queue = self.queue();
        loop {
            if let Some(sample) = queue.pop() {
                self.shared.room.notify_all();
                return Some(sample);
            }
            let left =
                deadline.checked_duration_since(Instant::now()).filter(|left| *left > Duration::ZERO)?;
            queue = self.shared.arrived.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Messages and bytes waiting.
    pub fn waiting(&self) -> Limit {
        let queue = self.queue();
        Limit { samples: queue.samples.len(), bytes: queue.bytes }
    }

    /// For buses: the entrance through which one subscription's samples come in.
    pub(super) fn door(&self) -> Door {
        let account = self.resumed.clone().unwrap_or_default();
        Door { inbox: self.clone(), account, closed: Arc::default() }
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
    /// Set when the subscription ends.
    closed: Arc<AtomicBool>,
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
        let limit = self.inbox.shared.limit;
        while !queue.samples.is_empty()
            && (queue.samples.len() >= limit.samples || queue.bytes + sample.cdr.len() > limit.bytes)
        {
            if self.closed.load(Relaxed) || gone.load(Relaxed) {
                return;
            }
            // While the queue is locked, so that nobody made room yet who hears of it.
            full();
            queue =
                self.inbox.shared.room.wait_timeout(queue, LOOK_UP).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.enter(queue, sample);
    }

    fn enter(&self, mut queue: MutexGuard<'_, Queue>, sample: Sample) {
        if self.closed.load(Relaxed) || !self.account.admit(&sample) {
            return;
        }
        let limit = self.inbox.shared.limit;
        queue.bytes += sample.cdr.len();
        queue.samples.push_back((sample, Arc::clone(&self.account)));
        while queue.samples.len() > 1 && (queue.samples.len() > limit.samples || queue.bytes > limit.bytes) {
            if let Some((oldest, account)) = queue.samples.pop_front() {
                queue.bytes -= oldest.cdr.len();
                account.drop_one();
            }
        }
        drop(queue);
        self.inbox.shared.arrived.notify_one();
    }

    /// Counts a sample that came but could not be read.
    #[cfg(any(feature = "dds", test))]
    pub(super) fn refuse(&self) {
        self.account.refuse();
    }

    /// The subscription a consumer holds; `keep` is what the bus needs dropped when it ends.
    pub(super) fn subscription(&self, keep: impl Send + Sync + 'static) -> Subscription {
        Subscription { door: self.clone(), keep: Some(Box::new(keep)) }
    }
}

/// A topic being delivered into an inbox; dropped, it no longer is.
pub struct Subscription {
    door: Door,
    keep: Option<Box<dyn Send + Sync>>,
}

impl Subscription {
    /// What became of this topic's messages so far, those of the subscriptions in whose place it is included.
    pub fn counts(&self) -> Counts {
        self.door.account.counts()
    }

    fn end(&mut self) {
        let Some(keep) = self.keep.take() else { return };
        {
            // While the queue is locked, so that a sample is in whole, account and all, or not at all.
            let _queue = self.door.inbox.queue();
            self.door.closed.store(true, Relaxed);
            self.door.account.settle();
        }
        self.door.inbox.shared.room.notify_all();
        // Outside of the lock, because a bus may wait for one who delivers.
        drop(keep);
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.end();
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
    use crate::wire::{Gid, Topic};
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
    fn a_subscription_in_the_place_of_another_goes_on_with_its_account() {
        let inbox = Inbox::new(Limit { samples: 2, bytes: 100 });
        let door = inbox.door();
        let mut earlier = door.subscription(());
        (7..=9).for_each(|sequence| door.deliver(sample(sequence, 1)));
        let next = inbox.after(&mut earlier).door();
        let subscription = next.subscription(());
        // The earlier one hears nothing more, 9 is sent again to the next, 10 and 11 fell between the two.
        for (door, sequence) in [(&door, 10), (&next, 9), (&next, 12)] {
            door.deliver(sample(sequence, 1));
        }
        let waiting: Vec<_> =
            std::iter::from_fn(|| inbox.take()).filter_map(|sample| sample.sequence).collect();
        assert_eq!(waiting, [9, 12]);
        assert_eq!(subscription.counts(), Counts { received: 4, dropped: 2, lost: 2 });
        assert_eq!(earlier.counts(), subscription.counts(), "it is one account");
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
}
