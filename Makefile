# What a clean clone needs beside cargo: libtorch, fetched once per user. All targets build one profile, dev, whose
# dependencies are optimised: nothing is compiled twice.
.PHONY: help libtorch build test swarm

help:
	@echo 'make libtorch   fetch libtorch (540 MB, once per user)'
	@echo 'make build      build everything; the binary is target/debug/neuron'
	@echo 'make test       run every test'
	@echo 'make swarm      run a swarm on this machine: make swarm ARGS="--miners 8 --seed 2"'

libtorch:
	@neuron/libtorch.sh

build: libtorch
	cargo build --workspace

# Documentation tests are no business of nextest's.
test: libtorch
	@if cargo nextest --version >/dev/null 2>&1; \
	then set -x; cargo nextest run --workspace && cargo test --workspace --doc; \
	else set -x; cargo test --workspace; fi

swarm: libtorch
	@cargo run -- swarm $(ARGS)
