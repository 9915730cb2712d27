# SPDX-License-Identifier: GPL-2.0-or-later
# The front desk: everything is done by meson, ninja and the programs in tools/.
BUILD ?= build
prefix ?= /usr/local
MESON_FLAGS ?=
# what `make check` runs: all levels, or `make check LEVEL=unit`
LEVEL ?=

# A fresh machine has no meson yet; as root the packages are then installed, otherwise named.
setup_if_missing = @command -v meson >/dev/null && command -v ninja >/dev/null && \
	command -v clang >/dev/null && command -v bpftool >/dev/null || tools/setup build

.PHONY: all setup check lint demo install clean help

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja: $(wildcard src/*/meson.build)
	$(setup_if_missing)
	@meson setup $(if $(wildcard $@),--reconfigure) $(BUILD) --prefix=$(prefix) $(MESON_FLAGS)

setup:
	@tools/setup

check:
	@tools/setup build check
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/check $(LEVEL)

lint:
	@tools/setup build lint
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/lint

demo:
	@tools/setup build demo
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/demo

install: all
	@meson configure $(BUILD) -Dprefix=$(prefix)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --quiet

clean:
	@rm -rf $(BUILD)

help:
	@echo 'make                 build/behalf'
	@echo 'make demo            two workspaces, who pays for whom (root)'
	@echo 'make check           all tests; make check LEVEL="unit integration" some'
	@echo 'make lint            style and static checks'
	@echo 'make install         with prefix=/usr/local and DESTDIR='
	@echo 'make clean           remove $(BUILD)'
	@echo 'make setup           install the Debian packages for all of this (root)'
