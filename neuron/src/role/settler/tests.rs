//! What others send a settler to make it settle, vote or stop where it should not.
use crypto::Hotkey;
use protocol::Amount;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::message::Heard;
use protocol::settlement::{Inputs, MAX_TRANSACTION_BYTES, Settlement};
use protocol::signed::FRAMING_BYTES;
use protocol::subnet::Netuid;
use protocol::telling::Words;
use protocol::transaction::{Action, Coldkey, Transaction};
use protocol::weights::Commit;

use super::*;
use crate::role::bench::{Bench, flat, settled};
use crate::role::{Delivery, Range};

fn bench() -> Bench {
    Bench::new(4, 2)
}

/// What the settler of a bystander says of the proposer's draft once it is changed.
#[track_caller]
fn check(bench: &Bench, inputs: &[Heard], change: impl Fn(&mut Settlement), reason: &str) {
    let mut settlement = bench.draft(inputs);
    let settler = bench.settler(bystander(bench));
    assert!(settler.judge(bench.moment(), &settlement).is_ok(), "it was sound before");
    change(&mut settlement);
    let refused = settler.judge(bench.moment(), &settlement).expect_err("it breaks a rule").to_string();
    assert!(refused.contains(reason), "{refused}");
}

/// A validator that has no turn.
fn bystander(bench: &Bench) -> usize {
    (bench.proposer() + 1) % 4
}

fn commits(bench: &Bench) -> [Heard; 3] {
    let commit = |commitment| Commit { netuid: Netuid(1), epoch: 0, commitment: Hash([commitment; 32]) };
    [0, 1, 2].map(|key| Heard::Commit(bench.author(key, commit(1))))
}

/// Binds a changed body, as its proposer could.
fn bind(settlement: &mut Settlement) {
    settlement.header.input_root = settlement.body.root();
}

fn told(settler: &mut Settler, bench: &Bench, heard: Heard) -> Vec<Effect> {
    settler.handle(bench.moment(), &Input::Told(heard))
}

fn draft_of(bench: &Bench, key: usize, settlement: Settlement) -> Heard {
    Heard::Draft(Box::new(bench.author(key, Draft { round: 0, settlement })))
}

#[test]
fn a_draft_out_of_turn_place_or_time_is_refused() {
    let bench = bench();
    let stranger = bench.keys[bystander(&bench)].hotkey();
    check(&bench, &[], |s| s.header.proposer = stranger, "no turn");
    check(&bench, &[], |s| s.header.round = 1_000, "no turn");
    for change in [
        (|s| s.header.genesis = Hash([1; 32])) as fn(&mut Settlement),
        |s| s.header.parent = Hash([1; 32]),
        |s| s.header.height = 2,
        |s| s.header.version += 1,
    ] {
        check(&bench, &[], change, "another network, version or parent");
    }
    check(&bench, &[], |s| s.header.time = 0, "its time");
    check(&bench, &[], |s| s.header.time += 60_000, "its time");
}

#[test]
fn a_draft_that_leads_elsewhere_or_binds_another_body_is_refused() {
    let bench = bench();
    check(&bench, &[], |s| s.header.state_root.hash = Hash([1; 32]), "state root");
    check(&bench, &[], |s| s.header.state_root.leaves += 1, "state root");
    check(&bench, &[], |s| s.header.next_set = Hash([1; 32]), "next set");
    check(&bench, &commits(&bench), |s| drop(s.body.commits.pop()), "not what its header binds");
}

#[test]
fn inputs_out_of_order_forged_or_inapplicable_are_refused() {
    let bench = bench();
    let commits = commits(&bench);
    let unordered = |s: &mut Settlement| {
        s.body.commits.reverse();
        bind(s);
    };
    check(&bench, &commits, unordered, "out of order");
    let elsewhere =
        Signed::author(&bench.keys[0], &Hash([1; 32]), Transaction { nonce: 0, action: transfer() });
    let foreign = |s: &mut Settlement| {
        s.body.transactions = vec![elsewhere.signed().clone()];
        bind(s);
    };
    check(&bench, &commits, foreign, "bad signature");
    let replayed = bench.author(0, Transaction { nonce: 7, action: transfer() });
    let stale = |s: &mut Settlement| {
        s.body.transactions = vec![replayed.signed().clone()];
        bind(s);
    };
    check(&bench, &commits, stale, "does not apply");
}

