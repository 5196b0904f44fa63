//! Settles: follows the ledger, and where the hotkey has a say, proposes and votes.
//!
//! Every settlement enters through [`Settler::enter`], whoever brought it: our own decision, gossip, or a peer we
//! asked because we were late.

mod amnesia;
mod draft;
mod findings;
mod hearing;
mod late;
mod pace;
mod ranges;
mod recovered;
mod trust;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crypto::merkle::Root;
use crypto::{Hash, Hotkey, Keypair};
use protocol::consensus::vote::Draft;
use protocol::consensus::{Engine, Evidence, LinearTimeouts, LogEntry, Output, Speech, Step, Timeout};
use protocol::head::{Head, Judged};
use protocol::ledger::Ledger;
use protocol::message::Message;
use protocol::settlement::{Certificate, Certified, Forged, Inputs};
use protocol::telling::Telling;
use protocol::{Signed, Verified};

use self::late::Late;
use self::pace::Watch;
use super::pool::Pool;
use super::{Effect, Entry, Input, Moment, Persist, Role, Settled, Timer};

pub use self::findings::Findings;
pub use self::pace::{Pace, Steps};
pub use self::recovered::Recovered;
pub use self::trust::Trust;

/// Follows the ledger, and where the hotkey has a say, proposes and votes.
pub struct Settler {
    keypair: Keypair,
    genesis: Hash,
    head: Head,
    engine: Engine,
    pool: Pool,
    /// What is proposed for the height being decided, by header hash.
    drafts: BTreeMap<Hash, Arc<Judged>>,
    /// What we proposed in which round of this height.
    chosen: BTreeMap<u32, Hash>,
    /// In which rounds consensus was told of them, since we are up.
    proposed: BTreeSet<(u32, Hash)>,
    /// How many drafts were looked at in each round of this height.
    looked_at: BTreeMap<u32, u8>,
    /// Drafts for the height after the one being decided, by signer.
    early: BTreeMap<Hotkey, Verified<Draft>>,
    /// How much each author said about heights that are not begun.
    foretold: BTreeMap<(u64, Hotkey), u16>,
    /// Taken in by consensus, not yet written: nothing we said depends on it.
    unwritten: Vec<LogEntry>,
    recovered_log: Vec<LogEntry>,
    timers: Vec<Timer>,
    /// State roots of the heights that a stake attestation may still be about.
    roots: BTreeMap<u64, Root>,
    started: bool,
    late: Late,
    /// See [`Recovered::votes_from`].
    votes_from: u64,
    /// See [`Recovered::is_new`]: when it was started, in milliseconds since 1970, until it votes.
    new_since: Option<u64>,
    silence_explained: bool,
    trust: Trust,
    watch: Watch,
    findings: Findings,
}

impl Settler {
    /// A settler that goes on from what it `recovered`, or from `genesis`.
    pub fn new(keypair: Keypair, genesis: Ledger, mut recovered: Recovered) -> Self {
        let ledger = recovered.ledger.take().unwrap_or(genesis);
        if recovered.votes_from > ledger.height() + 1 {
            recovered.log.clear();
            recovered.drafts.clear();
        }
        let id = ledger.genesis();
        let engine = engine(keypair.clone(), &ledger);
        let chosen = recovered.chosen(&keypair.hotkey());
        let mut settler = Self {
            keypair,
            genesis: id,
            head: Head::new(ledger, recovered.tip),
            engine,
            pool: Pool::default(),
            drafts: BTreeMap::new(),
            chosen,
            proposed: BTreeSet::new(),
            looked_at: BTreeMap::new(),
            early: BTreeMap::new(),
            foretold: BTreeMap::new(),
            unwritten: Vec::new(),
            recovered_log: recovered.log,
            timers: Vec::new(),
            roots: BTreeMap::new(),
            started: false,
            late: Late::default(),
            votes_from: recovered.votes_from.max(recovered.trust.votes_from()),
            new_since: recovered.is_new.then_some(0),
            silence_explained: false,
            trust: recovered.trust,
            watch: Watch::default(),
            findings: Findings::default(),
        };
        recovered.drafts.into_iter().for_each(|draft| settler.remember(draft));
        settler
    }

    /// Shares what is found out from now on.
    pub fn sharing(self, findings: Findings) -> Self {
        Self { findings, ..self }
    }

    /// Takes in a decided settlement, wherever it comes from: certificate, hashes, inputs, state, in this order.
    ///
    /// The certificate covers the header and that covers the body: whoever relays them can forge either, and that is
    /// refused; only what is certified and yet breaks a rule stops us. What is not the next is passed over.
    fn enter(&mut self, moment: Moment, certified: &Certified) -> Result<Vec<Effect>, Forged> {
        let header = &certified.settlement.header;
        if header.height != self.head.ledger.height() + 1 {
            return Ok(Vec::new());
        }
        let entered = match self.drafts.get(&header.hash()).map(Arc::clone) {
            Some(judged) => {
                self.head.check(certified)?;
                Ok((Arc::new(Settled::after(&self.head, certified.clone(), &judged)), judged))
            }
            None => self.findings.follow(&self.head, certified)?,
        };
        Ok(match entered {
            Ok((settled, judged)) => match self.contradiction(&settled) {
                Some(effects) => effects,
                None => self.settle(moment, settled, &judged.inputs),
            },
            Err(refused) => vec![Effect::Halt(format!(
                "settlement {} is certified, yet {refused}: more than two thirds of the stake broke a rule, or \
                 this program differs from theirs",
                header.height
            ))],
        })
    }

