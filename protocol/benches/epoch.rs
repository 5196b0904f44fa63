//! How long an epoch takes, on one core: cargo bench -p protocol --bench epoch
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use protocol::subnet::Uid;
use protocol::yuma::{Ballot, Setting, epoch, stored};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// Epochs before the one that is measured: bonds have grown by then.
const EARLIER: usize = 3;

/// The voters come first; each weighs every peer.
fn subnet(peers: u16, voters: u16) -> Vec<Ballot> {
    let mut rng = SmallRng::seed_from_u64(peers.into());
    let mut ballot = |uid: u16| {
        let votes = uid < voters;
        let row = (0..peers).map(|peer| (Uid(peer), rng.random_range(1..=u16::MAX))).collect();
        Ballot {
            stake: if votes { rng.random_range(1_000..1_000_000) } else { 0 },
            permit: votes,
            active: votes,
            row: if votes { row } else { Vec::new() },
            updated: 2,
            registered: 1,
            ..Ballot::default()
        }
    };
    let mut ballots: Vec<_> = (0..peers).map(&mut ballot).collect();
    for _ in 0..EARLIER {
        let outcome = epoch(&ballots, &setting(voters));
        let bonds = stored(outcome.bonds, &outcome.permits, &setting(voters));
        ballots.iter_mut().zip(bonds.rows()).for_each(|(ballot, bonds)| ballot.bonds = bonds.clone());
    }
    ballots
}

fn setting(voters: u16) -> Setting {
    Setting { permits: voters.into(), start: 3, ..Setting::default() }
}

fn epochs(criterion: &mut Criterion) {
    for (peers, voters) in [(512, 64), (4_096, 256)] {
        let (ballots, setting) = (subnet(peers, voters), setting(voters));
        criterion.bench_function(&format!("epoch of {peers} peers and {voters} voters"), |bencher| {
            bencher.iter(|| epoch(black_box(&ballots), &setting));
        });
    }
}

criterion_group!(benches, epochs);
criterion_main!(benches);
