#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The keeper and `terms`, on control groups of the test and a ledger of its own. How well charges follow is
# bench/isolation's affair; bounds here are wide.

setup_file() {
	load helpers
	load ledger_helpers
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
	need_verb terms
	CPU=$(controller cpu)
	USAGE=$(controller cpuacct)
	V2=$(unified_hierarchy)
	[ -n "$CPU" ] || CPU=$V2
	KEEPER=
	PIDS=()
}

teardown() {
	sed 's/^/keeper: /' "$BATS_TEST_TMPDIR/keeper.err" 2>/dev/null || true
	stop_keeper TERM
	[ ${#PIDS[@]} -eq 0 ] || kill -KILL "${PIDS[@]}" 2>/dev/null || true
	[ ${#PIDS[@]} -eq 0 ] || wait "${PIDS[@]}" 2>/dev/null || true
	remove_group "$ID/inner"
	remove_group "$ID"
	remove_group "$ID-b"
	release_loop
	# shellcheck disable=SC2086 # three of them
	[ -z "${DISK_FOUND:-}" ] || put_disk_back $DISK_FOUND
	forget_container
	ip link del "up-$$" 2>/dev/null || true
	end
}

# The disk that a test has made of memory, if it has.
release_loop() {
	[ -z "${LOOP:-}" ] || losetup -d "$LOOP"
	LOOP=
	! mountpoint -q "$BATS_TEST_TMPDIR/memory" || wait_until 10 umount "$BATS_TEST_TMPDIR/memory"
}

group() {
	mkdir -p "$CPU/$1" "${USAGE:-$CPU}/$1"
	[ -z "$V2" ] || mkdir -p "$V2/$1"
}

remove_group() {
	local dir
	for dir in "$CPU/$1" "${USAGE:-$CPU}/$1" "$(controller pids)/$1" "$V2/$1"; do
		[ ! -d "$dir" ] || wait_until 5 rmdir "$dir" 2>/dev/null || true
	done
}

# in_group NAME COMMAND... in the background
in_group() {
	local name=$1
	shift
	# not by way of a function: $! is to be the command's own
	# shellcheck disable=SC2016 # the inner shell expands
	nsenter --mount="$(private_mounts)" -- sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs"; done; shift; exec "$@"' _ \
		"$CPU/$name ${USAGE:-$CPU}/$name ${V2:+$V2/$name}" "$@" 3>&- &
	PIDS+=($!)
}

spin() {
	in_group "$1" sh -c 'while :; do :; done'
}

quota() {
	if [ -e "$CPU/$1/cpu.max" ]; then cat "$CPU/$1/cpu.max"; else cat "$CPU/$1/cpu.cfs_quota_us"; fi
}

# in CPUs; empty: none
quota_cores() {
	quota "$1" | awk '$1 + 0 > 0 { print $1 / ($2 ? $2 : 100000) }'
}

weight() {
	if [ -e "$CPU/$1/cpu.weight" ]; then cat "$CPU/$1/cpu.weight"; else cat "$CPU/$1/cpu.shares"; fi
}

has_quota() {
	[ -n "$(quota_cores "$1")" ]
}

start_keeper() {
	nsenter --mount="$(private_mounts)" -- "$BEHALF" keeper "$@" >"$BATS_TEST_TMPDIR/keeper.out" 2>"$BATS_TEST_TMPDIR/keeper.err" 3>&- &
	KEEPER=$!
	# beside those that a test makes spin
	wait_until 15 test -S "$BEHALF_KEEPER/socket"
}

# nsenter executes the program in its own process, so the pid is the keeper's
stop_keeper() {
	[ -n "$KEEPER" ] || return 0
	# A test may have stopped it. One that is about to end is left alone: a sanitizer stops it to look for leaks,
	# and waits forever when that is undone.
	if grep -q '^State:.T' "/proc/$KEEPER/status" 2>/dev/null; then kill -CONT "$KEEPER"; fi
	kill -"$1" "$KEEPER" 2>/dev/null || true
	wait "$KEEPER" 2>/dev/null || true
	KEEPER=
}

status() {
	"$BEHALF" keeper status -J
}

# Of one that was killed the socket is still there, and without one the status is of the register.
is_ours() {
	[ "$(status 2>/dev/null | jq .pid)" = "$KEEPER" ]
}

is_kept() {
	status | jq -e --arg name "/$ID" '.workspaces[] | select(.name == $name)' >/dev/null
}

@test "terms are set, shown, listed and taken back" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.5 cpu-share=50
	[ "$(behalf terms show "/$ID")" = $'cpu-limit=0.5\ncpu-share=50' ]
	[ "$(behalf terms show "$CPU/$ID" | head -1)" = cpu-limit=0.5 ]
	behalf terms list -J | jq -e --arg name "/$ID" '.[] | select(.name == $name) | .terms["cpu-limit"] == "0.5"'
	behalf terms unset "/$ID" cpu.share
	[ "$(behalf terms show "/$ID")" = cpu-limit=0.5 ]
	behalf terms unset "/$ID"
	run behalf terms show "/$ID"
	[ "$status" -eq 1 ]
	[[ "$output" == *"nothing is promised to '/$ID'"* ]]
}

@test "terms that are set at the same moment are all there" {
	group "$ID"
	local jobs=() term
	for term in cpu.limit=0.5 cpu.share=50 cpu.reserve=0.01 net.egress.packet-size=100 net.ingress.packet-size=200 \
		net.path=bridge net.egress.connections=1 net.ingress.connections=2; do
		behalf terms set "/$ID" "$term" 3>&- &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do wait "$job"; done
	[ "$(behalf terms show "/$ID" | wc -l)" -eq 8 ]
}

@test "to take a term back on a host of which more is promised than there is is not to force it" {
	group "$ID"
	run behalf terms set --force "/$ID" cpu.reserve=99 cpu.share=200
	[ "$status" -eq 0 ]
	[[ "$output" == *"promised all the same"* ]]
	run behalf terms unset "/$ID" cpu.share
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	behalf terms show -J "/$ID" | jq -e '.forced and .terms["cpu-reserve"] != null and .terms["cpu-share"] == null'
}

@test "a term is taken back although what keeps another is gone" {
	group "$ID"
	export BEHALF_UPLINK=up-$$=1gbit
	ip link add "up-$$" type veth peer name "pu-$$"
	behalf terms set "/$ID" cpu.limit=0.5 net.egress.reserve=1mbit
	ip link del "up-$$"
	run behalf terms set "/$ID" cpu.limit=0.4
	[ "$status" -ne 0 ]
	[[ $output == *net*egress*reserve*"up-$$"* ]]
	behalf terms unset "/$ID" cpu.limit
	[[ "$(behalf terms show "/$ID")" == net-egress-reserve=* ]]
}

@test "a promise to a group ends with the group" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.5
	remove_group "$ID"
	behalf terms list -J | jq -e '. == []'
}

@test "what cannot be promised is refused in one sentence" {
	group "$ID"
	for words in "set /$ID cpu.limit=0" "set /$ID cpu.speed=1" "set /$ID cpu.limit" "set /$ID-none cpu.limit=1" \
		"set / cpu.limit=1" "set /../etc cpu.limit=1" "set nobody-is-called-this cpu.limit=1" "set" "what" \
		"set --cpus x /$ID cpu.limit=1"; do
		# shellcheck disable=SC2086 # words
		run behalf terms $words
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
	done
	behalf terms list -J | jq -e '. == []'
}

@test "terms whose controller the group is in no hierarchy of are refused" {
	local memory
	memory=$(controller memory)
	[ -n "$memory" ] && [ "$memory" != "$CPU" ] || skip "memory is where cpu is"
	group "$ID"
	run behalf terms set "/$ID" cpu.limit=0.5 memory.limit=64MiB
	[ "$status" -eq 1 ]
	[ "$output" = "behalf: terms of '/$ID': the control group '/$ID' is in no hierarchy that has the memory controller" ]
	behalf terms list -J | jq -e '. == []'
}

@test "terms whose controller is not switched on for the group are refused" {
	grep -qw cpu "$V2/cgroup.controllers" 2>/dev/null || skip "the cpu controller is not on cgroup v2"
	group "$ID"
	mkdir "$CPU/$ID/off"
	run behalf terms set "/$ID/off" cpu.limit=0.5
	rmdir "$CPU/$ID/off"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"the cpu controller is not switched on"*"/$ID/off"* ]]
}

