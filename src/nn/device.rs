//! Which devices libtorch can compute on, and whether it computes there at all.
//!
//! One binary serves machines with and without a GPU: libtorch's CUDA half is loaded while the program runs, if it is
//! there. It has to be loaded before anybody asks for CUDA, because the first such question settles the answer for
//! the life of the process; so everything that wants a device asks here.

use std::sync::OnceLock;

pub use tch::Device;
use tch::{Cuda, Kind, Tensor};

/// What goes wrong on the way to a device.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// libtorch refused, or computed something else.
    #[error("libtorch does not compute on {device:?}")]
    Compute {
        /// Where it was tried.
        device: Device,
        /// What libtorch said.
        source: tch::TchError,
    },
    /// No device is called so.
    #[error("{asked:?} is no device: it is cpu, cuda or cuda:N")]
    Name {
        /// What was asked for.
        asked: String,
    },
    /// A device that is not there.
    #[error("there is no {asked}; there is {}", .there.join(", "))]
    Missing {
        /// What was asked for.
        asked: String,
        /// What there is.
        there: Vec<String>,
    },
    /// It answered, but not with the right number.
    #[error("libtorch computed {got} on {device:?} where {want} is right")]
    Wrong {
        /// Where it was tried.
        device: Device,
        /// What came out.
        got: f64,
        /// What should have.
        want: f64,
    },
}

/// The version of libtorch this crate is written for.
pub const LIBTORCH: &str = "2.11.0";

/// Every device libtorch can see: the CPU first, then the GPUs.
pub fn all() -> Vec<Device> {
    load_cuda();
    let gpus = if Cuda::is_available() { usize::try_from(Cuda::device_count()).unwrap_or(0) } else { 0 };
    std::iter::once(Device::Cpu).chain((0..gpus).map(Device::Cuda)).collect()
}

/// The device that people call `name`: `cpu`, `cuda` (the first), `cuda:1`.
pub fn find(name: &str) -> Result<Device, Error> {
    let device = match (name, name.strip_prefix("cuda:").and_then(|number| number.parse().ok())) {
        ("cpu", _) => Device::Cpu,
        ("cuda", _) => Device::Cuda(0),
        (_, Some(number)) => Device::Cuda(number),
        _ => return Err(Error::Name { asked: name.to_owned() }),
    };
    let there = all();
    if there.contains(&device) {
        return Ok(device);
    }
    Err(Error::Missing { asked: said(device), there: there.into_iter().map(said).collect() })
}

/// What people call a device.
pub fn said(device: Device) -> String {
    match device {
        Device::Cuda(number) => format!("cuda:{number}"),
        Device::Cpu => "cpu".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

/// Has libtorch compute something small on `device`.
pub fn check(device: Device) -> Result<(), Error> {
    let compute = || -> Result<f64, tch::TchError> {
        let ones = Tensor::f_ones([16, 16], (Kind::Float, device))?;
        f64::try_from(ones.f_matmul(&ones)?.f_sum(Kind::Float)?)
    };
    let want = 16.0 * 16.0 * 16.0;
    match compute().map_err(|source| Error::Compute { device, source })? {
        got if got == want => Ok(()),
        got => Err(Error::Wrong { device, got, want }),
    }
}

/// Has libtorch compute with so many threads for the thread that asks.
pub fn use_threads(count: u16) {
    tch::set_num_threads(i32::from(count));
}

/// Loads libtorch's CUDA half once, where there is one; returns whether it is loaded.
fn load_cuda() -> bool {
    static LOADED: OnceLock<bool> = OnceLock::new();
    *LOADED.get_or_init(super::cuda::load)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_device_that_is_listed_computes() -> Result<(), Error> {
        all().into_iter().try_for_each(check)
    }

    #[test]
    fn a_device_is_found_by_its_name_or_refused_in_words() {
        assert_eq!(find("cpu").expect("there always is one"), Device::Cpu);
        for (name, words) in [
            ("gpu", "is no device"),
            ("cuda:", "is no device"),
            ("cuda0", "is no device"),
            ("cuda:x", "is no device"),
            ("cuda:99", "there is no cuda:99; there is cpu"),
        ] {
            let refused = find(name).expect_err(name).to_string();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
