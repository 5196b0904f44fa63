//! The ledger that a genesis describes.
use super::entry::{Burned, Chain, Seats, Slot, Subnet};
use super::table::Table;
use super::{Attendance, Ledger, Payout};
use crate::consensus::ValidatorSet;
use crate::genesis::{GenesisError, GenesisNeuron, GenesisSubnet};
use crate::subnet::{Epoch, Uid};
use crate::yuma::Share;
use crate::{Amount, Genesis};

/// `genesis` has passed its check.
pub(super) fn of(genesis: &Genesis) -> Result<Ledger, GenesisError> {
    let mut ledger = Ledger {
        parameters: Table::of(genesis.parameters.clone()),
        chain: Table::of(Chain {
            genesis: genesis.hash(),
            height: 0,
            time: genesis.time,
            issued: genesis.issued().unwrap_or_default(),
            owed: 0,
            burned: Burned::default(),
            beacon: genesis.hash(),
            lock_price: genesis.parameters.founding.lock,
            next_netuid: genesis.subnets.last().map_or(0, |subnet| subnet.netuid.0).saturating_add(1),
        }),
        seats: Table::of(Seats { last: ValidatorSet::default(), next: ValidatorSet::default() }),
        ..Ledger::empty()
    };
    genesis.accounts.iter().for_each(|(coldkey, amount)| ledger.credit(*coldkey, *amount));
    let equal = Share::ratio(1, genesis.subnets.len() as u64);
    (0..).zip(&genesis.subnets).for_each(|(place, subnet)| ledger.found(subnet, place, equal));
    genesis.neurons.iter().for_each(|neuron| ledger.seat(neuron));
    let set = ledger
        .most_staked()
        .ok_or(GenesisError::NobodySettles { minimum: genesis.parameters.minimum_self_stake })?;
    ledger.seats = Table::of(Seats { last: set.clone(), next: set });
    ledger.note_terms(0);
    Ok(ledger)
}

impl Ledger {
    /// Subnets end their first epochs one after the other, the first after a whole tempo.
    fn found(&mut self, subnet: &GenesisSubnet, place: u64, share: Share) {
        let entry = Subnet {
            task: subnet.task.clone(),
            owner: subnet.owner,
            hyperparameters: subnet.hyperparameters.clone(),
            epoch: Epoch::begin(0, subnet.hyperparameters.tempo, place),
            price: subnet.hyperparameters.burn.start,
            share,
            pending: Amount::ZERO,
            payout: Payout::default(),
            lock: Amount::ZERO,
            founded: 0,
            changed: 0,
            started: true,
        };
        self.subnets.insert(subnet.netuid, entry);
    }

    fn seat(&mut self, neuron: &GenesisNeuron) {
        let uid = Uid(self.slots_of(neuron.netuid).count() as u16);
        let slot = Slot { permit: neuron.permit, ..Slot::new(neuron.hotkey, 0, Attendance::default()) };
        self.slots.insert((neuron.netuid, uid), slot);
        self.adopt(neuron.hotkey, neuron.coldkey);
        self.deposit(neuron.hotkey, neuron.coldkey, neuron.stake);
        if neuron.settles {
            self.set_willing(neuron.hotkey, true);
        }
    }
}
