//! Whatever is submitted: coins are conserved, pools stay solvent, nothing panics, a refusal changes nothing, and the log
//! replayed leads to the same root. `PROPTEST_CASES=10000` tries as many histories.
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::evidence::offence;
use super::*;
use crate::subnet::Rule;

/// How many histories are tried unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 64;
/// Hotkeys and their owners are numbered from 1 to this; the first six have slots.
const PEOPLE: u8 = 12;
/// What can be tried.
const KINDS: [&str; 17] = [
    "evidence",
    "commit",
    "reveal",
    "transfer",
    "register",
    "add stake",
    "remove stake",
    "move stake",
    "set take",
    "prefer",
    "found",
    "set rule",
    "settle",
    "set children",
    "set child take",
    "start",
    "unjail",
];

/// One thing somebody tries. Numbers stand for what there is when it is tried, unless it is wild: then for anything.
#[derive(Clone, Debug)]
struct Try {
    kind: usize,
    who: u8,
    whom: u8,
    place: u16,
    part: u16,
    wild: bool,
}

/// The inputs of one settlement, and how many of those who settle do not sign the one before.
type Round = (Vec<Try>, usize);

/// Of every kind: how often it was tried, and accepted.
type Tally = BTreeMap<&'static str, (u32, u32)>;

fn attempt() -> impl Strategy<Value = Try> {
    let wild = prop_oneof![9 => Just(false), 1 => Just(true)];
    let kind = prop_oneof![1 => 0..1usize, 4 => 1..3usize, 14 => 3..KINDS.len()];
    (kind, 0..PEOPLE, 0..PEOPLE, any::<u16>(), any::<u16>(), wild)
        .prop_map(|(kind, who, whom, place, part, wild)| Try { kind, who, whom, place, part, wild })
}

fn history() -> impl Strategy<Value = Vec<Round>> {
    prop::collection::vec((prop::collection::vec(attempt(), 0..8), 0..4usize), 1..40)
}

/// Three small subnets that are founded, filled and ended soon, for owners with coins.
fn crowded() -> Genesis {
    let mut genesis = genesis();
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.permits, rules.immunity, rules.minimum_prunable) = (8, 6, 6, 2);
    rules.stake_threshold = Amount(1);
    let defaults = rules.clone();
    let other = crate::genesis::GenesisSubnet {
        netuid: Netuid(2),
        owner: Some(cold(COLD + 1)),
        ..genesis.subnets[0].clone()
    };
    genesis.subnets.push(other);
    for (n, _) in VALIDATORS {
        genesis.neurons.push(GenesisNeuron { netuid: Netuid(2), permit: true, ..neuron(n, 0) });
    }
    genesis.accounts.extend((1..=PEOPLE).map(|n| (cold(COLD + n), Amount::coins(20))));
    let parameters = &mut genesis.parameters;
    (parameters.unbonding, parameters.evidence_expiry, parameters.trusting_period) = (10, 6, 6);
    (parameters.child_delay, parameters.child_change, parameters.take_rise) = (2, 1, 4);
    parameters.jail = 2;
    // Next to no stake may be all there is, so that shares get dear.
    (parameters.minimum_stake, parameters.minimum_nomination) = (Amount(1), Amount(100));
    let founding = &mut parameters.founding;
    (founding.limit, founding.immunity, founding.lock, founding.lock_half_life) = (3, 4, Amount::coins(1), 2);
    (founding.change_epochs, founding.start_delay, founding.defaults) = (1, 1, defaults);
    genesis
}

impl Try {
    /// A number that stands for one of so many.
    fn pick(&self, many: usize) -> usize {
        usize::from(self.place) % many.max(1)
    }

    fn netuid(&self, ledger: &Ledger) -> Netuid {
        let mut there = ledger.netuids();
        if KINDS[self.kind] == "start" {
            there.reverse();
            there.truncate(1);
        }
        match self.wild {
            true => Netuid(self.place % 8),
            false => there[self.pick(there.len())],
        }
    }

    /// Some of what there is; anything, if it is wild.
    fn some(&self, there: Amount) -> Amount {
        match self.wild {
            true => [Amount(0), Amount(1), Amount(1 << 62), Amount(u64::MAX), there][self.pick(5)],
            false if self.part % 8 < 2 => there.saturating_sub(Amount((self.part % 8).into())),
            false => there.portion(self.part.into(), 1 << 18),
        }
    }

