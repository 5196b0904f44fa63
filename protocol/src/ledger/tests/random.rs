//! Whatever is submitted: coins are conserved, nothing panics, a refusal changes nothing.
use proptest::prelude::*;

use super::*;
use crate::subnet::Rule;

/// One thing a key may try; small ranges so that a good part of it is allowed.
#[derive(Clone, Debug)]
enum Try {
    Commit(u8, u64),
    Reveal(u8, u64, u16),
    Order(u8, Action, u64),
    Idle,
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![0..5u64, 0..2_000_000_000u64, Just(u64::MAX), Just(1u64 << 62)].prop_map(Amount)
}

fn action() -> impl Strategy<Value = Action> {
    let hotkey = || (1..12u8).prop_map(hot);
    prop_oneof![
        (90..110u8, amount()).prop_map(|(n, amount)| Action::Transfer { to: cold(n), amount }),
        (0..3u16, hotkey(), prop::option::of(amount())).prop_map(|(netuid, hotkey, limit)| {
            Action::Register { netuid: Netuid(netuid), hotkey, limit }
        }),
        (hotkey(), hotkey(), amount()).prop_map(|(from, to, amount)| Action::MoveStake { from, to, amount }),
        (hotkey(), 0..2_000u16).prop_map(|(hotkey, take)| Action::SetTake { hotkey, take }),
        (hotkey(), amount()).prop_map(|(hotkey, amount)| Action::AddStake { hotkey, amount }),
        (hotkey(), amount()).prop_map(|(hotkey, amount)| Action::RemoveStake { hotkey, amount }),
        (hotkey(), prop::collection::vec((0..3u16, any::<u16>()), 0..3)).prop_map(|(hotkey, row)| {
            Action::Prefer { hotkey, row: row.into_iter().map(|(netuid, w)| (Netuid(netuid), w)).collect() }
        }),
        prop::option::of(amount()).prop_map(|limit| Action::Found { task: "sums".to_owned(), limit }),
        (0..4u16, rule()).prop_map(|(netuid, rule)| Action::SetRule { netuid: Netuid(netuid), rule }),
        (0..4u16).prop_map(|netuid| Action::Start { netuid: Netuid(netuid) }),
        (hotkey(), any::<bool>()).prop_map(|(hotkey, settles)| Action::Settle { hotkey, settles }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        any::<u16>().prop_map(Rule::BondsPenalty),
        prop_oneof![0..9u64, any::<u64>()].prop_map(Rule::Tempo),
        prop_oneof![0..3u64, any::<u64>()].prop_map(Rule::RevealWindow),
        any::<u64>().prop_map(Rule::Immunity),
        (0..9u16).prop_map(Rule::MinimumPrunable),
        (0..4u64).prop_map(Rule::WeightsVersion),
        any::<bool>().prop_map(Rule::LiquidAlpha),
        any::<u64>().prop_map(Rule::BurnHalfLife),
        any::<u16>().prop_map(Rule::BurnMultiplier),
        amount().prop_map(Rule::MinimumBurn),
    ]
}

fn attempt() -> impl Strategy<Value = Try> {
    prop_oneof![
        4 => (1..5u8, 0..2u64).prop_map(|(n, ahead)| Try::Commit(n, ahead)),
        4 => (1..5u8, 0..3u64, 0..3u16).prop_map(|(n, ago, uid)| Try::Reveal(n, ago, uid)),
        4 => (prop_oneof![Just(RICH), 99..110u8], action(), prop_oneof![9 => Just(0u64), 1 => any::<u64>()])
            .prop_map(|(n, action, skew)| Try::Order(n, action, skew)),
        2 => Just(Try::Idle),
    ]
}

impl Network {
    fn inputs(&self, attempt: &Try) -> Inputs {
        let epoch = self.ledger.epoch(SUBNET).expect("the subnet is there");
        match attempt {
            Try::Commit(n, ahead) => self.commit(*n, epoch + ahead, &[(3, 9), (4, 1)]),
            Try::Reveal(n, ago, uid) => {
                self.reveal(*n, epoch.saturating_sub(*ago), &[(3 + uid, 9), (4 + uid, 1)])
            }
            Try::Order(n, action, skew) => {
                let nonce = self.ledger.nonce(&cold(*n)).wrapping_add(*skew);
                let action = action.clone();
                Inputs {
                    transactions: vec![self.sign(*n, Transaction { nonce, action })],
                    ..Inputs::default()
                }
            }
            Try::Idle => Inputs::default(),
        }
    }
}

fn crowded() -> Network {
    let mut genesis = genesis();
    genesis.subnets[0].owner = Some(cold(RICH));
    let rules = &mut genesis.subnets[0].hyperparameters;
    (rules.slots, rules.immunity, rules.minimum_prunable) = (8, 6, 2);
    genesis.parameters.unbonding = 7;
    genesis.parameters.evidence_expiry = 6;
    genesis.parameters.trusting_period = 6;
    (genesis.parameters.founding.limit, genesis.parameters.founding.immunity) = (2, 4);
    (genesis.parameters.founding.start_delay, genesis.parameters.founding.change_epochs) = (2, 0);
    Network::of(&genesis)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn coins_are_conserved_and_refusals_change_nothing(
        attempts in prop::collection::vec((attempt(), 0..4usize), 1..60),
    ) {
        let mut network = crowded();
        for (attempt, absent) in attempts {
            let before = network.ledger.root();
            let inputs = network.inputs(&attempt);
            network.signers = VALIDATORS.map(|(n, _)| hot(n))[..3 - absent.min(3)].to_vec();
            match network.settle(&inputs) {
                Ok(()) => prop_assert!(network.ledger.supply().check(), "{:?}", network.ledger.supply()),
                Err(refusal) => {
                    prop_assert_eq!(network.ledger.root(), before, "{}", refusal);
                    network.settle(&Inputs::default()).expect("nothing to refuse");
                }
            }
        }
        let copy = Ledger::from_entries(&network.ledger.entries()).expect("what entries() gave");
        prop_assert_eq!(copy.root(), network.ledger.root());
        let height = network.ledger.height();
        let start = Ledger::new(&genesis()).expect("sound").schedule();
        prop_assert_eq!(network.ledger.supply().issued, start.after(height).issued);
    }
}
