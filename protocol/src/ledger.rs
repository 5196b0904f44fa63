//! Everything the network has agreed on, and the one function that moves it forward.
//!
//! [`Ledger::apply`] is all or nothing. A proposer builds with the same steps on a clone: `try_evidence`, `try_commit`,
//! `try_reveal`, `try_transaction`, each of which changes nothing when it refuses, then `close`.
use crypto::merkle::{self, Root};
use crypto::{Hash, Hotkey};

#[cfg(feature = "planted-faults")]
use crate::Fault;
use crate::consensus::ValidatorSet;
use crate::genesis::GenesisError;
use crate::parameters::{Hyperparameters, Parameters};
use crate::settlement::Inputs;
use crate::subnet::{Epoch, Netuid, Uid};
use crate::transaction::Coldkey;
use crate::{Amount, Error, Genesis};

mod audit;
mod birth;
mod children;
mod counted;
mod division;
mod entry;
mod evidence;
mod founding;
mod overview;
mod payout;
#[cfg(feature = "planted-faults")]
mod planted;
mod refusal;
mod registration;
mod rules;
mod seats;
mod shown;
mod stake;
mod supply;
mod survey;
mod table;
mod transact;
mod votes;

pub use audit::Broken;
pub use children::MAX_CHILDREN;
pub use counted::{Counted, Payment, Watch};
use entry::{Account, Attendance, Bonds, Chain, ChildTake, Children, Committed, Delegate, Jail};
pub use entry::{Burned, Payout};
use entry::{Planned, Revealed, Seats, Slot, Subnet};
pub use overview::Overview;
pub use refusal::{Beyond, Dismissed, Refusal, Shortfall, Unlent};
pub use shown::{Fact, Placed, Shown, Subject, Tree};
pub use supply::Supply;
pub use table::Change;
use table::{Leaves, Table};

/// How many tables there are; a leaf's first byte is below this.
const TABLES: usize = 20;

/// An entry of the ledger as bytes: `(table ‖ key, value)`.
pub type Entry = (Vec<u8>, Vec<u8>);

/// The state after some height. Clones share what neither changes.
#[derive(Clone, Debug)]
pub struct Ledger {
    parameters: Table<0, (), Parameters>,
    chain: Table<1, (), Chain>,
    seats: Table<2, (), Seats>,
    accounts: Table<3, Coldkey, Account>,
    delegates: Table<4, Hotkey, Delegate>,
    shares: Table<5, (Hotkey, Coldkey), u64>,
    locks: Table<6, (u64, Coldkey, Hotkey), Amount>,
    attendance: Table<7, Hotkey, Attendance>,
    subnets: Table<8, Netuid, Subnet>,
    slots: Table<9, (Netuid, Uid), Slot>,
    bonds: Table<10, (Netuid, Uid), Bonds>,
    commits: Table<11, (Netuid, u64, Hotkey), Committed>,
    reveals: Table<12, (Netuid, Hotkey), Revealed>,
    /// Stake that left one hotkey for another, until it is free: `(coldkey, to, (until, from))`.
    moves: Table<13, (Coldkey, Hotkey, (u64, Hotkey)), Amount>,
    /// How those who settle would divide emission between subnets.
    preferences: Table<14, Hotkey, Vec<(Netuid, u16)>>,
    /// Who lends stake to whom.
    children: Table<15, (Netuid, Hotkey), Children>,
    /// Who will.
    planned: Table<16, (Netuid, Hotkey), Planned>,
    child_takes: Table<17, (Netuid, Hotkey), ChildTake>,
    /// Who had a seat, for as long as evidence counts: `(last height, hotkey)`, and the first.
    terms: Table<18, (u64, Hotkey), u64>,
    jails: Table<19, Hotkey, Jail>,
    #[cfg(feature = "planted-faults")]
    fault: Option<Fault>,
}

impl Ledger {
    /// The state before the first settlement.
    pub fn new(genesis: &Genesis) -> Result<Self, GenesisError> {
        genesis.check()?;
        birth::of(genesis)
    }

    /// Applies one settlement's inputs as height `height() + 1`; on a refusal the ledger is as before.
    ///
    /// `signers` are those in the parent's certificate; nobody at height 1.
    pub fn apply(&mut self, inputs: &Inputs, time: u64, signers: &[Hotkey]) -> Result<(), Refusal> {
        self.apply_watched(inputs, time, signers, &mut |_| ())
    }

