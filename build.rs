//! Writes the folders of libtorch and MuJoCo into the binaries, so that they start without any environment.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MUJOCO_DYNAMIC_LINK_DIR");
    let mut folders = Vec::new();
    if env::var_os("CARGO_FEATURE_LEARN").is_some() {
        // Told by torch-sys, which is a direct dependency for this reason.
        folders.extend(env::var("DEP_TCH_LIBTORCH_LIB"));
    }
    if env::var_os("CARGO_FEATURE_SIM").is_some() {
        folders.extend(env::var("MUJOCO_DYNAMIC_LINK_DIR"));
    }
    for folder in folders {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
