#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Every header compiles by itself, whatever was included before it. One test per room.
set -u
cd "${SOURCE_DIR:-.}" || exit 1
if ! command -v cc >/dev/null; then
	echo "1..0 # SKIP no C compiler"
	exit 0
fi
flags=(-fsyntax-only -std=gnu17 -D_GNU_SOURCE -I src -I "$BUILD_DIR/src" -I tests/harness -I /usr/include/json-c)

mapfile -t rooms < <(find src tests/harness -name '*.h' -printf '%h\n' | sort -u)
echo "1..${#rooms[@]}"
number=0
for room in "${rooms[@]}"; do
	number=$((number + 1))
	if [ "$room" = src/bpf ]; then
		# the others are of the kernel side
		headers=(src/bpf/wire.h)
	else
		headers=("$room"/*.h)
	fi
	wrong=
	for header in "${headers[@]}"; do
		[ "$header" != src/cmd/verbs.h ] || continue
		wrong+=$(cc "${flags[@]}" -x c -include "$header" /dev/null 2>&1 | sed 's/^/# /')
	done
	if [ -z "$wrong" ]; then
		echo "ok $number headers of $room stand alone"
	else
		echo "not ok $number headers of $room stand alone"
		echo "$wrong"
	fi
done
