#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The lines that `plan --slurm` prints, in the files of a cluster of one node: Slurm takes them, and gives
# out what was planned and no more. In a network namespace and a folder of this file's run.
# timeout: 90
# beside others

bats_require_minimum_version 1.5.0

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

setup_file() {
	load ../integration/helpers
	load slurm_helpers
	need_root
	need_slurm
	[ "$(nproc)" -gt 1 ] || skip "a node with one CPU has none to give to the host"
	WORK=$(mktemp -d /tmp/bh-slurm.XXXXXX)
	export WORK
	chmod 755 "$WORK"
	mkdir "$WORK/state" "$WORK/spool"
	write_configuration
	start_cluster "$(sed -n 's/^NodeName=\([^ ]*\) CPUs=.*/\1/p' "$WORK/plan")"
}

teardown_file() {
	[ -n "${WORK:-}" ] || return 0
	load slurm_helpers
	stop_cluster
	rm -rf "$WORK"
}

setup() {
	load ../integration/helpers
	load slurm_helpers
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
