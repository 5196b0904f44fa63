//! What a neuron finds in its memory: the log is the truth, the index saves going through it.
use protocol::codec;
use protocol::ledger::Ledger;
use protocol::settlement::{self, Certificate, Certified};
use storage::Store;

use super::disk::Logged;
use super::{Config, Error};
use crate::role::Recovered;

/// A neuron's memory, read.
pub(super) struct Remembered {
    pub(super) store: Store,
    /// The ledger before the first settlement.
    pub(super) genesis: Ledger,
    pub(super) recovered: Recovered,
}

/// Opens the store and goes on from its tip.
pub(super) fn recover(config: &Config) -> Result<Remembered, Error> {
    let genesis = Ledger::new(&config.genesis)?;
    let mut store = Store::open(&config.dir)?;
    for damage in store.damage() {
        tracing::warn!(?damage, "found damage and got over it");
    }
    let reader = Log { config, genesis: &genesis };
    let ledger = reader.ledger(&mut store)?;
    let tip = reader.settlement(&mut store, ledger.height())?;
    let mut recovered = Recovered { ledger: Some(ledger), tip, ..Recovered::default() };
    let height = recovered.ledger.as_ref().map_or(0, Ledger::height) + 1;
    recovered.votes_from = votes_from(&store, height);
    for bytes in store.votes(height)? {
        match codec::decode("log entry", &bytes, settlement::MAX_BYTES) {
            Ok(Logged::Vote(vote)) => recovered.log.push(vote),
            Ok(Logged::Draft(draft)) => recovered.drafts.push(*draft),
            Err(error) => {
                tracing::warn!(height, %error, "cannot read how we voted: following until the next height");
                recovered.votes_from = height + 1;
            }
        }
    }
    if recovered.votes_from > height {
        recovered.log.clear();
        recovered.drafts.clear();
    }
    Ok(Remembered { store, genesis, recovered })
}

/// The first height to vote in, given the one in progress: what we voted before may be forgotten, if the vote log is
/// damaged, or if it went further than the settlements that are left.
fn votes_from(store: &Store, height: u64) -> u64 {
    let lost = store.damage().iter().any(|damage| !damage.torn && damage.path.ends_with(storage::VOTES));
    let last = store.votes_height();
    let from = if lost || last > height { last.max(height) + 1 } else { height };
    if from > height {
        tracing::warn!(height, from, "votes that left may be forgotten: following without voting until then");
    }
    from
}

/// Reads the settlement log of one network.
struct Log<'a> {
    config: &'a Config,
    genesis: &'a Ledger,
}

impl Log<'_> {
    /// The ledger at the tip of the log; the index is brought up to it, or rebuilt when it is in doubt.
    fn ledger(&self, store: &mut Store) -> Result<Ledger, Error> {
        let indexed = self.indexed(store)?;
        let from = indexed.as_ref().map_or(0, Ledger::height);
        let mut ledger = indexed.unwrap_or_else(|| self.genesis.clone());
        while ledger.height() < store.tip() {
            ledger = self.replay(store, ledger)?;
        }
        if from == 0 && ledger.height() > 0 {
            store.reset_index()?;
            let entries: Vec<_> =
                ledger.entries().into_iter().map(|(key, value)| (key, Some(value))).collect();
            store.write_index(ledger.height(), ledger.root().hash, &entries)?;
        }
        Ok(ledger)
    }

    /// The ledger that the index holds, if it is the one certified at its height.
    fn indexed(&self, store: &mut Store) -> Result<Option<Ledger>, Error> {
        let Some(index) = store.index()? else {
            return Ok(None);
        };
        let certified = self.settlement(store, index.height)?.map(|c| c.settlement.header.state_root);
        let ledger = Ledger::from_entries(&index.entries).ok();
        let sound =
            ledger.filter(|ledger| ledger.height() == index.height && Some(ledger.root()) == certified);
        if sound.is_none() {
            tracing::warn!(
                height = index.height,
                "the index is not what was certified: rebuilding it from the log"
            );
        }
        Ok(sound)
    }

    fn replay(&self, store: &mut Store, before: Ledger) -> Result<Ledger, Error> {
        let height = before.height() + 1;
        let bad = |reason: String| Error::BadLog { dir: self.config.dir.clone(), height, reason };
        let certified = self.settlement(store, height)?.ok_or_else(|| bad("it is missing".to_owned()))?;
        let header = &certified.settlement.header;
        let body = &certified.settlement.body;
        let inputs = body.verify(&self.genesis.genesis()).map_err(|error| bad(error.to_string()))?;
        let signers = body.parent_certificate.as_ref().map(Certificate::signers).unwrap_or_default();
        let mut after = before.clone();
        after.apply(&inputs, header.time, &signers).map_err(|error| bad(error.to_string()))?;
        if after.root() != header.state_root {
            return Err(bad("it leads to another state root".to_owned()));
        }
        let changes = after.changes_since(&before);
        if before.height() > 0 {
            store.write_index(height, header.state_root.hash, &changes)?;
        }
        Ok(after)
    }

    fn settlement(&self, store: &mut Store, height: u64) -> Result<Option<Certified>, Error> {
        let Some(bytes) = store.settlement(height)? else {
            return Ok(None);
        };
        let decoded: Result<Certified, _> = codec::decode("settlement", &bytes, settlement::MAX_BYTES);
        let certified = decoded.map_err(|error| Error::BadLog {
            dir: self.config.dir.clone(),
            height,
            reason: error.to_string(),
        })?;
        let (found, expected) = (certified.settlement.header.genesis, self.genesis.genesis());
        if found != expected {
            return Err(Error::OtherNetwork { dir: self.config.dir.clone(), found, expected });
        }
        Ok(Some(certified))
    }
}

#[cfg(test)]
mod tests;
