//! Threads that go before ordinary work.
//!
//! A datagram that finds the socket's buffer full is gone, and a disk that nobody writes to fills a queue. The threads
//! on that way ask the kernel for precedence; where it is refused, losses are counted all the same.

use rustix::process::{getpriority_process, setpriority_process};

/// How much precedence a thread asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// Takes messages off the network, where nobody waits for it.
    Receiving,
    /// Carries messages on to the disk, with a queue before it.
    Writing,
}

impl Precedence {
    /// In the kernel's own measure: -20 is the most, 0 is everyone's.
    fn nice(self) -> i32 {
        match self {
            Self::Receiving => -15,
            Self::Writing => -11,
        }
    }

    /// Has this thread, and those it starts from now on, go before ordinary work. Returns whether it was allowed:
    /// `CAP_SYS_NICE` or `RLIMIT_NICE` is what allows it.
    pub fn take(self) -> bool {
        // In Linux the calling process is the calling thread here.
        match getpriority_process(None) {
            Ok(nice) if nice <= self.nice() => true,
            _ => setpriority_process(None, self.nice()).is_ok(),
        }
    }
}
