# Two commands do everything: `make demo` and `make test`. Both bring what they need first.
#
#   make setup          libtorch, MuJoCo and the tests' peers into .setup/, once; CUDA=1 for the full CUDA set
#   make demo           the whole story in the simulator, from nothing to a page: recorded, learned, tried, corrected
#   make test           formatting, lints once per feature set, every test, and of the robot's small build what differs
#   make test-ros       what needs ROS 2, against the one that is sourced, this package's own interfaces included
#   make bench          the README's figures of speed, each beside its bar
#   make fuzz           a minute of the fuzzer for each target; `make test` only checks that they build
#   make clean          what was built; `make distclean` also what was brought

CUDA ?=
PYTHON ?= python3
CARGO ?= cargo
CROSS := aarch64-unknown-linux-gnu
SETUP := $(PYTHON) setup/setup.py $(if $(CUDA),--cuda)

.PHONY: setup demo test test-ros lint format clippy ros aarch64 fuzz fuzz-builds bench clean distclean

setup:
	@$(SETUP)

demo: setup
	$(CARGO) build --release --locked
	target/release/apprentice demo

# The rooms that are built otherwise without libtorch: settings, recorder, bags, buses, and the commands on top of them.
SMALL := --locked --no-default-features --features dds
SMALL_TESTS := config_files bag_contract bag_recovery bus_contract recorder recorder_ends cli cli_bags cli_record

# Tests run side by side already: with more threads than one libtorch would only get into its own way.
test: export OMP_NUM_THREADS := 1
test: lint
	$(CARGO) test --locked --no-fail-fast
	$(CARGO) test $(SMALL) --no-fail-fast --lib --bins $(SMALL_TESTS:%=--test %)

# The interfaces come from `colcon build`; its install/setup.bash is to be sourced.
test-ros:
	@test -n "$$AMENT_PREFIX_PATH" || { echo "test-ros: source ROS 2 and install/setup.bash first"; exit 1; }
	$(CARGO) test --locked --no-default-features --features ros,dds --test bus_contract --test ros

lint: format clippy ros aarch64 fuzz-builds

format:
	@git ls-files -z '*.rs' | xargs -0 rustfmt --check --edition 2024

# Once per feature set that somebody builds: the whole, what a robot's small computer gets, and the benchmarks' smaller ones.
clippy: setup
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	$(CARGO) clippy --locked --all-targets --no-default-features --features dds -- --deny warnings
	$(CARGO) clippy --locked --all-targets --no-default-features --features sim -- --deny warnings
	$(CARGO) clippy --locked --all-targets --no-default-features -- --deny warnings

# Without ROS 2 only what r2r's bundled bindings know can be checked.
ros: setup
	@echo "ros: type-checked without ROS 2; unchecked: the list of services at the foot of src/bus/ros/service.rs"
	$(CARGO) clippy --locked --no-default-features --features ros-check -- --deny warnings

# The build for a robot's small computer: bundled C code needs a cross compiler even for a check.
aarch64:
	@if ! command -v aarch64-linux-gnu-gcc >/dev/null; then \
		echo "SKIPPED aarch64: no cross compiler: sudo apt install gcc-aarch64-linux-gnu"; \
	elif ! rustc --print target-libdir --target $(CROSS) | xargs test -d; then \
		echo "SKIPPED aarch64: no standard library: rustup target add $(CROSS)"; \
	else \
		$(CARGO) check --locked --target $(CROSS) --no-default-features --features dds; \
	fi

# The fuzz targets are a package of their own. A minute each is no part of `make test`, which has none to spare.
fuzz: setup
	PYTHONPATH=.setup/peers $(PYTHON) fuzz/seed.py
	for target in cdr bag; do \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run -s none $$target -- -max_total_time=60 || exit 1; \
	done

fuzz-builds: setup
	$(CARGO) check --locked --manifest-path fuzz/Cargo.toml

bench: setup
	$(CARGO) bench --locked

clean:
	$(CARGO) clean

distclean: clean
	rm -rf .setup
