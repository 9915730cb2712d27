#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# The life of a container: create, start, run, state, kill, delete, list, exec, and their options.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

@test "run: output, and the exit status of the program" {
	set_args sh -c 'echo hello; echo trouble >&2; exit 7'
	run --separate-stderr behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 7 ]
	[ "$output" = hello ]
	[ "$stderr" = trouble ]
}

@test "run: a program that a signal ended counts as 128 and its number" {
	set_args sh -c 'kill -KILL $$'
	edit_config 'del(.linux.namespaces[] | select(.type == "pid"))'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 137 ]
}

@test "run: standard input reaches the program" {
	set_args cat
	run behalf run --bundle "$BUNDLE" "$ID" <<<'from outside'
	[ "$output" = 'from outside' ]
}

@test "run: the bundle is the working directory when none is given" {
	set_args echo here
	cd "$BUNDLE"
	run behalf run "$ID"
	[ "$output" = here ]
}

@test "run: a signal is handed on to the program" {
	set_args sh -c 'trap "echo got it; exit 5" USR1; echo ready; while :; do sleep 0.05; done'
	"$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$BATS_TEST_TMPDIR/out" &
	local pid=$! status=0
	wait_until 5 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -USR1 "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq 5 ]
	grep -q 'got it' "$BATS_TEST_TMPDIR/out"
}

@test "run --detach: returns at once, the container goes on" {
	set_args sleep 1000
	# with the output in a pipe the reader would wait for the container
	behalf run --detach --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" >/dev/null 2>&1
	[ "$(status_of "$ID")" = running ]
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(pid_of "$ID")" ]
	behalf delete --force "$ID"
}

@test "create, start, stop, delete: the status at each step" {
	set_args sh -c 'sleep 1000'
	behalf create --bundle "$BUNDLE" --pid-file "$BATS_TEST_TMPDIR/pid" "$ID"
	[ "$(status_of "$ID")" = created ]
	[ "$(cat "$BATS_TEST_TMPDIR/pid")" = "$(pid_of "$ID")" ]
	behalf start "$ID"
	[ "$(status_of "$ID")" = running ]
	run behalf delete "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"$ID"*running* ]]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	[ "$(pid_of "$ID")" = 0 ]
	behalf delete "$ID"
	run behalf state "$ID"
	[ "$status" -eq 1 ]
	[ "$output" = "behalf: container does not exist: '$ID'" ]
}

@test "create: the program does not run before start" {
	set_args touch /mnt/ran
	edit_config '.root.readonly = false'
	behalf create --bundle "$BUNDLE" "$ID"
	sleep 0.2
	[ ! -e "$BUNDLE/rootfs/mnt/ran" ]
	behalf start "$ID"
	wait_until 5 test -e "$BUNDLE/rootfs/mnt/ran"
}

@test "create: a container that was never started can be deleted" {
	behalf create --bundle "$BUNDLE" "$ID"
	behalf delete "$ID"
}

@test "create: an id that is taken is refused, and the first stays" {
	behalf create --bundle "$BUNDLE" "$ID"
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *exists*"$ID"* ]]
	[ "$(status_of "$ID")" = created ]
}

@test "create: the record is root's alone" {
	behalf create --bundle "$BUNDLE" "$ID"
	[ "$(stat -c %a "$STATE/$ID")" = 700 ]
	[ "$(stat -c %a "$STATE/$ID/state.json")" = 600 ]
}

@test "start: twice, or after the end, is refused" {
	start_sleeper
	run behalf start "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"$ID"*running* ]]
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf start "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"$ID"*stopped* ]]
}

@test "start: a program that cannot be executed is told to who starts" {
	printf 'not a program' >"$BUNDLE/rootfs/bin/broken"
	chmod 755 "$BUNDLE/rootfs/bin/broken"
	set_args /bin/broken
	behalf create --bundle "$BUNDLE" "$ID"
	run behalf start "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"exec '/bin/broken'"* ]]
	[ "$(status_of "$ID")" = stopped ]
}

