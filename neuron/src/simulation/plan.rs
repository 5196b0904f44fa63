//! What a history is made of, and what came of it.
use crypto::{Hash, Keypair, hash};
use protocol::Amount;
#[cfg(feature = "planted-faults")]
use protocol::Fault;
use protocol::genesis::{Genesis, GenesisNeuron};
use protocol::ledger::Ledger;
use protocol::transaction::Coldkey;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{BEGINNING, Faults, Member, NETUID, Violation};

/// What every owner has beside its stake.
const PURSE: Amount = Amount::coins(500);

/// Settlements in jail: short enough for a punished twin to come back within a history.
const JAIL: u64 = 3;

/// Of so many histories one has a twin.
const TWIN_IN: u32 = 4;

/// Of so many histories one has miners: they make a history longer by a third.
const MINERS_IN: u32 = 8;

/// The most miners that are drawn.
const MINERS: usize = 3;

/// What a history is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything else.
    pub seed: u64,
    /// How many validators, each with another stake.
    pub validators: usize,
    /// How many miners, from poor to good.
    pub miners: usize,
    /// How many of the first validators run twice with one key, at least one fewer than there are; together they have
    /// just under a third of the stake.
    pub twins: usize,
    /// The height to reach.
    pub settlements: u64,
    /// What goes wrong on the way.
    pub faults: Faults,
    /// Which rule is broken on purpose, to see that the checks bite.
    #[cfg(feature = "planted-faults")]
    pub fault: Option<Fault>,
}

/// What came of a history.
#[derive(Debug)]
pub struct Outcome {
    /// The settled headers' hashes, by height from 1.
    pub settlements: Vec<Hash>,
    /// What broke; empty in a sound history.
    pub violations: Vec<Violation>,
    /// The ledger at the last height.
    pub ledger: Option<Ledger>,
    /// Accusations against validators that run once.
    pub honest_accused: usize,
    /// Times that an honest node heard a twin contradict itself at a height that it voted on.
    pub contradictions: usize,
    /// Accusations against twins.
    pub twins_accused: usize,
    /// Punishments of twins that were settled.
    pub twins_slashed: usize,
    /// The latest round that decided a height.
    pub worst_round: u32,
    /// Settlements that changed who settles, or with how much stake.
    pub set_changes: usize,
    /// Those of them after which somebody settles who did not, or the other way round.
    pub member_changes: usize,
    /// Events handled.
    pub events: u64,
    /// Virtual milliseconds that passed.
    pub elapsed_ms: u64,
    /// Virtual milliseconds from the calm until every node had settled a few more.
    pub recovery_ms: u64,
}

impl Plan {
    /// A plan without faults.
    pub fn calm(seed: u64, validators: usize, miners: usize, settlements: u64) -> Self {
        Self {
            seed,
            validators,
            miners,
            twins: 0,
            settlements,
            faults: Faults::none(),
            #[cfg(feature = "planted-faults")]
            fault: None,
        }
    }

    /// A plan whose faults follow from the seed: loss, delay, duplicates, partitions, crashes, stake that changes hands.
    pub fn rough(seed: u64, validators: usize, miners: usize, settlements: u64) -> Self {
        Self { faults: Faults::drawn(seed), ..Self::calm(seed, validators, miners, settlements) }
    }

    /// How many twins and miners a history has whose plan does not say, by seed: mostly none.
    pub fn company(seed: u64, validators: usize) -> (usize, usize) {
        let mut rng = StdRng::seed_from_u64(seed ^ 0xc0de);
        let twins = usize::from(rng.random_ratio(1, TWIN_IN) && validators > 1);
        let miners = if rng.random_ratio(1, MINERS_IN) { rng.random_range(1..=MINERS) } else { 0 };
        (twins, miners)
    }

    pub(super) fn keypair(&self, number: usize) -> Keypair {
        self.derived("neuron v1 simulation key", number)
    }

    pub(super) fn derived(&self, what: &str, number: usize) -> Keypair {
        let seed = hash(what, &[&self.seed.to_le_bytes(), &(number as u64).to_le_bytes()]);
        Keypair::from_seed(seed.0)
    }

    /// Who owns what there is, by number of neuron.
    pub(super) fn owners(&self) -> impl Iterator<Item = Coldkey> {
        (0..self.validators + self.miners).map(|number| Coldkey(self.coldkey(number).hotkey()))
    }

    /// Who takes part: the first ones validate, the others mine, the later the better; then come the twins.
    pub(super) fn members(&self) -> Vec<Member> {
        let member = |number: usize| {
            let rank = number.saturating_sub(self.validators) + 1;
            Member {
                name: number.to_string(),
                keypair: self.keypair(number),
                coldkey: self.coldkey(number),
                validates: number < self.validators,
                skill: rank as f64 / self.miners.max(1) as f64 * 0.9,
                clock_skew_ms: self.faults.skew(number).cast_signed(),
                spare: Vec::new(),
                conduct: None,
            }
        };
        (0..self.validators + self.miners).chain(0..self.twins).map(member).collect()
    }

    pub(super) fn genesis(&self) -> Genesis {
        let neurons = (0..self.validators + self.miners).map(|i| self.neuron(i)).collect();
        let mut genesis = Genesis::dev(BEGINNING, neurons);
        genesis.accounts = self.owners().map(|owner| (owner, PURSE)).collect();
        genesis.parameters.jail = JAIL;
        genesis.subnets.iter_mut().for_each(|subnet| subnet.task = "sums".to_owned());
        genesis
    }

    /// The ledger that the history begins with.
    pub(super) fn ledger(&self, genesis: &Genesis) -> Ledger {
        #[cfg_attr(
            not(feature = "planted-faults"),
            expect(unused_mut, reason = "only a planted fault changes it")
        )]
        let mut ledger = Ledger::new(genesis).expect("the simulation's genesis is sound");
        #[cfg(feature = "planted-faults")]
        if let Some(fault) = self.fault {
            ledger.plant(fault);
        }
        ledger
    }

    fn neuron(&self, number: usize) -> GenesisNeuron {
        let validates = number < self.validators;
        GenesisNeuron {
            netuid: NETUID,
            hotkey: self.keypair(number).hotkey(),
            coldkey: Coldkey(self.coldkey(number).hotkey()),
            stake: if validates { self.stake(number) } else { Amount::ZERO },
            settles: validates && self.settles(number),
            permit: validates,
        }
    }
}
