//! The neuron's side of the socket.
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::message::Message;
use protocol::transaction::{Coldkey, Transaction};
use protocol::{Payload, Signed, codec};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::socket::Door;
use super::{
    Account, Children, Error, Explained, MAX_REPLY, MAX_REQUEST, Metagraph, Remembered, Reply, Request,
    SOCKET, Status, Subnets, Trial, Votes,
};
use crate::behaviour::Board;
use crate::neuron::{Handle, View};
use crate::script::{self, Pace};

/// Connections at once; further ones are told to come back.
const CONNECTIONS: usize = 32;

/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(60);

/// How long a poll may take: its own patience is shorter.
const POLL_PATIENCE: Duration = Duration::from_secs(10);

/// How long a neuron that just started may take to know its addresses.
const BIND_PATIENCE: Duration = Duration::from_millis(500);

/// What a reply, or a text in one, takes beside what it holds, in bytes.
const REPLY_FRAME: usize = 64;

/// The longest frame around a transaction: signer, signature, lengths.
const SIGNED_FRAME: usize = 256;

/// An open socket. Dropped, it is gone from the directory.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

impl Server {
    /// Opens the socket of a neuron's directory; the caller must hold that directory's lock.
    pub fn bind(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(SOCKET);
        let listener = open(dir).map_err(|cause| Error::Io { path: path.clone(), cause })?;
        Ok(Self { listener, path })
    }

