//! Who stands under two settlements of one height, voted on in one round: a fork names them.
use std::collections::BTreeSet;

use crypto::Hotkey;
use protocol::settlement::Certificate;

use super::Record;

/// Whoever signed what contradicts itself.
#[derive(Default)]
pub(super) struct Culprits {
    /// For each height, the round that settled it first and who signed then.
    first: Vec<(u32, BTreeSet<Hotkey>)>,
    named: BTreeSet<Hotkey>,
}

impl Culprits {
    /// Remembers who settled the next height first.
    pub(super) fn settled(&mut self, certificate: &Certificate) {
        self.first.push((certificate.round, certificate.signers().into_iter().collect()));
    }

    /// Names who signed this, too, beside what was settled first. In a later round another vote may be right.
    pub(super) fn forked(&mut self, place: usize, certificate: &Certificate) {
        if let Some((_, signers)) = self.first.get(place).filter(|(round, _)| *round == certificate.round) {
            self.named.extend(certificate.signers().into_iter().filter(|it| signers.contains(it)));
        }
    }
}

impl Record {
    /// Whether a fork shows that one voted for both sides.
    pub(crate) fn is_culprit(&self, hotkey: &Hotkey) -> bool {
        self.culprits.named.contains(hotkey)
    }
}
