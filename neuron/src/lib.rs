//! One process that mines or validates.
