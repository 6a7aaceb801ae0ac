# make demo    build the release binary and bring up examples/todo-app
# make test    run every test, with its own set-up
# make bench   measure, side by side with the real programs
CARGO ?= cargo

.PHONY: demo build test bench fmt lint
demo: build
	@scripts/setup demo
	target/release/bowline up examples/todo-app

build:
	$(CARGO) build --release --locked -p bowline -p todo-app

test:
	$(CARGO) run --quiet --locked -p xtask -- test

bench: build
	$(CARGO) run --quiet --locked -p xtask -- bench

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) clippy --workspace --all-targets -- -D warnings
