#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Where something is missing: containers run as far as they can, and what cannot be is told in one
# sentence.

bats_require_minimum_version 1.5.0

setup_file() { load helpers; make_rootfs; }
setup() { load helpers; load runtime_helpers; need_root; need_verb spec; begin; }
teardown() { end; }

# without_capability NAME[,NAME...] VERB ARG...: the program without them.
without_capability() {
	local set
	set=$(printf ',-%s' ${1//,/ })
	shift
	setpriv --bounding-set "${set#,}" --inh-caps "${set#,}" "$BEHALF" --root "$STATE" "$@"
}

as_nobody() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$BEHALF" --root "$STATE" "$@"
}

# In a mount namespace where an empty directory covers $1.
hiding() {
	local directory=$1
	shift
	unshare --mount --propagation private sh -c \
		"mount -t tmpfs -o size=1m tmpfs '$directory' && shift && exec \"\$@\"" _ _ "$BEHALF" --root "$STATE" "$@"
}

# one_sentence [STATUS]
one_sentence() {
	[ "$status" -eq "${1:-1}" ] || { echo "status $status"; return 1; }
	[ "${#lines[@]}" -eq 1 ] || { echo "$output"; return 1; }
	[[ $output == behalf:* ]]
	[[ $output != *"warning"* ]]
}

@test "no BTF: containers run" {
	set_args echo hello
	run hiding /sys/kernel/btf run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}

@test "no BTF: the ledger says so in one sentence" {
	need_verb ledger
	[ ! -e /sys/fs/bpf/behalf ] || skip 'the ledger is on'
	run hiding /sys/kernel/btf ledger on
	one_sentence
	[[ $output == *BTF* ]]
	[ ! -e /sys/fs/bpf/behalf ]
}

@test "no CAP_BPF, no CAP_PERFMON: containers run" {
	set_args echo hello
	run without_capability bpf,perfmon run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = hello ]
}

@test "no CAP_BPF and no CAP_SYS_ADMIN: the ledger says so in one sentence" {
	need_verb ledger
	[ ! -e /sys/fs/bpf/behalf ] || skip 'the ledger is on'
	run without_capability bpf,sys_admin ledger on
	one_sentence
	[[ $output == *CAP_BPF* ]]
}

@test "no CAP_MKNOD: the host's devices are bound instead" {
	set_args sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c'
	run without_capability mknod run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ]
	[ "$output" = 1 ]
}

@test "no CAP_SYS_ADMIN: one sentence, and nothing is left" {
	set_args true
	run without_capability sys_admin run --bundle "$BUNDLE" "$ID"
	one_sentence
	[ ! -e "$STATE/$ID" ]
	[ -z "$(find /sys/fs/cgroup -type d -name "*$ID*")" ]
}

@test "not root: one sentence" {
	chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_TEST_TMPDIR" "$(dirname "$BATS_TEST_TMPDIR")" "$BUNDLE"
	local place
	# the program itself must be in reach
	place=$(mktemp -d /tmp/bt-behalf-XXXXXX)
	copy_behalf "$place"
	chmod -R 755 "$place"
	BEHALF=$place/behalf
	mkdir -p "$STATE"
	chown 65534 "$STATE"
	for verb in create run; do
		run as_nobody $verb --bundle "$BUNDLE" "$ID"
		one_sentence
		[[ $output == *root* ]]
	done
	[ -z "$(ls -A "$STATE")" ]
	run as_nobody exec "$ID" true
	one_sentence 255
	run as_nobody list
	[ "$status" -eq 0 ]
	if "$BEHALF" --help | grep -q '^  ledger '; then
		run as_nobody ledger on
		one_sentence
	fi
	rm -r "$place"
}

@test "no cgroup hierarchy at all: containers run" {
	set_args echo hello
	edit_config 'del(.linux.resources) | .mounts |= map(select(.type != "cgroup"))'
	run hiding /sys/fs/cgroup run --bundle "$BUNDLE" "$ID"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	[ "$output" = hello ]
}

@test "no cgroup hierarchy, but a limit: one sentence that names it" {
	set_args true
	edit_config '.linux.resources = {memory: {limit: 67108864}} | .mounts |= map(select(.type != "cgroup"))'
	run hiding /sys/fs/cgroup run --bundle "$BUNDLE" "$ID"
	one_sentence
	[[ $output == *memory* ]]
}

@test "a pure cgroup2: containers run, are seen in their group, and leave nothing" {
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}]'
	set_args sh -c 'cat /proc/self/cgroup /sys/fs/cgroup/cgroup.events'
	run unshare --mount --propagation private sh -c \
		"[ -f /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup; exec $BEHALF --root $STATE run --bundle $BUNDLE $ID"
	[ "$status" -eq 0 ] || { echo "$output"; return 1; }
	[[ ${lines[*]} == *"0::/ populated 1"* ]]
}

@test "an empty /dev/null, /proc or bundle of the host is told" {
	set_args true
	: >"$BATS_TEST_TMPDIR/empty"
	run unshare --mount --propagation private sh -c \
		"mount --bind $BATS_TEST_TMPDIR/empty /dev/null && exec $BEHALF --root $STATE run --bundle $BUNDLE $ID"
	one_sentence
	[[ $output == *"/dev/null"* ]]
	[ ! -e "$STATE/$ID" ]
}

@test "a full state directory: one sentence, and nothing is left" {
	set_args true
	mkdir -p "$STATE"
	run unshare --mount --propagation private sh -c "mount -t tmpfs -o size=4k,nr_inodes=2,mode=700 tmpfs $STATE &&
		$BEHALF --root $STATE create --bundle $BUNDLE $ID; status=\$?; ls -A $STATE; exit \$status"
	one_sentence
	[[ $output == *"$ID"* || $output == *state.json* || $output == *start* ]]
}
