#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
# Terms of containers: admitted, refused, changed and given back; by create, run, spawn and update. The
# register is the test's own. What is reserved here is much of the machine, for moments.

bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	need_root
	make_rootfs
}

setup() {
	load helpers
	load runtime_helpers
	need_root
	begin
	set_args sleep 1000
	CPUS=$(getconf _NPROCESSORS_ONLN)
}

teardown() { end; }

annotate() {
	edit_config ".annotations += {$1}"
}

# All but X thousandths of the machine's CPUs.
all_but() {
	awk -v n="$CPUS" -v x="$1" 'BEGIN { print n - x / 1000 }'
}

promises() {
	find "$BEHALF_PROMISES" -name '*.json' 2>/dev/null
}

group_file() {
	cat "$(find /sys/fs/cgroup -path "*/behalf-$ID/$1" -o -path "*/behalf-$ID/$2" | head -n 1)"
}

# Whether so much can be reserved now, at once and without waiting.
can_reserve() {
	behalf spawn --name "$ID-try" --net none --cpu-reserve "$1" true
}

@test "annotations are terms: kept by the kernel, noted in the register" {
	annotate '"io.behalf.cpu.reserve": "0.25", "io.behalf.cpu.limit": "500m", "io.behalf.memory.limit": "64MiB"'
	behalf create --bundle "$BUNDLE" "$ID"
	run group_file cpu.cfs_quota_us cpu.max
	[[ $output == 50000 || $output == "50000 100000" ]]
	run group_file cpu.shares cpu.weight
	[[ $output == 16384 || $output == 625 ]]
	[ "$(group_file memory.limit_in_bytes memory.max)" = 67108864 ]
	[ "$(promises | wc -l)" -eq 1 ]
	jq -e --arg id "$ID" --arg root "$STATE" '.name == $id and .root == $root and .inode > 0 and
		.cgroup.path == "/behalf-" + $id and .terms["io.behalf.cpu.limit"] == "0.5" and (.forced | not)' \
		"$(promises)"
}

@test "without terms the register is not even made" {
	behalf run --bundle "$BUNDLE" --detach "$ID"
	[ ! -e "$BEHALF_PROMISES" ]
	without_leak_check
	strace -qq -e trace=file -o "$BATS_TEST_TMPDIR/calls" "$BEHALF" --root "$STATE" create \
		--bundle "$BUNDLE" "$ID-2"
	run ! grep -E 'promises|/proc/stat|profile|/sys/devices' "$BATS_TEST_TMPDIR/calls"
	behalf delete -f "$ID-2"
}

@test "nonsense is refused with its annotation, and leaves nothing" {
	while read -r key value; do
		edit_config ".annotations = {\"$key\": \"$value\"}"
		run behalf create --bundle "$BUNDLE" "$ID"
		[ "$status" -eq 1 ] || { echo "$key $value: $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ]
		[[ $output == *"annotations: $key"* ]]
	done <<-'END'
		io.behalf.cpu.reserve lots
		io.behalf.cpu.reserved 1
		io.behalf.memory.limit 0
		io.behalf.net.egress.reserve 50MB/s
		io.behalf.disk.read.reserve vda:1MB/s
	END
	annotate '"io.behalf.cpu.reserve": "0.5", "io.behalf.cpu.limit": "0.4"'
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	edit_config '.annotations = {"io.behalf.cpu.reserve": "0.5"} |
		.linux.resources.cpu = {"quota": 40000, "period": 100000}'
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"config.json: linux.resources: cpu.quota: less than its cpu.reserve of 0.5"* ]]
	[ -z "$(promises)" ]
}

@test "what does not fit is refused with status 3, says what would fit, and leaves nothing" {
	annotate "\"io.behalf.cpu.reserve\": \"$(all_but 500)\""
	behalf create --bundle "$BUNDLE" "$ID"
	annotate '"io.behalf.cpu.reserve": "0.6"'
	run behalf create --bundle "$BUNDLE" "$ID-2"
	[ "$status" -eq 3 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *CPU*"would fit"* ]]
	run behalf run --bundle "$BUNDLE" "$ID-2"
	[ "$status" -eq 3 ]
	run behalf spawn --net none --cpu-reserve 0.6 true
	[ "$status" -eq 125 ]
	[ ! -e "$STATE/$ID-2" ]
	[ "$(promises | wc -l)" -eq 1 ]
	[ -z "$(find /sys/fs/cgroup -name "behalf-$ID-2")" ]
}

@test "what is promised under one root is promised under all" {
	behalf spawn --name "$ID" --detach --net none --cpu-reserve "$(all_but 500)" sleep 1000
	run "$BEHALF" --root "$BATS_TEST_TMPDIR/other" spawn --net none --cpu-reserve 0.6 true
	[ "$status" -eq 125 ]
	[[ $output == *CPU* ]]
	run "$BEHALF" --root "$BATS_TEST_TMPDIR/other" spawn --net none --cpu-reserve 0.1 true
	[ "$status" -eq 0 ]
}