@test "a container is found by the beginning of its id" {
	id=$(printf '%064x' $RANDOM$RANDOM)
	group "libpod-$id"
	run behalf terms set "${id:0:60}" cpu.limit=0.5
	shown=$(behalf terms show "/libpod-$id")
	remove_group "libpod-$id"
	[ "$status" -eq 0 ]
	[ "$shown" = cpu-limit=0.5 ]
}

forget_container() {
	[ -n "${CONTAINER:-}" ] || return 0
	remove_group "$CONTAINER"
	rm -rf "${TASKS:?}/$CONTAINER"
	rmdir -p --ignore-fail-on-non-empty "$TASKS" 2>/dev/null || true
	CONTAINER=
}

@test "a container has the name that its engine gives it, in all that is said of its terms" {
	need_root
	TASKS=/run/containerd/io.containerd.runtime.v2.task/default
	CONTAINER=$(od -An -tx1 -N32 /dev/urandom | tr -d ' \n')
	mkdir -p "$TASKS/$CONTAINER"
	echo "{\"annotations\": {\"nerdctl/name\": \"shop-$ID\"}}" >"$TASKS/$CONTAINER/config.json"
	group "$CONTAINER"
	behalf terms set "shop-$ID" cpu.limit=0.3
	behalf terms list | grep "^shop-$ID  *cgroup  *cpu-limit=0.3"
	behalf terms list -J | jq -e --arg id "$CONTAINER" --arg name "shop-$ID" \
		'.[] | select(.name == "/" + $id) | .called == $name'
	behalf terms show "${CONTAINER:0:12}" | grep -x cpu-limit=0.3
	run "$BEHALF" keeper status
	[ "$status" -eq 1 ]
	[[ "$output" == *"shop-$ID "*"not kept: no keeper"* ]]
	# before the keeper, which leaves nothing to be written
	inside "$BEHALF" keeper --dry-run --once | grep "^shop-$ID: "
	start_keeper
	called() { status | jq -e --arg id "$CONTAINER" --arg name "shop-$ID" '.workspaces[] | .name == "/" + $id and .called == $name' >/dev/null; }
	wait_until 5 called
	spin "$CONTAINER"
	is_told() { "$BEHALF" keeper status | grep -q "^shop-$ID  *cpu.limit .* kept"; }
	wait_until 5 is_told
	inside "$BEHALF" metrics --once | grep "^behalf_promised{workspace=\"shop-$ID\",cgroup=\"/$CONTAINER\""
}

@test "a dry run tells, and writes nothing" {
	group "$ID"
	spin "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	before=$(quota "$ID")
	run inside "$BEHALF" keeper --dry-run --once
	[ "$status" -eq 0 ]
	echo "$output"
	[[ "$output" == *"/$ID: $CPU/$ID/cpu."*"= 30000"* ]]
	[[ "$output" != *memory* && "$output" != *pids* ]]
	[ "$(quota "$ID")" = "$before" ]
	[ ! -e "$BEHALF_KEEPER" ]
	run inside "$BEHALF" keeper --dry-run --once -J
	jq -e --arg name "/$ID" 'select(.workspace == $name) | .text' <<<"$(grep -m 1 '^{' <<<"$output")"
}

@test "a limit is set and followed, and what was found is put back" {
	group "$ID"
	[ -e "$CPU/$ID/cpu.max" ] || echo 80000 >"$CPU/$ID/cpu.cfs_quota_us"
	[ ! -e "$CPU/$ID/cpu.max" ] || echo "80000 100000" >"$CPU/$ID/cpu.max"
	before=$(quota "$ID") before_weight=$(weight "$ID")
	run behalf terms set "/$ID" cpu.limit=0.3 cpu.share=50
	[ "$status" -eq 0 ]
	run "$BEHALF" keeper status
	[ "$status" -eq 1 ]
	[[ "$output" == *"/$ID "*"cpu.limit "*"not kept: no keeper"* ]]
	start_keeper
	wait_until 5 is_kept
	[ "$(quota_cores "$ID")" = 0.3 ]
	[ "$(weight "$ID")" != "$before_weight" ]
	spin "$ID"
	sleep 3
	status | jq -e --arg name "/$ID" '.workspaces[] | select(.name == $name) |
		.["cpu.limit"].got < 0.45 and .["cpu.limit"].state == "kept"'
	"$BEHALF" keeper status | grep -q "^/$ID  *cpu.limit  *0.3 "
	inside "$BEHALF" stat | grep "$ID .*kept [0-9]*s"
	inside "$BEHALF" stat "/$ID" | grep 'PROMISED  *cpu.limit 0.300: got .*, kept for'
	inside "$BEHALF" stat -J | jq -e --arg name "/$ID" '.accounts[] | select(.cgroup == $name) | .promises | length == 1'
	stop_keeper TERM
	inside "$BEHALF" stat | grep "$ID .*not kept: no keeper"
	[ "$(quota "$ID")" = "$before" ]
	[ "$(weight "$ID")" = "$before_weight" ]
	[ ! -e "$BEHALF_KEEPER/socket" ]
	[ ! -e "$BEHALF_KEEPER/found.json" ]
}

@test "a group that is in the hierarchy of cpu alone is kept, too" {
	[ -n "$USAGE" ] && [ "$USAGE" != "$CPU" ] || skip "the hierarchy with cpu is the one with cpuacct"
	mkdir "$CPU/$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 has_quota "$ID"
	# shellcheck disable=SC2016 # the inner shell expands
	sh -c 'echo $$ >"$1/cgroup.procs"; while :; do :; done' _ "$CPU/$ID" 3>&- &
	PIDS+=($!)
	is_judged() {
		status | jq -e --arg name "/$ID" '.workspaces[] | select(.name == $name) | .["cpu.limit"] |
			.state == "kept" and .got > 0.2 and .got < 0.45'
	}
	wait_until 20 is_judged
}

@test "a flood is charged no more than its limit, by far" {
	need_program unshare
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 is_kept
	# to its own loopback: the work is done in its own time and in softirqs
	# shellcheck disable=SC2016 # the inner shell expands
	in_group "$ID" unshare --net sh -c 'ip link set lo up; exec "$1" send 127.0.0.1 9 18 20' _ \
		"$(dirname "$BEHALF")/tests/bpf/udp_flood"
	sleep 6
	status | jq -e --arg name "/$ID" '.workspaces[] | select(.name == $name) | .["cpu.limit"].got < 0.45'
}

@test "terms that are taken back are put back at once" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 has_quota "$ID"
	behalf terms unset "/$ID"
	gone() { ! has_quota "$ID"; }
	wait_until 5 gone
	status | jq -e '.workspaces == []'
}

