#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Hooks (config.md, "POSIX-platform Hooks"; runtime.md, "Lifecycle").
# timeout: 120
# beside others

setup_file() {
	load helpers
	need_root
	make_rootfs
}

setup() {
	load helpers
	load runtime_helpers
	begin
	SAID=$BATS_TEST_TMPDIR/said
	mkdir "$SAID"
	HOOK=$BATS_TEST_TMPDIR/hook
	# appends its name, and keeps what it reads and where it is
	cat >"$HOOK" <<-EOF
		#!/bin/bash
		echo "\$1" >>$SAID/order
		cat >$SAID/\$1.state
		readlink /proc/self/ns/{mnt,net,pid} >$SAID/\$1.ns
		pwd >$SAID/\$1.cwd
		env >$SAID/\$1.env
	EOF
	chmod +x "$HOOK"
}

teardown() { end; }

# add_hook LIST JSON
add_hook() {
	edit_config ".hooks.$1 += [$2]"
}

# in LIST, a hook that keeps what it sees
add_witness() {
	add_hook "$1" "{\"path\": \"$HOOK\", \"args\": [\"hook\", \"$1\"]}"
}

# in LIST, a hook that runs a shell script: add_script LIST SCRIPT [MORE-JSON]
add_script() {
	add_hook "$1" "$(jq -nc --arg script "$2" '{path: "/bin/sh", args: ["sh", "-c", $script]}')${3:+ + $3}"
}

@test "all hooks run, in the order of the specification" {
	for list in poststop poststart createContainer createRuntime prestart; do
		add_witness "$list"
	done
	add_hook startContainer '{"path": "/bin/sh", "args": ["sh", "-c", "echo startContainer >>/said/order; cat >/said/startContainer.state"]}'
	edit_config '.root.readonly = false | .mounts += [{"destination": "/said", "type": "bind", "source": "'"$SAID"'", "options": ["bind"]}]'
	set_args sh -c 'echo program >>/said/order'
	behalf run --bundle "$BUNDLE" "$ID"
	# poststart and the program go on side by side
	run grep -v poststart "$SAID/order"
	[ "$output" = $'prestart\ncreateRuntime\ncreateContainer\nstartContainer\nprogram\npoststop' ]
	grep -q poststart "$SAID/order"
	[ "$(jq -r .status "$SAID/prestart.state")" = creating ]
	[ "$(jq -r .status "$SAID/createRuntime.state")" = creating ]
	[ "$(jq -r .status "$SAID/createContainer.state")" = creating ]
	[ "$(jq -r .status "$SAID/startContainer.state")" = created ]
	[ "$(jq -r .status "$SAID/poststart.state")" = running ]
	[ "$(jq -r .status "$SAID/poststop.state")" = stopped ]
}

@test "a hook reads the state of the container" {
	edit_config '.annotations = {"who": "me"}'
	add_witness createRuntime
	add_witness poststop
	set_args sleep 100
	behalf create --bundle "$BUNDLE" "$ID"
	[ "$(jq -r .id "$SAID/createRuntime.state")" = "$ID" ]
	[ "$(jq -r .bundle "$SAID/createRuntime.state")" = "$BUNDLE" ]
	[ "$(jq -r .annotations.who "$SAID/createRuntime.state")" = me ]
	[ "$(jq -r .pid "$SAID/createRuntime.state")" = "$(behalf state "$ID" | jq -r .pid)" ]
	jq -e .ociVersion "$SAID/createRuntime.state"
	behalf delete --force "$ID"
	[ "$(jq -r .pid "$SAID/poststop.state")" = null ]
	[ "$(jq -r .annotations.who "$SAID/poststop.state")" = me ]
}

@test "namespaces: prestart, createRuntime, poststart and poststop are the runtime's, createContainer the container's" {
	for list in prestart createRuntime createContainer poststart poststop; do
		add_witness "$list"
	done
	set_args sleep 100
	behalf create --bundle "$BUNDLE" "$ID"
	pid=$(behalf state "$ID" | jq -r .pid)
	theirs=$(readlink /proc/"$pid"/ns/{mnt,net,pid})
	behalf start "$ID"
	behalf delete --force "$ID"
	ours=$(readlink /proc/self/ns/{mnt,net,pid})
	for list in prestart createRuntime poststart poststop; do
		[ "$(cat "$SAID/$list.ns")" = "$ours" ] || { echo "$list"; return 1; }
	done
	[ "$(cat "$SAID/createContainer.ns")" = "$theirs" ]
	# it sees the mounts that the container will have, at the place they have on the host
	[ "$(cat "$SAID/createContainer.cwd")" = "$BUNDLE/rootfs" ]
}

