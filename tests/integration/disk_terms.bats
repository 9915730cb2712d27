#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Reserves and shares of a disk, which is a loop device with a file system of the test; groups of the test, kept by a
# keeper of the test. What is reserved is more than any disk has, so that it is never got: what is done about that
# can be seen then, however fast the machine is.

setup_file() {
	load helpers
	load ledger_helpers
	need_root
	need_program losetup mount
	need_program mke2fs e2fsprogs
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
	V2=$(unified_hierarchy)
	CPU=$(controller cpu)
	IO=$(controller blkio)
	[ -n "$CPU" ] || CPU=$V2
	[ -n "$IO" ] || IO=$V2
	PLACES=("$CPU" "$IO" "$(controller cpuacct)" "$(controller memory)" "$V2")
	KEEPER=
	PIDS=()
	DISK=$BATS_TEST_TMPDIR/disk
	MOUNT=$BATS_TEST_TMPDIR/mount
	truncate -s 64M "$DISK"
	mke2fs -q -t ext4 "$DISK"
	LOOP=$(losetup --find --show "$DISK" 2>/dev/null) || skip "no loop device"
	NUMBER=$(cat "/sys/block/${LOOP#/dev/}/dev")
	mkdir -p "$MOUNT"
	mount "$LOOP" "$MOUNT" || skip "no ext4"
}