@test "a variable that is there twice has its last value, for finding the program, too" {
	set_args env
	edit_config '.process.env = ["PATH=/nowhere", "A=1", "PATH=/bin", "A=2"]'
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$(grep -E '^(A|PATH)=' <<<"$output" | sort | paste -sd ' ')" = "A=2 PATH=/bin" ]
}

@test "create: a program that is not there is told at once, and nothing is left" {
	set_args no-such-program
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"executable file not found in \$PATH"* ]]
	set_args /no/such/program
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"no such file or directory"* ]]
	set_args /etc/passwd
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"permission denied"* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "state: what runtime.md asks for" {
	edit_config '.annotations = {"com.example.key": "value"}'
	start_sleeper
	behalf state "$ID" >"$BATS_TEST_TMPDIR/state.json"
	jq -e --arg id "$ID" --arg bundle "$BUNDLE" '
		.id == $id and .bundle == $bundle and .status == "running" and .pid > 1
		and (.ociVersion | test("^1\\.")) and .annotations["com.example.key"] == "value"
		and .rootfs == $bundle + "/rootfs" and (.created | fromdateiso8601? // sub("\\.[0-9]+Z$"; "Z") | . != null)
	' "$BATS_TEST_TMPDIR/state.json"
}

@test "kill: by name, by number, and unknown ones" {
	set_args sh -c 'trap "echo usr1 >>/tmp/got" USR1; trap "echo hup >>/tmp/got" HUP; echo ready >/tmp/got; while :; do sleep 0.05; done'
	edit_config '.root.readonly = false'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	wait_until 5 grep -qs ready "$BUNDLE/rootfs/tmp/got"
	behalf kill "$ID" SIGUSR1
	wait_until 5 grep -qs usr1 "$BUNDLE/rootfs/tmp/got"
	behalf kill "$ID" 1
	wait_until 5 grep -qs hup "$BUNDLE/rootfs/tmp/got"
	for signal in FROB SIGFROB 65 -1; do
		run behalf kill "$ID" -- "$signal"
		[ "$status" -eq 1 ]
	done
	behalf kill "$ID" kill
	wait_until 5 has_status "$ID" stopped
	run behalf kill "$ID" TERM
	[ "$status" -eq 1 ]
	[[ $output == *"not running"*"$ID"* ]]
}

@test "kill --all: reaches every process" {
	edit_config 'del(.linux.namespaces[] | select(.type == "pid"))'
	set_args sh -c 'sleep 1001 & sleep 1002 & wait'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	local pid
	pid=$(pid_of "$ID")
	wait_until 5 eval '[ "$(pgrep -P '"$pid"' | wc -l)" -eq 2 ]'
	pids=$(pgrep -P "$pid")
	behalf kill --all "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	for p in $pids; do
		wait_until 5 eval "! kill -0 $p 2>/dev/null"
	done
}

@test "delete: several at once; --force of one that is not there is no error" {
	behalf create --bundle "$BUNDLE" "$ID"
	behalf create --bundle "$BUNDLE" "$ID-b"
	behalf delete --force "$ID" "$ID-b" "$ID-none"
	run behalf delete "$ID-none"
	[ "$status" -eq 1 ]
	[[ $output == *"does not exist: '$ID-none'"* ]]
}

@test "delete --force: kills what runs, also below in a group of its own" {
	start_sleeper
	behalf delete --force "$ID"
	[ ! -e "$STATE/$ID" ]
}

@test "delete --force: a record that cannot be read goes, too" {
	mkdir -p "$STATE/$ID"
	behalf delete --force "$ID"
	[ ! -e "$STATE/$ID" ]
	mkdir -p "$STATE/$ID"
	echo '{"pid":' >"$STATE/$ID/state.json"
	run behalf state "$ID"
	[ "$status" -eq 1 ]
	behalf delete --force "$ID"
	[ ! -e "$STATE/$ID" ]
}

@test "list: as a table, as JSON, and ids only" {
	behalf create --bundle "$BUNDLE" "$ID"
	behalf create --bundle "$BUNDLE" "$ID-b"
	behalf start "$ID-b" || true
	run behalf list
	[[ ${lines[0]} == ID*PID*STATUS*BUNDLE*CREATED* ]]
	[ "${#lines[@]}" -eq 3 ]
	[ "$(behalf list --quiet | sort | paste -sd,)" = "$ID,$ID-b" ]
	behalf list --format json | jq -e --arg id "$ID" 'map(select(.id == $id))[0].status == "created"'
	run behalf list --format xml
	[ "$status" -eq 1 ]
}

@test "list: nothing there is an empty list" {
	run behalf list --quiet
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(behalf list -f json)" = '[]' ]
}

@test "list: a broken record is told, the others are shown" {
	behalf create --bundle "$BUNDLE" "$ID"
	mkdir -p "$STATE/broken"
	echo '[]' >"$STATE/broken/state.json"
	run --separate-stderr behalf list
	[ "$status" -eq 0 ]
	[[ $output == *"$ID"* ]]
	[[ $stderr == *"'broken'"* ]]
	rm -r "$STATE/broken"
}

@test "ids: what runc and crun allow, and nothing else" {
	for id in "a$ID" "A-1_2.3+4$ID" ".hidden$ID"; do
		behalf create --bundle "$BUNDLE" "$id"
		behalf list --quiet | grep -qxF -- "$id"
		behalf delete --force "$id"
	done
	for id in '' . .. a/b '../x' 'a b' $'a\nb' 'ä' "$(printf 'x%.0s' {1..1100})"; do
		run behalf create --bundle "$BUNDLE" -- "$id"
		[ "$status" -eq 1 ]
		[[ $output == *"container id"* ]] || { echo "id '$id': $output"; return 1; }
	done
	[ -z "$(ls -A "$STATE")" ]
}

@test "exec: the namespaces, the root and the rights of the container" {
	start_sleeper
	run behalf exec "$ID" sh -c 'hostname; echo $$; cat /proc/1/comm; grep CapEff /proc/self/status; ls /'
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$(jq -r .hostname "$BUNDLE/config.json")" ]
	[ "${lines[1]}" -lt 20 ]
	[ "${lines[2]}" = sleep ]
	[ "${lines[3]}" = "$(printf 'CapEff:\t0000000020000420')" ]
	local pid
	pid=$(pid_of "$ID")
	for type in pid net ipc uts mnt cgroup user; do
		[ "$(behalf exec "$ID" readlink "/proc/self/ns/$type")" = "$(readlink "/proc/$pid/ns/$type")" ]
	done
}

@test "exec: exit status, input, output" {
	start_sleeper
	run behalf exec "$ID" sh -c 'exit 9'
	[ "$status" -eq 9 ]
	run behalf exec "$ID" sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
	[ "$(echo text | behalf exec "$ID" cat)" = text ]
	run behalf exec "$ID" no-such-program
	[ "$status" -ne 0 ]
	[[ $output == *"executable file not found"* ]]
}

@test "exec: options of its own, those of the command stay the command's" {
	start_sleeper
	[ "$(behalf exec --env A=1 -e B=2 --cwd /tmp "$ID" sh -c 'echo $A$B; pwd' | paste -sd' ')" = '12 /tmp' ]
	[ "$(behalf exec --user 1000:1001 "$ID" sh -c 'id -u; id -g; id -G' | paste -sd' ')" = '1000 1001 1001' ]
	[ "$(behalf exec "$ID" echo --user 5 -e x)" = '--user 5 -e x' ]
	[ "$(behalf exec --env PATH=/bin "$ID" sh -c 'echo $PATH')" = /bin ]
	run behalf exec --env nothing "$ID" true
	[ "$status" -eq 255 ]
	run behalf exec --user nobody-knows "$ID" true
	[ "$status" -eq 255 ]
	[ "$(behalf exec --cwd '' "$ID" pwd)" = / ]
	run behalf exec --cwd /no/such "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == */no/such* ]]
	run behalf exec "$ID"
	[ "$status" -eq 1 ]
}

@test "exec --process: a process as JSON; without capabilities it has the container's" {
	start_sleeper
	cat >"$BATS_TEST_TMPDIR/process.json" <<-END
		{"args": ["sh", "-c", "id -u; pwd; echo \$X; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status"],
		 "cwd": "/tmp", "env": ["PATH=/bin", "X=y"], "user": {"uid": 0, "gid": 0}, "noNewPrivileges": true}
	END
	run behalf exec --process "$BATS_TEST_TMPDIR/process.json" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[*]}" = "$(printf '0 /tmp y CapEff:\t0000000020000420 NoNewPrivs:\t1')" ]
	run behalf exec --process "$BATS_TEST_TMPDIR/process.json" "$ID" true
	[ "$status" -eq 1 ]
}

