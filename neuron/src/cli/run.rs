//! `neuron run`: one neuron, by hand.
use std::fs;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use color_eyre::eyre::{Result, ensure, eyre};
use crypto::Keypair;
use protocol::light::Checkpoint;
use protocol::subnet::Netuid;
use protocol::transaction::Action;
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::interval;

use super::order::Order;
use super::out::{self, Out};
use super::table::{coins, percent};
use crate::api::{Client, Consensus};
use crate::behaviour::{Board, Conduct};
use crate::figure::fraction;
use crate::genesis::GenesisFile;
use crate::host::{Handles, Host};
use crate::network::Listen;
use crate::neuron::{Conditions, Config, Duty, Handle, History, View, may_behave};
use crate::script::{self, Pace};
use crate::swarm::read_model;
use crate::task::{self, RUNGS};
use crate::{key, log};

/// Between two tries to register: a few settlements of a dev network.
const REGISTER_EVERY: Duration = Duration::from_secs(5);

/// Between two lines on a network that settles nothing.
const STALL_EVERY: Duration = Duration::from_secs(10);

/// Run one neuron of a network
///
/// It reads its memory from --dir, joins at the addresses of the genesis file (or of --bootstrap), catches up and
/// goes on until Ctrl-C. Its log is DIR/neuron.log; `neuron metagraph --dir DIR` asks it. A miner is paid once it
/// has a slot: with --register it buys one from the account of --coldkey.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron run --genesis genesis.toml --role miner --dir my-miner --rung 7")]
pub(super) struct Args {
    /// The network: its genesis file
    #[arg(long, value_name = "FILE")]
    genesis: PathBuf,
    /// What it does
    #[arg(long, value_enum)]
    role: Part,
    /// Where it keeps everything; no other neuron may use it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Its hotkey; DIR/hotkey if left out, made at the first run
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Addresses to join at, instead of those in the genesis file
    #[arg(long, value_name = "ADDR", num_args = 1..)]
    bootstrap: Vec<String>,
    /// A recent header that somebody you trust told you, if this neuron was away for so long, or the genesis is so old,
    /// that it must not believe those who settled then; `neuron metagraph --json` shows one as "checkpoint"
    #[arg(long, value_name = "HEIGHT:HASH")]
    checkpoint: Option<Checkpoint>,
    /// Validator: vote at once, although votes of its hotkey may be forgotten (a new or damaged DIR), instead of following
    /// until the next settlement; only if nothing settles because too many forgot theirs: a vote that contradicts a
    /// forgotten one costs stake
    #[arg(long)]
    vote_anew: bool,
    /// The interface to listen on
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    ip: IpAddr,
    /// The port to listen on, UDP and TCP; the system chooses if left out
    #[arg(long, value_name = "P", default_value_t = 0)]
    port: u16,
    /// The subnet to work in; one still to be founded is waited for
    #[arg(long, value_name = "N", default_value_t = 1)]
    netuid: u16,
    /// Miner: serve these weights (safetensors) instead of training
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// Miner: capacity and effort of the model it trains, 0 the poorest to 7
    #[arg(long, value_name = "R", default_value_t = RUNGS - 1)]
    rung: usize,
    /// Decides what the model is trained on
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Keep N settlements, and those since the last snapshot but one, instead of all; older files are removed
    #[arg(long, value_name = "N")]
    keep: Option<u64>,
    /// Buy a slot, if it has none, with the coins of --coldkey
    #[arg(long, requires = "coldkey")]
    register: bool,
    /// The key of the account that pays for --register, and for what a --behaviour orders
    #[arg(long, value_name = "FILE")]
    coldkey: Option<PathBuf>,
    /// Misbehave so, in a network for development: a built-in's name, FILE.star or "exec:COMMAND"
    #[arg(long, value_name = "WHAT", default_value = Conduct::HONEST, hide_default_value = true)]
    behaviour: String,
    /// What the behaviour is given, as JSON
    #[arg(long, value_name = "JSON", value_parser = super::json, requires = "behaviour")]
    with: Option<Value>,
    /// The folder of the board that colluders on this machine share
    #[arg(long, value_name = "DIR", requires = "behaviour")]
    board: Option<PathBuf>,
    /// What its surroundings do to it: a JSON file, written by a scenario
    #[arg(long, hide = true)]
    conditions: Option<PathBuf>,
    /// Stop when stdin closes
    #[arg(long, hide = true)]
    tied: bool,
    /// Print a JSON document on a line of its own for each settlement, and for every 10 s without one once it is overdue
    #[arg(long)]
    json: bool,
}

