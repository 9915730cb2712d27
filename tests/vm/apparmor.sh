#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others: it has a machine of its own, emulated in one thread
# process.apparmorProfile where AppArmor is: a profile that lets everything be but one file, compiled here
# and loaded there. `labels-init` is what runs in the machine.
# shellcheck disable=SC2154,SC1091
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/vm/labels.bash apparmor
machine_needs
unpack_package apparmor || skip "no package apparmor: $(tail -n 1 "$log")"
labels_prepare

cat >"$work/boxed-$machine" <<'PROFILE'
abi <abi/3.0>,
profile boxed flags=(attach_disconnected,mediate_deleted) {
	capability,
	file,
	mount,
	network,
	signal,
	ptrace,
	unix,
	deny /etc/secret rwklx,
}
PROFILE
abi=$work/apparmor/etc/apparmor.d
"$work/apparmor/sbin/apparmor_parser" --base "$abi" --kernel-features "$abi/abi/3.0" --skip-kernel-load \
	--skip-cache --stdout "$work/boxed-$machine" >"$root/boxed" 2>"$log" || skip "no profile: $(tail -n 1 "$log")"
labels_config plain .
labels_config boxed '.process.apparmorProfile = "boxed"'
labels_config unknown '.process.apparmorProfile = "nosuch"'
machine_run lsm=apparmor
