#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Completion in bash, as a shell would ask for it.

setup() {
	load helpers
	# shellcheck source=completions/behalf.bash
	source "$SOURCE_DIR/completions/behalf.bash"
}

# complete_line WORD... completes the last word.
complete_line() {
	COMP_WORDS=("$BEHALF" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_behalf
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "options before the verb" {
	run complete_line --lo
	[ "$output" = $'--log\n--log-format\n--log-level' ]
}

@test "every verb of --help is offered" {
	run complete_line ''
	for verb in $("$BEHALF" --help | sed -n '/^Verbs:/,$s/^  \([a-z]*\) .*/\1/p'); do
		grep -qx "$verb" <<<"$output"
	done
}

@test "options of every verb are offered" {
	for verb in $("$BEHALF" --help | sed -n '/^Verbs:/,$s/^  \([a-z]*\) .*/\1/p'); do
		run complete_line "$verb" --
		grep -qx -- --help <<<"$output" || { echo "$verb: $output"; return 1; }
	done
}

@test "values of --log-format" {
	run complete_line --log-format j
	[ "$output" = json ]
	run complete_line --log-level d
	[ "$output" = debug ]
}

@test "a root before the verb is no verb" {
	run complete_line --root /tmp --lo
	[ "$output" = $'--log\n--log-format\n--log-level' ]
}