@test "a keeper that is killed leaves limits, and the next carries on and can put back" {
	group "$ID"
	before=$(quota "$ID")
	behalf terms set "/$ID" cpu.limit=0.3
	spin "$ID"
	start_keeper
	wait_until 5 has_quota "$ID"
	for _ in 1 2 3 4 5; do
		sleep 0.$((RANDOM % 9))
		stop_keeper KILL
		cores=$(quota_cores "$ID")
		awk -v cores="$cores" 'BEGIN { exit !(cores >= 0.01 && cores <= 0.9) }'
		book | jq -e --arg quota "${before%% *}" '.[] | select(.text | startswith($quota))'
		start_keeper
		wait_until 5 is_kept
	done
	stop_keeper KILL
	inside "$BEHALF" keeper --restore
	[ "$(quota "$ID")" = "$before" ]
}

# add_burst QUEUE FILE TEXT to the book of a keeper that was killed
add_burst() {
	jq -nc --arg where "$1" --arg what "$2" --arg text "$3" --argjson inode "$(stat -c %i "$1")" \
		'{means: "burst", $where, $inode, $what, $text}' >"$BATS_TEST_TMPDIR/line"
	printf '\n%s' "$(cat "$BATS_TEST_TMPDIR/line")" >>"$BEHALF_KEEPER/found.json"
}

@test "a disk that hangs holds neither --restore nor what else is put back" {
	local queue=$BATS_TEST_TMPDIR/queue result=0
	group "$ID"
	before=$(quota "$ID")
	behalf terms set "/$ID" cpu.limit=0.3
	spin "$ID"
	start_keeper
	wait_until 5 has_quota "$ID"
	stop_keeper KILL
	# whoever opens a pipe waits for its other end
	mkdir "$queue"
	mkfifo "$queue/nr_requests"
	add_burst "$queue" nr_requests "256 8 256"
	inside timeout -s KILL 20 "$BEHALF" keeper --restore 2>"$BATS_TEST_TMPDIR/restore" || result=$?
	[ "$result" -eq 1 ]
	grep -F "the disk of '$queue' does not answer" "$BATS_TEST_TMPDIR/restore"
	[ "$(quota "$ID")" = "$before" ]
	book | jq -e --arg queue "$queue" 'length == 1 and .[0].where == $queue'
	# by the keeper after it, when it answers again
	rm "$queue/nr_requests"
	echo 8 >"$queue/nr_requests"
	inside "$BEHALF" keeper --restore
	[ "$(cat "$queue/nr_requests")" = 256 ]
	[ ! -e "$BEHALF_KEEPER/found.json" ]
}

@test "a disk that a killed keeper has bounded is let go, also when it is in nobody's way any more" {
	need_program losetup
	truncate -s 32M "$BATS_TEST_TMPDIR/disk"
	LOOP=$(losetup --find --show "$BATS_TEST_TMPDIR/disk" 2>/dev/null) || skip "no loop device"
	queue=/sys/block/${LOOP##*/}/queue
	size=$(cat "$queue/max_sectors_kb")
	DISK=${LOOP##*/} DISK_FOUND="$size $(cat "$queue/nr_requests") $(cat "$queue/read_ahead_kb")"
	start_keeper
	stop_keeper USR1
	[ -e "$BEHALF_KEEPER/found.json" ] || printf '{"version":1,"found":[],"carried":{}}' >"$BEHALF_KEEPER/found.json"
	echo $((size / 2)) >"$queue/max_sectors_kb"
	add_burst "$queue" max_sectors_kb "$size $((size / 4)) $((size / 2))"
	start_keeper
	free() { [ "$(cat "$queue/max_sectors_kb")" = "$size" ]; }
	wait_until 15 free
	stop_keeper TERM
	free
}

# What a keeper has set and is not promised any more when the next begins.
@test "terms that are taken back while no keeper runs are put back by the next" {
	local memory pids limit file
	memory=$(controller memory) pids=$(controller pids)
	group "$ID"
	mkdir -p "${memory:-$V2}/$ID" "${pids:-$V2}/$ID"
	limit=${memory:-$V2}/$ID/memory.max
	[ -e "$limit" ] || limit=${memory:-$V2}/$ID/memory.limit_in_bytes
	file=${pids:-$V2}/$ID/pids.max
	before=$(cat "$limit") before_weight=$(weight "$ID")
	echo 1234 >"$file"
	behalf terms set "/$ID" cpu.limit=0.3 cpu.share=300 memory.limit=64MiB pids.limit=99
	start_keeper
	wait_until 5 grep -qx 99 "$file"
	wait_until 5 has_quota "$ID"
	[ "$(cat "$limit")" = $((64 << 20)) ]
	[ "$(weight "$ID")" != "$before_weight" ]
	stop_keeper KILL
	[ "$(cat "$file")" = 99 ]
	behalf terms unset "/$ID" cpu.share memory.limit pids.limit
	start_keeper
	wait_until 5 grep -qx 1234 "$file"
	[ "$(cat "$limit")" = "$before" ]
	[ "$(weight "$ID")" = "$before_weight" ]
	[ "$(quota_cores "$ID")" = 0.3 ]
	# and while one runs
	behalf terms set "/$ID" memory.limit=64MiB pids.limit=99
	wait_until 5 grep -qx 99 "$file"
	behalf terms unset "/$ID" memory.limit pids.limit
	wait_until 5 grep -qx 1234 "$file"
	[ "$(cat "$limit")" = "$before" ]
	stop_keeper TERM
	rmdir "${memory:-$V2}/$ID" "${pids:-$V2}/$ID" 2>/dev/null || true
}

# Who changes a container's terms has set them as well: what stays is that, not what it was made with.
@test "a container's limits that were changed stay when the keeper ends, and go with its last term" {
	local group=behalf-$ID memory pids limit file
	memory=$(controller memory) pids=$(controller pids)
	limit=${memory:-$V2}/$group/memory.max file=${pids:-$V2}/$group/pids.max
	inside "$BEHALF" --root "$STATE" spawn -d --name "$ID" --net none --cpu-limit 0.5 --cpu-reserve 0.1 \
		--memory-limit 64MiB --pids-limit 77 sleep 1000
	[ -e "$limit" ] || limit=${memory:-$V2}/$group/memory.limit_in_bytes
	start_keeper
	kept() { status | jq -e --arg name "$ID" '.workspaces[] | select(.name == $name)' >/dev/null; }
	wait_until 5 kept
	behalf update --term cpu.limit=0.8 --term cpu.reserve=0.2 --term memory.limit=96MiB --term pids.limit=66 "$ID"
	noted() { book | jq -e '[.[].text] | any(startswith("80000")) and any(. == "66")' >/dev/null; }
	wait_until 5 noted
	stop_keeper TERM
	has_quota_of "$group" 0.8
	[[ $(weight "$group") == 13107 || $(weight "$group") == 500 ]]
	[ "$(cat "$limit")" = $((96 << 20)) ]
	[ "$(cat "$file")" = 66 ]
	start_keeper
	wait_until 5 kept
	behalf update --term cpu.limit=none --term cpu.reserve=none --term memory.limit=none --term pids.limit=none "$ID"
	forgotten() { ! kept; }
	wait_until 5 forgotten
	unlimited() {
		! has_quota "$group" && [[ $(weight "$group") == 1024 || $(weight "$group") == 100 ]] &&
			[[ $(cat "$limit") == max || $(cat "$limit") -gt $((1 << 50)) ]] && [ "$(cat "$file")" = max ]
	}
	unlimited
	# and while none runs
	behalf update --term cpu.limit=0.5 --term pids.limit=77 "$ID"
	wait_until 5 kept
	wait_until 5 has_quota_of "$group" 0.5
	stop_keeper KILL
	behalf update --term cpu.limit=none --term pids.limit=none "$ID"
	start_keeper
	wait_until 5 unlimited
	stop_keeper TERM
	unlimited
	behalf delete --force "$ID"
}

# The book of a killed keeper has what was found in a group of this name, which is another one by now.
@test "a group made anew gets no weight of the one before it" {
	group "$ID"
	set_weight "$ID" 500
	behalf terms set "/$ID" cpu.share=300
	start_keeper
	raised() { [ "$(weight "$ID")" != 500 ]; }
	wait_until 5 raised
	stop_keeper KILL
	remove_group "$ID"
	group "$ID"
	fresh=$(weight "$ID")
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 has_quota_of "$ID" 0.3
	[ "$(weight "$ID")" = "$fresh" ]
	stop_keeper TERM
	[ "$(weight "$ID")" = "$fresh" ]
}

set_weight() {
	if [ -e "$CPU/$1/cpu.weight" ]; then echo "$2" >"$CPU/$1/cpu.weight"; else echo "$2" >"$CPU/$1/cpu.shares"; fi
}

set_quota() {
	if [ -e "$CPU/$1/cpu.max" ]; then echo "$2 100000" >"$CPU/$1/cpu.max"; else echo "$2" >"$CPU/$1/cpu.cfs_quota_us"; fi
}

has_quota_of() {
	[ "$(quota_cores "$1")" = "$2" ]
}

@test "a quota that somebody else has set holds beside terms" {
	group "$ID"
	set_quota "$ID" 50000
	behalf terms set "/$ID" cpu.share=50
	start_keeper
	wait_until 5 is_kept
	has_quota_of "$ID" 0.5
	behalf terms set "/$ID" cpu.limit=0.3
	wait_until 5 has_quota_of "$ID" 0.3
	behalf terms unset "/$ID" cpu.limit
	wait_until 5 has_quota_of "$ID" 0.5
	run behalf terms set "/$ID" cpu.reserve=0.6
	[ "$status" -eq 1 ]
	[[ "$output" == *"the control group '/$ID' has a quota of 0.5"* ]]
	# an engine changes it
	behalf terms set "/$ID" cpu.limit=0.4
	wait_until 5 has_quota_of "$ID" 0.4
	set_quota "$ID" 20000
	noticed() { book | jq -e --arg where "$CPU/$ID" '.[] | select(.where == $where and (.text | startswith("20000")))' >/dev/null; }
	wait_until 10 noticed
	has_quota_of "$ID" 0.2
	stop_keeper TERM
	has_quota_of "$ID" 0.2
}

@test "one keeper at a time, and it says so" {
	start_keeper
	run inside "$BEHALF" keeper
	[ "$status" -eq 1 ]
	[[ "$output" == *"another keeper runs already"* ]]
	stop_keeper TERM
	run "$BEHALF" keeper status
	[ "$status" -eq 1 ]
	[[ "$output" == *"no keeper runs"* ]]
}

@test "a service waits for one that has just begun, and says who has the lock" {
	mkdir -p "$BEHALF_KEEPER"
	# It has the lock, and does not listen yet.
	flock "$BEHALF_KEEPER/lock" sleep 1.5 3>&- &
	PIDS+=($!)
	sleep 0.3
	inside "$BEHALF" keeper --once
	flock "$BEHALF_KEEPER/lock" sleep 30 3>&- &
	PIDS+=($!)
	locked() { ! flock --nonblock "$BEHALF_KEEPER/lock" true; }
	wait_until 5 locked
	run inside timeout 15 "$BEHALF" keeper
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"another keeper runs already (process ${PIDS[1]}), and it does not listen at '$BEHALF_KEEPER/socket'" ]]
}