teardown() {
	sed 's/^/keeper: /' "$BATS_TEST_TMPDIR/keeper.err" 2>/dev/null || true
	if [ -n "$KEEPER" ]; then
		kill -TERM "$KEEPER" 2>/dev/null || true
		wait "$KEEPER" 2>/dev/null || true
	fi
	[ ${#PIDS[@]} -eq 0 ] || kill -KILL "${PIDS[@]}" 2>/dev/null || true
	[ ${#PIDS[@]} -eq 0 ] || wait "${PIDS[@]}" 2>/dev/null || true
	# what those that were killed had started goes on by itself
	cat "$IO/$ID"{,-b,-c}/cgroup.procs 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
	[ -z "${QUEUE:-}" ] || inside umount "$QUEUE" || true
	! mountpoint -q "$MOUNT" || wait_until 30 umount "$MOUNT"
	[ -z "${LOOP:-}" ] || losetup -d "$LOOP"
	remove_group "$ID"
	remove_group "$ID-b"
	remove_group "$ID-c"
	end
}

group() {
	local place
	for place in "${PLACES[@]}"; do
		[ -z "$place" ] || mkdir -p "$place/$1"
	done
}

remove_group() {
	local place
	for place in "${PLACES[@]}"; do
		[ -z "$place" ] || [ ! -d "$place/$1" ] || wait_until 5 rmdir "$place/$1" 2>/dev/null || true
	done
}

# in_group NAME COMMAND... in the background, until the test ends
in_group() {
	local name=$1 place dirs=
	shift
	for place in "${PLACES[@]}"; do
		[ -z "$place" ] || dirs+=" $place/$name"
	done
	# shellcheck disable=SC2016 # the inner shell expands
	sh -c 'for dir in $1; do echo $$ >"$dir/cgroup.procs"; done; shift; exec "$@"' _ "$dirs" "$@" 3>&- >/dev/null 2>&1 &
	PIDS+=($!)
}

# Reads the loop device past the page cache, for ever.
reader() {
	# shellcheck disable=SC2016
	in_group "$1" sh -c 'while :; do dd if="$1" of=/dev/null bs=64k iflag=direct; done' _ "$LOOP"
}

start_keeper() {
	nsenter --mount="$(private_mounts)" -- "$BEHALF" keeper >"$BATS_TEST_TMPDIR/keeper.out" 2>"$BATS_TEST_TMPDIR/keeper.err" 3>&- &
	KEEPER=$!
	wait_until 20 test -S "$BEHALF_KEEPER/socket"
}

# The caps of a group on the disk, as the kernel has them; "": none.
caps() {
	if [ -e "$IO/$1/io.max" ]; then
		sed -n "s/^$NUMBER //p" "$IO/$1/io.max"
	else
		cat "$IO/$1"/blkio.throttle.{read,write}_bps_device | sed -n "s/^$NUMBER //p"
	fi
}

is_capped() {
	caps "$1" | grep -q '[0-9]\{4\}'
}

is_free() {
	! is_capped "$1"
}

truth_of() {
	"$BEHALF" keeper status -J | jq -e --arg name "/$1" --arg term "$2" '.workspaces[] | select(.name == $name) | .[$term] | '"$3" >/dev/null
}

@test "who is in the way of a reserve is held, and let go when nobody asks for it any more" {
	group "$ID"
	group "$ID-b"
	behalf terms set --force "/$ID" "disk.read.reserve=$LOOP:100GB/s"
	behalf terms set "/$ID-b" cpu.share=100
	start_keeper
	reader "$ID"
	reader "$ID-b"
	wait_until 20 is_capped "$ID-b"
	is_free "$ID"
	wait_until 20 truth_of "$ID" disk.read.reserve ".state == \"broken\" and .unit == \"B/s\" and .by == \"/$ID-b\""
	# the register changes: it goes on with what it knows
	behalf terms set "/$ID-b" cpu.share=200
	weighs_more() { "$BEHALF" keeper status -J | jq -e --arg name "/$ID-b" '.workspaces[] | select(.name == $name) | .weight > 1500' >/dev/null; }
	wait_until 10 weighs_more
	sleep 1
	kill -0 "$KEEPER"
	wait_until 20 is_capped "$ID-b"
	# what asks is gone: nothing is left of it
	kill -KILL "${PIDS[0]}"
	wait_until 20 is_free "$ID-b"
	# and is never held below what is no halt at all
	reader "$ID"
	wait_until 20 is_capped "$ID-b"
	kill -TERM "$KEEPER"
	wait "$KEEPER" || true
	KEEPER=
	is_free "$ID-b"
}

# Of a disk that many want more of than there is; the disk of the test is as fast as this machine is at the moment.
@test "a reserve of a contended disk is got, and shown" {
	group "$ID"
	group "$ID-b"
	alone=$(dd if="$LOOP" of=/dev/null bs=64k iflag=direct count=900 2>&1 | awk '/copied/ { for (i = 1; i < NF; i++) if ($i == "s,") print int(900 * 65536 / $(i - 1) / 1000) }')
	[ "$alone" -gt 20000 ] || skip "the disk does $alone kB/s"
	reserve=$((alone * 3 / 10))
	behalf terms set --force "/$ID" "disk.read.reserve=$LOOP:${reserve}kB/s"
	behalf terms set "/$ID-b" cpu.share=100
	start_keeper
	for _ in 1 2 3 4 5 6; do reader "$ID-b"; done
	reader "$ID"
	wait_until 30 truth_of "$ID" disk.read.reserve "(.state == \"kept\" and .for_s > 2 and .got > .promised * 0.95)"
	"$BEHALF" keeper status | grep "^/$ID  *disk.read.reserve  *.*B/s .*kept"
	inside "$BEHALF" stat "/$ID" | grep "PROMISED  *disk.read.reserve .*B/s: got .*B/s"
	inside "$BEHALF" stat | grep "$ID "
	"$BEHALF" metrics --once | grep "^behalf_got{workspace=\"/$ID\",cgroup=\"/$ID\",term=\"disk.read.reserve\"}"
}

# A journal commits what all have written: whoever waits for it waits for the data of the one that is held.
@test "a neighbour's fsync never waits long for one that is held" {
	group "$ID"
	group "$ID-b"
	group "$ID-c"
	behalf terms set --force "/$ID" "disk.read.reserve=$LOOP:100GB/s"
	behalf terms set "/$ID-b" cpu.share=100
	start_keeper
	reader "$ID"
	reader "$ID-b"
	# shellcheck disable=SC2016
	in_group "$ID-b" sh -c 'while :; do dd if=/dev/zero of="$1/held" bs=1M count=8 conv=fsync; rm "$1/held"; done' _ "$MOUNT"
	wait_until 20 is_capped "$ID-b"
	# ten files of a few bytes, each waited for
	# shellcheck disable=SC2016
	timeout 60 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo "$i" >"$1/neighbour"; sync "$1/neighbour"; done' _ "$MOUNT"
	caps "$ID-b"
}

# The same of a limit: what goes past the page cache is held to it, and a journal does not wait for the rest.
@test "a limit of writes holds, and never a neighbour's fsync for long" {
	group "$ID"
	group "$ID-b"
	behalf terms set "/$ID" "disk.write.limit=$LOOP:300kB/s"
	start_keeper
	wait_until 10 is_capped "$ID"
	dd if=/dev/zero of="$MOUNT/direct" bs=64k count=1 conv=fsync 2>/dev/null
	SECONDS=0
	# shellcheck disable=SC2016
	in_group "$ID" dd if=/dev/zero of="$MOUNT/direct" bs=64k count=16 oflag=direct conv=notrunc
	wait "${PIDS[-1]}"
	# a megabyte
	[ "$SECONDS" -ge 2 ]
	# 8 MB at 300 kB/s are half a minute, of each round
	# shellcheck disable=SC2016
	in_group "$ID" sh -c 'while :; do dd if=/dev/zero of="$1/limited" bs=1M count=8 conv=fsync; rm "$1/limited"; done' _ "$MOUNT"
	sleep 1
	SECONDS=0
	# shellcheck disable=SC2016
	timeout 60 sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do echo "$i" >"$1/neighbour"; sync "$1/neighbour"; done' _ "$MOUNT"
	echo "ten in $SECONDS s"
	[ "$SECONDS" -lt $((12 * ${PATIENCE:-1})) ]
	caps "$ID"
}

@test "shares of a disk are weights where something weighs, else refused" {
	group "$ID"
	if ! grep -q bfq "/sys/block/${LOOP#/dev/}/queue/scheduler"; then skip "no bfq"; fi
	echo none >"/sys/block/${LOOP#/dev/}/queue/scheduler"
	run behalf terms set "/$ID" "disk.read.share=$LOOP:300"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ "$output" == *"disk-read-share"*bfq* ]]
	echo bfq >"/sys/block/${LOOP#/dev/}/queue/scheduler"
	behalf terms set "/$ID" "disk.read.share=$LOOP:300"
	start_keeper
	file=$IO/$ID/blkio.bfq.weight_device
	[ -e "$file" ] || file=$IO/$ID/io.bfq.weight
	wait_until 5 grep -q "^$NUMBER 300" "$file"
	behalf terms unset "/$ID"
	wait_until 5 eval "! grep -q '^$NUMBER 300' $file"
}

# As of a disk that hangs while its scheduler is being changed: whoever reads which one it is waits, as with a pipe.
@test "whether shares of a disk are weights is known without waiting for the disk" {
	local queue=$BATS_TEST_TMPDIR/queue
	group "$ID"
	if ! grep -q bfq "/sys/block/${LOOP#/dev/}/queue/scheduler"; then skip "no bfq"; fi
	echo bfq >"/sys/block/${LOOP#/dev/}/queue/scheduler"
	mkdir -p "$queue/iosched"
	touch "$queue/iosched/strict_guarantees"
	mkfifo "$queue/scheduler"
	QUEUE=$(readlink -f "/sys/block/${LOOP#/dev/}/queue")
	inside mount --bind "$queue" "$QUEUE"
	inside timeout -s KILL 20 "$BEHALF" --root "$STATE" terms set "/$ID" cpu.limit=0.5 "disk.read.share=$LOOP:300"
	start_keeper
	answers() { timeout -s KILL 2 "$BEHALF" keeper status -J | jq -e --arg name "/$ID" '.workspaces[] | select(.name == $name)' >/dev/null; }
	wait_until 10 answers
	file=$IO/$ID/blkio.bfq.weight_device
	[ -e "$file" ] || file=$IO/$ID/io.bfq.weight
	wait_until 5 grep -q "^$NUMBER 300" "$file"
	# of another scheduler
	rm "$queue/iosched/strict_guarantees"
	run inside timeout -s KILL 20 "$BEHALF" --root "$STATE" terms set "/$ID" "disk.read.share=$LOOP:400"
	[ "$status" -eq 1 ]
	[[ "$output" == *bfq* ]]
	answers
	grep -q "^$NUMBER 300" "$file"
}
