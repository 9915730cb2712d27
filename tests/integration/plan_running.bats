#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# behalf plan of what is promised and claimed on this host, with a workspace that runs.

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
	HOST=(--what-if cpus=4 --what-if memory=8GiB --what-if host.memory=400MiB)
	behalf spawn --name "$ID" --net none --detach --cpu-reserve 0.05 --memory-limit 64M sleep 1000
}

teardown() { end; }

plan() {
	behalf plan --json "${HOST[@]}" "$@" 2>/dev/null
}

@test "what is promised is planned as long as it runs" {
	[ "$(plan | jq --arg id "$ID" '.workspaces[] | select(.name == $id) | .reserve_ncores')" = 50000000 ]
	behalf delete -f "$ID"
	[ -z "$(plan | jq --arg id "$ID" '.workspaces[] | select(.name == $id)')" ]
}

@test "a file is planned beside it, or by itself" {
	cat >"$BATS_TEST_TMPDIR/more.yaml" <<-EOF
		workspaces:
		- {name: more, cpu: {reserve: 0.5}}
	EOF
	names=$(plan --running "$BATS_TEST_TMPDIR/more.yaml" | jq -r '.workspaces[].name')
	grep -qx "$ID" <<<"$names"
	grep -qx more <<<"$names"
	[ "$(plan "$BATS_TEST_TMPDIR/more.yaml" | jq -c '[.workspaces[].name]')" = '["more"]' ]
	# as many as fit beside it are fewer, by what is promised to it
	alone=$(plan --max more "$BATS_TEST_TMPDIR/more.yaml" | jq .max.more)
	beside=$(plan --running --what-if "$ID.cpu.reserve=1" --max more "$BATS_TEST_TMPDIR/more.yaml" | jq .max.more)
	[ "$beside" -lt "$alone" ]
}

@test "what another runtime's group claims is counted" {
	[ -d /sys/fs/cgroup/cpu ] || skip "needs the cpu controller of cgroup v1"
	group=/sys/fs/cgroup/cpu/claims-$ID
	mkdir "$group"
	echo 65536 >"$group/cpu.shares"
	sleep 1000 3>&- &
	pid=$!
	echo "$pid" >"$group/cgroup.procs"
	claim=$(plan | jq --arg name "/claims-$ID" '.workspaces[] | select(.name == $name) | .reserve_ncores')
	kill "$pid"
	wait "$pid" || true
	rmdir "$group"
	[ "$claim" = 1000000000 ]
}