@test "SIGUSR1 leaves what was set to the next" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 has_quota "$ID"
	stop_keeper USR1
	has_quota "$ID"
	start_keeper
	stop_keeper TERM
	[ -z "$(quota_cores "$ID")" ]
}

@test "groups may go under it" {
	group "$ID"
	group "$ID-b"
	behalf terms set "/$ID" cpu.limit=0.3
	behalf terms set "/$ID-b" cpu.reserve=0.2
	start_keeper
	wait_until 5 is_kept
	remove_group "$ID"
	only_b() { status | jq -e --arg name "/$ID-b" '[.workspaces[].name] == [$name]' >/dev/null; }
	wait_until 5 only_b
	# another group of the same name is not the one that was promised something
	group "$ID"
	sleep 1
	[ -z "$(quota_cores "$ID")" ]
	kill -0 "$KEEPER"
}

# Groups below a group of somebody else's: a weight counts among siblings only.
@test "a reserve below a group raises that group, and one above the group's quota is refused" {
	group "$ID"
	[ ! -e "$CPU/$ID/cgroup.subtree_control" ] || echo +cpu >"$CPU/$ID/cgroup.subtree_control"
	group "$ID/inner"
	before=$(weight "$ID")
	behalf terms set "/$ID/inner" cpu.reserve=0.2
	start_keeper
	spin "$ID/inner"
	raised() { [ "$(weight "$ID")" -gt $((before * 3 / 2)) ]; }
	wait_until 10 raised
	stop_keeper TERM
	[ "$(weight "$ID")" = "$before" ]
	kill -KILL "${PIDS[@]}"
	wait "${PIDS[@]}" 2>/dev/null || true
	behalf terms unset "/$ID/inner"
	if [ -e "$CPU/$ID/cpu.max" ]; then echo "10000 100000" >"$CPU/$ID/cpu.max"; else echo 10000 >"$CPU/$ID/cpu.cfs_quota_us"; fi
	run behalf terms set "/$ID/inner" cpu.reserve=0.2
	remove_group "$ID/inner"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"cpu-reserve 0.2: the control group '/$ID' has a quota of 0.1"* ]]
}

@test "terms are kept when their controller was switched off and on" {
	grep -qw cpu "$V2/cgroup.controllers" 2>/dev/null || skip "the cpu controller is not on cgroup v2"
	group "$ID"
	echo "+cpu +pids" >"$V2/$ID/cgroup.subtree_control"
	group "$ID/inner"
	behalf terms set "/$ID/inner" cpu.reserve=0.1 cpu.limit=0.3 pids.limit=50
	# off when the keeper comes
	echo -cpu >"$V2/$ID/cgroup.subtree_control"
	start_keeper
	sleep 1
	echo +cpu >"$V2/$ID/cgroup.subtree_control"
	wait_until 15 has_quota "$ID/inner"
	weighed() { [ "$(weight "$ID/inner")" -gt 100 ]; }
	wait_until 5 weighed
	# and while it is there
	echo "-cpu -pids" >"$V2/$ID/cgroup.subtree_control"
	sleep 1
	echo "+cpu +pids" >"$V2/$ID/cgroup.subtree_control"
	counted() { [ "$(cat "$V2/$ID/inner/pids.max")" = 50 ]; }
	wait_until 15 has_quota "$ID/inner"
	wait_until 15 weighed
	wait_until 15 counted
	# what it writes meanwhile is no reason to take the group for gone
	spin "$ID/inner"
	sleep 2
	echo "-cpu" >"$V2/$ID/cgroup.subtree_control"
	sleep 2
	status | jq -e --arg name "/$ID/inner" '.workspaces[] | select(.name == $name)'
	echo "+cpu" >"$V2/$ID/cgroup.subtree_control"
	wait_until 15 has_quota "$ID/inner"
	wait_until 15 weighed
	kill -0 "$KEEPER"
	stop_keeper TERM
	[ -z "$(quota_cores "$ID/inner")" ]
	[ "$(weight "$ID/inner")" = 100 ]
	[ "$(cat "$V2/$ID/inner/pids.max")" = max ]
}

