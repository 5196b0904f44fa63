//! What must hold in every history, checked as it unfolds.
mod culprits;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crypto::{Hash, Hotkey};
use protocol::Amount;
use protocol::checker;
use protocol::consensus::{Evidence, ValidatorSet};
use protocol::ledger::Ledger;
use protocol::parameters::BASIS_POINTS;
use protocol::transaction::Coldkey;

use super::Outcome;
use crate::role::Settled;

use self::culprits::Culprits;
pub use self::seen::Counts;

/// A rule that a history broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Two nodes settled different things at one height.
    Fork {
        /// The height.
        height: u64,
        /// The node that disagrees with the first.
        node: usize,
    },
    /// Coins appeared or vanished.
    Supply {
        /// The height.
        height: u64,
        /// Whose ledger it is.
        node: usize,
    },
    /// A ledger is not the one whose root was certified.
    Root {
        /// The height.
        height: u64,
        /// Whose ledger it is.
        node: usize,
    },
    /// A certificate does not convince the independent checker.
    Certificate {
        /// The height.
        height: u64,
        /// Whose certificate it is: every node has its own.
        node: usize,
    },
    /// A height took more rounds than any sound history needs, not counting those before the calm.
    Rounds {
        /// The height.
        height: u64,
        /// The round that decided it.
        round: u32,
    },
    /// A validator that runs once was caught signing twice.
    HonestAccused(Hotkey),
    /// A settlement punishes what nobody did, or what was punished before.
    Punished {
        /// The height.
        height: u64,
        /// Whom.
        hotkey: Hotkey,
    },
    /// A settlement burned another part of stake than its evidence calls for.
    Slashed {
        /// The height.
        height: u64,
        /// What it burned.
        burned: Amount,
        /// What it had to burn.
        due: Amount,
    },
    /// A node heard a validator sign twice at a height that it voted on, and accused nobody.
    Unaccused {
        /// The node.
        node: usize,
        /// The validator.
        offender: Hotkey,
        /// The height.
        height: u64,
    },
    /// An honest node that lives on proved that a validator signed twice, and nothing came of it.
    Unpunished(Hotkey),
    /// A node gave up.
    Halted {
        /// Which.
        node: usize,
        /// Why.
        reason: String,
    },
    /// A disk was asked for what the live one refuses, which stops a neuron.
    DiskRefused {
        /// Whose.
        node: usize,
        /// What the live store says.
        reason: String,
    },
    /// The planned height was not reached in time.
    Stuck {
        /// Virtual milliseconds waited.
        after_ms: u64,
        /// How far each node came.
        heights: Vec<u64>,
    },
}

/// The last round that may decide a height, counted from the one that is voted in when it gets calm.
const LAST_ROUND: u32 = 12;

/// Settlements after which what was proven must have been punished: it is told, proposed and decided.
const PUNISHED_WITHIN: usize = 4;

/// The most that a share costs where dividends were paid, in units: whole shares are taken from those who went on.
const SHARE: u64 = 2;

/// What an honest node proved.
struct Accusation {
    node: usize,
    /// Which of the node's lives it was: evidence is kept in memory.
    life: u64,
    offender: Hotkey,
    /// The height of the offence.
    height: u64,
    /// Settlements made when it was proven.
    settled: usize,
}

/// What was seen so far.
pub(crate) struct Record {
    genesis: Hash,
    twins: BTreeSet<Hotkey>,
    settlements: Vec<Hash>,
    /// The ledger after each height, the genesis first.
    ledgers: Vec<Ledger>,
    violations: Vec<Violation>,
    /// What was checked last and held.
    sound: Option<Arc<Settled>>,
    counts: Counts,
    culprits: Culprits,
    /// Times that an honest node heard a twin contradict itself.
    pub(super) contradictions: usize,
    accusations: Vec<Accusation>,
    /// At which height who was punished last.
    punished: BTreeMap<Hotkey, u64>,
    /// The height that was voted on when it got calm, and in which round.
    calm: (u64, u32),
    /// What each lost for signing twice, in units.
    slashed: BTreeMap<Hotkey, u64>,
    set_changes: usize,
    member_changes: usize,
    /// Whoever may have stake.
    owners: Vec<Coldkey>,
}

impl Record {
    /// Of a network of which some, the `twins`, may be caught, and whose stake is these owners'.
    pub(crate) fn new(genesis: &Ledger, twins: BTreeSet<Hotkey>, owners: Vec<Coldkey>) -> Self {
        Self {
            genesis: genesis.genesis(),
            twins,
            settlements: Vec::new(),
            ledgers: vec![genesis.clone()],
            violations: Vec::new(),
            sound: None,
            counts: Counts::default(),
            culprits: Culprits::default(),
            contradictions: 0,
            accusations: Vec::new(),
            punished: BTreeMap::new(),
            calm: (0, 0),
            slashed: BTreeMap::new(),
            set_changes: 0,
            member_changes: 0,
            owners,
        }
    }

