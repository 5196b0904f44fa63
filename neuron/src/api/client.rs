//! The asker's side of the socket.
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crypto::{Hash, Hotkey};
use protocol::subnet::Netuid;
use protocol::transaction::{Coldkey, Transaction};
use protocol::{Verified, codec};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::socket::Door;
use super::{
    Account, Children, Error, Explained, MAX_REPLY, Metagraph, Remembered, Reply, Request, SOCKET, Status,
    Subnets, Trial, Votes,
};
use crate::neuron::Conditions;
use crate::role::Poll;

/// How long a neuron may take to answer, in seconds: a poll waits for slow miners.
const PATIENCE: u64 = 15;

/// Asks the neuron of one directory; each request is a connection of its own.
#[derive(Clone, Debug)]
pub struct Client {
    dir: PathBuf,
}

impl Client {
    /// A client of the neuron in `dir`, whether it runs or not.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Who it is and how it does.
    pub async fn status(&self) -> Result<Status, Error> {
        self.ask(&Request::Status {}).await
    }

    /// A subnet as a table; its own and as of now, unless another and a height are named.
    pub async fn metagraph(&self, netuid: Option<Netuid>, at: Option<u64>) -> Result<Metagraph, Error> {
        self.ask(&Request::Metagraph { netuid, at }).await
    }

    /// Every subnet.
    pub async fn subnets(&self) -> Result<Subnets, Error> {
        self.ask(&Request::Subnets {}).await
    }

    /// Why a neuron, by hotkey, the first digits of it, or uid, earned what it earned in an epoch; the last that has
    /// ended, in its own subnet, unless others are named.
    pub async fn explain(
        &self,
        who: &str,
        netuid: Option<Netuid>,
        epoch: Option<u64>,
    ) -> Result<Explained, Error> {
        self.ask(&Request::Explain { who: who.to_owned(), netuid, epoch }).await
    }

    /// What a validator remembers of a miner.
    pub async fn remember(&self, miner: Hotkey) -> Result<Remembered, Error> {
        self.ask(&Request::Remember { miner }).await
    }

    /// The state roots that it settled on, by height, from `height` on.
    pub async fn state_roots(&self, height: u64) -> Result<Vec<(u64, Hash)>, Error> {
        self.ask(&Request::StateRoots { from: height }).await
    }

    /// Has a validator put one question to every miner.
    pub async fn poll(&self) -> Result<Poll, Error> {
        self.ask(&Request::Poll {}).await
    }

    /// What an account has; that of its hotkey's owner unless another is named.
    pub async fn account(&self, coldkey: Option<Coldkey>) -> Result<Account, Error> {
        self.ask(&Request::Account { coldkey }).await
    }

    /// What validators of a subnet committed to and revealed, or one of them; its own subnet unless another is named.
    pub async fn votes(&self, netuid: Option<Netuid>, hotkey: Option<Hotkey>) -> Result<Votes, Error> {
        self.ask(&Request::Votes { netuid, hotkey }).await
    }

    /// To whom a hotkey lends its votes in a subnet.
    pub async fn children(&self, netuid: Option<Netuid>, hotkey: Hotkey) -> Result<Children, Error> {
        self.ask(&Request::Children { netuid, hotkey }).await
    }

    /// What a transaction would do now; [`Error::Refused`] if the ledger would not accept it.
    pub async fn attempt(&self, transaction: &Verified<Transaction>) -> Result<Trial, Error> {
        self.ask(&Request::Try { transaction: digits(transaction) }).await
    }

    /// Has it gossip a transaction; [`Client::find`] tells whether it was settled.
    pub async fn submit(&self, transaction: &Verified<Transaction>) -> Result<(), Error> {
        self.ask(&Request::Submit { transaction: digits(transaction) }).await
    }

    /// The height at which the transaction of this id was settled, if it was at `from` or soon after.
    pub async fn find(&self, id: Hash, from: u64) -> Result<Option<u64>, Error> {
        self.ask(&Request::Find { id, from }).await
    }

    /// Certified settlements from a height on, encoded: as many as come at once.
    pub async fn settlements(&self, from: u64) -> Result<Vec<Vec<u8>>, Error> {
        let digits: Vec<String> = self.ask(&Request::Settlements { from }).await?;
        let malformed =
            |error: hex::FromHexError| Error::Malformed { dir: self.dir.clone(), fault: error.to_string() };
        digits.iter().map(hex::decode).collect::<Result<_, _>>().map_err(malformed)
    }

    /// Has it behave so from now on, in a network for development; its files are looked for in `folder`.
    pub async fn behave(
        &self,
        behaviour: &str,
        folder: &Path,
        with: Value,
        board: Option<&Path>,
    ) -> Result<(), Error> {
        let (behaviour, folder) = (behaviour.to_owned(), folder.to_owned());
        self.ask(&Request::Behave { behaviour, folder, with, board: board.map(Path::to_owned) }).await
    }

    /// Has what its peers send meet this on its way, in a network for development.
    pub async fn impede(&self, conditions: Conditions) -> Result<(), Error> {
        self.ask(&Request::Impede { conditions }).await
    }

    /// Stops it.
    pub async fn stop(&self) -> Result<(), Error> {
        self.ask(&Request::Stop {}).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let exchange = timeout(Duration::from_secs(PATIENCE), self.exchange(request)).await;
        let silent = || Error::Silent { dir: self.dir.clone(), seconds: PATIENCE };
        let line = exchange.map_err(|_| silent())?.map_err(|cause| self.failed(cause))?;
        let malformed =
            |error: serde_json::Error| Error::Malformed { dir: self.dir.clone(), fault: error.to_string() };
        if line.is_empty() {
            return Err(Error::NotRunning(self.dir.clone()));
        }
        match serde_json::from_slice(&line).map_err(malformed)? {
            Reply::Ok(document) => serde_json::from_value(document).map_err(malformed),
            Reply::Error(reason) => Err(Error::Refused(reason)),
        }
    }

    async fn exchange(&self, request: &Request) -> io::Result<Vec<u8>> {
        let door = Door::of(&self.dir)?;
        let mut stream = UnixStream::connect(door.path()).await?;
        let mut request = serde_json::to_vec(request)?;
        request.push(b'\n');
        let written = stream.write_all(&request).await;
        let mut reply = Vec::new();
        let read = BufReader::new(stream).take(MAX_REPLY as u64).read_until(b'\n', &mut reply).await;
        // Who does not let us finish may have said why.
        if reply.is_empty() {
            written.and(read)?;
        }
        Ok(reply)
    }

    fn failed(&self, cause: io::Error) -> Error {
        match cause.kind() {
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Error::NotRunning(self.dir.clone()),
            _ => Error::Io { path: self.dir.join(SOCKET), cause },
        }
    }
}

fn digits(transaction: &Verified<Transaction>) -> String {
    hex::encode(codec::encode(transaction.signed()))
}
