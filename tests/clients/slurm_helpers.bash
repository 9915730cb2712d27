# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # WORK is the file's own folder
# A Slurm cluster on this host, in a network namespace of its own and in $WORK, where its files are: slurm.conf
# with AuthInfo=socket=$WORK/munge.sock, and what else it needs.

need_slurm() {
	need_program munged munge
	need_program slurmctld
	need_program slurmd
	need_program srun slurm-client
}

# on_cluster COMMAND... runs one of Slurm's commands.
on_cluster() {
	(
		cd "$WORK" || exit
		ulimit -c 0
		SLURM_CONF=$WORK/slurm.conf exec timeout --signal KILL 40 \
			nsenter --net="/proc/$(cat "$WORK/pid")/ns/net" "$@"
	)
}

# nodes_are_idle COUNT
nodes_are_idle() {
	[ "$(on_cluster sinfo --noheader --format '%D %t' 2>/dev/null)" = "$1 idle" ]
}

# start_cluster NODE... waits until the nodes are there.
start_cluster() {
	# an address beside the loopback's, without which numeric ones do not resolve
	cat >"$WORK/start" <<-EOF
		ip link set lo up
		ip link add bhs0 type veth peer bhs1
		ip address add 192.0.2.1/24 dev bhs0
		ip link set bhs0 up
		export SLURM_CONF=$WORK/slurm.conf
		munged --foreground --socket=$WORK/munge.sock --key-file=$WORK/munge.key \
			--pid-file=$WORK/munge.pid --log-file=$WORK/munge.log --seed-file=$WORK/munge.seed &
		echo \$! >>$WORK/pids
		until [ -S $WORK/munge.sock ]; do sleep 0.05; done
		slurmctld -D -i & echo \$! >>$WORK/pids
		for node in $*; do slurmd -D -N \$node & echo \$! >>$WORK/pids; done
		wait
	EOF
	(umask 077 && head -c 128 /dev/urandom >"$WORK/munge.key")
	(cd "$WORK" && exec unshare --net sh "$WORK/start" >"$WORK/log" 2>&1 3>&-) &
	echo $! >"$WORK/pid"
	wait_until 30 nodes_are_idle $# || { grep -E 'error|fatal' "$WORK/log" | tail -n 5 >&2; return 1; }
}

stop_cluster() {
	local pid
	for pid in $(tac "$WORK/pids"); do
		kill "$pid" 2>/dev/null || continue
		wait_until 10 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid"
	done
}
