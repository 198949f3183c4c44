//! Networks. Torch begins here.

mod cuda;
pub mod device;
