# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the files that test the runtime alone, after helpers.bash.

# What these containers can leave bears their id, so that others may run containers meanwhile.
what_there_is() {
	awk '{ print "mount", $5 }' /proc/self/mountinfo | grep -F -e "$BATS_TEST_TMPDIR" -e "$ID"
	find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null | sed 's/^/cgroup /'
	find /run/netns -mindepth 1 -name "*$ID*" 2>/dev/null | sed 's/^/netns /'
	find "$STATE" -mindepth 1 2>/dev/null | sed 's/^/state /'
	pgrep -f -- "$ID" | sed 's/^/process /'
	true
}

# A container that sleeps, created and started.
start_sleeper() {
	set_args sleep 1000
	behalf create --bundle "$BUNDLE" "$ID"
	behalf start "$ID"
}

pid_of() {
	behalf state "$1" | sed -n 's/^ *"pid": *\([0-9]*\).*/\1/p'
}

# in_container COMMAND...: its output, run in a new container of $BUNDLE
in_container() {
	set_args "$@"
	timeout -k 1 20 "$BEHALF" --root "$STATE" run --bundle "$BUNDLE" "$ID"
}

# shell_in_container SCRIPT
shell_in_container() {
	in_container sh -c "$1"
}

# not COMMAND...: fails when it succeeds. (A bare `! COMMAND` never fails a test.)
not() {
	if "$@"; then
		return 1
	fi
}
