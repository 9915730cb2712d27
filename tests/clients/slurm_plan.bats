#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The lines that `plan --slurm` prints, in the files of a cluster of one node: Slurm takes them, and gives
# out what was planned and no more. In a network namespace and a folder of this file's run.
# timeout: 90

bats_require_minimum_version 1.5.0

on_cluster() {
	(
		cd "$WORK" || exit
		ulimit -c 0
		SLURM_CONF=$WORK/slurm.conf exec timeout --signal KILL 20 \
			nsenter --net="/proc/$(cat "$WORK/pid")/ns/net" "$@"
	)
}

node_is_idle() {
	[ "$(on_cluster sinfo --noheader --format '%D %t' 2>/dev/null)" = '1 idle' ]
}

# What was printed goes into the two files as it is; where the node listens is not the plan's business.
write_configuration() {
	cat >"$WORK/web.yaml" <<-EOF
		workspaces:
		- name: web
		  count: 2
		  net: {egress: {reserve: 5mbit, packet-size-worst: 1000}, ingress: {reserve: 1mbit, packet-size-worst: 1000}}
		- name: db
		  disk: {read: {reserve: 2MB/s}, write: {reserve-iops: 100iops}}
	EOF
	BEHALF_PROMISES=$WORK/promises "$BEHALF" plan --slurm "$WORK/web.yaml" >"$WORK/plan"
	sed -n '/^# gres.conf/,$p' "$WORK/plan" >"$WORK/gres.conf"
	printf 'CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n' >"$WORK/cgroup.conf"
	cat >"$WORK/slurm.conf" <<-EOF
		ClusterName=behalf
		SlurmctldHost=$(hostname -s)(127.0.0.1)
		SlurmUser=root
		AuthInfo=socket=$WORK/munge.sock
		MailProg=/bin/true
		StateSaveLocation=$WORK/state
		SlurmctldPidFile=$WORK/slurmctld.pid
		SlurmctldLogFile=$WORK/slurmctld.log
		SlurmdPidFile=$WORK/slurmd.pid
		SlurmdSpoolDir=$WORK/spool
		SlurmdLogFile=$WORK/slurmd.log
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		JobAcctGatherType=jobacct_gather/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_Core
		MpiDefault=none
		ReturnToService=2
		$(sed -e '/^# gres.conf/,$d' -e 's/^NodeName=.*/& NodeAddr=127.0.0.1/' "$WORK/plan")
		PartitionName=main Nodes=ALL Default=YES
	EOF
}

start_cluster() {
	# an address beside the loopback's, without which numeric ones do not resolve
	cat >"$WORK/start" <<-EOF
		ip link set lo up
		ip link add bhp0 type veth peer bhp1
		ip address add 192.0.2.1/24 dev bhp0
		ip link set bhp0 up
		export SLURM_CONF=$WORK/slurm.conf
		munged --foreground --socket=$WORK/munge.sock --key-file=$WORK/munge.key \
			--pid-file=$WORK/munge.pid --log-file=$WORK/munge.log --seed-file=$WORK/munge.seed &
		echo \$! >>$WORK/pids
		until [ -S $WORK/munge.sock ]; do sleep 0.05; done
		slurmctld -D -i & echo \$! >>$WORK/pids
		slurmd -D & echo \$! >>$WORK/pids
		wait
	EOF
	(umask 077 && head -c 128 /dev/urandom >"$WORK/munge.key")
	(cd "$WORK" && exec unshare --net sh "$WORK/start" >"$WORK/log" 2>&1 3>&-) &
	echo $! >"$WORK/pid"
}

setup_file() {
	load ../integration/helpers
	need_root
	need_program munged munge
	need_program slurmctld
	need_program slurmd
	need_program srun slurm-client
	[ "$(nproc)" -gt 1 ] || skip "a node with one CPU has none to give to the host"
	WORK=$(mktemp -d /tmp/bh-slurm.XXXXXX)
	export WORK
	chmod 755 "$WORK"
	mkdir "$WORK/state" "$WORK/spool"
	write_configuration
	start_cluster
	wait_until 30 node_is_idle || { grep -E 'error|fatal' "$WORK/log" | tail -n 5 >&2; return 1; }
}

teardown_file() {
	local pid
	[ -n "${WORK:-}" ] || return 0
	for pid in $(tac "$WORK/pids"); do
		kill "$pid" 2>/dev/null || continue
		wait_until 10 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid"
	done
	rm -rf "$WORK"
}

setup() {
	load ../integration/helpers
}

@test "the node has what was planned" {
	node=$(on_cluster scontrol --oneliner show node)
	echo "$node"
	[[ $node == *" Gres=net_egress:10,net_ingress:2,disk_read:2,disk_write:6 "* ]]
	[[ $node == *" CoreSpecCount=1 "* ]]
	[[ $node == *" MemSpecLimit=$(sed -n 's/.* MemSpecLimit=\([0-9]*\).*/\1/p' "$WORK/plan") "* ]]
	# what is left for jobs
	[[ $node == *" CPUEfctv=$(($(nproc) - 1)) CPUTot=$(nproc) "* ]]
	# the CPU that the plan names as the other way to say it is the one that Slurm takes
	[[ $node == *" CPUSpecList=$(sed -n 's/.*CpuSpecList=//p' "$WORK/plan") "* ]]
	run grep -E 'gres.*(unknown|invalid|error)|error.*[gG]res' "$WORK/log"
	[ -z "$output" ]
}

@test "jobs get the I/O that was planned, and no more" {
	run on_cluster srun --gres=net_egress:10,disk_write:6 echo granted
	[ "$status" -eq 0 ]
	[ "$output" = granted ]
	run on_cluster srun --gres=net_egress:11 echo granted
	[ "$status" -ne 0 ]
	[[ $output == *"Requested node configuration is not available"* ]]
	run on_cluster srun --gres=tape:1 echo granted
	[ "$status" -ne 0 ]
}
