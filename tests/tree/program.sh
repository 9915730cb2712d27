#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program as it was linked: few shared libraries, since a container's start waits for each of them,
# and the hardening that the build asks for.
set -u
if ! command -v readelf >/dev/null || [ ! -x "$BEHALF" ]; then
	echo "1..0 # SKIP no readelf or no $BEHALF"
	exit 0
fi
dynamic=$(readelf -dW "$BEHALF")
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

echo 1..5
libraries=$(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic" | tr '\n' ' ')
if [[ $libraries == *libasan* || $libraries == *libubsan* ]] || ! ls /usr/lib/*/libbpf.a >/dev/null 2>&1; then
	number=1
	echo "ok 1 few shared libraries # SKIP a build with sanitizers, or no static libraries here"
else
	others=$(tr ' ' '\n' <<<"$libraries" | grep -vE '^(libc|libmnl|ld-linux.*)\.so\.[0-9]+$' | grep .)
	holds 'few shared libraries' "$([ -z "$others" ]; echo $?)" "$others"
fi
grep -q 'Flags:.*PIE' <<<"$dynamic"
holds 'position independent' $?
grep -q 'BIND_NOW\|Flags:.*NOW' <<<"$dynamic"
holds 'bound at start, then read-only' $?
segments=$(readelf -lW "$BEHALF")
grep -q GNU_RELRO <<<"$segments"
holds 'a read-only segment after relocation' $?
grep 'GNU_STACK' <<<"$segments" | grep -q 'RW  '
holds 'no executable stack' $?
