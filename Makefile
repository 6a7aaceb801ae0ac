# make demo    build the release binary and bring up examples/todo-app
# make test    run every test, with its own set-up
# make fuzz    every parser with BOWLINE_FUZZ times as many inputs (100), others every time; templates and YAML beside Helm's
# make bench   measure, side by side with the real programs
CARGO ?= cargo

.PHONY: demo build test bench fuzz fmt lint
demo: build
	@scripts/setup demo
	target/release/bowline up examples/todo-app

build:
	$(CARGO) build --release --locked -p bowline -p todo-app

test:
	$(CARGO) run --quiet --locked -p xtask -- test

BOWLINE_FUZZ ?= 100
fuzz:
	BOWLINE_FUZZ=$(BOWLINE_FUZZ) $(CARGO) test --locked -p bowline-yaml -p bowline-gotemplate -p bowline-render -p bowline-chart \
		-p bowline-app -p bowline-migrate -p bowline-registry -p bowline-release -p bowline-apiserver -p bowline-rehearse -p bowline-migrate-lint --test fuzz
	BOWLINE_FUZZ=$(BOWLINE_FUZZ) $(CARGO) test --locked -p bowline-yaml -p bowline-gotemplate -p bowline-render --test oracle

bench: build
	$(CARGO) build --release --locked -p bowline-render --example rendering
	$(CARGO) run --quiet --locked -p xtask -- bench

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) clippy --workspace --all-targets -- -D warnings
