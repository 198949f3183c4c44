//! A picture as a policy sees it: rows of bytes of one size, whatever the camera sent.
//!
//! Bytes and not floats, so that a data set is no larger than it must be; they become numbers between 0 and 1 on the device
//! that computes with them.

/// A picture as a policy sees it.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    /// Width and height.
    pub size: [u32; 2],
    /// Bytes a pixel: three colours, or one of depth.
    pub channels: u32,
    /// Width and height in which the camera sent it.
    pub sent: [u32; 2],
    /// The rows, `height × width × channels` bytes.
    pub pixels: Vec<u8>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Frame({}×{}×{})", self.size[0], self.size[1], self.channels)
    }
}
