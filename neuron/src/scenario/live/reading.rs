//! What the neurons of a live scenario say, and what they settled.
use std::sync::Arc;

use futures::future::join_all;
use protocol::codec;
use protocol::head::Head;
use protocol::settlement::Certified;
use serde_json::json;
use tokio::time::timeout;

use super::{Live, PATIENCE};
use crate::api::{Client, Status};
use crate::role::Settled;

/// The longest settlement, in bytes: a full body and a certificate of all who may settle.
const SETTLEMENT_BYTES: usize = 2 << 20;

impl Live<'_> {
    /// Asks every neuron how it does and what it settled since.
    pub(super) fn look(&mut self) {
        for node in 0..self.peers.len() {
            if self.peers[node].ended() {
                let words = self.peers[node].last_words();
                self.log(node, "halt", json!(words));
                self.doings[node].halted = Some(words);
            }
        }
        let up: Vec<_> = (0..self.peers.len()).filter(|node| self.peers[*node].listens()).collect();
        let asked = up.iter().map(|node| ask(&self.peers[*node].client, self.peers[*node].read + 1));
        let answers = self.runtime.block_on(join_all(asked));
        for (node, (status, settlements)) in up.into_iter().zip(answers) {
            let answers = status.is_some();
            self.hear(node, status);
            if answers && !self.peers[node].told {
                let (client, conditions) = (self.peers[node].client.clone(), self.conditions(node));
                self.peers[node].told = true;
                self.command(node, "impede", async move { client.impede(conditions).await });
            }
            for bytes in settlements {
                self.read(node, &bytes);
            }
        }
    }

    fn hear(&mut self, node: usize, status: Option<Status>) {
        let fired = self.doings[node].fired.clone();
        // One that is silent for a moment may be busy, or stand still.
        if let Some(status) = status {
            for offender in status.accused.difference(&self.peers[node].accused.clone()) {
                self.log(node, "accuse", json!(offender));
                self.record.hear_accused(*offender);
            }
            self.peers[node].accused.extend(&status.accused);
            self.peers[node].status = Some(status);
        }
        self.doings[node] = self.peers[node].doings();
        for (name, times) in self.doings[node].fired.clone() {
            if fired.get(&name) != Some(&times) {
                self.log(node, "fired", json!({ "name": name, "times": times }));
            }
        }
    }

    /// Judges what a neuron has settled next.
    fn read(&mut self, node: usize, bytes: &[u8]) {
        let height = self.peers[node].read + 1;
        let certified = match codec::decode::<Certified>("settlement", bytes, SETTLEMENT_BYTES) {
            Ok(certified) if certified.settlement.header.height == height => certified,
            Ok(_) => return,
            Err(error) => return self.log(node, "refused", json!(error.to_string())),
        };
        let Some(settled) = self.settled(&certified) else {
            return self.log(node, "refused", json!({ "height": height }));
        };
        self.peers[node].read = height;
        self.log(node, "settle", json!({ "height": height, "round": certified.certificate.round }));
        self.record.settled(node, &Arc::new(settled));
        if self.chain.len() < height as usize {
            self.chain.push(certified);
        }
    }

    /// The ledger that a settlement leads to, by our own reckoning; nothing if what comes before it is not known.
    fn settled(&self, certified: &Certified) -> Option<Settled> {
        let header = &certified.settlement.header;
        let parent = header.height.checked_sub(1)?;
        let known = self.chain.get(parent as usize).map(|known| known.settlement.header.hash());
        let ledger = match known {
            Some(known) if known == header.hash() => self.record.ledger_at(header.height)?.clone(),
            _ => {
                let tip = parent.checked_sub(1).and_then(|place| self.chain.get(place as usize)).cloned();
                let head = Head::new(self.record.ledger_at(parent)?.clone(), tip);
                // What does not follow is a fork, or leads elsewhere: the record finds the ledger's root another.
                let judged = head.judge(certified.settlement.clone(), u64::MAX);
                judged.map_or(head.ledger, |judged| judged.ledger)
            }
        };
        Some(Settled { certified: certified.clone(), ledger, changes: [].into() })
    }
}

/// How a neuron does, and its settlements from a height on.
async fn ask(client: &Client, from: u64) -> (Option<Status>, Vec<Vec<u8>>) {
    let status = timeout(PATIENCE, client.status()).await.ok().and_then(Result::ok);
    let behind = status.as_ref().is_some_and(|status| status.height >= from);
    let settlements = match behind {
        true => timeout(PATIENCE, client.settlements(from)).await.ok().and_then(Result::ok),
        false => None,
    };
    (status, settlements.unwrap_or_default())
}