@test "createContainer can mount into the container" {
	add_script createContainer 'mount -t tmpfs -o size=64k hooked mnt'
	set_args grep hooked /proc/mounts
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *" /mnt "* ]]
	run grep hooked /proc/mounts
	[ "$status" -eq 1 ]
}

@test "prestart can set up the network namespace" {
	# shellcheck disable=SC2016
	add_script prestart 'pid=$(sed -n "s/.*\"pid\": *\([0-9]*\).*/\1/p"); nsenter --net=/proc/$pid/ns/net ip link add hk0 type veth peer name hk1'
	set_args ip link show hk0
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *hk0* ]]
}

@test "startContainer runs a file of the container with the rights of the program" {
	edit_config '.process.user = {"uid": 65534, "gid": 65534}'
	add_hook startContainer '{"path": "/bin/sh", "args": ["sh", "-c", "id -u >/tmp/id; grep CapEff /proc/self/status >/tmp/caps; hostname >/tmp/name"]}'
	edit_config '.mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]}]'
	set_args cat /tmp/id /tmp/name /tmp/caps /proc/self/status
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = 65534 ]
	[ "${lines[1]}" = "$(jq -r .hostname "$BUNDLE/config.json")" ]
	[ "${lines[2]}" = "$(grep CapEff <<<"$output" | tail -n 1)" ]
}

@test "the environment is what the hook says, else the caller's" {
	add_hook prestart "{\"path\": \"$HOOK\", \"args\": [\"hook\", \"own\"], \"env\": [\"COLOUR=red\"]}"
	add_hook prestart "{\"path\": \"$HOOK\", \"args\": [\"hook\", \"inherited\"]}"
	set_args true
	COLOUR=blue behalf run --bundle "$BUNDLE" "$ID"
	grep -qx COLOUR=red "$SAID/own.env"
	grep -qx COLOUR=blue "$SAID/inherited.env"
	run grep '^BEHALF=' "$SAID/own.env"
	[ "$status" -eq 1 ]
}

