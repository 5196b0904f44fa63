//! Small epochs whose outcome a person can check.
use super::matrix::norm;
use super::*;
use crate::Amount;
use crate::subnet::Uid;

const HALF: i64 = 1 << 31;

/// Kappa and bonds as new subnets have them; everybody may vote next time.
fn ours() -> Setting {
    Setting {
        kappa: Share::ratio(32_768, 65_535),
        penalty: Share::ONE,
        alpha: Share::ratio(1, 10),
        threshold: 0,
        permits: 64,
        start: 1,
        incentive: Incentive::Consensus,
    }
}

fn voter(stake: u64, row: &[(u16, u16)]) -> Ballot {
    Ballot {
        stake,
        permit: true,
        active: true,
        row: row.iter().map(|(uid, w)| (Uid(*uid), *w)).collect(),
        updated: 1,
        ..Ballot::default()
    }
}

fn miner() -> Ballot {
    Ballot::default()
}

/// Shares in thousandths, for eyes.
fn thousandths(shares: &[Share]) -> Vec<i64> {
    let round = |share: &Share| (share.bits() * 1_000 + HALF) >> 32;
    shares.iter().map(round).collect()
}

#[track_caller]
fn check(ballots: &[Ballot], incentive: &[i64], dividends: &[i64]) -> Outcome {
    let outcome = epoch(ballots, &ours());
    assert_eq!(thousandths(&outcome.incentive), incentive, "incentive");
    assert_eq!(thousandths(&outcome.dividends), dividends, "dividends");
    outcome
}

#[test]
fn miners_earn_what_validators_agree_on() {
    let rows = &[(2, 65_535), (3, 21_845)];
    let ballots = [voter(600, rows), voter(400, rows), miner(), miner()];
    check(&ballots, &[0, 0, 750, 250], &[600, 400, 0, 0]);
}

#[test]
fn a_selfish_weight_is_clipped_to_consensus() {
    let honest = &[(2, 65_535), (3, 65_535)];
    let selfish = &[(3, 65_535)];
    let ballots = [voter(600, honest), voter(400, selfish), miner(), miner()];
    let outcome = check(&ballots, &[0, 0, 500, 500], &[818, 182, 0, 0]);
    assert_eq!(thousandths(&outcome.validator_trust), [1_000, 500, 0, 0]);
    assert_eq!(thousandths(&outcome.trust), [0, 0, 1_000, 714]);
}

#[test]
fn exactly_half_of_the_stake_decides_nothing() {
    let ballots = [voter(500, &[(2, 1)]), voter(500, &[(3, 1)]), miner(), miner()];
    check(&ballots, &[0; 4], &[0; 4]);
    let ballots = [voter(501, &[(2, 1)]), voter(499, &[(3, 1)]), miner(), miner()];
    check(&ballots, &[0, 0, 1_000, 0], &[1_000, 0, 0, 0]);
}

#[test]
fn a_minority_that_withholds_its_votes_gains_nothing() {
    let honest = &[(2, 65_535), (3, 65_535)];
    let united = [voter(600, honest), voter(400, honest), miner(), miner()];
    let withheld = [voter(600, honest), voter(400, &[(3, 65_535)]), miner(), miner()];
    assert_eq!(epoch(&united, &ours()).incentive, epoch(&withheld, &ours()).incentive);
    let by_rank = Setting { incentive: Incentive::Rank, ..ours() };
    assert_eq!(thousandths(&epoch(&withheld, &by_rank).incentive), [0, 0, 375, 625]);
}

#[test]
fn a_vote_for_oneself_does_not_count() {
    let ballots = [voter(900, &[(0, 65_535), (1, 1)]), miner()];
    check(&ballots, &[0, 1_000], &[1_000, 0]);
}

#[test]
fn a_vote_for_a_slots_former_holder_does_not_count() {
    let newcomer = Ballot { registered: 1, ..miner() };
    let ballots = [voter(900, &[(1, 65_535), (2, 1)]), newcomer, miner()];
    check(&ballots, &[0, 0, 1_000], &[1_000, 0, 0]);
}

#[test]
fn without_a_permit_or_a_row_a_vote_is_no_vote() {
    let row = &[(3, 65_535)];
    let silent = Ballot { active: false, ..voter(500, &[]) };
    let barred = Ballot { permit: false, ..voter(500, row) };
    let ballots = [voter(100, row), silent, barred, miner()];
    check(&ballots, &[0, 0, 0, 1_000], &[1_000, 0, 0, 0]);
}

#[test]
fn the_bonds_of_an_absent_voter_decay() {
    let bonds = vec![(Uid(2), Share::from_bits(HALF))];
    let absent = Ballot { active: false, bonds, ..voter(400, &[]) };
    let outcome = epoch(&[voter(600, &[(2, 1)]), absent, miner()], &ours());
    assert_eq!(thousandths(&outcome.dividends), [1_000, 0, 0]);
    let (uid, kept) = outcome.bonds.rows()[1][0];
    assert_eq!((uid, thousandths(&[kept])), (Uid(2), vec![450]));
}

#[test]
fn bonds_to_a_slot_taken_in_this_epoch_are_dropped() {
    let bonds = vec![(Uid(1), Share::ONE), (Uid(2), Share::ONE)];
    let newcomer = Ballot { registered: 7, ..miner() };
    let ballots = [Ballot { bonds, updated: 9, ..voter(1, &[(2, 1)]) }, newcomer, miner()];
    let setting = Setting { start: 7, ..ours() };
    let rows = epoch(&ballots, &setting).bonds.rows()[0].clone();
    assert_eq!(rows.iter().map(|(uid, _)| uid.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn who_bonded_early_earns_more() {
    let early = Ballot { bonds: vec![(Uid(2), Share::ratio(1, 2))], ..voter(500, &[(2, 1)]) };
    let ballots = [early, voter(500, &[(2, 1)]), miner()];
    check(&ballots, &[0, 0, 1_000], &[846, 154, 0]); // 0.55 against 0.1
}

#[test]
fn permits_go_to_the_most_staked_and_among_equals_to_the_higher_uid() {
    let setting = Setting { permits: 2, threshold: 5, ..ours() };
    let stakes = [7, 4, 7, 0, 7];
    let ballots = stakes.map(|stake| voter(stake, &[]));
    assert_eq!(epoch(&ballots, &setting).permits, [false, false, true, false, true]);
}

#[test]
fn garbage_ballots_do_not_panic() {
    let wild = Ballot {
        stake: u64::MAX,
        bonds: vec![(Uid(999), Share::from_bits(i64::MAX)), (Uid(u16::MAX), Share::ONE)],
        ..voter(u64::MAX, &[(0, 0), (500, 65_535)])
    };
    check(&[wild.clone(), wild], &[0, 0], &[0, 0]);
    check(&[], &[], &[]);
}

#[test]
fn fixed_point_truncates_and_never_divides_by_zero() {
    let third = Share::ratio(1, 3);
    assert_eq!(third.bits(), 0x5555_5555);
    assert_eq!((third * third).bits(), 0x1c71_c71c);
    assert_eq!((third / third, third / Share::ZERO), (Share::ONE, Share::ZERO));
    assert_eq!(Share::ratio(1, 0), Share::ZERO);
    assert_eq!(third.of(Amount(3_000)), Amount(999));
    assert_eq!(third.to_string(), "0.333333");
    assert_eq!(norm(&[Share::ZERO; 2]), [Share::ZERO; 2]);
    let top = Share::from_bits(i64::MAX);
    assert_eq!((top + top, top * top, top / third), (top, top, top));
}
