//! Has what was written settle on the disk while writing goes on, and gives its memory back.
//!
//! Left alone, the kernel lets gigabytes of a recording pile up in memory, throws out for it what others need, and
//! then writes it in one long stall. Taking fresh memory for every page also costs several times what copying into
//! it does. A thread of its own brings the file to the disk every few megabytes and lets go of what is there, so a
//! recording lives in the same small piece of memory however long it gets.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::fs::{Advice, fadvise};

/// So much is written before it is worth bringing to the disk.
const PORTION: u64 = 16 << 20;
/// The largest page any of our machines has; letting go of a few more costs nothing.
const PAGE: u64 = 64 << 10;

type Failure = Arc<Mutex<Option<io::Error>>>;

/// The thread that follows one file's writer. It ends with this.
pub(super) struct Settler {
    told: u64,
    /// Up to where the file is written; a settler that is still busy is not told, and catches up the next time.
    written: Option<SyncSender<u64>>,
    failure: Failure,
    thread: Option<JoinHandle<()>>,
}

impl Settler {
    /// Begins to follow `file`.
    pub(super) fn follow(file: &File) -> io::Result<Self> {
        let (written, told) = sync_channel(1);
        let failure = Failure::default();
        let (file, failed) = (file.try_clone()?, Arc::clone(&failure));
        let work = move || settle(&file, &told, &failed);
        let thread = thread::Builder::new().name("bag settler".to_owned()).spawn(work)?;
        Ok(Self { told: 0, written: Some(written), failure, thread: Some(thread) })
    }

    /// Says that the file is written up to `end`.
    pub(super) fn written(&mut self, end: u64) {
        if end >= self.told + PORTION
            && self.written.as_ref().is_some_and(|written| written.try_send(end).is_ok())
        {
            self.told = end;
        }
    }

    /// What failed on the way to the disk since the last time. Asked apart from [`written`](Self::written), so that
    /// a failure of earlier bytes is never taken for one of those just written.
    pub(super) fn settled(&self) -> io::Result<()> {
        lock(&self.failure).take().map_or(Ok(()), Err)
    }

    /// Has the next question answered with a failure, as a dying disk would.
    #[cfg(test)]
    pub(super) fn fail(&self, error: io::Error) {
        *lock(&self.failure) = Some(error);
    }

    /// Waits until what it was told of is on the disk.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.written = None;
        if let Some(thread) = self.thread.take() {
            thread
                .join()
                .map_err(|_panic| io::Error::other("the thread that brings a bag to the disk died"))?;
        }
        self.settled()
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::error!("a bag did not reach the disk: {error}");
        }
    }
}

fn lock(failure: &Failure) -> MutexGuard<'_, Option<io::Error>> {
    failure.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settle(file: &File, told: &Receiver<u64>, failed: &Failure) {
    let mut settled = 0;
    while let Ok(end) = told.recv() {
        if let Err(error) = file.sync_data() {
            *lock(failed) = Some(error);
            continue;
        }
        // Only a hint: a file system that does not know it keeps the pages.
        fadvise(file, settled, NonZeroU64::new(end - settled), Advice::DontNeed).unwrap_or_default();
        // The last page is still being written to, and is let go of the next time.
        settled = end - end % PAGE;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_followed_file_has_every_byte() -> io::Result<()> {
        let mut file = tempfile::tempfile()?;
        let mut settler = Settler::follow(&file)?;
        for round in 1..=5 {
            file.write_all(&vec![7; PORTION as usize])?;
            settler.written(round * PORTION);
        }
        settler.finish()?;
        assert_eq!(file.metadata()?.len(), 5 * PORTION);
        Ok(())
    }
}
