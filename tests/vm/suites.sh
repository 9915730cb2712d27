#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 600
# beside others: it has a machine of its own, emulated in one thread
# The very test files of the other levels once more, on cgroup v2 with all controllers and Debian's
# kernel: those that `suites` beside this file names, in a machine made of this one's own packages.
# VM_SUITES="integration/update bpf/rules" runs others, VM_AT_ONCE=1 one after the other, VM_TIMING=yes tells
# how long each test took.
# shellcheck disable=SC2154 # what is not set here is set there
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC1091
source tests/vm/machine.bash "${VM_MACHINE:-suites}"
modules=(llc stp garp mrp 8021q bridge veth overlay loop bfq ifb tun sch_htb sch_ingress act_bpf cls_bpf
	act_mirred cls_u32 sch_tbf udp_tunnel ip6_udp_tunnel vxlan macvlan ecb xts dm-mod dm-crypt tap vhost_iotlb vhost
	vhost_net virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk)
# Emulated, a program with libraries takes five times as long to start as a static one, and tests do
# little else: bash, jq and what a shell needs at every turn are static.
packages=(bash-static bats bsdutils coreutils debianutils diffutils expect findutils grep hostname iproute2
	gojq libc-bin libcap2-bin libgcc-s1 login mawk mount ncurses-base ncurses-bin passwd perl-base procps psmisc
	sed strace tcl-expect tcl8.6 libtcl8.6 uidmap util-linux util-linux-extra)
needed=(bats bash-static gojq expect strace newuidmap killall)
# these bring much that takes time to unpack
if [[ ${VM_SUITES-} == *bpf/* ]]; then
	packages+=(bpftool dmsetup fio iperf3 rt-tests)
	needed+=(bpftool dmsetup fio iperf3 hackbench mke2fs)
fi
if [[ ${VM_SUITES-} == *_terms* ]]; then packages+=(e2fsprogs iperf3) needed+=(iperf3 mke2fs); fi
if [ -n "${VM_BENCH-}" ]; then packages+=(fio iperf3) needed+=(fio iperf3); fi
memory_mb=1536
limit_s=${VM_LIMIT_S:-570}
applets=('[' awk basename cat chmod chown cmp cp cut dirname env expr false find grep head id kill ln ls
	mkdir mknod mktemp mv rm rmdir sed sh sha256sum sleep sort tail tee test timeout
	touch tr true uname uniq wc xargs)
machine_needs "${needed[@]}"

rm -rf "$root"
mkdir -p "$root"/{dev,proc,sys,run,tmp,mnt,root,etc,modules,opt,var/tmp,var/lib} "$root"/usr/{bin,sbin,lib,lib64}
for dir in bin sbin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
add_packages "${packages[@]}"
cp /bin/busybox "$root/bin/busybox"
ln -s bash-static "$root/bin/bash"
ln -s busybox "$root/bin/sh"
ln -s gojq "$root/bin/jq"
mkdir "$root/usr/fast"
for applet in "${applets[@]}"; do ln -s ../bin/busybox "$root/usr/fast/$applet"; done
cp tests/vm/suites-init "$root/init"
cp /etc/nsswitch.conf /etc/login.defs "$root/etc/"
printf '%s\n' root:x:0:0::/root:/bin/bash daemon:x:1:1::/:/bin/false nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
printf '%s\n' root:x:0: daemon:x:1: nogroup:x:65534: >"$root/etc/group"
touch "$root/etc/subuid" "$root/etc/subgid" "$root/etc/machine-id"
add_modules "${modules[@]}"

# The tree, and what is built of it, are where they are outside: paths are compiled in.
tree=$root$SOURCE_DIR
mkdir -p "$tree/tests" "$root$BUILD_DIR/tests"
cp -r tests/{bpf,harness,helpers,integration,golden} "$tree/tests/"
cp -r docs completions man examples "$tree/" 2>/dev/null || true
add_behalf "$BEHALF"
for program in "$BUILD_DIR"/tests/{bpf,integration,unit}/*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	mkdir -p "$root$(dirname "$program")"
	add_program "$program" "$program"
done

# VM_BENCH=yes: what measures, too.
if [ -n "${VM_BENCH-}" ]; then
	cp -r bench "$tree/"
	mkdir -p "$root$BUILD_DIR/bench"
	for program in "$BUILD_DIR"/bench/*; do
		[ ! -f "$program" ] || [ ! -x "$program" ] || add_program "$program" "$program"
	done
fi

# VM_DISK=yes: a disk with a file system that knows whose writeback is whose.
disk=
if [ -n "${VM_DISK-}" ] && command -v mke2fs >/dev/null; then
	disk=$work/disk-$machine
	rm -f "$disk"
	truncate -s 768M "$disk"
	mke2fs -q -t ext4 "$disk"
fi

printf '%s\n' "${VM_SUITES:-$(grep -v '^#' tests/vm/suites)}" | tr ' ' '\n' >"$root/suites"
printf '%s=%q\n' SOURCE_DIR "$SOURCE_DIR" BUILD_DIR "$BUILD_DIR" BEHALF "$BEHALF" \
	VM_BENCH "${VM_BENCH-}" VM_LIMIT_S "$limit_s" VM_TIMING "${VM_TIMING-}" VM_AT_ONCE "${VM_AT_ONCE-}" \
	PATIENCE "${PATIENCE:-4}" >"$root/environment"
machine_run
