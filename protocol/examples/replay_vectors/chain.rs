//! Epochs that the reference chain has counted, one after another.
use std::collections::BTreeMap;

use protocol::Amount;
use protocol::subnet::Uid;
use protocol::yuma::{self, Ballot, Disagreement, Incentive, Liquid, Setting, Share, Version, Width};
use serde::Deserialize;
use serde_json::Value;

use super::quantity::{self, quantities};
use super::{Verdict, parsed};

/// The one file too large to list its inputs states this rule instead.
const UNIFORM: &str = "validators 0..63 (equal stake 328125000000000) each set raw weight 127 on every miner \
                       64..511; set at block 1; three epochs at block 1";

/// A subnet has no more uids.
const MAX_NEURONS: usize = 1 << 16;

/// Rows of `[target, value]` by voter; zeros are entries.
type Rows = BTreeMap<usize, Vec<(u16, u16)>>;

/// A file of epochs.
#[derive(Deserialize)]
pub(super) struct Chain {
    params: Params,
    n: usize,
    weights_rule: Option<String>,
    epochs: Vec<Value>,
}

#[derive(Deserialize)]
struct Params {
    raw: Raw,
    yuma3: bool,
    liquid_alpha: bool,
    max_validators: usize,
    stake_threshold: u64,
    activity_cutoff: u64,
    tempo: u64,
    owner_uid: Option<u16>,
    commit_reveal: bool,
    epoch_emission: u64,
    sparse_path: bool,
}

#[derive(Deserialize)]
struct Raw {
    kappa_u16: u16,
    bonds_penalty_u16: u16,
    bonds_moving_average_ppm: u64,
    alpha_low_u16: u16,
    alpha_high_u16: u16,
    alpha_sigmoid_steepness: u16,
}

/// When an epoch was counted, and what happened before.
#[derive(Deserialize)]
struct Epoch {
    block: u64,
    last_successful_epoch_block: Option<u64>,
    reset_bonds_of_miner_before: Option<u16>,
    #[serde(default)]
    replaced_before: Vec<Replaced>,
    expected: Value,
}

#[derive(Deserialize)]
struct Replaced {
    uid: usize,
}

/// What neurons brought to an epoch; lists are by uid.
#[derive(Deserialize)]
struct Inputs {
    stake: Vec<u64>,
    weights_rows: Rows,
    permits_in: Vec<u8>,
    last_update: Vec<u64>,
    registered_at: Vec<u64>,
    #[serde(default)]
    earliest_waiting_commit_block: BTreeMap<usize, u64>,
}

/// What an epoch leaves to the next.
struct Carried {
    bonds: Vec<Vec<(Uid, Share)>>,
    permits: Vec<bool>,
}

impl Chain {
    /// Counts every epoch with the bonds that ours before it left.
    pub(super) fn replay(mut self) -> Result<Verdict, String> {
        if !self.params.sparse_path {
            return Ok(Verdict::Skipped(
                "the reference's test-only path, which its production path contradicts",
            ));
        }
        if self.weights_rule.as_deref().is_some_and(|rule| rule != UNIFORM) {
            return Err("unknown weights_rule".into());
        }
        if self.n > MAX_NEURONS {
            return Err(format!("n is {}, and no subnet has more than {MAX_NEURONS} neurons", self.n));
        }
        let epochs = std::mem::take(&mut self.epochs);
        let mut carried = Carried { bonds: vec![Vec::new(); self.n], permits: vec![false; self.n] };
        for (i, epoch) in epochs.iter().enumerate() {
            let difference =
                self.count(epoch, &mut carried).map_err(|error| format!("epoch {i}: {error}"))?;
            if let Some(difference) = difference {
                return Ok(Verdict::Differs(i, format!("epoch {i}: {difference}")));
            }
        }
        Ok(Verdict::Equal(epochs.len()))
    }

    /// Counts one epoch; returns the first difference.
    fn count(&self, value: &Value, carried: &mut Carried) -> Result<Option<String>, String> {
        let epoch: Epoch = parsed(value.clone())?;
        let inputs = match self.weights_rule {
            Some(_) => uniform(epoch.block, &carried.permits),
            None => parsed(value.clone())?,
        };
        carried.forget(&epoch);
        if let Some(difference) = quantity::bonds_in(&carried.bonds).difference(value)? {
            return Ok(Some(difference));
        }
        let ballots = self.ballots(&epoch, inputs, &carried.bonds)?;
        let setting = self.params.setting(&epoch);
        let outcome = yuma::epoch(&ballots, &setting);
        let active: Vec<_> = ballots.iter().map(|ballot| ballot.active).collect();
        let stored = yuma::stored(outcome.bonds.clone(), &outcome.permits, &setting);
        let quantities = quantities(&outcome, &active, &stored, Amount(self.params.epoch_emission));
        *carried = Carried { bonds: stored.rows().to_vec(), permits: outcome.permits };
        quantity::first_difference(&quantities, &epoch.expected)
    }

