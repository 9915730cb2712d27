#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Images and containers that mean harm. Each test is a known way out of other runtimes. What changes while
# the runtime works is in hostile_races.bats, what a container may do in hostile_rights.bats.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() {
	load helpers
	load runtime_helpers
	need_root
	need_verb spec
	helpers_dir=$BUILD_DIR/tests/integration
	[ -x "$helpers_dir/hostile" ] || skip 'the helpers are not built'
	begin
	# what must not be reached: a directory of the host
	OUTSIDE=$BATS_TEST_TMPDIR/outside
	mkdir "$OUTSIDE"
}
teardown() { end; }

# Every right a container can be given.
all_capabilities() {
	edit_config "(.process.capabilities | .[]) = $(behalf features | jq -c '.linux.capabilities')"
	edit_config '.process.noNewPrivileges = false | .root.readonly = false'
}

# A program of our own to be attacked, so that a success does not harm the real one.
copy_program() {
	mkdir "$BATS_TEST_TMPDIR/programs"
	copy_behalf "$BATS_TEST_TMPDIR/programs"
	BEHALF=$BATS_TEST_TMPDIR/programs/behalf
	sum=$(cat "$BATS_TEST_TMPDIR"/programs/* | sha256sum)
}

# The one that has the runtime's verbs and loads libraries: another one could not be taken over by these.
copy_dynamic_program() {
	copy_program
	BEHALF=$BATS_TEST_TMPDIR/programs/behalf-full
}

program_is_unharmed() {
	[ "$(cat "$BATS_TEST_TMPDIR"/programs/* | sha256sum)" = "$sum" ]
}

# The image brings all libraries of the program, which a static one has not.
bring_libraries() {
	local library
	{ ldd "$BEHALF" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r library; do
		mkdir -p "$BUNDLE/rootfs$(dirname "$library")"
		cp -L "$library" "$BUNDLE/rootfs$library"
	done
}

# And one that takes it over, behind that of a sanitizer, which insists on being the first.
preload_evil() {
	local first
	cp "$helpers_dir/hostile" "$BUNDLE/rootfs/hostile"
	bring_libraries
	first=$(ldd "$BEHALF" | grep -o '/[^ ]*libasan[^ ]*') || true
	EVIL=LD_PRELOAD=${first:+$first:}/evil.so
	cp "$(find "$helpers_dir" -name 'libevil.so' | head -n 1)" "$BUNDLE/rootfs/evil.so"
	edit_config ".process.env += [\"$EVIL\"]"
}

@test "CVE-2019-5736: the image's program is a link to the runtime's own (run)" {
	copy_dynamic_program
	preload_evil
	all_capabilities
	ln -s /proc/self/exe "$BUNDLE/rootfs/bin/start"
	printf '#!/proc/self/exe\n' >"$BUNDLE/rootfs/bin/script"
	chmod 755 "$BUNDLE/rootfs/bin/script"
	local program
	for program in /bin/start /bin/script; do
		run in_container "$program"
		# the attack got where it wanted to, and no further
		[[ $output == *"inside /"* ]] || { echo "$program: $output"; return 1; }
		[[ $output == *"opened 1"* ]]
		[[ $output != *WRITABLE* ]]
		program_is_unharmed
	done
}

@test "CVE-2019-5736: the same through exec" {
	copy_dynamic_program
	all_capabilities
	start_sleeper
	preload_evil
	ln -s /proc/self/exe "$BUNDLE/rootfs/bin/start"
	run behalf exec --env "$EVIL" "$ID" /bin/start
	[[ $output == *"inside /"* ]] || { echo "$output"; return 1; }
	[[ $output == *"opened 1"* ]]
	[[ $output != *WRITABLE* ]]
	program_is_unharmed
}

@test "CVE-2019-5736: the runtime's program, executed by the image, in the hands of another process" {
	copy_program
	all_capabilities
	cp "$helpers_dir/hostile" "$BUNDLE/rootfs/hostile"
	bring_libraries
	ln -s /proc/self/exe "$BUNDLE/rootfs/bin/start"
	mkfifo "$BUNDLE/rootfs/fifo"
	: >"$BUNDLE/rootfs/out"
	set_args sh -c '/hostile seize behalf >/out; sleep 1000'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	# it waits for a reader of its log
	"$BEHALF" --root "$STATE" exec "$ID" /bin/start --log /fifo list 3>&- 4>&- &
	wait_until 20 grep -q '^opened' "$BUNDLE/rootfs/out" || { cat "$BUNDLE/rootfs/out"; return 1; }
	kill $!
	wait $! || true
	# nobody executes it any more, and still it cannot be written to
	wait_until 20 grep -q '^tried' "$BUNDLE/rootfs/out"
	not grep WRITABLE "$BUNDLE/rootfs/out"
	program_is_unharmed
}

@test "mount points that are links out of the root stay inside" {
	local place
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/link"
	ln -s "../../../../../../../..$OUTSIDE" "$BUNDLE/rootfs/relative"
	mkdir "$BATS_TEST_TMPDIR/source"
	touch "$BATS_TEST_TMPDIR/source/here"
	mkdir -p "$BUNDLE/rootfs$OUTSIDE"
	edit_config '.root.readonly = false'
	for place in /link/new /relative/new /link /relative; do
		edit_config ".mounts |= map(select(.destination | startswith(\"/mnt\") | not))
			| .mounts += [{destination: \"$place\", type: \"bind\", source: \"$BATS_TEST_TMPDIR/source\", options: [\"bind\"]}]"
		run in_container test -e "$OUTSIDE/here" -o -e "$OUTSIDE/new/here"
		[ "$status" -eq 0 ] || { echo "$place: $output"; return 1; }
		[ -z "$(ls -A "$OUTSIDE")" ]
	done
}

@test "directories, devices and the working directory are made inside, whatever the links" {
	mkdir -p "$BUNDLE/rootfs$OUTSIDE"
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/link"
	rm -rf "$BUNDLE/rootfs/dev"
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/dev"
	edit_config '.root.readonly = false | .mounts |= map(select(.destination | startswith("/dev") | not))
		| .process.cwd = "/link/cwd" | .linux.devices = [{path: "/link/deep/null", type: "c", major: 1, minor: 3}]'
	run in_container true
	[ -z "$(ls -A "$OUTSIDE")" ]
	# as a container sees them they are there
	[ -c "$BUNDLE/rootfs$OUTSIDE/deep/null" ]
	[ -d "$BUNDLE/rootfs$OUTSIDE/cwd" ]
}

@test "tmpcopyup copies what is inside, not what a link names on the host" {
	echo secret >"$OUTSIDE/secret"
	ln -s "$OUTSIDE" "$BUNDLE/rootfs/link"
	mkdir -p "$BUNDLE/rootfs$OUTSIDE"
	edit_config '.mounts += [{destination: "/link", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
	run in_container ls "$OUTSIDE"
	[[ $output != *secret* ]]
}

# The descriptors a runtime may have open, as a way to the host's root.
ways_out() {
	local n
	for n in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		echo "/proc/self/fd/$n" "/proc/self/fd/$n/../../../../../../../.."
	done
	echo /proc/self/cwd/../../../../.. /proc/self/root/../../.. /proc/1/cwd/../../../..
}

@test "CVE-2024-21626: the working directory through a descriptor (run and exec)" {
	echo secret >"$OUTSIDE/secret"
	local way
	for way in $(ways_out); do
		edit_config ".process.cwd = \"$way\""
		run in_container sh -c "cat ./secret .$OUTSIDE/secret"
		[[ $output != *secret || $output == *"No such file"* ]] || { echo "$way: $output"; return 1; }
		# an image that hides the way behind a link of its own
		ln -sfn "$way" "$BUNDLE/rootfs/home"
		edit_config '.process.cwd = "/home"'
		run in_container sh -c "cat ./secret .$OUTSIDE/secret"
		[[ $output != secret* ]] || { echo "$way: $output"; return 1; }
	done
	edit_config '.process.cwd = "/"'
	start_sleeper
	for way in $(ways_out); do
		run behalf exec --cwd "$way" "$ID" sh -c "cat ./secret .$OUTSIDE/secret"
		[[ $output != secret* ]] || { echo "exec $way: $output"; return 1; }
	done
}

@test "CVE-2024-21626: the program through a descriptor (run and exec)" {
	# no script: that would be looked for once more, when the descriptors are closed
	cp /bin/busybox "$OUTSIDE/busybox"
	local way
	for way in $(ways_out); do
		ln -sfn "$way$OUTSIDE/busybox" "$BUNDLE/rootfs/bin/busybox-out"
		run in_container busybox-out echo escaped
		[[ $output != *escaped* ]] || { echo "$way: $output"; return 1; }
		[ "$status" -ne 0 ]
	done
	start_sleeper
	for way in $(ways_out); do
		run behalf exec "$ID" "$way$OUTSIDE/busybox" echo escaped
		[[ $output != *escaped* ]] || { echo "exec $way: $output"; return 1; }
	done
}

@test "a container that waits for start holds nothing of the host" {
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1
	run ls -l "/proc/$(pid_of "$ID")/fd"
	echo "$output"
	# sockets lead to nowhere; anything else has a path
	[ "$(echo "$output" | grep -c -- '-> /')" -eq 3 ]
	[ "$(echo "$output" | grep -c -- '-> /dev/null')" -eq 3 ]
	[ "$(readlink "/proc/$(pid_of "$ID")/cwd")" = / ]
}

@test "CVE-2025-31133: /dev/null of the image is a link, masked files stay masked" {
	mkdir "$BUNDLE/rootfs/hostile-dev"
	ln -s /proc/sys/kernel/domainname "$BUNDLE/rootfs/hostile-dev/null"
	edit_config ".mounts |= map(select(.destination | startswith(\"/dev\") | not))
		| .mounts += [{destination: \"/dev\", type: \"bind\", source: \"$BUNDLE/rootfs/hostile-dev\", options: [\"bind\"]}]
		| .linux.maskedPaths = [\"/proc/keys\", \"/proc/timer_list\"]"
	run shell_in_container 'cat /proc/keys /proc/timer_list; stat -c %t:%T /proc/keys /proc/timer_list'
	[ "$output" = $'1:3\n1:3' ]
	# without a /dev of its own the link is what the runtime finds where the device belongs
	rm -f "$BUNDLE/rootfs/dev/null"
	ln -s /proc/sys/kernel/domainname "$BUNDLE/rootfs/dev/null"
	edit_config '.mounts |= map(select(.destination != "/dev")) | .root.readonly = false'
	run shell_in_container 'cat /proc/keys; stat -c %t:%T /proc/keys'
	[[ ($status -eq 1 && $output == *"'/dev/null'"*) || $output = 1:3 ]]
}

@test "CVE-2025-52565: /dev/console and /dev/pts/0 of the image are links" {
	local what
	mkdir -p "$BUNDLE/rootfs/hostile-dev/pts"
	echo untouched >"$BUNDLE/rootfs/victim"
	edit_config ".mounts |= map(select(.destination | startswith(\"/dev\") | not))
		| .mounts += [{destination: \"/dev\", type: \"bind\", source: \"$BUNDLE/rootfs/hostile-dev\", options: [\"bind\"]}]
		| .root.readonly = false | .process.terminal = true"
	# no devpts: what looks like its multiplexer is none
	for what in 'ln -s /victim' 'ln -s /proc/self/fd/2' 'cp /etc/passwd' 'mknod -m 666'; do
		rm -f "$BUNDLE/rootfs/hostile-dev/pts/ptmx"
		if [ "$what" = 'mknod -m 666' ]; then
			mknod -m 666 "$BUNDLE/rootfs/hostile-dev/pts/ptmx" c 1 3
		else
			$what "$BUNDLE/rootfs/hostile-dev/pts/ptmx"
		fi
		run in_container true
		[ "$status" -eq 1 ]
		[[ $output == *ptmx* ]]
	done
	# with devpts: the terminal never gets where the link leads
	edit_config '.mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"]}]'
	ln -s /proc/sys/kernel/domainname "$BUNDLE/rootfs/hostile-dev/console"
	ln -s /victim "$BUNDLE/rootfs/hostile-dev/pts/0"
	run shell_in_container 'echo pwned >/dev/console; cat /proc/sys/kernel/domainname'
	[[ $output != *pwned*pwned* ]]
	[[ ($status -eq 1 && $output == *"/dev/console"*) || $(echo "$output" | tail -n 1) != pwned* ]]
	[ "$(cat "$BUNDLE/rootfs/victim")" = untouched ]
}

@test "CVE-2025-52881: a /proc of the container's own making gets no writes of the runtime" {
	local fake=$BUNDLE/rootfs/fake
	mkdir -p "$fake/sys/net/ipv4" "$fake/self" "$fake/1"
	echo untouched | tee "$fake/sys/net/ipv4/ip_forward" "$fake/self/oom_score_adj" "$fake/1/oom_score_adj" >/dev/null
	edit_config ".mounts |= map(select(.destination != \"/proc\")) | .mounts += [
		{destination: \"/proc\", type: \"bind\", source: \"$fake\", options: [\"bind\"]},
		{destination: \"/real\", type: \"proc\", source: \"proc\"}]
		| .linux.sysctl = {\"net.ipv4.ip_forward\": \"1\"} | .process.oomScoreAdj = 77
		| .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .root.readonly = false"
	run shell_in_container 'cat /real/sys/net/ipv4/ip_forward /real/1/oom_score_adj'
	[ "$status" -eq 1 ] || [ "${lines[*]}" = '1 77' ]
	[ "$(cat "$fake/sys/net/ipv4/ip_forward" "$fake/self/oom_score_adj" "$fake/1/oom_score_adj" | sort -u)" = untouched ]
}

@test "CVE-2025-52881: the same in exec, when the container has covered its /proc" {
	all_capabilities
	set_args sh -c 'mkdir -p /fake/self /fake/1 /fake/sys; echo untouched >/fake/self/oom_score_adj; cp -r /fake/self/. /fake/1; mount --bind /fake /proc; touch /ready; sleep 1000'
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	wait_until 5 test -e "$BUNDLE/rootfs/ready"
	cat >"$BATS_TEST_TMPDIR/process.json" <<-'END'
		{"args": ["sh", "-c", "mkdir -p /real; mount -t proc proc /real; cat /real/self/oom_score_adj"],
		 "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}, "oomScoreAdj": 78}
	END
	run behalf exec --process "$BATS_TEST_TMPDIR/process.json" "$ID"
	[ "$output" = 78 ]
	[ "$(cat "$BUNDLE/rootfs/fake/1/oom_score_adj")" = untouched ]
}

@test "CVE-2023-28642: /proc and /sys that are links are refused" {
	local place
	for place in proc sys; do
		mv "$BUNDLE/rootfs/$place" "$BUNDLE/rootfs/real-$place"
		mkdir "$BUNDLE/rootfs/tmp/$place"
		ln -s "tmp/$place" "$BUNDLE/rootfs/$place"
		run in_container true
		[ "$status" -eq 1 ]
		[[ $output == *"'/$place'"*"not an ordinary directory"* ]]
		rm "$BUNDLE/rootfs/$place"
		mv "$BUNDLE/rootfs/real-$place" "$BUNDLE/rootfs/$place"
	done
}

@test "a device where the image has a file, a link, or another device is refused" {
	rm -rf "$BUNDLE/rootfs/dev"
	mkdir "$BUNDLE/rootfs/dev"
	edit_config '.mounts |= map(select(.destination | startswith("/dev") | not)) | .root.readonly = false'
	echo x >"$BUNDLE/rootfs/dev/zero"
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *"'/dev/zero'"* ]]
	rm "$BUNDLE/rootfs/dev/zero"
	mknod "$BUNDLE/rootfs/dev/zero" c 1 1
	run in_container true
	[ "$status" -eq 1 ]
	[[ $output == *"'/dev/zero'"* ]]
}

@test "/etc/passwd of the image cannot block or mislead the start" {
	rm "$BUNDLE/rootfs/etc/passwd"
	ln -s /dev/tty "$BUNDLE/rootfs/etc/passwd"
	run in_container true
	[ "$status" -eq 0 ]
	ln -sf /proc/self/fd/0 "$BUNDLE/rootfs/etc/passwd"
	run in_container true
	[ "$status" -eq 0 ]
}
