# SPDX-License-Identifier: GPL-2.0-or-later
# The front desk: everything is done by meson, ninja and the programs in tools/.
BUILD ?= build
prefix ?= /usr/local
# more options for meson, as -Dwerror=true or -Db_sanitize=address,undefined
MESON_FLAGS ?=
# what `make check` runs; all levels, or LEVEL=unit, LEVEL="integration/cli bpf"
LEVEL ?=
# what is built, for those who know what they need of it
TARGETS ?= all

export BUILD

.PHONY: all setup check check-vm check-asan check-valgrind fuzz lint demo install clean help

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) $(TARGETS)

# A fresh machine has no meson yet. Packages are installed as root, else they are named (status 2), and
# what can be done without them is done.
setup_of = @tools/setup $(1) || [ $$? -eq 2 ]

$(BUILD)/build.ninja: $(wildcard src/*/meson.build man/meson.build tests/*/meson.build)
	$(call setup_of,build)
	@meson setup $(if $(wildcard $@),--reconfigure) $(BUILD) --prefix=$(prefix) $(MESON_FLAGS)

setup:
	@tools/setup

check:
	$(call setup_of,build check vm)
	@$(MAKE) --no-print-directory all
	@tools/check $(LEVEL)

check-vm:
	$(call setup_of,build vm)
	@$(MAKE) --no-print-directory all
	@VM_SLOW=yes tools/check vm

check-asan: export ASAN_OPTIONS ?= detect_leaks=1:abort_on_error=1
check-asan: export PATIENCE ?= 4
check-asan:
	@$(MAKE) --no-print-directory check BUILD=build-asan LEVEL="$(or $(LEVEL),unit golden bpf integration)" \
		MESON_FLAGS="-Db_sanitize=address,undefined -Doptimization=1 $(MESON_FLAGS)"

check-valgrind:
	$(call setup_of,build check)
	@$(MAKE) --no-print-directory all
	@tools/check valgrind

fuzz:
	$(call setup_of,build check fuzz)
	@tests/fuzz/run

lint:
	$(call setup_of,lint)
	@tools/lint

demo:
	$(call setup_of,build demo)
	@$(MAKE) --no-print-directory all
	@tools/demo

install: all
	@meson configure $(BUILD) -Dprefix=$(prefix)
	@DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)

help:
	@echo 'make            $(BUILD)/behalf'
	@echo 'make demo       two workspaces, and who pays for whom (as root)'
	@echo 'make check      all tests; make check LEVEL="unit integration" some of them'
	@echo 'make check-vm   those in virtual machines, the slow ones too: cgroup v2 with all controllers, systemd'
	@echo 'make check-asan check-valgrind   under the sanitizers; the unit tests under memcheck'
	@echo 'make fuzz       FUZZ_SECONDS (60) of each fuzz target'
	@echo 'make lint       style and static checks'
	@echo 'make install    into prefix=$(prefix), below DESTDIR='
	@echo 'make setup      installs the Debian packages for all of this (as root)'
	@echo 'make clean      removes $(BUILD)'
