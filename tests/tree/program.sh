#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The programs as they were linked: few shared libraries, since a container's start waits for each of them,
# and the hardening that the build asks for.
set -u
if ! command -v readelf >/dev/null || [ ! -x "$BEHALF" ]; then
	echo "1..0 # SKIP no readelf or no $BEHALF"
	exit 0
fi
number=0

holds() {
	number=$((number + 1))
	if [ "$2" -eq 0 ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		[ -z "${3:-}" ] || echo "# $3"
	fi
}

libraries() { # PROGRAM
	readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'
}

# hardened PROGRAM
hardened() {
	local name dynamic segments
	name=$(basename "$1")
	dynamic=$(readelf -dW "$1")
	segments=$(readelf -lW "$1")
	grep -q 'Flags:.*PIE' <<<"$dynamic"
	holds "$name: position independent" $?
	grep -q 'BIND_NOW\|Flags:.*NOW' <<<"$dynamic"
	holds "$name: bound at start, then read-only" $?
	grep -q GNU_RELRO <<<"$segments"
	holds "$name: a read-only segment after relocation" $?
	grep 'GNU_STACK' <<<"$segments" | grep -q 'RW  '
	holds "$name: no executable stack" $?
	! grep 'LOAD' <<<"$segments" | grep -q 'RWE'
	holds "$name: nothing both written and executed" $?
}

full=$(dirname "$BEHALF")/behalf-full
runtime=$(dirname "$BEHALF")/behalf-runtime
programs=("$BEHALF" "$full")
[ ! -x "$runtime" ] || programs+=("$runtime")
echo "1..$((${#programs[@]} * 5 + 2))"

others=$(libraries "$full" | grep -vE '^(libc|libm|ld-linux.*)\.so\.[0-9]+$')
if libraries "$full" | grep -q 'lib[au].*san' || ! ls /usr/lib/*/libbpf.a >/dev/null 2>&1; then
	number=1
	echo "ok 1 few shared libraries # SKIP a build with sanitizers, or no static libraries here"
else
	holds 'few shared libraries' "$([ -z "$others" ]; echo $?)" "$others"
fi
if [ ! -x "$runtime" ]; then
	number=2
	echo "ok 2 none for what starts a container # SKIP a build without the launcher"
else
	some=$(libraries "$BEHALF"; libraries "$runtime")
	holds 'none for what starts a container' "$([ -z "$some" ]; echo $?)" "$some"
fi
for program in "${programs[@]}"; do
	hardened "$program"
done
