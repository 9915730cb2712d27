#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# behalf metrics: the text, the text file, and the server that a real Prometheus scrapes.

setup_file() {
	load helpers
	load ledger_helpers
	need_verb metrics
	need_program curl curl
	need_program jq jq
	private_ledger
}

teardown_file() {
	load ledger_helpers
	end_private_ledger
}

setup() {
	load helpers
	load ledger_helpers
	inside "$BEHALF" ledger on
	PIDS=()
}

teardown() {
	local pid
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

need_server() {
	[ -x "$(dirname "$BEHALF")/behalf-metrics" ] || skip "built without libmicrohttpd"
}

# serve OPTION... starts the server; what it says is in $OUT.
serve() {
	OUT=$BATS_TEST_TMPDIR/serving.${#PIDS[@]}
	nsenter --mount="$(private_mounts)" -- "$BEHALF" metrics "$@" >"$OUT" 2>&1 3>&- &
	PIDS+=($!)
	wait_until 5 grep -q '^serving' "$OUT" || { cat "$OUT"; return 1; }
	URL=$(sed -n 's/^serving \(http.*\)/\1/p' "$OUT")
}

@test "promtool finds nothing to say about the text" {
	need_program promtool prometheus
	inside "$BEHALF" metrics --once --format prometheus >"$BATS_TEST_TMPDIR/page"
	run promtool check metrics <"$BATS_TEST_TMPDIR/page"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
}

@test "the text is complete, and OpenMetrics ends as it must" {
	run inside "$BEHALF" metrics --once
	[ "$status" -eq 0 ]
	[ "${lines[-1]}" = '# EOF' ]
	grep -q '^behalf_own_seconds_total{account="host"} [0-9]*\.[0-9]\{9\}$' <<<"$output"
	grep -q '^behalf_ledger_on 1$' <<<"$output"
	# no series twice
	[ -z "$(grep -v '^#' <<<"$output" | sed 's/ [^ ]*$//' | sort | uniq -d)" ]
	# charges, removed, unattributed and idle are all that was posted
	awk '/^behalf_(charge|removed|unattributed|idle)_seconds_total/ { sum += $NF }
		/^behalf_posted_seconds_total/ { posted = $NF }
		END { exit (sum > posted * 0.9999 && sum < posted * 1.0001) ? 0 : 1 }' <<<"$output"
}

@test "labels are bounded" {
	run inside "$BEHALF" metrics --once --accounts 1
	[ "$(grep -c '^behalf_charge_seconds_total' <<<"$output")" -le 2 ]
}

@test "a text file is replaced as a whole, and no counter falls" {
	file=$BATS_TEST_TMPDIR/behalf.prom
	inside "$BEHALF" metrics --textfile "$file"
	[ "$(stat -c %a "$file")" = 644 ]
	cp "$file" "$file.1"
	inside "$BEHALF" metrics --textfile "$file"
	[ "$(find "$BATS_TEST_TMPDIR" -name '*behalf.prom*' | wc -l)" -eq 2 ]
	awk 'NR == FNR { if (/_total/) old[$1 FS (NF > 2 ? $2 : "")] = $NF; next }
		/_total/ && ($1 FS (NF > 2 ? $2 : "")) in old && $NF + 0 < old[$1 FS (NF > 2 ? $2 : "")] + 0 {
			print; bad = 1 } END { exit bad }' "$file.1" "$file"
	nsenter --mount="$(private_mounts)" -- "$BEHALF" metrics --textfile "$file" -i 0.1 3>&- &
	PIDS+=($!)
	is_another() { [ "$(stat -c %i "$1")" != "$2" ]; }
	wait_until 5 is_another "$file" "$(stat -c %i "$file")"
}

@test "HTTP: both formats, other paths and methods" {
	need_server
	serve --listen 127.0.0.1:0
	run curl -sS -D - "$URL"
	[[ $output == *"text/plain; version=0.0.4"* ]]
	[[ $output == *"behalf_ledger_on 1"* ]]
	[[ $output != *"# EOF"* ]]
	run curl -sS -D - -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' "$URL"
	[[ $output == *"application/openmetrics-text; version=1.0.0"* ]]
	[ "${lines[-1]}" = '# EOF' ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' "${URL%/metrics}/other")" = 404 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "$URL")" = 405 ]
	[ "$(curl -s -o /dev/null -w '%{http_code}' -I "$URL")" = 200 ]
}

@test "a ledger that is off is told, and one that comes back is served" {
	need_server
	serve --listen '[::1]:0'
	inside "$BEHALF" ledger off
	curl -sS "$URL" | grep -q '^behalf_ledger_on 0$'
	inside "$BEHALF" ledger on
	curl -sS "$URL" | grep -q '^behalf_ledger_on 1$'
}

@test "a Unix socket, which is removed at the end and replaced when left behind" {
	need_server
	path=$BATS_TEST_TMPDIR/sock
	serve --unix "$path"
	[ "$(stat -c %a "$path")" = 660 ]
	curl -sS --unix-socket "$path" http://localhost/metrics | grep -q '^behalf_ledger_on 1$'
	pid=${PIDS[0]}
	kill -KILL "$pid"
	is_gone() { [ ! -e "$1" ]; }
	wait_until 5 is_gone "/proc/$pid"
	serve --unix "$path"
	curl -sS --unix-socket "$path" http://localhost/metrics | grep -q '^behalf_ledger_on 1$'
	kill "${PIDS[1]}"
	wait_until 5 is_gone "$path"
}

@test "a socket that systemd hands over" {
	need_server
	need_program python3 python3-minimal
	cat >"$BATS_TEST_TMPDIR/activate" <<-'EOF'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind(sys.argv[1])
		s.listen()
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
		os.execv(sys.argv[2], sys.argv[2:])
	EOF
	nsenter --mount="$(private_mounts)" -- python3 "$BATS_TEST_TMPDIR/activate" "$BATS_TEST_TMPDIR/sock" "$BEHALF" metrics 3>&- &
	PIDS+=($!)
	wait_until 5 test -S "$BATS_TEST_TMPDIR/sock"
	curl -sS --retry 5 --retry-connrefused --unix-socket "$BATS_TEST_TMPDIR/sock" http://localhost/metrics |
		grep -q '^behalf_ledger_on 1$'
}

@test "systemd starts it when somebody connects" {
	need_server
	need_program systemd-socket-activate systemd
	path=$BATS_TEST_TMPDIR/sock
	nsenter --mount="$(private_mounts)" -- systemd-socket-activate --listen="$path" "$BEHALF" metrics \
		>"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	PIDS+=($!)
	wait_until 5 test -S "$path"
	curl -sS --retry 5 --retry-connrefused --unix-socket "$path" http://localhost/metrics |
		grep -q '^behalf_ledger_on 1$' || { cat "$BATS_TEST_TMPDIR/out"; return 1; }
}

@test "the units of systemd are well made" {
	need_program systemd-analyze systemd
	for unit in ledger.service metrics.service metrics.socket; do
		sed "s,@bindir@/behalf,$BEHALF," "$SOURCE_DIR/units/behalf-$unit" >"$BATS_TEST_TMPDIR/behalf-$unit"
	done
	run systemd-analyze verify --man=no --recursive-errors=no "$BATS_TEST_TMPDIR"/behalf-*
	[ "$status" -eq 0 ]
	[ -z "$output" ] || { echo "$output"; return 1; }
}

@test "a real Prometheus scrapes it, and its sums are those of the books" {
	need_server
	need_program prometheus prometheus
	serve --listen 127.0.0.1:0
	port=$((20000 + RANDOM % 10000))
	cat >"$BATS_TEST_TMPDIR/prometheus.yml" <<-EOF
		global: {scrape_interval: 500ms, scrape_timeout: 500ms}
		scrape_configs:
		  - job_name: behalf
		    static_configs: [{targets: ["$(sed 's,http://\(.*\)/metrics,\1,' <<<"$URL")"]}]
	EOF
	prometheus --config.file="$BATS_TEST_TMPDIR/prometheus.yml" --log.level=error \
		--storage.tsdb.path="$BATS_TEST_TMPDIR/tsdb" --web.listen-address="127.0.0.1:$port" \
		>"$BATS_TEST_TMPDIR/log" 2>&1 3>&- &
	PIDS+=($!)
	query() {
		curl -sS "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$1" |
			jq -r '.data.result[0].value[1] // "none"'
	}
	scraped() {
		[ "$(query 'min(up)' 2>/dev/null)" = 1 ] &&
			[ "$(query 'min(count_over_time(behalf_idle_seconds_total[1m])) >= 3')" != none ]
	}
	wait_until 20 scraped || { cat "$BATS_TEST_TMPDIR/log"; query up; return 1; }
	# a scrape that was too late leaves no series until the next one
	is_on() { [ "$(query 'behalf_ledger_on')" = 1 ]; }
	balances() {
		query 'abs((sum(behalf_charge_seconds_total) + sum(behalf_removed_seconds_total)
			+ sum(behalf_unattributed_seconds_total) + sum(behalf_idle_seconds_total))
			/ sum(behalf_posted_seconds_total) - 1) < 0.0001' | grep -v none
	}
	wait_until 10 is_on
	wait_until 10 balances
	for name in {charge,own,on_behalf,imposed,removed,unattributed,idle,posted}_seconds {,removed_}evidence; do
		[ "$(query "sum(resets(behalf_${name}_total{account=~'host|'}[1m]))")" = 0 ] || {
			echo "$name"
			return 1
		}
	done
	# the dashboard asks for what there is
	jq -r '.panels[].targets[].expr' "$SOURCE_DIR/contrib/grafana/behalf.json" |
		sed 's/\$__rate_interval/1m/g; s/\$[a-z]*"/.*"/g' | while read -r expression; do
		curl -sS "http://127.0.0.1:$port/api/v1/query" --data-urlencode "query=$expression" |
			jq -e '.status == "success" and (.data.result | length > 0)' >/dev/null ||
			{ echo "$expression"; exit 1; }
	done
}

@test "wrong options are told in one sentence" {
	for args in "--once --unix x" "--listen 1" "--listen ::1:80" "--listen name:80" "-i 1" "--accounts x" \
		"--format xml" "--frobnicate" "web" "--textfile /no/such/dir/x" "--unix /no/such/dir/x"; do
		# shellcheck disable=SC2086
		run timeout 10 nsenter --mount="$(private_mounts)" -- "$BEHALF" metrics $args
		[ "$status" -eq 1 ] || { echo "$args: status $status"; return 1; }
		[ "${#lines[@]}" -eq 1 ] || { echo "$args: $output"; return 1; }
	done
}
