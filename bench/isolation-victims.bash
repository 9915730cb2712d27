# SPDX-License-Identifier: GPL-2.0-or-later
# The victims of bench/isolation, in group v on CPU 1 and in a network of their own: victim_NAME SECONDS prints one
# figure, of which more is better, or for those of which victim_is_late tells so, the 99th percentile of a
# latency in microseconds. Sourced; $tools and $work are where the helpers and what is written are.
# shellcheck disable=SC2034,SC2154 # of who sources this, for who sources this

victim_groups_all='v n1 n2 n3'

# v1 has no pressure: a group on v2 beside it, as runtimes make one, has
victim_groups() {
	spaces_cgroups "$1"
	awk -v group="/ledger-test-$spaces_id/$1" '
		$(NF-2) == "cgroup2" && $4 == "/" { print $5 group; exit }' /proc/self/mountinfo |
		grep -vxF "$(spaces_cgroups "$1")" || true
}

# in_victims GROUP COMMAND...
in_victims() {
	local groups
	groups=$(victim_groups "$1")
	shift
	# shellcheck disable=SC2016 # the inner shell expands
	nsenter --net="/run/netns/bl${spaces_id}v" sh -c '
		for dir in $1; do echo $$ >"$dir/cgroup.procs" || exit; done; shift; exec taskset -c 1 "$@"' \
		_ "$groups" "$@"
}

in_victim() { in_victims v "$@"; }

victim_spin() { in_victim "$tools/bench/victim" spin "$1"; }
victim_periodic() { in_victim "$tools/bench/victim" periodic "$1"; }

# reserves half of the CPU; three others want all of it
victim_half() {
	local other pids=()
	for other in n1 n2 n3; do
		in_victims "$other" "$tools/bench/victim" spin "$1" >/dev/null &
		pids+=($!)
	done
	in_victim "$tools/bench/victim" spin "$1"
	wait "${pids[@]}"
}

victim_nginx() {
	in_victim wrk --latency -t 1 -c 8 -d "$1" http://127.0.0.1:9004/ |
		awk '$1 == "99%" { v = $2; print v ~ /us/ ? v + 0 : v ~ /ms/ ? v * 1000 : v * 1000000 }'
}

victim_pgbench() {
	rm -f "$work"/pg/log.*
	as_postgres "$postgres/pgbench" -h "$work/pg" -n -c 4 -T "$1" -l --log-prefix="$work/pg/log" \
		postgres >/dev/null 2>&1
	cut -d ' ' -f 3 "$work"/pg/log.* | sort -n | awk '{ v[NR] = $1 } END { print v[int(NR * 0.99) + 1] }'
}

# In which unit it is: a latency, if not units of work per second.
victim_is_late() { case $1 in periodic | nginx | pgbench) return 0 ;; *) return 1 ;; esac; }

# Whether it always wants more than its reserve.
victim_is_busy() { [ "$1" != periodic ]; }

victim_reserve() {
	case $1 in
	half) echo 0.5 ;;
	periodic) echo 0.5 ;;
	*) echo 0.96 ;; # of one CPU what the kernel's own work leaves, and 1.05 times slower is missed
	esac
}

victim_needs() {
	case $1 in
	nginx) echo wrk nginx ;;
	pgbench) echo pgbench ;;
	esac
}

# ---- servers: they are started once, and wait ----

as_postgres() { in_victim setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; }

postgres=$(printf '%s\n' /usr/lib/postgresql/*/bin | tail -n 1)

# What it writes is not waited for: its CPU is in question, not the disk that it shares.
postgres_up() {
	local try
	install -d -o postgres "$work/pg"
	as_postgres "$postgres/initdb" -D "$work/pg/data" --no-sync >"$work/pg/messages" 2>&1 ||
		{ cat "$work/pg/messages" >&2; return 1; }
	as_postgres "$postgres/postgres" -D "$work/pg/data" -k "$work/pg" -h '' -c fsync=off \
		-c autovacuum=off 2>"$work/pg/messages" &
	for try in {1..100}; do
		"$postgres/pg_isready" -q -h "$work/pg" && break
		[ "$try" -lt 100 ] || { cat "$work/pg/messages" >&2; return 1; }
		sleep 0.1
	done
	as_postgres "$postgres/pgbench" -h "$work/pg" -i -q postgres >/dev/null 2>&1
}

nginx_up() {
	in_victim nginx -p "$work" -c "$work/victim.conf" 2>/dev/null &
	sleep 0.5
}

# Once for each that has a server.
victim_up() {
	case " ${victims_up-} " in *" $1 "*) return 0 ;; esac
	case $1 in
	nginx) nginx_up ;;
	pgbench) postgres_up ;;
	esac
	victims_up+=" $1"
}

victims_start() {
	local name dir
	ip netns add "bl${spaces_id}v"
	ip -n "bl${spaces_id}v" link set lo up
	for name in $victim_groups_all; do
		for dir in $(victim_groups "$name"); do mkdir -p "$dir"; done
	done
	victims_nginx_conf 9003 partner
	victims_nginx_conf 9004 victim
}

victims_nginx_conf() {
	cat >"$work/$2.conf" <<-END
		daemon off; worker_processes 1; pid $work/$2.pid; error_log /dev/null;
		events { worker_connections 4096; }
		http { access_log off; server { listen $1; return 200 "x"; } }
	END
}

victims_down() {
	local name dir
	for name in $victim_groups_all; do
		for dir in $(victim_groups "$name"); do
			[ -d "$dir" ] || continue
			xargs -r kill -9 <"$dir/cgroup.procs" 2>/dev/null || true
			for _ in 1 2 3 4 5; do
				rmdir "$dir" 2>/dev/null && break
				sleep 0.1
			done
			rmdir "${dir%/*}" 2>/dev/null || true
		done
	done
	[ ! -e "/run/netns/bl${spaces_id}v" ] || ip netns del "bl${spaces_id}v"
}
