//! Networks. Torch begins here.
//!
//! No room below this one knows tensors, so that recording and checking build and run where there is no libtorch.

mod cuda;
pub mod device;
