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
