//! `epoll_wait` as the threads of this process call it: one that goes on waiting where the kernel only interrupted it.
//!
//! A process that was stopped and goes on (SIGSTOP, a suspended laptop, a paused container, a debugger) finds its
//! `epoll_wait` interrupted though it handles no signal; the kernel restarts most calls by itself, this one never.
//! rustdds ends its threads over it, and from then on nothing is received, and nothing counted either. What is
//! inside those threads cannot be reached; the C function they call can. The one here is linked in front of the
//! C library's and asks the kernel again for what is left of the time, as it does itself with `poll`. So readers,
//! their numbering and the sockets outlive the pause, and what the sockets could not hold is a jump that is counted.
//!
//! It is also where a process that only collects can take much for one awakening: see [`gather`].
//!
//! Every `epoll_wait` of the program is this one. Whoever waits for a signal gets it all the same: its handler runs,
//! and what handlers write to wakes the wait.
#![expect(unsafe_code, reason = "a function of the C library is stood in for")]

use std::ffi::{c_int, c_void};
use std::io;
use std::ptr::null;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// For how many microseconds what comes in is left to gather; not at all at first.
static GATHERING: AtomicU32 = AtomicU32::new(0);

/// From now on lets datagrams gather in the sockets for `pause` before they are taken, in the whole process, and the
/// messages made of them at the receiving thread for as long again.
///
/// Thousands of datagrams a second, each of which wakes a thread, cost more in waking than in bytes. Whoever asks for this
/// must know that the sockets hold far more than comes in that time.
pub(super) fn gather(pause: Duration) {
    GATHERING.store(pause.as_micros().try_into().unwrap_or(u32::MAX), Relaxed);
}

/// Waits for as long as things are to gather, where they are.
pub(super) fn pause() {
    let gathering = GATHERING.load(Relaxed);
    if gathering > 0 {
        thread::sleep(Duration::from_micros(gathering.into()));
    }
}

unsafe extern "C" {
    /// The C library's; without a mask of signals it does what its `epoll_wait` does.
    fn epoll_pwait(
        epoll: c_int,
        events: *mut c_void,
        most: c_int,
        timeout_ms: c_int,
        mask: *const c_void,
    ) -> c_int;
}

/// Stands in for the C library's function of that name.
///
/// # Safety
///
/// As there: `events` is room for `most` events.
// SAFETY: of the name, it has the C library's type and keeps its promises, but that it is never interrupted.
#[unsafe(no_mangle)]
unsafe extern "C" fn epoll_wait(epoll: c_int, events: *mut c_void, most: c_int, timeout_ms: c_int) -> c_int {
    let ask = |left_ms| {
        // SAFETY: the caller's own promise is passed on; null is "no mask".
        match unsafe { epoll_pwait(epoll, events, most, left_ms, null()) } {
            -1 => Err(io::Error::last_os_error()),
            came => Ok(came),
        }
    };
    // An error's number is still where the caller looks for it: nothing was asked of the C library since.
    let came = again(timeout_ms, ask).unwrap_or(-1);
    // What is ready stays ready, and whoever was told so takes all there is by then.
    if came > 0 && timeout_ms != 0 {
        pause();
    }
    came
}

/// Asks until something else than an interruption comes of it, for `timeout_ms` in all; for ever where that is below
/// zero.
fn again(timeout_ms: c_int, mut ask: impl FnMut(c_int) -> io::Result<c_int>) -> io::Result<c_int> {
    let deadline = u64::try_from(timeout_ms).ok().map(|ms| Instant::now() + Duration::from_millis(ms));
    let mut left_ms = timeout_ms;
    loop {
        match ask(left_ms) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            came => return came,
        }
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            // Rounded up, so that nobody is woken before the time is over, only to wait again.
            left_ms = left.as_micros().div_ceil(1000).try_into().unwrap_or(timeout_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel is asked, and what comes of it, where it answers as given.
    fn asked(timeout_ms: c_int, answers: Vec<io::Result<c_int>>) -> (Vec<c_int>, io::Result<c_int>) {
        let (mut answers, mut asked) = (answers.into_iter(), Vec::new());
        let came = again(timeout_ms, |left_ms| {
            asked.push(left_ms);
            answers.next().expect("no more is asked than is answered")
        });
        (asked, came)
    }

    fn interrupted() -> io::Result<c_int> {
        Err(io::ErrorKind::Interrupted.into())
    }

    #[test]
    fn an_interrupted_wait_goes_on_for_what_is_left() {
        let (asked, came) = asked(60_000, vec![interrupted(), interrupted(), Ok(2)]);
        assert_eq!((asked[0], came.ok()), (60_000, Some(2)));
        assert!(asked.is_sorted_by(|longer, shorter| longer >= shorter) && asked[2] > 0, "{asked:?}");
    }

    #[test]
    fn a_wait_without_an_end_and_one_without_length_stay_what_they_are() {
        for timeout_ms in [-1, 0] {
            let (asked, came) = asked(timeout_ms, vec![interrupted(), Ok(0)]);
            assert_eq!((asked, came.ok()), (vec![timeout_ms; 2], Some(0)));
        }
    }

    #[test]
    fn every_other_error_is_the_callers() {
        let (asked, came) = asked(5, vec![Err(io::ErrorKind::InvalidInput.into())]);
        assert_eq!(asked, [5]);
        assert_eq!(came.map_err(|error| error.kind()), Err(io::ErrorKind::InvalidInput));
    }
}
