//! One process that mines or validates.

pub mod network;