    /// Applies one settlement's inputs while somebody watches which epochs end, and how.
    pub fn apply_watched(
        &mut self,
        inputs: &Inputs,
        time: u64,
        signers: &[Hotkey],
        watch: Watch<'_>,
    ) -> Result<(), Refusal> {
        let last = self.time();
        if time <= last {
            return Err(Refusal::Time { time, last });
        }
        let mut next = self.clone();
        inputs.evidence.iter().try_for_each(|e| next.try_evidence(e))?;
        inputs.commits.iter().try_for_each(|c| next.try_commit(c))?;
        inputs.reveals.iter().try_for_each(|r| next.try_reveal(r))?;
        inputs.transactions.iter().try_for_each(|t| next.try_transaction(t))?;
        next.close_watched(time, signers, watch);
        next.check_supply()?;
        *self = next;
        Ok(())
    }

    /// Ends the settlement of `height() + 1`: what happens by itself at every height, and epochs that are due.
    pub fn close(&mut self, time: u64, signers: &[Hotkey]) {
        self.close_watched(time, signers, &mut |_| ());
    }

    fn close_watched(&mut self, time: u64, signers: &[Hotkey], watch: Watch<'_>) {
        let height = self.height() + 1;
        self.note_attendance(signers);
        self.decay_prices();
        self.decay_lock_price();
        self.divide();
        self.issue();
        self.release_locks(height);
        self.moves.retain(|(.., (until, _))| *until > height);
        self.end_epochs(height, watch);
        self.choose_seats(height);
        self.forget_punishments(height);
        let chain = self.chain.only_mut();
        (chain.height, chain.time) = (height, time);
    }

    /// Settlements applied.
    pub fn height(&self) -> u64 {
        self.chain.only().height
    }

    /// Of the last settlement (of genesis before the first), in milliseconds since 1970.
    pub fn time(&self) -> u64 {
        self.chain.only().time
    }

    /// The hash of the genesis this grew from.
    pub fn genesis(&self) -> Hash {
        self.chain.only().genesis
    }

    /// Randomness nobody knew before the last reveal; its revealer could choose between two values.
    pub fn beacon(&self) -> Hash {
        self.chain.only().beacon
    }

    /// The rules of the network.
    pub fn parameters(&self) -> &Parameters {
        self.parameters.only()
    }

    /// The rules of a subnet.
    pub fn hyperparameters(&self, netuid: Netuid) -> Option<&Hyperparameters> {
        self.subnets.get(&netuid).map(|subnet| &subnet.hyperparameters)
    }

    /// Who settles the next height.
    pub fn validators(&self) -> &ValidatorSet {
        &self.seats.only().next
    }

    /// Who settled the last height and signed its certificate.
    pub fn previous_validators(&self) -> &ValidatorSet {
        &self.seats.only().last
    }

    /// The number of the epoch that the next height belongs to.
    pub fn epoch(&self, netuid: Netuid) -> Option<u64> {
        self.present_epoch(netuid).map(|epoch| epoch.index)
    }

    /// The epoch that the next height belongs to, with the heights that it spans.
    pub fn present_epoch(&self, netuid: Netuid) -> Option<Epoch> {
        self.subnets.get(&netuid).map(|subnet| subnet.epoch)
    }

    /// An account's spendable coins.
    pub fn balance(&self, coldkey: &Coldkey) -> Amount {
        self.account(coldkey).balance
    }

    /// The nonce of an account's next transaction.
    pub fn nonce(&self, coldkey: &Coldkey) -> u64 {
        self.account(coldkey).nonce
    }

    /// All stake behind a hotkey.
    pub fn stake_of(&self, hotkey: &Hotkey) -> Amount {
        self.delegates.get(hotkey).map_or(Amount::ZERO, |d| d.value)
    }

    /// A hotkey's slot in a subnet.
    pub fn slot(&self, netuid: Netuid, hotkey: &Hotkey) -> Option<Uid> {
        self.slots_of(netuid).find(|(_, slot)| slot.hotkey == *hotkey).map(|(uid, _)| uid)
    }

    /// The commitment to every entry: leaves are `table ‖ key ‖ value`, sorted.
    pub fn root(&self) -> Root {
        let tables = self.tables().map(Leaves::leaves);
        let leaves: Vec<&[u8]> = tables.iter().flat_map(|t| t.iter()).map(Vec::as_slice).collect();
        merkle::root(&leaves)
    }

    /// Every entry, sorted.
    pub fn entries(&self) -> Vec<Entry> {
        let split = |table: &dyn Leaves| {
            let width = table.key_width();
            let split = |leaf: &Vec<u8>| (leaf[..width].to_vec(), leaf[width..].to_vec());
            table.leaves().iter().map(split).collect::<Vec<_>>()
        };
        self.tables().into_iter().flat_map(split).collect()
    }

