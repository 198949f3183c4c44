//! Batches made ready on a thread of their own, a few ahead of the one that is trained on.
//!
//! The number of a batch says everything of it: which windows, and all chance in it. So the thread may run ahead as far as it is
//! let, and a run that goes on begins at any number. Buffers come back and are filled again: after the first few batches
//! no memory is taken.

use std::io;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope};

/// Things that are made in order on another thread. Dropped, the thread ends with what it is making.
#[derive(Debug)]
pub struct Loader<T> {
    made: Receiver<(u64, T)>,
    back: SyncSender<T>,
}

impl<T: Default + Send> Loader<T> {
    /// Has `make` fill a buffer for each of `numbers`, at most `ahead` of them in advance.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        numbers: Range<u64>,
        ahead: usize,
        mut make: impl FnMut(u64, &mut T) + Send + 'scope,
    ) -> io::Result<Self>
    where
        T: 'scope,
    {
        let (give, made) = sync_channel(ahead.max(1));
        let (back, returned) = sync_channel::<T>(ahead.max(1) + 2);
        let fill = move || {
            for number in numbers {
                let mut buffer = returned.try_recv().unwrap_or_default();
                make(number, &mut buffer);
                if give.send((number, buffer)).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("loader".to_owned()).spawn_scoped(scope, fill)?;
        Ok(Self { made, back })
    }

    /// The next one, with its number; none where all were made.
    pub fn next(&self) -> Option<(u64, T)> {
        self.made.recv().ok()
    }

    /// Takes a buffer back to be filled again.
    pub fn take_back(&self, buffer: T) {
        // Where too many are on their way already this one is let go of.
        drop(self.back.try_send(buffer));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

    use super::*;

    #[test]
    fn batches_come_in_order_and_their_buffers_go_round() {
        let fresh = AtomicU64::new(0);
        let seen: Vec<(u64, u64)> = thread::scope(|scope| {
            let make = |number: u64, buffer: &mut Vec<u64>| {
                if buffer.is_empty() {
                    fresh.fetch_add(1, SeqCst);
                }
                *buffer = vec![number * 10];
            };
            let loader = Loader::start(scope, 5..200, 3, make).expect("a thread can be started");
            std::iter::from_fn(|| {
                let (number, buffer) = loader.next()?;
                let value = buffer[0];
                loader.take_back(buffer);
                Some((number, value))
            })
            .collect()
        });
        assert_eq!(seen, (5..200).map(|number| (number, number * 10)).collect::<Vec<_>>());
        assert!(fresh.load(SeqCst) <= 8, "{} buffers", fresh.load(SeqCst));
    }

    #[test]
    fn whoever_has_enough_just_stops() {
        let made = AtomicU64::new(0);
        thread::scope(|scope| {
            let make = |_: u64, _: &mut Vec<u64>| {
                made.fetch_add(1, SeqCst);
            };
            let loader = Loader::start(scope, 0..u64::MAX, 2, make).expect("a thread can be started");
            assert_eq!(loader.next().map(|(number, _)| number), Some(0));
        });
        assert!(made.load(SeqCst) < 10, "it ran {} ahead", made.load(SeqCst));
    }
}
