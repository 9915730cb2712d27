#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# containerd's CRI plugin with behalf behind a runtime handler: what a kubelet does to a pod whose
# RuntimeClass names it. A daemon of its own, in a network namespace and in folders of this file's run.
# timeout: 120
# beside others

bats_require_minimum_version 1.5.0

# cri METHOD [REQUEST] is one call, through `cri/client.js`. One that fails prints what was said.
cri() {
	curl --silent --fail-with-body --max-time 40 --unix-socket "$WORK/client" \
		--data "${2:-{\}}" "http://cri/$1"
}

# An image of the busybox root, as `docker save` writes it; its command is what a pause container does.
make_image() {
	local dir=$WORK/image sum
	mkdir "$dir"
	tar -C "$BATS_FILE_TMPDIR/rootfs" -cf "$dir/layer.tar" .
	sum=$(sha256sum "$dir/layer.tar" | cut -d ' ' -f 1)
	jq -n --arg sum "sha256:$sum" '{architecture: "amd64", os: "linux",
		config: {Cmd: ["sleep", "1000000"], Env: ["PATH=/bin"]},
		rootfs: {type: "layers", diff_ids: [$sum]}}' >"$dir/config.json"
	jq -n --arg name "$IMAGE" '[{Config: "config.json", RepoTags: [$name], Layers: ["layer.tar"]}]' \
		>"$dir/manifest.json"
	tar -C "$dir" -cf "$WORK/image.tar" manifest.json config.json layer.tar
	ctr --address "$WORK/sock" --namespace k8s.io images import "$WORK/image.tar" >/dev/null
	rm -r "$dir" "$WORK/image.tar"
}

# The plugin has seen the image.
has_image() {
	[ "$(cri ImageStatus "{\"image\": {\"image\": \"$IMAGE\"}}" | jq '.image != null')" = true ]
}

start_daemon() {
	unshare --net sh -c "ip link set lo up; exec containerd --config $WORK/config.toml" \
		>>"$WORK/log" 2>&1 3>&- &
	echo $! >"$WORK/pid"
	wait_until 20 cri Version >/dev/null 2>&1 || { tail -n 5 "$WORK/log" >&2; return 1; }
}

stop_daemon() {
	local pid
	pid=$(cat "$WORK/pid")
	kill "$pid"
	wait_until 10 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid"
}

setup_file() {
	load ../integration/helpers
	load npm_helpers
	need_root
	need_program containerd
	need_program ctr containerd
	need_program node nodejs
	need_program npm
	need_program curl
	SOURCE=$BATS_TEST_DIRNAME
	export SOURCE
	CLIENT=$(install_packages cri) || skip "npm cannot install the packages of the client"
	make_rootfs
	# a socket's address is short
	WORK=$(mktemp -d /tmp/bh-cri.XXXXXX)
	export WORK IMAGE=behalf.test/bb:1 PARENT=/bh-cri-$$
	cat >"$WORK/runtime" <<-EOF
		#!/bin/sh
		echo "\$*" >>$WORK/calls
		exec "$BEHALF" "\$@"
	EOF
	chmod +x "$WORK/runtime"
	mkdir "$WORK/cni" "$WORK/logs"
	cat >"$WORK/cni/10-pods.conflist" <<-EOF
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam":
			{"type": "host-local", "subnet": "10.88.7.0/24", "dataDir": "$WORK/addresses"}}]}
	EOF
	cat >"$WORK/config.toml" <<-EOF
		version = 2
		root = "$WORK/root"
		state = "$WORK/state"
		disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
			"io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper",
			"io.containerd.internal.v1.opt"]
		[grpc]
		address = "$WORK/sock"
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "$IMAGE"
		restrict_oom_score_adj = true
		disable_apparmor = true
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "$WORK/cni"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		default_runtime_name = "behalf"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.behalf]
		runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.behalf.options]
		BinaryName = "$WORK/runtime"
	EOF
	NODE_PATH=$CLIENT/node_modules node "$SOURCE/cri/client.js" "$WORK/sock" "$WORK/client" \
		>"$WORK/client.log" 2>&1 3>&- &
	echo $! >"$WORK/client.pid"
	start_daemon
	make_image
	wait_until 10 has_image
}

