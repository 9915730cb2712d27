# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for who reads this in
# What the tests in a virtual machine share: a kernel, an initramfs that is put together in $root, and
# the TAP that comes over the serial line. Read in by the scripts beside it, with a name for theirs.
#
# Environment: BEHALF, BUILD_DIR, SOURCE_DIR as tools/check sets them; VM_KERNEL is the package of the
# kernel (linux-image-cloud-amd64), or a directory with boot/vmlinuz-* and lib/modules; VM_ACCEL=kvm, or another.
SOURCE_DIR=${SOURCE_DIR:-$PWD}
BUILD_DIR=${BUILD_DIR:-$PWD/build}
BEHALF=${BEHALF:-$BUILD_DIR/behalf}
kernel=${VM_KERNEL:-linux-image-cloud-amd64}
machine=$1
work=$BUILD_DIR/vm
root=$work/root-$machine
log=$work/log-$machine
kernel_log=$work/kernel-$machine
monitor=$work/monitor-$machine

skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

machine_needs() { # PROGRAM...
	local program

	[ "$(uname -m)" = x86_64 ] || skip "the kernel is one for x86_64"
	mkdir -p "$work"
	for program in qemu-system-x86_64 cpio jq busybox "$@"; do
		command -v "$program" >/dev/null && continue
		tools/setup vm >"$log" 2>&1 || skip "no $program: $(tail -n 1 "$log")"
	done
	[ -d "$kernel" ] || fetch_kernel "$kernel" || skip "no package $kernel: $(tail -n 1 "$log")"
}

# The package behind the metapackage, unpacked and never installed. Two machines may be made at once.
fetch_kernel() {
	local package lock

	package=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' |
		head -n 1)
	package=${package:-$1}
	exec {lock}>"$work/lock"
	flock "$lock"
	if [ ! -d "$work/$package" ]; then
		rm -rf "$work/download-$machine"
		mkdir "$work/download-$machine"
		(cd "$work/download-$machine" && apt-get download -o APT::Sandbox::User=root "$package") \
			>"$log" 2>&1 || return 1
		dpkg -x "$work/download-$machine/"*.deb "$work/download-$machine/root"
		mv "$work/download-$machine/root" "$work/$package"
		rm -rf "$work/download-$machine"
	fi
	exec {lock}>&-
	kernel=$work/$package
}

add_busybox() { # ROOT
	local applet

	cp "$(command -v busybox)" "$1/bin/busybox"
	for applet in $(busybox --list); do
		[ "$applet" = busybox ] || ln -s busybox "$1/bin/$applet"
	done
}

# What packages of this machine hold, but for what is only read by people, with the libraries they need.
add_packages() { # PACKAGE...
	local file

	dpkg -L "$@" | sort -u | grep -v -e '^/usr/share/\(doc\|man\|locale\|info\|lintian\|bash-completion\)' |
		while read -r file; do
			[ -d "$file" ] || [ ! -e "$file" ] || echo "${file#/}"
		done >"$work/files-$machine"
	tar -C / --no-recursion -T "$work/files-$machine" -cf - |
		tar -C "$root" --keep-directory-symlink -xf -
	while read -r file; do
		[ ! -x "/$file" ] || echo "/$file"
	done <"$work/files-$machine" >"$work/programs-$machine"
	# shellcheck disable=SC2046 # no name of a program has a blank
	add_libraries_of $(cat "$work/programs-$machine")
}

# Modules of the kernel, in the order in which they are to be loaded.
add_modules() { # NAME...
	local module

	mkdir -p "$root/modules"
	for module in "$@"; do
		find "$kernel/lib/modules" "$kernel/usr/lib/modules" -name "$module.ko*" \
			-exec cp {} "$root/modules/" \; 2>/dev/null || true
	done
	# newer packages compress them
	find "$root/modules" -name '*.xz' -exec xz -d {} +
	printf '%s\n' "$@" >"$root/modules/order"
}

# A program with the libraries it needs, where it looks for them.
add_program() { # PROGRAM WHERE
	install -s "$1" "$root/$2"
	add_libraries_of "$1"
}

# behalf, and beside it the programs that it executes.
add_behalf() { # WHERE
	local program
	add_program "$BEHALF" "$1"
	for program in behalf-runtime behalf-full; do
		[ ! -x "$(dirname "$BEHALF")/$program" ] ||
			add_program "$(dirname "$BEHALF")/$program" "$(dirname "$1")/$program"
	done
}

# What is no dynamic program needs none.
add_libraries_of() { # FILE...
	{ ldd "$@" 2>/dev/null || true; } | sed -n 's/.*[ \t]\(\/[^ ]*\) (0x.*/\1/p' | sort -u |
		while read -r library; do
			mkdir -p "$root$(dirname "$library")"
			cp -Ln "$library" "$root$library"
		done
}

