//! The figures of a simulated run, by the names that expectations use.
use std::collections::{BTreeMap, BTreeSet};

use crypto::Hotkey;
use protocol::Amount;
use protocol::ledger::Ledger;
use protocol::metagraph::{Metagraph, NeuronRow};
use protocol::transaction::Coldkey;

use super::Course;
use crate::figure::{coins, fraction};
use crate::scenario::world::World;
use crate::scenario::{Metric, NETUID, Sample, Scope, Source};
use crate::simulation::Violation;

/// All that an owner has: spendable, behind hotkeys, and on its way back.
pub(super) fn wealth(ledger: &Ledger, owner: &Coldkey) -> Amount {
    let stakes = ledger.stakes_of(owner).into_iter().map(|(_, amount)| amount);
    let locks = ledger.locks_of(owner).into_iter().map(|(.., amount)| amount);
    let all = stakes.chain(locks).chain([ledger.balance(owner)]);
    Amount(all.fold(0, |sum, amount| sum.saturating_add(amount.0)))
}

impl<W: World> Source for Course<'_, W> {
    fn samples(&self, metric: Metric, mark: Option<&str>) -> Vec<Sample> {
        if metric.scope() == Scope::Network {
            return self
                .network(metric)
                .map(|value| Sample { neuron: None, value, per: 1.0 })
                .into_iter()
                .collect();
        }
        let ledger = self.world.record().ledger();
        let found = Found::of(ledger, metric);
        let one = |(place, id)| {
            let (value, per) = self.neuron(metric, mark, place, &found)?;
            Some(Sample { neuron: Some(id), value, per })
        };
        self.ids.iter().copied().enumerate().filter_map(one).collect()
    }
}

/// What the last epoch found, where a metric is of that.
struct Found {
    metagraph: Option<Metagraph>,
    /// The mean of validators' last weights by uid, by stake.
    weights: BTreeMap<u16, f64>,
}

impl Found {
    fn of(ledger: &Ledger, metric: Metric) -> Self {
        use Metric::{Consensus, Dividends, DividendsPerStake, Emission, Incentive, Permit, Trust, Weight};
        let needs_table = matches!(
            metric,
            Consensus | Dividends | DividendsPerStake | Emission | Incentive | Permit | Trust
        );
        Self {
            metagraph: needs_table.then(|| ledger.metagraph(NETUID)).flatten(),
            weights: if metric == Weight { weights(ledger) } else { BTreeMap::new() },
        }
    }

    fn row(&self, hotkey: &Hotkey) -> Option<&NeuronRow> {
        self.metagraph.as_ref()?.neuron(hotkey)
    }

    fn all_stake(&self) -> f64 {
        let rows = self.metagraph.iter().flat_map(|it| &it.neurons);
        rows.map(|row| coins(row.stake)).sum()
    }
}

fn weights(ledger: &Ledger) -> BTreeMap<u16, f64> {
    let (mut sums, mut all) = (BTreeMap::<u16, f64>::new(), 0.0);
    for (hotkey, row, _) in ledger.revealed(NETUID) {
        let stake = coins(ledger.stake_of(&hotkey));
        let total: f64 = row.0.iter().map(|(_, weight)| f64::from(*weight)).sum();
        all += stake;
        for (uid, weight) in row.0.iter().filter(|_| total > 0.0) {
            *sums.entry(uid.0).or_default() += stake * f64::from(*weight) / total;
        }
    }
    sums.into_iter().map(|(uid, sum)| (uid, sum / all)).collect()
}

