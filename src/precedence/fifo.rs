//! The kernel's real-time policy for one thread: the only call for which there is no safe one.
//!
//! A thread of it runs as soon as it can, whatever ordinary threads do, and until it waits: so only one that always waits soon may
//! ask for it.
#![expect(unsafe_code, reason = "the system's interface is C's")]

/// Has the calling thread run first in, first out, at the priority `level` (1 to 99). Returns whether it was allowed.
pub(super) fn take(level: i32) -> bool {
    let parameters = libc::sched_param { sched_priority: level };
    // SAFETY: the kernel reads `parameters`, which lives until the call returns, and writes nothing of ours; zero is the calling
    // thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) == 0 }
}