@test "exec --detach: goes on after the call, with a pid file" {
	start_sleeper
	behalf exec --detach --pid-file "$BATS_TEST_TMPDIR/pid" "$ID" sleep 1003
	local pid
	pid=$(cat "$BATS_TEST_TMPDIR/pid")
	is_sleep() { [ "$(tr '\0' ' ' <"/proc/$pid/cmdline")" = 'sleep 1003 ' ]; }
	wait_until 5 is_sleep
	diff <(sort "/proc/$pid/cgroup") <(sort "/proc/$(pid_of "$ID")/cgroup")
	behalf delete --force "$ID"
	[ ! -e "/proc/$pid" ]
}

@test "exec: a container that does not run is refused" {
	run behalf exec "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *"does not exist"* ]]
	start_sleeper
	behalf kill "$ID" KILL
	wait_until 5 has_status "$ID" stopped
	run behalf exec "$ID" true
	[ "$status" -eq 255 ]
	[[ $output == *stopped* ]]
}

@test "exec: works in a container that is created and not started" {
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID"
	[ "$(behalf exec "$ID" echo early)" = early ]
}

@test "--preserve-fds: so many, and no other" {
	set_args sh -c 'cat <&3; cat <&4; ls /proc/self/fd'
	printf one >"$BATS_TEST_TMPDIR/one"
	printf two >"$BATS_TEST_TMPDIR/two"
	run behalf run --preserve-fds 2 --bundle "$BUNDLE" "$ID" \
		3<"$BATS_TEST_TMPDIR/one" 4<"$BATS_TEST_TMPDIR/two" 5</etc/passwd 17</etc/passwd
	[ "$status" -eq 0 ]
	# the last one is that of ls itself
	[ "$(echo "$output" | paste -sd' ')" = 'onetwo0 1 2 3 4 5' ]
}

