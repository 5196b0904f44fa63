# What a clean clone needs beside cargo: libtorch, fetched once per user. All targets build one profile, dev, whose
# dependencies are optimised: nothing is compiled twice.
.PHONY: help libtorch build test swarm fuzz

help:
	@echo 'make libtorch   fetch libtorch (540 MB, once per user)'
	@echo 'make build      build everything; the binary is target/debug/neuron'
	@echo 'make test       run every test'
	@echo 'make swarm      run a swarm on this machine: make swarm ARGS="--miners 8 --seed 2"'
	@echo 'make fuzz       feed random bytes to a decoder: make fuzz TARGET=vote SECONDS=600 (Rust nightly, cargo-fuzz)'

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

TARGET ?= message
SECONDS ?= 600
fuzz_dir := target/fuzz

# No input, of 64 KiB at most, may have more than 4 MiB allocated in one piece.
fuzz:
	cargo run --manifest-path protocol/fuzz/Cargo.toml --target-dir $(fuzz_dir) --example seeds $(fuzz_dir)/corpus
	cargo +nightly fuzz run --fuzz-dir protocol/fuzz --target-dir $(fuzz_dir) $(TARGET) $(fuzz_dir)/corpus/$(TARGET) \
		protocol/fuzz/corpus/$(TARGET) -- -max_total_time=$(SECONDS) -max_len=65536 -malloc_limit_mb=4 -rss_limit_mb=1024
