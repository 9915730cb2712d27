#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What `plan --kubernetes` prints, held to Kubernetes' own schemas: the OpenAPI description for
# RuntimeClass, the Go types of the kubelet's configuration, which no description has.
# timeout: 180
# beside others

bats_require_minimum_version 1.5.0

# The kubelet's types are in a package of a later Debian; it is unpacked, not installed.
fetch_types() {
	local apt=$CHECK/apt mirror types=usr/share/gocode/src/k8s.io/kubelet/config/v1beta1/types.go
	TYPES=$CHECK/types.go
	export TYPES
	[ ! -e "$TYPES" ] || return 0
	# from where this machine has its own packages
	# shellcheck disable=SC2016 # variables of apt
	mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' 'Component: main' |
		grep -v security | head -n 1)
	[ -n "$mirror" ] || return
	mkdir -p "$apt/lists/partial" "$apt/cache"
	echo "deb $mirror sid main" >"$apt/sources.list"
	(
		cd "$apt" || exit
		options=(-qq -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=-
			-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o Acquire::Languages=none)
		timeout 60 apt-get "${options[@]}" update &&
			timeout 60 apt-get "${options[@]}" download golang-github-kubernetes-kubelet-dev &&
			dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./$types" >"$TYPES.new" &&
			mv "$TYPES.new" "$TYPES"
	) >"$CHECK/log" 2>&1
	local status=$?
	rm -rf "$apt"
	return $status
}

setup_file() {
	load ../integration/helpers
	load npm_helpers
	need_program node nodejs
	need_program npm
	SOURCE=$BATS_TEST_DIRNAME
	export SOURCE
	CHECK=$(install_packages kubernetes) || skip "npm cannot install the packages of the check"
	export CHECK
	cp "$SOURCE/kubernetes/check.js" "$CHECK/"
	cat >"$BATS_FILE_TMPDIR/web.yaml" <<-EOF
		workspaces:
		- name: web
		  count: 3
		  cpu: {reserve: 0.1, limit: 2, share: 200}
		  memory: {reserve: 64MiB, limit: 2GiB}
		  path: macvlan
		  net:
		    egress: {reserve: 5mbit, packet-size: 1400, packet-size-worst: 512, connections: 10}
		    ingress: {reserve: 2mbit, limit: 1gbit, share: 3}
		- name: Web_.+
		  disk:
		  - read: {reserve: 1MB/s, reserve-iops: 100iops}
		  - device: /dev/nowhere
		    write: {reserve: 1MB/s, buffered: true}
		- name: idle
	EOF
}

setup() {
	load ../integration/helpers
	export BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises
}

check() {
	(cd "$CHECK" && node check.js "$@")
}

plan() {
	"$BEHALF" plan "$@" "$BATS_FILE_TMPDIR/web.yaml"
}

@test "a RuntimeClass for each workspace" {
	plan --kubernetes=classes >"$BATS_TEST_TMPDIR/classes"
	run check <"$BATS_TEST_TMPDIR/classes"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^"RuntimeClass behalf-web "[0-9]+m$ ]]
	[[ ${lines[1]} =~ ^"RuntimeClass behalf-web-2 "[0-9]+m$ ]]
	[ "${lines[2]}" = "RuntimeClass behalf-idle -" ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "the overhead is what the plan says is done on behalf" {
	want=$(plan --json | jq '[.workspaces[] | .worst.io_ncores | del(.own) | add / 1e6 | ceil] | map("\(.)m")
		| map(select(. != "0m")) | join(" ")' -r)
	run check < <(plan --kubernetes=classes)
	[ "$(awk '$3 != "-" { print $3 }' <<<"$output" | paste -sd ' ')" = "$want" ]
}

@test "the kubelet's part" {
	fetch_types || skip "the kubelet's types cannot be fetched"
	run check "$TYPES" < <(plan --kubernetes=kubelet)
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$output" = "KubeletConfiguration apiVersion kind systemReserved" ]
	want=$(plan --json | jq '.host_part.worst.total_ncores / 1e6 | ceil')
	plan --kubernetes=kubelet | grep -qx "  cpu: \"${want}m\""
}

@test "the check refuses what Kubernetes does" {
	plan --kubernetes=classes >"$BATS_TEST_TMPDIR/good"
	while IFS='|' read -r change words; do
		sed "$change" "$BATS_TEST_TMPDIR/good" >"$BATS_TEST_TMPDIR/bad"
		run ! check <"$BATS_TEST_TMPDIR/bad"
		[[ $output == *"$words"* ]] || { echo "$change: $output"; return 1; }
	done <<-'EOF'
		s/^handler: .*//|must have required property handler
		s/cpu: ".*m"$/cpu: "12 mi"/|must match format "quantity"
		s/cpu: ".*m"$/cpu: []/|podFixed/cpu must be
		s/podFixed:/podFixd:/|podFixd is not known
		s/name: behalf-web/name: Web_/|name
		s/io.behalf.workspace/io behalf/|annotation io behalf
		s,node.k8s.io/v1,node.k8s.io/v2,|apiVersion must be equal
	EOF
	fetch_types || return 0
	run ! check "$TYPES" < <(plan --kubernetes=kubelet | sed 's/systemReserved/systemReservd/')
	[[ $output == *"systemReservd is not known"* ]]
}
