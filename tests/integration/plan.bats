#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# behalf plan from the command line. Nothing is made, so it needs no privileges.

bats_require_minimum_version 1.5.0

setup() {
	load helpers
	export BEHALF_PROMISES=$BATS_TEST_TMPDIR/promises BEHALF_PROFILE=""
	cd "$BATS_TEST_TMPDIR" || return
	# a host that is the same everywhere
	HOST=(--what-if cpus=4 --what-if memory=8GiB --what-if uplink=1gbit --what-if host.memory=400MiB)
	cat >web.yaml <<-EOF
		workspaces:
		- name: web
		  count: 2
		  cpu: {reserve: 0.5}
		  net:
		    egress: {reserve: 100mbit, packet-size: 1400, packet-size-worst: 1400}
		- name: db
		  cpus: 0
		  cpu: {reserve: 0.4}
		  memory: {reserve: 1GiB}
	EOF
	# a profile that is the same, too
	make_profile >p.json
}

plan() {
	"$BEHALF" plan "${HOST[@]}" --profile p.json "$@"
}

# A filter of jq over what `run` caught.
json() {
	jq -r "$1" <<<"$output"
}

# make_profile [KERNEL [DATE [TRUSTED]]]: one that was measured here, by what it says of itself.
make_profile() {
	local cpu
	cpu=$(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -n 1)
	jq -n --arg kernel "${1:-$(uname -r)}" --arg cpu "$cpu" --argjson cpus "$(getconf _NPROCESSORS_ONLN)" \
		--arg date "${2:-$(date -u +%FT%TZ)}" --argjson trusted "${3:-true}" '
		def cost($ns): {unit_ns: $ns, byte_ns: 0, connection_ns: 0, wakeup_ns: 0, connection_wakeup_ns: 0,
			asleep_ns: 0};
		def operation($mode; $target; $ns): {kind: "send", mode: $mode, target: $target,
			cost: {own: cost($ns), net_rx: cost($ns)}, gap_ns: 0, host_gap_ns: 0, awake_per_s: 0, asleep_share: 0,
			size_least_bytes: 60, size_most_bytes: 1514, units_most: 1e6, fit: (["workspace", "host", "unattributed"] | map({key: ., value: {upper: 1.5, r2: 1,
			residual_mean: 0, residual_worst: 0}}) | from_entries)};
		{behalf_profile: 2, source: "calibrated", version: "0.1.0", created: $date, host: {name: "x",
		kernel: $kernel, cpu_model: $cpu, cpus: $cpus}, quick: true, trusted: $trusted, took_s: 1, quantile: 0.95,
		base: {host_cpu_ns: 1e6, threads_cpu_ns: 5e5, host_cpu_upper_ns: 5e6, workspace_ns: 1e4}, disks: [],
		operations: [operation("udp"; "bridge"; 3000), operation("tcp"; "bridge"; 2000),
			operation("udp"; "macvlan"; 500), operation("tcp"; "macvlan"; 500)]}'
}

@test "admitted: exit status 0, and no line wider than 100" {
	run --separate-stderr plan web.yaml
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${lines[0]}" = "plan of web.yaml: 3 workspaces on $(hostname), 4 CPUs and 8 GiB" ]
	[[ $output == *$'\nadmitted: all of it can be kept in the worst case' ]]
	[ "$(wc -L <<<"$output")" -le 100 ]
}

@test "refused: exit status 3, with what is missing and what would fit" {
	run --separate-stderr plan --what-if web.count=7 --what-if uplink=10gbit web.yaml
	echo "$output"
	[ "$status" -eq 3 ]
	[ -z "$stderr" ]
	[[ $output == *$'\nrefused: CPU: the workspaces and the host need '*' cores of 4, '*' too much'* ]]
	[[ $output == *$'\nit would fit with '* ]]
	[[ $output == *$'\n          or with '*' more CPU'* ]]
}

