//! Proof that a validator signed two things where one is allowed.
use crypto::{Hash, Hotkey};
use serde::{Deserialize, Serialize};

use super::vote::{Proposal, Vote};
use crate::{Error, Payload, Signed, Verified};

/// Two signatures that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Evidence {
    /// Two votes of one kind, height and round.
    Votes(Box<(Signed<Vote>, Signed<Vote>)>),
    /// Two proposals of one height and round.
    Proposals(Box<(Signed<Proposal>, Signed<Proposal>)>),
}

/// Evidence that proves its point. Made only by [`Evidence::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    evidence: Evidence,
    height: u64,
}

impl Evidence {
    /// The longest encoding of what [`Evidence::verify`] accepts, in bytes: two small payloads, keys and signatures.
    pub const MAX_BYTES: usize = 1024;

    /// Two votes, in the one order that counts.
    pub fn votes(one: Signed<Vote>, other: Signed<Vote>) -> Self {
        Self::Votes(Box::new(in_order(one, other)))
    }

    /// Two proposals, in the one order that counts.
    pub fn proposals(one: Signed<Proposal>, other: Signed<Proposal>) -> Self {
        Self::Proposals(Box::new(in_order(one, other)))
    }

    /// Who signed both.
    pub fn offender(&self) -> Hotkey {
        match self {
            Self::Votes(pair) => pair.0.signer,
            Self::Proposals(pair) => pair.0.signer,
        }
    }

    /// Checks both signatures, and that one signer may not have made them both.
    pub fn verify(self, genesis: &Hash) -> Result<Proven, Error> {
        let height = match &self {
            Self::Votes(pair) => {
                let (a, b) = both(pair, genesis)?;
                let place = |vote: &Vote| (vote.voter, vote.ballot, vote.height, vote.round);
                (place(&a) == place(&b) && a.header != b.header).then_some(a.height.0)
            }
            Self::Proposals(pair) => {
                let (a, b) = both(pair, genesis)?;
                let place = |proposal: &Proposal| (proposal.proposer, proposal.height, proposal.round);
                (place(&a) == place(&b) && *a != *b).then_some(a.height.0)
            }
        };
        let height = height.ok_or(invalid("the two do not contradict each other"))?;
        Ok(Proven { evidence: self, height })
    }
}

impl Proven {
    /// Who signed both.
    pub fn offender(&self) -> Hotkey {
        self.evidence.offender()
    }

    /// The height that both are about.
    pub fn height(&self) -> u64 {
        self.height
    }

    /// The form that travels.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The form that travels, giving up the proof.
    pub fn into_evidence(self) -> Evidence {
        self.evidence
    }
}

fn in_order<T: Ord>(one: T, other: T) -> (T, T) {
    if one <= other { (one, other) } else { (other, one) }
}

/// The two, each proven to be its signer's.
fn both<T: Payload + Ord + Clone>(
    pair: &(Signed<T>, Signed<T>),
    genesis: &Hash,
) -> Result<(Verified<T>, Verified<T>), Error> {
    let (a, b) = pair;
    if a > b {
        return Err(invalid("the two are out of order"));
    }
    Ok((a.clone().verify(genesis)?, b.clone().verify(genesis)?))
}

fn invalid(reason: &'static str) -> Error {
    Error::Invalid { kind: "evidence", reason }
}

#[cfg(test)]
mod tests {
    use arc_malachitebft_core_types::Round;
    use crypto::Keypair;

    use super::super::context::{Candidate, Height, Voter};
    use super::super::vote::Ballot;
    use super::*;

    const HERE: Hash = Hash([1; 32]);
    const ELSEWHERE: Hash = Hash([2; 32]);

    fn key(n: u8) -> Keypair {
        Keypair::from_seed([n; 32])
    }

    fn sign<T: Payload>(n: u8, genesis: &Hash, value: T) -> Signed<T> {
        Signed::author(&key(n), genesis, value).into_signed()
    }

    fn vote(n: u8, ballot: Ballot, height: u64, round: u32, header: Option<u8>) -> Signed<Vote> {
        let header = header.map(|header| Hash([header; 32]));
        sign(n, &HERE, Vote::of(ballot, height, round, header, key(n).hotkey()))
    }

    fn proposal(header: u8, locked_in: Round) -> Signed<Proposal> {
        let (height, round, proposer) = (Height(5), Round::new(2), Voter(key(1).hotkey()));
        sign(1, &HERE, Proposal { height, round, header: Candidate(Hash([header; 32])), locked_in, proposer })
    }

    #[track_caller]
    fn proves(evidence: Evidence) {
        let proven = evidence.verify(&HERE).expect("the two contradict each other");
        assert_eq!((proven.offender(), proven.height()), (key(1).hotkey(), 5));
        assert!(crate::codec::encode(proven.evidence()).len() <= Evidence::MAX_BYTES);
    }

    #[track_caller]
    fn check(evidence: Evidence, reason: &str) {
        let refused = evidence.verify(&HERE).expect_err("it proves nothing").to_string();
        assert!(refused.contains(reason), "{refused}\nand not: {reason}");
    }

    #[test]
    fn two_votes_or_proposals_where_one_is_allowed_prove_an_offence() {
        use Ballot::{Precommit, Prevote};
        for ballot in [Prevote, Precommit] {
            proves(Evidence::votes(vote(1, ballot, 5, 0, Some(7)), vote(1, ballot, 5, 0, Some(8))));
            proves(Evidence::votes(vote(1, ballot, 5, 0, Some(7)), vote(1, ballot, 5, 0, None)));
        }
        proves(Evidence::proposals(proposal(7, Round::Nil), proposal(8, Round::Nil)));
        proves(Evidence::proposals(proposal(7, Round::Nil), proposal(7, Round::new(1))));
    }

    #[test]
    fn what_one_signer_may_sign_proves_nothing() {
        use Ballot::{Precommit, Prevote};
        let first = || vote(1, Prevote, 5, 0, Some(7));
        let nothing = "do not contradict";
        for other in [
            first(),
            vote(1, Precommit, 5, 0, Some(8)),
            vote(1, Prevote, 6, 0, Some(8)),
            vote(1, Prevote, 5, 1, Some(8)),
            vote(2, Prevote, 5, 0, Some(8)),
        ] {
            check(Evidence::votes(first(), other), nothing);
        }
        check(Evidence::proposals(proposal(7, Round::Nil), proposal(7, Round::Nil)), nothing);
    }

    #[test]
    fn forged_foreign_or_turned_round_evidence_is_refused() {
        let pair = || (vote(1, Ballot::Prevote, 5, 0, Some(7)), vote(1, Ballot::Prevote, 5, 0, None));
        let (a, b) = in_order(pair().0, pair().1);
        check(Evidence::Votes(Box::new((b, a))), "out of order");
        let vote = |header| Vote::of(Ballot::Prevote, 5, 0, header, key(1).hotkey());
        let foreign = |header| sign(1, &ELSEWHERE, vote(header));
        check(Evidence::votes(foreign(Some(HERE)), foreign(None)), "bad signature");
        let forged = Signed::assemble(key(1).hotkey(), &vote(None), sign(2, &HERE, vote(None)).signature());
        check(Evidence::votes(pair().0, forged), "bad signature");
        let framed = |header| sign(2, &HERE, vote(header));
        check(Evidence::votes(framed(Some(HERE)), framed(None)), "in the name of");
    }
}
