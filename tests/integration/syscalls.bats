#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 3600
# Crash safety. create, start, exec and delete are killed at every one of their system calls, and so is
# the process they make: `delete --force` has to find and remove all there is then. And every one of
# their calls fails once, with each of four errors: they do their work all the same, or say in one
# sentence what went wrong and leave nothing.
#
# That takes ten minutes and more. A part of it is done here, another one each time, for SECONDS_EACH
# seconds a test. BEHALF_SYSCALLS=all does it all. BEHALF_SYSCALLS_LOG=FILE notes each call and what
# came of it.

bats_require_minimum_version 1.5.0

SECONDS_EACH=4
ERRORS=(12 1 28 4) # ENOMEM EPERM ENOSPC EINTR

setup_file() {
	load helpers
	need_root
	[ -x "$BUILD_DIR/tests/integration/at_syscall" ] || skip "not built: at_syscall"
	make_rootfs
}

setup() {
	load helpers
	load runtime_helpers
	need_root
	ulimit -c 0
	without_leak_check
	begin
	OUT=$BATS_TEST_TMPDIR/out
	REPORT=$BATS_TEST_TMPDIR/report
	# a bit of everything
	edit_config '.linux.namespaces |= . - [{type: "cgroup"}] + [{type: "cgroup"}] |
		.linux.resources.pids.limit = 20 | .linux.resources.memory.limit = 50000000 |
		.linux.sysctl = {"net.ipv4.ip_forward": "0"} |
		.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"],
			syscalls: [{names: ["kexec_load"], action: "SCMP_ACT_ERRNO"}]} |
		.mounts += [{destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "ro", "tmpcopyup"]}] |
		.process.oomScoreAdj = 100 | .annotations = {"io.behalf.cpu.reserve": "0.01"}'
	set_args sleep 1000
}

teardown() { end; }

# at WHO N ACTION [-p PID] VERB...: `behalf VERB...` is hit at call N; its status is in $code.
at() {
	local who=$1 n=$2 action=$3 other=()
	shift 3
	if [ "$1" = -p ]; then
		other=(-p "$2")
		shift 2
	fi
	code=0
	timeout -k 1 $((30 * ${PATIENCE:-1})) "$BUILD_DIR/tests/integration/at_syscall" "${other[@]}" "$REPORT" "$who" "$n" \
		"$action" "$BEHALF" --root "$STATE" "$@" >"$OUT" 2>&1 </dev/null || code=$?
}

# What cheap looks find of the container: fine as long as it is empty.
remains() {
	compgen -G "$STATE/*" | sed 's/^/state: /'
	compgen -G "/sys/fs/cgroup/*/*$ID*"
	compgen -G "/sys/fs/cgroup/*$ID*"
	grep -F -e "$ID" -e "$BUNDLE" /proc/self/mountinfo
	pgrep -f -- "sleep 10[0]0 $ID" | sed 's/^/process: /'
	true
}

# A process that was killed takes a moment.
nothing_remains() {
	local try left=
	for try in 1 2 3 4 5 6 7 8 9 10; do
		left=$(remains)
		[ -n "$left" ] || return 0
		sleep 0.1
	done
	fault "left: $left"
	return 1
}

fault() {
	echo "$what: $*"
	sed 's/^/    said: /' "$OUT"
	faults=$((faults + 1))
}

# What ends before main does so in words of libc's: of its loader, or of a static program's start.
is_of_libc() {
	grep -q ' in .*/ld-linux' "$REPORT" && return
	[ "$code" -eq 127 ] && grep -qE '^: error while loading shared libraries: |^cannot set %fs ' "$OUT"
}

# The command that failed did so with one sentence.
check_sentence() {
	is_of_libc && return
	[ "$code" -lt 124 ] || [ "$code" -eq 255 ] || fault "status $code"
	[ "$(grep -vc '^behalf: warning: ' "$OUT")" -eq 1 ] || fault "not one sentence"
	grep -v '^behalf: warning: ' "$OUT" | grep -q '^behalf: .*[a-z]' || fault "no sentence of ours"
}