@test "--force promises all the same, and is noted" {
	annotate "\"io.behalf.cpu.reserve\": \"$(all_but 300)\""
	behalf create --bundle "$BUNDLE" "$ID"
	annotate '"io.behalf.cpu.reserve": "1"'
	# not by `run`: the container keeps its output open
	behalf create --force --bundle "$BUNDLE" "$ID-2" >"$BATS_TEST_TMPDIR/said" 2>&1
	grep 'warning.*CPU.*promised all the same' "$BATS_TEST_TMPDIR/said"
	[ "$(cat "$BEHALF_PROMISES"/*.json | jq -s 'map(select(.forced)) | length')" -eq 1 ]
	run behalf spawn --name "$ID-3" --force --net none --cpu-reserve 1 true
	[ "$status" -eq 0 ]
	# who fits is not held responsible for who was forced: nobody fits any more
	run can_reserve 0.1
	[ "$status" -eq 125 ]
}

@test "an id that is taken keeps its promise" {
	annotate '"io.behalf.cpu.reserve": "0.5"'
	behalf create --bundle "$BUNDLE" "$ID"
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"already exists"* ]]
	[ "$(promises | wc -l)" -eq 1 ]
	jq -e '.inode > 0' "$(promises)"
	# also when it was without terms
	edit_config 'del(.annotations)'
	behalf create --bundle "$BUNDLE" "$ID-2"
	annotate '"io.behalf.cpu.reserve": "0.5"'
	run behalf create --bundle "$BUNDLE" "$ID-2"
	[[ $output == *"already exists"* ]]
	[ "$(promises | wc -l)" -eq 1 ]
}

@test "given back by delete, by the end, by kill -9 of the supervisor, and by whoever removes the groups" {
	local most pid
	most=$(all_but 300)
	annotate "\"io.behalf.cpu.reserve\": \"$most\""
	behalf run --bundle "$BUNDLE" --detach "$ID"
	run can_reserve "$most"
	[ "$status" -eq 125 ]
	behalf delete -f "$ID"
	can_reserve "$most"
	# ended, and not deleted
	behalf run --bundle "$BUNDLE" --detach "$ID"
	behalf kill "$ID" KILL
	wait_until 10 has_status "$ID" stopped
	can_reserve "$most"
	behalf delete "$ID"
	# the supervisor
	behalf spawn --name "$ID" --detach --net none --cpu-reserve "$most" sleep 1000
	pid=$(jq .maker.pid "$BEHALF_PROMISES/$ID"-*.json)
	kill -9 "$pid"
	wait_until 10 can_reserve "$most"
	behalf delete -f "$ID"
	# somebody else
	behalf run --bundle "$BUNDLE" --detach "$ID"
	kill -9 "$(pid_of "$ID")"
	find /sys/fs/cgroup -depth -type d -name "behalf-$ID" | while read -r group; do
		wait_until 10 rmdir "$group"
	done
	can_reserve "$most"
}

@test "many at once are promised only what there is" {
	local i n=0
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		"$BEHALF" --root "$STATE" spawn --name "$ID-$i" --detach --net none --cpu-reserve 0.3 sleep 1000 \
			>/dev/null 2>&1 3>&- &
	done
	wait
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		[ ! -e "$STATE/$ID-$i" ] || n=$((n + 1))
	done
	echo "$n of 12 on $CPUS CPUs"
	[ "$n" -ge $((CPUS * 10 / 3 - 1)) ] || [ "$n" -eq 12 ]
	[ $((n * 300)) -le $((CPUS * 1000)) ]
}

@test "update changes terms, and plans again" {
	annotate '"io.behalf.cpu.reserve": "0.25", "io.behalf.cpu.limit": "1"'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf update --term cpu.reserve=0.5 --term memory.limit=64MiB "$ID"
	run group_file cpu.shares cpu.weight
	[[ $output == 32768 || $output == 1250 ]]
	[ "$(group_file memory.limit_in_bytes memory.max)" = 67108864 ]
	jq -e '.terms["io.behalf.cpu.reserve"] == "0.5" and .inode > 0' "$(promises)"
	behalf state "$ID" | jq -e '.annotations["io.behalf.cpu.reserve"] == "0.5"'
	run behalf update --term cpu.limit=none --term "cpu.reserve=$((CPUS + 1))" "$ID"
	[ "$status" -eq 3 ]
	[[ $output == *CPU*"would fit"* ]]
	jq -e '.terms["io.behalf.cpu.reserve"] == "0.5"' "$(promises)"
	run behalf update --term cpu.limit=0.1 "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cpu.reserve 0.5 is more than cpu.limit 0.1"* ]]
	run behalf update --term cpu.luck=1 "$ID"
	[[ $output == *"--term 'cpu.luck': there is no such term"* ]]
	behalf update --term cpu.reserve=none --term cpu.limit=none --term memory.limit=none "$ID"
	[ -z "$(promises)" ]
	run group_file cpu.shares cpu.weight
	[[ $output == 1024 || $output == 100 ]]
	behalf state "$ID" | jq -e '(.annotations // {}) | has("io.behalf.cpu.reserve") | not'
}