    /// The number of the coldkey that tries it: the owner of what it is about, unless it is wild.
    fn signer(&self, ledger: &Ledger) -> u8 {
        let owner = match KINDS[self.kind] {
            "transfer" | "found" | "add stake" | "register" => None,
            "set rule" | "start" => ledger.subnets.get(&self.netuid(ledger)).and_then(|subnet| subnet.owner),
            "remove stake" | "move stake" => self.staker(ledger),
            "unjail" => ledger.owner(&self.jailed(ledger)),
            _ => ledger.owner(&self.hotkey()),
        };
        let known = |owner: &Coldkey| (1..=PEOPLE).map(|n| COLD + n).find(|n| cold(*n) == *owner);
        match owner {
            Some(owner) if !self.wild => known(&owner).unwrap_or(RICH),
            _ if self.part.is_multiple_of(3) => RICH,
            _ => COLD + 1 + self.whom,
        }
    }

    /// One who may vote and has committed in an epoch, or has not; anybody, if it is wild.
    fn voter(&self, ledger: &Ledger, netuid: Netuid, epoch: u64, committed: bool) -> u8 {
        let has = |n: &u8| ledger.commitment(netuid, &hot(*n), epoch).is_some();
        let may = |n: &u8| ledger.may_vote(netuid, &hot(*n)) && has(n) == committed;
        let voters: Vec<_> = (1..=PEOPLE).filter(|n| self.wild || may(n)).collect();
        voters.get(usize::from(self.who) % voters.len().max(1)).copied().unwrap_or(1)
    }

    /// Whom it is about: of those who lend and borrow there are fewer, so that they find each other.
    fn hotkey(&self) -> Hotkey {
        let lends = KINDS[self.kind].contains("child") && !self.wild;
        hot(1 + self.who % if lends { 4 } else { PEOPLE })
    }

    /// One who is jailed, if anybody is.
    fn jailed(&self, ledger: &Ledger) -> Hotkey {
        let rows = ledger.jails.rows().keys().filter(|hotkey| ledger.jailed_since(hotkey).is_some());
        let jailed: Vec<_> = rows.copied().collect();
        jailed.get(self.pick(jailed.len())).copied().unwrap_or(self.hotkey())
    }

    fn staker(&self, ledger: &Ledger) -> Option<Coldkey> {
        let hotkey = self.hotkey();
        let stakers: Vec<_> = ledger.shares.rows().keys().filter(|(behind, _)| *behind == hotkey).collect();
        stakers.get(self.pick(stakers.len())).map(|(_, coldkey)| *coldkey)
    }

    fn action(&self, ledger: &Ledger, coldkey: &Coldkey) -> Action {
        let (hotkey, other, netuid) = (self.hotkey(), hot(1 + self.whom), self.netuid(ledger));
        let (balance, stake) = (ledger.balance(coldkey), ledger.stake_between(&hotkey, coldkey));
        match KINDS[self.kind] {
            "transfer" => Action::Transfer { to: cold(COLD + self.whom), amount: self.some(balance) },
            "register" => {
                let limit = self.part.is_multiple_of(8).then(|| self.some(Amount::coins(4)));
                Action::Register { netuid, hotkey, limit }
            }
            "add stake" => Action::AddStake { hotkey, amount: self.some(balance) },
            "remove stake" => Action::RemoveStake { hotkey, amount: self.some(stake) },
            "move stake" => Action::MoveStake { from: hotkey, to: other, amount: self.some(stake) },
            "set take" => Action::SetTake { hotkey, take: self.part % 1_900 },
            "prefer" => Action::Prefer { hotkey, row: self.row(ledger) },
            "found" => {
                Action::Found { task: "sums".to_owned(), limit: self.wild.then(|| self.some(balance)) }
            }
            "set rule" => Action::SetRule { netuid, rule: self.rule() },
            "settle" => Action::Settle { hotkey, settles: !self.part.is_multiple_of(4) },
            "set children" => {
                let children = self.children().into_iter().filter(|(child, _)| self.wild || *child != hotkey);
                Action::SetChildren { netuid, hotkey, children: children.collect() }
            }
            "start" => Action::Start { netuid },
            "unjail" => Action::Unjail { hotkey: self.jailed(ledger) },
            _ => Action::SetChildTake { netuid, hotkey, take: self.part % 1_900 },
        }
    }

