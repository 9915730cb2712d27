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

@test "stat of an account reconciles the kernel's figure with what it costs" {
	busy 1
	inside "$BEHALF" stat -J >"$BATS_TEST_TMPDIR/json"
	jq -e '.irq_time | type == "boolean"' "$BATS_TEST_TMPDIR/json"
	# the heaviest that has not gone by now
	status=1
	for id in $(jq -r '[.accounts[] | select(.cgroup != "/" and .kernel_says_ns > 0)] | sort_by(-.kernel_says_ns)
		| .[].id' "$BATS_TEST_TMPDIR/json"); do
		run inside "$BEHALF" stat "$id"
		[ "$status" -ne 0 ] || break
	done
	[ "$status" -eq 0 ] || skip "no account but the host's"
	# what is above the last CHARGE adds up to it
	awk '/KERNEL-SAYS/ { sum = $2; on = 1 } on && /^-/ { sum -= $3 } on && /^\+/ { sum += $3 }
		on && /^= CHARGE/ { apart = sum - $3; found = 1 }
		END { exit found && apart * apart <= (0.002 + $3 / 150) ^ 2 ? 0 : 1 }' <<<"$output"
}