    /// Enters a settlement from somebody who may not know better than to relay a forged one.
    fn settled(&mut self, moment: Moment, certified: &Certified) -> Vec<Effect> {
        let height = certified.settlement.header.height;
        self.enter(moment, certified).unwrap_or_else(|forged| {
            tracing::debug!(height, %forged, "refused a settlement");
            Vec::new()
        })
    }

    fn settle(&mut self, moment: Moment, settled: Arc<Settled>, inputs: &Inputs) -> Vec<Effect> {
        let Settled { certified, ledger, .. } = &*settled;
        let height = ledger.height();
        self.pool.settled(ledger, inputs);
        self.roots.insert(height, certified.settlement.header.state_root);
        let window = ledger.parameters().gossip_window;
        self.roots.retain(|known, _| known + window > height);
        self.drafts.clear();
        self.chosen.clear();
        self.proposed.clear();
        self.looked_at.clear();
        self.foretold.retain(|(about, _), _| *about > height);
        self.unwritten.clear();
        self.recovered_log.clear();
        self.watch.settled(moment, self.head.ledger.previous_validators(), certified);
        self.head.advance(ledger.clone(), certified.clone());
        let then = vec![Effect::Settle(Arc::clone(&settled)), self.show_pace(), self.wait_for_next(moment)];
        let mut effects = vec![Effect::Persist(Persist { entries: vec![Entry::Settled(settled)], then })];
        // Told again until it is settled: who was away missed it.
        let waiting = self.pool.evidence().map(|proven| tell_evidence(proven.evidence().clone()));
        effects.extend(waiting);
        for draft in std::mem::take(&mut self.early).values() {
            effects.extend(self.drafted(moment, draft));
        }
        effects
    }

    /// Goes on where we stopped. What was logged is gone through before anything new is heard, or we might vote on
    /// the new before we know how we voted.
    fn resume(&mut self, moment: Moment) -> Vec<Effect> {
        if let Some(halt) = self.expired(moment) {
            return vec![halt];
        }
        self.watch.start(moment);
        self.new_since = self.new_since.map(|_| moment.now);
        let mut effects = vec![Effect::Schedule(Timer::CatchUp, 0)];
        if self.recovered_log.is_empty() {
            effects.push(self.wait_for_next(moment));
        } else {
            effects.extend(self.start_height(moment));
        }
        effects
    }

    fn wait_for_next(&self, moment: Moment) -> Effect {
        let due = self.head.tip.as_ref().map_or(self.head.ledger.time(), |tip| tip.settlement.header.time)
            + self.head.ledger.parameters().interval;
        Effect::Schedule(Timer::NextHeight, due.saturating_sub(moment.now))
    }

    fn start_height(&mut self, moment: Moment) -> Vec<Effect> {
        let height = self.head.ledger.height() + 1;
        if height < self.votes_from || self.started && self.engine.height() == height {
            return Vec::new();
        }
        if self.may_have_forgotten(moment.now) {
            return self.stay_silent();
        }
        self.started = true;
        if self.has_say(&self.keypair.hotkey()) {
            // All that follows begins after our start.
            self.new_since = None;
        }
        self.watch.begin(moment);
        let log = std::mem::take(&mut self.recovered_log);
        let step = self.engine.start(height, self.head.ledger.validators().clone(), &log);
        self.follow(moment, Vec::new(), step)
    }

    /// Turns a step of the engine into effects: first what must be remembered, then what leaves.
    ///
    /// Later writes are queued now and not once the first is synced, or what is heard meanwhile would overtake them.
    fn follow(&mut self, moment: Moment, mut entries: Vec<Entry>, step: Step) -> Vec<Effect> {
        self.unwritten.extend(step.log);
        if !entries.is_empty() || step.outputs.iter().any(leaves) {
            let height = self.engine.height();
            entries.extend(self.unwritten.drain(..).map(|entry| Entry::Vote(height, entry)));
        }
        let effects: Vec<_> =
            step.outputs.into_iter().flat_map(|output| self.carry_out(moment, output)).collect();
        if entries.is_empty() {
            return effects;
        }
        let (later, then) = effects.into_iter().partition(|effect| matches!(effect, Effect::Persist(_)));
        [vec![Effect::Persist(Persist { entries, then })], later].concat()
    }

