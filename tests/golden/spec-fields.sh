#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others
# Holds docs/spec-fields.md to the program and to the tests: a field that is called honoured is read (a
# value of another type is told), one that is called refused is refused by name, every key that the
# program knows is in the table, and a test that is named is there.
set -u
BEHALF=${BEHALF:?}
SOURCE_DIR=${SOURCE_DIR:?}
table=$SOURCE_DIR/docs/spec-fields.md

for program in jq awk; do
	if ! command -v $program >/dev/null; then
		echo "1..0 # SKIP no $program"
		exit 0
	fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/bundle/rootfs"
count=0

report() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$scratch/said"
	fi
}

# path FIELD: for jq's setpath; elements are the first ones, any key is "x"
path() {
	jq -nc --arg field "$1" '$field | gsub("\\[\\]"; ".0") | gsub("\\*"; "x") | split(".")
		| map(if test("^[0-9]+$") then tonumber else . end)'
}

# says FIELD VALUE PATTERN: the full configuration with VALUE there is refused in those words
says() {
	local name=${1//\[\]/[0]}
	jq -c --argjson path "$(path "$1")" --argjson value "$2" 'setpath($path; $value)' \
		"$SOURCE_DIR/tests/golden/bad-config/full.json" >"$scratch/bundle/config.json" 2>"$scratch/said" || return
	"$BEHALF" --root "$scratch/state" create --bundle "$scratch/bundle" "fields-$$" >"$scratch/said" 2>&1
	grep -qF -e "config.json: ${name//\*/x}: $3" "$scratch/said"
}

fields=$(awk -F'|' '/^\| `/ { gsub(/[` ]/, "", $2); gsub(/^ +| +$/, "", $3); print $2 "\t" $3 }' "$table")
while IFS=$'\t' read -r field state; do
	case $state in
	honoured*) says "$field" true expected || says "$field" 7 expected ;;
	refused) says "$field" '{"asked": [1]}' 'not supported by this build' || says "$field" '["asked"]' 'not supported by this build' ;;
	*) false ;;
	esac
	report $? "$field: $state"
done <<<"$fields"

# the last keys of the table, and those on the way to them
keys=$(awk -F'\t' '{ print $1 }' <<<"$fields" | tr '.' '\n' | sed 's/\[\]//' | sort -u)
# of processes alone and of other systems, or older names of engines
: >"$scratch/said"
grep -ho 'OCI_FIELD[A-Z_]*("[A-Za-z0-9]*"' "$SOURCE_DIR"/src/oci/*.c | sed 's/.*("//; s/"$//' | sort -u |
	grep -vx -e username | comm -23 - <(echo "$keys") >"$scratch/said"
[ ! -s "$scratch/said" ]
report $? "every key that is read is in the table"

# has_test FILE NAME: of bats, of C, or a function of the machine's shell
has_test() {
	case $1 in
	*.bats) grep -qF "@test \"$2\"" "$SOURCE_DIR/tests/integration/$1" ;;
	*.c) grep -qF "TEST($2)" "$SOURCE_DIR/tests/unit/$1" ;;
	vm/*) grep -qF "$2() {" "$SOURCE_DIR/tests/$1" ;;
	*) false ;;
	esac 2>>"$scratch/said"
}
awk -F'|' '/^\| `/ { gsub(/^ +| +$/, "", $4); gsub(/^ +| +$/, "", $3); if ($3 ~ /^honoured/) print $4 }' "$table" |
	sort -u | while IFS= read -r test; do
		has_test "${test%%: *}" "${test#*: }" || echo "$test"
	done >"$scratch/said"
[ ! -s "$scratch/said" ]
report $? "the tests that are named are there"
echo "1..$count"