teardown_file() {
	[ -n "${WORK:-}" ] || return 0
	kill "$(cat "$WORK/client.pid")"
	stop_daemon
	grep -F "$WORK" /proc/self/mountinfo | awk '{ print $5 }' | xargs -r -n 1 umount -l
	rm -rf "$WORK"
	rmdir /sys/fs/cgroup"$PARENT" /sys/fs/cgroup/*"$PARENT" 2>/dev/null || true
}

setup() {
	load ../integration/helpers
	NAME=bt-$$-$BATS_TEST_NUMBER-$RANDOM
	rm -f "$WORK/pods"
}

# Every pod of the test goes as a kubelet takes it away, and is then gone altogether.
teardown() {
	local pod
	while read -r pod; do
		cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
		cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	done < <(cat "$WORK/pods" 2>/dev/null)
	wait_until 3 is_clean
}

# Only what the daemon itself is, is there.
is_clean() {
	local left
	left=$(find /sys/fs/cgroup -mindepth 1 -type d -path "*$PARENT/*" 2>/dev/null
		find "$WORK/state/io.containerd.runtime.v2.task" -mindepth 2 2>/dev/null
		find /run/containerd/runc/k8s.io -mindepth 1 -maxdepth 1 -newer "$WORK/config.toml" 2>/dev/null
		pgrep -f "containerd-shim.* -address $WORK/sock"
		grep -F "$WORK/state" /proc/self/mountinfo
		true)
	[ -z "$left" ] || { echo "there is still: $left"; return 1; }
}

# pod [JQ-FILTER] makes a pod's sandbox, its id is then in $POD; the filter changes its configuration.
pod() {
	CONFIG=$(jq -nc --arg name "$NAME" --arg parent "$PARENT" --arg logs "$WORK/logs" "{
		metadata: {name: \$name, uid: \$name, namespace: \"default\"}, hostname: \"pod\",
		log_directory: \$logs,
		linux: {cgroup_parent: \$parent, security_context: {namespace_options: {pid: \"CONTAINER\"}}}
		} | ${1:-.}")
	POD=$(cri RunPodSandbox "{\"config\": $CONFIG, \"runtime_handler\": \"behalf\"}" |
		jq -r .pod_sandbox_id)
	[ -n "$POD" ] || return 1
	echo "$POD" >>"$WORK/pods"
}

# container JQ-FILTER COMMAND... makes a container in $POD; its id is then in $CONTAINER.
container() {
	local filter=$1 config
	shift
	config=$(jq -nc --arg image "$IMAGE" --arg name "c$RANDOM" "{
		metadata: {name: \$name}, image: {image: \$image}, command: \$ARGS.positional,
		log_path: (\$name + \".log\"),
		linux: {security_context: {namespace_options: {pid: \"CONTAINER\"}}}} | $filter" --args -- "$@")
	LOG=$WORK/logs/$(jq -r .log_path <<<"$config")
	CONTAINER=$(cri CreateContainer \
		"{\"pod_sandbox_id\": \"$POD\", \"config\": $config, \"sandbox_config\": $CONFIG}" |
		jq -r .container_id)
	[ -n "$CONTAINER" ]
}

# on_container METHOD [MEMBERS-AS-JSON] is a call about $CONTAINER.
on_container() {
	cri "$1" "$(jq -nc --arg id "$CONTAINER" "{container_id: \$id} + ${2:-{\}}")"
}

# inside COMMAND... prints what the command wrote, and returns its exit status.
inside() {
	local answer
	answer=$(on_container ExecSync "{cmd: $(jq -nc '$ARGS.positional' --args -- "$@"), timeout: 10}") ||
		{ echo "$answer"; return 255; }
	jq -rj '.stdout, .stderr' <<<"$answer"
	return "$(jq .exit_code <<<"$answer")"
}

has_state() {
	[ "$(on_container ContainerStatus | jq -r .status.state)" = "CONTAINER_$1" ]
}

# What the container's command wrote, without the stamps of the log.
log_of() {
	cut -d ' ' -f 4- "$LOG"
}

# cgroup_value V1-CONTROLLER/FILE V2-FILE
cgroup_value() {
	if [ -d /sys/fs/cgroup/memory ]; then
		cat "/sys/fs/cgroup/${1%/*}$PARENT/$CONTAINER/${1##*/}"
	else
		cat "/sys/fs/cgroup$PARENT/$CONTAINER/$2"
	fi
}