@test "what is said to fit does, and less does not" {
	run --separate-stderr plan --json --what-if web.count=7 --what-if uplink=10gbit web.yaml
	[ "$status" -eq 3 ]
	cpus=$(json '.advice[] | capture("with (?<n>[0-9]+) more CPU").n')
	run -0 plan --what-if web.count=7 --what-if uplink=10gbit --what-if cpus=$((4 + cpus)) web.yaml
	run -3 plan --what-if web.count=7 --what-if uplink=10gbit --what-if cpus=$((3 + cpus)) web.yaml
	# the terms of one, and another path
	one=(--what-if web.count=1 --what-if db.count=0 --what-if web.cpu.reserve=none --what-if
		web.net.egress.packet-size-worst=100)
	head -n 6 web.yaml >one.yaml
	unset 'one[2]' 'one[3]'
	run --separate-stderr plan --json "${one[@]}" --what-if web.net.egress.reserve=900mbit one.yaml
	[ "$status" -eq 3 ]
	echo "$output" | jq .advice
	rate=$(json '.advice[0] | capture("net-egress-reserve (?<rate>[0-9a-z]+)").rate')
	run -0 plan "${one[@]}" --what-if web.net.egress.reserve="$rate" one.yaml
	run -3 plan "${one[@]}" --what-if web.net.egress.reserve=$((${rate%kbit} + 900))kbit one.yaml
	run --separate-stderr plan --json "${one[@]}" --what-if web.net.egress.reserve=900mbit one.yaml
	[ "$(json '.advice[1]')" = "with net-egress-packet-size-worst 255B" ]
	[ "$(json '.advice[2]')" = "with path macvlan instead of bridge" ]
	run -0 plan "${one[@]}" --what-if web.net.egress.reserve=900mbit --what-if web.net.egress.packet-size-worst=255 one.yaml
	run -3 plan "${one[@]}" --what-if web.net.egress.reserve=900mbit --what-if web.net.egress.packet-size-worst=254 one.yaml
	run -0 plan "${one[@]}" --what-if web.net.egress.reserve=900mbit --what-if web.path=macvlan one.yaml
}

@test "a set of CPUs that is too small" {
	run plan --what-if db.cpu.reserve=1.2 web.yaml
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *"refused: CPU 0: those that may run nowhere else need 1.205 cores of 1, 0.205 too much"* ]]
	[[ $output == *"with those that run on nothing but 0 on CPUs 0-3"* ]]
}

@test "--json: the figures add up" {
	run plan --json --explain web.yaml
	[ "$status" -eq 0 ]
	[ "$(json .verdict)" = admitted ]
	[ "$(json '.workspaces | length')" -eq 2 ]
	[ "$(json '[.workspaces[] | .worst.charge_ncores == .reserve_ncores + (.worst.io_ncores | add)] | all')" = true ]
	[ "$(json '.resources[0].needed == ([.workspaces[] | .count * .worst.charge_ncores] | add)
		+ .host_part.worst.total_ncores')" = true ]
	# every figure is coefficient x rate, rounded up
	[ "$(json '[.workspaces[0].flows[0].expected | . as $f | .cost[] | .ncores - (.unit_ns * $f.units_per_s
		+ .byte_ns * $f.bytes_per_s + .wakeup_ns * $f.wakeups_per_s) | . >= 0 and . < 1.001] | all')" = true ]
	# 12.5 MB/s in packets of 1400 bytes, of 3 us each
	[ "$(json '.workspaces[0].expected.io_ncores.own')" -eq 26785715 ]
	[ "$(json '.notes | length')" -eq 0 ]
	[ "$(json .profile.from)" = "p.json, calibrated $(date -u +%F), the quick way" ]
}

@test "--explain" {
	run plan --explain web.yaml
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"net egress: 100 mbit/s, packets of 1400 bytes, at worst 1400"* ]]
	[[ $output == *"own          3000 ns x 8928.57 packets/s = 0.027"* ]]
	[[ $output == *"own          1.5 x (3000 ns x 8928.57 packets/s) = 0.041"* ]]
}

@test "--max: as many more as fit, and not one more" {
	run plan --json --max web web.yaml
	[ "$status" -eq 0 ]
	more=$(json .max.more)
	[ "$more" -gt 0 ]
	run -0 plan --what-if web.count=$((2 + more)) web.yaml
	run -3 plan --what-if web.count=$((3 + more)) web.yaml
	run plan --max nobody web.yaml
	[ "$status" -eq 1 ]
	[[ $output == *"--max: there is no workspace 'nobody' in the plan" ]]
}

@test "--html: one page that loads nothing" {
	run plan --html --what-if web.count=9 web.yaml
	[ "$status" -eq 3 ]
	page=$output
	run grep -iE '(src|href)=|url\(|@import|<script|<link' <<<"$page"
	[ "$status" -eq 1 ]
	grep -q '<b>Refused</b>' <<<"$page"
	for tag in table tr div details pre ul li html body; do
		[ "$(grep -oE "<${tag}[ >]" <<<"$page" | wc -l)" -eq "$(grep -oF "</$tag>" <<<"$page" | wc -l)" ]
	done
}