@test "update gives terms to one that had none, and --force more than there is" {
	behalf create --bundle "$BUNDLE" "$ID"
	behalf update --term cpu.reserve=0.5 "$ID"
	[ "$(promises | wc -l)" -eq 1 ]
	run behalf update --force --term "cpu.reserve=$((CPUS + 1))" "$ID"
	[ "$status" -eq 0 ]
	jq -e .forced "$(promises)"
}

@test "what engines ask by update does not break terms" {
	annotate '"io.behalf.cpu.reserve": "0.5", "io.behalf.cpu.limit": "1"'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf update --cpu-shares 10 --cpu-quota 400000 --cpu-period 100000 "$ID"
	run group_file cpu.shares cpu.weight
	[[ $output == 32768 || $output == 1250 ]]
	run group_file cpu.cfs_quota_us cpu.max
	[[ $output == 100000 || $output == "100000 100000" ]]
	run behalf update --cpu-quota 20000 --cpu-period 100000 "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"cpu.quota"*"cpu.reserve of 0.5"* ]]
	behalf update --cpu-quota 60000 --cpu-period 100000 "$ID"
	run group_file cpu.cfs_quota_us cpu.max
	[[ $output == 60000 || $output == "60000 100000" ]]
}

@test "a reserve above an old quota is refused by update, until there is another quota" {
	edit_config '.annotations = {"io.behalf.cpu.reserve": "0.2"} | .linux.resources.cpu = {"quota": 30000, "period": 100000}'
	behalf create --bundle "$BUNDLE" "$ID"
	run behalf update --term cpu.reserve=0.5 "$ID"
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"cpu-reserve 0.5: the control group '"*"' has a quota of 0.3"* ]]
	jq -e '.terms["io.behalf.cpu.reserve"] == "0.2"' "$(promises)"
	behalf update --cpu-quota 60000 --cpu-period 100000 --term cpu.reserve=0.5 "$ID"
	jq -e '.terms["io.behalf.cpu.reserve"] == "0.5"' "$(promises)"
	# a quota that was set for a limit goes with it
	behalf update --term cpu.limit=0.55 "$ID"
	behalf update --term cpu.limit=none --term cpu.reserve=0.7 "$ID"
}

@test "a damaged register stops promises, not containers" {
	mkdir "$BEHALF_PROMISES"
	echo '{' >"$BEHALF_PROMISES/x.json"
	behalf run --bundle "$BUNDLE" --detach "$ID"
	run can_reserve 0.1
	[ "$status" -eq 125 ]
	[[ $output == *"$BEHALF_PROMISES/x.json"* ]]
}

# at_syscall kills at the Nth call; the calls that matter are those after the register is opened. Whatever
# happens, nobody but a container that lives may hold a promise, and one that lives has its own.
@test "create with terms, killed at any of its calls" {
	local n=1 step=$((7 + RANDOM % 11)) end=$((SECONDS + 40)) tries=0 most
	[ -x "$BUILD_DIR/tests/integration/at_syscall" ] || skip "not built: at_syscall"
	[ "${BEHALF_SYSCALLS:-}" != all ] || { step=1 end=$((SECONDS + 3000)); }
	most=$(all_but 300)
	annotate "\"io.behalf.cpu.reserve\": \"$most\""
	without_leak_check
	while [ "$SECONDS" -lt "$end" ]; do
		: >"$BATS_TEST_TMPDIR/report"
		timeout -k 1 30 "$BUILD_DIR/tests/integration/at_syscall" "$BATS_TEST_TMPDIR/report" main "$n" KILL \
			"$BEHALF" --root "$STATE" create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null || true
		tries=$((tries + 1))
		if has_status "$ID" created; then
			run can_reserve "$most"
			[ "$status" -eq 125 ] || { echo "call $n: it lives and holds nothing"; return 1; }
		fi
		behalf delete -f "$ID"
		can_reserve "$most" || { echo "call $n ($(cat "$BATS_TEST_TMPDIR/report")): it holds for nobody"; return 1; }
		[ "$(promises | wc -l)" -le 1 ]
		[ -z "$(find "$BEHALF_PROMISES" -name '*.tmp')" ]
		if grep -q ^none "$BATS_TEST_TMPDIR/report"; then
			break
		fi
		n=$((n + step))
	done
	echo "# $tries tries, steps of $step, the last at call $n" >&3
}
