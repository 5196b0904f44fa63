//! Which neuron a command asks, and how it shows the answer.
use std::path::PathBuf;

use color_eyre::eyre::{Result, eyre};

use crate::api::Client;

/// Flags of every command that asks a neuron.
#[derive(Debug, clap::Args)]
pub(super) struct Asking {
    /// The directory of a neuron or of a swarm [default: the last swarm]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON document, amounts in units of 1e-9 coins
    #[arg(long)]
    pub(super) json: bool,
}

impl Asking {
    /// The neuron of the directory, or the first of the swarm's.
    pub(super) fn client(&self) -> Result<Client> {
        Ok(self.clients()?.remove(0))
    }

    /// The neuron of the directory, or every validator of the swarm.
    pub(super) fn clients(&self) -> Result<Vec<Client>> {
        let whole = match &self.dir {
            Some(dir) => dir.clone(),
            None => std::fs::canonicalize(super::latest()).map_err(|_| {
                eyre!("no swarm runs on this machine; start one with `neuron swarm`, or name a --dir")
            })?,
        };
        let validators = (0..).map(|number| whole.join(format!("validator-{number}")));
        let validators: Vec<_> = validators.take_while(|dir| dir.is_dir()).collect();
        let dirs = if validators.is_empty() { vec![whole] } else { validators };
        Ok(dirs.iter().map(|dir| Client::new(dir)).collect())
    }
}