@test "the runtime is ready, and its handler is known" {
	run cri Status
	[ "$(jq -c '[.status.conditions[] | select(.type == "RuntimeReady") | .status]' <<<"$output")" = '[true]' ]
	run cri RunPodSandbox '{"config": {"metadata": {"name": "a", "uid": "a"}}, "runtime_handler": "nosuch"}'
	[ "$status" -ne 0 ]
	[[ $output == *"no runtime for"* ]]
}

@test "a pod's life: sandbox, container, start, exec, stats, update, stop, remove" {
	pod
	run cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}"
	[ "$(jq -r '.status | .state + " " + .runtime_handler' <<<"$output")" = 'SANDBOX_READY behalf' ]

	container '.linux.resources = {cpu_period: 100000, cpu_quota: 50000, cpu_shares: 512,
		memory_limit_in_bytes: 67108864}' \
		sh -c 'echo hello; echo oops >&2; trap "exit 3" TERM; while :; do sleep 0.05; done'
	has_state CREATED
	on_container StartContainer
	has_state RUNNING
	wait_until 5 eval '[ "$(log_of 2>/dev/null | sort | paste -sd " ")" = "hello oops" ]'

	run inside sh -c 'echo in; echo err >&2; exit 4'
	[ "$status" -eq 4 ]
	[ "$output" = $'in\nerr' ]
	run inside nosuch
	[ "$status" -eq 255 ]
	[[ $output == *"'nosuch'"*"not found in \$PATH"* ]]

	[ "$(cgroup_value memory/memory.limit_in_bytes memory.max)" = 67108864 ]
	on_container UpdateContainerResources \
		'{linux: {cpu_period: 100000, cpu_quota: 20000, memory_limit_in_bytes: 33554432}}'
	[ "$(cgroup_value memory/memory.limit_in_bytes memory.max)" = 33554432 ]
	case $(cgroup_value cpu/cpu.cfs_quota_us cpu.max) in 20000 | '20000 100000') ;; *) false ;; esac

	run on_container ContainerStats
	[ "$(jq -r .stats.attributes.id <<<"$output")" = "$CONTAINER" ]
	[ "$(jq '.stats.cpu.usage_core_nano_seconds.value | tonumber > 0' <<<"$output")" = true ]
	[ "$(jq '.stats.memory.working_set_bytes.value | tonumber > 0' <<<"$output")" = true ]

	on_container StopContainer '{timeout: 5}'
	has_state EXITED
	[ "$(on_container ContainerStatus | jq .status.exit_code)" = 3 ]
	on_container RemoveContainer
	run on_container ContainerStatus
	[ "$status" -ne 0 ]

	cri StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
	run cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}"
	[ "$(jq -r .status.state <<<"$output")" = SANDBOX_NOTREADY ]
}

