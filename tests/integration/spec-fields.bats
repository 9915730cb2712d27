#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Fields of the specification whose effect is looked at from inside a container.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# refused SENTENCE: the container cannot be made, and the last line holds SENTENCE
refused() {
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ] && [[ ${lines[-1]} == *"$1"* ]] && return
	echo "status $status, wanted: $1"
	echo "$output"
	return 1
}

# The container of $BUNDLE gets a user namespace, where root is 100000 of the host.
in_user_namespace() {
	edit_config '.linux.namespaces += [{"type": "user"}]
		| .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]
		| .linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$BUNDLE/rootfs"
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
}

# ---- process.scheduler, ioPriority, execCPUAffinity

# Behind the name, which may hold anything: the 19th of stat(5) is nice, 40 and 41 are priority and policy.
scheduling='read -r stat </proc/self/stat; set -- ${stat##*) }; echo "nice ${17} priority ${38} policy ${39}"'

# With CONFIG_RT_GROUP_SCHED a real-time process needs a share of its control group.
allow_realtime() {
	[ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || return 0
	edit_config '.linux.resources.cpu |= (. // {}) + {"realtimeRuntime": 10000, "realtimePeriod": 1000000}'
}

@test "process.scheduler: policy SCHED_FIFO and its priority" {
	edit_config '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 7}'
	allow_realtime
	run shell_in_container "$scheduling"
	[[ $output == *'priority 7 policy 1' ]]
}

@test "process.scheduler: policy SCHED_RR in a user namespace" {
	edit_config '.process.scheduler = {"policy": "SCHED_RR", "priority": 3}'
	allow_realtime
	in_user_namespace
	run shell_in_container "$scheduling"
	[[ $output == *'priority 3 policy 2' ]]
}

@test "process.scheduler: policy SCHED_BATCH and nice" {
	edit_config '.process.scheduler = {"policy": "SCHED_BATCH", "nice": -5}'
	run shell_in_container "$scheduling"
	[ "$output" = 'nice -5 priority 0 policy 3' ]
}

@test "process.scheduler: runtime, deadline, period of SCHED_DEADLINE" {
	edit_config '.process.scheduler = {"policy": "SCHED_DEADLINE", "runtime": 2000000,
		"deadline": 10000000, "period": 20000000}'
	run shell_in_container "$scheduling"
	[[ $output == *'policy 6' ]]
	set_args sh -c 'while :; do read -r line || exit; done'
	mkfifo "$BATS_TEST_TMPDIR/wait"
	behalf create --bundle "$BUNDLE" "$ID-2" <>"$BATS_TEST_TMPDIR/wait" >/dev/null
	behalf start "$ID-2"
	run chrt -p "$(pid_of "$ID-2")"
	behalf delete --force "$ID-2"
	[[ $output == *'2000000/10000000/20000000'* ]]
}

@test "process.scheduler: flags, children of SCHED_FLAG_RESET_ON_FORK start as usual" {
	edit_config '.process.scheduler = {"policy": "SCHED_FIFO", "priority": 7,
		"flags": ["SCHED_FLAG_RESET_ON_FORK"]}'
	allow_realtime
	run shell_in_container "$scheduling; sh -c '$scheduling'; true"
	[[ ${lines[0]} == *'priority 7 policy 1' ]]
	[[ ${lines[1]} == *'priority 0 policy 0' ]]
}

@test "process.scheduler: what the kernel refuses is told" {
	edit_config '.process.scheduler = {"policy": "SCHED_DEADLINE", "runtime": 20000000,
		"deadline": 10000000, "period": 20000000}'
	refused 'process.scheduler: set the policy: Invalid argument'
}

@test "process.ioPriority: class and priority" {
	edit_config '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	run in_container ionice
	[ "$output" = 'best-effort: prio 6' ]
	edit_config '.process.ioPriority = {"class": "IOPRIO_CLASS_RT", "priority": 2}'
	run in_container ionice
	[ "$output" = 'realtime: prio 2' ]
}

