//! Where `robot.urdf` points: beside the file that says so, to an absolute path, or into a ROS package.
//!
//! A path is read against the file it is written in, not against wherever the command was started, so that a robot's
//! files can be moved together. The arm of this package is part of the binary: it is there without any install.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Error, Place};
use crate::arm::{Description, urdf::SIM_ARM};

/// The file of this package that the binary carries.
const CARRIED: &str = "package://apprentice/urdf/sim_arm.urdf";

/// Reads the description that `written`, at `place`, points to.
pub(super) fn read(written: &str, place: &Place) -> Result<Description, Error> {
    let prefixes = std::env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    let wrong = |why: String| Error::Setting { place: place.clone(), key: "robot.urdf".to_owned(), why };
    let read = match locate(written, place, &prefixes) {
        Some(path) => Description::load(&path),
        None if written == CARRIED => Description::parse(SIM_ARM, written),
        None => {
            let why = format!(
                "{written:?} is not there: none of the installs in AMENT_PREFIX_PATH has such a package with such a file"
            );
            return Err(wrong(why));
        }
    };
    read.map_err(|error| match std::error::Error::source(&error) {
        Some(cause) => wrong(format!("{error}: {cause}")),
        None => wrong(error.to_string()),
    })
}

/// The file that is meant; `None` where a package does not have it.
fn locate(written: &str, place: &Place, prefixes: &OsStr) -> Option<PathBuf> {
    if let Some(inside) = written.strip_prefix("package://") {
        let shares = std::env::split_paths(prefixes).map(|prefix| prefix.join("share").join(inside));
        return shares.into_iter().find(|path| path.is_file());
    }
    let path = Path::new(written.strip_prefix("file://").unwrap_or(written));
    // A `--set`, which has no line, is written where the command was started.
    let beside = Path::new(&place.layer.name).parent().filter(|_| place.line > 0);
    Some(beside.map_or_else(|| path.to_path_buf(), |folder| folder.join(path)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Layer;
    use super::*;

    fn at(name: &str, line: u64) -> Place {
        Place { layer: Arc::new(Layer { name: name.to_owned(), order: 0 }), line, column: 1 }
    }

    #[test]
    fn a_path_is_read_beside_the_file_that_says_so() {
        let located = |written: &str, place| locate(written, &place, OsStr::new(""));
        assert_eq!(located("arm.urdf", at("robots/a.yaml", 3)), Some("robots/arm.urdf".into()));
        assert_eq!(located("../arm.urdf", at("a.yaml", 3)), Some("../arm.urdf".into()));
        assert_eq!(located("/opt/arm.urdf", at("robots/a.yaml", 3)), Some("/opt/arm.urdf".into()));
        assert_eq!(located("file:///opt/arm.urdf", at("robots/a.yaml", 3)), Some("/opt/arm.urdf".into()));
        assert_eq!(located("arm.urdf", at("--set robot.urdf=arm.urdf", 0)), Some("arm.urdf".into()));
    }

    #[test]
    fn a_package_is_looked_for_in_every_install_in_order() -> std::io::Result<()> {
        let (first, second) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let prefixes = std::env::join_paths([first.path(), second.path()]).map_err(std::io::Error::other)?;
        let place = at("a.yaml", 1);
        let located = || locate("package://arms/urdf/a.urdf", &place, &prefixes);
        assert_eq!(located(), None);
        for prefix in [&second, &first] {
            let file = prefix.path().join("share/arms/urdf/a.urdf");
            std::fs::create_dir_all(file.parent().unwrap_or(Path::new("")))?;
            std::fs::write(&file, "")?;
            assert_eq!(located(), Some(file));
        }
        Ok(())
    }
}
