//! One process that mines or validates.
//!
//! A neuron is a list of roles. A role hears an [`role::Input`] and answers with [`role::Effect`]s. One loop carries
//! the effects out.
//!
//! ```text
//!    clock ── Elapsed ─────────────┐                             ┌──▶ network
//!  network ── Asked Answered Told ─┤   ┌─────────────────────┐   ├──▶ model
//!    model ── Inferred Trained ────┼──▶│ settler │ miner     │──▶├──▶ storage
//!  storage ── Settled Fetched ─────┘   │         │ validator │   │
//!                                      └─────────────────────┘   │
//!                      Input              pure: no clock, no I/O   Effect
//! ```

pub mod neuron;
pub mod role;
pub mod task;

pub mod behaviour;
mod figure;
pub mod script;

mod clock;
pub mod model;
pub mod network;
mod process;
pub mod scenario;
pub mod simulation;

pub mod api;
pub mod genesis;
pub mod host;
pub mod key;
pub mod light;
pub mod log;

pub mod cli;
pub mod setting;
pub mod swarm;
pub mod word;
