//! The queue between the node's loop and the writer's thread: bounded in bytes, never waited at by the loop.
//!
//! Samples are refused where they would not fit, and whoever refused them counts them; orders (a declaration, the
//! end) always pass. When the thread is gone, in order or not, the queue knows and refuses everything, so that a
//! recorder without a writer cannot go on as if it had one.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::wire::{Sample, Topic};

/// How often one who waits for room looks whether anybody still writes.
const LOOK_UP: Duration = Duration::from_millis(100);

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Job {
    /// Declare a topic: its definition's text and its type hash, empty where unknown.
    Declare(Arc<Topic>, String, String),
    /// Write a message.
    Write(Sample),
    /// Write a message whose memory was granted elsewhere, so that it takes no room from those that come live.
    Held(Sample),
    /// Note something beside the messages.
    Note(String, String),
    /// End the bag.
    End,
    /// Leave the bag as it is; it will be deleted.
    Abandon,
}

/// Why a sample was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no room: the disk is too slow.
    Full,
    /// Nobody writes any more.
    Dead,
}

#[derive(Debug, Default)]
struct Line {
    jobs: VecDeque<Job>,
    bytes: usize,
    dead: bool,
}

/// The queue.
#[derive(Debug)]
pub(super) struct Queue {
    most_bytes: usize,
    line: Mutex<Line>,
    changed: Condvar,
    /// Told when a job was taken, for those who wait for room.
    room: Condvar,
}

impl Queue {
    /// An empty queue for so many bytes of messages.
    pub(super) fn new(most_bytes: usize) -> Self {
        Self { most_bytes, line: Mutex::default(), changed: Condvar::new(), room: Condvar::new() }
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a sample if there is room. One is always taken, however large.
    pub(super) fn push(&self, sample: &Sample) -> Result<(), Refused> {
        let (mut line, size) = (self.line(), sample.cdr.len());
        if line.dead {
            return Err(Refused::Dead);
        }
        if line.bytes > 0 && line.bytes + size > self.most_bytes {
            return Err(Refused::Full);
        }
        self.enter(&mut line, Job::Write(sample.clone()));
        Ok(())
    }

    /// Takes a sample once there is room, as long as that comes before `deadline`.
    pub(super) fn push_patiently(&self, sample: &Sample, deadline: Instant) -> Result<(), Refused> {
        loop {
            match self.push(sample) {
                Err(Refused::Full) => {}
                done => return done,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Refused::Full);
            }
            let line = self.line();
            if !line.dead && line.bytes > 0 {
                drop(self.room.wait_timeout(line, left.min(LOOK_UP)));
            }
        }
    }

    /// Takes an order, or a sample that is held anyway, whatever waits already.
    pub(super) fn order(&self, job: Job) {
        let mut line = self.line();
        if matches!(job, Job::Abandon) {
            (line.jobs, line.bytes) = (VecDeque::new(), 0);
        }
        self.enter(&mut line, job);
    }

    fn enter(&self, line: &mut Line, job: Job) {
        line.bytes += size_of(&job);
        line.jobs.push_back(job);
        self.changed.notify_one();
    }

    /// The next job, waited for until `deadline`.
    pub(super) fn next(&self, deadline: Instant) -> Option<Job> {
        let mut line = self.line();
        loop {
            if let Some(job) = line.jobs.pop_front() {
                line.bytes -= size_of(&job);
                self.room.notify_all();
                return Some(job);
            }
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            line = self.changed.wait_timeout(line, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// From now on nobody writes any more.
    pub(super) fn close(&self) {
        self.line().dead = true;
    }

    /// Bytes of messages that wait.
    pub(super) fn bytes(&self) -> usize {
        self.line().bytes
    }
}

fn size_of(job: &Job) -> usize {
    if let Job::Write(sample) = job { sample.cdr.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::time::Stamp;

    fn sample(bytes: usize) -> Sample {
        Sample {
            topic: Arc::new(Topic::new("/t", "std_msgs/msg/Header")),
            received: Stamp(0),
            sent: None,
            publisher: None,
            sequence: None,
            cdr: Bytes::from(vec![0; bytes]),
        }
    }

    #[test]
    fn a_full_queue_refuses_samples_but_takes_orders() {
        let queue = Queue::new(100);
        assert_eq!(queue.push(&sample(500)), Ok(()), "one is taken, however large");
        assert_eq!(queue.push(&sample(1)), Err(Refused::Full));
        queue.order(Job::End);
        assert!(matches!(queue.next(Instant::now()), Some(Job::Write(_))));
        assert!(matches!(queue.next(Instant::now()), Some(Job::End)));
        assert_eq!(queue.bytes(), 0);
        assert!(queue.next(Instant::now() + Duration::from_millis(1)).is_none());
    }

    #[test]
    fn who_has_patience_waits_for_room_and_no_longer_than_he_said() {
        let queue = Queue::new(100);
        queue.push(&sample(100)).expect("there is room");
        let soon = Instant::now() + Duration::from_millis(1);
        assert_eq!(queue.push_patiently(&sample(1), soon), Err(Refused::Full));
        std::thread::scope(|scope| {
            let waits =
                scope.spawn(|| queue.push_patiently(&sample(1), Instant::now() + Duration::from_secs(30)));
            assert!(matches!(queue.next(Instant::now()), Some(Job::Write(_))));
            assert_eq!(waits.join().expect("it does not panic"), Ok(()));
        });
        queue.close();
        let late = Instant::now() + Duration::from_secs(30);
        assert_eq!(queue.push_patiently(&sample(1), late), Err(Refused::Dead));
    }

    #[test]
    fn what_a_ring_hands_over_takes_no_room_from_what_comes_live() {
        let queue = Queue::new(100);
        (0..10).for_each(|_| queue.order(Job::Held(sample(500))));
        assert_eq!(queue.bytes(), 0);
        assert_eq!((queue.push(&sample(60)), queue.push(&sample(40))), (Ok(()), Ok(())));
        assert_eq!(queue.push(&sample(1)), Err(Refused::Full), "the bound holds for what comes live");
        for _ in 0..10 {
            assert!(matches!(queue.next(Instant::now()), Some(Job::Held(_))), "it keeps its place");
        }
        assert_eq!(queue.bytes(), 100);
    }

    #[test]
    fn an_abandoned_bag_waits_for_nothing() {
        let queue = Queue::new(100);
        queue.push(&sample(50)).expect("there is room");
        queue.order(Job::Abandon);
        assert!(matches!(queue.next(Instant::now()), Some(Job::Abandon)));
    }

    #[test]
    fn a_queue_without_a_writer_takes_nothing() {
        let queue = Queue::new(100);
        queue.close();
        assert_eq!(queue.push(&sample(1)), Err(Refused::Dead));
    }
}