    fn carry_out(&mut self, moment: Moment, output: Output) -> Vec<Effect> {
        let height = self.engine.height();
        match output {
            Output::Send(speech) => vec![self.tell(moment, speech)],
            Output::StartTimer(timeout, wait) => {
                vec![self.start_timer(height, timeout, wait.as_millis() as u64)]
            }
            Output::StopTimer(timeout) => self.stop_timers(|timer| *timer == Timer::Vote(height, timeout)),
            Output::StopAllTimers => self.stop_timers(|_| true),
            // A replay asks for the rounds that are over, too.
            Output::Build { round } if round < self.engine.round() => Vec::new(),
            Output::Build { round } => self.propose(moment, round),
            Output::Restream { round, header } => self.tell_draft(round, &header).into_iter().collect(),
            Output::Decided(certificate) => self.decided(moment, certificate),
            Output::Accuse(evidence) => accuse(evidence),
            Output::Refused(reason) => {
                tracing::debug!(height, reason, "consensus refused an input");
                Vec::new()
            }
            Output::Halt(reason) => vec![Effect::Halt(reason)],
        }
    }

    fn tell(&mut self, moment: Moment, speech: Speech) -> Effect {
        self.watch.spoke(moment, self.keypair.hotkey(), &speech);
        let telling = Telling { told: moment.now, speech };
        let telling = Signed::author(&self.keypair, &self.genesis, telling);
        Effect::tell(Message::Telling(Box::new(telling.into_signed())))
    }

    fn start_timer(&mut self, height: u64, timeout: Timeout, wait: u64) -> Effect {
        let timer = Timer::Vote(height, timeout);
        self.timers.push(timer);
        Effect::Schedule(timer, wait)
    }

    fn stop_timers(&mut self, which: impl Fn(&Timer) -> bool) -> Vec<Effect> {
        self.timers.extract_if(.., |timer| which(timer)).map(Effect::Cancel).collect()
    }

    /// The proposer of the round tells everyone what was decided; whoever misses it asks, as we do if we know that it
    /// was decided and not what it says.
    fn decided(&mut self, moment: Moment, certificate: Certificate) -> Vec<Effect> {
        let Some(judged) = self.drafts.get(&certificate.header) else {
            self.late.hear_of(certificate.height);
            return self.fetch(moment);
        };
        let round = certificate.round;
        let certified = Certified { settlement: judged.settlement.clone(), certificate };
        let speaker = self.head.ledger.validators().proposer(certified.settlement.header.height, round);
        let mut effects = self.settled(moment, &certified);
        if speaker == self.keypair.hotkey() {
            effects.push(Effect::tell(Message::Settled(Box::new(certified))));
        }
        effects
    }

    fn elapsed(&mut self, moment: Moment, timer: Timer) -> Vec<Effect> {
        match timer {
            Timer::NextHeight => self.start_height(moment),
            Timer::CatchUp => self.catch_up(moment),
            Timer::Vote(height, timeout)
                if height == self.engine.height() && height > self.head.ledger.height() =>
            {
                self.timers.retain(|running| *running != timer);
                let step = self.engine.elapsed(timeout);
                self.follow(moment, Vec::new(), step)
            }
            _ => Vec::new(),
        }
    }
}

impl Role for Settler {
    fn handle(&mut self, moment: Moment, input: &Input) -> Vec<Effect> {
        match input {
            Input::Started => self.resume(moment),
            Input::Elapsed(timer) => self.elapsed(moment, *timer),
            Input::Told(heard) => self.told(moment, heard),
            Input::Fetched(range) => self.fetched(moment, range),
            Input::Wanted(ticket, height) => vec![Effect::Serve(*ticket, *height)],
            _ => Vec::new(),
        }
    }
}

/// Whether an output shows others what consensus took in, so that it must be on disk first.
fn leaves(output: &Output) -> bool {
    use Output::{Refused, StartTimer, StopAllTimers, StopTimer};
    !matches!(output, StartTimer(..) | StopTimer(_) | StopAllTimers | Refused(_))
}

/// Evidence is told to everyone, ourselves included: whoever proposes next puts it into a settlement.
fn accuse(evidence: Vec<Evidence>) -> Vec<Effect> {
    let told: Vec<_> = evidence.iter().cloned().map(tell_evidence).collect();
    [vec![Effect::Accuse(evidence)], told].concat()
}

fn tell_evidence(evidence: Evidence) -> Effect {
    Effect::tell(Message::Evidence(Box::new(evidence)))
}

/// An engine that waits for its first height.
fn engine(keypair: Keypair, ledger: &Ledger) -> Engine {
    let (genesis, set) = (ledger.genesis(), ledger.validators().clone());
    let timeouts = timeouts(ledger.parameters().interval);
    #[cfg(feature = "planted-faults")]
    if let Some(fault) = ledger.fault() {
        return Engine::with_fault(keypair, genesis, set, timeouts, fault);
    }
    Engine::new(keypair, genesis, set, timeouts)
}

/// A step waits about as long as settlements are apart, half a second at the least, and longer in every round.
fn timeouts(interval: u64) -> LinearTimeouts {
    let propose = Duration::from_millis(interval.clamp(1_000, 3_000));
    let step = propose / 2;
    LinearTimeouts {
        propose,
        propose_delta: step / 2,
        prevote: step,
        prevote_delta: step / 2,
        precommit: step,
        precommit_delta: step / 2,
        rebroadcast: 2 * propose,
        max_timeout: 20 * propose,
    }
}

#[cfg(test)]
mod tests;
