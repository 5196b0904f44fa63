//! `neuron explain`: why a neuron earned what it earned.

use color_eyre::eyre::Result;
use protocol::Amount;
use protocol::explanation::{Bond, Cause, Explanation, Mining, Nothing, Reason, Standing, Validating, Vote};
use protocol::subnet::Netuid;
use serde::Serialize;

use super::asking::Asking;
use super::out::{self, Out};
use super::table::{Columns, measure, number, percent, table};
use crate::api::{Client, Explained, Remembered};

/// Say why a neuron earned what it earned in an epoch
///
/// From what validators asked it, through each validator's weight, clipping and bonds, to the coins that were paid:
/// reasons that sum to them. The asked neuron replays its log; the validators of a swarm add what they remember.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: neuron explain 4 --json | jq '.reasons, .paid'")]
pub(super) struct Args {
    /// Who: a hotkey, its first digits (at least 4), or a uid
    #[arg(value_name = "HOTKEY")]
    who: String,
    /// In which epoch [default: the last that has ended]
    #[arg(long, value_name = "E")]
    epoch: Option<u64>,
    /// In which subnet [default: the asked neuron's own]
    #[arg(long, value_name = "N")]
    netuid: Option<u16>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Serialize)]
struct Document {
    #[serde(flatten)]
    explained: Explained,
    /// What validators remember of it now.
    queries: Vec<Remembered>,
}

/// Headings, and which hold numbers.
const QUERIES: Columns<'_> =
    &[("validator", true), ("hotkey", false), ("asked", true), ("answered", true), ("score", true)];

/// The same, of validators' weights.
const VOTES: Columns<'_> = &[
    ("validator", true),
    ("hotkey", false),
    ("stake", true),
    ("weight", true),
    ("of its row", true),
    ("clipped to", true),
    ("", false),
];

/// The same, of bonds.
const BONDS: Columns<'_> = &[
    ("miner", true),
    ("hotkey", false),
    ("bond", true),
    ("of all bonds", true),
    ("incentive", true),
    ("brings", true),
];

pub(super) async fn perform(args: Args) -> Result<()> {
    let clients = args.asking.clients()?;
    let explained = clients[0].explain(&args.who, args.netuid.map(Netuid), args.epoch).await?;
    let queries = remembered(&clients, &explained).await;
    if args.asking.json {
        return out::document(&Document { explained, queries });
    }
    sections(&explained, &queries).into_iter().try_for_each(|section| Out::People.say(&section))
}

/// What validators remember; one that does not answer has nothing to say.
async fn remembered(clients: &[Client], explained: &Explained) -> Vec<Remembered> {
    let asks = clients.iter().map(|client| client.remember(explained.explanation.hotkey));
    let all = futures::future::join_all(asks).await.into_iter().flatten();
    all.filter(|remembered| remembered.score.is_some()).collect()
}

fn sections(explained: &Explained, queries: &[Remembered]) -> Vec<String> {
    let Explained { stamp, explanation } = explained;
    let Explanation { netuid, epoch, hotkey, uid, paid, mining, validating, .. } = explanation;
    let name = uid.map_or_else(|| "the hotkey".to_owned(), |uid| format!("uid {uid}"));
    let (hotkey, height) = (hotkey.short(), stamp.height);
    let mut sections = vec![format!(
        "{name} ({hotkey}) of subnet {netuid} earned {paid} in epoch {epoch}, up to height {height}"
    )];
    if !queries.is_empty() {
        sections.push("\nqueries, as of now".to_owned());
        sections.push(table(QUERIES, queries.iter().map(query)).trim_fmt());
    }
    let validates = validating.permit || validating.paid > Amount::ZERO;
    if uid.is_some() && (!validates || mining.paid > Amount::ZERO) {
        sections.extend(mined(mining));
    }
    if validates {
        sections.extend(validated(validating));
    }
    sections.push(payment(explanation));
    sections
}

fn mined(mining: &Mining<f64>) -> [String; 3] {
    [
        "\nscores, as validators revealed them".to_owned(),
        table(VOTES, mining.votes.iter().map(vote)).trim_fmt(),
        format!(
            "\nconsensus\nenough stake gives it {} of a row; {} of its weight survived clipping; incentive {}",
            share(mining.consensus),
            share(mining.trust),
            share(mining.incentive)
        ),
    ]
}

fn validated(validating: &Validating<f64>) -> [String; 3] {
    let row = match validating.revealed {
        true => format!("{} of its row survived clipping", share(validating.trust)),
        false => "it revealed no row".to_owned(),
    };
    [
        format!(
            "\nconsensus\n{row}; it signed {} of {} certificates; dividends {}",
            validating.signed,
            validating.due,
            share(validating.dividends)
        ),
        "\nbonds".to_owned(),
        table(BONDS, validating.bonds.iter().map(bond)).trim_fmt(),
    ]
}