    fn row(&self, ledger: &Ledger) -> Vec<(Netuid, u16)> {
        match self.wild {
            true => vec![(Netuid(self.place % 5), 1), (Netuid(self.part % 5), 2)],
            false => ledger.netuids().into_iter().map(|netuid| (netuid, self.part ^ netuid.0)).collect(),
        }
    }

    fn rule(&self) -> Rule {
        let small = u64::from(self.part / 16 % 9);
        match self.part % 16 {
            0 => Rule::RevealWindow(1 + small % 3),
            1 => Rule::Immunity((self.part % 40).into()),
            2 => Rule::Permits(self.part % 9),
            3 => Rule::BondsMovingAverage(u32::from(self.part) * 16),
            4 => Rule::MinimumBurn(Amount::coins(1).portion(self.part.into(), 1 << 15)),
            5 => Rule::MaximumBurn(Amount::coins(2).portion(self.part.into(), 1 << 12)),
            6 => Rule::Tempo(small),
            7 => Rule::MinimumPrunable(small as u16),
            8 => Rule::MinimumWeights(small as u16),
            9 => Rule::WeightsVersion(small),
            10 => Rule::LiquidAlpha(small > 4),
            11 => Rule::LiquidLow(self.part),
            12 => Rule::LiquidHigh(self.part),
            13 => Rule::BurnHalfLife(small * small),
            14 => Rule::BurnMultiplier(self.part / 64),
            _ => Rule::BondsPenalty(self.part),
        }
    }

    /// Up to three of the first six, each with up to a third; if it is wild, a half, which may be too much.
    fn children(&self) -> Vec<(Hotkey, u64)> {
        let part = u64::MAX / if self.wild { 2 } else { 3 } - u64::from(self.place);
        let child = |i: u16| hot(1 + ((u16::from(self.whom) + i * (1 + self.part % 3)) % 6) as u8);
        let mut children: Vec<_> = (0..self.part % 4).map(|i| (child(i), part)).collect();
        children.sort_unstable();
        children
    }
}

/// What everybody thinks of the miners, each a little else at each time.
fn opinion(netuid: Netuid, epoch: u64, n: u8) -> Reveal {
    let best = (u64::from(n) + epoch) % 3;
    let row: Vec<_> =
        (0..3).map(|i| (i + 3 * (2 - netuid.0.min(2)), 1 + 2 * u16::from(u64::from(i) == best))).collect();
    Reveal { netuid, ..shown(epoch, &row) }
}

/// What a proposer builds: everything that a ledger accepts, tried in the order in which it applies.
fn build(network: &mut Network, round: &[Try], tally: &mut Tally) -> Result<Inputs, TestCaseError> {
    let mut inputs = Inputs::default();
    let mut order: Vec<_> = round.iter().collect();
    order.sort_by_key(|attempt| attempt.kind.min(3));
    let mut root = network.ledger.root();
    for attempt in order {
        let refusal = match attempt.kind {
            0 => accuse(network, attempt, &mut inputs),
            1 | 2 => vote(network, attempt, &mut inputs),
            _ => transact(network, attempt, &mut inputs),
        };
        let (tried, accepted) = tally.entry(KINDS[attempt.kind]).or_default();
        *tried += 1;
        *accepted += u32::from(refusal.is_ok());
        match refusal {
            Ok(()) => root = network.ledger.root(),
            Err(refusal) => prop_assert_eq!(network.ledger.root(), root, "{}", refusal),
        }
    }
    Ok(inputs)
}

fn accuse(network: &mut Network, attempt: &Try, inputs: &mut Inputs) -> Result<(), Refusal> {
    let height = network.ledger.height().saturating_sub((attempt.part % 4).into());
    let guilty =
        |n: &u8| attempt.wild || network.ledger.check_evidence(&offence(network, *n, height)).is_ok();
    let guilty: Vec<_> = (1..=PEOPLE).filter(guilty).collect();
    let n = guilty.get(attempt.pick(guilty.len())).copied().unwrap_or(1);
    let proven = offence(network, n, height + u64::from(attempt.wild));
    network.ledger.try_evidence(&proven).map(|()| inputs.evidence.push(proven))
}

