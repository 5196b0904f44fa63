//! The reference's copier: four honest validators, eight drifting miners, from a vector file.
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Error, Result};

use flate2::read::GzDecoder;
use protocol::subnet::Uid;
use protocol::yuma::Setting;
use serde::Deserialize;

use crate::pay::{Pay, consensus};
use crate::share::row;
use crate::subnet::Subnet;

/// Holds rows of four honest validators, and of one that copies the median of theirs in the same epoch.
const FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/chain/chain-copier-lag0-yuma3.json.gz");

/// Dividends are summed from this epoch to the last.
const MEASURED_FROM: usize = 10;

const VALIDATORS: usize = 5;
const MINERS: usize = 8;
const COPIER: usize = 4;
/// Every validator's stake, in units.
const STAKE: u64 = 2_000;

/// Rows by epoch and validator; the copier is the last.
pub(crate) struct Published(Vec<Vec<Row>>);

type Row = Vec<(Uid, u16)>;

#[derive(Deserialize)]
struct Vectors {
    epochs: Vec<Epoch>,
}

#[derive(Deserialize)]
struct Epoch {
    weights_rows: BTreeMap<usize, Vec<(u16, u16)>>,
}

impl Published {
    /// Reads the file.
    pub(crate) fn read() -> Result<Self> {
        let vectors: Vectors =
            serde_json::from_reader(GzDecoder::new(File::open(FILE)?)).map_err(Error::other)?;
        let rows = |epoch: Epoch| {
            epoch.weights_rows.into_values().map(|row| row.into_iter().map(|(j, w)| (Uid(j), w)).collect())
        };
        Ok(Self(vectors.epochs.into_iter().map(|epoch| rows(epoch).collect()).collect()))
    }

    /// The copier's dividends as a multiple of the median honest validator's, its copy `lag` epochs old.
    pub(crate) fn gain(&self, setting: &Setting, mut pay: Pay, lag: usize) -> f64 {
        let mut subnet = Subnet::new(&[STAKE; VALIDATORS], MINERS, setting);
        let mut known = vec![vec![1.0 / MINERS as f64; MINERS]];
        let mut sums = [0.0; VALIDATORS];
        for (epoch, rows) in self.0.iter().enumerate().skip(1) {
            let mut rows = rows.clone();
            rows[COPIER] = match epoch.checked_sub(lag).and_then(|from| self.0[from].get(COPIER)) {
                Some(copied) => copied.clone(),
                None => row(VALIDATORS, [1.0; MINERS]),
            };
            let outcome = subnet.count(rows);
            let last = known[known.len().saturating_sub(lag.max(1))].clone();
            let dividends = pay.dividends(&outcome, VALIDATORS, &last);
            known.push(consensus(&outcome, VALIDATORS, None));
            if epoch >= MEASURED_FROM {
                sums.iter_mut().zip(dividends).for_each(|(sum, dividend)| *sum += dividend);
            }
        }
        let mut honest = sums[..COPIER].to_vec();
        honest.sort_by(f64::total_cmp);
        sums[COPIER] / f64::midpoint(honest[1], honest[2])
    }
}
