//! A subnet whose validators vote epoch after epoch.
use protocol::subnet::Uid;
use protocol::yuma::{Ballot, Outcome, Setting, epoch, stored};

/// Validators first, then miners; bonds are carried from epoch to epoch.
#[derive(Clone)]
pub(crate) struct Subnet {
    pub(crate) setting: Setting,
    pub(crate) ballots: Vec<Ballot>,
}

impl Subnet {
    /// One validator for each stake.
    pub(crate) fn new(stakes: &[u64], miners: usize, setting: &Setting) -> Self {
        let voter = |stake: &u64| Ballot { stake: *stake, permit: true, active: true, updated: 1, ..miner() };
        let ballots = stakes.iter().map(voter).chain((0..miners).map(|_| miner())).collect();
        Self { setting: Setting { start: 1, ..setting.clone() }, ballots }
    }

    /// One epoch in which validators show these rows, in their order.
    pub(crate) fn count(&mut self, rows: Vec<Vec<(Uid, u16)>>) -> Outcome {
        self.ballots.iter_mut().zip(rows).for_each(|(ballot, row)| ballot.row = row);
        let outcome = epoch(&self.ballots, &self.setting);
        let bonds = stored(outcome.bonds.clone(), &outcome.permits, &self.setting);
        self.ballots.iter_mut().zip(bonds.rows()).for_each(|(ballot, bonds)| ballot.bonds = bonds.clone());
        outcome
    }
}

fn miner() -> Ballot {
    Ballot::default()
}