/// What a neuron does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Serves a model
    Miner,
    /// Questions miners; settles, if it has stake
    Validator,
    /// Follows the ledger
    Light,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    let config = config(&args)?;
    let coldkey = config.coldkey.clone().filter(|_| args.register);
    if let Some(conduct) = config.conduct.as_ref().filter(|conduct| !conduct.is_honest()) {
        out::warn(&format!("NOT HONEST: this neuron behaves as {}", conduct.name));
    }
    let genesis = config.genesis.hash();
    let mut host = Host::start(config).await?;
    let handles = host.handles();
    let out = Out::of(args.json);
    introduce(&args, &host.handle()).await?;
    let registers = async {
        match coldkey {
            Some(coldkey) => register(&handles, &Client::new(&args.dir), &coldkey, out).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = host.ended() => return Ok(ended?),
        shown = show(handles.clone(), &args) => shown?,
        () = super::interrupted() => {}
        () = stdin_closed(args.tied) => {}
        failed = registers => failed?,
    }
    let height = host.handle().view().height;
    host.stop().await?;
    out.say(&format!("stopped at height {height} of network {}", genesis.short()))
}

fn config(args: &Args) -> Result<Config> {
    let file = GenesisFile::read(&args.genesis)?;
    // Before anything is read or started for it.
    may_behave(file.genesis.allows_adversaries(), &script::name(&args.behaviour))?;
    let netuid = Netuid(args.netuid);
    let subnets = &file.genesis.subnets;
    let subnet = subnets.iter().find(|subnet| subnet.netuid == netuid);
    let may_come = subnets.iter().all(|subnet| subnet.netuid < netuid);
    ensure!(
        subnet.is_some() || may_come,
        "--netuid {netuid}: the genesis has no such subnet, and those founded later have higher numbers; see its list"
    );
    key::private_dir(&args.dir)
        .map_err(|cause| eyre!("--dir {}: {cause}; name one that you may write", args.dir.display()))?;
    let keypair = match &args.key {
        Some(path) => key::read(path)?,
        None => key::read_or_create(&args.dir.join("hotkey"))?,
    };
    let duty = duty(args, &keypair, subnet.map(|subnet| &*subnet.task))?;
    let listen = Listen { ip: args.ip, port: args.port };
    let bootstrap = if args.bootstrap.is_empty() { file.bootstrap } else { args.bootstrap.clone() };
    let own = listen.addresses(&keypair.hotkey());
    Ok(Config {
        dir: args.dir.clone(),
        genesis: file.genesis,
        duty,
        keypair,
        netuid,
        listen,
        bootstrap: bootstrap
            .into_iter()
            .filter(|address| !own.iter().any(|own| peer(own) == peer(address)))
            .collect(),
        checkpoint: args.checkpoint,
        vote_anew: args.vote_anew,
        begun_anew: 0,
        seed: args.seed,
        history: History { keep: args.keep.unwrap_or(u64::MAX), ..History::default() },
        conduct: conduct(args)?,
        conditions: conditions(args)?,
        coldkey: args.coldkey.as_deref().map(key::read).transpose()?,
    })
}

/// What --behaviour says; nothing of honesty.
fn conduct(args: &Args) -> Result<Option<Conduct>> {
    let board = args.board.as_deref().map_or(Ok(Board::default()), Board::at);
    let board = board.map_err(|cause| eyre!("--board: {cause}; name a folder that you may write"))?;
    let with = args.with.clone().unwrap_or_default();
    let conduct = script::conduct(&args.behaviour, Path::new(""), Pace::Live, with, board)?;
    Ok(Some(conduct).filter(|conduct| !conduct.is_honest()))
}

fn conditions(args: &Args) -> Result<Conditions> {
    let Some(path) = &args.conditions else { return Ok(Conditions::default()) };
    let fault = |fault: String| eyre!("--conditions {}: {fault}", path.display());
    let text = fs::read(path).map_err(|error| fault(error.to_string()))?;
    serde_json::from_slice(&text).map_err(|error| fault(error.to_string()))
}

/// The peer that an address leads to.
fn peer(address: &str) -> Option<&str> {
    address.rsplit_once("/p2p/").map(|(_, peer)| peer)
}

fn duty(args: &Args, keypair: &Keypair, task: Option<&str>) -> Result<Duty> {
    match args.role {
        Part::Validator | Part::Light => {
            ensure!(
                args.model.is_none(),
                "--model: only a miner serves a model; say --role miner or leave it out"
            );
            Ok(if args.role == Part::Light { Duty::Follow } else { Duty::Validate })
        }
        Part::Miner => {
            ensure!(args.rung < RUNGS, "--rung {}: the ladder ends at {}", args.rung, RUNGS - 1);
            Ok(Duty::Mine { rung: args.rung, weights: weights(args, keypair, task)? })
        }
    }
}

/// The bytes of --model, once a worker of the task took them; without a task yet, once it is known.
fn weights(args: &Args, keypair: &Keypair, task: Option<&str>) -> Result<Option<Vec<u8>>> {
    let worker = task.map(|task| task::named(task)?.worker(args.seed, &keypair.hotkey(), args.rung));
    let worker = worker.transpose()?;
    let Some(path) = &args.model else { return Ok(None) };
    let fault = |fault: String| eyre!("--model {}: {fault}; give weights as safetensors", path.display());
    let weights = read_model(path).map_err(|error| fault(error.to_string()))?;
    worker.map_or(Ok(()), |mut worker| worker.load(&weights)).map_err(|error| fault(error.to_string()))?;
    Ok(Some(weights))
}

