//! Threads that go before ordinary work.
//!
//! A datagram that finds the socket's buffer full is gone, a disk that nobody writes to fills a queue, and a robot whose command
//! comes late jerks. The threads on that way ask the kernel for precedence; where it is refused, what was lost or late is counted
//! all the same.

mod fifo;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{getpriority_process, setpriority_process};

/// The real-time priority of control: that which ROS 2's controllers take, in the midst of what there is, so that whoever set up
/// the machine can put something above it.
const CONTROL: i32 = 50;

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

/// What a thread that keeps time was granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// The real-time policy `SCHED_FIFO`. `CAP_SYS_NICE` or `RLIMIT_RTPRIO` is what allows it.
    pub fifo: bool,
    /// No page of the process that was once used leaves memory. `CAP_IPC_LOCK` or `RLIMIT_MEMLOCK` is what allows it.
    pub memory: bool,
}

impl Granted {
    /// Has this thread, which keeps time and always waits soon, run before all ordinary ones, and the process stay in memory.
    pub fn take() -> Self {
        // On fault: of a library of gigabytes only what is used has to stay.
        let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        Self { memory: mlockall(flags).is_ok(), fifo: fifo::take(CONTROL) }
    }

    /// It in words, and how to be granted the rest.
    pub fn words(self) -> &'static str {
        match (self.fifo, self.memory) {
            (true, true) => "SCHED_FIFO, memory locked",
            (true, false) => "SCHED_FIFO; memory is not locked (CAP_IPC_LOCK or RLIMIT_MEMLOCK allows it)",
            (false, true) => "memory locked; no SCHED_FIFO (CAP_SYS_NICE or RLIMIT_RTPRIO allows it)",
            (false, false) => {
                "an ordinary thread: SCHED_FIFO (CAP_SYS_NICE or RLIMIT_RTPRIO) and locked memory (CAP_IPC_LOCK or \
                RLIMIT_MEMLOCK) were refused"
            }
        }
    }
}
