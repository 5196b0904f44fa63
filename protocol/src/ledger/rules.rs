//! Rules of a subnet that its owner changes, now and then and within limits (spec sections 13 and 14).
use std::fmt::Display;

use super::entry::Subnet;
use super::refusal::Beyond;
use super::{Ledger, Refusal};
use crate::parameters::{Founding, Hyperparameters, Limits};
use crate::subnet::{Netuid, Rule};
use crate::transaction::Coldkey;
use crate::{Amount, emission};

/// Epochs between the change before and a new version of the scoring code: validators must find the time to install
/// it (spec section 14).
const VERSION_EPOCHS: u64 = 5;

/// A number that breaks a rule, and the rule.
type Fault = (&'static str, &'static str);

impl Ledger {
    /// Whether an owner may change a rule of its subnet now.
    pub(super) fn check_rule(&self, netuid: Netuid, coldkey: Coldkey, rule: &Rule) -> Result<(), Refusal> {
        let subnet = self.owned_subnet(netuid, coldkey)?;
        let founding = &self.parameters().founding;
        let epochs = match rule {
            Rule::WeightsVersion(_) => founding.change_epochs.max(VERSION_EPOCHS),
            _ => founding.change_epochs,
        };
        let wait = subnet.hyperparameters.tempo.saturating_mul(epochs);
        let next = subnet.changed.saturating_add(wait);
        if self.height() + 1 < next {
            return Err(Refusal::ChangedLately(netuid, next));
        }
        let last = subnet.epoch.last;
        if last.saturating_sub(self.height()) <= founding.freeze {
            return Err(Refusal::Frozen(netuid, last.saturating_add(1)));
        }
        let rules = ruled(subnet, rule);
        let broken = |(name, rule)| Refusal::Rule { netuid, name, rule };
        rules.check().map_err(broken)?;
        let beyond = |beyond| Refusal::Limit { netuid, beyond };
        check_limits(rule, &rules, &founding.limits).map_err(beyond)?;
        check_window(rule, &rules, founding).map_err(broken)
    }

    pub(super) fn set_rule(&mut self, netuid: Netuid, rule: &Rule) {
        let changed = self.height() + 1;
        let Some(rules) = self.subnets.get(&netuid).map(|subnet| ruled(subnet, rule)) else { return };
        if let Some(subnet) = self.subnets.get_mut(&netuid) {
            (subnet.hyperparameters, subnet.changed) = (rules, changed);
        }
    }
}

/// The rules of a subnet with one of them changed.
fn ruled(subnet: &Subnet, rule: &Rule) -> Hyperparameters {
    let mut rules = subnet.hyperparameters.clone();
    match *rule {
        Rule::Tempo(settlements) => rules.tempo = settlements,
        Rule::RevealWindow(epochs) => rules.reveal_window = epochs,
        Rule::Immunity(settlements) => rules.immunity = settlements,
        Rule::MinimumPrunable(neurons) => rules.minimum_prunable = neurons,
        Rule::Permits(permits) => rules.permits = permits,
        Rule::MinimumWeights(targets) => rules.minimum_weights = targets,
        Rule::WeightsVersion(version) => rules.weights_version = version,
        Rule::BondsPenalty(part) => rules.bonds_penalty = part,
        Rule::BondsMovingAverage(millionths) => rules.bonds_moving_average = millionths,
        Rule::LiquidAlpha(on) => rules.liquid.on = on,
        Rule::LiquidLow(speed) => rules.liquid.low = speed,
        Rule::LiquidHigh(speed) => rules.liquid.high = speed,
        Rule::LiquidSteepness(hundredths) => rules.liquid.steepness = hundredths,
        Rule::MinimumBurn(price) => rules.burn.minimum = price,
        Rule::MaximumBurn(price) => rules.burn.maximum = price,
        Rule::BurnHalfLife(settlements) => rules.burn.half_life = settlements,
        Rule::BurnMultiplier(hundredths) => rules.burn.multiplier = hundredths,
    }
    rules.burn.start = rules.burn.start.clamp(rules.burn.minimum, rules.burn.maximum.max(rules.burn.minimum));
    rules
}

/// Whether the rule that changed is within the network's limits; the others are not the owner's doing.
fn check_limits(rule: &Rule, rules: &Hyperparameters, limits: &Limits) -> Result<(), Beyond> {
    match *rule {
        Rule::Tempo(tempo) => within("tempo", tempo, limits.least_tempo, limits.most_tempo),
        Rule::RevealWindow(window) => within("reveal_window", window, 1, limits.most_reveal_window),
        // Else only newcomers would make room.
        Rule::MinimumPrunable(neurons) => within("minimum_prunable", neurons, 0, rules.slots / 2),
        Rule::Permits(permits) => within("permits", permits, 1, limits.most_permits),
        Rule::BondsMovingAverage(old) => within("bonds_moving_average", old, 0, limits.most_bonds_average),
        Rule::MinimumBurn(price) => within("burn.minimum", price, Amount::ZERO, limits.most_minimum_burn),
        Rule::MaximumBurn(price) => within("burn.maximum", price, limits.least_maximum_burn, emission::CAP),
        Rule::BurnHalfLife(span) => within("burn.half_life", span, 1, limits.most_burn_half_life),
        Rule::BurnMultiplier(times) => within("burn.multiplier", times, 100, limits.most_burn_multiplier),
        _ => Ok(()),
    }
}

fn within<T: Ord + Display>(name: &'static str, value: T, least: T, most: T) -> Result<(), Beyond> {
    match (&least..=&most).contains(&&value) {
        true => Ok(()),
        false => {
            Err(Beyond { name, value: value.to_string(), least: least.to_string(), most: most.to_string() })
        }
    }
}

/// Whether reveals stay as hard to keep out as in a new subnet.
fn check_window(rule: &Rule, rules: &Hyperparameters, founding: &Founding) -> Result<(), Fault> {
    let window = |rules: &Hyperparameters| rules.tempo.saturating_mul(rules.reveal_window);
    match *rule {
        Rule::Tempo(_) | Rule::RevealWindow(_) if window(rules) < window(&founding.defaults) => Err((
            "tempo",
            "times reveal_window must be as much as in a new subnet, or reveals can be kept out",
        )),
        _ => Ok(()),
    }
}
