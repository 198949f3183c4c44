//! Steps that are done once: what came of each is a file, and a step whose file is there is not done again.
//!
//! A file appears whole, so there is no moment at which a kill leaves half of a step behind; what a step itself leaves half done, it
//! takes up or clears away when it is begun again.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What `step` came to the first time it was done, which `file` says. The file is there whole or not at all.
pub(crate) fn once<T: Serialize + DeserializeOwned>(
    file: &Path,
    step: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    match fs::read_to_string(file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("{file:?}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let done = step()?;
            let part = file.with_extension("part");
            let write = || -> std::io::Result<()> {
                file.parent().map_or(Ok(()), fs::create_dir_all)?;
                let written = fs::File::create(&part)?;
                serde_json::to_writer_pretty(&written, &done)?;
                written.sync_all()?;
                fs::rename(&part, file)
            };
            write().with_context(|| format!("{file:?}"))?;
            Ok(done)
        }
        Err(error) => Err(error).with_context(|| format!("{file:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_done_once_and_a_torn_file_is_none() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("a/step.json");
        let mut done = 0;
        for _ in 0..3 {
            let steps = once(&file, || {
                done += 1;
                Ok(vec![7, 5])
            })?;
            assert_eq!(steps, [7, 5]);
        }
        assert_eq!(done, 1);
        fs::write(file.with_extension("part"), "{")?;
        assert_eq!(once::<Vec<u8>>(&file, || unreachable!("it is done"))?, [7, 5]);
        assert!(once::<Vec<u8>>(&folder.path().join("b.json"), || anyhow::bail!("it failed")).is_err());
        assert!(!folder.path().join("b.json").exists(), "what failed is done again");
        Ok(())
    }
}
