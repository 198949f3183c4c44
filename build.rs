//! Compiles the few C++ calls that tch lacks, and writes the folders of libtorch and MuJoCo into the binaries.
//!
//! With the folders in them the binaries start without any environment. The C++ is compiled against the headers of the very
//! libtorch that torch-sys found, with the same settings.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=MUJOCO_DYNAMIC_LINK_DIR");
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

/// `src/nn/fused.cpp`, as torch-sys compiles its own.
#[cfg(feature = "learn")]
fn compile() {
    use std::path::PathBuf;

    let source = "src/nn/fused.cpp";
    println!("cargo:rerun-if-changed={source}");
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
        .file(source)
        .compile("apprentice_fused");
}
