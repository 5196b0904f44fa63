//! Passes on to the loader where neuron found libtorch.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(lib) = std::env::var("DEP_NEURON_LIBTORCH") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