@test "a group that is raised for one below it can be promised a share itself" {
	group "$ID"
	[ ! -e "$CPU/$ID/cgroup.subtree_control" ] || echo +cpu >"$CPU/$ID/cgroup.subtree_control"
	group "$ID/inner"
	before=$(weight "$ID")
	behalf terms set --force "/$ID/inner" cpu.reserve=0.1
	start_keeper
	raised() { [ "$(weight "$ID")" -gt $((before * 3 / 2)) ]; }
	wait_until 10 raised
	# a limit says nothing of its weight: it goes on being raised
	behalf terms set "/$ID" cpu.limit=0.9
	wait_until 5 has_quota "$ID"
	wait_until 10 raised
	behalf terms unset "/$ID"
	unlimited() { ! has_quota "$ID"; }
	wait_until 5 unlimited
	wait_until 10 raised
	behalf terms set "/$ID" cpu.share=300
	shared() { [ $(($(weight "$ID") * 10 / before)) -ge 27 ] && [ $(($(weight "$ID") * 10 / before)) -le 33 ]; }
	wait_until 10 shared
	sleep 1
	shared
	stop_keeper TERM
	[ "$(weight "$ID")" = "$before" ]
	remove_group "$ID/inner"
}

@test "one damaged file of the register: the keeper keeps the others, and admission says which it is" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	start_keeper
	wait_until 5 is_kept
	echo '{' >"$BEHALF_PROMISES/damaged.json"
	told() { grep -q 'damaged.json' "$BATS_TEST_TMPDIR/keeper.err"; }
	wait_until 5 told
	is_kept
	kill -0 "$KEEPER"
	run behalf terms set "/$ID" cpu.limit=0.4
	rm "$BEHALF_PROMISES/damaged.json"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"damaged.json"*"removing that file"* ]]
	behalf terms set "/$ID" cpu.limit=0.4
}