@test "standard input, JSON as well as YAML" {
	run plan - <<<'{"workspaces": [{"name": "x", "cpu": {"reserve": 1}}]}'
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "plan of -: 1 workspace on "* ]]
}

@test "without a file: what is promised here" {
	run plan
	[ "$status" -eq 0 ]
	[[ ${lines[0]} =~ ^"plan of what is promised here: "[0-9]+" workspace" ]]
}

@test "bad input: one sentence, exit status 1, and nothing on standard output" {
	printf 'workspaces:\n- name: web\n  cpu: {reserve: lots}\n' >bad.yaml
	while IFS='|' read -r arguments words; do
		read -ra words_of <<<"$arguments"
		run --separate-stderr plan "${words_of[@]}"
		echo "$arguments: $status: $stderr"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == *"$words"* ]]
	done <<-'END'
		bad.yaml|bad.yaml:3: workspaces[0].cpu.reserve 'lots'
		nowhere.yaml|'nowhere.yaml'
		web.yaml web.yaml|at most one file
		--json --html web.yaml|exclude each other
		--kubernetes=pods web.yaml|'classes' or 'kubelet' is wanted
		--what-if web.yaml|KEY=VALUE is wanted
		--what-if web.luck=1 web.yaml|--what-if: web.luck=1: there is no term 'luck'
		--profile nowhere.json web.yaml|'nowhere.json'
		--profile web.yaml web.yaml|web.yaml: line 1
	END
	run plan --luck web.yaml
	[ "$status" -eq 1 ]
}

@test "what a profile lacks is told" {
	run plan --json --what-if web.path=host web.yaml
	[[ $(json '.notes[0]') == "the profile lacks I/O of 1 workspace: "* ]]
	[ "$(json '.workspaces | map(.measured) | @csv')" = "false,true" ]
	BEHALF_PROFILE=p.json run -0 "$BEHALF" plan --json "${HOST[@]}" web.yaml
	[ "$(json .profile.calibrated)" = true ]
}

@test "a profile that may not hold here is told" {
	make_profile 1.2.3 >p.json
	run plan --json web.yaml
	[ "$(json '.notes[0]')" = "the profile p.json may not hold here: it was measured with kernel 1.2.3, this is $(uname -r)" ]
	make_profile "$(uname -r)" 2020-01-01T00:00:00Z >p.json
	run plan --json web.yaml
	[[ $(json '.notes[0]') == "the profile p.json may not hold here: it was measured "*" days ago" ]]
	make_profile "$(uname -r)" "$(date -u +%FT%TZ)" false >p.json
	run plan --json web.yaml
	[[ $(json '.notes[0]') == *"it does not trust itself"* ]]
}

# with_profile FILE ARGUMENTS...: plan, with FILE where calibrate leaves its profile
with_profile() {
	unshare --mount --propagation private sh -c 'mount -t tmpfs none /var/lib && mkdir /var/lib/behalf &&
		cp "$1" /var/lib/behalf/profile.json && shift && exec "$@"' sh "$1" "$BEHALF" plan "${HOST[@]}" --json "${@:2}"
}

@test "at its usual place a profile is used only when it holds here" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	run -0 with_profile p.json web.yaml
	[ "$(json .profile.from)" = "/var/lib/behalf/profile.json, calibrated $(date -u +%F), the quick way" ]
	[ "$(json '.notes | length')" -eq 0 ]
	make_profile 1.2.3 >foreign.json
	run with_profile foreign.json web.yaml
	[ "$(json .profile.from)" = "built in, conservative" ]
	[[ $(json '.notes[0]') == "the profile /var/lib/behalf/profile.json is not used: it was measured with kernel 1.2.3, "* ]]
	echo '{' >broken.json
	run with_profile broken.json web.yaml
	[ "$(json .profile.calibrated)" = false ]
	[[ $(json '.notes[0]') == "the profile is not used: /var/lib/behalf/profile.json: line 2: "* ]]
	# one that was named is another matter
	run with_profile p.json --profile broken.json web.yaml
	[ "$status" -eq 1 ]
}