impl<W: World> Course<'_, W> {
    fn network(&self, metric: Metric) -> Option<f64> {
        let (world, record) = (&self.world, self.world.record());
        let ledger = record.ledger();
        let broken =
            |is: fn(&Violation) -> bool| record.violations().iter().filter(|it| is(it)).count() as f64;
        let seconds = |ms: u64| ms as f64 / 1_000.0;
        let stall = world.elapsed_ms() - self.settled_at;
        let heights = || (0..self.ids.len()).filter_map(|node| world.height_of(node));
        Some(match metric {
            Metric::Height => ledger.height() as f64,
            Metric::Epoch => ledger.epoch(NETUID)? as f64,
            Metric::Time => seconds(world.elapsed_ms()),
            Metric::Forks => {
                let forked = record.violations().iter().filter_map(|it| match it {
                    Violation::Fork { height, .. } => Some(height),
                    _ => None,
                });
                forked.collect::<BTreeSet<_>>().len() as f64
            }
            Metric::SupplyErrors => broken(|it| matches!(it, Violation::Supply { .. })),
            Metric::RootErrors => broken(|it| matches!(it, Violation::Root { .. })),
            Metric::Forged => broken(|it| matches!(it, Violation::Certificate { .. })),
            Metric::HonestAccused => record.counts().honest_accused as f64,
            Metric::Accused => (record.counts().accused + record.counts().honest_accused) as f64,
            Metric::Evidence => record.counts().punished as f64,
            Metric::SlashedTotal => coins(ledger.burned().slashes),
            Metric::Round => f64::from(record.counts().last_round),
            Metric::RoundsWorst => f64::from(record.counts().worst_round),
            Metric::Stall => seconds(stall),
            Metric::StallWorst => seconds(stall.max(self.longest_stall)),
            Metric::Lag => (heights().max()? - heights().min()?) as f64,
            Metric::Burned => coins(ledger.burned().total()),
            Metric::RegistrationCost => coins(ledger.price(NETUID)?),
            Metric::TopShare => self.top_share()?,
            _ => return None,
        })
    }

    /// The share of all stake that the group with the most stake has.
    fn top_share(&self) -> Option<f64> {
        let mut groups = BTreeMap::<usize, f64>::new();
        for (place, id) in self.ids.iter().enumerate().filter(|(place, _)| !self.is_twin(*place)) {
            *groups.entry(id.group).or_default() += self.stake(place);
        }
        let all: f64 = groups.values().sum();
        (all > 0.0).then(|| groups.values().fold(0.0, |most: f64, own| most.max(*own)) / all)
    }

    fn stake(&self, place: usize) -> f64 {
        coins(self.world.record().ledger().stake_of(&self.world.hotkey(place)))
    }

    fn is_twin(&self, place: usize) -> bool {
        self.scenario.group(self.ids[place]).twin_of.is_some()
    }

    /// A neuron's figure and for how much it is; what the ledger knows only once of twins the original has.
    fn neuron(&self, metric: Metric, mark: Option<&str>, place: usize, found: &Found) -> Option<(f64, f64)> {
        let (world, ledger) = (&self.world, self.world.record().ledger());
        let (hotkey, doings) = (world.hotkey(place), &world.doings()[place]);
        let flag = |it: bool| if it { 1.0 } else { 0.0 };
        let own = |value: f64| Some((value, 1.0));
        let here = match metric {
            Metric::Answers => return own(doings.answers as f64),
            Metric::Questions => return own(doings.questions as f64),
            Metric::Declined => return own(doings.declined as f64),
            Metric::Refused if !world.knows_refusals() => return None,
            Metric::Refused => return own(doings.refused as f64),
            Metric::HeightOf => return own(world.height_of(place)? as f64),
            Metric::Up => return own(flag(world.height_of(place).is_some())),
            Metric::Halted => return own(flag(doings.halted.is_some())),
            Metric::Fired => {
                let counted = doings.fired.iter().filter(|(name, _)| mark.is_none_or(|mark| mark == *name));
                return own(counted.map(|(_, times)| *times as f64).sum());
            }
            _ if self.is_twin(place) => return None,
            Metric::Stake => self.stake(place),
            Metric::Balance => coins(ledger.balance(&world.owner(place))),
            Metric::Wealth => *self.wealth[place].last()?,
            Metric::Earned => self.earned(place)?,
            Metric::EarnedPerStake => return Some((self.earned(place)?, coins(self.group(place).stake))),
            Metric::EarnedPerAnswer => return Some((self.earned(place)?, doings.answers as f64)),
            Metric::Slashed => coins(world.record().slashed(&hotkey)),
            Metric::Jailed => flag(ledger.jailed_since(&hotkey).is_some()),
            Metric::Culprit => flag(world.record().is_culprit(&hotkey)),
            Metric::Registered => flag(ledger.slot(NETUID, &hotkey).is_some()),
            Metric::Weight => *found.weights.get(&ledger.slot(NETUID, &hotkey)?.0).unwrap_or(&0.0),
            Metric::Score => self.score(&hotkey)?,
            Metric::Permit => flag(found.row(&hotkey)?.permit),
            Metric::Dividends => fraction(found.row(&hotkey)?.dividends),
            Metric::DividendsPerStake => {
                let row = found.row(&hotkey)?;
                return Some((fraction(row.dividends), coins(row.stake) / found.all_stake()));
            }
            Metric::Incentive => fraction(found.row(&hotkey)?.incentive),
            Metric::Consensus => fraction(found.row(&hotkey)?.consensus),
            Metric::Emission => coins(found.row(&hotkey)?.emission),
            Metric::Trust if self.validates(place) => fraction(found.row(&hotkey)?.validator_trust),
            Metric::Trust => fraction(found.row(&hotkey)?.trust),
            _ => return None,
        };
        own(here)
    }

    fn group(&self, place: usize) -> &crate::scenario::Group {
        self.scenario.group(self.ids[place])
    }

    fn validates(&self, place: usize) -> bool {
        self.group(place).duty == crate::scenario::Duty::Validator
    }

    /// By how much its owner's wealth grew.
    pub(super) fn earned(&self, place: usize) -> Option<f64> {
        let wealth = &self.wealth[place];
        Some(wealth.last()? - wealth.first()?)
    }

    /// The mean of validators' running scores of a miner.
    fn score(&self, miner: &Hotkey) -> Option<f64> {
        let scores: Vec<_> = (0..self.ids.len()).filter_map(|node| self.world.score(node, miner)).collect();
        let sum: f64 = scores.iter().sum();
        (!scores.is_empty()).then(|| sum / scores.len() as f64)
    }
}