# What it promised is not known, and what others are promised is.
@test "one damaged file of the register does not keep a killed keeper's settings of others" {
	group "$ID"
	group "$ID-b"
	behalf terms set "/$ID" cpu.limit=0.3
	behalf terms set "/$ID-b" cpu.limit=0.3
	start_keeper
	wait_until 5 has_quota "$ID"
	wait_until 5 has_quota "$ID-b"
	stop_keeper KILL
	behalf terms unset "/$ID"
	record=$(grep -l "\"/$ID-b\"" "$BEHALF_PROMISES"/*.json)
	cp "$record" "$BATS_TEST_TMPDIR/record"
	echo '{' >"$record"
	start_keeper
	unlimited() { ! has_quota "$ID"; }
	wait_until 5 unlimited
	sleep 1
	has_quota_of "$ID-b" 0.3
	mv "$BATS_TEST_TMPDIR/record" "$record"
	kept() { status | jq -e --arg name "/$ID-b" '.workspaces[] | select(.name == $name)' >/dev/null; }
	wait_until 5 kept
	stop_keeper TERM
	[ -z "$(quota_cores "$ID-b")" ]
}

# connect NAME GROUP: a link of that name to a network namespace of the group's
connect() {
	local net
	in_group "$2" unshare --net sleep 1000
	net=/proc/${PIDS[-1]}/ns/net
	apart() { [ "$(readlink "$net")" != "$(readlink /proc/self/ns/net)" ]; }
	wait_until 10 apart
	ip link add "$1" type veth peer name eth0 netns "${PIDS[-1]}"
}

@test "what a killed keeper has set of a link stays while the promise it is for cannot be read, and no other" {
	need_program tc iproute2
	group "$ID"
	group "$ID-b"
	connect "k$$" "$ID"
	connect "l$$" "$ID-b"
	behalf terms set "/$ID" net.ingress.limit=20mbit
	behalf terms set "/$ID-b" net.ingress.limit=20mbit net.egress.limit=20mbit
	limited() { tc qdisc show dev "$1" | grep -q "^qdisc htb"; }
	let_go() { ! limited "$1"; }
	start_keeper
	wait_until 5 limited "k$$"
	wait_until 5 limited "l$$"
	stop_keeper KILL
	behalf terms unset "/$ID-b"
	record=$(grep -l "\"/$ID\"" "$BEHALF_PROMISES"/*.json)
	echo '{' >"$record"
	start_keeper
	wait_until 5 let_go "l$$"
	# the last of it
	ifb=/sys/class/net/bhe$(printf %x "$(cat "/sys/class/net/l$$/ifindex")")
	wait_until 5 test ! -e "$ifb"
	sleep 1
	limited "k$$"
	rm "$record"
	wait_until 5 let_go "k$$"
}

# What cannot be read is not what was taken back.
@test "a container whose record is damaged keeps its limits, until the promise is taken back" {
	local group=behalf-$ID pids file record
	pids=$(controller pids)
	inside "$BEHALF" --root "$STATE" spawn -d --name "$ID" --net none --cpu-limit 0.5 --pids-limit 77 sleep 1000
	file=${pids:-$V2}/$group/pids.max
	start_keeper
	# by the one that was started, not by that of spawn, from which it takes over
	kept() { status | jq -e --arg name "$ID" 'select(.kind == "service") | .workspaces[] | select(.name == $name)' >/dev/null; }
	wait_until 15 kept
	record=$(grep -l "\"$ID\"" "$BEHALF_PROMISES"/*.json)
	cp "$record" "$BATS_TEST_TMPDIR/record"
	# replaced as the register's own files are: the stamp is of inodes
	echo '{' >"$BATS_TEST_TMPDIR/damaged"
	mv "$BATS_TEST_TMPDIR/damaged" "$record"
	forgotten() { ! kept; }
	told() { grep -q "$(basename "$record")" "$BATS_TEST_TMPDIR/keeper.err"; }
	wait_until 5 told
	sleep 1
	wait_until 5 kept
	has_quota_of "$group" 0.5
	[ "$(cat "$file")" = 77 ]
	mv "$BATS_TEST_TMPDIR/record" "$record"
	sleep 1
	wait_until 5 kept
	has_quota_of "$group" 0.5
	# the same for a keeper that comes after one that was killed
	stop_keeper KILL
	cp "$record" "$BATS_TEST_TMPDIR/record"
	echo '{' >"$record"
	start_keeper
	sleep 1
	forgotten
	has_quota_of "$group" 0.5
	[ "$(cat "$file")" = 77 ]
	mv "$BATS_TEST_TMPDIR/record" "$record"
	wait_until 5 kept
	has_quota_of "$group" 0.5
	# taken back while nobody could read it
	echo '{' >"$BATS_TEST_TMPDIR/damaged"
	mv "$BATS_TEST_TMPDIR/damaged" "$record"
	sleep 1
	wait_until 5 kept
	rm "$record"
	unlimited() { ! has_quota "$group" && [ "$(cat "$file")" = max ]; }
	wait_until 5 unlimited
	forgotten
	# and the same beside a keeper that has never known it
	behalf update --term cpu.limit=0.5 --term pids.limit=77 "$ID"
	wait_until 5 has_quota_of "$group" 0.5
	record=$(grep -l "\"$ID\"" "$BEHALF_PROMISES"/*.json)
	wait_until 5 kept
	stop_keeper KILL
	echo '{' >"$record"
	start_keeper
	sleep 1
	rm "$record"
	wait_until 5 unlimited
	stop_keeper TERM
	unlimited
	behalf delete --force "$ID"
}

@test "without a ledger the static limits hold, and it comes back to it" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	spin "$ID"
	start_keeper
	wait_until 5 is_kept
	inside "$BEHALF" ledger off
	off() { status | jq -e '.ledger | not' >/dev/null; }
	wait_until 5 off
	[ "$(quota_cores "$ID")" = 0.3 ]
	"$BEHALF" keeper status | grep -q 'the ledger is off'
	"$BEHALF" keeper status | grep "/$ID  *cpu.limit .* unknown "
	status | jq -e '.workspaces[0]["cpu.limit"] | .state == "unknown" and .promised == 0.3 and .got == null and .ratio == null'
	status | jq -e '.host | .promised > 0 and .got == null and .starved == null and (.capped | not)'
	inside "$BEHALF" metrics --once >"$BATS_TEST_TMPDIR/metrics" 2>/dev/null || true
	grep "^behalf_promised{.*term=\"cpu.limit\"} 0.3$" "$BATS_TEST_TMPDIR/metrics"
	[ "$(grep -c '^behalf_got{' "$BATS_TEST_TMPDIR/metrics")" -eq 0 ]
	inside "$BEHALF" ledger on
	on() { status | jq -e .ledger >/dev/null; }
	wait_until 5 on
	known() { status | jq -e '.host.got != null and (.workspaces[0]["cpu.limit"] | .state != "unknown" and .got != null)' >/dev/null; }
	wait_until 5 known
	kill -0 "$KEEPER"
}

@test "a group that is gone is told of no more, without a ledger, too" {
	group "$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	inside "$BEHALF" ledger off
	start_keeper
	wait_until 5 is_kept
	remove_group "$ID"
	forgotten() { ! is_kept; }
	result=0
	wait_until 5 forgotten || result=$?
	inside "$BEHALF" ledger on
	[ "$result" -eq 0 ]
}

@test "a keeper that hangs is not waited for long, and what the kernel keeps is not told of" {
	group "$ID"
	# also where one has a hierarchy of its own
	pids=$(controller pids)
	[ -z "$pids" ] || mkdir -p "$pids/$ID"
	behalf terms set "/$ID" cpu.limit=0.3
	spin "$ID"
	start_keeper
	wait_until 5 is_kept
	kill -STOP "$KEEPER"
	local before=$SECONDS
	run "$BEHALF" keeper status
	[ "$status" -eq 1 ]
	[[ $output == *"the keeper does not answer"* ]]
	inside "$BEHALF" stat | grep "$ID .*keeper is silent"
	[ $((SECONDS - before)) -lt 10 ]
	stop_keeper TERM
	behalf terms set "/$ID" pids.limit=100
	run "$BEHALF" keeper status
	[[ $output == *"cpu.limit "*"not kept: no keeper"* ]]
	[[ $output != *pids.limit* ]]
}

@test "spawn brings a keeper, and a service takes over from it" {
	inside "$BEHALF" --root "$STATE" spawn --name "$ID" --cpu-limit 0.3 --detach -- sleep 1000
	beside() { status | jq -e --arg name "$ID" '.kind == "beside" and .workspaces[0].name == $name' >/dev/null; }
	wait_until 5 beside
	start_keeper
	service() { status | jq -e --arg name "$ID" '.kind == "service" and .workspaces[0].name == $name' >/dev/null; }
	wait_until 5 service || { status; ls -l "$BEHALF_KEEPER"; pgrep -fa "$ID"; false; }
	# and back
	stop_keeper TERM
	wait_until 5 beside
	behalf delete --force "$ID"
	none() { ! status >/dev/null 2>&1; }
	wait_until 5 none
}

# Each of them waits for the lock that the service wants.
@test "a service takes over from one of many that spawn has brought" {
	local names=() i
	for i in 1 2 3 4 5 6; do
		names+=("$ID-$i")
		inside "$BEHALF" --root "$STATE" spawn --name "$ID-$i" --net none --cpu-limit 0.3 --detach -- sleep 1000
	done
	six() { status | jq -e --arg kind "$1" '.kind == $kind and (.workspaces | length == 6)' >/dev/null; }
	wait_until 5 six beside
	start_keeper
	wait_until 5 six service
	stop_keeper TERM
	wait_until 5 six beside
	for i in "${names[@]}"; do behalf delete --force "$i"; done
}

@test "stat --watch ends with status 3 when a promise breaks" {
	group "$ID"
	behalf terms set --force --cpus 0 "/$ID" cpu.reserve=0.9
	# another one with the same CPU to itself, as far as the kernel goes
	group "$ID-b"
	if [ -e "$CPU/$ID-b/cpu.weight" ]; then echo 10000 >"$CPU/$ID-b/cpu.weight"; else echo 262144 >"$CPU/$ID-b/cpu.shares"; fi
	in_group "$ID" taskset -c 0 sh -c 'while :; do :; done'
	start_keeper --json
	wait_until 5 is_kept
	for _ in 1 2 3 4; do in_group "$ID-b" taskset -c 0 sh -c 'while :; do :; done'; done
	run timeout 20 "$BEHALF" stat --watch -i 0.2 "/$ID"
	echo "$output"
	[ "$status" -eq 3 ]
	[[ "${lines[-1]}" == "/$ID: cpu.reserve is broken: "*" of 0.90 CPU"* ]]
	# as `top` and `stat` call it
	run timeout 20 "$BEHALF" stat --watch -i 0.2 "$ID"
	[ "$status" -eq 3 ]
	"$BEHALF" metrics --once | grep -q "^behalf_violation_seconds_total{workspace=\"/$ID\",cgroup=\"/$ID\",term=\"cpu.reserve\"}"
	"$BEHALF" metrics --once | grep -q "^behalf_promised{workspace=\"/$ID\",cgroup=\"/$ID\",term=\"cpu.reserve\"} 0.9$"
	[ "$("$BEHALF" metrics --once | tail -1)" = "# EOF" ]
	status | jq -e --arg name "/$ID" '.events[-1] | .workspace == $name and .state == "broken" and .by != null'
	# a line each
	head -n 1 "$BATS_TEST_TMPDIR/keeper.out" |
		jq -e --arg name "/$ID" '.workspace == $name and .cgroup == $name and .term == "cpu.reserve" and .unit == "CPU" and .state == "broken" and (.time | test("^[0-9-]+T[0-9:]+Z$"))'
}

@test "work for others is moved off a reserved CPU, and back" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	group "$ID"
	group "$ID-b"
	behalf terms set --force --cpus 1 "/$ID" cpu.reserve=0.5
	# what comes from a network namespace is received on CPU 1, in the way of who computes there
	unshare --net sleep 1000 3>&- &
	PIDS+=($!)
	net=/proc/$!/ns/net
	apart() { [ "$(readlink "$net")" != "$(readlink /proc/self/ns/net)" ]; }
	wait_until 10 apart
	ip link add "k$$" type veth peer name eth0 netns $!
	ip addr add 198.18.77.1/30 dev "k$$"
	ip link set "k$$" up
	nsenter --net="$net" ip addr add 198.18.77.2/30 dev eth0
	nsenter --net="$net" ip link set eth0 up
	queue=/sys/class/net/k$$/queues/rx-0/rps_cpus
	echo 2 >"$queue"
	found=$(cat "$queue")
	# of a device's interrupt that may come to CPU 1, and does
	interrupt=$(cd /proc/irq && for one in [0-9]*; do
		[ "$(stat -c %A "$one/smp_affinity")" = -rw-r--r-- ] && [ "$(cat "$one/effective_affinity_list")" = 1 ] &&
			ls -d "$one"/*/ >/dev/null 2>&1 && echo "/proc/irq/$one" && break
	done) || true
	[ -z "$interrupt" ] || affinity=$(cat "$interrupt/smp_affinity")
	in_group "$ID" taskset -c 1 sh -c 'while :; do :; done'
	in_group "$ID-b" taskset -c 0 nsenter --net="$net" \
		"$(dirname "$BEHALF")/tests/bpf/udp_flood" send 198.18.77.1 9 18 60
	start_keeper
	moved() { [ "$(tr -d 0, <"$queue")" = "" ]; }
	wait_until 30 moved
	away() { [ $((0x$(tr -d , <"$interrupt/smp_affinity") & 2)) -eq 0 ]; }
	[ -z "$interrupt" ] || wait_until 5 away
	book | jq -e --arg queue "${queue%/*}" '.[] | select(.where == $queue and .means == "steer")'
	# nor is it there itself
	mask=$(taskset -p "$(status | jq .pid)" | sed 's/.*: //')
	[ $((0x$mask & 2)) -eq 0 ]
	# whatever the link is called by then
	ip link set "k$$" down
	ip link set "k$$" name "r$$"
	ip link set "r$$" up
	queue=/sys/class/net/r$$/queues/rx-0/rps_cpus
	stop_keeper TERM
	[ "$(cat "$queue")" = "$found" ]
	[ -z "$interrupt" ] || [ "$(cat "$interrupt/smp_affinity")" = "$affinity" ]
}

