# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154,SC1091 # what is not set here is set by machine.bash
# What apparmor.sh and selinux.sh share: a machine with `labels-init` and a bundle. Read in with its name.
source tests/vm/machine.bash "$1"

# The programs of a package that need not be installed, unpacked below $work.
unpack_package() { # PACKAGE
	[ ! -d "$work/$1" ] || return 0
	rm -rf "$work/download-$machine"
	mkdir -p "$work/download-$machine"
	(cd "$work/download-$machine" && apt-get download -o APT::Sandbox::User=root "$1") >"$log" 2>&1 || return 1
	dpkg -x "$work/download-$machine/"*.deb "$work/download-$machine/root"
	mv "$work/download-$machine/root" "$work/$1"
	rm -rf "$work/download-$machine"
}

labels_prepare() {
	rm -rf "$root"
	mkdir -p "$root"/{bin,dev,proc,sys,run,tmp,mnt,etc} "$root/bundle/rootfs"/{bin,dev,proc,sys,tmp,etc}
	add_busybox "$root"
	add_busybox "$root/bundle/rootfs"
	cp tests/vm/labels-init "$root/init"
	add_behalf bin/behalf
	echo seen >"$root/bundle/rootfs/etc/plain"
	echo hidden >"$root/bundle/rootfs/etc/secret"
	"$BEHALF" spec --bundle "$root/bundle"
	jq '.process.terminal = false | .process.args = ["/bin/sleep", "1000"]' "$root/bundle/config.json" \
		>"$work/plain-$machine.json"
	rm "$root/bundle/config.json"
}

# A configuration of the machine's bundle: NAME, and what jq makes of the plain one.
labels_config() {
	jq "$2" "$work/plain-$machine.json" >"$root/bundle/$1.json"
}
