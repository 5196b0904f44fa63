//! How settling goes: what its steps took, who is silent now, and who was at the last settlements.
use std::collections::BTreeMap;

use crypto::Hotkey;
use protocol::consensus::vote::{Ballot, Vote};
use protocol::consensus::{Speech, ValidatorSet};
use protocol::settlement::{Certificate, Certified};

use super::Settler;
use crate::role::{Effect, Moment};

/// How settling goes, as one neuron sees it; times by its own clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// When the last height was settled here, or the neuron was started; in milliseconds since 1970.
    pub since: u64,
    /// The round of the height in progress.
    pub round: u32,
    /// Members of the settling set whose votes were not heard as far as the neuron itself has voted: in this round,
    /// and after its own precommit, their precommits. Empty for a neuron without a vote, since nobody tells it theirs.
    pub silent: Vec<Hotkey>,
    /// How the last height was decided.
    pub decided: Steps,
    /// Members of the settling set that the last certificates lack, and how many in a row.
    pub absent: BTreeMap<Hotkey, u64>,
}

/// How a height was decided; durations in milliseconds. Those of votes are missing where the neuron has none, and all
/// of them where it was told the outcome before it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steps {
    /// The round that decided it.
    pub round: u32,
    /// From the beginning of the height to our prevote in that round: until there was a proposal, and it was judged.
    pub proposal: Option<u64>,
    /// From there to our precommit: until there was a quorum of prevotes.
    pub prevotes: Option<u64>,
    /// From there to the decision: until there was a quorum of precommits.
    pub precommits: Option<u64>,
    /// From the beginning of the height to the decision.
    pub whole: Option<u64>,
}

/// Notes what a [`Pace`] tells.
#[derive(Default)]
pub(super) struct Watch {
    since: u64,
    /// When the height in progress began.
    began: Option<u64>,
    /// Our last prevote and precommit in it: the round, and when it was first told.
    prevoted: Option<(u32, u64)>,
    precommitted: Option<(u32, u64)>,
    /// How far each member has voted in it.
    voted: BTreeMap<Hotkey, (u32, Ballot)>,
    decided: Steps,
    absent: BTreeMap<Hotkey, u64>,
}

impl Settler {
    /// Shows how settling goes.
    pub(super) fn show_pace(&self) -> Effect {
        let members = self.head.ledger.validators().members().iter().map(|(member, _)| *member);
        let (round, voted, me) = (self.round(), &self.watch.voted, self.keypair.hotkey());
        let first = (round, Ballot::Prevote);
        let due = voted.get(&me).map_or(first, |own| first.max(*own));
        let is_silent = |member: &Hotkey| voted.get(member).is_none_or(|last| *last < due);
        let votes = self.has_say(&me);
        let silent = members.filter(|member| votes && is_silent(member)).collect();
        let (decided, absent) = (self.watch.decided, self.watch.absent.clone());
        Effect::Pace(Box::new(Pace { since: self.watch.since, round, silent, decided, absent }))
    }
}

impl Watch {
    /// The neuron is up.
    pub(super) fn start(&mut self, moment: Moment) {
        self.since = moment.now;
    }

    /// A height begins.
    pub(super) fn begin(&mut self, moment: Moment) {
        self.began = Some(moment.now);
    }

    /// We say something.
    pub(super) fn spoke(&mut self, moment: Moment, me: Hotkey, speech: &Speech) {
        let Speech::Votes(votes) = speech else { return };
        for vote in votes.iter().filter(|vote| vote.signer == me).filter_map(|vote| vote.decode().ok()) {
            self.heard(me, &vote);
            let mark = match vote.ballot() {
                Ballot::Prevote => &mut self.prevoted,
                Ballot::Precommit => &mut self.precommitted,
            };
            let round = vote.round().unwrap_or(0);
            if mark.is_none_or(|(last, _)| last < round) {
                *mark = Some((round, moment.now));
            }
        }
    }

    /// A member voted in the height in progress.
    pub(super) fn heard(&mut self, member: Hotkey, vote: &Vote) {
        let step = (vote.round().unwrap_or(0), vote.ballot());
        let last = self.voted.entry(member).or_insert(step);
        *last = step.max(*last);
    }

    /// The height in progress is settled; `set` had a say in the one before.
    pub(super) fn settled(&mut self, moment: Moment, set: &ValidatorSet, certified: &Certified) {
        let until = |from: Option<u64>, to: Option<u64>| Some(to?.saturating_sub(from?));
        let round = certified.certificate.round;
        let in_round = |mark: Option<(u32, u64)>| mark.filter(|(last, _)| *last == round).map(|(_, at)| at);
        let (prevoted, precommitted) = (in_round(self.prevoted), in_round(self.precommitted));
        let decided = Steps {
            round,
            proposal: until(self.began, prevoted),
            prevotes: until(prevoted, precommitted),
            precommits: until(precommitted, Some(moment.now)),
            whole: until(self.began, Some(moment.now)),
        };
        let absent =
            certified.settlement.body.parent_certificate.as_ref().map(|parent| self.missing(set, parent));
        *self = Self { since: moment.now, decided, absent: absent.unwrap_or_default(), ..Self::default() };
    }

