# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash

# install_packages NAME: what NAME/package.json asks for, kept in the build folder for the next time; prints
# where.
install_packages() {
	local sum dir
	sum=$(sha256sum <"$BATS_TEST_DIRNAME/$1/package.json" | cut -c 1-12)
	dir=${BUILD_DIR:-/tmp}/tests/$1-packages-$sum
	echo "$dir"
	[ ! -e "$dir/done" ] || return 0
	mkdir -p "$dir"
	cp "$BATS_TEST_DIRNAME/$1/package.json" "$dir/"
	(cd "$dir" && timeout 90 npm install --no-audit --no-fund --no-package-lock --ignore-scripts \
		--omit=dev) >"$dir/log" 2>&1 || { rm -rf "$dir"; return 1; }
	touch "$dir/done"
}
