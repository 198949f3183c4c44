//! A fence around libtorch: what fails inside becomes an error instead of the end of the thread.
//!
//! tch's operators panic where libtorch throws: on a shape that does not fit, on a GPU without memory. A robot's process must live
//! on with the policy it has.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Error;

/// What `work` gives; an error where it panics. Nothing that it leaves half done may be used afterwards but through `&`: weights
/// are only read by it.
pub(super) fn fenced<T>(doing: &'static str, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let why = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it did not say why");
        // libtorch adds where in its sources it was; the first line says what.
        Err(Error::Torch { doing, why: first_line(why) })
    })
}

fn first_line(why: &str) -> String {
    why.replace("\\n", "\n").lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;

    #[test]
    fn a_shape_that_does_not_fit_is_an_error_in_words() {
        let square = Tensor::zeros([2, 3], (Kind::Float, Device::Cpu));
        let failed = fenced("multiplying", || Ok(square.matmul(&square))).expect_err("2×3 times 2×3");
        let words = failed.to_string();
        assert!(
            words.starts_with("libtorch failed while multiplying: ") && words.contains("shapes"),
            "{words}"
        );
    }
}
