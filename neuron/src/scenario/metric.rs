//! What can be expected of a run: its figures by name.
use std::fmt;

/// What a metric counts, and so what several neurons have together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Coins or a share of a whole: together, the sum.
    Amount,
    /// How many, or how often: together, the sum.
    Counter,
    /// So much for each of something: together, the ratio of both sums.
    Ratio,
    /// How something stands: several have nothing together but a mean, a least and a greatest.
    State,
}

/// Whether neurons have it, each its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The network has one.
    Network,
    /// Each neuron has one.
    Neuron,
}

/// Declares each metric once: its scope, kind, variant, name and meaning.
macro_rules! metrics {
    ($($scope:ident $kind:ident $variant:ident $name:literal $doc:literal)*) => {
        /// A figure of a run. Amounts are in coins, times in seconds, shares 0 to 1, flags 0 or 1.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Metric {
            $(#[doc = $doc] $variant,)*
        }

        impl Metric {
            /// Every metric, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// By what name expectations ask for it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// What it counts.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)*
                }
            }

            /// Who has it.
            pub fn scope(self) -> Scope {
                match self {
                    $(Self::$variant => Scope::$scope,)*
                }
            }

            /// What it means, in a line.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)*
                }
            }
        }
    };
}

metrics! {
    Network State Height "height" "The last height that any neuron settled."
    Network State Epoch "epoch" "The epoch that the next height belongs to."
    Network State Time "time" "Seconds since the beginning."
    Network Counter Forks "forks" "Heights at which two neurons settled different things."
    Network Counter SupplyErrors "supply_errors" "Settlements after which coins did not add up."
    Network Counter RootErrors "root_errors" "Settlements that led two neurons to different states."
    Network Counter Forged "forged" "Certificates that an independent check refused."
    Network Counter HonestAccused "honest_accused" "Accusations against neurons that never misbehaved."
    Network Counter Accused "accused" "Accusations."
    Network Counter Evidence "evidence" "Proofs of double voting that were settled."
    Network Amount SlashedTotal "slashed_total" "Coins that were slashed."
    Network State Round "round" "The round that settled the last height; 0 is the first."
    Network State RoundsWorst "rounds_worst" "The latest round that settled any height."
    Network State Stall "stall" "Seconds since the last settlement."
    Network State StallWorst "stall_worst" "The longest time between two settlements, in seconds."
    Network State Lag "lag" "Heights between the first and the last neuron that is up."
    Network Amount Burned "burned" "Coins that were burned."
    Network Amount RegistrationCost "registration_cost" "What a slot costs now."
    Network Amount TopShare "top_share" "The share of all stake that the group with the most stake has."
    Neuron Amount Stake "stake" "All stake behind it."
    Neuron Amount Balance "balance" "What its owner can spend."
    Neuron Amount Wealth "wealth" "Its owner's coins: spendable, staked and on their way back."
    Neuron Amount Earned "earned" "By how much its owner's wealth grew since the beginning; negative if it shrank."
    Neuron Ratio EarnedPerStake "earned_per_stake" "What it earned for each coin of its stake."
    Neuron Ratio EarnedPerAnswer "earned_per_answer" "What it earned for each answer that it gave."
    Neuron Amount Dividends "dividends" "Its share of the validators' pay in the last epoch."
    Neuron Ratio DividendsPerStake "dividends_per_stake" "Its dividends for each share of all stake that it has."
    Neuron Amount Incentive "incentive" "Its share of the miners' pay in the last epoch."
    Neuron Amount Emission "emission" "What it was paid in all, its stakers' part included."
    Neuron Amount Consensus "consensus" "The weight that enough stake agreed on in the last epoch."
    Neuron State Trust "trust" "How much of the weight given to it survived clipping; of a validator, of its own row."
    Neuron State Score "score" "The mean of validators' running scores of it."
    Neuron Amount Weight "weight" "The mean of validators' last weights for it, by stake."
    Neuron Counter Answers "answers" "Answers that it gave."
    Neuron Counter Questions "questions" "Questions that it asked."
    Neuron Counter Declined "declined" "Questions that it left without an answer."
    Neuron State HeightOf "height_of" "The last height that it settled."
    Neuron Counter Up "up" "Whether it runs."
    Neuron Counter Jailed "jailed" "Whether it is in jail."
    Neuron Amount Slashed "slashed" "Coins that it lost for voting twice."
    Neuron Counter Culprit "culprit" "Whether a fork shows that it voted for both sides of one height in one round."
    Neuron Counter Registered "registered" "Whether it has a slot."
    Neuron Counter Permit "permit" "Whether its weights count."
    Neuron Counter Halted "halted" "Whether it gave up because a certified settlement broke a rule."
    Neuron Counter Fired "fired" "How often its behaviour marked that it struck; the label `name` picks a mark."
    Neuron Counter Refused "refused" "Messages of it that others refused."
}

impl Metric {
    /// The metric of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|metric| metric.name() == name)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_a_name_of_its_own() {
        for metric in Metric::ALL {
            assert_eq!(Metric::named(metric.name()), Some(*metric));
        }
        assert_eq!(Metric::named("speed"), None);
    }
}
