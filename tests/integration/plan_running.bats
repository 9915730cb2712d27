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

# as_podman_calls_it NAME COMMAND...: where podman has a container of that name, which is the group $engines_id.
as_podman_calls_it() {
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c 'mount -t tmpfs tmpfs /var/lib &&
		mkdir -p /var/lib/containers/storage/vfs-containers &&
		printf "[{\"id\": \"%s\", \"names\": [\"%s\"]}]" "$1" "$2" \
			>/var/lib/containers/storage/vfs-containers/containers.json && shift 2 && exec "$@"' \
		sh "$engines_id" "$@"
}

@test "a container is called what its engine calls it, unless the file has that name" {
	[ -d /sys/fs/cgroup/cpu ] || skip "needs the cpu controller of cgroup v1"
	engines_id=$(printf '%s' "$ID" | sha256sum | cut -c1-64)
	group=/libpod-$engines_id.scope
	mkdir "/sys/fs/cgroup/cpu$group"
	behalf terms set "$group" cpu.reserve=0.07
	printf 'workspaces:\n- {name: cart, cpu: {reserve: 0.5}}\n' >"$BATS_TEST_TMPDIR/cart.yaml"
	reserves='[.workspaces[] | select(.reserve_ncores == 70000000 or .reserve_ncores == 110000000) | .name]'
	called=$(as_podman_calls_it shop "$BEHALF" --root "$STATE" plan --json "${HOST[@]}" | jq -c "$reserves")
	changed=$(as_podman_calls_it shop "$BEHALF" --root "$STATE" plan --json "${HOST[@]}" \
		--what-if shop.cpu.reserve=0.11 | jq -c "$reserves")
	twice=$(as_podman_calls_it cart "$BEHALF" --root "$STATE" plan --json "${HOST[@]}" --running \
		"$BATS_TEST_TMPDIR/cart.yaml" | jq -c "$reserves")
	rmdir "/sys/fs/cgroup/cpu$group"
	[ "$called" = '["shop"]' ]
	[ "$changed" = '["shop"]' ]
	[ "$twice" = "[\"$group\"]" ]
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
