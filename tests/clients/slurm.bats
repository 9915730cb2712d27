#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Slurm with behalf as its runtime: a controller and three nodes of its own on this host, in a network
# namespace and in folders of this file's run, with the files of examples/slurm.
# timeout: 120
# beside others

bats_require_minimum_version 1.5.0

# A bundle as a user of the cluster has one.
make_bundle_at() {
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$1/rootfs"
	"$BEHALF" spec --bundle "$1" "${@:2}"
	edit_config '.process.terminal = false | .hostname = "inside"' "$1"
}

write_configuration() {
	local host groups
	host=$(hostname -s)
	# Slurm's way with v2 needs systemd
	[ ! -d /sys/fs/cgroup/freezer ] || groups=cgroup
	printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainRAMSpace=yes\n' >"$WORK/cgroup.conf"
	cat >"$WORK/slurm.conf" <<-EOF
		ClusterName=behalf
		SlurmctldHost=$host(127.0.0.1)
		SlurmUser=root
		AuthInfo=socket=$WORK/munge.sock
		MailProg=/bin/true
		StateSaveLocation=$WORK/state
		SlurmctldPidFile=$WORK/slurmctld.pid
		SlurmctldLogFile=$WORK/slurmctld.log
		SlurmdPidFile=$WORK/slurmd.%n.pid
		SlurmdSpoolDir=$WORK/spool.%n
		SlurmdLogFile=$WORK/slurmd.%n.log
		SlurmdDebug=debug
		Prolog=$WORK/prolog
		ProctrackType=proctrack/${groups:-linuxproc}
		TaskPlugin=task/${groups:-none}
		JobAcctGatherType=jobacct_gather/none
		SchedulerType=sched/builtin
		SchedulerParameters=batch_sched_delay=0
		SelectType=select/linear
		MpiDefault=none
		ReturnToService=2
		KillWait=2
		NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=17001 CPUs=2
		NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=17002 CPUs=2
		NodeName=n3 NodeHostname=$host NodeAddr=127.0.0.1 Port=17003 CPUs=2
		PartitionName=main Nodes=n[1-3] Default=YES
	EOF
	sed -e "s|/usr/local/bin/behalf|$WORK/runtime|; s|/run/behalf-slurm|$WORK/roots|" \
		"$EXAMPLES/oci.conf" >"$WORK/oci.conf"
	sed -e "s|/run/behalf-slurm|$WORK/roots|" "$EXAMPLES/prolog" >"$WORK/prolog"
	copy_behalf "$WORK"
	cat >"$WORK/runtime" <<-EOF
		#!/bin/sh
		echo "\$(id -u) \$*" >>$WORK/calls
		exec "$WORK/behalf" "\$@"
	EOF
	chmod 755 "$WORK/runtime" "$WORK/prolog"
	: >"$WORK/calls"
	chmod 666 "$WORK/calls"
}

setup_file() {
	load ../integration/helpers
	load slurm_helpers
	need_root
	need_slurm
	EXAMPLES=$BATS_TEST_DIRNAME/../../examples/slurm
	WORK=$(mktemp -d /tmp/bh-slurm.XXXXXX)
	export WORK EXAMPLES
	chmod 755 "$WORK"
	make_rootfs
	mkdir "$WORK/bundle" "$WORK/user" "$WORK/state" "$WORK"/spool.n{1,2,3}
	make_bundle_at "$WORK/bundle"
	make_bundle_at "$WORK/user" --rootless
	# a user namespace of one user, who is root in there
	edit_config ".linux |= (.uidMappings[0].hostID = $(id -u nobody)
		| .gidMappings[0].hostID = $(id -g nobody))" "$WORK/user"
	chown -R nobody: "$WORK/user"
	write_configuration
	start_cluster n1 n2 n3
}

