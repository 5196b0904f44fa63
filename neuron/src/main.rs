//! The neuron binary.
use std::process::ExitCode;

fn main() -> ExitCode {
    neuron::cli::main()
}
