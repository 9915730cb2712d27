#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# tools/check must count whatever way there is to fail: each item below ends in another one.
set -u
cd "${SOURCE_DIR:-.}" || exit 1
dir=$(mktemp -d)
trap 'kill -KILL $(cat "$dir"/pid-*) 2>/dev/null; rm -rf "$dir"' EXIT
mkdir -p "$dir/unit" "$dir/build"
export TESTS=$dir BUILD=$dir/build

# item NAME LINE... writes a test of these shell lines.
item() {
	local name=$1
	shift
	printf '%s\n' '#!/bin/sh' "$@" >"$dir/unit/$name.sh"
	chmod +x "$dir/unit/$name.sh"
}

item passes 'echo 1..2; echo ok 1 - a; echo ok 2 b'
item fails 'echo 1..2; echo ok 1 a; echo not ok 2 b; echo "# because"; exit 1'
item skips 'echo 1..2; echo "ok 1 a # SKIP no moon"; echo "ok 2 b # skip"'
item nowhere 'echo "1..0 # SKIP not here"'
item stops-early 'echo 1..3; echo ok 1 a'
item says-nothing 'exit 0'
item lies 'echo 1..1; echo ok 1 a; exit 3'
item gives-up 'echo "Bail out! no disk"'
item hangs '# timeout: 1' 'echo 1..1; echo ok 1 a; sleep 100'

number=0
is() {
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		echo "# got '$2', want '$3'"
	fi
}
sum_of() {
	tools/check "$@" 2>&1 | tail -n 1
}

echo 1..25
is 'a pass' "$(sum_of unit/passes)" '2 passed, 0 failed, 0 skipped'
is 'a failure' "$(sum_of unit/fails)" '1 passed, 1 failed, 0 skipped'
is 'a skip' "$(sum_of unit/skips)" '0 passed, 0 failed, 2 skipped'
is 'a file that cannot run here' "$(sum_of unit/nowhere)" '0 passed, 0 failed, 1 skipped'
is 'tests that did not run' "$(sum_of unit/stops-early)" '1 passed, 1 failed, 0 skipped'
is 'no TAP at all' "$(sum_of unit/says-nothing)" '0 passed, 1 failed, 0 skipped'
is 'an exit status beside passes' "$(sum_of unit/lies)" '1 passed, 1 failed, 0 skipped'
is 'bailing out' "$(sum_of unit/gives-up)" '0 passed, 1 failed, 0 skipped'
is 'no end' "$(sum_of unit/hangs)" '1 passed, 1 failed, 0 skipped'
is 'the sum' "$(sum_of)" '6 passed, 6 failed, 3 skipped'
is 'the reason of a skip is shown' "$(tools/check unit/skips | grep -c 'skipped: a: no moon')" 1
is 'what a failed test said is shown' "$(tools/check unit/fails | sed '/^failed: /,$d' | grep -c '# because')" 1
is 'and named at the end' "$(tools/check unit/fails | sed '1,/^failed: /d' | grep -c 'FAILED: b')" 1
tools/check unit/passes >/dev/null
is 'exit status of success' $? 0
tools/check >/dev/null
is 'exit status of failure' $? 1

# bats by itself takes that for a failure
mkdir "$dir/bats"
cat >"$dir/bats/absent.bats" <<END
setup_file() { load '$PWD/tests/integration/helpers'; need_program no-such-program; }
@test "one" { true; }
@test "two" { true; }
END
what='a file of bats whose setup_file skips'
if command -v bats >/dev/null; then
	is "$what" "$(sum_of bats/absent)" '0 passed, 0 failed, 1 skipped'
else
	echo "ok 15 $what # SKIP no bats"
fi

# Those that say so run two at a time, the longest first: each waits for the other. Who does not say it has nobody beside.
mkdir "$dir/vm"
for name in alone first more some-more very-long; do
	case $name in
	first) other=very-long said='# beside others' ;;
	very-long) other=first said='# timeout: 400\n# beside others' ;;
	*more) other=first said='# beside others: why' ;;
	alone) other=alone said= ;;
	esac
	printf '%b\n' '#!/bin/sh' "$said" "echo $name >>$dir/begun; touch $dir/$name $dir/runs-$name" \
		"for i in 1 2 3 4 5 6 7 8 9; do [ -e $dir/$other ] || sleep 0.3; done" \
		"sleep 0.3; ls -d $dir/runs-* >$dir/beside-$name; rm $dir/runs-$name" \
		"echo 1..1; [ -e $dir/$other ] && echo ok 1 met || echo not ok 1 alone" >"$dir/vm/$name.sh"
	chmod +x "$dir/vm/$name.sh"
done
is 'two at the same time' "$(sum_of vm)" '5 passed, 0 failed, 0 skipped'
# the first two begin at the same time
is 'the longest first' "$(sed -n '2,3p' "$dir/begun" | grep -cx very-long)" 1
is 'never more than two' "$(wc -l "$dir"/beside-* | awk '$1 > 2 && $2 != "total"')" ''
is 'and who does not ask for it has nobody beside' "$(cat "$dir/beside-alone")" "$dir/runs-alone"

# What runs an item is killed, or what reads it, the second time: the figures of the first time are nobody's.
mkdir "$dir/golden"
for name in orphan unread untouched; do
	case $name in
	orphan) whom="cut -d ' ' -f 4 /proc/\$PPID/stat" ;;
	unread) whom='pgrep -f "^awk -v item=golden/unread.sh .*counts='$dir'"' ;;
	untouched) whom= ;;
	esac
	printf '%s\n' '#!/bin/sh' '# beside others' "[ ! -e $dir/kill ] || kill -KILL \$($whom)" \
		'echo 1..1' 'echo ok 1 a' >"$dir/golden/$name.sh"
	chmod +x "$dir/golden/$name.sh"
done
is 'before something is killed' "$(sum_of golden)" '3 passed, 0 failed, 0 skipped'
touch "$dir/kill"
is 'who lost its runner or reader has failed' "$(sum_of golden)" '1 passed, 2 failed, 0 skipped'
is 'and is named' "$(tools/check golden 2>/dev/null | sed '1,/^failed: /d' | grep -c 'FAILED: golden/')" 2

# Interrupted, it leaves nobody behind: one that is alone, and two beside each other.
mkdir "$dir/clients"
for name in alone one other; do
	said='# beside others'
	[ "$name" != alone ] || said=
	printf '%s\n' '#!/bin/sh' "$said" "echo \$\$ >$dir/pid-$name" 'exec sleep 100' >"$dir/clients/$name.sh"
	chmod +x "$dir/clients/$name.sh"
done
interrupt() { # WHAT NAME... prints its status, and who is left
	local check name i

	tools/check "$1" >/dev/null 2>&1 &
	check=$!
	for name in "${@:2}"; do
		for ((i = 0; i < 200; i++)); do
			[ ! -s "$dir/pid-$name" ] || break
			sleep 0.05
		done
	done
	kill -TERM "$check"
	wait "$check"
	echo "$?"
	for name in "${@:2}"; do
		! kill -0 "$(cat "$dir/pid-$name")" 2>/dev/null || echo "$name is left"
	done
}
is 'interrupted, one is ended' "$(interrupt clients/alone alone)" 130
is 'and two' "$(interrupt clients/o one other)" 130