@test "exec: scheduler and ioPriority of the process" {
	allow_realtime
	start_sleeper
	jq '.process | .args = ["sh", "-c", $script] | .ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 1}
		| .scheduler = {"policy": "SCHED_RR", "priority": 9}' --arg script "$scheduling; ionice" \
		"$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/process.json"
	run behalf exec --process "$BATS_TEST_TMPDIR/process.json" "$ID"
	[[ ${lines[0]} == *'priority 9 policy 2' ]]
	[ "${lines[1]}" = 'best-effort: prio 1' ]
}

@test "process.execCPUAffinity: initial, final, and neither for the first process" {
	[ "$(nproc)" -ge 2 ] || skip "needs two CPUs"
	local all
	all=$(awk '/Cpus_allowed_list/ { print $2 }' /proc/self/status)
	edit_config '.process.execCPUAffinity = {"initial": "0", "final": "1"}'
	start_sleeper
	[ "$(awk '/Cpus_allowed_list/ { print $2 }' "/proc/$(pid_of "$ID")/status")" = "$all" ]
	run behalf exec "$ID" grep Cpus_allowed_list /proc/self/status
	[ "$output" = $'Cpus_allowed_list:\t1' ]
	jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"]
		| .execCPUAffinity = {"initial": "0"}' "$BUNDLE/config.json" >"$BATS_TEST_TMPDIR/process.json"
	run behalf exec --process "$BATS_TEST_TMPDIR/process.json" "$ID"
	[ "$output" = $'Cpus_allowed_list:\t'"$all" ]
}

# ---- linux.personality

@test "linux.personality: domain LINUX32, of the first process and of exec" {
	[ "$(setarch linux32 uname -m)" != "$(uname -m)" ] || skip "the machine has no other personality"
	edit_config '.linux.personality = {"domain": "LINUX32"}'
	run in_container uname -m
	[ "$output" = "$(setarch linux32 uname -m)" ]
	start_sleeper
	run behalf exec "$ID" uname -m
	[ "$output" = "$(setarch linux32 uname -m)" ]
}

# ---- the time namespace

# uptime FILE: whole seconds since boot
uptime_of() { cut -d . -f 1 "$1"; }

# is_about SECONDS WANTED
is_about() {
	local difference=$(($1 - $2))
	[ ${difference#-} -le 5 ]
}

@test "linux.timeOffsets: boottime and monotonic of a new time namespace, also of exec" {
	edit_config '.linux.namespaces += [{"type": "time"}]
		| .linux.timeOffsets = {"boottime": {"secs": 1000000, "nanosecs": 5}, "monotonic": {"secs": 5000}}'
	run in_container cut -d . -f 1 /proc/uptime
	is_about "$output" $(($(uptime_of /proc/uptime) + 1000000))
	start_sleeper
	run cat "/proc/$(pid_of "$ID")/timens_offsets"
	[[ ${lines[0]} =~ ^monotonic\ +5000\ +0$ ]]
	[[ ${lines[1]} =~ ^boottime\ +1000000\ +5$ ]]
	run behalf exec "$ID" cut -d . -f 1 /proc/uptime
	is_about "$output" $(($(uptime_of /proc/uptime) + 1000000))
}

@test "linux.timeOffsets: hooks of the runtime keep the host's clock" {
	local seen=$BATS_TEST_TMPDIR/seen
	edit_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 1000000}}
		| .hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "cat /proc/uptime >'"$seen"'"]}]'
	run in_container true
	[ "$status" -eq 0 ]
	is_about "$(uptime_of "$seen")" "$(uptime_of /proc/uptime)"
}

@test "linux.timeOffsets: in a user namespace" {
	in_user_namespace
	edit_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 1000000}}'
	run in_container cut -d . -f 1 /proc/uptime
	is_about "$output" $(($(uptime_of /proc/uptime) + 1000000))
}

@test "linux.timeOffsets: what the kernel refuses is told" {
	edit_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": -1000000000000}}'
	refused 'linux.timeOffsets'
}