fn payment(explanation: &Explanation<f64>) -> String {
    let Explanation { paid, reasons, mining, validating, .. } = explanation;
    let mut lines = vec!["\npaid".to_owned()];
    lines.extend(reasons.iter().map(|reason| reason_line(reason, explanation)));
    lines.push(format!("= {:>14}  {}", paid.to_string(), parts(validating)).trim_end().to_owned());
    if *paid == Amount::ZERO {
        lines.extend(mining.nothing.map(|why| format!("  as a miner, nothing: {}", because(why))));
        lines.extend(validating.nothing.map(|why| format!("  as a validator, nothing: {}", because(why))));
        lines.dedup();
    }
    lines.join("\n")
}

/// Who gets what a validator was paid.
fn parts(validating: &Validating<f64>) -> String {
    match validating.paid {
        Amount::ZERO => String::new(),
        _ => {
            let lenders = match validating.lenders {
                Amount::ZERO => String::new(),
                lenders => format!(", lenders share {lenders}"),
            };
            format!(
                "of which its owner takes {}, stakers share {}{lenders}",
                validating.take, validating.stakers
            )
        }
    }
}

fn reason_line(reason: &Reason, explanation: &Explanation<f64>) -> String {
    let sign = if reason.units < 0 { '-' } else { '+' };
    format!(
        "{sign} {:>14}  {}",
        Amount(reason.units.unsigned_abs()).to_string(),
        origin(reason.cause, explanation)
    )
}

fn origin(cause: Cause, explanation: &Explanation<f64>) -> String {
    let Explanation { mining, validating, .. } = explanation;
    match cause {
        Cause::RawWeights => format!("as raw weights would pay, of {} for miners", mining.pot),
        Cause::Clipping => "clipping to consensus".to_owned(),
        Cause::Consensus => "pay goes by consensus, not by rank".to_owned(),
        Cause::Owner => because(Nothing::Owner).to_owned(),
        Cause::Stake => {
            let (stake, pot) = (share(validating.share), validating.pot);
            format!("{stake} of the stake that voted, of {pot} for validators")
        }
        Cause::Bonds => "bonds with miners, beside those of others".to_owned(),
        Cause::Absence => {
            format!("signed {} of {} certificates, two thirds are enough", validating.signed, validating.due)
        }
        Cause::Rounding => "rounding".to_owned(),
    }
}

fn because(nothing: Nothing) -> &'static str {
    match nothing {
        Nothing::NoSlot => "it had no slot; see `neuron register`",
        Nothing::NoRows => "no validator with stake revealed a row",
        Nothing::TooNew => "every row was committed before it came",
        Nothing::NoWeight => "every validator gave it zero",
        Nothing::NoPermit => "it had no permit to vote; those with the most stake have",
        Nothing::NotRevealed => "it revealed no row",
        Nothing::NoStake => "it had less stake than votes need",
        Nothing::NoAgreement => "enough stake agreed on nobody, so all of it burned",
        Nothing::Clipped => "too little stake agreed on it, so its weights were clipped to zero",
        Nothing::NoBonds => "it had no bonds with miners that earned",
        Nothing::EmptyPool => "the epoch had nothing to pay",
        Nothing::Owner => "it belongs to the subnet's owner, who may not mine there",
        Nothing::Absent => "it signed no certificate",
        Nothing::TooSmall => "its share was less than a unit",
    }
}

fn query(remembered: &Remembered) -> Vec<String> {
    let score = remembered.score.unwrap_or_default();
    vec![
        number(remembered.uid),
        remembered.validator.short(),
        score.asked.to_string(),
        score.answered.to_string(),
        measure(Some(score.mean)),
    ]
}

fn vote(vote: &Vote<f64>) -> Vec<String> {
    let standing = match vote.standing {
        Standing::Counted => "",
        Standing::NotRevealed => "revealed no row",
        Standing::NoPermit => "may not vote",
        Standing::Outdated => "committed before it came",
        Standing::NoStake => "too little stake",
    };
    vec![
        vote.uid.to_string(),
        vote.hotkey.short(),
        share(vote.stake),
        number(vote.weight),
        share(vote.row),
        share(vote.clipped),
        standing.to_owned(),
    ]
}

fn bond(bond: &Bond<f64>) -> Vec<String> {
    vec![
        bond.uid.to_string(),
        bond.hotkey.short(),
        measure(Some(bond.bond)),
        share(bond.part),
        share(bond.incentive),
        bond.pays.to_string(),
    ]
}

fn share(share: f64) -> String {
    if share == 0.0 { "0 %".to_owned() } else { percent(share) }
}
