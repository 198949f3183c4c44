//! What `make setup` decides: when something is brought, when what is there is enough, and what is said.
//!
//! The script runs as it is, in a copy of its folder, with a pip that only writes down what it is asked for: what it would
//! fetch are gigabytes, and what is wrong with its decisions is that they are fetched twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A pip that notes its arguments, and puts into the folder it is to fill what the script looks at there.
const PIP: &str = r#"
import os, sys
from pathlib import Path
if "--version" in sys.argv:
    sys.exit(0)
if os.environ.get("OFFLINE"):
    sys.exit(1)
with open(os.environ["ASKED"], "a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\n")
into = Path(sys.argv[sys.argv.index("--target") + 1])
(into / "mujoco").mkdir(parents=True)
(into / "mujoco" / "libmujoco.so.3.17.0").touch()
listed = [Path(sys.argv[at + 1]).read_text() for at, word in enumerate(sys.argv) if word == "-r"]
if any(line.startswith("torch==") for text in listed for line in text.splitlines()):
    (into / "torch" / "lib").mkdir(parents=True)
    for name in ["libtorch_cpu.so", "libtorch_cuda.so"]:
        (into / "torch" / "lib" / name).touch()
"#;

/// A copy of the script, and the pip it finds.
struct Fresh(tempfile::TempDir);

impl Fresh {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("setup"), folder.path().join("setup"));
        let pip = folder.path().join("pip");
        fs::create_dir(&to).and_then(|()| fs::create_dir(&pip)).expect("it is writable");
        for file in ["setup.py", "libraries.txt", "cuda.txt", "peers.txt"] {
            fs::copy(from.join(file), to.join(file)).expect("it is there");
        }
        fs::write(pip.join("pip.py"), PIP).expect("it is writable");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn python(&self, words: &[&str], own: Option<&Path>, offline: bool) -> Output {
        let mut python = Command::new("python3");
        python.args(words).current_dir(self.0.path()).env("PYTHONPATH", self.path("pip"));
        python.env("PYTHONDONTWRITEBYTECODE", "1").env("ASKED", self.path("asked"));
        python.env_remove("LIBTORCH").env_remove("OFFLINE");
        python.envs(own.map(|own| ("LIBTORCH", own))).envs(offline.then_some(("OFFLINE", "1")));
        python.output().expect("python3 is there")
    }

    /// Runs the script; what pip was asked for the libraries.
    fn set_up(&self, cuda: bool, own: Option<&Path>, offline: bool) -> Vec<String> {
        fs::remove_file(self.path("asked")).unwrap_or_default();
        let words = ["setup/setup.py", "--cuda"];
        let output = self.python(&words[..1 + usize::from(cuda)], own, offline);
        assert!(output.status.success(), "{output:?}");
        let asked = fs::read_to_string(self.path("asked")).unwrap_or_default();
        asked.lines().filter(|line| line.contains("libs.part")).map(str::to_owned).collect()
    }

    fn has(&self, library: &str) -> bool {
        self.path(".setup/libs").join(library).exists()
    }
}

#[test]
fn a_second_run_needs_neither_pip_nor_network() {
    let fresh = Fresh::new();
    assert_eq!(fresh.set_up(false, None, false).len(), 1);
    assert!(fresh.has("torch/lib/libtorch_cpu.so") && fresh.has("mujoco/libmujoco.so"));
    assert!(!fresh.has("torch/lib/libtorch_cuda.so"), "half of it is of no use on a processor");
    assert!(fresh.set_up(false, None, true).is_empty());
}

#[test]
fn a_cuda_set_is_kept_by_a_run_that_does_not_ask_for_it() {
    let fresh = Fresh::new();
    assert_eq!(fresh.set_up(false, None, false).len(), 1);
    let asked = fresh.set_up(true, None, false);
    assert!(asked.len() == 1 && asked[0].contains("cuda.txt"), "{asked:?}");
    assert!(fresh.set_up(false, None, true).is_empty());
    assert!(fresh.set_up(true, None, true).is_empty());
    assert!(fresh.has("torch/lib/libtorch_cuda.so"));
}

#[test]
fn an_own_libtorch_leaves_what_is_there_alone() {
    let fresh = Fresh::new();
    let own = fresh.path("own");
    fs::create_dir_all(own.join("lib")).expect("it is writable");
    let refused = fresh.python(&["setup/setup.py"], Some(&own), false);
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(!refused.status.success() && said.contains("no lib/libtorch_cpu.so in it"), "{said}");
    fs::write(own.join("lib/libtorch_cpu.so"), "").expect("it is writable");

    assert_eq!(fresh.set_up(false, Some(&own), false).len(), 1);
    assert!(!fresh.has("torch") && fresh.has("mujoco/libmujoco.so"));
    assert!(fresh.set_up(false, Some(&own), true).is_empty());
    assert_eq!(fresh.set_up(false, None, false).len(), 1, "without it, libtorch is brought");
    assert!(fresh.set_up(false, Some(&own), true).is_empty());
    assert!(fresh.set_up(false, None, true).is_empty());
    assert!(fresh.has("torch/lib/libtorch_cpu.so"));
}

#[test]
fn where_egl_is_missing_the_line_that_brings_it_is_said_and_nothing_ends() {
    let fresh = Fresh::new();
    let code = "import sys; sys.path.insert(0, 'setup'); import setup; setup.library_folders = lambda: []; setup.tools()";
    let output = fresh.python(&["-c", code], None, false);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(said.matches("sudo apt install").count(), 1, "{said}");
    assert!(said.contains("    sudo apt install libegl1 libgl1-mesa-dri\n"), "{said}");
}