@test "linux.namespaces: a time namespace that is new, and one that is joined" {
	edit_config '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 1000000}}'
	start_sleeper
	local pid theirs
	pid=$(pid_of "$ID")
	theirs=$(readlink "/proc/$pid/ns/time")
	[ "$theirs" != "$(readlink /proc/self/ns/time)" ]
	edit_config "(.linux.namespaces[] | select(.type == \"time\")).path = \"/proc/$pid/ns/time\" | del(.linux.timeOffsets)"
	set_args sh -c 'readlink /proc/self/ns/time; cut -d . -f 1 /proc/uptime'
	run behalf run --bundle "$BUNDLE" "$ID-2"
	[ "${lines[0]}" = "$theirs" ]
	is_about "${lines[1]}" $(($(uptime_of /proc/uptime) + 1000000))
}

# ---- linux.netDevices

# A pair of interfaces: $lent with addresses, and $peer, which stays.
make_pair() {
	need_program ip iproute2
	lent=bt$RANDOM peer=bp$RANDOM
	ip link add "$lent" type veth peer name "$peer"
	ip address add 192.0.2.5/24 dev "$lent"
	ip address add 2001:db8::5/64 dev "$lent" nodad
}

@test "linux.netDevices: moved with its addresses under the name it is given, and taken back" {
	make_pair
	edit_config ".linux.netDevices = {\"$lent\": {\"name\": \"inside0\"}}"
	start_sleeper
	run behalf exec "$ID" ip -o address show dev inside0
	local seen=$output
	run ip link show "$lent"
	local moved=$status
	behalf delete --force "$ID"
	run ip -o address show dev "$lent"
	ip link delete "$peer"
	[[ $seen == *'inet 192.0.2.5/24 '* && $seen == *'inet6 2001:db8::5/64 '* && $seen != *DOWN* ]]
	[ "$moved" -ne 0 ]
	[ "$status" -eq 0 ]
	[[ $output == *'inet 192.0.2.5/24 '* ]]
}

@test "linux.netDevices: keeps its name without another one, in a user namespace" {
	make_pair
	in_user_namespace
	edit_config ".linux.netDevices = {\"$lent\": {}}"
	run in_container ip -o link show dev "$lent"
	# a virtual one ends with the namespace it is in
	ip link delete "$peer" 2>/dev/null || true
	[ "$status" -eq 0 ]
	[[ $output == *"$lent"* ]]
}

@test "linux.netDevices: one that is not there, or whose name is taken, is told and nothing is lost" {
	make_pair
	edit_config '.linux.netDevices = {"nosuch0": {}}'
	refused "linux.netDevices: find the interface 'nosuch0': No such device"
	edit_config ".linux.netDevices = {\"$lent\": {\"name\": \"lo\"}}"
	refused "linux.netDevices: move '$lent' to another network namespace as 'lo': File exists"
	ip link show "$lent"
	edit_config ".linux.netDevices = {\"$lent\": {}, \"$peer\": {}} | .process.args = [\"/nosuch\"]"
	refused "exec '/nosuch'"
	ip address show dev "$lent" | grep -q 192.0.2.5/24
	ip link delete "$peer"
}

