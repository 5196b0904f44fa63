//! What a neuron did, in a file of its own: never mixed with another's.
use std::env;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use tracing::Dispatch;
use tracing_subscriber::EnvFilter;

/// The file in a neuron's directory.
pub const FILE: &str = "neuron.log";

/// What is logged unless `NEURON_LOG` says otherwise. What libp2p warns of is other peers' affair, and not rare.
const FILTER: &str = "info,libp2p=error,quinn=error,arc_malachitebft_core_consensus=warn,sled=warn";

/// A log that goes on at the end of the neuron's file.
pub(crate) fn open(dir: &Path) -> io::Result<Dispatch> {
    let file = OpenOptions::new().create(true).append(true).open(dir.join(FILE))?;
    let wanted = env::var("NEURON_LOG").ok().and_then(|filter| EnvFilter::try_new(filter).ok());
    let filter = wanted.unwrap_or_else(|| EnvFilter::new(FILTER));
    let format = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
    Ok(Dispatch::new(format.with_writer(Mutex::new(file)).finish()))
}

/// What scripts print, on stderr.
pub(crate) fn show_scripts() {
    let format = tracing_subscriber::fmt().with_env_filter("neuron::script=info");
    // Whoever set another log first hears it there.
    let _ = format
        .without_time()
        .with_target(false)
        .with_level(false)
        .with_writer(io::stderr)
        .with_ansi(false)
        .try_init();
}

/// Everything that happens in simulated histories, on stderr.
pub(crate) fn trace_simulation() {
    let format = tracing_subscriber::fmt().with_env_filter("neuron::simulation=debug").without_time();
    // Whoever set another log first hears it there.
    let _ = format.with_writer(io::stderr).with_ansi(false).try_init();
}
