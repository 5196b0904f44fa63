//! A genesis as a file that people read: TOML, with addresses to join by.
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use protocol::Amount;
use protocol::genesis::{Genesis, GenesisError, GenesisNeuron, GenesisSubnet};
use protocol::parameters::Parameters;
use protocol::transaction::Coldkey;
use serde::{Deserialize, Serialize};

/// The longest genesis file, in bytes: a full subnet takes a tenth.
const MAX_BYTES: u64 = 1 << 20;

/// A genesis and where the network can be joined; the addresses are no part of what the hash covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenesisFile {
    /// The first state and the rules.
    pub genesis: Genesis,
    /// Addresses of peers that help newcomers, each with `/p2p/` and a peer id.
    pub bootstrap: Vec<String>,
}

/// Why a genesis file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refused.
    #[error("genesis file {path}: {cause}; name the genesis.toml of a network", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// It is no TOML, or something is missing or of the wrong kind.
    #[error("genesis file {path}, line {line}: {fault}; copy the file again from whoever runs the network", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        fault: String,
    },
    /// It breaks a rule.
    #[error("genesis file {path}: {rule}", path = .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Which rule, and what would help.
        rule: GenesisError,
    },
}

/// The file's own shape: the genesis with addresses, in an order that reads well.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    name: String,
    time: u64,
    bootstrap: Vec<String>,
    accounts: Vec<(Coldkey, Amount)>,
    parameters: Parameters,
    subnets: Vec<GenesisSubnet>,
    neurons: Vec<GenesisNeuron>,
}

impl GenesisFile {
    /// Reads a file and checks every rule.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = read_text(path).map_err(|cause| Error::Io { path: path.to_owned(), cause })?;
        let document: Document = toml::from_str(&text).map_err(|error| Error::Malformed {
            path: path.to_owned(),
            line: text[..error.span().map_or(0, |span| span.start)].lines().count().max(1),
            fault: error.message().replace('\n', " "),
        })?;
        let file = Self::from(document);
        file.genesis.check().map_err(|rule| Error::Refused { path: path.to_owned(), rule })?;
        Ok(file)
    }

    /// Writes it whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let text =
            toml::to_string(&Document::from(self.clone())).expect("a genesis is numbers, words and lists");
        let fresh = path.with_extension("new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, path))
            .map_err(|cause| Error::Io { path: path.to_owned(), cause })
    }
}

impl From<Document> for GenesisFile {
    fn from(document: Document) -> Self {
        let Document { name, time, bootstrap, accounts, parameters, subnets, neurons } = document;
        Self { genesis: Genesis { name, time, parameters, accounts, subnets, neurons }, bootstrap }
    }
}

impl From<GenesisFile> for Document {
    fn from(file: GenesisFile) -> Self {
        let Genesis { name, time, parameters, accounts, subnets, neurons } = file.genesis;
        Self { name, time, bootstrap: file.bootstrap, accounts, parameters, subnets, neurons }
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use crypto::{Hotkey, Keypair};
    use protocol::subnet::Netuid;

    use super::*;

    fn file() -> GenesisFile {
        let hotkey = Keypair::from_seed([1; 32]).hotkey();
        let validator = GenesisNeuron {
            netuid: Netuid(1),
            hotkey,
            coldkey: Coldkey(hotkey),
            stake: Amount::coins(10),
            settles: true,
            permit: true,
        };
        let mut genesis = Genesis::dev(1_000, vec![validator]);
        genesis.accounts.push((Coldkey(Hotkey([9; 32])), Amount::coins(5)));
        GenesisFile { genesis, bootstrap: vec!["/ip4/127.0.0.1/tcp/4000".to_owned()] }
    }

    fn refuses(change: impl Fn(String) -> String, fault: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("genesis.toml");
        file().write(&path).unwrap();
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        let error = GenesisFile::read(&path).unwrap_err().to_string();
        assert!(error.contains(fault) && !error.contains('\n'), "{error}");
    }

    #[test]
    fn a_genesis_reads_back_with_the_same_hash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("genesis.toml");
        file().write(&path).unwrap();
        let read = GenesisFile::read(&path).unwrap();
        assert_eq!(read, file());
        assert_eq!(read.genesis.hash(), file().genesis.hash());
        assert!(fs::read_to_string(&path).unwrap().contains(&"09".repeat(32)));
    }

    #[test]
    fn a_broken_genesis_is_told_where_and_what() {
        refuses(|text| text.replace("name =", "nome ="), "line 1: unknown field `nome`");
        refuses(|text| text.replace("time = 1000", "time = \"noon\""), "line 2: invalid type");
        refuses(|text| text.replace(&"09".repeat(32), "xyz"), "\"xyz\" is not 64 hexadecimal digits");
        refuses(|text| text.replace("tempo = ", "tempo = 0 #"), "tempo must be at least 1");
    }
}
