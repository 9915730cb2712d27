#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What doctor says of this host, with the ledger off and on.

setup_file() {
	load helpers
	load ledger_helpers
	need_verb doctor
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

@test "doctor tells of each finding what it means" {
	run inside "$BEHALF" doctor
	[ "$status" -eq 0 ]
	[[ $output == *"interrupt time: "* ]]
	[[ $output == *"hooks: "*" of "* ]]
	[[ $output == *" sched_switch softirq_entry "* ]]
	[[ $output == *"the ledger is on"* ]]
}

@test "doctor -J is one object, and each hook has a state" {
	run inside "$BEHALF" doctor -J
	[ "$status" -eq 0 ]
	jq -e '.can_run and .on and (.findings | length > 5) and (.hooks | length > 30)
		and ([.hooks[] | .state] - ["attached", "absent", "replaced", "of no use here"] == [])
		and ([.findings[] | .grade] - ["good", "note", "loss"] == [])
		and .fallbacks.recursion_misses >= 0' <<<"$output"
}

@test "doctor without privileges says what hinders" {
	run setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set=-all --inh-caps=-all \
		"$BEHALF" doctor
	[ "$status" -eq 1 ]
	[[ $output == *"hinders  access: refused"* ]]
	# which cannot be known so
	[[ $output != *"functions: "* ]]
}