    fn ballots(
        &self,
        epoch: &Epoch,
        mut inputs: Inputs,
        bonds: &[Vec<(Uid, Share)>],
    ) -> Result<Vec<Ballot>, String> {
        inputs.check(self.n)?;
        let cutoff = self.params.activity_cutoff;
        let ballot = |uid: usize| Ballot {
            stake: inputs.stake[uid],
            permit: inputs.permits_in[uid] != 0,
            active: inputs.last_update[uid].saturating_add(cutoff) >= epoch.block, // spec section 2.1
            row: inputs.weights_rows.remove(&uid).into_iter().flatten().map(|(j, w)| (Uid(j), w)).collect(),
            updated: inputs.last_update[uid],
            waiting: inputs.earliest_waiting_commit_block.remove(&uid).filter(|_| self.params.commit_reveal),
            registered: inputs.registered_at[uid],
            bonds: bonds[uid].clone(),
        };
        Ok((0..self.n).map(ballot).collect())
    }
}

impl Params {
    fn setting(&self, epoch: &Epoch) -> Setting {
        let liquid = Liquid {
            low: Share::of_u16(self.raw.alpha_low_u16),
            high: Share::of_u16(self.raw.alpha_high_u16),
            steepness: self.raw.alpha_sigmoid_steepness,
            erases: true,
        };
        let never = epoch.block.saturating_sub(self.tempo); // spec section 2.10
        Setting {
            kappa: Share::of_u16(self.raw.kappa_u16),
            penalty: Share::of_u16(self.raw.bonds_penalty_u16),
            alpha: Share::ONE - Share::ratio(self.raw.bonds_moving_average_ppm, 1_000_000),
            liquid: self.liquid_alpha.then_some(liquid),
            threshold: self.stake_threshold,
            permits: self.max_validators,
            owner: self.owner_uid.map(Uid),
            start: epoch.last_successful_epoch_block.map_or(never, |last| last.saturating_add(1)),
            incentive: Incentive::Rank,
            version: if self.yuma3 { Version::Three } else { Version::Two },
            width: Width::Bits16,
            disagreement: Disagreement::Stake,
        }
    }
}

impl Inputs {
    fn check(&self, n: usize) -> Result<(), String> {
        let lists = [
            ("stake", self.stake.len()),
            ("permits_in", self.permits_in.len()),
            ("last_update", self.last_update.len()),
            ("registered_at", self.registered_at.len()),
        ];
        if let Some((name, length)) = lists.iter().find(|(_, length)| *length != n) {
            return Err(format!("{name} has {length} entries for {n} neurons"));
        }
        match self.weights_rows.iter().find(|(_, row)| !row.is_sorted_by(|a, b| a.0 < b.0)) {
            Some((voter, _)) => Err(format!("targets of weights_rows[{voter}] do not rise strictly")),
            None => Ok(()),
        }
    }
}

/// The inputs of [`UNIFORM`].
fn uniform(block: u64, permits: &[bool]) -> Inputs {
    let (n, validators) = (512, 64);
    let row: Vec<_> = (validators..n).map(|miner| (miner, 127)).collect();
    let by_uid = |of_validator| (0..n).map(|uid| if uid < validators { of_validator } else { 0 }).collect();
    Inputs {
        stake: by_uid(328_125_000_000_000),
        weights_rows: (0..usize::from(validators)).filter(|_| block > 0).map(|i| (i, row.clone())).collect(),
        permits_in: permits.iter().map(|permit| u8::from(*permit)).collect(),
        last_update: by_uid(block),
        registered_at: by_uid(0),
        earliest_waiting_commit_block: BTreeMap::new(),
    }
}

impl Carried {
    /// Drops the bonds of replaced neurons, and those to a miner whose bonds are reset.
    fn forget(&mut self, epoch: &Epoch) {
        for replaced in &epoch.replaced_before {
            self.bonds.get_mut(replaced.uid).into_iter().for_each(Vec::clear);
        }
        for row in &mut self.bonds {
            row.retain(|(uid, _)| Some(uid.0) != epoch.reset_bonds_of_miner_before);
        }
    }
}
