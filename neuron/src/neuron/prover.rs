//! Shows light clients what the ledger says, on a thread of its own: settling does not wait for it.
use std::sync::{Arc, mpsc as sync};
use std::thread;
use std::time::{Duration, Instant};

use protocol::codec;
use protocol::ledger::{Ledger, Shown, Subject, Tree};
use protocol::light::{Inquiry, Skip, Testimony};
use protocol::settlement::Certified;

use super::disk::Reader;
use super::gate::Response;
use super::past::Past;
use crate::network::Network;

/// Inquiries that may wait; with more, who asks hears no.
const WAITING: usize = 16;

/// How long the replay to an earlier height may take: askers wait no longer than twice as much.
const PATIENCE: Duration = Duration::from_secs(5);

/// The thread that proves.
pub(super) struct Prover {
    jobs: sync::SyncSender<Job>,
}

/// An inquiry under a ticket, with the ledger at the time.
struct Job {
    ticket: u64,
    inquiry: Inquiry,
    ledger: Arc<Ledger>,
}

impl Prover {
    pub(super) fn spawn(log: Reader, past: Past, network: Network) -> Self {
        let (jobs, queue) = sync::sync_channel(WAITING);
        let desk = Desk { log, past, network, tree: None };
        thread::Builder::new()
            .name("prover".to_owned())
            .spawn(move || desk.work(&queue))
            .expect("the system grants one more thread");
        Self { jobs }
    }

    /// Answers an inquiry soon; false if it asks for too much, or too many wait.
    pub(super) fn show(&self, ticket: u64, inquiry: Inquiry, ledger: Arc<Ledger>) -> bool {
        let modest = inquiry.subjects.len() <= Inquiry::MAX_SUBJECTS;
        modest && self.jobs.try_send(Job { ticket, inquiry, ledger }).is_ok()
    }
}

struct Desk {
    log: Reader,
    past: Past,
    network: Network,
    /// Of the height that was asked for last: most ask for the tip.
    tree: Option<(u64, Tree)>,
}

impl Desk {
    fn work(mut self, queue: &sync::Receiver<Job>) {
        while let Ok(Job { ticket, inquiry, ledger }) = queue.recv() {
            let testimony = self.testimony(&inquiry, ledger);
            let response = testimony.map_or(Response::Declined, |told| Response::Testimony(Box::new(told)));
            let _ = self.network.respond(ticket, codec::encode(&response));
        }
    }

    fn testimony(&mut self, inquiry: &Inquiry, now: Arc<Ledger>) -> Option<Testimony> {
        let began = Instant::now();
        let ledger = match inquiry.height {
            Some(height) if height > now.height() => return None,
            Some(height) if height < now.height() => {
                Arc::new(self.past.near(height, &|| began.elapsed() > PATIENCE)?)
            }
            _ => now,
        };
        let skip = if ledger.height() == 0 { None } else { Some(self.skip(&ledger)?) };
        Some(Testimony { skip, shown: self.shown(&ledger, &inquiry.subjects) })
    }

    /// What leads to the height of a ledger.
    fn skip(&self, ledger: &Ledger) -> Option<Skip> {
        let height = ledger.height();
        let before = if height == 1 { None } else { Some(self.settled(height - 1)?) };
        let Certified { settlement, certificate } = self.settled(height)?;
        Some(Skip {
            parent: before.map(|before| before.settlement.header),
            header: settlement.header,
            certificate,
            validators: ledger.previous_validators().clone(),
            next: ledger.validators().clone(),
        })
    }

    fn settled(&self, height: u64) -> Option<Certified> {
        let bytes = self.log.settlements(height).settlements.into_iter().next()?;
        Certified::decode(&bytes).ok()
    }

    fn shown(&mut self, ledger: &Ledger, subjects: &[Subject]) -> Vec<Shown> {
        if subjects.is_empty() {
            return Vec::new();
        }
        let (_, tree) = match self.tree.take().filter(|(height, _)| *height == ledger.height()) {
            Some(known) => self.tree.insert(known),
            None => self.tree.insert((ledger.height(), ledger.tree())),
        };
        subjects.iter().map(|subject| tree.show(subject)).collect()
    }
}
