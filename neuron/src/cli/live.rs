//! The live view of a swarm: one table, renewed in place; where nobody watches, a line for every settlement.
use std::time::Duration;

use color_eyre::eyre::Result;
use console::{Term, style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use protocol::amount::COIN;

use super::out::Out;
use super::table::{Columns, coins, measure, number, percent, table, whole_coins};
use crate::api::{Consensus, Neuron, Status};
use crate::behaviour::Conduct;
use crate::swarm::{Culprit, Look, SPARE_ACCOUNTS, Swarm};

/// Neurons on the start screen; the others are in the genesis file.
const INTRODUCED: usize = 24;

/// Lines of a terminal that are no rows of the table: what stands above and below it.
const LINES_AROUND: usize = 16;

/// The fewest rows shown, however small the terminal.
const LEAST_ROWS: usize = 4;

/// The columns of the view.
const COLUMNS: Columns<'_> = &[
    ("uid", true),
    ("role", false),
    ("hotkey", false),
    ("stake", true),
    ("skill", true),
    ("score", true),
    ("incentive", true),
    ("dividends", true),
    ("earned", true),
    ("peers", true),
    ("doing", false),
];

/// What a person sees of a swarm.
pub(super) struct Screen {
    out: Out,
    /// The place that is renewed, on a terminal.
    bar: Option<ProgressBar>,
    next: String,
    height: u64,
    paid: bool,
    stalled: bool,
}

impl Screen {
    /// Shows who is there, and how to join them.
    pub(super) fn open(out: Out, swarm: &Swarm, look: &Look, fresh: bool) -> Result<Self> {
        out.say(&introduction(swarm, look, fresh))?;
        let bar = out.is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout());
            bar.with_style(ProgressStyle::with_template("{msg}").expect("the template is sound"))
        });
        let next = next_steps(swarm);
        if bar.is_none() {
            out.say(&next)?;
        }
        Ok(Self { out, bar, next, height: look.height(), paid: false, stalled: false })
    }

    /// Renews the view.
    pub(super) fn show(&mut self, swarm: &mut Swarm, look: &Look) -> Result<()> {
        for news in swarm.news() {
            self.note(&news)?;
        }
        if let Some(first) = swarm.first_emission().filter(|_| !self.paid) {
            self.paid = true;
            self.note(&first_emission(first))?;
        }
        let stall = look.consensus().and_then(Consensus::stall);
        let stalled = stall.is_some();
        match (&self.bar, stall) {
            (Some(bar), _) => {
                let culprits = Culprit::all(swarm.members(), look);
                let culprits: String = culprits.iter().map(|it| format!("\n{}", style(it).red())).collect();
                bar.set_message(format!("{}{culprits}\n{}", view(look), self.next));
            }
            (None, Some(stall)) if !self.stalled => self.out.say(&stall)?,
            (None, None) if look.height() > self.height => self.out.say(&line(look))?,
            (None, _) => {}
        }
        (self.height, self.stalled) = (look.height(), stalled);
        Ok(())
    }

    /// Leaves the last view where it is.
    pub(super) fn close(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }

    fn note(&self, news: &str) -> Result<()> {
        match &self.bar {
            Some(bar) => bar.println(news),
            None => self.out.say(news)?,
        }
        Ok(())
    }
}

fn introduction(swarm: &Swarm, look: &Look, fresh: bool) -> String {
    let plan = swarm.plan();
    let dir = plan.dir.display();
    let kept = if fresh { "removed at the end; keep it with --dir" } else { "resume with the same --dir" };
    let genesis = swarm.genesis();
    let mut lines = vec![
        format!(
            "{} validators and {} miners{}, task {}, seed {}",
            plan.validators,
            plan.miners,
            plan.adversaries.iter().map(|it| format!(", {it}")).collect::<String>(),
            plan.task,
            plan.seed
        ),
        format!("network    {} (genesis hash)", genesis.hash()),
        format!("directory  {dir} ({kept})"),
        format!("logs       {dir}/*/neuron.log"),
        "dev keys   below; they follow from the seed, so anyone has them: use them nowhere else".to_owned(),
    ];
    for ((coldkey, amount), number) in genesis.accounts.iter().zip(0..SPARE_ACCOUNTS) {
        let coins = whole_coins(amount.0);
        lines.push(format!("           {}  spare-{number} (dev), {coins} coins for a newcomer", coldkey.0));
    }
    lines.extend(swarm.members().iter().zip(&look.statuses).take(INTRODUCED).map(|(member, status)| {
        let address = status.as_ref().and_then(tcp_address).unwrap_or_default();
        format!("           {}  {} (dev)  {address}", member.hotkey(), member.name())
    }));
    let hidden = swarm.members().len().saturating_sub(INTRODUCED);
    if hidden > 0 {
        lines.push(format!("           and {hidden} more: {dir}/genesis.toml"));
    }
    lines.extend(swarm.bootstrap().iter().map(|address| format!("join at    {address}")));
    lines.push(String::new());
    lines.join("\n")
}

