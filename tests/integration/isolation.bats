#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bench/isolation on a machine that is emulated, on cgroup v2 alone: not how fast anything is, nor how much of a CPU
# there is when the kernel's own part is three tenths of one, but that charges are held, and that a victim has more of
# its reserve than with plain control groups. tests/vm/suites-slow has it; on the host bench/isolation measures more.

setup_file() {
	load helpers
	need_root
	[ -n "${VM_BENCH-}" ] || skip "takes long: make check-vm does it"
	need_program iperf3
	need_program fio
}

setup() {
	load helpers
	FIGURES=$BATS_TEST_TMPDIR/figures
}

# measure PAIR..., and each of them has to be held. The figures are told whether they are or not.
measure() {
	(cd "$SOURCE_DIR" && BENCH_DIR=$BATS_TEST_TMPDIR BENCH_DISK_MB=64 bench/isolation -s 5 -j "$FIGURES" "$@")
	sed 's/^/# /' "$FIGURES" >&3
	[ "$(wc -l <"$FIGURES")" -eq $# ]
}

# holds FILTER: of all pairs
holds() {
	jq -es "all($1)" "$FIGURES" >/dev/null
}

@test "what is sent, and what arrives, is charged no more than the limit, and a reserve is got beside it" {
	measure udp udp_in broadcast loopback
	holds '.behalf.charge < 1.2 * .limit'
	holds '.behalf.got > 1.15 * .plain.got'
}

@test "so is what wakes threads and timers" {
	measure pipe timer
	holds '.behalf.charge < 1.2 * .limit'
	holds '.behalf.got > 0.7 * .reserve'
}

@test "who has a reserve of a disk gets it beside one who reads all there is" {
	mountpoint -q /disk || skip "no disk"
	measure flood_read/disk
	holds '.behalf.got > 0.8 * .reserve'
}
