#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 400
# behalf calibrate, end to end. Figures are asked to be sane, not good: a machine that runs tests is busy, and
# a profile that is not trusted (3) is as welcome as one that is.

bats_require_minimum_version 1.5.0

setup_file() {
	load helpers
	need_root
	need_btf
	need_verb calibrate
	need_program jq jq
	[ -e /run/behalf-calibrate ] && skip "another calibration is running"
	true
}

setup() {
	load helpers
	export BEHALF_PROFILE=""
	PROFILE=$BATS_TEST_TMPDIR/profile.json
	FIREWALL=behalf_calibrate_test_$$
}

teardown() {
	[ -z "${PID-}" ] || kill -9 "$PID" 2>/dev/null || true
	stop_spinners
	ip link delete bc$$a 2>/dev/null || true
	ip link delete bc$$c 2>/dev/null || true
	nft delete table inet "$FIREWALL" 2>/dev/null || true
	wait
}

SPINNERS=()

# All CPUs are busy from now on.
start_spinners() {
	local i
	for ((i = 0; i < $(nproc); i++)); do
		(while :; do :; done) 3>&- &
		SPINNERS+=($!)
	done
}

stop_spinners() {
	[ ${#SPINNERS[@]} -eq 0 ] || kill "${SPINNERS[@]}" 2>/dev/null || true
	SPINNERS=()
}

# What a calibration makes, as long as it is there.
traces() {
	ls -d /sys/fs/cgroup/*/behalf-calibrate-* /sys/fs/cgroup/behalf-calibrate-* \
		/sys/class/net/behalf-cal* /run/behalf-calibrate 2>/dev/null
	find "$BATS_TEST_TMPDIR" -name '*behalf-calibrate*'
}

no_traces() {
	[ -z "$(traces)" ]
}

# start ARGUMENTS...: in the background, until it measures; sets PID.
start() {
	# an earlier one's would say that it measures
	rm -f "$BATS_TEST_TMPDIR/err"
	"$BEHALF" calibrate --scratch "$BATS_TEST_TMPDIR" --output "$PROFILE" "$@" \
		>"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
	PID=$!
	wait_until 20 grep -q '^3/' "$BATS_TEST_TMPDIR/err"
}

# A profile of one path that is trusted since --force says so, of a host that is busy: made once, by whoever asks first.
make_trusted() {
	TRUSTED=$BATS_FILE_TMPDIR/trusted.json
	[ ! -e "$TRUSTED" ] || return 0
	start_spinners
	# where nobody says another file, the one that all others look for it in
	BEHALF_PROFILE=$TRUSTED run -0 "$BEHALF" calibrate --quick --only host --force
	stop_spinners
	echo "$output"
	[[ $output == *"trusted all the same, as --force says"* ]]
	[[ $output == *"written to $TRUSTED"* ]]
	jq -e '.trusted and (.distrust | startswith("others used"))' "$TRUSTED"
}

ledger_is_on() {
	[ "$("$BEHALF" ledger status -J | jq .on)" = true ]
}

@test "calibrate --quick makes a profile of every path" {
	local before=$SECONDS
	run "$BEHALF" calibrate --quick --scratch "$BATS_TEST_TMPDIR" --output "$PROFILE"
	echo "$output"
	[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	# under a minute on a quiet machine, which this one need not be
	[ $((SECONDS - before)) -lt $((90 * ${PATIENCE:-1})) ]
	no_traces
	jq -e '[.operations[] | select(.target == "bridge") | .kind + .mode] | sort ==
		["receivetcp", "receiveudp", "sendtcp", "sendudp"]' "$PROFILE"
	jq -e '[.operations[] | .fit[].r2] | all(. >= 0 and . <= 1)' "$PROFILE"
	jq -e '[.operations[] | .cost[] | .[]] | all(. >= 0)' "$PROFILE"
	# a packet costs between 50 ns and a millisecond on anything that runs this
	jq -e '[.operations[] | select(.mode == "udp") | [.cost[] | .unit_ns + .wakeup_ns] | add]
		| length > 3 and all(. > 50 and . < 1000000)' "$PROFILE"
	jq -e '.operations[] | select(.target == "bridge" and .mode == "udp" and .kind == "send")
		| .cost.net_rx.unit_ns + .cost.net_rx.wakeup_ns > 0 and .fit.workspace.r2 > 0.3' "$PROFILE"
	# every path, in every way; a device that was not named was stood in for
	jq -e '[.operations[] | select(.kind == "send" or .kind == "receive") | .target] | unique ==
		["bridge", "device", "forward", "host", "local", "macvlan", "uplink"]' "$PROFILE"
	jq -e '[.operations[] | select(.target == "uplink") | .kind + .mode] | sort ==
		["receivetcp", "receiveudp", "sendtcp", "sendudp"]' "$PROFILE"
	jq -e '.operations | all(.stand_in == (if .target == "device" then true else null end))' "$PROFILE"
	# the flusher works for who wrote; nobody's cache is read
	jq -e '[.operations[] | select(.kind == "read" or .kind == "write") | .kind + .mode] | sort ==
		["readbuffered", "readdirect", "readrandom", "writebuffered", "writedirect", "writesynced"]' "$PROFILE"
	jq -e '.operations[] | select(.kind == "write" and .mode == "buffered") |
		[.cost.writeback[]] | add > 1000' "$PROFILE"
	jq -e --arg kernel "$(uname -r)" '.host.kernel == $kernel and .host.cpus > 0' "$PROFILE"
}

@test "a ledger that was off stays off, also meanwhile" {
	ledger_is_on && skip "a ledger is on"
	start --quick --only bridge
	run ! ledger_is_on
	kill -INT "$PID"
	wait "$PID" || true
	run ! ledger_is_on
}

@test "an interrupted calibration leaves nothing, not even a profile" {
	local signal
	for signal in INT:130 TERM:143 HUP:129; do
		start --quick
		[ -n "$(traces)" ]
		kill "-${signal%:*}" "$PID"
		run wait "$PID"
		wait "$PID" || [ $? -eq "${signal#*:}" ]
		no_traces
		[ ! -e "$PROFILE" ]
		grep -q 'interrupted, nothing was written' "$BATS_TEST_TMPDIR/err"
	done
}

@test "what a killed calibration leaves, the next one takes away; --force trusts what a busy host says" {
	start --quick
	kill -9 "$PID"
	wait "$PID" || true
	[ -n "$(traces)" ]
	rm -f "$BATS_FILE_TMPDIR/trusted.json"
	make_trusted
	no_traces
}

@test "two calibrations at once are one too many" {
	start --quick
	run "$BEHALF" calibrate --quick --json
	[ "$status" -eq 1 ]
	[[ $output == *"another calibration is running"* ]]
	kill -0 "$PID"
	kill -INT "$PID"
	wait "$PID" || true
	no_traces
}

@test "a profile that is trusted is not replaced by one that is not, but with --force; a busy host tells nothing of it" {
	make_trusted
	cp "$TRUSTED" "$PROFILE"
	start_spinners
	run -4 --separate-stderr "$BEHALF" calibrate --check --only host --output "$PROFILE"
	[[ $output == *"the host was busy, so this tells nothing of the profile: others used "* ]]
	run -4 --separate-stderr "$BEHALF" calibrate --check --only host --output "$PROFILE" --json
	jq -e '.holds == false and (.busy | startswith("others used"))' <<<"$output"
	run -3 "$BEHALF" calibrate --quick --only host --output "$PROFILE"
	[[ $output == *"not written to $PROFILE"* ]]
	[[ $output == *"what was measured is not to be trusted: others used "*"'$PROFILE' keeps the profile that is"* ]]
	cmp "$PROFILE" "$TRUSTED"
	# one that is not trusted gives way; --only measures that only, and --json prints it as well
	jq '.trusted = false' "$TRUSTED" >"$PROFILE"
	run -3 --separate-stderr "$BEHALF" calibrate --quick --only host --output "$PROFILE" --json
	stop_spinners
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *"the profile is not to be trusted: others used "* ]]
	jq -e --argjson before "$(jq .took_s "$TRUSTED")" '.trusted == false and .took_s != $before' "$PROFILE"
	jq -e '.trusted == false and ([.operations[].target] | unique == ["host"]) and (.disks == [] or .disks == null)' <<<"$output"
	cmp <(jq -S . <<<"$output") <(jq -S . "$PROFILE")
	no_traces
}

# in_place FILE COMMAND...: with FILE where a profile is looked for.
in_place() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private sh -c 'mount -t tmpfs none /var/lib && mkdir /var/lib/behalf &&
		cp "$1" /var/lib/behalf/profile.json && shift && exec "$@"' - "$@"
}

@test "a profile that nothing goes by does not hold, without a measurement" {
	make_trusted
	jq '.host.kernel = "2.4.0"' "$TRUSTED" >"$PROFILE.foreign"
	run -3 in_place "$PROFILE.foreign" "$BEHALF" calibrate --check
	[[ $output == "the profile /var/lib/behalf/profile.json is not used: "*"calibrate anew"* ]]
	[ ${#lines[@]} -eq 1 ]
	run -3 in_place "$PROFILE.foreign" "$BEHALF" calibrate --check --json
	jq -e '.holds == false and (.not_used | contains("2.4.0")) and .paths == []' <<<"$output"
	echo nonsense >"$PROFILE.nonsense"
	run -3 in_place "$PROFILE.nonsense" "$BEHALF" calibrate --check
	[[ $output == "the profile is not used: "* ]]
	# one that was named is looked at all the same
	run --separate-stderr "$BEHALF" calibrate --check --only host --output "$PROFILE.foreign"
	[[ $output == *$'\nall '* ]]
}

# Two devices that reach each other, switched off.
make_devices() {
	DEVICES=(bc$$a bc$$b)
	ip link add "${DEVICES[0]}" type veth peer name "${DEVICES[1]}"
}

@test "devices that are named are handed over, and come back as they were" {
	need_program ip iproute2
	make_devices
	run "$BEHALF" calibrate --quick --force --only device --device "${DEVICES[0]},${DEVICES[1]}" --output "$PROFILE"
	echo "$output"
	[ "$status" -eq 0 ]
	jq -e '[.operations[] | .target + .kind + .mode] | sort == ["devicereceivetcp", "devicereceiveudp",
		"devicesendtcp", "devicesendudp"]' "$PROFILE"
	jq -e '.operations | all(.stand_in == null)' "$PROFILE"
	[[ $(cat "/sys/class/net/${DEVICES[0]}/operstate") == down ]]
	[ -z "$(ip -4 addr show "${DEVICES[1]}" | grep inet)" ]
	no_traces
	# what somebody uses is not taken
	ip link set "${DEVICES[0]}" up
	run "$BEHALF" calibrate --quick --only device --device "${DEVICES[1]},${DEVICES[0]}" --json
	[ "$status" -eq 1 ]
	[[ $output == *"'${DEVICES[0]}' is switched on: only a device that nobody uses is handed over"* ]]
	[ -e "/sys/class/net/${DEVICES[1]}" ]
	no_traces
}

@test "a device that cannot be switched on where it went comes back" {
	need_program ip iproute2
	make_devices
	ip link set "${DEVICES[0]}" up
	# one that has the address of the device below it cannot be switched on
	ip link add link "${DEVICES[0]}" name bc$$m address "$(cat "/sys/class/net/${DEVICES[0]}/address")" type macvlan
	ip link add bc$$c type veth peer name bc$$d
	run "$BEHALF" calibrate --quick --only device --device "bc$$d,bc$$m" --json
	echo "$output"
	[ "$status" -eq 1 ]
	[[ $output == *"bc$$m"* ]]
	[ -e "/sys/class/net/bc$$m" ]
	[ -e "/sys/class/net/bc$$d" ]
	no_traces
}

@test "a path on which nothing arrives is left out" {
	need_program ip iproute2
	# each has its partner, but not the other
	make_devices
	ip link add bc$$c type veth peer name bc$$d
	run "$BEHALF" calibrate --quick --only device --device "${DEVICES[0]},bc$$d" --json
	ip link delete bc$$c
	[ "$status" -eq 1 ]
	[[ $output == *"device is left out: nothing gets through"* ]]
	[ -e "/sys/class/net/${DEVICES[0]}" ]
	no_traces
}

@test "what a firewall refuses or drops is left out, each way and protocol by itself" {
	need_program nft nftables
	nft -f - <<-EOF || skip "no nftables"
		table inet $FIREWALL {
			chain input {
				type filter hook input priority 0
				iifname "behalf-cal0" meta l4proto udp drop
			}
			chain output {
				type filter hook output priority 0
				oifname "behalf-cal0" tcp flags & (syn | ack) == syn reject with tcp reset
			}
		}
	EOF
	run --separate-stderr "$BEHALF" calibrate --quick --force --only local --output "$PROFILE" --json
	# shellcheck disable=SC2154 # run sets it
	echo "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr == *"local (udp from the container) is left out: nothing gets through; is there a firewall?"* ]]
	[[ $stderr == *"local (tcp to the container) is left out: a generated load gave up: Connection refused"* ]]
	jq -e '[.operations[] | .target + " " + .kind + " " + .mode] | sort ==
		["local receive udp", "local send tcp"]' "$PROFILE"
	no_traces
}

@test "bad options are told in a sentence" {
	run "$BEHALF" calibrate --only bridge,tunnel
	[ "$status" -eq 1 ]
	[[ $output == *"--only: 'tunnel' is not one of bridge, local"* ]]
	run "$BEHALF" calibrate --device eth1
	[ "$status" -eq 1 ]
	[[ $output == *"--device: 'eth1': two devices are wanted, as eth1,eth2"* ]]
	run "$BEHALF" calibrate --only device --device bc-none,bc-not --json
	[ "$status" -eq 1 ]
	[[ $output == *"bc-none"* ]]
	run "$BEHALF" calibrate --output /nowhere/profile.json
	[ "$status" -eq 1 ]
	[[ $output == *"write into '/nowhere'"* ]]
	BEHALF_PROFILE=/nowhere/profile.json run -1 "$BEHALF" calibrate
	[[ $output == *"write into '/nowhere'"* ]]
	run -1 "$BEHALF" calibrate --check --quick
	[[ $output == *"calibrate --check: --quick has no meaning"* ]]
	run -1 "$BEHALF" calibrate --check --force
	[[ $output == *"calibrate --check: --force has no meaning"* ]]
	run -1 "$BEHALF" calibrate --check --output -
	[[ $output == *"calibrate --check: --output names the file"* ]]
	run "$BEHALF" calibrate --quick --scratch /nowhere --only disk --json
	[ "$status" -eq 1 ]
	[[ $output == *"make a scratch file in '/nowhere'"* ]]
	no_traces
}

@test "calibrate --check tells whether a profile still holds, and writes nothing" {
	run --separate-stderr "$BEHALF" calibrate --check --output "$PROFILE" --scratch "$BATS_TEST_TMPDIR"
	[ "$status" -eq 1 ]
	[[ $stderr == *"$PROFILE"* ]]
	run "$BEHALF" calibrate --quick --force --only bridge,disk --scratch "$BATS_TEST_TMPDIR" --output "$PROFILE"
	[ "$status" -eq 0 ]
	cp "$PROFILE" "$PROFILE.before"
	run --separate-stderr "$BEHALF" calibrate --check --only bridge,disk --scratch "$BATS_TEST_TMPDIR" --output "$PROFILE"
	echo "$output"
	echo "$stderr"
	[[ $output == *"PATH "*"HOLDS"*$'\nbridge '* ]]
	[[ $output == *$'\nall '* ]]
	# company: nobody asked for it, and the profile has nothing of it
	[[ $output != *$'\nhost '* ]]
	[[ $output != *"has nothing of"*" of host"* ]]
	case $status in
	0) [[ $output == *$'\nthe profile holds'* ]] ;;
	3) [[ $output == *$'\nthe profile does not hold any more: '*" costs "*"% "*" than it says; "* ]] ;;
	4) [[ $output == *$'\nthe host was busy'* ]] ;;
	*) false ;;
	esac
	# one by which everything costs a hundredth holds on no machine
	jq '.operations[] |= (.cost[][] /= 100 | .points[][3:] |= map(. / 100))' "$PROFILE" >"$PROFILE.cheap"
	run --separate-stderr "$BEHALF" calibrate --check --json --only bridge,local --output "$PROFILE.cheap"
	echo "$output"
	[ "$status" -eq 3 ] || [ "$status" -eq 4 ]
	[ "$(jq -c '[.holds, .drift > 10, [.paths[].path], .unknown[0].path]' <<<"$output")" = \
		'[false,true,["bridge"],"local"]' ]
	run --separate-stderr "$BEHALF" calibrate --check --only bridge,local --output "$PROFILE.cheap"
	echo "$output"
	[[ $output == *$'\nthe profile has nothing of '*" of local"* ]]
	[ "$status" -eq 4 ] || [[ $output == *"; all I/O together costs "*"; bridge costs "*"% more than it says; "* ]]
	cmp "$PROFILE" "$PROFILE.before"
	no_traces
}