/// "/ip4/127.0.0.1/tcp/4000".
fn tcp_address(status: &Status) -> Option<&str> {
    let tcp = status.addresses.iter().find(|address| address.contains("/tcp/"))?;
    tcp.split("/p2p/").next()
}

fn next_steps(swarm: &Swarm) -> String {
    let dir = swarm.plan().dir.display();
    format!(
        "\nTry next, in another terminal:\n  \
         neuron query        ask every miner one question\n  \
         neuron metagraph    the subnet as a table, --json for programs\n  \
         neuron explain 4    why a neuron earned what it earned, by uid or hotkey\n\
         or join with a miner of your own:\n  \
         neuron run --role miner --dir guest --register \\\n    \
         --genesis {dir}/genesis.toml \\\n    \
         --coldkey {dir}/spare-0/coldkey\n\
         Ctrl-C stops the swarm."
    )
}

fn first_emission(first: Duration) -> String {
    format!("first emission to a miner and a validator after {:.1} s", first.as_secs_f64())
}

fn line(look: &Look) -> String {
    let earned = |role: &str| look.neurons().iter().filter(|n| n.role == role).map(|n| n.emission).sum();
    let best = look.neurons().into_iter().max_by(|a, b| a.incentive.total_cmp(&b.incentive));
    let best = best.filter(|best| best.incentive > 0.0).map_or_else(String::new, |best| {
        format!("  best miner {} with {}", number(best.uid), percent(best.incentive))
    });
    format!(
        "height {}  root {}  miners earned {}  validators {}{best}{}",
        look.height(),
        look.furthest().map_or_else(String::new, |status| status.state_root.short()),
        coins(earned("miner")),
        coins(earned("validator")),
        training(look)
    )
}

fn training(look: &Look) -> String {
    let busy =
        look.statuses.iter().flatten().filter(|status| status.activity.starts_with("training")).count();
    if busy == 0 { String::new() } else { format!("  {busy} miners in training") }
}

fn view(look: &Look) -> String {
    let neurons = look.neurons();
    let (height, width) = Term::stdout().size();
    let room = usize::from(height).saturating_sub(LINES_AROUND).max(LEAST_ROWS);
    let table = table(COLUMNS, neurons.iter().take(room).map(|neuron| cells(neuron, look)));
    let pace = look.consensus().map_or_else(String::new, Consensus::to_string);
    let view = format!("{}\n{pace}\n\n{}", heading(look), table.trim_fmt());
    // A line that wraps would tear the table.
    let lines = view.lines().map(|line| line.chars().take(width.into()).collect());
    let hidden = neurons.len().saturating_sub(room);
    let more = (hidden > 0).then(|| format!("and {hidden} more: neuron metagraph"));
    lines.chain(more).collect::<Vec<String>>().join("\n")
}

fn heading(look: &Look) -> String {
    let Some(furthest) = look.furthest() else {
        return "no neuron answers".to_owned();
    };
    format!(
        "height {}  root {}  validators' stake {}  issued {}  burned {}",
        furthest.height,
        furthest.state_root.short(),
        coins(look.stake()),
        coins(furthest.supply.issued.0),
        coins(furthest.supply.burned.0)
    )
}

fn activity(status: &Status) -> String {
    match &*status.behaviour {
        Conduct::HONEST => status.activity.clone(),
        _ => "NOT HONEST".to_owned(),
    }
}

fn cells(neuron: &Neuron, look: &Look) -> Vec<String> {
    let status = look.status(&neuron.hotkey);
    vec![
        number(neuron.uid),
        neuron.role.clone(),
        neuron.hotkey.short(),
        if neuron.stake < COIN { String::new() } else { whole_coins(neuron.stake) },
        measure(neuron.accuracy),
        measure(neuron.score),
        percent(neuron.incentive),
        percent(neuron.dividends),
        if neuron.emission == 0 { String::new() } else { coins(neuron.emission) },
        number(status.map(|status| status.peers)),
        status.map_or_else(|| "a guest, or silent".to_owned(), activity),
    ]
}
