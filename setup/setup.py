"""Brings the libraries the crate links to, and what its tests are held against, into .setup/.

Everything comes as pinned wheels whose hashes are checked, and is only unpacked: nothing of Python is needed when
the program runs. A second run finds the stamps of the first and touches neither disk nor network.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "setup"
INTO = ROOT / ".setup"

# The wheels unpacked for linking are the same for every Python; the tag below is only part of their name.
WHEEL_PYTHON = "3.11"

# Left out of the CPU set: libtorch's CUDA half is half of what it weighs, and its Python half serves nobody here.
CUDA_HALF = ["libtorch_cuda*", "libc10_cuda*", "libcaffe2_nvrtc*", "libtorch_nvshmem*", "libtorch_python*"]

# What may be in .setup/libs, and the word for it in the stamps: those of earlier versions, so that what is there stays.
SETS = {"without": "without libtorch", "cpu": "False None", "cuda": "True None"}


def say(text):
    print(f"setup: {text}", flush=True)


def fail(text):
    say(text)
    sys.exit(1)


def stamp_of(files, extra):
    digest = hashlib.sha256(extra.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def done(name, stamp):
    file = INTO / f"{name}.stamp"
    return (INTO / name).is_dir() and file.exists() and file.read_text() == stamp


def pip(target, files, options):
    """Installs into a fresh folder and puts it in place whole, so that an interrupted run leaves nothing half."""
    fresh = INTO / f"{target.name}.part"
    shutil.rmtree(fresh, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--target", str(fresh), *options]
    for file in files:
        command += ["-r", str(file)]
    # A variable, because older pips do not know the option of that name.
    quiet = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, env=quiet).returncode != 0:
        fail(f"pip could not bring {', '.join(file.name for file in files)}; its own words are above")
    # Without its stamp first, so that a run interrupted from here on is not taken for done.
    (INTO / f"{target.name}.stamp").unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def platforms():
    machine = platform.machine()
    versions = [f"manylinux_2_{minor}_{machine}" for minor in range(17, 36)]
    return [word for tag in [*versions, f"manylinux2014_{machine}"] for word in ("--platform", tag)]


def requirements_without(file, left_out):
    """The requirements of `file` without those of one package, as a file of their own."""
    blocks, kept = file.read_text().replace("\\\n", "\\\0").splitlines(), []
    kept = [block.replace("\\\0", "\\\n") for block in blocks if not block.startswith(f"{left_out}==")]
    short = INTO / f"{file.stem}-without-{left_out}.txt"
    short.write_text("\n".join(kept) + "\n")
    return short


def library_files(kind):
    return [HERE / "libraries.txt"] + ([HERE / "cuda.txt"] if kind == "cuda" else [])


def library_stamp(kind):
    return stamp_of(library_files(kind), f"{SETS[kind]} {platform.machine()}")


def libraries(cuda):
    own_libtorch = os.environ.get("LIBTORCH")
    if own_libtorch and not (Path(own_libtorch) / "lib" / "libtorch_cpu.so").exists():
        fail(f"LIBTORCH is {own_libtorch!r}, but there is no lib/libtorch_cpu.so in it")
    if own_libtorch:
        say(f"using your own libtorch in {own_libtorch} (2.11 is what this crate is written for)")
    # What is larger than needed is kept: nobody wants it thrown away and fetched again.
    kind = "without" if own_libtorch else "cuda" if cuda else "cpu"
    enough = {"without": ["without", "cpu", "cuda"], "cpu": ["cpu", "cuda"], "cuda": ["cuda"]}[kind]
    if any(done("libs", library_stamp(one)) for one in enough):
        return say("MuJoCo is here already" if own_libtorch else "libtorch and MuJoCo are here already")
    files = library_files(kind)
    if own_libtorch:
        files = [requirements_without(HERE / "libraries.txt", "torch")]
        say("bringing MuJoCo 3.17.0")
    else:
        size = "3 GB to fetch, 3.9 GB on disk" if cuda else "570 MB to fetch, 0.8 GB on disk"
        say(f"bringing libtorch 2.11.0 and MuJoCo 3.17.0 ({size})")
    libs = INTO / "libs"
    pip(libs, files, ["--python-version", WHEEL_PYTHON, "--implementation", "cp", *platforms()])
    if kind == "cpu":
        for pattern in CUDA_HALF:
            for file in (libs / "torch" / "lib").glob(pattern):
                file.unlink()
    # The linker looks for the plain name.
    plain = libs / "mujoco" / "libmujoco.so"
    plain.symlink_to(next((libs / "mujoco").glob("libmujoco.so.*")).name)
    (INTO / "libs.stamp").write_text(library_stamp(kind))
    say("what was brought is in .setup/libs")


def peers():
    if platform.machine() != "x86_64":
        return say("the tests' peers come for x86-64 only: the tests that need them cannot pass on this machine")
    files = [HERE / "peers.txt"]
    stamp = stamp_of(files, sys.version.split()[0])
    if done("peers", stamp):
        return say("the tests' peers are here already")
    say("bringing the tests' peers: rosbags, cyclonedds, mcap, numpy (20 MB to fetch)")
    pip(INTO / "peers", files, [])
    (INTO / "peers.stamp").write_text(stamp)
    say("the tests' peers are in .setup/peers")


def tools():
    """Says what is missing on this machine; only what the build cannot do without ends the run."""
    if sys.version_info < (3, 10):
        fail(f"Python 3.10 or newer is needed, this is {platform.python_version()}")
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        fail("pip is missing: sudo apt install python3-pip")
    if not (shutil.which("c++") or os.environ.get("CXX")):
        fail("a C++ compiler is missing: sudo apt install g++")
    if not shutil.which("cargo"):
        fail("Rust is missing: install it with rustup, see https://rustup.rs")
    if not any((Path(folder) / "libEGL.so.1").exists() for folder in library_folders()):
        say("libEGL is missing; everything builds, but the simulator's cameras will need it:")
        say("    sudo apt install libegl1 libgl1-mesa-dri")


def library_folders():
    machine = platform.machine()
    return [f"/usr/lib/{machine}-linux-gnu", f"/lib/{machine}-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuda", action="store_true", help="bring the full CUDA set instead of the CPU one")
    options = parser.parse_args()
    tools()
    if options.cuda and platform.machine() != "x86_64":
        fail("the pinned CUDA set is for x86-64; set LIBTORCH to a CUDA libtorch of your own instead")
    INTO.mkdir(exist_ok=True)
    libraries(options.cuda)
    peers()


if __name__ == "__main__":
    main()