/// Who it is, and where others reach it.
async fn introduce(args: &Args, handle: &Handle) -> Result<()> {
    let view = handle.view();
    let mut lines = vec![
        format!("{} {} of network {}", view.role, view.hotkey.short(), view.ledger.genesis().short()),
        format!("log        {}", args.dir.join(log::FILE).display()),
    ];
    lines.extend(handle.addresses().await.into_iter().map(|address| format!("address    {address}")));
    Out::of(args.json).say(&lines.join("\n"))
}

/// A line for every settlement, and for every while without one.
async fn show(mut handles: Handles, args: &Args) -> Result<()> {
    let client = Client::new(&args.dir);
    let mut handle = handles.now();
    let (mut shown, mut advised) = ((handle.view().height, String::new()), args.json);
    let mut whiles = interval(STALL_EVERY);
    loop {
        let runs = tokio::select! {
            runs = handle.changed() => runs,
            _ = whiles.tick() => {
                show_stall(&client, args.json).await?;
                continue;
            }
        };
        if !runs {
            match handles.next().await {
                Some(next) => {
                    handle = next;
                    introduce(args, &handle).await?;
                }
                // It stopped; whoever waits for its end tells why.
                None => std::future::pending().await,
            }
        }
        let view = handle.view();
        let now = (view.height, view.doing().to_owned());
        if now.0 > shown.0 && args.json {
            // One that is being begun anew does not answer.
            client.status().await.map_or(Ok(()), |status| out::document(&status))?;
        } else if now != shown && !args.json {
            Out::People.say(&line(&view))?;
        }
        shown = now;
        if let Some(advice) = advice(&view).filter(|_| !advised) {
            Out::People.say(&advice)?;
            advised = true;
        }
    }
}

/// What the network waits for, if it has settled nothing for too long.
async fn show_stall(client: &Client, json: bool) -> Result<()> {
    // One that is being begun anew does not answer.
    let Ok(status) = client.status().await else { return Ok(()) };
    match status.consensus.as_ref().and_then(Consensus::stall) {
        Some(_) if json => out::document(&status),
        Some(stall) if status.peers == 0 => Out::People.say(&format!("{stall}; no peer is connected")),
        Some(stall) => Out::People.say(&stall),
        None => Ok(()),
    }
}

/// What a validator with stake is told that could settle and does not want to.
fn advice(view: &View) -> Option<String> {
    let graph = view.ledger.metagraph(view.netuid)?;
    let row = graph.neuron(&view.hotkey).filter(|row| view.role == "validator" && !row.settles)?;
    let enough = row.stake >= view.ledger.parameters().minimum_self_stake;
    let stake = coins(row.stake.0);
    let hotkey = view.hotkey;
    enough.then(|| {
        format!(
            "it has {stake} coins at stake and does not settle yet: `neuron settle --hotkey {hotkey} --coldkey FILE on` \
             makes it willing"
        )
    })
}

fn line(view: &View) -> String {
    let graph = view.ledger.metagraph(view.netuid);
    let row = graph.as_ref().and_then(|graph| graph.neuron(&view.hotkey));
    let slot = row.map_or_else(
        || "no slot".to_owned(),
        |row| {
            let share = fraction(row.incentive.max(row.dividends));
            format!("uid {}  share {}  earned {}", row.uid, percent(share), coins(row.emission.0))
        },
    );
    let root = view.state_root.short();
    format!("height {}  root {root}  peers {}  {}  {slot}", view.height, view.peers, view.doing())
}

/// Asks for a slot until the ledger shows one; never resolves but with an error.
async fn register(handles: &Handles, client: &Client, coldkey: &Keypair, out: Out) -> Result<()> {
    let mut tries = interval(REGISTER_EVERY);
    loop {
        tries.tick().await;
        let View { netuid, hotkey, height, idle, .. } = handles.now().view();
        let slot = || handles.now().view().ledger.slot(netuid, &hotkey);
        if let Some(uid) = slot() {
            out.say(&format!("has slot {uid} of subnet {netuid}"))?;
            return std::future::pending().await;
        }
        // Until it has caught up, what the ledger says is old; a subnet may still have to be founded.
        if height == 0 || idle.is_some() {
            continue;
        }
        let order =
            match Order::new(client.clone(), coldkey, Action::Register { netuid, hotkey, limit: None }).await
            {
                // The last try was settled this moment.
                Err(_) if slot().is_some() => continue,
                order => order?,
            };
        order.send().await?;
        out.say(&format!("asked for a slot at height {}, for {} coins", order.height(), order.cost()))?;
    }
}

/// Resolves when stdin closes: whoever started us is gone.
async fn stdin_closed(tied: bool) {
    if !tied {
        return std::future::pending().await;
    }
    let (closed, over) = oneshot::channel();
    thread::spawn(move || {
        let mut bytes = [0; 64];
        while std::io::stdin().read(&mut bytes).is_ok_and(|count| count > 0) {}
        let _ = closed.send(());
    });
    let _ = over.await;
}
