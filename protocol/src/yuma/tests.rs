//! Small epochs whose outcome a person can check.
use super::matrix::norm;
use super::*;
use crate::Amount;
use crate::subnet::Uid;

const HALF: i64 = 1 << 31;

/// Kappa and bonds as new subnets have them; everybody may vote next time.
fn ours() -> Setting {
    Setting { start: 1, ..Setting::default() }
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
fn the_largest_and_the_smallest_weight_are_medians_too() {
    let votes = [1, 3, 2].map(|score| (Share::whole(score), Share::ratio(1, 3)));
    let median = |kappa| weighted_median(&mut votes.clone(), kappa);
    assert_eq!(median(Share::ZERO), Share::whole(3));
    assert_eq!(median(Share::ratio(1, 2)), Share::whole(2));
    assert_eq!(median(Share::ONE), Share::whole(1));
    assert_eq!(weighted_median(&mut [], Share::ZERO), Share::ZERO);
}

#[test]
fn a_vote_committed_before_a_slot_changed_hands_does_not_count() {
    let newcomer = Ballot { registered: 5, ..miner() };
    let voter = Ballot { updated: 9, waiting: Some(4), ..voter(900, &[(1, 65_535), (2, 1)]) };
    check(&[voter.clone(), newcomer.clone(), miner()], &[0, 0, 1_000], &[1_000, 0, 0]);
    check(&[Ballot { waiting: Some(5), ..voter }, newcomer, miner()], &[0, 1_000, 0], &[1_000, 0, 0]);
}

#[test]
fn an_owner_votes_with_any_stake_and_for_itself() {
    let owner = Ballot { permit: false, ..voter(3, &[(0, 65_535)]) };
    let ballots = [owner, voter(4, &[(0, 65_535)])];
    let setting = Setting { owner: Some(Uid(0)), threshold: 5, permits: 0, ..ours() };
    let outcome = epoch(&ballots, &setting);
    assert_eq!(thousandths(&outcome.consensus), [1_000, 0]);
    assert_eq!(outcome.permits, [true, false]);
    assert_eq!(epoch(&ballots, &Setting { owner: None, ..setting }).consensus, [Share::ZERO; 2]);
}

#[test]
fn liquid_bonds_of_the_reference_are_lost_at_once_and_ours_decay() {
    let bonds = vec![(Uid(1), Share::ONE), (Uid(2), Share::ONE)];
    let ballots = [Ballot { bonds, ..voter(1, &[(2, 1)]) }, miner(), miner()];
    let liquid =
        Liquid { low: Share::ratio(1, 10), high: Share::ratio(3, 10), steepness: 1_000, erases: true };
    let rows = |erases| {
        let setting = Setting { liquid: Some(Liquid { erases, ..liquid }), ..ours() };
        epoch(&ballots, &setting).bonds.rows()[0].iter().map(|(uid, bond)| (uid.0, *bond)).collect::<Vec<_>>()
    };
    let (decayed, kept) =
        ((1, Share::ONE - liquid.alpha(Share::ZERO, Share::ZERO, Share::ONE)), (2, Share::ONE));
    assert_eq!(rows(true), [kept]);
    assert_eq!(rows(false), [decayed, kept]);
}

#[test]
fn bonds_of_sixteen_bits_never_grow_from_little() {
    let little = &[(2, 65_535), (3, 5)];
    let ballots = [voter(1, little), voter(1, little), miner(), miner()];
    let stored_of = |width| {
        let setting = Setting { width, ..ours() };
        let outcome = epoch(&ballots, &setting);
        stored(outcome.bonds, &outcome.permits, &setting).rows()[0][1].1
    };
    assert_eq!(stored_of(Width::Bits16), Share::ZERO);
    assert!(stored_of(Width::Bits32) > Share::ZERO);
}

#[test]
fn bonds_leave_with_the_permit() {
    let outcome = epoch(&[voter(1, &[(1, 1)]), miner()], &ours());
    assert_eq!(outcome.permits, [true, false]);
    assert_eq!(stored(outcome.bonds.clone(), &outcome.permits, &ours()), outcome.bonds);
    assert_eq!(stored(outcome.bonds, &[false; 2], &ours()), Matrix(vec![Vec::new(); 2]));
}

#[test]
fn who_agrees_on_nothing_earns_nothing_unless_stake_is_paid() {
    let ballots = [voter(500, &[(2, 1)]), voter(300, &[(3, 1)]), miner(), miner()];
    let split = |kappa, disagreement| epoch(&ballots, &Setting { kappa, disagreement, ..ours() }).split;
    let burned = split(Share::ONE, Disagreement::Burn);
    assert_eq!([burned.miners, burned.validators, burned.combined], [const { [Share::ZERO; 4] }; 3]);
    let paid = split(Share::ONE, Disagreement::Stake);
    assert_eq!(
        (thousandths(&paid.miners), thousandths(&paid.validators)),
        (vec![0; 4], vec![625, 375, 0, 0])
    );
    let agreed = split(Share::ratio(1, 2), Disagreement::Stake);
    assert_eq!(thousandths(&agreed.combined), [500, 0, 500, 0]);
}

#[test]
fn exponentials_are_those_of_the_reference() {
    assert_eq!(Share::ZERO.exp(), Share::ONE);
    assert_eq!(Share::ONE.exp().to_string(), "2.718281");
    assert_eq!((Share::ZERO - Share::whole(22)).exp().bits(), 8);
    assert_eq!(Share::whole(21).exp(), Share::whole(20).exp());
}

#[test]
fn sixteen_bits_hold_no_more_than_the_whole() {
    let of = |bits| Share::from_bits(bits).to_u16();
    assert_eq!([of(-1), of(0), of(1 << 31), of(1 << 32), of(i64::MAX)], [0, 0, 32_767, 65_535, 65_535]);
    assert_eq!(Share::of_u16(32_768).bits(), 0x8000_8000);
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