# SCRIPT with the sysfs of the namespace that $net is.
with_sysfs_of_net() {
	nsenter --net="$net" unshare --mount sh -c 'mount -t sysfs sysfs /sys && eval "$1"' _ "$1"
}

@test "what a container sends itself is not received on a CPU that is reserved for another" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	group "$ID"
	group "$ID-b"
	behalf terms set --force --cpus 1 "/$ID" cpu.reserve=0.5
	behalf terms set "/$ID-b" cpu.limit=0.5
	unshare --net sleep 1000 3>&- &
	PIDS+=($!)
	net=/proc/$!/ns/net
	apart() { [ "$(readlink "$net")" != "$(readlink /proc/self/ns/net)" ]; }
	wait_until 10 apart
	nsenter --net="$net" ip link set lo up
	queue=/sys/class/net/lo/queues/rx-0/rps_cpus
	with_sysfs_of_net "echo 2 >$queue"
	found=$(with_sysfs_of_net "cat $queue")
	host=$(cat $queue)
	in_group "$ID" taskset -c 1 sh -c 'while :; do :; done'
	in_group "$ID-b" taskset -c 0 nsenter --net="$net" \
		"$(dirname "$BEHALF")/tests/bpf/udp_flood" send 127.0.0.1 9 18 60
	start_keeper
	moved() { [ "$(with_sysfs_of_net "cat $queue" | tr -d 0,)" = "" ]; }
	wait_until 15 moved
	book | jq -e --arg name "/$ID-b" '.[] | select(.means == "steer-inside" and (.where | endswith($name)) and (.what | endswith("/lo/rx-0")))'
	# by the keeper after one that was killed
	stop_keeper KILL
	start_keeper
	wait_until 15 is_ours
	stop_keeper TERM
	[ "$(with_sysfs_of_net "cat $queue")" = "$found" ]
	# and when nobody has a reserve any more
	start_keeper
	wait_until 15 moved
	behalf terms unset "/$ID"
	back() { [ "$(with_sysfs_of_net "cat $queue")" = "$found" ]; }
	wait_until 5 back
	[ "$(cat $queue)" = "$host" ]
}

# A disk whose only interrupt for several CPUs is the kernel's to place, as $DISK, and the CPU that it comes to.
fixed_disk() {
	local name irq
	for name in /sys/block/*; do
		for irq in "$(realpath "$name")"/../../../msi_irqs/* "$(realpath "$name")"/../../../../msi_irqs/*; do
			irq=/proc/irq/${irq##*/}
			[ "$(stat -c %A "$irq/smp_affinity" 2>/dev/null)" = -r--r--r-- ] || continue
			grep -q '[,-]' "$irq/smp_affinity_list" || continue
			DISK=${name##*/} DISK_CPU=$(cat "$irq/effective_affinity_list")
			return
		done
	done
	return 1
}

# Direct writes from another CPU than DISK_CPU to a file on DISK, in the way of who computes there.
disturb_by_disk() {
	local other=0
	[ "$DISK_CPU" != 0 ] || other=1
	in_group "$ID" taskset -c "$DISK_CPU" sh -c 'while :; do :; done'
	in_group "$ID-b" taskset -c $other sh -c "while :; do dd if=/dev/zero of='$1' bs=256k count=256 conv=notrunc oflag=direct 2>/dev/null; done"
}

# put_disk_back SIZE DEPTH READ_AHEAD
put_disk_back() {
	local queue=/sys/block/$DISK/queue
	[ "$(cat "$queue/max_sectors_kb")" = "$1" ] || echo "$1" >"$queue/max_sectors_kb"
	[ "$(cat "$queue/nr_requests")" = "$2" ] || echo "$2" >"$queue/nr_requests"
	[ "$(cat "$queue/read_ahead_kb")" = "$3" ] || echo "$3" >"$queue/read_ahead_kb"
}

