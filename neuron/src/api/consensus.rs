//! How settling goes, for programs and for whoever runs a network that has stopped.
use std::collections::BTreeMap;
use std::fmt;

use crypto::Hotkey;
use protocol::ledger::Ledger;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::neuron::View;
use crate::role::Pace;

/// Intervals without a settlement that are too many: a proposer that dies costs three.
const STALLED: u64 = 5;

/// The shortest interval counted, in milliseconds: a round takes as long, however short the interval.
const SHORTEST: u64 = 1_000;

/// How settling goes, as a neuron sees it: durations in milliseconds by its clock, stake as shares of the settling set's.
///
/// Durations of votes are missing where the neuron has no vote, or was told the outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// The height in progress.
    pub height: u64,
    /// Its round; the first is 0.
    pub round: u32,
    /// How long ago the height before it was settled here, or the neuron was started.
    pub lasted_ms: u64,
    /// Whether that is too long.
    pub stalled: bool,
    /// If it is: members of the settling set whose votes of this round were not heard here.
    pub waiting_for: Vec<Hotkey>,
    /// Their stake; with a third or more of it nothing is settled until they return.
    pub waiting_stake: f64,
    /// The round that decided the last height.
    pub decided_round: u32,
    /// From the beginning of that height to the neuron's prevote in that round: a proposal was there, and judged.
    pub proposal_ms: Option<u64>,
    /// From there to its precommit: a quorum of prevotes was there.
    pub prevotes_ms: Option<u64>,
    /// From there to the decision: a quorum of precommits was there.
    pub precommits_ms: Option<u64>,
    /// All of it: from the beginning of the height to the decision.
    pub decision_ms: Option<u64>,
    /// Members that the last certificates lack, and how many in a row; since the neuron was started.
    pub absent: BTreeMap<Hotkey, u64>,
    /// Their stake.
    pub absent_stake: f64,
}

impl Consensus {
    pub(super) fn of(view: &View) -> Option<Self> {
        Some(Self::at(clock::now_ms(), &view.ledger, view.pace.as_ref()?))
    }

    fn at(now: u64, ledger: &Ledger, pace: &Pace) -> Self {
        let share = |members: &[Hotkey]| {
            let set = ledger.validators();
            set.stake(members) as f64 / set.total() as f64
        };
        let lasted_ms = now.saturating_sub(pace.since.max(ledger.time()));
        let stalled = lasted_ms > STALLED * ledger.parameters().interval.max(SHORTEST);
        let waiting_for = if stalled { pace.silent.clone() } else { Vec::new() };
        let absent: Vec<_> = pace.absent.keys().copied().collect();
        Self {
            height: ledger.height() + 1,
            round: pace.round,
            lasted_ms,
            stalled,
            waiting_stake: share(&waiting_for),
            waiting_for,
            decided_round: pace.decided.round,
            proposal_ms: pace.decided.proposal,
            prevotes_ms: pace.decided.prevotes,
            precommits_ms: pace.decided.precommits,
            decision_ms: pace.decided.whole,
            absent_stake: share(&absent),
            absent: pace.absent.clone(),
        }
    }

    /// One sentence for people, if nothing has been settled for too long.
    pub fn stall(&self) -> Option<String> {
        let since = format!("nothing settled for {} s (round {})", self.lasted_ms / 1_000, self.round);
        let sentence = match self.waiting_for[..] {
            [] => since,
            _ => format!("{since}: waiting for {}", silent(self.waiting_stake, &self.waiting_for)),
        };
        self.stalled.then_some(sentence)
    }
}

/// One line for people.
impl fmt::Display for Consensus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(stall) = self.stall() {
            return f.write_str(&stall);
        }
        write!(f, "decided in round {}", self.decided_round)?;
        let steps = [
            ("proposal", self.proposal_ms),
            ("prevotes", self.prevotes_ms),
            ("precommits", self.precommits_ms),
        ];
        for (name, ms) in steps {
            ms.map_or(Ok(()), |ms| write!(f, "  {name} {ms} ms"))?;
        }
        let absent: Vec<_> = self.absent.keys().copied().collect();
        let absence = || format!("  missing {}", silent(self.absent_stake, &absent));
        f.write_str(&if absent.is_empty() { String::new() } else { absence() })
    }
}

/// "41.7 % of stake: 2ab6d0c1, 773de8a0".
fn silent(share: f64, members: &[Hotkey]) -> String {
    let names: Vec<_> = members.iter().map(Hotkey::short).collect();
    format!("{:.1} % of stake: {}", 100.0 * share, names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Steps;
    use crate::role::bench::Bench;

    fn at(seconds: u64, silent: &[usize], absent: &[usize]) -> Consensus {
        let bench = Bench::new(4, 2);
        let key = |n: &usize| bench.keys[*n].hotkey();
        let pace = Pace {
            since: 1_000_000,
            silent: silent.iter().map(key).collect(),
            decided: Steps {
                proposal: Some(310),
                prevotes: Some(140),
                precommits: Some(90),
                ..Steps::default()
            },
            absent: absent.iter().map(|n| (key(n), 2)).collect(),
            ..Pace::default()
        };
        Consensus::at(1_000_000 + 1_000 * seconds, &bench.tip.0, &pace)
    }

    #[test]
    fn a_halted_network_names_whom_it_waits_for_and_their_stake() {
        let stalled = at(34, &[1, 3], &[]);
        let names = stalled.waiting_for.iter().map(Hotkey::short).collect::<Vec<_>>().join(", ");
        let told = format!("nothing settled for 34 s (round 0): waiting for 50.0 % of stake: {names}");
        assert_eq!(stalled.to_string(), told);
        assert_eq!(at(34, &[], &[]).to_string(), "nothing settled for 34 s (round 0)");
    }

    #[test]
    fn a_network_that_settles_tells_its_steps_and_who_is_missing() {
        let steps = "decided in round 0  proposal 310 ms  prevotes 140 ms  precommits 90 ms";
        let (well, one_lost) = (at(2, &[1, 3], &[]), at(2, &[], &[2]));
        assert!(well.waiting_for.is_empty() && well.stall().is_none(), "{well:?}");
        assert_eq!(well.to_string(), steps);
        let name = one_lost.absent.keys().next().unwrap().short();
        assert_eq!(one_lost.to_string(), format!("{steps}  missing 25.0 % of stake: {name}"));
    }
}
