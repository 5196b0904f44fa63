//! A behaviour in Rust: a validator that gives every miner the same, and what that earns it.
#![allow(clippy::print_stdout, reason = "an example shows what it does")]
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use neuron::behaviour::{Act, Asking, Behaviour, Context, Make, Weights};
use neuron::scenario::simulated;
use neuron::scenario::{Books, Conclusion, Scenario};

/// States only its deviation: whatever is not here is honest.
struct Lazy;

impl Behaviour for Lazy {
    fn on_ask(&mut self, _: &mut Context<'_>, _: &Asking) -> Act<Vec<u8>> {
        Act::Drop
    }

    fn on_weights(&mut self, cx: &mut Context<'_>, _: &Weights) -> Act<Weights> {
        cx.fired("lazy");
        let miners = cx.neurons().into_iter().filter(|neuron| !neuron.permit);
        Act::Replace(miners.map(|miner| (miner.uid, 1.0)).collect())
    }
}

const SCENARIO: &str = r#"
crime = "Gives every miner the same weight, whatever they answer."
until = { epoch = 12 }
group = [
    { name = "honest", role = "validator", count = 5 },
    { name = "lazy", role = "validator", behaviour = "lazy" },
    { name = "miners", role = "miner", count = 6, skill = { from = 0.3, to = 0.9 } },
]
expect = [
    { sometimes = "fired{group='lazy'} > 0" },
    { at_end = "earned_per_stake{group='lazy'} < 0.9 * earned_per_stake{group='honest'}" },
]
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let scenario = Scenario::read("adversary", SCENARIO)?;
    let lazy: Make = Arc::new(|| Box::new(Lazy));
    let run = simulated::run(&scenario, 1, BTreeMap::from([(1, lazy)]))?;
    let honest = simulated::run(&scenario.without_crime(), 1, BTreeMap::new())?;
    for account in Books::of(&scenario, &run, &honest).accounts {
        println!("{:<7} earned {:.3}, honestly {:.3}", account.group, account.earned, account.honest);
    }
    println!("as expected: {}", Conclusion::of(&run.verdicts).name());
    Ok(())
}
