//! Threads that go before ordinary work.
//!
//! A datagram that finds the socket's buffer full is gone, and a disk that nobody writes to fills a queue. The threads
//! on that way ask the kernel for precedence; where it is refused, losses are counted all the same.

use rustix::process::{getpriority_process, setpriority_process};

/// How much is asked for, in the kernel's own measure: -20 is the most, 0 is everyone's. Less than what audio
/// servers take, because a robot's control loop must still come first.
const NICE: i32 = -11;

/// Has this thread, and those it starts from now on, go before ordinary work. Returns whether it was allowed:
/// `CAP_SYS_NICE` or `RLIMIT_NICE` is what allows it.
pub fn take() -> bool {
    // In Linux the calling process is the calling thread here.
    match getpriority_process(None) {
        Ok(nice) if nice <= NICE => true,
        _ => setpriority_process(None, NICE).is_ok(),
    }
}