    /// Every entry as it stands under the root: `table ‖ key ‖ value`, sorted.
    pub fn leaves(&self) -> Vec<Vec<u8>> {
        self.tables().map(Leaves::leaves).iter().flat_map(|table| table.iter()).cloned().collect()
    }

    /// The ledger with these entries; compare its root with a certified one before trusting it.
    pub fn from_entries(entries: &[Entry]) -> Result<Self, Error> {
        let mut ledger = Self::empty();
        for (key, value) in entries {
            let (_, table) = ledger.table_of(key)?;
            table.load(&key[1..], value)?;
        }
        ledger.check_whole()
    }

    /// The ledger with these leaves; compare its root with a certified one before trusting it.
    pub fn from_leaves<L: AsRef<[u8]>>(leaves: &[L]) -> Result<Self, Error> {
        let mut ledger = Self::empty();
        for leaf in leaves {
            let (width, table) = ledger.table_of(leaf.as_ref())?;
            let (key, value) =
                leaf.as_ref().split_at_checked(width).ok_or_else(|| malformed("a short leaf"))?;
            table.load(&key[1..], value)?;
        }
        ledger.check_whole()
    }

    /// The table of a leaf, with how many bytes tag and key take.
    fn table_of(&mut self, leaf: &[u8]) -> Result<(usize, &mut dyn Leaves), Error> {
        let tag = *leaf.first().ok_or_else(|| malformed("an entry without a key"))?;
        let table =
            self.tables_mut().into_iter().nth(tag.into()).ok_or_else(|| malformed("an unknown table"))?;
        Ok((table.key_width(), table))
    }

    fn check_whole(self) -> Result<Self, Error> {
        match self.parameters.is_empty() || self.chain.is_empty() || self.seats.is_empty() {
            true => Err(malformed("parameters, chain or seats are missing")),
            false => Ok(self),
        }
    }

    /// What turns the entries of `before` into these: new values, or `None` for what is gone; sorted.
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let pairs = self.tables().into_iter().zip(before.tables());
        pairs.flat_map(|(now, before)| table::changes(now, before)).collect()
    }

    fn slots_of(&self, netuid: Netuid) -> impl Iterator<Item = (Uid, &Slot)> {
        let range = (netuid, Uid(0))..=(netuid, Uid(u16::MAX));
        self.slots.rows().range(range).map(|((_, uid), slot)| (*uid, slot))
    }

    fn empty() -> Self {
        Self {
            parameters: Table::default(),
            chain: Table::default(),
            seats: Table::default(),
            accounts: Table::default(),
            delegates: Table::default(),
            shares: Table::default(),
            locks: Table::default(),
            attendance: Table::default(),
            subnets: Table::default(),
            slots: Table::default(),
            bonds: Table::default(),
            commits: Table::default(),
            reveals: Table::default(),
            moves: Table::default(),
            preferences: Table::default(),
            children: Table::default(),
            planned: Table::default(),
            child_takes: Table::default(),
            terms: Table::default(),
            jails: Table::default(),
            #[cfg(feature = "planted-faults")]
            fault: None,
        }
    }

    fn tables(&self) -> [&dyn Leaves; TABLES] {
        [
            &self.parameters,
            &self.chain,
            &self.seats,
            &self.accounts,
            &self.delegates,
            &self.shares,
            &self.locks,
            &self.attendance,
            &self.subnets,
            &self.slots,
            &self.bonds,
            &self.commits,
            &self.reveals,
            &self.moves,
            &self.preferences,
            &self.children,
            &self.planned,
            &self.child_takes,
            &self.terms,
            &self.jails,
        ]
    }

    fn tables_mut(&mut self) -> [&mut dyn Leaves; TABLES] {
        [
            &mut self.parameters,
            &mut self.chain,
            &mut self.seats,
            &mut self.accounts,
            &mut self.delegates,
            &mut self.shares,
            &mut self.locks,
            &mut self.attendance,
            &mut self.subnets,
            &mut self.slots,
            &mut self.bonds,
            &mut self.commits,
            &mut self.reveals,
            &mut self.moves,
            &mut self.preferences,
            &mut self.children,
            &mut self.planned,
            &mut self.child_takes,
            &mut self.terms,
            &mut self.jails,
        ]
    }
}

fn malformed(reason: &str) -> Error {
    Error::Malformed { kind: "ledger", reason: reason.to_owned() }
}

#[cfg(test)]
mod tests;