# One try of a verb: prepare, be hit, judge, clean up. What differs comes from verb_VERB.
try_once() {
	local verb=$1 who=$2 n=$3 action=$4

	what="$verb, call $n of $who, $action"
	code=0
	: >"$OUT"
	"prepare_$verb"
	: >"$REPORT"
	"hit_$verb" "$who" "$n" "$action"
	what+=" ($(cat "$REPORT"))"
	case $code in
	124 | 125) fault "no end" ;;
	esac
	if ! grep -q ^none "$REPORT"; then
		[ "$action" = KILL ] || [ "$code" -eq 0 ] || check_sentence
		[ "$action" = KILL ] || [ "$code" -eq 0 ] || "failed_$verb"
	fi
	if [ -n "${BEHALF_SYSCALLS_LOG:-}" ]; then
		echo "$what: $code: $(head -n 1 "$OUT")" >>"$BEHALF_SYSCALLS_LOG"
	fi
	"settle_$verb"
}

delete_all() {
	local said
	said=$(behalf delete --force "$ID" 2>&1) || fault "delete --force afterwards: $said"
	nothing_remains || behalf delete --force "$ID" || true
}

# A promise that holds no more, as the container is gone, is a file until somebody promises again.
prepare_create() { rm -f "$BEHALF_PROMISES"/*; }
hit_create() { at "$@" create --bundle "$BUNDLE" "$ID"; }
failed_create() {
	nothing_remains || true
	! compgen -G "$BEHALF_PROMISES/*" || fault "a promise is left"
}
settle_create() { delete_all; }

prepare_start() {
	behalf create --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
	pid=$(pid_of "$ID")
}
hit_start() { at "$1" "$2" "$3" -p "$pid" start "$ID"; }
failed_start() { :; }
settle_start() { delete_all; }

# One container for all: no process but its own may be in it afterwards.
prepare_exec() {
	[ -d "$STATE/$ID" ] || behalf run --detach --bundle "$BUNDLE" "$ID" >/dev/null 2>&1
}
hit_exec() { at "$@" exec --cwd /mnt "$ID" sh -c 'exit 0'; }
failed_exec() { :; }
settle_exec() {
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		[ "$(cat /sys/fs/cgroup/{pids/,unified/,}"behalf-$ID/cgroup.procs" 2>/dev/null | sort -u | wc -l)" -gt 1 ] ||
			break
		sleep 0.1
	done
	[ "$try" -lt 10 ] || fault "another process is in the container"
	[ "$(status_of "$ID")" = running ] || fault "the container is $(status_of "$ID")"
}

prepare_delete() { behalf run --detach --bundle "$BUNDLE" "$ID" >/dev/null 2>&1; }
hit_delete() { at "$@" delete --force "$ID"; }
failed_delete() { :; }
settle_delete() {
	[ "$code" -ne 0 ] || [ "$3" = KILL ] || nothing_remains || true
	delete_all
}

# sweep VERB WHO ACTION...
sweep() {
	local verb=$1 who=$2 n=1 step=1 end=$((SECONDS + SECONDS_EACH)) action tries=0
	shift 2
	faults=0
	if [ "${BEHALF_SYSCALLS:-}" != all ]; then
		step=$((17 + RANDOM % 37))
		n=$((1 + RANDOM % step))
		echo "# every ${step}th call from call $n on" >&3
	fi
	while :; do
		for action in "$@"; do
			try_once "$verb" "$who" "$n" "$action"
			tries=$((tries + 1))
		done
		if grep -q ^none "$REPORT"; then
			break
		fi
		n=$((n + step))
		[ "$step" -eq 1 ] || [ "$SECONDS" -lt "$end" ] || break
	done
	echo "# $verb, $who: $tries tries, the last at call $n; $faults faults" >&3
	behalf delete --force "$ID"
	[ "$faults" -eq 0 ]
}

@test "create: killed at each call" { sweep create main KILL; }
@test "create: its child is killed at each call" { sweep create child KILL; }
@test "start: killed at each call" { sweep start main KILL; }
@test "start: the first process is killed at each call" { sweep start child KILL; }
@test "exec: killed at each call" { sweep exec main KILL; }
@test "exec: its child is killed at each call" { sweep exec child KILL; }
@test "delete: killed at each call" { sweep delete main KILL; }
@test "create: each call fails" { sweep create main "${ERRORS[@]}"; }
@test "create: each call of its child fails" { sweep create child "${ERRORS[@]}"; }
@test "start: each call fails" { sweep start main "${ERRORS[@]}"; }
@test "start: each call of the first process fails" { sweep start child "${ERRORS[@]}"; }
@test "exec: each call fails" { sweep exec main "${ERRORS[@]}"; }
@test "exec: each call of its child fails" { sweep exec child "${ERRORS[@]}"; }
@test "delete: each call fails" { sweep delete main "${ERRORS[@]}"; }