teardown_file() {
	[ -n "${WORK:-}" ] || return 0
	load slurm_helpers
	stop_cluster
	rmdir /sys/fs/cgroup/*/slurm_n[123] 2>/dev/null || true
	rm -rf "$WORK"
}

setup() {
	load ../integration/helpers
	load slurm_helpers
}

teardown() {
	on_cluster scancel --user root || true
	on_cluster scancel --user nobody || true
	wait_until 30 nodes_are_idle 3
	wait_until 5 is_clean
}

# No container, and nothing of one.
is_clean() {
	local left
	left=$(find "$WORK/roots" -mindepth 2 2>/dev/null
		find /sys/fs/cgroup -type d '(' -name 'behalf-n[123].*.[0-9]*.0' -o -path '*/slurm_n[123]/*/job_*' ')' \
			2>/dev/null
		find "$WORK"/spool.n? -name config.json
		pgrep -f "^$WORK/behalf"
		grep -F "$WORK" /proc/self/mountinfo
		true)
	[ -z "$left" ] || { echo "there is still: $left"; return 1; }
}

has_line() {
	grep -q -- "$2" "$1" 2>/dev/null
}

# in_background OPTION... starts a step called "long", and returns when it says that it is ready.
in_background() {
	{
		on_cluster srun --job-name long "$@" && echo "exit 0" || echo "exit $?"
	} >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	wait_until 10 has_line "$BATS_TEST_TMPDIR/out" ready
}

@test "srun: output, input, exit status, environment, the bundle's own settings" {
	run on_cluster srun --container="$WORK/bundle" echo hello
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
	[ "$(echo in | on_cluster srun --container="$WORK/bundle" cat)" = in ]
	run on_cluster srun --container="$WORK/bundle" sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run on_cluster srun --container="$WORK/bundle" sh -c 'echo $SLURM_JOB_NAME; hostname; echo $$'
	[ "$output" = $'sh\ninside\n1' ]
}

@test "srun: what cannot be run" {
	run on_cluster srun --container="$WORK/bundle" nosuch
	[ "$status" -eq 1 ]
	[[ $output == *"'nosuch': executable file not found in \$PATH"* ]]
	run on_cluster srun --container=/nonexistent true
	[ "$status" -ne 0 ]
	[[ $output == *"No such file or directory"* ]]
}

@test "srun -N3: a container on each node" {
	: >"$WORK/calls"
	run on_cluster srun -N3 --container="$WORK/bundle" sh -c 'echo "$(hostname) $SLURM_JOB_NODELIST"; exit 3'
	[ "$status" -eq 3 ]
	[ "$(grep -c -F 'inside n[1-3]' <<<"$output")" -eq 3 ]
	names=$(sed -n 's/.* run --bundle=[^ ]* \(n[123]\).*/\1/p' "$WORK/calls" | sort | paste -sd ' ')
	[ "$names" = "n1 n2 n3" ]
}

@test "a container is in the groups of its job" {
	[ -d /sys/fs/cgroup/freezer ] || skip "Slurm's way with cgroup v2 needs systemd"
	run on_cluster srun --container="$WORK/bundle" cat /proc/self/cgroup
	[[ $output == *:memory:/slurm_n1/uid_0/job_* ]]
	[[ $output == *:freezer:/slurm_n1/uid_0/job_* ]]
}

@test "sbatch: the script runs in the container" {
	printf '#!/bin/sh\nhostname\necho $SLURM_JOB_ID\nexit 6\n' >"$WORK/job"
	run on_cluster sbatch --wait --parsable --container="$WORK/bundle" --output "$WORK/job.out" "$WORK/job"
	[ "$status" -eq 6 ]
	[ "$(head -n 2 "$WORK/job.out")" = "inside"$'\n'"${lines[0]}" ]
}

@test "scancel: signals arrive, a container that obeys ends at once" {
	in_background --container="$WORK/bundle" sh -c 'trap "echo usr1" USR1
		trap "echo bye; exit 4" TERM; echo ready; while :; do sleep 0.05; done'
	on_cluster scancel --signal USR1 --name long
	wait_until 5 has_line "$BATS_TEST_TMPDIR/out" usr1
	on_cluster scancel --name long
	wait_until 5 has_line "$BATS_TEST_TMPDIR/out" '^exit'
	has_line "$BATS_TEST_TMPDIR/out" bye
	wait_until 5 nodes_are_idle 3
	is_clean
}

@test "scancel: a container that does not is killed, on every node" {
	in_background -N3 --container="$WORK/bundle" sh -c 'trap "" TERM; echo ready; sleep 1000 & wait; wait'
	wait_until 10 eval '[ "$(grep -c ready "$BATS_TEST_TMPDIR/out")" -eq 3 ]'
	on_cluster scancel --name long
	wait_until 20 nodes_are_idle 3
	wait_until 5 is_clean
	grep -q "delete --force" "$WORK/calls"
}

@test "an ordinary user's container" {
	run on_cluster srun --uid=nobody --gid=nogroup --container="$WORK/user" \
		sh -c 'id -u; cat /proc/self/uid_map; exit 5'
	[ "$status" -eq 5 ]
	grep -qx 0 <<<"$output"
	grep -qxE " *0 +$(id -u nobody) +1" <<<"$output"
	# all of it in the name of the user
	in_background --uid=nobody --gid=nogroup --container="$WORK/user" \
		sh -c 'trap "" TERM; echo ready; sleep 1000 & wait; wait'
	on_cluster scancel --name long
	wait_until 20 nodes_are_idle 3
	grep -qF "roots/nobody delete --force" "$WORK/calls"
	[ -z "$(grep -F roots/nobody "$WORK/calls" | grep -v "^$(id -u nobody) ")" ]
}