#[test]
fn a_draft_in_which_coins_vanish_is_not_proposed_and_its_round_passes() {
    let mut bench = bench();
    let (delegates, gone) = (4, bench.keys[0].hotkey());
    let is_left = |(key, _): &protocol::ledger::Entry| key[0] != delegates || key[1..] != gone.0;
    let entries: Vec<_> = bench.tip.0.entries().into_iter().filter(is_left).collect();
    bench.tip.0 = Ledger::from_entries(&entries).unwrap();
    let mut settler = bench.settler(bench.proposer());
    settler.handle(bench.moment(), &Input::Started);
    let effects = settler.handle(bench.moment(), &Input::Elapsed(Timer::NextHeight));
    let says = |effects: &[Effect]| flat(effects.to_vec()).iter().any(|e| matches!(e, Effect::Tell(_)));
    assert!(!says(&effects), "{effects:?}");
    let waits = |effect: &Effect| match effect {
        Effect::Schedule(timer @ Timer::Vote(..), _) => Some(*timer),
        _ => None,
    };
    let timers: Vec<_> = flat(effects).iter().filter_map(waits).collect();
    let votes = |timer: &Timer| says(&settler.handle(bench.moment(), &Input::Elapsed(*timer)));
    assert!(timers.iter().any(votes), "it votes for nothing in time: {timers:?}");
}

/// What the settler of a key proposes at the first height, and what it writes, if it finds these drafts and votes.
fn starts(bench: &Bench, key: usize, drafts: &[Settlement], log: &[LogEntry]) -> (Settlement, Vec<Entry>) {
    let recovered = Recovered { drafts: drafts.to_vec(), log: log.to_vec(), ..Recovered::default() };
    let mut settler = bench.recovered(key, recovered);
    let mut effects = settler.handle(bench.moment(), &Input::Started);
    effects.extend(settler.handle(bench.moment(), &Input::Elapsed(Timer::NextHeight)));
    proposed(&effects)
}

/// Prevotes of these keys.
fn prevotes(bench: &Bench, round: u32, header: Option<Hash>, keys: &[usize]) -> Vec<LogEntry> {
    let vote = |key: &usize| {
        let vote = Vote::of(Ballot::Prevote, 1, round, header, bench.keys[*key].hotkey());
        LogEntry::Vote(bench.author(*key, vote).into_signed())
    };
    keys.iter().map(vote).collect()
}

/// Two drafts of later rounds, the one of the lower hash first.
fn two_drafts(bench: &Bench) -> [Settlement; 2] {
    let head = Head::new(bench.tip.0.clone(), None);
    let draft =
        |round| head.draft(head.ledger.clone(), Inputs::default(), bench.moment().now, round).settlement;
    let mut drafts = [draft(3), draft(4)];
    drafts.sort_unstable_by_key(|draft| draft.header.hash());
    drafts
}

#[test]
fn what_somebody_may_be_locked_on_is_proposed_again_and_the_same_after_a_crash() {
    let bench = Bench::new(7, 0);
    let (me, drafts) = (bench.proposer(), two_drafts(&bench));
    let others: Vec<_> = (0..7).filter(|key| *key != me).collect();
    let of = |draft: usize, keys| prevotes(&bench, 0, Some(drafts[draft].header.hash()), keys);
    let (new, log) = starts(&bench, me, &drafts, &of(1, &others[..2]));
    assert!(!drafts.contains(&new), "so few can lock nobody");
    assert!(log.iter().any(|entry| matches!(entry, Entry::Draft(_))), "what is new is written");
    let (again, log) = starts(&bench, me, &drafts, &of(1, &others[..3]));
    assert_eq!(again, drafts[1]);
    assert!(log.iter().all(|entry| !matches!(entry, Entry::Draft(_))), "it is on disk already: {log:?}");
    let votes: Vec<_> = log.into_iter().filter_map(vote).collect();
    let (after, _) = starts(&bench, me, &drafts, &[votes, of(0, &others[3..])].concat());
    assert_eq!(after, drafts[1], "whatever else was heard meanwhile");
}

