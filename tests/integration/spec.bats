#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# behalf spec and behalf features.

setup() {
	load helpers
	cd "$BATS_TEST_TMPDIR" || return 1
}

@test "spec writes a configuration into the working directory" {
	run "$BEHALF" spec
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(jq -r .root.path config.json)" = rootfs ]
	[ "$(jq -r '.ociVersion | startswith("1.")' config.json)" = true ]
	[ "$(jq -c .process.args config.json)" = '["sh"]' ]
}

@test "spec says the same as the one of runc, but for the host name" {
	need_program runc
	mkdir theirs ours
	runc spec --bundle theirs
	"$BEHALF" spec --bundle ours
	filter='del(.ociVersion, .hostname, .process.capabilities.inheritable, .process.capabilities.ambient)
		| .linux.namespaces |= (map(select(.type != "cgroup")) | sort)
		| .linux.maskedPaths |= map(select(IN("/sys/devices/virtual/powercap", "/proc/interrupts") | not))'
	diff <(jq -S "$filter" theirs/config.json) <(jq -S "$filter" ours/config.json)
}

@test "spec does not replace what is there" {
	echo precious >config.json
	run "$BEHALF" spec
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"'./config.json' exists already"* ]]
	[ "$(cat config.json)" = precious ]
}

@test "spec --file: another name, also outside the bundle" {
	mkdir -p ours
	"$BEHALF" spec --bundle ours --file other.json
	"$BEHALF" spec -b ours -f "$PWD/absolute.json"
	[ ! -e ours/config.json ]
	cmp ours/other.json absolute.json
	run "$BEHALF" spec -b ours -f other.json
	[ "$status" -eq 1 ]
	[[ $output == *"'ours/other.json' exists already"* ]]
}

@test "spec names a bundle that is not there" {
	run "$BEHALF" spec --bundle nowhere
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"'nowhere'"* ]]
}

@test "spec and features refuse arguments they do not know" {
	run "$BEHALF" spec something
	[ "$status" -eq 1 ]
	[[ $output == *"'something'"* ]]
	run "$BEHALF" features something
	[ "$status" -eq 1 ]
	[[ $output == *"'something'"* ]]
}

@test "features is a features document" {
	"$BEHALF" features >features.json
	[ "$(jq -r .ociVersionMin features.json)" = 1.0.0 ]
	[ "$(jq -r '.hooks | index("createRuntime") != null' features.json)" = true ]
	[ "$(jq -r '.mountOptions | length >= 60 and (. == sort)' features.json)" = true ]
	[ "$(jq -c '.linux.namespaces' features.json)" = '["cgroup","ipc","mount","network","pid","time","user","uts"]' ]
	[ "$(jq -r '.linux.capabilities | length' features.json)" = 41 ]
	systemd=false
	[[ $("$BEHALF" --version) != *+SYSTEMD* ]] || systemd=true
	jq -e ".linux.cgroup == {v1: true, v2: true, systemd: $systemd, systemdUser: $systemd, rdma: true}" features.json
	[ "$(jq -r '.linux.seccomp.enabled' features.json)" = true ]
	[ "$(jq -r '.linux.seccomp.actions | index("SCMP_ACT_ALLOW") != null' features.json)" = true ]
	[ "$(jq -r '.linux.mountExtensions.idmap.enabled' features.json)" = true ]
	[ "$(jq -c '.linux | [.netDevices, .apparmor, .selinux] | unique' features.json)" = '[{"enabled":true}]' ]
	jq -e '.linux.intelRdt == {enabled: true, schemata: true, monitoring: true}' features.json
	[ "$(jq -c '.linux.memoryPolicy.modes | length' features.json)" = 7 ]
	[ "$(jq -c '.potentiallyUnsafeConfigAnnotations' features.json)" = \
		'["io.behalf.","org.systemd.property.","run.oci.hooks.stderr","run.oci.hooks.stdout","run.oci.keep_original_groups","run.oci.mount_context_type","run.oci.pidfd_receiver"]' ]
}

@test "features: of the flags of seccomp those are supported that the kernel has" {
	[ "$("$BEHALF" features | jq -c '.linux.seccomp | .knownFlags - .supportedFlags')" = '[]' ]
	# a kernel without any: every call of seccomp(2) fails
	need_root
	need_program strace
	without_leak_check
	run strace -f -o /dev/null -e inject=seccomp:error=EINVAL "$BEHALF" features
	[ "$(jq -c '.linux.seccomp.supportedFlags' <<<"$output")" = '[]' ]
	[ "$(jq -c '.linux.seccomp.knownFlags | length' <<<"$output")" = 4 ]
}

@test "every mount option that features tells is taken, for a bind mount" {
	need_root
	mkdir -p rootfs
	"$BEHALF" spec
	# A program that does not exist: all of the configuration was taken when that is the complaint.
	options=$("$BEHALF" features | jq -c '[.mountOptions[] | select(IN("remount", "shared", "rshared") | not)]')
	jq --argjson o "$options" '.process.terminal = false
		| .mounts += [{"destination": "/m", "type": "bind", "source": "/tmp", "options": $o}]' \
		config.json >config.new
	mv config.new config.json
	run "$BEHALF" --root "$BATS_TEST_TMPDIR/state" create "bt-options-$$"
	"$BEHALF" --root "$BATS_TEST_TMPDIR/state" delete --force "bt-options-$$" || true
	[[ $output != *"unknown mount option"* ]]
}