    /// The ledgers after each height that somebody settled, the genesis first.
    #[cfg(test)]
    pub(super) fn ledgers(&self) -> &[Ledger] {
        &self.ledgers
    }

    /// The latest ledger.
    pub(crate) fn ledger(&self) -> &Ledger {
        self.ledgers.last().expect("the genesis is there")
    }

    /// Checks what a node has on its disk, whether or not it lives to act on it.
    pub(crate) fn settled(&mut self, node: usize, settled: &Arc<Settled>) {
        let header = &settled.certified.settlement.header;
        let (height, place) = (header.height, header.height as usize - 1);
        self.check_own(node, settled, place);
        if let Some(known) = self.settlements.get(place) {
            if *known != header.hash() {
                self.culprits.forked(place, &settled.certified.certificate);
                self.violations.push(Violation::Fork { height, node });
            }
            return;
        }
        let round = settled.certified.certificate.round;
        (self.counts.last_round, self.counts.worst_round) = (round, self.counts.worst_round.max(round));
        let (begun, before) = self.calm;
        if round > LAST_ROUND + if height == begun { before } else { 0 } {
            self.violations.push(Violation::Rounds { height, round });
        }
        self.check_punishments(settled);
        self.count_changes(settled.ledger.validators());
        self.culprits.settled(&settled.certified.certificate);
        self.settlements.push(header.hash());
        self.ledgers.push(settled.ledger.clone());
    }

    /// Checks what each node has of its own: a certificate and a ledger.
    fn check_own(&mut self, node: usize, settled: &Arc<Settled>, place: usize) {
        if self.sound.as_ref().is_some_and(|sound| Arc::ptr_eq(sound, settled)) {
            return;
        }
        let Settled { certified, ledger, .. } = &**settled;
        let (header, broken) = (&certified.settlement.header, self.violations.len());
        let (height, set) = (header.height, self.ledgers[place].validators().members());
        if checker::check(&self.genesis, header, &certified.certificate, set).is_err() {
            self.violations.push(Violation::Certificate { height, node });
        }
        // Whose entries are those of the ledger that was checked last has its root and supply, too.
        let known = |sound: &Arc<Settled>| {
            sound.certified.settlement.header == *header && ledger.changes_since(&sound.ledger).is_empty()
        };
        if !self.sound.as_ref().is_some_and(known) {
            if (ledger.height(), ledger.root()) != (height, header.state_root) {
                self.violations.push(Violation::Root { height, node });
            }
            if !ledger.supply().check() {
                self.violations.push(Violation::Supply { height, node });
            }
        }
        if self.violations.len() == broken {
            self.sound = Some(Arc::clone(settled));
        }
    }

    fn count_changes(&mut self, next: &ValidatorSet) {
        let set = self.ledger().validators();
        let hotkeys =
            |set: &ValidatorSet| set.members().iter().map(|(hotkey, _)| *hotkey).collect::<BTreeSet<_>>();
        let (set_changed, members_changed) = (set != next, hotkeys(set) != hotkeys(next));
        self.set_changes += usize::from(set_changed);
        self.member_changes += usize::from(members_changed);
    }

    /// Only twins are punished, each at most once for what it did before, and exactly by the part that the rules name.
    fn check_punishments(&mut self, settled: &Settled) {
        let (before, height) = (&self.ledgers[self.settlements.len()], settled.ledger.height());
        let (mut due, mut least) = (0, 0);
        for evidence in &settled.certified.settlement.body.evidence {
            let hotkey = evidence.offender();
            let fresh = match evidence.clone().verify(&self.genesis) {
                Ok(proven) => {
                    let (most, rounding) = self.due(before, &hotkey, proven.height());
                    (due, least) = (due + most, least + most - rounding);
                    *self.slashed.entry(hotkey).or_default() += most;
                    self.punished.get(&hotkey).is_none_or(|since| *since < proven.height())
                }
                Err(_) => false,
            };
            if !fresh || !self.twins.contains(&hotkey) {
                self.violations.push(Violation::Punished { height, hotkey });
            }
            self.punished.insert(hotkey, height);
            self.counts.punished += 1;
        }
        let burned = settled.ledger.burned().slashes.saturating_sub(before.burned().slashes);
        if !(least..=due).contains(&burned.0) {
            self.violations.push(Violation::Slashed { height, burned, due: Amount(due) });
        }
    }

