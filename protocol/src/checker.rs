//! An independent check of certificates: did more than two thirds of the stake sign this header?
//!
//! It shares no reasoning and no encoder with [`crate::settlement`], and needs blake3 and ed25519 alone. All is
//! MessagePack, numbers in the fewest bytes: a header is the list of its fields, a vote `["Precommit", height, {"Some":
//! round}, {"Val": header hash}, voter]`. Hashes are blake3 in key derivation mode; network and vote are signed.
use crypto::{Hash, Hotkey, hash};

use crate::settlement::{Certificate, Header};

/// Whether those of `set`, each with its stake, settled `header` on `network`; if it is not proven, why.
pub fn check(
    network: &Hash,
    header: &Header,
    certificate: &Certificate,
    set: &[(Hotkey, u64)],
) -> Result<(), &'static str> {
    let name = hash("neuron v1 header", &[&header_bytes(header)]);
    if (certificate.header, certificate.height, header.genesis) != (name, header.height, *network) {
        return Err("it names another header or network");
    }
    let mut stake_signed = 0;
    for (place, (voter, signature)) in certificate.signatures.iter().enumerate() {
        if certificate.signatures[..place].iter().any(|(earlier, _)| earlier >= voter) {
            return Err("a signer comes twice or out of order");
        }
        let (_, stake) = set.iter().find(|(member, _)| member == voter).ok_or("a stranger signed")?;
        let signed = hash("neuron v1 vote", &[&network.0, &vote_bytes(certificate, &name, voter)]);
        voter.verify(&signed.0, signature).map_err(|_| "a signature is bad")?;
        stake_signed += u128::from(*stake);
    }
    let total: u128 = set.iter().map(|(_, stake)| u128::from(*stake)).sum();
    if 3 * stake_signed > 2 * total { Ok(()) } else { Err("no more than two thirds of the stake signed") }
}

fn header_bytes(h: &Header) -> Vec<u8> {
    let start = [vec![0x9a], number(h.version.into()), bytes(&h.genesis.0), number(h.height), number(h.time)];
    let middle = [number(h.round.into()), bytes(&h.proposer.0), bytes(&h.parent.0), bytes(&h.input_root.0)];
    let end = [vec![0x92], bytes(&h.state_root.hash.0), number(h.state_root.leaves), bytes(&h.next_set.0)];
    [start.concat(), middle.concat(), end.concat()].concat()
}

fn vote_bytes(c: &Certificate, header: &Hash, voter: &Hotkey) -> Vec<u8> {
    let (ballot, round) = (b"\x95\xa9Precommit".to_vec(), b"\x81\xa4Some".to_vec());
    let vote = [ballot, number(c.height), round, number(c.round.into()), b"\x81\xa3Val".to_vec()];
    [vote.concat(), bytes(&header.0), bytes(&voter.0)].concat()
}

fn bytes(thirty_two: &[u8; 32]) -> Vec<u8> {
    [&[0xc4, 32], &thirty_two[..]].concat()
}

fn number(n: u64) -> Vec<u8> {
    match (n, n.to_be_bytes()) {
        (0..0x80, b) => b[7..].to_vec(),
        (0x80..0x100, b) => [&[0xcc], &b[7..]].concat(),
        (0x100..0x1_0000, b) => [&[0xcd], &b[6..]].concat(),
        (0x1_0000..0x1_0000_0000, b) => [&[0xce], &b[4..]].concat(),
        (_, b) => [&[0xcf], &b[..]].concat(),
    }
}

#[cfg(test)]
mod tests;
