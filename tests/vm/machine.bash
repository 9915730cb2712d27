# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034 # variables are for who reads this in
# What the tests in a virtual machine share: a kernel, an initramfs that is put together in $root, and
# the TAP that comes over the serial line. Read in by the scripts beside it, with a name for theirs.
#
# Environment: BEHALF, BUILD_DIR, SOURCE_DIR as tools/check sets them; VM_KERNEL is the package of the
# kernel (linux-image-cloud-amd64), or a directory with boot/vmlinuz-* and lib/modules; VM_ACCEL=kvm.
SOURCE_DIR=${SOURCE_DIR:-$PWD}
BUILD_DIR=${BUILD_DIR:-$PWD/build}
BEHALF=${BEHALF:-$BUILD_DIR/behalf}
kernel=${VM_KERNEL:-linux-image-cloud-amd64}
machine=$1
work=$BUILD_DIR/vm
root=$work/root-$machine
log=$work/log-$machine

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

# The package behind the metapackage, unpacked and never installed.
fetch_kernel() {
	local package

	package=$(apt-cache depends "$1" 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\)/\1/p' |
		head -n 1)
	package=${package:-$1}
	if [ ! -d "$work/$package" ]; then
		rm -rf "$work/download"
		mkdir "$work/download"
		(cd "$work/download" && apt-get download -o APT::Sandbox::User=root "$package") \
			>"$log" 2>&1 || return 1
		dpkg -x "$work/download/"*.deb "$work/download/root"
		mv "$work/download/root" "$work/$package"
		rm -rf "$work/download"
	fi
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

# Runs the machine. Emulated by default: KVM inside of another virtual machine is there more often than it
# works.
machine_run() { # OPTION OF THE KERNEL...
	(cd "$root" && find . -print0 | cpio --null --create --format=newc --quiet) |
		gzip -1 >"$work/initramfs-$machine"
	timeout "${limit_s:-250}" qemu-system-x86_64 -machine "q35,accel=${VM_ACCEL:-tcg}" -cpu "${VM_CPU:-qemu64}" \
		-smp 2 -m "${memory_mb:-768}" -nodefaults -display none -no-reboot -serial stdio \
		-kernel "$(find "$kernel/boot" -name 'vmlinuz-*' | head -n 1)" \
		-initrd "$work/initramfs-$machine" ${disk:+-drive "file=$disk,if=virtio,format=raw,cache=unsafe"} \
		-append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off rdinit=/init $*" \
		</dev/null 2>"$work/qemu.err" |
		sed -u 's,\r,,g' | tee "$log" | sed -nu '/^TAP begins$/,$p' | grep --line-buffered -v '^TAP begins$' || true
	grep -q '^TAP begins$' "$log" && return
	echo "not ok - the machine starts"
	sed 's/^/# /' "$work/qemu.err"
	tail -n 20 "$log" | sed 's/^/# /'
	echo "1..1"
	exit 1
}