#[test]
fn what_failed_in_an_earlier_round_is_proposed_again_before_anything_new() {
    let bench = bench();
    let proposer = bench.tip.0.validators().proposer(1, 1);
    let me = (0..4).find(|key| bench.keys[*key].hotkey() == proposer).unwrap();
    let others: Vec<_> = (0..4).filter(|key| *key != me).collect();
    let drafts = two_drafts(&bench);
    let second_round = prevotes(&bench, 1, None, &others[..2]);
    assert_eq!(starts(&bench, me, &drafts[..1], &second_round).0, drafts[0]);
    let (new, _) = starts(&bench, me, &[], &second_round);
    assert_eq!((new.header.round, new.header.proposer), (1, proposer));
}

/// The draft that is told, and what is written.
fn proposed(effects: &[Effect]) -> (Settlement, Vec<Entry>) {
    let written = effects.iter().filter_map(|effect| match effect {
        Effect::Persist(persist) => Some(persist.entries.clone()),
        _ => None,
    });
    let told = flat(effects.to_vec()).into_iter().find_map(|effect| match effect {
        Effect::Tell(message) => match *message {
            Message::Draft(draft) => Some(draft.decode().expect("a draft").settlement),
            _ => None,
        },
        _ => None,
    });
    (told.expect("it proposes"), written.flatten().collect())
}

fn vote(entry: Entry) -> Option<LogEntry> {
    match entry {
        Entry::Vote(_, vote) => Some(vote),
        _ => None,
    }
}

#[test]
fn transactions_that_take_the_room_of_votes_are_refused() {
    let bench = bench();
    let action = Action::Found { task: "x".repeat(16_000), limit: None };
    let large = bench.author(0, Transaction { nonce: 0, action }).into_signed();
    let fill = |count: usize| {
        let large = large.clone();
        move |s: &mut Settlement| {
            s.body.transactions = vec![large.clone(); count];
            bind(s);
        }
    };
    let fitting = MAX_TRANSACTION_BYTES / (large.size() + FRAMING_BYTES);
    check(&bench, &[], fill(fitting), "does not apply");
    check(&bench, &[], fill(fitting + 1), "the rest is for votes");
    check(&bench, &[], fill(2 * fitting), "bytes: at most 2097152 are allowed");
}

fn transfer() -> Action {
    Action::Transfer { to: Coldkey(Hotkey([7; 32])), amount: Amount::coins(1) }
}

#[test]
fn a_parent_that_is_not_proven_is_refused() {
    let mut bench = bench();
    let certificate = bench.settle(&[]).certificate;
    let orphan = |s: &mut Settlement| {
        s.body.parent_certificate = None;
        bind(s);
    };
    check(&bench, &[], orphan, "parent's certificate");
    let minority = |s: &mut Settlement| {
        s.body.parent_certificate =
            Some(Certificate { signatures: certificate.signatures[..2].into(), ..certificate.clone() });
        bind(s);
    };
    check(&bench, &[], minority, "parent's certificate");
}

#[test]
fn only_the_proposers_draft_is_looked_at() {
    let bench = bench();
    let me = bystander(&bench);
    let mut settler = bench.settler(me);
    settler.handle(bench.moment(), &Input::Started);
    settler.handle(bench.moment(), &Input::Elapsed(Timer::NextHeight));
    for liar in (0..6).filter(|key| *key != bench.proposer()) {
        let effects = told(&mut settler, &bench, draft_of(&bench, liar, bench.draft(&[])));
        assert!(effects.is_empty() && settler.drafts.is_empty(), "{effects:?}");
    }
    told(&mut settler, &bench, draft_of(&bench, bench.proposer(), bench.draft(&[])));
    assert_eq!(settler.drafts.len(), 1);
}