    /// Answers until somebody asks the neuron to stop.
    pub async fn serve(self, handle: Handle) {
        let seats = Arc::new(Semaphore::new(CONNECTIONS));
        let (stop, mut stopped) = mpsc::channel(1);
        loop {
            let stream = tokio::select! {
                _ = stopped.recv() => return,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    // Out of file descriptors: others will close some.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let Ok(seat) = Arc::clone(&seats).try_acquire_owned() else {
                turn_away(&stream);
                continue;
            };
            let (handle, stop) = (handle.clone(), stop.clone());
            tokio::spawn(async move {
                let _ = converse(stream, &handle, &stop).await;
                drop(seat);
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn open(dir: &Path) -> io::Result<UnixListener> {
    let door = Door::of(dir)?;
    match fs::remove_file(door.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(door.path())?;
    fs::set_permissions(door.path(), Permissions::from_mode(0o600))?;
    Ok(listener)
}

fn turn_away(stream: &UnixStream) {
    let reply = Reply::Error(format!("{CONNECTIONS} others are asking already; try again"));
    // A fresh socket has room for a line.
    let _ = stream.try_write(&line(&reply));
}

async fn converse(mut stream: UnixStream, handle: &Handle, stop: &mpsc::Sender<()>) -> io::Result<()> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut request = Vec::new();
    loop {
        request.clear();
        let mut limited = (&mut read).take(MAX_REQUEST as u64 + 1);
        match timeout(IDLE, limited.read_until(b'\n', &mut request)).await {
            Ok(Ok(1..)) => {}
            _ => return Ok(()),
        }
        let request = parse(&request);
        let reply = match &request {
            Ok(request) => answer(request, handle).await,
            Err(fault) => Err(fault.clone()),
        };
        write.write_all(&line(&reply.map_or_else(Reply::Error, Reply::Ok))).await?;
        match request {
            Ok(Request::Stop {}) => drop(stop.try_send(())),
            Ok(_) => {}
            // What follows a malformed line may be anything.
            Err(_) => return Ok(()),
        }
    }
}

fn parse(line: &[u8]) -> Result<Request, String> {
    if line.len() > MAX_REQUEST {
        return Err(format!("the request exceeds {MAX_REQUEST} bytes; ask for less at once"));
    }
    serde_json::from_slice(line).map_err(|error| format!("not a request: {error}"))
}

fn line(reply: &Reply) -> Vec<u8> {
    let mut line = serde_json::to_vec(reply).expect("documents are numbers, words and lists");
    line.push(b'\n');
    if line.len() > MAX_REPLY {
        return self::line(&Reply::Error(format!(
            "the answer exceeds {MAX_REPLY} bytes; ask for less at once"
        )));
    }
    line
}

async fn answer(request: &Request, handle: &Handle) -> Result<Value, String> {
    match request {
        Request::Status {} => {
            let addresses = timeout(BIND_PATIENCE, handle.addresses()).await.unwrap_or_default();
            json(Status::of(&handle.view(), addresses))
        }
        Request::Metagraph { netuid, at } => {
            let view = match at {
                None => handle.view(),
                Some(height) => handle.view_at(*height).await.map_err(|error| error.to_string())?,
            };
            let netuid = netuid.unwrap_or(view.netuid);
            json(Metagraph::of(&view, netuid).ok_or_else(|| super::no_subnet(netuid))?)
        }
        Request::Subnets {} => json(Subnets::of(&handle.view())),
        Request::Explain { who, netuid, epoch } => {
            json(Explained::of(handle, who.clone(), *netuid, *epoch).await?)
        }
        Request::Remember { miner } => json(Remembered::of(&handle.view(), *miner)),
        Request::StateRoots { from } => json(handle.state_roots(*from).await),
        Request::Settlements { from } => {
            let mut room = MAX_REPLY / 2 - REPLY_FRAME;
            let fits = |bytes: &Vec<u8>| {
                let fits = bytes.len() < room;
                room = room.saturating_sub(bytes.len() + REPLY_FRAME);
                fits
            };
            let settlements = handle.settlements(*from).await.into_iter().take_while(fits);
            json(settlements.map(hex::encode).collect::<Vec<_>>())
        }
        Request::Poll {} => poll(handle).await,
        Request::Account { coldkey } => account(handle, *coldkey),
        Request::Votes { netuid, hotkey } => {
            let view = handle.view();
            json(Votes::of(&view, netuid.unwrap_or(view.netuid), *hotkey)?)
        }
        Request::Children { netuid, hotkey } => {
            let view = handle.view();
            json(Children::of(&view, netuid.unwrap_or(view.netuid), *hotkey)?)
        }
        Request::Try { transaction } => attempt(handle, transaction),
        Request::Submit { transaction } => submit(handle, transaction).await,
        Request::Find { id, from } => json(handle.find(*id, *from).await),
        Request::Behave { behaviour, folder, with, board } => {
            // Before anything is read or started.
            let refused = handle.may_behave(&script::name(behaviour));
            refused.map_err(|refusal| refusal.to_string())?;
            let board = board.as_deref().map_or(Ok(Board::default()), Board::at);
            let board = board.map_err(|error| format!("the board cannot be made: {error}"))?;
            let (spec, folder, with) = (behaviour.clone(), folder.clone(), with.clone());
            // A program takes its time to start; the neuron goes on meanwhile.
            let load = move || script::conduct(&spec, &folder, Pace::Live, with, board);
            let loaded = tokio::task::spawn_blocking(load).await.map_err(|error| error.to_string())?;
            let turned = handle.turn(loaded.map_err(|error| error.to_string())?).await;
            json(turned.map_err(|refusal| refusal.to_string())?)
        }
        Request::Impede { conditions } => {
            let allowed = handle.impede(conditions.clone()).then_some(Value::Null);
            allowed.ok_or_else(|| {
                "links and clocks are bad on purpose only in a network for development".to_owned()
            })
        }
        // Whoever answers stops once the reply is on its way.
        Request::Stop {} => Ok(Value::Null),
    }
}

async fn poll(handle: &Handle) -> Result<Value, String> {
    let View { role, idle, .. } = handle.view();
    if let Some(reason) = idle {
        return Err(reason);
    }
    if role != "validator" {
        return Err(format!("this neuron is a {role}; only validators ask, so name the --dir of one"));
    }
    let poll = timeout(POLL_PATIENCE, handle.poll()).await.ok().flatten();
    json(poll.ok_or("the validator is busy with other polls; try again")?)
}

fn account(handle: &Handle, coldkey: Option<Coldkey>) -> Result<Value, String> {
    let view = handle.view();
    let coldkey = coldkey.or_else(|| view.ledger.owner(&view.hotkey));
    let coldkey =
        coldkey.ok_or("this neuron's hotkey was never registered, so nobody owns it; name an account")?;
    json(Account::of(&view, coldkey))
}

fn attempt(handle: &Handle, transaction: &str) -> Result<Value, String> {
    let view = handle.view();
    let transaction =
        signed(transaction)?.verify(&view.ledger.genesis()).map_err(|error| error.to_string())?;
    json(Trial::of(&view, &transaction).map_err(|refusal| refusal.to_string())?)
}

async fn submit(handle: &Handle, transaction: &str) -> Result<Value, String> {
    let message = Message::Transaction(signed(transaction)?);
    handle.tell(message).await.map_err(|error| error.to_string())?;
    Ok(Value::Null)
}

fn signed(transaction: &str) -> Result<Signed<Transaction>, String> {
    let bytes = hex::decode(transaction).map_err(|_| "the transaction is not in hexadecimal digits")?;
    let limit = Transaction::MAX_BYTES + SIGNED_FRAME;
    codec::decode("transaction", &bytes, limit).map_err(|error| error.to_string())
}

fn json(document: impl Serialize) -> Result<Value, String> {
    serde_json::to_value(document).map_err(|error| error.to_string())
}
