//! The economic verdict: what an attack earned and cost, and what honest peers lost by it.
//!
//! The same scenario is run again with everybody honest and nothing going wrong; the difference is the attack's doing.
use serde::Serialize;

use super::simulated::Run;
use super::{Action, Conduct, Duty, Group, NeuronId, Scenario, Skew};
use crate::figure::coins;

/// What each group gained or lost by an attack.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Books {
    /// By group, in the order of the scenario; twins are booked with their originals.
    pub accounts: Vec<Account>,
}

/// What a group earned. Amounts are in coins.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Account {
    /// The group.
    pub group: String,
    /// How it behaves.
    pub behaviour: String,
    /// Whether it is other than honest.
    pub attacks: bool,
    /// What it began with at stake.
    pub stake: f64,
    /// Work that it did: answers of miners, questions of validators.
    pub work: u64,
    /// By how much its owners' wealth grew.
    pub earned: f64,
    /// By how much it grows where everybody is honest.
    pub honest: f64,
    /// What it lost for signing twice, of that.
    pub slashed: f64,
    /// Earned for each coin at stake, if any is.
    pub per_stake: Option<f64>,
    /// Earned for each piece of work, if it did any.
    pub per_work: Option<f64>,
}

impl Scenario {
    /// The same network with everybody honest and nothing going wrong: whoever attacks without behaving otherwise, such
    /// as the second instance of a twin, does not come.
    pub fn without_crime(&self) -> Self {
        let mut sound = self.clone();
        let originals: Vec<_> = self.groups.iter().filter_map(|group| Some(group.twin_of?.group)).collect();
        for (place, group) in sound.groups.iter_mut().enumerate() {
            let only_by_being_there =
                group.attacks && group.conduct.is_honest() && !originals.contains(&place);
            group.absent |= only_by_being_there;
            (group.conduct, group.skew) = (Conduct::honest(group.place.clone()), Skew(0));
        }
        let comes = |id: NeuronId| !self.group(id).attacks || !self.group(id).conduct.is_honest();
        sound.events.retain(|event| match &event.action {
            Action::Join(who) => who.iter().any(comes),
            action => !action.is_fault(),
        });
        sound
    }
}

impl Books {
    /// Compares a run with one of [`Scenario::without_crime`].
    pub fn of(scenario: &Scenario, run: &Run, honest: &Run) -> Self {
        let ids: Vec<_> = scenario.neurons().collect();
        let account = |(place, group): (usize, &Group)| {
            let members = || ids.iter().enumerate().filter(move |(_, id)| booked(scenario, **id) == place);
            let of = |run: &Run, figure: fn(&Run, usize) -> f64| -> f64 {
                members().map(|(member, _)| figure(run, member)).sum()
            };
            let stake = coins(group.stake) * group.count as f64;
            let work = members().map(|(member, _)| work(run, group, member)).sum();
            let earned = of(run, earned);
            let behaviour = group.conduct.behaviour.get_ref();
            Account {
                group: group.name.to_string(),
                behaviour: behaviour.name(),
                attacks: group.attacks,
                stake,
                work,
                earned,
                honest: of(honest, self::earned),
                slashed: of(run, |run, member| run.slashed[member]),
                per_stake: (stake > 0.0).then(|| earned / stake),
                per_work: (work > 0).then(|| earned / work as f64),
            }
        };
        Self { accounts: scenario.groups.iter().enumerate().map(account).collect() }
    }

    /// What attackers earned, and what they earn where everybody is honest, in coins.
    pub fn attackers(&self) -> (f64, f64) {
        let attackers = self.accounts.iter().filter(|it| it.attacks);
        attackers.fold((0.0, 0.0), |(earned, honest), it| (earned + it.earned, honest + it.honest))
    }

    /// What attackers gained over behaving honestly, in coins; negative if the attack cost them.
    pub fn gain(&self) -> f64 {
        let (earned, honest) = self.attackers();
        earned - honest
    }

    /// What honest groups lost by it, in coins; negative if they gained.
    pub fn harm(&self) -> f64 {
        let gains = self.accounts.iter().filter(|it| !it.attacks).map(Account::gain);
        0.0 - gains.sum::<f64>()
    }
}

impl Account {
    /// Earned beyond what it earns where everybody is honest.
    pub fn gain(&self) -> f64 {
        self.earned - self.honest
    }
}

/// In which group's account a neuron stands.
fn booked(scenario: &Scenario, id: NeuronId) -> usize {
    scenario.group(id).twin_of.unwrap_or(id).group
}

fn earned(run: &Run, member: usize) -> f64 {
    let wealth = &run.wealth[member];
    wealth.last().zip(wealth.first()).map_or(0.0, |(last, first)| last - first)
}

fn work(run: &Run, group: &Group, member: usize) -> u64 {
    let doings = &run.doings[member];
    if group.duty == Duty::Miner { doings.answers } else { doings.questions }
}
