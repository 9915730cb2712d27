#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others: it has a machine of its own, emulated in one thread
# Cgroups through systemd, in a virtual machine that has it as its first process: this machine's own
# systemd, dbus-daemon and their libraries beside busybox. What is tested is in `systemd-tests`.
# shellcheck disable=SC2154 # what is not set here is set there
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck disable=SC1091
source tests/vm/machine.bash "${VM_MACHINE:-systemd}"
machine_needs dbus-daemon systemctl
[[ $("$BEHALF" --version) == *+SYSTEMD* ]] || skip "built without libsystemd's headers"
[ -x /lib/systemd/systemd ] || skip "no systemd to put into the machine"

rm -rf "$root"
mkdir -p "$root"/usr/{bin,lib/systemd/system,lib64,share/dbus-1/system.d} \
	"$root"/{dev,proc,sys,run,tmp,mnt,bundle,root} "$root"/etc/{systemd/system,dbus-1,pam.d}
for dir in bin lib lib64; do ln -s "usr/$dir" "$root/$dir"; done
ln -s bin "$root/usr/sbin"
ln -s usr/bin "$root/sbin"
add_busybox "$root"
rm -f "$root/bin/init" "$root/bin/reboot"
for program in systemctl busctl systemd-run dbus-daemon; do
	rm -f "$root/bin/$program"
	add_program "$(command -v $program)" "bin/$program"
done
add_program /lib/systemd/systemd lib/systemd/systemd
add_behalf bin/behalf
# loaded on demand, so ldd does not know
library=$(ldconfig -p | sed -n 's/.*libsystemd.so.0 .*x86-64.*=> //p' | head -n 1)
[ -n "$library" ] || skip "no libsystemd.so.0"
mkdir -p "$root$(dirname "$library")"
cp -L "$library" "$root$library"
add_libraries_of "$library"

cp tests/vm/systemd-init "$root/init"
cp tests/vm/systemd-tests "$root/tests"
cp /usr/share/dbus-1/system.conf "$root/usr/share/dbus-1/"
cp /usr/share/dbus-1/system.d/org.freedesktop.systemd1.conf "$root/usr/share/dbus-1/system.d/" 2>/dev/null || true
printf '%s\n' root:x:0:0::/root:/bin/sh messagebus:x:100:100::/:/bin/false user:x:1000:1000::/:/bin/sh \
	nobody:x:65534:65534::/:/bin/false >"$root/etc/passwd"
printf '%s\n' root:x:0: messagebus:x:100: user:x:1000: nogroup:x:65534: >"$root/etc/group"
echo 'passwd: files' >"$root/etc/nsswitch.conf"
touch "$root/etc/machine-id"
cat >"$root/etc/systemd/system/tests.service" <<'END'
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/sh /tests
StandardInput=null
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
END
cat >"$root/etc/systemd/system/dbus.socket" <<'END'
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
END
cat >"$root/etc/systemd/system/dbus.service" <<'END'
[Unit]
DefaultDependencies=no
Requires=dbus.socket
[Service]
ExecStart=/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation
END
# The unit as it is installed, its watchdog too: emulated, a round of the keeper may take seconds. But this machine has
# no units for what it depends on by default.
sed 's,@bindir@,/bin,' units/behalf-keeper.service >"$root/etc/systemd/system/behalf-keeper.service"
mkdir -p "$root/etc/systemd/system/behalf-keeper.service.d" "$root/var/tmp"
printf '[Unit]\nDefaultDependencies=no\n[Service]\nStandardError=append:/run/keeper.log\n' \
	>"$root/etc/systemd/system/behalf-keeper.service.d/test.conf"
# The manager of a user: what user@.service does, without a login.
cat >"$root/etc/systemd/system/manager.service" <<'END'
[Unit]
DefaultDependencies=no
[Service]
User=user
Delegate=pids memory cpu
Environment=XDG_RUNTIME_DIR=/run/user/1000 HOME=/tmp
ExecStart=/lib/systemd/systemd --user --log-target=console
StandardError=file:/run/manager.log
END
mkdir -p "$root/etc/systemd/user"
printf '[Unit]\nDefaultDependencies=no\n' | tee "$root/etc/systemd/user/default.target" \
	>"$root/etc/systemd/user/basic.target"
printf '[Unit]\nDefaultDependencies=no\nWants=tests.service\n' >"$root/etc/systemd/system/default.target"

# What the containers of the tests are like; the machine itself has no jq.
bundle=$root/bundle
mkdir -p "$bundle/rootfs"/{bin,dev,proc,sys,tmp,etc}
cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
for applet in sh true sleep cat mknod rm head ls; do ln -s busybox "$bundle/rootfs/bin/$applet"; done
"$BEHALF" spec --bundle "$bundle"
jq '.process.terminal = false | .process.args = ["/bin/true"] | .root.readonly = false
	| .process.capabilities |= map_values(. + ["CAP_MKNOD"])' "$bundle/config.json" >"$work/plain-$machine.json"
jq '.process.args = ["/bin/sleep", "1000"]
	| .linux.cgroupsPath = "one-two.slice:box:limits"
	| .linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]
	| .annotations["org.systemd.property.TimeoutStopSec"] = "uint64 7"
	| .annotations["org.systemd.property.CollectMode"] = "\u0027inactive-or-failed\u0027"
	| .linux.resources += {
		cpu: {shares: 512, quota: 50500, period: 100000, cpus: "0"},
		memory: {limit: 67108864, reservation: 33554432, swap: 134217728},
		pids: {limit: 20},
		unified: {"memory.high": "50331648"}}' "$work/plain-$machine.json" >"$bundle/limits.json"
jq '.linux.resources.unified = {}' "$bundle/limits.json" >"$bundle/limits-v1.json"
jq '.process.args = ["/bin/sleep", "1000"]' "$work/plain-$machine.json" >"$bundle/sleep.json"
jq '.linux.cgroupsPath = "/not/of/systemd"' "$work/plain-$machine.json" >"$bundle/path.json"
jq '.annotations["org.systemd.property.Nonsense"] = "true"' "$work/plain-$machine.json" >"$bundle/nonsense.json"
jq '.process.args = ["/bin/none"]' "$work/plain-$machine.json" >"$bundle/none.json"
rm -f "$bundle/config.json"
"$BEHALF" spec --rootless --bundle "$bundle"
jq '.process.terminal = false | .process.args = ["/bin/sleep", "1000"]
	| .linux.resources = {memory: {limit: 67108864}, pids: {limit: 20}}
	| .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}]
	| .linux.gidMappings = [{containerID: 0, hostID: 1000, size: 1}]' \
	"$bundle/config.json" >"$bundle/rootless.json"
rm "$bundle/config.json"
mv "$work/plain-$machine.json" "$bundle/plain.json"

# Another world: systemd-hybrid.sh. With VM_SYSTEMD_OPTIONS=behalf.only=TEST,TEST only those run.
machine_run systemd.show_status=0 systemd.log_target=kmsg systemd.log_level=warning \
	"${VM_SYSTEMD_OPTIONS:-}"
