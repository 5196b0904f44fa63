//! Tells the loader where libtorch lies, so that nothing needs `LD_LIBRARY_PATH`, and the program its commit.
use std::env;
use std::path::PathBuf;
use std::process::{Command, exit};

/// Scenarios that become part of the program; a new one among them is noticed here alone.
const SCENARIOS: &str = "../examples/scenarios";

fn main() {
    name_commit();
    println!("cargo::rerun-if-changed={SCENARIOS}");
    for name in ["LIBTORCH", "LIBTORCH_LIB", "LIBTORCH_USE_PYTORCH"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    if env::var_os("CARGO_FEATURE_TORCH").is_none() {
        return;
    }
    let Some(lib) = libtorch().and_then(|lib| lib.canonicalize().ok()) else {
        println!(
            "cargo::error=libtorch is missing: run `make libtorch` (fetched once per user), set LIBTORCH to \
             yours, or build with --no-default-features"
        );
        exit(1);
    };
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    // For the build scripts of dependents, as DEP_NEURON_LIBTORCH.
    println!("cargo::metadata=libtorch={}", lib.display());
    println!("cargo::rerun-if-changed={}", lib.display());
}

/// The folder of the libraries, by the same rules as torch-sys.
fn libtorch() -> Option<PathBuf> {
    if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
        return pytorch();
    }
    let root = env::var_os("LIBTORCH_LIB").or_else(|| env::var_os("LIBTORCH"))?;
    Some(PathBuf::from(root).join("lib"))
}

fn pytorch() -> Option<PathBuf> {
    let python = if env::var_os("VIRTUAL_ENV").is_some() { "python" } else { "python3" };
    let print = "import torch; print(torch.__path__[0] + '/lib')";
    let output = Command::new(python).args(["-c", print]).output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// A clone knows its commit; whoever built from an archive does not.
fn name_commit() {
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return };
    println!("cargo::rustc-env=NEURON_COMMIT={commit}");
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rerun-if-changed=build.rs");
}

fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git").args(words).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
