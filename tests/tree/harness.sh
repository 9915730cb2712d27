#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The harness and tools/check must not call a failure a pass: fixture.c fails in every way there is.
set -u
fixture=$BUILD_DIR/tests/harness/tap_fixture
if [ ! -x "$fixture" ]; then
	echo "1..0 # SKIP no $fixture"
	exit 0
fi
out=$("$fixture")
status=$?
number=0

has() {
	number=$((number + 1))
	if grep -qE "$2" <<<"$out"; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		echo "# no line matches: $2"
	fi
}
lacks() {
	number=$((number + 1))
	if grep -qE "$2" <<<"$out"; then
		echo "not ok $number $1"
		echo "# a line matches: $2"
	else
		echo "ok $number $1"
	fi
}

echo 1..14
has 'the plan comes first' '^1\.\.9$'
has 'a passing test passes' '^ok 1 passes$'
lacks 'what a passing test prints is not shown' 'not shown'
has 'a difference fails' '^not ok 2 differs$'
has 'a check tells both values' "^#   got 1, want 2$"
has 'a test goes on after a check' '^# goes on$'
has 'must() runs cleanups' '^# cleaned 5$'
lacks 'must() leaves the test' 'not reached'
has 'a skip has its reason' '^ok 4 skips # SKIP no moon here$'
has 'status 77 is a skip' '^ok 5 exits_77 # SKIP'
has 'another status fails' '^not ok 6 exits_3$'
has 'a crash fails' '^not ok 7 crashes$'
has 'a hang is ended' '^# hangs: no end after 1 s, killed$'
out=$status
has 'the exit status tells' '^1$'
