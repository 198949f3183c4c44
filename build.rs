//! Compiles the few C++ calls that tch lacks, and writes the folders of libtorch and MuJoCo into the binaries.
//!
//! With the folders in them the binaries start without any environment. The C++ is compiled against the headers of the very
//! libtorch that torch-sys found, with the same settings.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MUJOCO_DYNAMIC_LINK_DIR");
    if env::var_os("CARGO_FEATURE_ROS").is_some() && env::var_os("CARGO_FEATURE_ROS_CHECK").is_none() {
        find_interfaces();
    }
    let mut folders = Vec::new();
    if env::var_os("CARGO_FEATURE_LEARN").is_some() {
        // Told by torch-sys, which is a direct dependency for this reason.
        folders.extend(env::var("DEP_TCH_LIBTORCH_LIB"));
        #[cfg(feature = "learn")]
        compile();
    }
    if env::var_os("CARGO_FEATURE_SIM").is_some() {
        folders.extend(env::var("MUJOCO_DYNAMIC_LINK_DIR"));
    }
    for folder in folders {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}

/// Whether r2r could bind what `src/bus/ros/service.rs` names: without this, a missing package is a page of errors there.
fn find_interfaces() {
    println!("cargo:rerun-if-env-changed=AMENT_PREFIX_PATH");
    let sourced = env::var_os("AMENT_PREFIX_PATH").unwrap_or_default();
    for package in ["apprentice", "std_srvs", "lifecycle_msgs", "rosgraph_msgs"] {
        let index = std::path::Path::new("share/ament_index/resource_index/rosidl_interfaces").join(package);
        let found = env::split_paths(&sourced).any(|prefix| prefix.join(&index).exists());
        let how = match package {
            "apprentice" => "they are made by `colcon build`, which then builds the binary too".to_owned(),
            other => format!("sudo apt install ros-$ROS_DISTRO-{}", other.replace('_', "-")),
        };
        assert!(found, "the interfaces of {package:?} are not in the ROS 2 that is sourced: {how}");
    }
}

/// The C++ of `src/nn`, as torch-sys compiles its own.
#[cfg(feature = "learn")]
fn compile() {
    use std::path::PathBuf;

    let sources = ["src/nn/fused.cpp", "src/nn/step.cpp"];
    for file in sources.into_iter().chain(["src/nn/said.h"]) {
        println!("cargo:rerun-if-changed={file}");
    }
    println!("cargo:rerun-if-env-changed=LIBTORCH_INCLUDE");
    println!("cargo:rerun-if-env-changed=LIBTORCH_CXX11_ABI");
    let lib = env::var("DEP_TCH_LIBTORCH_LIB").expect("torch-sys says where it found libtorch");
    let beside = PathBuf::from(lib).join("..");
    let root = env::var_os("LIBTORCH_INCLUDE").map_or(beside, PathBuf::from);
    let abi = env::var("LIBTORCH_CXX11_ABI").unwrap_or_else(|_| "1".to_owned());
    cc::Build::new()
        .cpp(true)
        .pic(true)
        .std("c++17")
        .warnings(false)
        .include(root.join("include"))
        .define("_GLIBCXX_USE_CXX11_ABI", abi.as_str())
        .files(sources)
        .compile("apprentice_fused");
}
