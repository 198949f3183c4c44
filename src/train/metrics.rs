//! What a run measured, a line of JSON for each time something was: `RUN/metrics.jsonl`.
//!
//! Everything that shows a run is made from these lines: the report, and TensorBoard's events. A run that goes on forgets the
//! lines past the state it goes on from, because it will write them again.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::time::Stamp;

/// What was measured after a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Steps that were done.
    pub step: u64,
    /// When, in nanoseconds of the wall clock.
    pub stamp: i64,
    /// The seconds that the run had taken by then, over all its pieces.
    pub seconds: f64,
    /// The measured, by names like `train/loss` and `validation/loss`.
    pub values: BTreeMap<String, f64>,
}

impl Line {
    /// When.
    pub fn stamp(&self) -> Stamp {
        Stamp(self.stamp)
    }
}

/// The lines of a run and the file they are in.
#[derive(Debug)]
pub struct Metrics {
    path: PathBuf,
    file: File,
    lines: Vec<Line>,
}

impl Metrics {
    /// Opens `path` for a run that has done `steps`; lines past them are forgotten.
    pub fn open(path: &Path, steps: u64) -> Result<Self, Error> {
        let disk = |source| Error::Disk { path: path.to_owned(), source };
        let mut lines = if path.exists() { read(path)? } else { Vec::new() };
        lines.retain(|line| line.step <= steps);
        let beside = path.with_extension("part");
        let mut text = lines.iter().map(text).collect::<Vec<_>>().join("");
        if steps == 0 {
            lines.clear();
            text.clear();
        }
        fs::write(&beside, text).map_err(disk)?;
        fs::rename(&beside, path).map_err(disk)?;
        let file = OpenOptions::new().append(true).open(path).map_err(disk)?;
        Ok(Self { path: path.to_owned(), file, lines })
    }

    /// The lines so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Writes one more; values that are no numbers are left out, because JSON has none.
    pub fn add(&mut self, mut line: Line) -> Result<(), Error> {
        line.values.retain(|_, value| value.is_finite());
        self.file
            .write_all(text(&line).as_bytes())
            .map_err(|source| Error::Disk { path: self.path.clone(), source })?;
        self.lines.push(line);
        Ok(())
    }

    /// Has what was written on the disk before it returns.
    pub fn settle(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(|source| Error::Disk { path: self.path.clone(), source })
    }
}

fn text(line: &Line) -> String {
    serde_json::to_string(line).expect("names and finite numbers can be written") + "\n"
}

/// The lines at `path`. A last one that was cut off, by a kill or a full disk, is left out.
pub fn read(path: &Path) -> Result<Vec<Line>, Error> {
    let disk = |source| Error::Disk { path: path.to_owned(), source };
    let mut lines = Vec::new();
    let mut torn = None;
    for (number, line) in BufReader::new(File::open(path).map_err(disk)?).lines().enumerate() {
        let line = line.map_err(disk)?;
        if let Some(error) = torn {
            return Err(error);
        }
        match serde_json::from_str(&line) {
            Ok(line) => lines.push(line),
            Err(error) => {
                let why = format!("line {}: {error}", number + 1);
                torn = Some(Error::Damaged { path: path.to_owned(), why });
            }
        }
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(step: u64, loss: f64) -> Line {
        let values = BTreeMap::from([("train/loss".to_owned(), loss)]);
        Line { step, stamp: 7, seconds: step as f64 / 3.0, values }
    }

    #[test]
    fn a_run_that_goes_on_forgets_what_it_will_write_again() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("metrics.jsonl");
        let mut metrics = Metrics::open(&path, 0)?;
        for step in 1..=5 {
            metrics.add(line(step, 1.0 / step as f64))?;
        }
        drop(metrics);
        let mut torn = OpenOptions::new().append(true).open(&path)?;
        torn.write_all(b"{\"step\": 6, \"sta")?;
        let mut metrics = Metrics::open(&path, 3)?;
        metrics.add(line(4, f64::NAN))?;
        let mut want: Vec<Line> = (1..=3).map(|step| line(step, 1.0 / step as f64)).collect();
        want.push(Line { values: BTreeMap::new(), ..line(4, 0.0) });
        assert_eq!(read(&path)?, want);
        assert_eq!(metrics.lines(), want);
        Ok(())
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_said() -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, format!("{}nonsense\n{}", text(&line(1, 0.5)), text(&line(2, 0.5))))?;
        let error = read(&path).expect_err("it is damaged").to_string();
        assert!(error.contains("metrics.jsonl") && error.contains("line 2"), "{error}");
        Ok(())
    }
}
