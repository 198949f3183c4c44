//! The writer's thread: one for each episode, from the first message to the end of the bag.
//!
//! A thread of its own for each episode, because then nothing survives an episode that ended badly: whatever an
//! error or a panic left half done goes with the thread, and the next episode begins with everything new.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::queue::{Job, Queue};
use crate::bag;

/// What a thread wrote, also when it failed.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Messages.
    pub(super) messages: u64,
    /// Why it ended early, if it did.
    pub(super) failure: Option<Failure>,
}

/// Why a writer ended early.
#[derive(Debug)]
pub(super) enum Failure {
    Bag(bag::Error),
    /// The thread panicked, with these words.
    Panic(String),
}

impl Failure {
    /// Whether the disk had no room left.
    pub(super) fn is_full_disk(&self) -> bool {
        matches!(self, Self::Bag(error) if error.is_full_disk())
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bag(error) => out.write_str(&super::report(error)),
            Self::Panic(words) => write!(out, "the writer's thread died: {words}"),
        }
    }
}

/// A writer at work.
#[derive(Debug)]
pub(super) struct Writing {
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    thread: JoinHandle<Option<bag::Error>>,
}

/// What the thread tells while it works, and what is left of it when it dies.
#[derive(Debug, Default)]
struct Progress {
    bytes: AtomicU64,
    messages: AtomicU64,
}

impl Writing {
    /// Starts a thread that writes what comes through `queue`, flushing every `flush`. Should writing fail,
    /// `reserve` is dropped to make room for the end of the bag.
    pub(super) fn start(
        writer: Box<dyn bag::Writer>,
        queue: Queue,
        flush: Duration,
        reserve: impl Send + 'static,
    ) -> io::Result<Self> {
        let (queue, progress) = (Arc::new(queue), Arc::new(Progress::default()));
        let (of_thread, told) = (Arc::clone(&queue), Arc::clone(&progress));
        let thread = thread::Builder::new().name("bag writer".to_owned()).spawn(move || {
            let _closed = Close(&of_thread);
            let mut writer = writer;
            match work(writer.as_mut(), &of_thread, &told, flush) {
                Ok(End::Keep) => writer.finish().err(),
                Ok(End::Abandon) => None,
                Err(error) => {
                    of_thread.close();
                    drop(reserve);
                    if let Err(also) = writer.finish() {
                        tracing::warn!(error = &also as &dyn std::error::Error, "the bag could not be ended");
                    }
                    Some(error)
                }
            }
        })?;
        Ok(Self { queue, progress, thread })
    }

    /// The queue to it.
    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// Bytes on disk so far.
    pub(super) fn bytes(&self) -> u64 {
        self.progress.bytes.load(Relaxed)
    }

    /// Whether the thread has ended, in order or not.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits for the end of the thread.
    pub(super) fn join(self) -> Written {
        let failure = match self.thread.join() {
            Ok(failed) => failed.map(Failure::Bag),
            Err(panic) => Some(Failure::Panic(words_of(panic.as_ref()))),
        };
        Written { messages: self.progress.messages.load(Relaxed), failure }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it left no words").to_owned()
}

/// Closes the queue when the thread ends, also by a panic.
struct Close<'a>(&'a Queue);

impl Drop for Close<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// How the work came to its end.
enum End {
    Keep,
    Abandon,
}

fn work(
    writer: &mut dyn bag::Writer,
    queue: &Queue,
    told: &Progress,
    flush: Duration,
) -> Result<End, bag::Error> {
    let mut due = Instant::now() + flush;
    loop {
        match queue.next(due) {
            Some(Job::Write(sample) | Job::Held(sample)) => {
                writer.write(&sample)?;
                told.messages.fetch_add(1, Relaxed);
            }
            Some(Job::Declare(topic, definition, hash)) => writer.declare(&topic, &definition, &hash)?,
            Some(Job::Note(key, value)) => writer.note(&key, &value),
            Some(Job::End) => {
                writer.flush()?;
                told.bytes.store(writer.bytes(), Relaxed);
                return Ok(End::Keep);
            }
            Some(Job::Abandon) => return Ok(End::Abandon),
            None => {}
        }
        if Instant::now() >= due {
            writer.flush()?;
            due = Instant::now() + flush;
        }
        told.bytes.store(writer.bytes(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::time::Stamp;
    use crate::wire::{Sample, Topic};

    /// A writer that dies of its second message.
    struct Mortal(u32);

    impl bag::Writer for Mortal {
        fn declare(&mut self, _: &Arc<Topic>, _: &str, _: &str) -> Result<(), bag::Error> {
            Ok(())
        }
        fn write(&mut self, _: &Sample) -> Result<(), bag::Error> {
            self.0 += 1;
            assert!(self.0 < 2, "out of memory");
            Ok(())
        }
        fn flush(&mut self) -> Result<(), bag::Error> {
            Ok(())
        }
        fn bytes(&self) -> u64 {
            0
        }
        fn note(&mut self, _: &str, _: &str) {}
        fn finish(self: Box<Self>) -> Result<(), bag::Error> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_panics_closes_its_queue_and_leaves_its_words() -> io::Result<()> {
        let writing = Writing::start(Box::new(Mortal(0)), Queue::new(1000), Duration::from_secs(1), ())?;
        let sample = Sample {
            topic: Arc::new(Topic::new("/t", "std_msgs/msg/Header")),
            received: Stamp(0),
            sent: None,
            publisher: None,
            sequence: None,
            cdr: Bytes::from_static(&[0; 10]),
        };
        for _ in 0..2 {
            writing.queue().order(Job::Write(sample.clone()));
        }
        let queue = Arc::clone(&writing.queue);
        let written = writing.join();
        assert_eq!(written.messages, 1);
        assert!(matches!(written.failure, Some(Failure::Panic(words)) if words == "out of memory"));
        assert_eq!(queue.push(&sample), Err(super::super::queue::Refused::Dead));
        Ok(())
    }
}