@test "a failing prestart, createRuntime or createContainer undoes the create, with what the hook said" {
	set_args true
	for list in prestart createRuntime createContainer; do
		edit_config 'del(.hooks)'
		rm -f "$SAID"/*
		add_script "$list" 'echo the moon is full >&2; exit 3'
		add_witness "$list"
		add_witness poststop
		run behalf create --bundle "$BUNDLE" "$ID"
		[ "$status" -eq 1 ]
		[[ $output == *"hooks.${list}[0]: '/bin/sh' failed: exit status 3: the moon is full"* ]]
		# those after it do not run, the container is gone, and then poststop runs
		[ "$(cat "$SAID/order")" = poststop ]
		run behalf state "$ID"
		[ "$status" -eq 1 ]
	done
}

@test "a failing startContainer or poststart ends the container, and delete runs poststop" {
	set_args sleep 100
	for list in startContainer poststart; do
		edit_config 'del(.hooks)'
		rm -f "$SAID"/*
		add_script "$list" 'exit 4'
		add_witness poststop
		behalf create --bundle "$BUNDLE" "$ID"
		run behalf start "$ID"
		[ "$status" -eq 1 ]
		[[ $output == *"hooks.${list}[0]: '/bin/sh' failed: exit status 4"* ]]
		wait_until 5 has_status "$ID" stopped
		[ ! -e "$SAID/order" ]
		behalf delete "$ID"
		[ "$(cat "$SAID/order")" = poststop ]
	done
}

@test "run deletes a container whose poststart fails" {
	set_args sleep 100
	add_script poststart 'exit 4'
	add_witness poststop
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[ "$(cat "$SAID/order")" = poststop ]
}

@test "a failing poststop is a warning, and the others run" {
	set_args true
	add_script poststop 'exit 5'
	add_witness poststop
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *"hooks.poststop[0]: '/bin/sh' failed: exit status 5"* ]]
	[ "$(cat "$SAID/order")" = poststop ]
}

@test "a hook that is not there, is killed, or takes too long fails" {
	set_args true
	add_hook prestart '{"path": "/no/such/hook"}'
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"'/no/such/hook' failed: exit status 127: execute: No such file or directory"* ]]

	edit_config 'del(.hooks)'
	# shellcheck disable=SC2016
	add_script prestart 'kill -9 $$'
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"killed by signal 9"* ]]

	edit_config 'del(.hooks)'
	add_script prestart "sleep 77.$$ & sleep 77.$$" '{timeout: 1}'
	start=$SECONDS
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"no end after 1 s, killed"* ]]
	# it waits for neither of the two
	[ $((SECONDS - start)) -lt 60 ]
	run pgrep -f "sleep 77.$$"
	[ "$status" -eq 1 ]
}

@test "a hook that reads nothing and one that says much block nobody" {
	edit_config '.annotations = {"long": ("x" * 200000)}'
	add_hook prestart '{"path": "/bin/true"}'
	add_script prestart 'yes | head -c 300000'
	set_args echo fine
	run behalf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = fine ]
}

@test "hooks get no descriptor of ours" {
	add_script prestart "ls /proc/self/fd | wc -l >$SAID/n"
	add_script createContainer "ls /proc/self/fd | wc -l >>$SAID/n"
	set_args true
	behalf run --bundle "$BUNDLE" "$ID"
	# 0, 1, 2, and the directory that is read; the shell's pipe is ls's standard output
	[ "$(cat "$SAID/n")" = $'4\n4' ]
}

@test "a create that is killed in a hook leaves what delete --force removes, poststop and all" {
	set_args true
	add_script createRuntime "exec sleep 78.$$"
	add_witness poststop
	"$BEHALF" --root "$STATE" create --bundle "$BUNDLE" "$ID" 3>&- &
	pid=$!
	wait_until 5 pgrep -P "$pid" -f "sleep 78.$$"
	kill -9 "$pid"
	wait "$pid" || true
	behalf delete --force "$ID"
	[ "$(cat "$SAID/order")" = poststop ]
	run pgrep -f "sleep 78.$$"
	[ "$status" -eq 1 ]
}

@test "a run that is told to end ends in a hook too, and leaves nothing" {
	local list
	set_args true
	for list in prestart poststart; do
		edit_config 'del(.hooks)'
		add_script $list "exec sleep 79.$$"
		add_witness poststop
		"$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID" 2>"$BATS_TEST_TMPDIR/errors" 3>&- &
		pid=$!
		wait_until 5 pgrep -f "sleep 79.$$"
		kill -TERM "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 1 ]
		grep -q "hooks.$list.0.: '/bin/sh' failed: killed, as signal 15 came meanwhile" "$BATS_TEST_TMPDIR/errors"
		run pgrep -f "sleep 79.$$"
		[ "$status" -eq 1 ]
		run behalf state "$ID"
		[ "$status" -eq 1 ]
	done
	[ "$(cat "$SAID/order")" = $'poststop\npoststop' ]
}

@test "annotations run.oci.hooks.stdout and stderr: what hooks say is appended there" {
	local list
	for list in createRuntime createContainer poststart poststop; do
		add_script "$list" "echo $list says; echo $list complains >&2"
	done
	edit_config ".annotations = {\"run.oci.hooks.stdout\": \"$SAID/out\", \"run.oci.hooks.stderr\": \"$SAID/err\"}"
	set_args sleep 1000
	echo before >"$SAID/out"
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
	behalf delete --force "$ID"
	run cat "$SAID/out"
	[ "$output" = $'before\ncreateRuntime says\ncreateContainer says\npoststart says\npoststop says' ]
	run cat "$SAID/err"
	[ "$output" = $'createRuntime complains\ncreateContainer complains\npoststart complains\npoststop complains' ]
}

@test "annotation run.oci.hooks.stderr alone: the other stream is still told of a hook that fails" {
	add_script createRuntime 'echo the reason; echo elsewhere >&2; exit 3'
	edit_config ".annotations = {\"run.oci.hooks.stderr\": \"$SAID/err\"}"
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"exit status 3: the reason" ]]
	[ "$(cat "$SAID/err")" = elsewhere ]
	edit_config ".annotations = {\"run.oci.hooks.stderr\": \"$SAID/none/err\"}"
	run behalf create --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 1 ]
	[[ $output == *"hooks.createRuntime[0]: open '$SAID/none/err' for what hooks say"* ]]
	[ -z "$(behalf list -q)" ]
}

@test "annotation run.oci.hooks.stdout: a hook of the container's own gets no file of the host" {
	add_hook startContainer '{"path": "/bin/sh", "args": ["sh", "-c", "echo inside"]}'
	edit_config ".annotations = {\"run.oci.hooks.stdout\": \"$SAID/out\"}"
	set_args true
	behalf run --bundle "$BUNDLE" "$ID"
	[ ! -e "$SAID/out" ]
}
