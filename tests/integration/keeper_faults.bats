#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The keeper while things die around it: itself, containers, those who supervise them, the ledger. Whatever
# instant that is, no container is without its limit or frozen, and nothing is left of those that have gone.
# FAULTS_SECONDS says for how long.

setup_file() {
	load helpers
	load ledger_helpers
	need_root
	need_program busybox busybox-static
	private_ledger
}

teardown_file() {
	load ledger_helpers
	end_private_ledger
}

setup() {
	# shellcheck disable=SC2034 # for begin
	BUNDLE_FOR_EACH_TEST=
	load helpers
	load ledger_helpers
	begin
	KEEPER=
	SUPERVISORS=()
}

teardown() {
	sed 's/^/keeper: /' "$BATS_TEST_TMPDIR/keeper.err" 2>/dev/null || true
	stop_keeper TERM
	[ ${#SUPERVISORS[@]} -eq 0 ] || kill -KILL "${SUPERVISORS[@]}" 2>/dev/null || true
	[ ${#SUPERVISORS[@]} -eq 0 ] || wait "${SUPERVISORS[@]}" 2>/dev/null || true
	end
}

start_keeper() {
	nsenter --mount="$(private_mounts)" -- "$BEHALF" keeper >>"$BATS_TEST_TMPDIR/keeper.out" 2>>"$BATS_TEST_TMPDIR/keeper.err" 3>&- &
	KEEPER=$!
}

# nsenter executes the program in its own process, so the pid is the keeper's
stop_keeper() {
	[ -n "$KEEPER" ] || return 0
	kill -"$1" "$KEEPER" 2>/dev/null || true
	[ "$1" = CONT ] || [ "$1" = STOP ] || wait "$KEEPER" 2>/dev/null || true
	KEEPER=
}

status() {
	"$BEHALF" keeper status -J 2>/dev/null
}

# Each spins, and may have 0.2 CPU.
bring() { # NAME detached|supervised
	local options=(--root "$STATE" spawn --name "$1" --net none --cpu-limit 0.2 --cpu-reserve 0.02 --memory-limit 64MiB)
	if [ "$2" = detached ]; then
		inside "$BEHALF" "${options[@]}" --detach -- busybox sh -c 'while :; do :; done'
	else
		# not by way of a function: $! is to be the program's own
		nsenter --mount="$(private_mounts)" -- "$BEHALF" "${options[@]}" -- busybox sh -c 'while :; do :; done' >/dev/null 2>&1 3>&- &
		SUPERVISORS+=($!)
		# shellcheck disable=SC2034 # by name
		SUPERVISOR_OF[$1]=$!
	fi
}

group_of() { # CONTROLLER PID
	local path
	path=$(sed -n "s/^[0-9]*:\([^:]*,\)*$1\(,[^:]*\)*:\(.*\)/\3/p" "/proc/$2/cgroup" 2>/dev/null)
	if [ -n "$path" ]; then
		echo "$(awk -v wanted="$1" '$(NF-2) == "cgroup" && $4 == "/" && $NF ~ "(^|,)" wanted "(,|$)" { print $5; exit }' /proc/self/mountinfo)$path"
	else
		echo "$(unified_hierarchy)$(sed -n 's/^0:://p' "/proc/$2/cgroup" 2>/dev/null)"
	fi
}

pid_of() {
	behalf state "$1" 2>/dev/null | sed -n 's/^ *"pid": *\([0-9]*\).*/\1/p'
}

# A container that lives has a quota that is its limit or what the keeper may make of it. One that dies while it is
# looked at says nothing.
is_bounded() {
	local pid group quota period
	pid=$(pid_of "$1")
	[ -n "$pid" ] && [ "$pid" != 0 ] && [ -d "/proc/$pid" ] || return 0
	group=$(group_of cpu "$pid")
	if [ -e "$group/cpu.max" ]; then
		read -r quota period <"$group/cpu.max" 2>/dev/null || return 0
	else
		read -r quota <"$group/cpu.cfs_quota_us" 2>/dev/null || return 0
		read -r period <"$group/cpu.cfs_period_us" 2>/dev/null || return 0
	fi
	awk -v quota="$quota" -v period="$period" 'BEGIN { exit !(quota / period >= 0.01 && quota / period <= 0.6) }' || {
		[ ! -d "/proc/$pid" ] || [ ! -d "$group" ] || { echo "$1: $quota of $period"; return 1; }
	}
}

# It runs: what its group has used grows.
used() {
	if [ -e "$1/cpuacct.usage" ]; then cat "$1/cpuacct.usage"; else sed -n 's/^usage_usec //p' "$1/cpu.stat"; fi
}

is_alive() {
	local group before
	group=$(group_of cpuacct "$(pid_of "$1")")
	before=$(used "$group")
	goes_on() { [ "$(used "$group")" -gt "$before" ]; }
	wait_until 10 goes_on
}

# Nothing of those that have gone is in the book.
empty() {
	book | jq -e '[.[] | select(.means != "steer" and .means != "burst")] == []' >/dev/null
}

@test "containers, their supervisors and the keeper are killed at random" {
	local names=("$ID-a" "$ID-b" "$ID-c" "$ID-d") kinds=(detached supervised detached supervised) kills=0 i pid
	declare -gA SUPERVISOR_OF=()
	for i in 0 1 2 3; do bring "${names[$i]}" "${kinds[$i]}"; done
	for i in 0 1 2 3; do wait_until 10 has_status "${names[$i]}" running; done
	start_keeper
	end_s=$((SECONDS + ${FAULTS_SECONDS:-5}))
	while [ $SECONDS -lt $end_s ] || [ $kills -lt 4 ]; do
		sleep 0.$((RANDOM % 4))
		i=$((RANDOM % 4))
		kills=$((kills + 1))
		case $((RANDOM % 5)) in
		0 | 1)
			kill -KILL "$KEEPER" 2>/dev/null || true
			wait "$KEEPER" 2>/dev/null || true
			for name in "${names[@]}"; do is_bounded "$name"; done
			start_keeper
			;;
		2) # as a machine that stands still for a while
			kill -STOP "$KEEPER" 2>/dev/null || true
			sleep 0.4
			kill -CONT "$KEEPER" 2>/dev/null || true
			;;
		*)
			pid=$(pid_of "${names[$i]}")
			if [ "${kinds[$i]}" = supervised ] && [ $((RANDOM % 2)) = 0 ]; then pid=${SUPERVISOR_OF[${names[$i]}]}; fi
			[ -z "$pid" ] || [ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || true
			wait_until 10 eval "! has_status '${names[$i]}' running"
			behalf delete --force "${names[$i]}" 2>/dev/null || true
			bring "${names[$i]}" "${kinds[$i]}"
			wait_until 10 has_status "${names[$i]}" running
			;;
		esac
		for name in "${names[@]}"; do is_bounded "$name"; done
	done
	echo "$kills faults"
	# the last keeper knows those that live, and no others, within a second
	stop_keeper KILL
	start_keeper
	knows_all() { [ "$(status | jq -r '[.workspaces[] | select(.["cpu.limit"].state == "kept") | .name] | sort | join(" ")')" = "${names[*]}" ]; }
	wait_until 5 knows_all
	for name in "${names[@]}"; do is_alive "$name"; done
	for name in "${names[@]}"; do behalf delete --force "$name"; done
	none() { status | jq -e '.workspaces == []' >/dev/null; }
	wait_until 5 none
	behalf terms list -J | jq -e '. == []'
	wait_until 5 empty
	stop_keeper TERM
	[ ! -e "$BEHALF_KEEPER/found.json" ]
}

@test "what the ledger has pinned is removed under it" {
	bring "$ID-a" detached
	start_keeper
	on() { status | jq -e '.ledger and .workspaces[0].name != null' >/dev/null; }
	wait_until 10 on
	# shellcheck disable=SC2016
	inside sh -c 'rm -rf /sys/fs/bpf/behalf*; for left in /sys/fs/bpf/behalf*; do [ ! -e "$left" ]; done'
	off() { status | jq -e '.ledger | not' >/dev/null; }
	wait_until 5 off
	kill -0 "$KEEPER"
	# its static limit holds
	is_bounded "$ID-a"
	is_alive "$ID-a"
	inside "$BEHALF" ledger on
	wait_until 5 on
	kill -0 "$KEEPER"
}

@test "control groups are removed under it, all at once" {
	local names=() i
	for i in 1 2 3 4 5 6; do
		names+=("$ID-$i")
		inside "$BEHALF" --root "$STATE" spawn --name "$ID-$i" --net none --cpu-limit 0.3 --memory-limit 64MiB --detach -- sleep 100
	done
	start_keeper
	six() { [ "$(status | jq '.workspaces | length')" = 6 ]; }
	wait_until 10 six
	# behind its back, and behind the runtime's
	for i in "${names[@]}"; do
		pid=$(pid_of "$i")
		groups=$(for c in cpu cpuacct memory pids blkio; do group_of $c "$pid"; done | sort -u)
		kill -KILL "$pid"
		gone() { [ ! -d "/proc/$pid" ] || [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)" = Z ]; }
		wait_until 5 gone
		# whoever is faster
		removed() { [ ! -d "$1" ] || rmdir "$1" 2>/dev/null || [ ! -d "$1" ]; }
		for group in $groups; do wait_until 5 removed "$group"; done
	done
	none() { status | jq -e '.workspaces == []' >/dev/null; }
	wait_until 5 none
	kill -0 "$KEEPER"
	for i in "${names[@]}"; do behalf delete --force "$i"; done
	wait_until 5 empty
}
