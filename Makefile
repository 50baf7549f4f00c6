# make dev     everything from set-up to a served endpoint, with a curl line to try
# make serve   the same under plain workerd, with KV as files in .local; for this machine alone, unless LISTEN='*'
# make test    everything from set-up to every test
# make bench   Turnout against other workers and servers: a table and a plot (about six minutes once built)
# make bench-trees  trees in wasm against onnxruntime-web and tract
# make fuzz    models that are changed field by field load or are refused, led by coverage; SECONDS=900 for longer
# make simulate  verdicts, pairs, ramps and bandits against the truth, on made-up traffic (twelve minutes)
# make oracles   records anew what other implementations say of the statistics
# make lint    clippy for the worker on both targets and for the page's core, formatting, and the syntax of scripts
# make clean   removes what was built; `make clean-tools` the tools as well

export PATH := $(CURDIR)/.tools/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.PHONY: dev serve test bench bench-trees fuzz simulate oracles build setup seed lint clean clean-tools

# What one works with does not have to be as small as what is deployed.
dev serve: BUILD_AS = --fast

dev: build seed
	node scripts/dev.mjs

serve: build
	scripts/serve.sh

test: SETUP_FOR = --test
test: setup
	scripts/test.sh

bench: setup
	node benches/serving/run.mjs

bench-trees: setup
	node benches/trees/run.mjs

fuzz: setup
	scripts/fuzz.sh $(SECONDS)

simulate:
	cargo run --release --package turnout-simulate

oracles:
	scripts/oracles.sh

build: setup
	scripts/build.sh $(BUILD_AS)

setup:
	scripts/setup.sh $(SETUP_FOR)

seed: setup
	node scripts/seed.mjs

lint: setup
	scripts/lint.sh

clean:
	rm -rf target build .wrangler .local

clean-tools: clean
	rm -rf .tools node_modules
