//! What a neuron remembers.
