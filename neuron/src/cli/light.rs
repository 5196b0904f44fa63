//! `neuron light`: what the ledger says, proven, without a ledger of one's own.
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use color_eyre::eyre::Result;
use crypto::{Hash, Hotkey};
use protocol::Amount;
use protocol::ledger::{Fact, Subject};
use protocol::light::{Checkpoint, Skip};
use protocol::transaction::Coldkey;
use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};

use super::out::{self, Out};
use crate::clock;
use crate::genesis::GenesisFile;
use crate::light::{Client, Proven};

/// Prove a balance, a stake or the last header, without a ledger, a disk or trust in any peer
///
/// Asks several neurons and believes what more than two thirds of the stake signed. It trusts the genesis file while
/// that is young (the network's trusting period), later a --checkpoint that you have from somebody you trust.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron light stake HOTKEY --genesis genesis.toml --checkpoint HEIGHT:HASH")]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prove what an account can spend, or that there is none
    #[command(after_help = "Example: neuron light balance COLDKEY --genesis genesis.toml --json")]
    Balance {
        /// The account's public key: 64 hexadecimal digits
        #[arg(value_name = "COLDKEY")]
        coldkey: Hotkey,
        #[command(flatten)]
        joining: Joining,
    },
    /// Prove how much stands behind a hotkey, and how much of it is an account's
    #[command(after_help = "Example: neuron light stake HOTKEY --of COLDKEY --genesis genesis.toml")]
    Stake {
        /// Behind whom: 64 hexadecimal digits
        #[arg(value_name = "HOTKEY")]
        hotkey: Hotkey,
        /// Whose part: the account's public key, 64 hexadecimal digits
        #[arg(long, value_name = "COLDKEY")]
        of: Option<Hotkey>,
        #[command(flatten)]
        joining: Joining,
    },
    /// Prove the last header; with --json its certificate too, for a checker of your own
    #[command(after_help = "Example: neuron light header --genesis genesis.toml --json")]
    Header {
        #[command(flatten)]
        joining: Joining,
    },
    /// Prove header after header until Ctrl-C, a line each
    #[command(after_help = "Example: neuron light follow --genesis genesis.toml --json")]
    Follow {
        #[command(flatten)]
        joining: Joining,
    },
}

#[derive(Debug, clap::Args)]
struct Joining {
    /// The network: its genesis file [default: of the last swarm on this machine]
    #[arg(long, value_name = "FILE")]
    genesis: Option<PathBuf>,
    /// An address to join at, instead of those in the genesis file; may be given again
    #[arg(long, value_name = "ADDR")]
    bootstrap: Vec<String>,
    /// A header to trust instead of the genesis: `neuron metagraph --json` shows one as "checkpoint"
    #[arg(long, value_name = "HEIGHT:HASH")]
    checkpoint: Option<Checkpoint>,
    /// Print a JSON document on a line, amounts in units of 1e-9 coins
    #[arg(long)]
    json: bool,
}

/// What is proven.
#[derive(Serialize)]
struct Document<'a> {
    network: Hash,
    height: u64,
    state_root: Hash,
    checkpoint: Checkpoint,
    /// Of the header, in milliseconds since 1970.
    time: u64,
    signed: Option<Signed>,
    peers: &'a [Hotkey],
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<Account>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stake: Option<Stake>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'a Skip>,
}

/// Who signed a header.
#[derive(Serialize)]
struct Signed {
    signers: usize,
    validators: usize,
    stake: u64,
    of: u64,
}

/// An account; without coins where there is none.
#[derive(Serialize)]
struct Account {
    coldkey: Hotkey,
    exists: bool,
    balance: Amount,
    nonce: u64,
}

/// What stands behind a hotkey; nothing where it is unknown.
#[derive(Serialize)]
struct Stake {
    hotkey: Hotkey,
    exists: bool,
    owner: Option<Coldkey>,
    stake: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
}

/// An account's part of a stake.
#[derive(Serialize)]
struct Part {
    coldkey: Hotkey,
    stake: Amount,
}

pub(super) async fn perform(args: Args) -> Result<()> {
    match args.command {
        Command::Balance { coldkey, joining } => {
            let proven = joining.prove(&[Subject::Account(Coldkey(coldkey))]).await?;
            let account = Account::of(coldkey, proven.facts.first().copied().flatten());
            let line = account.line();
            show(&Document { account: Some(account), ..document(&proven) }, &joining, &[line])
        }
        Command::Stake { hotkey, of, joining } => {
            let part = of.map(|coldkey| Subject::Share(hotkey, Coldkey(coldkey)));
            let subjects: Vec<_> = [Subject::Stake(hotkey)].into_iter().chain(part).collect();
            let proven = joining.prove(&subjects).await?;
            let stake = Stake::of(hotkey, of, &proven.facts);
            let lines = stake.lines();
            show(&Document { stake: Some(stake), ..document(&proven) }, &joining, &lines)
        }
        Command::Header { joining } => {
            let proven = joining.prove(&[]).await?;
            show(&Document { proof: proven.skip.as_ref(), ..document(&proven) }, &joining, &[])
        }
        Command::Follow { joining } => tokio::select! {
            failed = joining.follow() => failed,
            () = super::interrupted() => Ok(()),
        },
    }
}