@test "--preserve-fds: one that is not open is refused" {
	run behalf run --preserve-fds 3 --bundle "$BUNDLE" "$ID" 3</dev/null 4</dev/null 5<&-
	[ "$status" -eq 1 ]
	[[ $output == *"descriptor 5 is not open"* ]]
	run behalf run --preserve-fds many --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
}

@test "exec --preserve-fds: as with run" {
	start_sleeper
	printf one >"$BATS_TEST_TMPDIR/one"
	run behalf exec --preserve-fds 1 "$ID" sh -c 'cat <&3; ls /proc/self/fd' 3<"$BATS_TEST_TMPDIR/one" 4</etc/passwd
	[ "$(echo "$output" | paste -sd' ')" = 'one0 1 2 3 4' ]
}

@test "LISTEN_FDS: sockets are handed on, and told of" {
	set_args sh -c 'echo $LISTEN_FDS $LISTEN_PID; cat <&3; cat <&4'
	printf one >"$BATS_TEST_TMPDIR/one"
	printf two >"$BATS_TEST_TMPDIR/two"
	LISTEN_FDS=1 run behalf run --preserve-fds 1 --bundle "$BUNDLE" "$ID" \
		3<"$BATS_TEST_TMPDIR/one" 4<"$BATS_TEST_TMPDIR/two"
	[ "$output" = $'1 1\nonetwo' ]
}