fn vote(network: &mut Network, attempt: &Try, inputs: &mut Inputs) -> Result<(), Refusal> {
    let netuid = attempt.netuid(&network.ledger);
    let now = network.ledger.epoch(netuid).unwrap_or_default();
    let aside = u64::from(attempt.wild && attempt.part.is_multiple_of(2));
    if attempt.kind == 1 {
        let epoch = now + aside;
        let n = attempt.voter(&network.ledger, netuid, epoch, false);
        let commitment = opinion(netuid, epoch, n).commitment(&hot(n));
        let commit = network.sign(n, Commit { netuid, epoch, commitment });
        network.ledger.try_commit(&commit).map(|()| inputs.commits.push(commit))
    } else {
        let epoch = now.saturating_sub(1 + aside);
        let n = attempt.voter(&network.ledger, netuid, epoch, true);
        let reveal = network.sign(n, opinion(netuid, epoch, n));
        network.ledger.try_reveal(&reveal).map(|()| inputs.reveals.push(reveal))
    }
}

fn transact(network: &mut Network, attempt: &Try, inputs: &mut Inputs) -> Result<(), Refusal> {
    let n = attempt.signer(&network.ledger);
    let nonce = network.ledger.nonce(&cold(n));
    let skew = if attempt.wild { [0, 0, 1, u64::MAX][attempt.pick(4)] } else { 0 };
    let action = attempt.action(&network.ledger, &cold(n));
    let order = network.sign(n, Transaction { nonce: nonce.wrapping_add(skew), action });
    network.ledger.try_transaction(&order)?;
    assert_eq!(network.ledger.nonce(&cold(n)), nonce + 1);
    inputs.transactions.push(order);
    Ok(())
}

/// Settles a history, and replays what was accepted.
fn settle(history: &[Round]) -> Result<Tally, TestCaseError> {
    let genesis = crowded();
    let mut network = Network::of(&genesis);
    let mut log = Vec::new();
    let mut tally = Tally::new();
    for (round, absent) in history {
        let mut voter = network.ledger.clone();
        let inputs = build(&mut network, round, &mut tally)?;
        let time = network.ledger.time() + 1;
        let signers = VALIDATORS.map(|(n, _)| hot(n))[..3 - absent.min(&3)].to_vec();
        network.ledger.close(time, &signers);
        prop_assert_eq!(voter.apply(&inputs, time, &signers), Ok(()), "a voter agrees with the proposer");
        prop_assert_eq!(voter.root(), network.ledger.root(), "on the root, too");
        prop_assert_eq!(network.ledger.audit(), Ok(()));
        log.push((inputs, time, signers));
    }
    let ledger = network.ledger;
    let copy = Ledger::from_entries(&ledger.entries()).expect("what entries() gave");
    prop_assert_eq!(copy.root(), ledger.root());
    let copy = Ledger::from_leaves(&ledger.leaves()).expect("what leaves() gave");
    prop_assert_eq!(copy.entries(), ledger.entries());
    let mut replayed = Ledger::new(&genesis).expect("sound");
    let start = replayed.schedule();
    for (inputs, time, signers) in log {
        prop_assert_eq!(replayed.apply(&inputs, time, &signers), Ok(()));
    }
    prop_assert_eq!(replayed.root(), ledger.root());
    prop_assert_eq!(ledger.supply().issued, start.after(ledger.height()).issued);
    Ok(tally)
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn every_history_keeps_every_promise(history in history()) {
        settle(&history)?;
    }
}

#[test]
fn a_good_part_of_each_kind_is_accepted() {
    let mut runner = TestRunner::deterministic();
    let mut sums = Tally::new();
    for _ in 0..CASES {
        let history = history().new_tree(&mut runner).expect("nothing is filtered").current();
        for (kind, (tried, accepted)) in settle(&history).expect("every promise is kept") {
            let sum = sums.entry(kind).or_default();
            *sum = (sum.0 + tried, sum.1 + accepted);
        }
    }
    sums.iter().for_each(|(kind, (tried, accepted))| eprintln!("{kind:>14}: {accepted:4} of {tried}"));
    for kind in KINDS {
        let (tried, accepted) = sums[kind];
        assert!(8 * accepted > tried, "{accepted} of {tried} of kind {kind:?}");
    }
}
