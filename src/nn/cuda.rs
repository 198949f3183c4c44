//! Loads libtorch's CUDA half into the process, if the machine has it.
//!
//! Linking to it instead would make a binary that does not start where only the CPU half is installed.

#![expect(unsafe_code, reason = "loading a library runs its initializers")]

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};

/// Loads it and leaves it loaded; false where it, or one of the libraries it needs, is missing.
pub(super) fn load() -> bool {
    // SAFETY: the initializers of libtorch_cuda.so register its operators with the libtorch this process is linked
    // to, which is what they are written for; the caller runs this once, before any question about CUDA.
    match unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) } {
        Ok(library) => {
            // Its operators are registered for the life of the process: it must never be unloaded.
            std::mem::forget(library);
            true
        }
        Err(cause) => {
            tracing::debug!("libtorch has no CUDA half here: {cause}");
            false
        }
    }
}
