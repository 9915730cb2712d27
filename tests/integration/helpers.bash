# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For the bats files of this folder. A file begins with
#
#	setup_file() { load helpers; make_rootfs; }
#	setup() { load helpers; begin; }
#	teardown() { end; }
#
# and then has, in every test: $BUNDLE (a busybox bundle with a config.json of `behalf spec`), $ID (a
# container id nobody else uses) and $STATE (a state directory of its own). `behalf` runs the program
# under test on that state directory. At the end every container is removed, and what the test left
# on the machine is a failure. A file that uses the ledger sets WATCH_LEDGER=yes to have that watched too:
# it is one for the whole machine, and somebody else may switch it on or off at any time.

# In setup_file bats cannot skip: tests/harness/bats reads there why, and that the file ends is no failure.
if [ -z "${BATS_TEST_NAME:-}" ]; then
	skip() {
		echo "# file skipped: $*" >&3
		exit 1
	}
fi

# One busybox root and one config.json for the file; bundles are copies of them. (jq takes 20 ms to start.)
make_rootfs() {
	local root=$BATS_FILE_TMPDIR/rootfs
	[ -x /bin/busybox ] || skip "no /bin/busybox (package busybox-static)"
	[ ! -f "$BATS_FILE_TMPDIR/config.json" ] || return 0
	mkdir -p "$root"/{bin,dev,etc,proc,root,run,sys,tmp,var,mnt}
	cp /bin/busybox "$root/bin/"
	# one process for all the links
	(cd "$root/bin" && /bin/busybox --list | perl -nle 'symlink "busybox", $_')
	ln -sfn bin "$root/sbin"
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
	chmod 1777 "$root/tmp"
	# without a terminal; a test that wants one sets it
	"$BEHALF" spec --bundle "$BATS_FILE_TMPDIR" && edit_config '.process.terminal = false' "$BATS_FILE_TMPDIR"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
}

need_program() {
	command -v "$1" >/dev/null || skip "no $1${2:+ (package $2)}"
}

# The verb is compiled in.
need_verb() {
	"$BEHALF" --help | grep -q "^  $1 " || skip "behalf has no verb $1 yet"
}

need_btf() {
	[ -r /sys/kernel/btf/vmlinux ] || skip "the kernel has no BTF"
}

# Who is traced cannot trace itself, which is how a build with LeakSanitizer looks for leaks.
without_leak_check() {
	[ -z "${ASAN_OPTIONS-}" ] || export ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0
}

# The program under test. Use `run behalf ...` to look at status and output.
behalf() {
	"$BEHALF" --root "$STATE" "$@"
}

# Copies the program under test to the directory $1, with those that it executes.
copy_behalf() {
	local program
	cp "$BEHALF" "$1/behalf"
	for program in behalf-runtime behalf-full; do
		[ ! -x "$(dirname "$BEHALF")/$program" ] || cp "$(dirname "$BEHALF")/$program" "$1/"
	done
}

# Makes a bundle at $1 (default: another one for this test) and prints its path.
make_bundle() {
	local bundle=${1:-$BATS_TEST_TMPDIR/bundle-$RANDOM}
	mkdir -p "$bundle"
	cp -a "$BATS_FILE_TMPDIR/rootfs" "$bundle/rootfs"
	cp "$BATS_FILE_TMPDIR/config.json" "$bundle/"
	echo "$bundle"
}

# edit_config JQ-FILTER [BUNDLE] changes config.json.
edit_config() {
	local bundle=${2:-$BUNDLE}
	jq "$1" "$bundle/config.json" >"$bundle/config.new" && mv "$bundle/config.new" "$bundle/config.json"
}

# set_args ARG... replaces the command of $BUNDLE.
set_args() {
	jq '.process.args = $ARGS.positional' --args -- "$@" <"$BUNDLE/config.json" >"$BUNDLE/config.new" &&
		mv "$BUNDLE/config.new" "$BUNDLE/config.json"
}

# wait_until SECONDS COMMAND... tries until it holds.
wait_until() {
	local deadline=$((SECONDS + $1 * ${PATIENCE:-1}))
	shift
	until "$@"; do
		[ $SECONDS -lt $deadline ] || return 1
		sleep 0.05
	done
}

status_of() {
	behalf state "$1" | sed -n 's/^ *"status": *"\([a-z]*\)".*/\1/p'
}

has_status() {
	[ "$(status_of "$1" 2>/dev/null)" = "$2" ]
}

# What a container can leave on the machine, one line each. Links of passing strangers and names of
# other runtimes' things are not ours to judge: only what bears a name of ours is listed.
what_there_is() {
	awk '{ print "mount", $5 }' /proc/self/mountinfo | grep -F -e "$BATS_RUN_TMPDIR" -e behalf
	find /sys/fs/cgroup -type d 2>/dev/null | grep -E -e "$ID" -e 'behalf-w-[0-9a-f]+$' | sed 's/^/cgroup /'
	find /run/netns /var/run/netns -mindepth 1 2>/dev/null | grep -F -e "$ID" -e behalf | sed 's/^/netns /'
	ip -o link 2>/dev/null | sed -E 's/^[0-9]+: ([^:@]+).*/link \1/' | grep -E 'behalf|^link bh'
	find "$STATE" -mindepth 1 2>/dev/null | sed 's/^/state /'
	if [ -n "${WATCH_LEDGER:-}" ]; then
		find /sys/fs/bpf -mindepth 1 -maxdepth 1 -name 'behalf*' 2>/dev/null | sed 's/^/pinned /'
	fi
	pgrep -f -- "$ID" | sed 's/^/process /'
	true
}

# Prints what is there now and was not at begin(); things the kernel takes a moment to undo get it.
leftovers() {
	local try left
	for try in 1 2 3 4 5 6 7 8 9 10; do
		left=$(what_there_is | sort | comm -13 "$BATS_TEST_TMPDIR/before" -)
		[ -n "$left" ] || return 0
		sleep 0.2
	done
	echo "left behind (looked $try times):"
	echo "$left"
	return 1
}

begin() {
	ID=bt-$$-$BATS_TEST_NUMBER-$RANDOM
	STATE=$BATS_TEST_TMPDIR/state
	# what this machine has promised to others is no matter of a test's
	export BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises
	# not the machine's keeper: it knows another register
	export BEHALF_KEEPER=$BATS_TEST_TMPDIR/state-of-keeper
	what_there_is | sort >"$BATS_TEST_TMPDIR/before"
	if [ -n "${BUNDLE_FOR_EACH_TEST-yes}" ] && "$BEHALF" --help | grep -q '^  spec '; then
		BUNDLE=$(make_bundle "$BATS_TEST_TMPDIR/bundle")
	fi
}

end() {
	local dir
	for dir in "$STATE"/*/; do
		[ -d "$dir" ] || continue
		behalf delete --force "$(basename "$dir")" || true
	done
	leftovers
}
