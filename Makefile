# Two commands do everything: `make demo` and `make test`. Both bring what they need first.
#
#   make setup          libtorch, MuJoCo and the tests' peers into .setup/, once; CUDA=1 for the full CUDA set
#   make demo           the whole story in the simulator, from nothing to a page: recorded, learned, tried, corrected
#   make test           formatting, lints once per feature set, every test
#   make bench          the figures of the README
#   make clean          what was built; `make distclean` also what was brought

CUDA ?=
PYTHON ?= python3
CARGO ?= cargo
CROSS := aarch64-unknown-linux-gnu
SETUP := $(PYTHON) setup/setup.py $(if $(CUDA),--cuda)

.PHONY: setup demo test lint format clippy ros aarch64 fuzz bench clean distclean

setup:
	@$(SETUP)

demo: setup
	$(CARGO) build --release --locked
	target/release/apprentice demo

test: lint
	$(CARGO) test --locked

lint: format clippy ros aarch64 fuzz

format:
	@git ls-files -z '*.rs' | xargs -0 rustfmt --check --edition 2024

# Once per feature set: the whole, and what a robot's small computer gets.
clippy: setup
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) clippy --locked --all-targets --no-default-features --features dds -- --deny warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- --deny warnings

# Without ROS 2 only what r2r's bundled bindings know can be checked.
ros: setup
	@echo "ros: type-checked without ROS 2; unchecked: the list of services at the foot of src/bus/ros_service.rs"
	$(CARGO) clippy --locked --no-default-features --features ros-check -- --deny warnings

# The build for a robot's small computer: bundled C code needs a cross compiler even for a check.
aarch64:
	@if ! command -v aarch64-linux-gnu-gcc >/dev/null; then \
		echo "aarch64: SKIPPED, no cross compiler: sudo apt install gcc-aarch64-linux-gnu"; \
	elif ! rustc --print target-libdir --target $(CROSS) | xargs test -d; then \
		echo "aarch64: SKIPPED, no standard library: rustup target add $(CROSS)"; \
	else \
		$(CARGO) check --locked --target $(CROSS) --no-default-features --features dds; \
	fi

# The fuzz targets are a package of their own; CONTRIBUTING.md says how they are run.
fuzz: setup
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml

bench: setup
	$(CARGO) bench --locked

clean:
	$(CARGO) clean

distclean: clean
	rm -rf .setup