    /// The parent's certificate as its child has it counts those who signed a little late, as dividends do.
    fn missing(&self, set: &ValidatorSet, parent: &Certificate) -> BTreeMap<Hotkey, u64> {
        let signers = parent.signers();
        let members = set.members().iter().map(|(member, _)| *member);
        let absent = members.filter(|member| signers.binary_search(member).is_err());
        absent.map(|member| (member, self.absent.get(&member).map_or(1, |count| count + 1))).collect()
    }
}

#[cfg(test)]
mod tests {
    use crypto::Hash;
    use protocol::message::Heard;
    use protocol::telling::Words;

    use super::*;
    use crate::role::bench::{Bench, flat};
    use crate::role::{Input, Role, Timer};

    /// The proposer among four validators, which has begun a height.
    struct Proposer {
        bench: Bench,
        settler: Settler,
        draft: Hash,
    }

    impl Proposer {
        fn new(bench: Bench) -> Self {
            let settler = bench.settler(bench.proposer());
            let mut proposer = Self { bench, settler, draft: Hash::default() };
            proposer.hear(0, &Input::Started);
            proposer.hear(0, &Input::Elapsed(Timer::NextHeight));
            proposer.draft = *proposer.settler.drafts.keys().next().unwrap();
            proposer
        }

        /// What is shown after it heard this, so many milliseconds from the beginning.
        fn hear(&mut self, ms: u64, input: &Input) -> Pace {
            let start = self.bench.moment();
            let moment = Moment { now: start.now + ms, ..start };
            let mut effects = flat(self.settler.handle(moment, input));
            effects.extend(self.settler.handle(moment, &Input::Elapsed(Timer::CatchUp)));
            let shown = effects.into_iter().rev().find_map(|effect| match effect {
                Effect::Pace(pace) => Some(*pace),
                _ => None,
            });
            shown.expect("it is shown at every look around")
        }

        /// The same of a vote by the `n`th of the others.
        fn hear_vote(&mut self, ms: u64, n: usize, ballot: Ballot) -> Pace {
            let key = (self.bench.proposer() + n) % 4;
            let (height, voter) = (self.bench.tip.0.height() + 1, self.bench.keys[key].hotkey());
            let vote = self.bench.author(key, Vote::of(ballot, height, 0, Some(self.draft), voter));
            self.hear(ms, &Input::Told(Heard::Telling(Words::Votes(vec![vote]))))
        }

        fn other(&self, n: usize) -> Hotkey {
            self.bench.keys[(self.bench.proposer() + n) % 4].hotkey()
        }
    }

    #[test]
    fn the_steps_of_a_decision_are_timed_and_sum_to_the_whole() {
        let mut proposer = Proposer::new(Bench::new(4, 2));
        proposer.hear_vote(100, 1, Ballot::Prevote);
        proposer.hear_vote(140, 2, Ballot::Prevote);
        proposer.hear_vote(200, 1, Ballot::Precommit);
        let pace = proposer.hear_vote(230, 2, Ballot::Precommit);
        let (proposal, prevotes, precommits) = (Some(0), Some(140), Some(90));
        assert_eq!(pace.decided, Steps { round: 0, proposal, prevotes, precommits, whole: Some(230) });
        assert_eq!(pace.since, proposer.bench.moment().now + 230);
    }

    #[test]
    fn who_has_not_voted_as_far_as_we_have_is_silent() {
        let mut proposer = Proposer::new(Bench::new(4, 2));
        let mut check = |n, ballot, silent: &[usize]| {
            let pace = proposer.hear_vote(100, n, ballot);
            let others = (1..4).filter(|n| pace.silent.contains(&proposer.other(*n)));
            assert_eq!((others.collect::<Vec<_>>(), pace.silent.len()), (silent.to_vec(), silent.len()));
        };
        check(2, Ballot::Prevote, &[1, 3]);
        check(3, Ballot::Prevote, &[1, 2, 3]);
        check(2, Ballot::Precommit, &[1, 3]);
        let bystander = proposer.bench.settler(5).show_pace();
        assert!(
            matches!(bystander, Effect::Pace(pace) if pace.silent.is_empty()),
            "nobody tells it their votes"
        );
    }

    #[test]
    fn settlements_without_a_members_signature_are_counted_until_it_signs() {
        let mut bench = Bench::new(4, 2);
        let mut settler = bench.settler(5);
        let gone = bench.keys[3].hotkey();
        let counts = [true, true, false, false].map(|is_gone| {
            bench.settle(&[]);
            let (_, tip) = &mut bench.tip;
            let certified = tip.as_mut().expect("something is settled");
            if is_gone {
                certified.certificate.signatures.retain(|(signer, _)| *signer != gone);
            }
            let told = Input::Told(Heard::Settled(Box::new(certified.clone())));
            settler.handle(bench.moment(), &told);
            settler.watch.absent.get(&gone).copied()
        });
        assert_eq!(
            counts,
            [None, Some(1), Some(2), None],
            "a certificate is seen whole in the next settlement"
        );
    }
}