@test "what is refused has no lines for Slurm" {
	run --separate-stderr plan --slurm --what-if web.count=7 web.yaml
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $stderr == *"refused: CPU: "* ]]
	[[ $output == "# nothing for slurm.conf: the plan is refused"$'\n# CPU: '* ]]
	! grep -v '^#' <<<"$output"
	run --separate-stderr plan --slurm web.yaml
	[ "$status" -eq 0 ]
	[[ $output == *"CoreSpecCount="* ]]
}

@test "CPUs that the host does not have hold nobody" {
	printf 'workspaces:\n- name: db\n  cpus: 9\n' >db.yaml
	run --separate-stderr plan db.yaml
	echo "$output"
	[ "$status" -eq 3 ]
	[[ $output == *"refused: CPU: 0.001 cores are needed on CPUs that are not there"* ]]
	# a limit takes nothing from anybody
	run --separate-stderr plan --what-if db.cpu.limit=9 web.yaml
	[ "$status" -eq 0 ]
}

@test "nobody is called host, and what is called JSON is" {
	echo '{"workspaces": [{"name": "host"}]}' >host.json
	run plan host.json
	[ "$status" -eq 1 ]
	[[ $output == *"host.json:1: workspaces[0].name: 'host' is what the host's own part is called" ]]
	echo '{"workspaces": [{"name": "a"},]}' >comma.json
	run plan comma.json
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"comma.json: line 1: "* ]]
	cp comma.json comma.yaml
	plan comma.yaml
}

# mark SECONDS_AGO THREADS_MS OWN_MS WORK_MS REST_MS: what the ledger had counted of the host by then.
mark() {
	local uptime
	uptime=$(awk '{ print int($1 * 1000) }' /proc/uptime)
	echo "1 $((uptime - $1 * 1000))000000 77 ${2}000000 ${3}000000 ${4}000000 ${5}000000" >>"$BEHALF_PROMISES.marks"
}

@test "the host's base is what the ledger counted of it lately, where it did" {
	run --separate-stderr plan --json web.yaml
	[ "$(json .host_part.base_from)" = profile ]
	[ "$(json .host_part.expected.kernel_ncores)" -eq 4000000 ]
	[ "$(json .host_part.worst.kernel_ncores)" -eq 20000000 ]
	notes=$(json '.notes | length')
	[ ! -e "$BEHALF_PROMISES.marks" ] || skip "a ledger is on"
	# 100 s: threads 0.2 s, work items 0.1 s, the rest 0.1 s: 4 ms/s
	mark 105 5000 5000 100 100
	mark 5 5200 5200 200 200
	run --separate-stderr plan --json web.yaml
	echo "$output"
	[ "$(json .host_part.base_from)" = ledger ]
	[ "$(json '.host_part.base_seconds | round')" -eq 100 ]
	# next to nothing is promised that it could have been for
	cpus=$(getconf _NPROCESSORS_ONLN)
	[ "$(json ".host_part.expected.kernel_ncores * $cpus / 4 - 4000000 | fabs < 200000")" = true ]
	# what is admitted by is the profile's
	[ "$(json .host_part.worst.kernel_ncores)" -eq 20000000 ]
	[ "$(json '.notes | length')" -eq "$notes" ]
	run --separate-stderr plan --explain web.yaml
	[[ $output == *"host: what its kernel does for itself is as the ledger counted it in 100 s until "*" s ago"* ]]
	[[ $output == *" (as the ledger counted it in 100 s until "* ]]
	# also when it was much more, which is told
	rm "$BEHALF_PROMISES.marks"
	mark 105 5000 5000 100 100
	mark 5 25000 25000 200 200
	run --separate-stderr plan --json web.yaml
	[ "$status" -eq 0 ]
	[ "$(json .host_part.worst.kernel_ncores)" -eq 20000000 ]
	[ "$(json .host_part.expected.kernel_ncores)" -eq 20000000 ]
	[[ $(json '.notes | join(" ")') == *" more than the worst case of the profile"* ]]
	# nor is it what another host does
	make_profile 1.2.3 >other.json
	run --separate-stderr plan --profile other.json --json web.yaml
	[ "$(json .host_part.base_from)" = profile ]
	# what is older says nothing of now
	rm "$BEHALF_PROMISES.marks"
	mark 1000 5000 5000 100 100
	mark 900 6000 6000 300 400
	run --separate-stderr plan --json web.yaml
	[ "$(json .host_part.base_from)" = profile ]
}
