//! Sound bytes with some changed, dropped or doubled.
use rand::RngExt;
use rand::rngs::StdRng;

/// The longest piece that is dropped or doubled.
const PIECE: usize = 80;

/// Changes a few places of `bytes`.
pub(crate) fn mutated(random: &mut StdRng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..random.random_range(1..6) {
        if bytes.is_empty() {
            break;
        }
        let at = random.random_range(0..bytes.len());
        let end = bytes.len().min(at + random.random_range(1..PIECE));
        match random.random_range(0..4) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = random.random(),
            2 => drop(bytes.drain(at..end)),
            _ => {
                let piece = bytes[at..end].to_vec();
                let to = random.random_range(0..bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}
