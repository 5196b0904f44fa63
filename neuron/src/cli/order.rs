//! An order of an account's owner on its way: made, tried, sent, settled.
use std::path::PathBuf;
use std::time::Duration;

use color_eyre::eyre::{Result, bail, eyre};
use crypto::{Hash, Keypair};
use indicatif::ProgressBar;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::{Amount, Signed, Verified};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::asking::Asking;
use super::out::{self, Out};
use crate::api::{self, Client, Stamp, Trial};
use crate::key;

/// Between two looks whether an order was settled.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Between two times that an order is told: the first may not have reached whoever proposes.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Settlements after which we give up on an order that every one of them passed over.
const PATIENCE: u64 = 64;

/// How long a network may settle nothing before we give up on it.
const STANDSTILL: Duration = Duration::from_secs(300);

/// Flags of every command that sends an order.
#[derive(Debug, clap::Args)]
pub(super) struct Sending {
    /// The key of the account that pays and signs
    #[arg(long, value_name = "FILE")]
    coldkey: PathBuf,
    /// Say what would happen, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until it is settled; send nothing more from this account before it is
    #[arg(long, conflicts_with = "dry_run")]
    no_wait: bool,
    #[command(flatten)]
    asking: Asking,
}

/// A signed transaction that the ledger would accept.
pub(super) struct Order {
    client: Client,
    transaction: Verified<Transaction>,
    trial: Trial,
}

/// What became of an order.
#[derive(Serialize)]
struct Receipt {
    #[serde(flatten)]
    stamp: Stamp,
    transaction: Hash,
    sent: bool,
    /// The height.
    settled: Option<u64>,
    fee: Amount,
    /// Unknown once settled: prices move.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Amount>,
    balance: Amount,
}

impl Sending {
    /// The neuron to send through.
    pub(super) fn client(&self) -> Result<Client> {
        self.asking.client()
    }

    /// Does what was asked for, as far as the flags say, and tells what became of it; `deed` names it.
    pub(super) async fn carry_out(&self, client: Client, action: Action, deed: &str) -> Result<()> {
        let order = Order::new(client, &key::read(&self.coldkey)?, action).await?;
        let receipt = if self.dry_run {
            order.receipt(false)
        } else {
            order.send().await?;
            if self.no_wait { order.receipt(true) } else { order.settled(deed).await? }
        };
        if self.asking.json {
            return out::document(&receipt);
        }
        Out::People.say(&format!("{deed}: {}", receipt.line()))
    }
}

impl Order {
    /// Signs what the account wants next; an error if the ledger would refuse it.
    pub(super) async fn new(client: Client, coldkey: &Keypair, action: Action) -> Result<Self> {
        let account = client.account(Some(Coldkey(coldkey.hotkey()))).await?;
        let transaction = Transaction { nonce: account.nonce, action };
        let transaction = Signed::author(coldkey, &account.stamp.network, transaction);
        let trial = client.attempt(&transaction).await?;
        Ok(Self { client, transaction, trial })
    }

    /// Has it gossiped.
    pub(super) async fn send(&self) -> Result<()> {
        Ok(self.client.submit(&self.transaction).await?)
    }

    /// What it takes besides the fee.
    pub(super) fn cost(&self) -> Amount {
        self.trial.cost
    }

    /// As of which height it would be accepted.
    pub(super) fn height(&self) -> u64 {
        self.trial.stamp.height
    }

    fn receipt(&self, sent: bool) -> Receipt {
        let Trial { stamp, fee, cost, balance } = self.trial;
        Receipt {
            stamp,
            transaction: self.transaction.id(),
            sent,
            settled: None,
            fee,
            cost: Some(cost),
            balance,
        }
    }

    /// Waits until it is settled, and shows a person how long that takes.
    async fn settled(&self, deed: &str) -> Result<Receipt> {
        // Nothing where no person watches stderr.
        let progress = ProgressBar::new_spinner();
        let settled = self.wait(|height| {
            progress.set_message(format!("{deed}: sent, not settled at height {height}"));
            progress.tick();
        });
        let settled = settled.await;
        progress.finish_and_clear();
        let account = Coldkey(self.transaction.signer());
        let (settled, account) = (settled?, self.client.account(Some(account)).await?);
        Ok(Receipt {
            stamp: account.stamp,
            settled: Some(settled),
            cost: None,
            balance: account.balance,
            ..self.receipt(true)
        })
    }

    /// The height at which it was settled.
    async fn wait(&self, show: impl Fn(u64)) -> Result<u64> {
        let (mut height, mut moved, mut told) = (self.height(), Instant::now(), Instant::now());
        loop {
            if let Some(settled) = self.find().await? {
                return Ok(settled);
            }
            let now = match self.client.attempt(&self.transaction).await {
                Ok(trial) => trial.stamp.height,
                Err(api::Error::Refused(reason)) => return self.refused(&reason).await,
                Err(error) => return Err(error.into()),
            };
            show(now);
            if now > height {
                (height, moved) = (now, Instant::now());
            }
            self.lose_patience(height, moved)?;
            if told.elapsed() > TELL_EVERY {
                told = Instant::now();
                self.send().await?;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// It can no longer be settled: because it was a moment ago, or for this reason.
    async fn refused(&self, reason: &str) -> Result<u64> {
        self.find().await?.ok_or_else(|| eyre!("sent, then refused: {reason}"))
    }

    async fn find(&self) -> Result<Option<u64>> {
        Ok(self.client.find(self.transaction.id(), self.height() + 1).await?)
    }

    fn lose_patience(&self, height: u64, moved: Instant) -> Result<()> {
        let passed = height - self.height();
        if passed > PATIENCE {
            bail!("{passed} settlements passed it over, though the ledger would accept it; try again later");
        }
        if moved.elapsed() > STANDSTILL {
            let seconds = STANDSTILL.as_secs();
            bail!(
                "sent, but nothing was settled for {seconds} s; see with `neuron metagraph` if the height moves"
            );
        }
        Ok(())
    }
}

impl Receipt {
    fn line(&self) -> String {
        let Self { fee, balance, .. } = self;
        match (self.settled, self.cost) {
            (Some(height), _) => format!("settled at height {height}, fee {fee}, balance now {balance}"),
            (None, _) if self.sent => {
                format!("sent as transaction {}, fee {fee}; not waiting", self.transaction.short())
            }
            (None, cost) => format!(
                "would be accepted, fee {fee}, cost {}, balance afterwards {balance}; nothing was sent",
                cost.unwrap_or_default()
            ),
        }
    }
}