impl Joining {
    async fn prove(&self, subjects: &[Subject]) -> Result<Proven> {
        let proven = self.join()?.0.prove(subjects).await?;
        warn(&proven);
        Ok(proven)
    }

    /// A line for every header that is new; never resolves but with an error.
    async fn follow(&self) -> Result<()> {
        let (mut client, pause) = self.join()?;
        let mut looks = interval(pause);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shown = None;
        loop {
            looks.tick().await;
            let proven = client.prove(&[]).await?;
            warn(&proven);
            let document = document(&proven);
            if shown.replace(document.height) == Some(document.height) {
                continue;
            }
            match self.json {
                true => out::document(&document)?,
                false => Out::People.say(&line(&document))?,
            }
        }
    }

    /// The network, and how far its settlements are apart.
    fn join(&self) -> Result<(Client, Duration)> {
        let path = self.genesis.clone().unwrap_or_else(|| super::latest().join("genesis.toml"));
        let file = GenesisFile::read(&path)?;
        let bootstrap = if self.bootstrap.is_empty() { file.bootstrap } else { self.bootstrap.clone() };
        let pause = Duration::from_millis(file.genesis.parameters.interval);
        Ok((Client::join(&file.genesis, bootstrap, self.checkpoint)?, pause))
    }
}

impl Account {
    fn of(coldkey: Hotkey, fact: Option<Fact>) -> Self {
        let (balance, nonce) = match fact {
            Some(Fact::Account { balance, nonce }) => (balance, nonce),
            _ => (Amount::ZERO, 0),
        };
        Self { coldkey, exists: fact.is_some(), balance, nonce }
    }

    fn line(&self) -> String {
        let Self { coldkey, exists, balance, nonce } = self;
        match exists {
            true => format!("proven      account {coldkey} can spend {balance} coins, nonce {nonce}"),
            false => format!("proven      there is no account {coldkey}"),
        }
    }
}

impl Stake {
    fn of(hotkey: Hotkey, account: Option<Hotkey>, facts: &[Option<Fact>]) -> Self {
        let (owner, stake, shares) = match facts.first() {
            Some(Some(Fact::Stake { owner, stake, shares })) => (Some(*owner), *stake, *shares),
            _ => (None, Amount::ZERO, 0),
        };
        let own = match facts.get(1) {
            Some(Some(Fact::Share(own))) => *own,
            _ => 0,
        };
        let part = account.map(|coldkey| Part { coldkey, stake: stake.portion(own, shares) });
        Self { hotkey, exists: owner.is_some(), owner, stake, part }
    }

    fn lines(&self) -> Vec<String> {
        let Self { hotkey, stake, .. } = self;
        let all = match self.owner {
            Some(Coldkey(owner)) => {
                format!("proven      {stake} coins stand behind hotkey {hotkey} of account {owner}")
            }
            None => format!("proven      there is no hotkey {hotkey}"),
        };
        let part =
            |Part { coldkey, stake }: &Part| format!("proven      {stake} of them are account {coldkey}'s");
        [all].into_iter().chain(self.part.as_ref().map(part)).collect()
    }
}

/// Who proved nothing is told beside what others proved.
fn warn(proven: &Proven) {
    proven.faults.iter().for_each(|fault| out::complain(&format!("peer {fault}")));
}

fn document(proven: &Proven) -> Document<'_> {
    let trusted = proven.light.trusted();
    Document {
        network: proven.light.genesis(),
        height: trusted.height,
        state_root: trusted.state_root.hash,
        checkpoint: proven.light.checkpoint(),
        time: trusted.time,
        signed: proven.skip.as_ref().map(signed),
        peers: &proven.peers,
        account: None,
        stake: None,
        proof: None,
    }
}

fn signed(skip: &Skip) -> Signed {
    let signatures = &skip.certificate.signatures;
    let stake = signatures.iter().filter_map(|(signer, _)| skip.validators.power(signer)).sum();
    let (validators, of) = (skip.validators.members().len(), skip.validators.total());
    Signed { signers: signatures.len(), validators, stake, of }
}

fn show(document: &Document<'_>, joining: &Joining, lines: &[String]) -> Result<()> {
    if joining.json {
        return out::document(document);
    }
    let Document { checkpoint, state_root, peers, .. } = document;
    let heading = [
        line(document),
        format!("checkpoint  {checkpoint}"),
        format!("state root  {state_root}"),
        format!("asked       {} peers proved it", peers.len()),
    ];
    Out::People.say(&[&heading, lines].concat().join("\n"))
}

fn line(document: &Document<'_>) -> String {
    let Document { network, height, time, .. } = document;
    let age = clock::now_ms().saturating_sub(*time) as f64 / 1_000.0;
    let signed = document.signed.as_ref().map_or_else(
        || "trusted".to_owned(),
        |Signed { signers, validators, stake, of }| {
            let share = 100.0 * *stake as f64 / *of as f64;
            format!("signed by {signers} of {validators} validators with {share:.1} % of the stake")
        },
    );
    format!("network {}  height {height}  {age:.1} s old  {signed}", network.short())
}
