//! Bytes that were requests, responses or entries of the vote log, with a few changes.
use protocol::consensus::LogEntry;
use protocol::consensus::vote::{Ballot, Vote};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::de::DeserializeOwned;

use super::*;
use crate::neuron::desk::Logged;
use crate::neuron::snapshots;
use crate::role::bench::{Bench, NETUID};

#[path = "../../../../protocol/fuzz/mutation.rs"]
mod mutation;

/// How often the bytes of each sample are changed.
const CHANGES: usize = 300;

/// Changed samples are refused or read, and some are read.
fn check<T: Serialize + DeserializeOwned>(samples: &[T], limit: usize) {
    let mut random = StdRng::seed_from_u64(1);
    let mut read = 0;
    for sample in samples {
        let sound = codec::encode(sample);
        assert!(codec::decode::<T>("sample", &sound, limit).is_ok());
        for _ in 0..CHANGES {
            let changed = mutation::mutated(&mut random, sound.clone());
            read += usize::from(codec::decode::<T>("sample", &changed, limit).is_ok());
            // What is asked for as settlements may be any bytes.
            let _ = settlements(&changed);
        }
    }
    assert!(read > 0, "all that is not perfect is refused: nothing was tried");
}

#[test]
fn changed_requests_harm_nobody() {
    let bench = Bench::new(4, 2);
    let question =
        Question { netuid: NETUID, miner: bench.keys[5].hotkey(), height: 0, number: 0, body: vec![1; 64] };
    let requests = [
        Request::Question(bench.author(0, question).into_signed()),
        Request::Settlements(7),
        Request::Inquiry(Inquiry { height: Some(300), ..Inquiry::default() }),
        Request::Snapshot,
        Request::Chunk(1_024, 3),
    ];
    check(&requests, REQUEST_LIMIT);
}

#[test]
fn changed_responses_harm_nobody() {
    let mut bench = Bench::new(4, 2);
    let settled = [bench.settle(&[]), bench.settle(&[])];
    let parent = settled[0].settlement.header.clone();
    let parts = snapshots::parts(Some(parent), settled[1].clone(), &bench.tip.0);
    let answer = Answer { question: Hash([1; 32]), body: vec![2; 64] };
    let responses = [
        Response::Answer(bench.author(5, answer).into_signed()),
        Response::Settlements {
            batch: settled.iter().map(|it| codec::encode(it).into()).collect(),
            first: 1,
            tip: 2,
        },
        Response::Testimony(Box::new(Testimony { skip: None, shown: Vec::new() })),
        Response::Anchor { anchor: parts[0].clone().into(), first: 1 },
        Response::Chunk(parts[1].clone().into()),
        Response::Declined,
        Response::Busy,
    ];
    check(&responses, RESPONSE_LIMIT);
}

#[test]
fn changed_entries_of_the_vote_log_harm_nobody() {
    let mut bench = Bench::new(4, 2);
    let vote = Vote::of(Ballot::Prevote, 1, 0, None, bench.keys[0].hotkey());
    let entries = [
        Logged::Vote(LogEntry::Vote(bench.author(0, vote).into_signed())),
        Logged::Draft(Box::new(bench.settle(&[]).settlement)),
    ];
    check(&entries, settlement::MAX_BYTES);
}