# Where every processor of a machine that stands still is: an NMI makes this kernel panic, and when it does it
# tells that of all of them. Of one that was in an NMI itself there is only what the emulator knows.
interrupt_machine() {
	printf '%s\n' "info registers -a" nmi >"$monitor.in"
}

# A processor that a process has not given back for 20 s is told by the kernel (a soft lockup), again and
# again. Once is what it looks like when the machine itself was not run for long; the third time, of the same
# process on the same processor, it is a loop that nothing ends.
is_locked_up() {
	sed -n 's/.*soft lockup - \(CPU#[0-9]*\).*\(\[[^]]*\]\)\r*$/\1 \2/p' "$kernel_log" | sort | uniq -c |
		awk '$1 >= 3 { found = 1 } END { exit !found }'
}

# Ends the machine, which is the process PID, when its time is over, or earlier when nothing can come of it.
watch_machine() { # PID
	local end=$((SECONDS + ${limit_s:-250}))

	while kill -0 "$1" 2>/dev/null; do
		if [ $SECONDS -ge $end ] || is_locked_up; then
			interrupt_machine
			sleep 10
			kill -KILL "$1" 2>/dev/null
			return
		fi
		sleep 1
	done
}

# What the tests print comes over the first serial line, what the kernel has to say over the second.
#
# Emulated by default: KVM inside of another virtual machine is there more often than it works. And in one thread
# for both processors. QEMU before 8.1 reads the code that it translates before it watches for writes to it, so
# that with two threads a translation may be kept that was out of date when it was made. A kernel writes to its
# own code: a static key that is switched, as by the first container with a quota or rules for devices, is a
# breakpoint in between, and if that stays in a translation whoever gets there takes it again and again, for
# ever: soft lockups of anything that runs, or "int3:" and a panic (mended in QEMU by deba78709ae8, "accel/tcg:
# Always lock pages before translation").
start_machine() { # OPTION OF THE KERNEL...
	qemu-system-x86_64 -machine q35 -accel "${VM_ACCEL:-tcg,thread=single}" -cpu "${VM_CPU:-qemu64}" \
		-smp 2 -m "${memory_mb:-768}" -nodefaults -display none -no-reboot \
		-serial stdio -serial "file:$kernel_log" -monitor "pipe:$monitor" \
		-kernel "$(find "$kernel/boot" -name 'vmlinuz-*' | head -n 1)" \
		-initrd "$work/initramfs-$machine" ${disk:+-drive "file=$disk,if=virtio,format=raw,cache=unsafe"} \
		-append "console=ttyS1 loglevel=5 panic=-1 oops=panic unknown_nmi_panic panic_print=0x40 \
			softlockup_all_cpu_backtrace=1 mitigations=off rdinit=/init $*" \
		</dev/null 2>"$work/qemu-$machine.err" &
	cat "$monitor.out" >"$work/registers-$machine" &
	watch_machine $!
}

# A machine that has not said all is a failed test, with what is known of it.
machine_failed() { # WHAT FILE...
	local told

	echo "not ok - $1"
	shift
	sed 's/^/# /' "$@"
	sed -n '/soft lockup\|Oops\|BUG:\|blocked for more than\|rcu: .* stall\|NMI\|Kernel panic/,$p' "$kernel_log" |
		head -n 300 | sed 's/^/# kernel: /'
	grep -a -e '^CPU#' -e '[RE]IP=' "$work/registers-$machine" | sed 's/^/# /' || true
	told=$(sed -n '/^TAP begins$/,$p' "$log" | grep -c -e '^ok' -e '^not ok' || true)
	echo "1..$((told + 1))"
	exit 1
}

machine_run() { # OPTION OF THE KERNEL...
	(cd "$root" && find . -print0 | cpio --null --create --format=newc --quiet) |
		gzip -1 >"$work/initramfs-$machine"
	rm -f "$monitor".{in,out}
	: >"$kernel_log"
	mkfifo "$monitor".{in,out}
	start_machine "$@" | sed -u 's,\r,,g' | tee "$log" | sed -nu '/^TAP begins$/,$p' |
		grep --line-buffered -v '^TAP begins$' || true
	grep -q '^TAP begins$' "$log" || machine_failed "the machine starts" "$work/qemu-$machine.err" "$log"
	grep -q '^1\.\.' "$log" || machine_failed "the machine ends" "$work/qemu-$machine.err"
	grep -e 'WARNING: ' -e 'BUG: ' "$kernel_log" | sed 's/^/# kernel: /' || true
}
