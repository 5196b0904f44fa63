//! One process that mines or validates.
pub mod model;
pub mod task;