#[test]
fn a_settlement_with_a_forged_certificate_moves_nothing() {
    let bench = bench();
    let honest = bench.certify(bench.draft(&[]));
    type Forgery = (&'static str, fn(&mut Certificate));
    let forgeries: [Forgery; 6] = [
        ("nobody signed", |c| c.signatures.clear()),
        ("half signed", |c| c.signatures.truncate(2)),
        ("one signed for two", |c| c.signatures[1] = c.signatures[0]),
        ("signatures are exchanged", |c| {
            c.signatures[0].1 = c.signatures[1].1;
        }),
        ("another round", |c| c.round += 1),
        ("another height", |c| c.height += 1),
    ];
    for (what, forge) in forgeries {
        let mut certified = honest.clone();
        forge(&mut certified.certificate);
        let mut settler = bench.settler(4);
        let effects = told(&mut settler, &bench, Heard::Settled(Box::new(certified.clone())));
        assert!(effects.is_empty() && settler.head.ledger.height() == 0, "{what}: {effects:?}");
        let delivery = Delivery::Settlements(vec![certified], 1);
        let range = Range { peer: Some(bench.keys[1].hotkey()), first: 1, delivery };
        let effects = settler.handle(bench.moment(), &Input::Fetched(range));
        assert!(matches!(&effects[..], [Effect::Shun(..), ..]), "{what}: {effects:?}");
        assert_eq!(settler.head.ledger.height(), 0, "{what}");
    }
    let mut settler = bench.settler(4);
    assert!(settled(&told(&mut settler, &bench, Heard::Settled(Box::new(honest)))).is_some());
}

#[test]
fn a_relayer_that_exchanges_the_body_neither_stops_nor_fools_anyone() {
    let bench = bench();
    let honest = bench.certify(bench.draft(&commits(&bench)));
    let mut forged = honest.clone();
    forged.settlement.body.commits.clear();
    let knows_the_draft = |settler: &mut Settler| {
        told(settler, &bench, draft_of(&bench, bench.proposer(), honest.settlement.clone()));
    };
    for prepare in [&knows_the_draft as &dyn Fn(&mut Settler), &|_| {}] {
        let mut settler = bench.settler(bystander(&bench));
        prepare(&mut settler);
        let effects = told(&mut settler, &bench, Heard::Settled(Box::new(forged.clone())));
        assert!(effects.is_empty() && settler.head.ledger.height() == 0, "{effects:?}");
        let settled = settled(&told(&mut settler, &bench, Heard::Settled(Box::new(honest.clone())))).unwrap();
        assert_eq!(settled.certified, honest);
    }
}

#[test]
fn what_two_thirds_certified_against_the_rules_halts() {
    let bench = bench();
    let mut settlement = bench.draft(&[]);
    settlement.header.state_root.hash = Hash([1; 32]);
    let certified = bench.certify(settlement);
    let effects = told(&mut bench.settler(4), &bench, Heard::Settled(Box::new(certified)));
    assert!(matches!(&effects[..], [Effect::Halt(reason)] if reason.contains("certified")), "{effects:?}");
}

#[test]
fn strangers_cannot_send_us_after_heights_that_do_not_exist() {
    let bench = bench();
    let mut settler = bench.settler(0);
    let asks = |settler: &mut Settler, author: usize| {
        let vote = Vote::of(Ballot::Prevote, 40, 0, None, bench.keys[author].hotkey());
        let words = Words::Votes(vec![bench.author(author, vote)]);
        told(settler, &bench, Heard::Telling(words));
        let soon = Moment { now: settler.head.ledger.time(), ..bench.moment() };
        let effects = settler.handle(soon, &Input::Elapsed(Timer::CatchUp));
        effects.iter().any(|effect| matches!(effect, Effect::Fetch(..)))
    };
    assert!(!asks(&mut settler, 5), "a miner");
    assert!(asks(&mut settler, 1), "a validator");
}

/// A settler that recovered this is silent below a height, and follows; from there on it votes.
#[track_caller]
fn votes_from(from: u64, mut bench: Bench, recovered: Recovered) {
    let mut settler = bench.recovered(bystander(&bench), recovered);
    settler.handle(bench.moment(), &Input::Started);
    for height in bench.tip.0.height() + 1..=from {
        let draft = draft_of(&bench, bench.proposer(), bench.draft(&[]));
        let mut effects = settler.handle(bench.moment(), &Input::Elapsed(Timer::NextHeight));
        effects.extend(told(&mut settler, &bench, draft));
        let silent = effects.iter().all(|effect| !matches!(effect, Effect::Persist(_) | Effect::Tell(_)));
        assert_eq!(silent, height < from, "height {height}: {effects:?}");
        let certified = bench.settle(&[]);
        let effects = flat(told(&mut settler, &bench, Heard::Settled(Box::new(certified))));
        assert!(settled(&effects).is_some(), "height {height}");
    }
}

#[test]
fn where_votes_may_be_forgotten_it_follows_and_votes_after() {
    votes_from(3, bench(), Recovered { votes_from: 3, ..Recovered::default() });
}

#[test]
fn who_remembers_no_vote_waits_for_a_height_that_began_after_its_start() {
    for (settled, from) in [(1, 4), (2, 5)] {
        let mut bench = bench();
        (0..settled).for_each(|_| drop(bench.settle(&[])));
        let (ledger, tip) = bench.tip.clone();
        // The next height is in progress at its start, and the one after it begins at that moment.
        votes_from(
            from,
            bench,
            Recovered { ledger: Some(ledger), tip, is_new: true, ..Recovered::default() },
        );
    }
}

#[test]
fn who_is_told_to_vote_anew_waits_for_nothing() {
    let mut bench = bench();
    (0..2).for_each(|_| drop(bench.settle(&[])));
    let (ledger, tip) = bench.tip.clone();
    let mut recovered =
        Recovered { ledger: Some(ledger), tip, is_new: true, votes_from: 9, ..Recovered::default() };
    recovered.vote_anew();
    votes_from(3, bench, recovered);
}

/// Whether a settler that begins with nothing, so long after the genesis, votes at the first height once these members
/// said which is the last settlement.
fn begins_to_vote(bench: &Bench, key: usize, after: u64, told: &[(usize, u64)]) -> bool {
    let mut settler = bench.recovered(key, Recovered { is_new: true, ..Recovered::default() });
    let moment = Moment { now: bench.genesis.time + after, ..bench.moment() };
    settler.handle(moment, &Input::Started);
    let mut effects = settler.handle(moment, &Input::Elapsed(Timer::CatchUp));
    for (member, tip) in told {
        let asks = effects.iter().any(|effect| matches!(effect, Effect::Fetch(_, 1)));
        assert!(asks, "it asks until enough have answered: {effects:?}");
        let delivery = Delivery::Settlements(Vec::new(), *tip);
        let range = Range { first: 1, peer: Some(bench.keys[*member].hotkey()), delivery };
        effects = settler.handle(moment, &Input::Fetched(range));
        effects.extend(settler.handle(moment, &Input::Elapsed(Timer::CatchUp)));
    }
    settler.handle(moment, &Input::Elapsed(Timer::NextHeight));
    let later = Moment { now: moment.now + 4_999, ..moment };
    settler.handle(later, &Input::Elapsed(Timer::NextHeight));
    settler.started
}

#[test]
fn who_begins_with_nothing_votes_once_a_quorum_says_that_nothing_is_settled() {
    let bench = bench();
    let votes = |told: &[(usize, u64)]| begins_to_vote(&bench, 0, 60_000, told);
    assert!(!votes(&[]), "nobody answered");
    assert!(!votes(&[(1, 0)]), "with itself, half of the stake");
    assert!(!votes(&[(1, 0), (1, 0)]), "one member twice");
    assert!(!votes(&[(1, 0), (4, 0), (5, 0)]), "miners have no say");
    assert!(!votes(&[(1, 0), (2, 5)]), "somebody is ahead");
    assert!(votes(&[(1, 0), (2, 0)]));
}

#[test]
fn who_is_a_quorum_by_itself_votes_at_once_in_a_young_network_and_asks_first_in_an_old_one() {
    let bench = Bench::new(1, 1);
    assert!(begins_to_vote(&bench, 0, 29_999, &[]));
    assert!(!begins_to_vote(&bench, 0, 30_000, &[]));
    let mut settler = bench.recovered(0, Recovered { is_new: true, ..Recovered::default() });
    let moment = Moment { now: bench.genesis.time + 30_000, ..bench.moment() };
    settler.handle(moment, &Input::Started);
    settler.handle(Moment { now: moment.now + 5_000, ..moment }, &Input::Elapsed(Timer::NextHeight));
    assert!(settler.started, "nobody contradicts");
}

/// Two precommits of one height by a key.
fn offence(bench: &Bench, key: usize, height: u64) -> Evidence {
    let vote = |header| Vote::of(Ballot::Precommit, height, 0, header, bench.keys[key].hotkey());
    let vote = |header| bench.author(key, vote(header)).into_signed();
    Evidence::votes(vote(None), vote(Some(Hash([1; 32]))))
}

fn heard(bench: &Bench, evidence: Evidence) -> Heard {
    Heard::Evidence(Box::new(evidence.verify(&bench.genesis.hash()).unwrap()))
}

#[test]
fn evidence_is_told_until_it_is_settled_and_jails() {
    let mut bench = bench();
    let settlements = [bench.settle(&[]), bench.settle(&[])];
    let mut settler = Bench::new(4, 2).settler(4);
    let told_evidence = |effects: Vec<Effect>| {
        let told = |effect: &Effect| matches!(effect, Effect::Tell(m) if matches!(**m, Message::Evidence(_)));
        flat(effects).iter().filter(|effect| told(effect)).count()
    };
    let settle = |settler: &mut Settler, settlement: &Certified| {
        told_evidence(told(settler, &bench, Heard::Settled(Box::new(settlement.clone()))))
    };
    // A settlement behind, it still keeps what it hears.
    for height in [1, 1, 7] {
        told(&mut settler, &bench, heard(&bench, offence(&bench, 3, height)));
    }
    told(&mut settler, &bench, heard(&bench, offence(&bench, 5, 1)));
    assert_eq!(settlements.each_ref().map(|settlement| settle(&mut settler, settlement)), [1, 1]);
    let guilty = bench.keys[3].hotkey();
    let evidence = heard(&bench, offence(&bench, 3, 1));
    let mut next = Bench::new(4, 2);
    (next.tip, next.genesis) = (bench.tip.clone(), bench.genesis.clone());
    let settlement = next.settle(&[evidence]);
    assert_eq!(settlement.settlement.body.evidence.len(), 1);
    assert_eq!(settle(&mut settler, &settlement), 0, "it is settled");
    assert_eq!(next.tip.0.jailed_since(&guilty), Some(3));
    assert_eq!(next.tip.0.validators().power(&guilty), None);
}

#[test]
fn more_evidence_than_there_is_room_for_is_refused() {
    let mut bench = bench();
    bench.settle(&[]);
    let evidence = offence(&bench, 3, 1);
    let fill = |count: usize, evidence: &Evidence| {
        let evidence = vec![evidence.clone(); count];
        move |s: &mut Settlement| {
            s.body.evidence = evidence.clone();
            bind(s);
        }
    };
    check(&bench, &[], fill(1, &offence(&bench, 4, 1)), "had no seat");
    check(&bench, &[], fill(2, &evidence), "out of order");
    check(&bench, &[], fill(33, &evidence), "at most 32");
}
