#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What stat, who and replay say of a ledger of their own.

setup_file() {
	load helpers
	load ledger_helpers
	need_verb who
	need_program jq jq
	private_ledger
}

teardown_file() {
	load ledger_helpers
	end_private_ledger
}

setup() {
	load helpers
	load ledger_helpers
}

# busy SECONDS: a thread of the host that does nothing else
busy() {
	timeout "$1" sh -c 'while :; do :; done' || true
}

@test "who says what heavy payers spend, and what is left" {
	busy 1 &
	run inside "$BEHALF" who -i 0.5
	wait
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^.+\ spends\ [0-9.]+\ CPU\ in\ its\ threads\ and\ [0-9.]+\ CPU\ of\ kernel\ work\ elsewhere ]]
	[[ ${lines[-1]} =~ CPU\ of\ kernel\ work\ has\ no\ known\ owner,\ [0-9.]+\ of\ [0-9]+\ CPUs?\ (is|are)\ idle\.$ ]]
	run inside "$BEHALF" who -i 0.1 host
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == "host spends "* ]]
}

@test "who refuses in one sentence" {
	for args in "-i 0" "a b" "--frobnicate" "-i 0.05 no-such-account"; do
		# shellcheck disable=SC2086
		run inside "$BEHALF" who $args
		[ "$status" -eq 1 ] || { echo "$args: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
	done
}

@test "what is promised stands beside what is charged" {
	export BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises
	STATE=$BATS_TEST_TMPDIR/state ID=views-$$-$RANDOM
	behalf spawn --name "$ID" --detach --cpu-reserve 0.1 --net none --output /dev/null -- sleep 30
	sleep 0.1
	inside env BEHALF_PROMISES="$BEHALF_PROMISES" "$BEHALF" stat -J -i 0.5 >"$BATS_TEST_TMPDIR/json"
	run inside env BEHALF_PROMISES="$BEHALF_PROMISES" "$BEHALF" top -b -n 1 -d 0.2 -a
	behalf delete --force "$ID"
	jq -e --arg id "$ID" '.wall_ns as $wall | .accounts[] | select(.name == $id) | .reserved_ns / $wall
		| . > 0.0999 and . < 0.1001' "$BATS_TEST_TMPDIR/json"
	jq -e '[.accounts[] | select(.cgroup == "/") | .reserved_ns] == [0]' "$BATS_TEST_TMPDIR/json"
	grep -qE "^$ID +0\.100 " <<<"$output"
	grep -qE "^host +- " <<<"$output"
}

@test "stat of an account reconciles the kernel's figure with what it costs" {
	STATE=$BATS_TEST_TMPDIR/state ID=views-$$-$RANDOM
	behalf spawn --name "$ID" --detach --net none --output /dev/null -- sh -c 'while :; do :; done'
	sleep 1
	inside "$BEHALF" stat -J >"$BATS_TEST_TMPDIR/json"
	jq -e '.irq_time | type == "boolean"' "$BATS_TEST_TMPDIR/json"
	run inside "$BEHALF" stat "$ID"
	behalf delete --force "$ID"
	echo "$output"
	[ "$status" -eq 0 ]
	# what is above the last CHARGE adds up to it
	awk '/KERNEL-SAYS/ { sum = $2; on = 1 } on && /^-/ { sum -= $3 } on && /^\+/ { sum += $3 }
		on && /^= CHARGE/ { apart = sum - $3; most = 0.002 + $3 / 150; found = 1 }
		END { exit found && apart * apart <= most * most ? 0 : 1 }' <<<"$output"
}

@test "what is recorded is replayed, without a ledger and without privileges" {
	file=$BATS_TEST_TMPDIR/record
	inside "$BEHALF" record -i 0.2 -n 4 "$file"
	[ "$(wc -l <"$file")" -eq 5 ]
	jq -es '.[0].behalf_record == 1 and (.[1:] | all(.cpus > 0))' "$file"
	run inside "$BEHALF" record -n 1 "$file"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	dir=$(mktemp -d)
	chmod 755 "$dir"
	copy_behalf "$dir"
	replay() {
		setpriv --reuid 65534 --regid 65534 --clear-groups "$dir/behalf" replay - "$@" <"$file"
	}
	replay stat -J >"$BATS_TEST_TMPDIR/stat"
	replay top -J >"$BATS_TEST_TMPDIR/top"
	replay top -b >"$BATS_TEST_TMPDIR/pages"
	replay who >"$BATS_TEST_TMPDIR/who"
	replay stat -J -i 0.1 >"$BATS_TEST_TMPDIR/last"
	rm -r "$dir"
	# the whole is the first line taken off the last, and so is the sum of the samples
	[ "$(jq .wall_ns "$BATS_TEST_TMPDIR/stat")" = "$(jq -s '.[-1].wall_ns - .[1].wall_ns' "$file")" ]
	[ "$(jq .wall_ns "$BATS_TEST_TMPDIR/stat")" = "$(jq -s 'map(.wall_ns) | add' "$BATS_TEST_TMPDIR/top")" ]
	[ "$(jq .wall_ns "$BATS_TEST_TMPDIR/last")" = "$(jq -s '.[-1].wall_ns' "$BATS_TEST_TMPDIR/top")" ]
	jq -e '(.sum_ns / (.cpus * .wall_ns) - 1) | fabs < 0.005' "$BATS_TEST_TMPDIR/stat"
	[ "$(grep -c '^behalf top ' "$BATS_TEST_TMPDIR/pages")" -eq 3 ]
	grep -q 'idle\.$' "$BATS_TEST_TMPDIR/who"
}

@test "a signal ends a record after a whole line" {
	nsenter --mount="$(private_mounts)" -- "$BEHALF" record -i 0.05 "$BATS_TEST_TMPDIR/record" 3>&- &
	pid=$!
	has_lines() { [ "$(wc -l <"$BATS_TEST_TMPDIR/record")" -ge "$1" ]; }
	wait_until 5 has_lines 3
	kill "$pid"
	wait "$pid"
	[ "$(tail -c 1 "$BATS_TEST_TMPDIR/record" | od -An -c | tr -d ' ')" = '\n' ]
	jq -es 'length >= 3' "$BATS_TEST_TMPDIR/record"
}

@test "replay refuses in one sentence" {
	echo '{}' >"$BATS_TEST_TMPDIR/other"
	echo '{"behalf_record":1,"classes":[]}' >"$BATS_TEST_TMPDIR/empty"
	for args in "" "x" "/no/such/file stat" "$BATS_TEST_TMPDIR/other stat" "$BATS_TEST_TMPDIR/empty stat" \
		"$BATS_TEST_TMPDIR/empty top -b" "$BATS_TEST_TMPDIR/empty spawn" "--frobnicate x"; do
		# shellcheck disable=SC2086
		run "$BEHALF" replay $args
		[ "$status" -eq 1 ] || { echo "$args: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ] || { echo "$args: $output"; return 1; }
	done
}