    /// What an offender's backers lose, and how much of that rounding may spare them.
    ///
    /// The part that the rules name: of what is behind it, and of what was behind it a set period before the offence
    /// and has left, be it on its way back or behind another.
    fn due(&self, before: &Ledger, offender: &Hotkey, offence: u64) -> (u64, u64) {
        let rules = before.parameters();
        let part = |amount: Amount| amount.portion(rules.slash.into(), BASIS_POINTS).0;
        let liable = |until: u64| until + rules.set_period >= offence + rules.unbonding;
        let owners = || self.owners.iter();
        let left = |stake: Amount| stake.0 - part(stake);
        let behind = before.stake_of(offender).0
            - owners().map(|owner| left(before.stake_between(offender, owner))).sum::<u64>();
        let back = owners().flat_map(|owner| before.locks_of(owner));
        let back = back.filter(|(until, from, _)| from == offender && liable(*until));
        let on = owners().flat_map(|owner| before.moves_of(owner));
        let on: Vec<_> = on.filter(|(until, from, _)| from == offender && liable(*until)).collect();
        let gone = back.map(|(.., amount)| part(amount)).sum::<u64>();
        let moved = on.iter().map(|(.., amount)| part(*amount)).sum::<u64>();
        (behind + gone + moved, SHARE * on.len() as u64)
    }

    /// Hears what a node, with its hotkey and in which of its lives, proved.
    pub(super) fn accused(&mut self, (node, hotkey, life): (usize, Hotkey, u64), evidence: &[Evidence]) {
        for proof in evidence {
            let offender = proof.offender();
            if self.is_twin(&offender) {
                self.counts.accused += 1;
                let proven = proof.clone().verify(&self.genesis);
                if let (Ok(proven), false) = (proven, self.is_twin(&hotkey)) {
                    let (height, settled) = (proven.height(), self.settlements.len());
                    self.accusations.push(Accusation { node, life, offender, height, settled });
                }
            } else {
                self.counts.honest_accused += 1;
                self.violations.push(Violation::HonestAccused(offender));
            }
        }
    }

    /// Checks that a node accused, in one of its lives, whom it heard contradict itself at a height.
    pub(super) fn check_accused(&mut self, (node, life): (usize, u64), offender: Hotkey, height: u64) {
        let accused =
            |a: &Accusation| (a.node, a.life, a.offender, a.height) == (node, life, offender, height);
        if !self.accusations.iter().any(accused) {
            self.violations.push(Violation::Unaccused { node, offender, height });
        }
    }

    pub(super) fn refused(&mut self, node: usize, reason: String) {
        self.violations.push(Violation::DiskRefused { node, reason });
    }

    /// A twin finds the other's votes among its own and stops: that is its own affair.
    pub(super) fn halted(&mut self, node: usize, hotkey: Hotkey, reason: String) {
        if !self.is_twin(&hotkey) {
            self.violations.push(Violation::Halted { node, reason });
        }
    }

    /// Whether a hotkey was among those who settle a height.
    pub(super) fn had_say(&self, hotkey: &Hotkey, height: u64) -> bool {
        let before = self.ledgers.get(height as usize - 1);
        before.is_some_and(|ledger| ledger.validators().power(hotkey).is_some())
    }

    pub(super) fn is_twin(&self, hotkey: &Hotkey) -> bool {
        self.twins.contains(hotkey)
    }

    /// It gets calm while this height is voted on, in this round.
    pub(super) fn calm(&mut self, height: u64, round: u32) {
        self.calm = (height, round);
    }

    pub(super) fn stuck(&mut self, after_ms: u64, heights: Vec<u64>) {
        self.violations.push(Violation::Stuck { after_ms, heights });
    }

    /// Whether all that was proven early enough by nodes that are still in the same life was punished.
    pub(super) fn check_punished(&mut self, lives: &[Option<u64>]) {
        let early = |a: &&Accusation| {
            a.settled + PUNISHED_WITHIN <= self.settlements.len() && lives[a.node] == Some(a.life)
        };
        let punished =
            |a: &Accusation| self.punished.get(&a.offender).is_some_and(|since| *since >= a.height);
        let missed = self.accusations.iter().filter(early).find(|a| !punished(a)).map(|a| a.offender);
        if let (Some(offender), false) = (missed, self.is_broken()) {
            self.violations.push(Violation::Unpunished(offender));
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        !self.violations.is_empty()
    }

    pub(super) fn outcome(mut self, events: u64, elapsed_ms: u64, recovery_ms: u64) -> Outcome {
        Outcome {
            settlements: self.settlements,
            violations: self.violations,
            ledger: self.ledgers.pop(),
            honest_accused: self.counts.honest_accused,
            contradictions: self.contradictions,
            twins_accused: self.counts.accused,
            twins_slashed: self.counts.punished,
            worst_round: self.counts.worst_round,
            set_changes: self.set_changes,
            member_changes: self.member_changes,
            events,
            elapsed_ms,
            recovery_ms,
        }
    }
}