@test "what a disk completes at once on a reserved CPU is bounded, and put back" {
	[ "$(nproc)" -gt 1 ] || skip "needs two CPUs"
	fixed_disk || skip "needs a disk whose interrupt cannot be moved"
	queue=/sys/block/$DISK/queue
	[[ $(realpath "/sys/dev/block/$(findmnt -rno MAJ:MIN -T "$BATS_TEST_TMPDIR")") = */block/$DISK* ]] ||
		skip "needs files on $DISK"
	group "$ID"
	group "$ID-b"
	size=$(cat "$queue/max_sectors_kb") depth=$(cat "$queue/nr_requests") ahead=$(cat "$queue/read_ahead_kb")
	if [ "$size" -le 64 ] || [ "$depth" -le 16 ]; then skip "$DISK takes little at once as it is"; fi
	# what a test before this, or a run that was killed, has left is not to be taken for what was found
	DISK_FOUND="$size $depth $ahead"
	[ "$ahead" = 96 ] || echo 96 >"$queue/read_ahead_kb"
	behalf terms set --force --cpus "$DISK_CPU" "/$ID" cpu.reserve=0.95
	behalf terms set "/$ID-b" cpu.limit=0.5
	disturb_by_disk "$BATS_TEST_TMPDIR/file"
	bounded() { [ "$(cat "$queue/max_sectors_kb")" -lt "$size" ] && [ "$(cat "$queue/nr_requests")" -lt "$depth" ]; }
	free() { [ "$(cat "$queue/max_sectors_kb") $(cat "$queue/nr_requests")" = "$size $depth" ]; }
	told() { status | jq -e --arg disk "$DISK" "$1" >/dev/null; }

	inside timeout 5 "$BEHALF" keeper --dry-run >"$BATS_TEST_TMPDIR/dry" || [ $? -eq 124 ]
	[ "$(grep -c "^host: $queue/\(nr_requests\|max_sectors_kb\) = " "$BATS_TEST_TMPDIR/dry")" -eq 2 ]
	free
	# not when one does not want it
	start_keeper --burst 0
	sleep 3
	free
	stop_keeper TERM
	start_keeper -J
	wait_until 20 bounded
	[ "$(cat "$queue/read_ahead_kb")" = 96 ]
	wait_until 5 told '.disks[0] | .disk == $disk and .nr_requests > 0 and .found.nr_requests > .nr_requests'
	told '[.events[] | select(.disk == $disk and .state == "bounded")] | length == 1'
	"$BEHALF" keeper status | grep "^disk $DISK completes on CPU $DISK_CPU, which is reserved: "
	jq -es --arg disk "$DISK" 'any(.disk == $disk and .max_sectors_kb > 0)' "$BATS_TEST_TMPDIR/keeper.out"
	book | jq -e --arg queue "$queue" '[.[] | select(.where == $queue and .means == "burst")] | length == 2'

	# by the keeper after one that was killed
	stop_keeper KILL
	bounded
	start_keeper
	wait_until 15 is_ours
	wait_until 5 told '.disks != []'
	bounded
	stop_keeper TERM
	free
	[ "$(cat "$queue/read_ahead_kb")" = 96 ]
	# when nobody has a reserve any more
	start_keeper
	wait_until 20 bounded
	wait_until 5 told '.disks != []'
	behalf terms unset "/$ID"
	wait_until 10 free
	wait_until 5 told '.disks == []'
	told '[.events[] | select(.disk == $disk) | .state] == ["bounded", "free"]'
	# and not what somebody else has set since
	behalf terms set --force --cpus "$DISK_CPU" "/$ID" cpu.reserve=0.95
	wait_until 20 bounded
	wait_until 5 told '.disks[0].max_sectors_kb > 0'
	echo 512 >"$queue/max_sectors_kb"
	left() { told '.disks[0] | .nr_requests > 0 and .max_sectors_kb == null'; }
	wait_until 10 left
	stop_keeper TERM
	[ "$(cat "$queue/max_sectors_kb") $(cat "$queue/nr_requests")" = "512 $depth" ]
}

# A loop device is written by a worker of the kernel's, for which these leave a sixty-fifth of the CPUs.
@test "the kernel's own workers have their part, beside all workspaces together" {
	need_program losetup mount
	mkdir "$BATS_TEST_TMPDIR/memory"
	mount -t tmpfs behalf-test "$BATS_TEST_TMPDIR/memory"
	truncate -s 32M "$BATS_TEST_TMPDIR/memory/disk"
	LOOP=$(losetup --find --show "$BATS_TEST_TMPDIR/memory/disk" 2>/dev/null) || skip "no loop device"
	group "$ID"
	group "$ID-b"
	behalf terms set "/$ID" cpu.share=10000
	for cpu in $(seq 0 $(($(nproc) - 1))); do
		for _ in 1 2; do in_group "$ID" taskset -c "$cpu" sh -c 'while :; do :; done'; done
	done
	# as heavy: it asks for no more than the worker does
	behalf terms set "/$ID-b" cpu.share=10000
	# shellcheck disable=SC2016
	in_group "$ID-b" sh -c 'while :; do dd if=/dev/zero of="$1" bs=1M count=32 oflag=direct 2>/dev/null; done' _ "$LOOP"
	# What they get with nothing kept for them, at most: a host on which others work, too, leaves less of each.
	start_keeper --host-reserve 0.001
	sleep 2
	before=0
	for _ in 1 2 3 4; do
		sleep 1
		before=$(status | jq --argjson most "$before" '[.host.got, $most] | max')
	done
	stop_keeper USR1
	start_keeper --host-reserve 0.3
	capped() { status | jq -e '.host.promised == 0.3 and .host.capped' >/dev/null && has_quota "$ID"; }
	result=0
	wait_until 20 capped || result=$?
	status | jq -c '.host, (.workspaces[] | {name, quota, squeezed})'
	echo "with nothing kept for them: $before"
	has_part() { status | jq -e --argjson before "$before" '.host.got > 0.1 or .host.got > 3 * $before' >/dev/null; }
	[ "$result" -ne 0 ] || wait_until 20 has_part || result=$?
	status | jq -c '.host, (.workspaces[] | {name, quota, squeezed})'
	kill -KILL "${PIDS[@]}"
	wait "${PIDS[@]}" 2>/dev/null || true
	PIDS=()
	sleep 0.5
	release_loop
	[ "$result" -eq 0 ]
	# nobody is held any more when nobody is in the way
	free() { status | jq -e '.host.capped | not' >/dev/null && ! has_quota "$ID"; }
	wait_until 30 free
}

@test "a service manager hears of it" {
	need_program python3
	python3 - "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/heard" 3>&- <<-'END' &
		import socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.bind(sys.argv[1])
		s.settimeout(10)
		while True:
		    word = s.recv(100).decode()
		    print(word, flush=True)
		    if word.startswith("EXTEND_TIMEOUT_USEC="):
		        break
	END
	PIDS+=($!)
	wait_until 5 test -S "$BATS_TEST_TMPDIR/notify"
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify WATCHDOG_USEC=300000 start_keeper
	often() { [ "$(grep -cx WATCHDOG=1 "$BATS_TEST_TMPDIR/heard")" -ge 5 ]; }
	wait_until 5 often
	stop_keeper TERM
	wait_until 5 grep -q STOPPING=1 "$BATS_TEST_TMPDIR/heard"
	# what is to be put back may be much
	asked() { grep -A1 -x STOPPING=1 "$BATS_TEST_TMPDIR/heard" | tail -1 | grep -q "^EXTEND_TIMEOUT_USEC="; }
	wait_until 5 asked
	[ "$(head -1 "$BATS_TEST_TMPDIR/heard")" = WATCHDOG=1 ] || [ "$(head -1 "$BATS_TEST_TMPDIR/heard")" = READY=1 ]
	grep -qx READY=1 "$BATS_TEST_TMPDIR/heard"
}

@test "an uplink that is not there is told of" {
	run inside "$BEHALF" keeper --once --uplink "none-$$=1gbit"
	[ "$status" -eq 0 ]
	[[ "$output" == *"there is no network interface 'none-$$': nothing is kept at the host's uplink until there is"* ]]
}

@test "bad options are told" {
	for words in "--period 5" "--period x" "--burst x" "--burst 2000000" "what" "--restore --once" "--uplink =1gbit" \
		"--host-reserve 9999" "--host-reserve $(nproc)"; do
		# shellcheck disable=SC2086 # words
		run "$BEHALF" keeper $words
		[ "$status" -eq 1 ]
		[ "${#lines[@]}" -eq 1 ]
	done
}

@test "what the ledger counts of the host is noted, and plan goes by it" {
	local profile=$BATS_TEST_TMPDIR/p.yaml
	echo 'workspaces: [{name: web}]' >"$profile"
	[ "$(inside "$BEHALF" plan --json "$profile" | jq -r .host_part.base_from)" = profile ]
	start_keeper
	noted() { [ "$(wc -l <"$BEHALF_PROMISES.marks")" -ge 4 ]; }
	wait_until 30 noted
	run inside "$BEHALF" plan --json "$profile"
	echo "$output"
	[ "$(jq -r .host_part.base_from <<<"$output")" = ledger ]
	[ "$(jq '.host_part | .base_seconds >= 10 and .base_age_seconds < 10' <<<"$output")" = true ]
	[ "$(jq '.host_part.expected.kernel_ncores > 0' <<<"$output")" = true ]
}