@test "containers of a pod share its network, IPC and name, not its processes" {
	[ -x /usr/lib/cni/ptp ] || skip "no /usr/lib/cni/ptp (package containernetworking-plugins)"
	pod '.linux.sysctls = {"net.ipv4.ip_forward": "1"}'
	address=$(cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}" | jq -r .status.network.ip)
	[[ $address == 10.88.7.* ]]
	container . sh -c 'mkdir /tmp/w; echo served >/tmp/w/index.html; exec httpd -f -p 80 -h /tmp/w'
	on_container StartContainer
	namespaces='for n in net ipc uts pid; do readlink /proc/self/ns/$n; done'
	one=$(inside sh -c "$namespaces")
	container . sleep 1000
	on_container StartContainer
	two=$(inside sh -c "$namespaces")
	[ "$(wc -l <<<"$one")" -eq 4 ]
	[ "$(head -n 3 <<<"$one")" = "$(head -n 3 <<<"$two")" ]
	[ "$(tail -n 1 <<<"$one")" != "$(tail -n 1 <<<"$two")" ]
	[ "$(inside hostname)" = pod ]
	wait_until 5 eval '[ "$(inside wget -qO - http://127.0.0.1/)" = served ]'
	[ "$(nsenter --net="/proc/$(cat "$WORK/pid")/ns/net" curl -s "http://$address/")" = served ]
	[ "$(inside cat /proc/sys/net/ipv4/ip_forward)" = 1 ]
}

@test "a pod with one process tree, on the node's network" {
	pod '.hostname = "" | .linux.security_context.namespace_options = {pid: "POD", network: "NODE"}'
	container '.linux.security_context.namespace_options = {pid: "POD", network: "NODE"}' sleep 1000
	on_container StartContainer
	# the first process is the sandbox's
	run inside ps -o pid,args
	[[ ${lines[1]} =~ ^\ *1\ sleep\ 1000000 ]]
	[ "$(inside readlink /proc/self/ns/net)" = "$(readlink "/proc/$(cat "$WORK/pid")/ns/net")" ]
}

@test "a security context is honoured" {
	pod
	mkdir "$WORK/bound"
	echo here >"$WORK/bound/file"
	container ".envs = [{key: \"A\", value: \"b\"}] | .working_dir = \"/var\"
		| .mounts = [{container_path: \"/bound\", host_path: \"$WORK/bound\", readonly: true}]
		| .linux.security_context += {readonly_rootfs: true, no_new_privs: true,
			run_as_user: {value: 7}, run_as_group: {value: 8}, supplemental_groups: [9],
			capabilities: {drop_capabilities: [\"ALL\"], add_capabilities: [\"NET_ADMIN\"]},
			masked_paths: [\"/proc/kcore\"], readonly_paths: [\"/proc/sys\"],
			seccomp: {profile_type: \"RuntimeDefault\"}}" sleep 1000
	on_container StartContainer
	run inside sh -c 'id -u; id -g; id -G; pwd; echo $A; cat /bound/file'
	[ "$output" = $'7\n8\n8 9\n/var\nb\nhere' ]
	run inside grep -E '^(NoNewPrivs|Seccomp|CapBnd):' /proc/self/status
	[[ $output == *0000000000001000*NoNewPrivs:?1*Seccomp:?2* ]]
	run inside sh -c 'echo x >/x'
	[[ $status -eq 1 && $output == *"Read-only file system"* ]]
	run inside sh -c 'echo x >/bound/x'
	[[ $status -eq 1 && $output == *"Read-only file system"* ]]
}

@test "a privileged container" {
	pod '.linux.security_context.privileged = true'
	container '.linux.security_context.privileged = true' sleep 1000
	on_container StartContainer
	inside mount -t tmpfs x /mnt
	[ "$(inside grep -c '^Seccomp:.0' /proc/self/status)" = 1 ]
	[ -n "$(inside ls /dev/mem /dev/null)" ]
}

@test "what cannot be executed: the container says why" {
	pod
	container . nosuch
	run on_container StartContainer
	[ "$status" -ne 0 ]
	[[ $output == *"'nosuch'"*"not found in \$PATH"* ]]
	has_state EXITED
	[ "$(on_container ContainerStatus | jq -r '.status | .reason + " " + (.exit_code | tostring)')" = \
		'StartError 128' ]
}

@test "out of memory is told, an exec is bounded in time" {
	pod
	container '.linux.resources = {memory_limit_in_bytes: 16777216}' \
		sh -c 'head -c 64m /dev/zero | tail -n 1 >/dev/null; exit 1'
	container_oom=$CONTAINER
	on_container StartContainer
	container . sleep 1000
	on_container StartContainer
	started=$SECONDS
	run on_container ExecSync '{cmd: ["sleep", "1000"], timeout: 1}'
	[ "$status" -ne 0 ]
	[[ $output == *timeout* ]]
	[ $((SECONDS - started)) -lt 35 ] # it ended, and not because the call may take 40 s
	CONTAINER=$container_oom
	wait_until 10 has_state EXITED
	[ "$(on_container ContainerStatus | jq -r .status.reason)" = OOMKilled ]
}

@test "a daemon that is restarted finds the pod again" {
	pod
	container . sleep 1000
	on_container StartContainer
	stop_daemon
	start_daemon
	has_state RUNNING
	[ "$(inside echo again)" = again ]
}

@test "a pod that is removed while it runs takes its containers along" {
	pod
	container . sh -c 'sleep 1000 & sleep 1000'
	on_container StartContainer
	cri StopPodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
	has_state EXITED
	cri RemovePodSandbox "{\"pod_sandbox_id\": \"$POD\"}"
	[ "$(cri ListContainers | jq -r --arg id "$CONTAINER" '[.containers[] | select(.id == $id)] | length')" = 0 ]
	[ "$(cri ListPodSandbox | jq '.items | length')" = 0 ]
}

@test "what was called is what is expected" {
	grep -q -- "--root /run/containerd/runc/k8s.io --log .* --log-format json create --bundle" "$WORK/calls"
	grep -q -- "exec --process .* --detach --pid-file" "$WORK/calls"
	grep -q -- "update --resources -" "$WORK/calls"
	grep -q -- "kill --all" "$WORK/calls"
}