@test "linux.netDevices: back from a namespace that others keep" {
	make_pair
	ip netns add "$ID"
	edit_config ".linux.netDevices = {\"$lent\": {\"name\": \"inside0\"}}
		| (.linux.namespaces[] | select(.type == \"network\")).path = \"/run/netns/$ID\""
	run in_container ip -o link show dev inside0
	local there=$status
	run ip address show dev "$lent"
	ip link delete "$peer"
	ip netns delete "$ID"
	[ "$there" -eq 0 ]
	[ "$status" -eq 0 ]
	[[ $output == *192.0.2.5/24* ]]
}

# ---- linux.seccomp with an agent

# start_agent: behind $agent; what it gets told is in $told
start_agent() {
	agent=$BATS_TEST_TMPDIR/agent told=$BATS_TEST_TMPDIR/told
	rm -f "$agent"
	"$BUILD_DIR/tests/integration/seccomp_agent" "$agent" >"$told" 3>&- &
	wait_until 5 test -S "$agent"
	edit_config ".linux.seccomp = {\"defaultAction\": \"SCMP_ACT_ALLOW\", \"listenerPath\": \"$agent\",
		\"listenerMetadata\": \"about it\", \"flags\": [\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"],
		\"syscalls\": [{\"names\": [\"mkdir\", \"mkdirat\"], \"action\": \"SCMP_ACT_NOTIFY\"}]}"
}

@test "linux.seccomp: SCMP_ACT_NOTIFY asks the agent behind listenerPath, who is told of the process" {
	start_agent
	edit_config '.root.readonly = false'
	run in_container mkdir /tmp/new
	[ "$status" -eq 1 ]
	[[ $output == *'Invalid cross-device link'* || $output == *'Cross-device link'* ]]
	[ "$(jq -r '.fds[0], .metadata, .state.id' "$told")" = $'seccompFd\nabout it\n'"$ID" ]
	[ "$(jq .pid "$told")" -gt 1 ]
}

@test "linux.seccomp: the agent without process.noNewPrivileges, and of exec" {
	start_agent
	edit_config '.process.noNewPrivileges = false'
	run in_container mkdir /tmp/new
	[[ $output == *ross-device\ link* ]]
	start_agent
	start_sleeper
	# of the first process; the one of exec gets a filter and an agent of its own
	start_agent
	run behalf exec "$ID" mkdir /tmp/new
	[[ $output == *ross-device\ link* ]]
	[ "$(jq -r .state.status "$told")" = running ]
}

@test "linux.seccomp: without an agent there is no container" {
	edit_config '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nosuch/agent",
		"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}'
	refused "linux.seccomp.listenerPath: connect to '/nosuch/agent': No such file or directory"
}

# ---- mounts whose owners are mapped

# A source with a file of 0:0 and one of 1000:1000 of the host.
make_owned() {
	mkdir -p "$BATS_TEST_TMPDIR/owned"
	touch "$BATS_TEST_TMPDIR/owned/"{zero,thousand}
	chown 1000:1000 "$BATS_TEST_TMPDIR/owned/thousand"
}

@test "mounts.uidMappings, gidMappings: the owners as they are mapped, new files as they are mapped back" {
	make_owned
	chown 1000:1000 "$BATS_TEST_TMPDIR/owned"
	edit_config ".mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"$BATS_TEST_TMPDIR/owned\",
		\"options\": [\"bind\", \"idmap\"], \"uidMappings\": [{\"containerID\": 0, \"hostID\": 5000, \"size\": 1},
		{\"containerID\": 1000, \"hostID\": 0, \"size\": 1}], \"gidMappings\":
		[{\"containerID\": 0, \"hostID\": 6000, \"size\": 1}, {\"containerID\": 1000, \"hostID\": 0, \"size\": 1}]}]"
	run shell_in_container 'stat -c "%n %u:%g" /mnt/zero /mnt/thousand; touch /mnt/new'
	[ "$output" = $'/mnt/zero 5000:6000\n/mnt/thousand 0:0' ]
	[ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/owned/new")" = 1000:1000 ]
}

@test "mounts: idmap in a user namespace takes the container's own map" {
	make_owned
	in_user_namespace
	edit_config ".mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"$BATS_TEST_TMPDIR/owned\",
		\"options\": [\"bind\", \"idmap\", \"nosuid\", \"rprivate\"]}]"
	run shell_in_container 'stat -c "%n %u:%g" /mnt/zero /mnt/thousand; touch /mnt/new; grep -c "/mnt.*nosuid" /proc/mounts'
	[ "$output" = $'/mnt/zero 0:0\n/mnt/thousand 1000:1000\n1' ]
	[ "$(stat -c %u:%g "$BATS_TEST_TMPDIR/owned/new")" = 0:0 ]
}

@test "mounts: idmap=uids=...;gids=..., as podman hands it on, also by ids of the container" {
	make_owned
	add_mapped() {
		edit_config ".mounts |= map(select(.destination != \"/mnt\")) + [{destination: \"/mnt\", type: \"bind\",
			source: \"$BATS_TEST_TMPDIR/owned\", options: [\"rbind\", \"$1\"]}]"
	}
	add_mapped 'idmap=uids=0-5000-1#1000-0-1;gids=0-6000-1#1000-0-1'
	run in_container stat -c '%n %u:%g' /mnt/zero /mnt/thousand
	[ "$output" = $'/mnt/zero 5000:6000\n/mnt/thousand 0:0' ]
	in_user_namespace
	add_mapped 'ridmap=uids=@0-7-1;gids=@0-8-1'
	run in_container stat -c '%n %u:%g' /mnt/zero
	[ "$output" = '/mnt/zero 7:8' ]
	add_mapped 'idmap=uids=@0-65530-10;gids=@0-8-1'
	refused "the container has no ids 65530 to 65539 to map to"
}

@test "mounts: ridmap maps the mounts below, idmap does not" {
	make_owned
	local below=$BATS_TEST_TMPDIR/owned/below
	mkdir "$below" "$BATS_TEST_TMPDIR/other"
	# of the same file system: not every one can map owners on every kernel
	mount --bind "$BATS_TEST_TMPDIR/other" "$below"
	touch "$below/zero"
	local maps='[{"containerID": 0, "hostID": 5000, "size": 1}]' option
	for option in idmap ridmap; do
		edit_config ".mounts |= map(select(.destination != \"/mnt\")) + [{\"destination\": \"/mnt\", \"type\": \"bind\",
			\"source\": \"$BATS_TEST_TMPDIR/owned\", \"options\": [\"rbind\", \"$option\"],
			\"uidMappings\": $maps, \"gidMappings\": $maps}]"
		run in_container stat -c %u:%g /mnt/zero /mnt/below/zero
		echo "$output" >>"$BATS_TEST_TMPDIR/seen"
	done
	umount "$below"
	[ "$(cat "$BATS_TEST_TMPDIR/seen")" = $'5000:5000\n0:0\n5000:5000\n5000:5000' ]
}

@test "mounts: a file system that cannot map is told" {
	edit_config '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/proc/sys", "options": ["bind"],
		"uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}], "gidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]'
	refused "the file system of '/proc/sys' has no id-mapped mounts"
}

# ---- linux.memoryPolicy

@test "linux.memoryPolicy: mode, nodes and flags, also of exec" {
	[ -e /proc/self/numa_maps ] || skip "the kernel has no memory policies"
	edit_config '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}'
	run in_container head -n 1 /proc/self/numa_maps
	[[ $output == *' bind=static:0 '* ]]
	start_sleeper
	run behalf exec "$ID" head -n 1 /proc/self/numa_maps
	[[ $output == *' bind=static:0 '* ]]
	edit_config '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "900"}'
	run behalf run --bundle "$BUNDLE" "$ID-2"
	[[ $output == *'linux.memoryPolicy: set it: Invalid argument' ]]
}

# ---- labels of security modules

@test "process.apparmorProfile: where AppArmor is not enabled, that is told" {
	! grep -q Y /sys/module/apparmor/parameters/enabled 2>/dev/null || skip "AppArmor is enabled"
	edit_config '.process.apparmorProfile = "mine"'
	refused 'process.apparmorProfile: AppArmor is not enabled on this machine'
	edit_config '.process.apparmorProfile = "unconfined"'
	run in_container true
	[ "$status" -eq 0 ]
}

@test "process.selinuxLabel: where SELinux is not enabled, that is told" {
	[ ! -e /sys/fs/selinux/enforce ] || skip "SELinux is enabled"
	edit_config '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	refused 'process.selinuxLabel: SELinux is not enabled on this machine'
}

@test "linux.mountLabel: where SELinux is not enabled, that is told" {
	[ ! -e /sys/fs/selinux/enforce ] || skip "SELinux is enabled"
	edit_config '.linux.mountLabel = "system_u:object_r:container_file_t:s0:c1,c2"'
	refused 'linux.mountLabel: SELinux is not enabled on this machine'
}

# ---- what had no test

# group_file NAME: of the control group of $ID, wherever its controller is
group_file() {
	find /sys/fs/cgroup -path "*$ID*" -name "$1" -exec cat {} + 2>/dev/null | head -n 1
}

@test "mounts: rro and rnosuid go down, ro does not" {
	local source=$BATS_TEST_TMPDIR/source
	mkdir -p "$source/below"
	mount -t tmpfs none "$source/below"
	edit_config ".mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"$source\", \"options\": [\"rbind\", \"ro\"]},
		{\"destination\": \"/opt\", \"type\": \"bind\", \"source\": \"$source\", \"options\": [\"rbind\", \"rro\", \"rnosuid\"]}]"
	run in_container sh -c 'grep -E " /(mnt|opt)/below " /proc/mounts | cut -d " " -f 2,4 | cut -d , -f 1,2'
	umount "$source/below"
	[[ ${lines[0]} == '/mnt/below rw,'* ]]
	[ "${lines[1]}" = '/opt/below ro,nosuid' ]
}

@test "linux.resources.hugepageLimits: the limit of the group" {
	grep -qsw hugetlb /sys/fs/cgroup/{,unified/}cgroup.controllers || [ -d /sys/fs/cgroup/hugetlb ] || skip "no hugetlb controller"
	edit_config '.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 8388608}]'
	start_sleeper
	[ "$(group_file hugetlb.2MB.max)$(group_file hugetlb.2MB.limit_in_bytes)" = 8388608 ]
	# what is reserved counts as well, where the kernel counts it
	[[ $(group_file hugetlb.2MB.rsvd.max)$(group_file hugetlb.2MB.rsvd.limit_in_bytes) =~ ^(8388608)?$ ]]
}

@test "linux.resources.blockIO: the throttles of a device" {
	local device major minor
	[ -e /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device ] || grep -qsw io /sys/fs/cgroup/cgroup.controllers ||
		skip "no controller of disks here"
	device=$(lsblk -dno MAJ:MIN 2>/dev/null | head -n 1 | tr -d ' ')
	[ -n "$device" ] || skip "no disk"
	major=${device%:*} minor=${device#*:}
	edit_config ".linux.resources.blockIO = {
		\"throttleReadBpsDevice\": [{\"major\": $major, \"minor\": $minor, \"rate\": 1000001}],
		\"throttleWriteBpsDevice\": [{\"major\": $major, \"minor\": $minor, \"rate\": 1000002}],
		\"throttleReadIOPSDevice\": [{\"major\": $major, \"minor\": $minor, \"rate\": 1003}],
		\"throttleWriteIOPSDevice\": [{\"major\": $major, \"minor\": $minor, \"rate\": 1004}]}"
	start_sleeper
	if [ ! -d /sys/fs/cgroup/blkio ]; then
		[ "$(group_file io.max)" = "$device rbps=1000001 wbps=1000002 riops=1003 wiops=1004" ]
		return
	fi
	[ "$(group_file blkio.throttle.read_bps_device)" = "$device 1000001" ]
	[ "$(group_file blkio.throttle.write_bps_device)" = "$device 1000002" ]
	[ "$(group_file blkio.throttle.read_iops_device)" = "$device 1003" ]
	[ "$(group_file blkio.throttle.write_iops_device)" = "$device 1004" ]
}

@test "linux.resources.memory.swappiness" {
	[ -e /sys/fs/cgroup/memory/memory.swappiness ] || skip "no such file here"
	edit_config '.linux.resources.memory.swappiness = 17'
	start_sleeper
	[ "$(group_file memory.swappiness)" = 17 ]
}

@test "linux.resources.network: classID, or that there is no controller" {
	edit_config '.linux.resources.network = {"classID": 1048577}'
	if [ -e /sys/fs/cgroup/net_cls ]; then
		start_sleeper
		[ "$(group_file net_cls.classid)" = 1048577 ]
	else
		refused 'linux.resources.network.classID'
	fi
}
