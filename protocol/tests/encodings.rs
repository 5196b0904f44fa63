//! The bytes of every kind of message, so that they cannot drift from one release to the next.
use crypto::merkle::Root;
use crypto::{Hash, Hotkey, Keypair, Signature};
use protocol::announcement::Profile;
use protocol::codec::{decode, encode};
use protocol::consensus::vote::{Ballot, Vote};
use protocol::consensus::{Evidence, Speech};
use protocol::genesis::GenesisNeuron;
use protocol::query::{Answer, Question};
use protocol::settlement::{Body, Certificate, Header};
use protocol::subnet::{Netuid, Uid};
use protocol::telling::Telling;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::weights::{Commit, Reveal, Row};
use protocol::{Amount, Genesis, Ledger, Signed};
use serde::Serialize;
use serde::de::DeserializeOwned;

const KEY: Hotkey = Hotkey([0xaa; 32]);
const HASH: Hash = Hash([0xbb; 32]);

/// Encodes to `expected` (hexadecimal; `A` and `B` stand for [`KEY`] and [`HASH`]), and back.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T, expected: &str) {
    let bytes = encode(value);
    let (key, hash) = (hex(&encode(&KEY)), hex(&encode(&HASH)));
    assert_eq!(hex(&bytes).replace(&key, "A").replace(&hash, "B"), expected);
    assert_eq!(decode::<T>("message", &bytes, 4096).as_ref(), Ok(value));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn commit() -> Commit {
    Commit { netuid: Netuid(1), epoch: 300, commitment: HASH }
}

fn order(action: Action) -> Transaction {
    Transaction { nonce: 7, action }
}

#[test]
fn weights() {
    let reveal = Reveal {
        netuid: Netuid(1),
        epoch: 300,
        version: 2,
        salt: HASH,
        row: Row(vec![(Uid(3), 65_535), (Uid(200), 0)]),
    };
    check(&commit(), "9301cd012cB");
    check(&reveal, "9501cd012c02B929203cdffff92ccc800");
}

#[test]
fn transactions() {
    let (hotkey, amount) = (KEY, Amount(1_000_000_000));
    let transfer = Action::Transfer { to: Coldkey(KEY), amount };
    let netuid = Netuid(1);
    check(&order(transfer), "920781a85472616e7366657292Ace3b9aca00");
    check(&order(Action::Register { netuid, hotkey, limit: None }), "920781a852656769737465729301Ac0");
    let limit = Some(amount);
    check(&order(Action::Register { netuid, hotkey, limit }), "920781a852656769737465729301Ace3b9aca00");
    check(
        &order(Action::MoveStake { from: hotkey, to: hotkey, amount }),
        "920781a94d6f76655374616b6593AAce3b9aca00",
    );
    check(&order(Action::SetTake { hotkey, take: 300 }), "920781a753657454616b6592Acd012c");
    check(&order(Action::AddStake { hotkey, amount }), "920781a84164645374616b6592Ace3b9aca00");
    check(&order(Action::RemoveStake { hotkey, amount }), "920781ab52656d6f76655374616b6592Ace3b9aca00");
    check(
        &order(Action::SetChildren { netuid, hotkey, children: vec![(hotkey, 1)] }),
        "920781ab5365744368696c6472656e9301A9192A01",
    );
    check(
        &order(Action::SetChildTake { netuid, hotkey, take: 300 }),
        "920781ac5365744368696c6454616b659301Acd012c",
    );
    let settles = true;
    check(&order(Action::Settle { hotkey, settles }), "920781a6536574746c6592Ac3");
    check(&order(Action::Start { netuid }), "920781a553746172749101");
    check(&order(Action::Unjail { hotkey }), "920781a6556e6a61696c91A");
}

#[test]
fn questions_and_announcements() {
    let question = Question { netuid: Netuid(1), miner: KEY, height: 9, number: 2, body: vec![1, 2, 3] };
    let answer = Answer { question: HASH, body: vec![4] };
    let profile = Profile { netuid: Netuid(1), number: 1, model: HASH, description: "mlp-64".to_owned() };
    check(&question, "9501A0902c403010203");
    check(&answer, "92Bc40104");
    check(&profile, "940101Ba66d6c702d3634");
}

#[test]
fn consensus() {
    let header = Header {
        version: 1,
        genesis: HASH,
        height: 5,
        time: 1_700_000_000_000,
        round: 1,
        proposer: KEY,
        parent: HASH,
        input_root: HASH,
        state_root: Root { hash: HASH, leaves: 77 },
        next_set: HASH,
    };
    let certificate =
        Certificate { height: 5, round: 1, header: HASH, signatures: vec![(KEY, Signature([0xcc; 64]))] };
    check(
        &Vote::of(Ballot::Prevote, 5, 1, Some(HASH), KEY),
        "95a7507265766f74650581a4536f6d650181a356616cBA",
    );
    check(&Vote::of(Ballot::Precommit, 5, 0, None, KEY), "95a9507265636f6d6d69740581a4536f6d6500a34e696cA");
    check(&header, "9a01B05cf0000018bcfe5680001ABB92B4dB");
    check(&certificate, &format!("940501B9192Ac440{}", "cc".repeat(64)));
    check(&Body::default(), "95c090909090");
    let vote = |header| {
        let vote = Vote::of(Ballot::Prevote, 5, 1, header, KEY);
        Signed::assemble(KEY, &vote, Signature([0xcc; 64]))
    };
    let signature = format!("c440{}", "cc".repeat(64));
    check(
        &Evidence::votes(vote(Some(HASH)), vote(None)),
        &format!(
            "81a5566f7465739293Ac45a95a7507265766f74650581a4536f6d650181a356616cBA{signature}\
             93Ac43795a7507265766f74650581a4536f6d6501a34e696cA{signature}"
        ),
    );
    check(&Telling { told: 9, speech: Speech::Votes(Vec::new()) }, "920981a5566f74657390");
}

#[test]
fn signatures_and_names() {
    let signed = Signed::author(&Keypair::from_seed([1; 32]), &HASH, commit()).into_signed();
    assert_eq!(
        hex(&signed.signature().0),
        "50e5c2db757ad1ddb7469386513b0a2a2d1f382054feeb634fa71c61966849d474aa138edbcda76a597594441c6a5cba55622241f469800ebf900d7f5088570a"
    );
    assert_eq!(signed.id().to_string(), "37739a1f512bff54625ae74f7b08893cbc17fc10df679c2320a7d5d305636f01");
}

#[test]
fn the_first_state() {
    let neuron = GenesisNeuron {
        netuid: Netuid(1),
        hotkey: KEY,
        coldkey: Coldkey(Hotkey([0xdd; 32])),
        stake: Amount::coins(100),
        settles: true,
        permit: true,
    };
    let mut genesis = Genesis::dev(1_700_000_000_000, vec![neuron]);
    genesis.accounts = vec![(Coldkey(Hotkey([0xee; 32])), Amount::coins(5))];
    assert_eq!(
        genesis.hash().to_string(),
        "b6fa3e4b5aef657e71f3af6370bc888d448ce7c4a0afaf2790705277277e74b7"
    );
    let root = Ledger::new(&genesis).expect("sound").root();
    assert_eq!(
        (root.hash.to_string().as_str(), root.leaves),
        ("c0f72b72df580b98c07ce1492e8fdf0ec8d07d7732cdc6521363d0a2c166428d", 9)
    );
}