@test "closed standard descriptors are /dev/null in the container" {
	set_args sh -c 'readlink /proc/self/fd/0; readlink /proc/self/fd/2'
	[ "$(behalf run --bundle "$BUNDLE" "$ID" <&- 2>&- | paste -sd' ')" = '/dev/null /dev/null' ]
}

@test "--log with --log-format json: the sentence is in the file" {
	run behalf --log "$BATS_TEST_TMPDIR/log" --log-format json create --bundle /no/such/bundle "$ID"
	[ "$status" -eq 1 ]
	[ "$(jq -r .level "$BATS_TEST_TMPDIR/log")" = error ]
	[[ $(jq -r .msg "$BATS_TEST_TMPDIR/log") == *"/no/such/bundle"* ]]
}

@test "--root: relative to the working directory, and made when missing" {
	cd "$BATS_TEST_TMPDIR"
	"$BEHALF" --root there/and/there create --bundle "$BUNDLE" "$ID"
	[ -d there/and/there/"$ID" ]
	"$BEHALF" --root there/and/there delete --force "$ID"
}

@test "the state directory may be deeper than a socket's address" {
	local deep
	deep=$BATS_TEST_TMPDIR/$(printf 'directory-%d/' {1..20})
	set_args sleep 1000
	"$BEHALF" --root "$deep" create --bundle "$BUNDLE" "$ID"
	"$BEHALF" --root "$deep" start "$ID"
	[ "$("$BEHALF" --root "$deep" state "$ID" | jq -r .status)" = running ]
	"$BEHALF" --root "$deep" delete --force "$ID"
}

@test "two containers at once, each with its own" {
	set_args sh -c 'hostname; sleep 1000'
	edit_config '.hostname = "first"'
	behalf create --bundle "$BUNDLE" "$ID"
	edit_config '.hostname = "second"'
	behalf create --bundle "$BUNDLE" "$ID-b"
	behalf start "$ID"
	behalf start "$ID-b"
	[ "$(behalf exec "$ID" hostname)" = first ]
	[ "$(behalf exec "$ID-b" hostname)" = second ]
	behalf delete --force "$ID" "$ID-b"
}

@test "many at once: all run, and nothing is left of any" {
	local n pids=() count=24
	set_args sleep 1000
	# each in the background: what fails is told by wait
	for ((n = 0; n < count; n++)); do
		"$BEHALF" --root "$STATE" run --detach --bundle "$BUNDLE" "$ID-$n" >/dev/null 3>&- 4>&- &
		pids+=("$!")
	done
	for n in "${pids[@]}"; do wait "$n"; done
	[ "$(behalf list --format json | jq '[.[] | select(.status == "running")] | length')" -eq "$count" ]
	behalf delete --force --regex "^$ID-"
	[ -z "$(behalf list --quiet)" ]
}

# Then the kernel takes the ends of children for itself: a hook would be waited for without end.
@test "who calls may ignore SIGCHLD" {
	local ignoring=(timeout -s KILL $((10 * ${PATIENCE:-1})) perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV'
		"$BEHALF" --root "$STATE")

	edit_config '.hooks.createRuntime = [{path: "/bin/true"}] | .hooks.poststop = [{path: "/bin/true"}]'
	set_args sh -c 'exit 7'
	run "${ignoring[@]}" run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 7 ]
	[ -z "$output" ]
	set_args sleep 100
	"${ignoring[@]}" run --detach --bundle "$BUNDLE" "$ID" >/dev/null 3>&- 4>&-
	run "${ignoring[@]}" exec "$ID" sh -c 'exit 5'
	[ "$status" -eq 5 ]
	[ -z "$output" ]
}
