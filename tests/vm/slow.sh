#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
# beside others: it has a machine of its own, emulated in one thread
# More test files in the machine of `suites.sh`, for which `make check` has no time: those of `suites-slow`
# beside this file, a machine a line. VM_SLOW="update hooks" runs the lines that have one of these words.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

if [ -z "${VM_SLOW-}" ]; then
	echo "1..0 # SKIP takes long: make check-vm does it"
	exit 0
fi

wanted() { # LINE
	local word
	[ "$VM_SLOW" != yes ] || return 0
	for word in $VM_SLOW; do [[ $1 != *"$word"* ]] || return 0; done
	return 1
}

log=${BUILD_DIR:-build}/vm-slow.tap
n=0 status=0
while read -r line; do
	wanted "$line" || continue
	read -r -a words <<<"$line"
	options=() items=()
	for word in "${words[@]}"; do
		case $word in
		*=*) options+=("$word") ;;
		*) items+=("$word") ;;
		esac
	done
	env VM_LIMIT_S=900 "${options[@]}" VM_SUITES="${items[*]}" tests/vm/suites.sh </dev/null >"$log" ||
		status=1
	if grep -q '^1\.\.0' "$log"; then
		sed -n "s|^1\.\.0[ #]*SKIP|ok - ${items[*]} # SKIP|p" "$log"
		n=$((n + 1))
		continue
	fi
	# one plan for all of them, and only what one machine said of its own
	told=$(grep -c -e '^ok' -e '^not ok' "$log")
	if [ "$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log")" != "$told" ]; then
		echo "not ok - ${items[*]}: the machine has not said all"
		n=$((n + 1))
	fi
	grep -v '^1\.\.' "$log"
	n=$((n + told))
done < <(grep -v -e '^#' -e '^$' tests/vm/suites-slow)
echo "1..$n"
exit $status
