#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 300
# beside others
# What is wrong in a configuration is told in one line that names file and key, with exit status 1, and
# nothing is left behind. Three parts: a table of single edits (bad-config/table.tsv), every value of a
# full configuration replaced by one of another type, and what is no configuration at all.
set -u
BEHALF=${BEHALF:?}
SOURCE_DIR=${SOURCE_DIR:?}
here=$SOURCE_DIR/tests/golden/bad-config

if ! command -v jq >/dev/null; then
	echo "1..0 # SKIP no jq"
	exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP needs root"
	exit 0
fi

scratch=$(mktemp -d)
state=$scratch/state
bundle=$scratch/bundle
id=bad-config-$$
count=0
mkdir -p "$bundle/rootfs/bin" "$state"
"$BEHALF" spec --bundle "$bundle" || exit 1
jq '.process.terminal = false' "$bundle/config.json" >"$scratch/good.json"

finish() {
	"$BEHALF" --root "$state" delete --force "$id" 2>/dev/null
	rm -rf "$scratch"
}
trap finish EXIT

report() { # STATUS NAME
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		sed 's/^/# /' "$scratch/stderr"
	fi
}

# create_refuses NAME PATTERN: the one line on standard error matches PATTERN, a shell pattern.
create_refuses() {
	local status=0 line lines
	"$BEHALF" --root "$state" "${use_verb-create}" --bundle "${use_bundle-$bundle}" "${use_id-$id}" \
		>"$scratch/stdout" 2>"$scratch/stderr" </dev/null || status=$?
	lines=$(wc -l <"$scratch/stderr")
	line=$(head -n 1 "$scratch/stderr")
	local bad=1
	# shellcheck disable=SC2053 # a pattern is wanted
	if [ "$status" -eq 1 ] && [ "$lines" -eq 1 ] && [ ! -s "$scratch/stdout" ] && [[ $line == $2 ]]; then
		bad=0
	else
		echo "exit status $status, $lines lines, wanted: $2" >>"$scratch/stderr"
	fi
	report $bad "$1"
}

# In a pattern: the characters that mean something there, quoted.
quote() {
	local text=${1//\\/\\\\}
	text=${text//\[/\\[}
	text=${text//\]/\\]}
	text=${text//\?/\\?}
	echo "$text"
}

# --- the table

while IFS=$'\t' read -r edit sentence; do
	case $edit in '' | '#'*) continue ;; esac
	if ! jq "$edit" "$scratch/good.json" >"$bundle/config.json" 2>"$scratch/stderr"; then
		report 1 "jq: $edit"
		continue
	fi
	create_refuses "$sentence" "*/config.json: $(quote "$sentence")"
done <"$here/table.tsv"

# --- every value as another type

# The filter prints each changed configuration on a line, behind the way to what was changed.
# shellcheck disable=SC2016 # the variables are of jq
ways='
def way: reduce .[] as $p (""; if ($p | type) == "number" then . + "[\($p)]"
	elif ($p | test("^[A-Za-z0-9_]+$")) then (if . == "" then $p else . + "." + $p end)
	else . + "[\u0027\($p)\u0027]" end);
def other: if type == "string" then 7 elif type == "number" then "seven" elif type == "boolean" then "true"
	elif type == "array" then {"a": 1} else [1] end;
. as $c | [paths] | unique | .[] | . as $p | ($p | way) + "\t" + ($c | setpath($p; getpath($p) | other) | tojson)'
n=0
while IFS=$'\t' read -r way config; do
	printf '%s' "$config" >"$bundle/config.json"
	create_refuses "another type: $way" "*/config.json: $(quote "$way"): expected *, found *"
	n=$((n + 1))
done < <(jq -r "$ways" "$here/full.json")
[ $n -ge 200 ]
report $? "the full configuration has 200 values or more"

# --- no configuration

good() { cp "$scratch/good.json" "$bundle/config.json"; }

size=$(wc -c <"$scratch/good.json")
for at in 0 1 17 $((size / 3)) $((size / 2)) $((size - 3)); do
	head -c "$at" "$scratch/good.json" >"$bundle/config.json"
	create_refuses "truncated at $at" "*/config.json: line *: *"
done
{ cat "$scratch/good.json"; echo '}'; } >"$bundle/config.json"
create_refuses "something after the end" "*/config.json: line *: *"
{ cat "$scratch/good.json"; cat "$scratch/good.json"; } >"$bundle/config.json"
create_refuses "two configurations" "*/config.json: line *: *"
printf '{"ociVersion": "1.0.\xff2"}' >"$bundle/config.json"
create_refuses "not UTF-8" "*/config.json: line 1: *"
printf '\x00\x01\x02\x03' >"$bundle/config.json"
create_refuses "binary" "*/config.json: line 1: *"
echo "[1, 2]" >"$bundle/config.json"
create_refuses "an array" "*/config.json: expected an object, found an array"
echo "null" >"$bundle/config.json"
create_refuses "null" "*/config.json: expected an object, found null"
echo "{'ociVersion': '1.0.0'}" >"$bundle/config.json"
create_refuses "single quotes" "*/config.json: line 1: *"
{ printf '{"annotations": '; printf '[%.0s' {1..5000}; } >"$bundle/config.json"
create_refuses "nested deeply" "*/config.json: line 1: *"
{ cat "$scratch/good.json"; head -c 17000000 /dev/zero | tr '\0' ' '; } >"$bundle/config.json"
create_refuses "over 16 MiB" "*/config.json: larger than 16777216 bytes"
rm "$bundle/config.json"
create_refuses "no file" "*/config.json': No such file or directory"
mkdir "$bundle/config.json"
create_refuses "a directory" "*/config.json: not a regular file"
rmdir "$bundle/config.json"
mkfifo "$bundle/config.json"
create_refuses "a FIFO" "*/config.json: not a regular file"
rm "$bundle/config.json"
ln -s config.json "$bundle/config.json"
create_refuses "a symlink to itself" "*/config.json': Too many levels of symbolic links"
rm "$bundle/config.json"

# --- the command line and the bundle

good
use_bundle=$scratch/nowhere create_refuses "no bundle" "*$scratch/nowhere*No such file or directory*"
use_bundle=$scratch/good.json create_refuses "a file as the bundle" "*good.json*Not a directory*"
use_id='' create_refuses "an empty id" "*id*"
use_id=a/b create_refuses "an id with a slash" "*id*a/b*"
use_id=.. create_refuses "an id that is .." "*id*..*"
use_id=$(printf 'a%.0s' {1..2000}) create_refuses "an endless id" "*id*"
use_id=$'a\nb' create_refuses "an id of two lines" "*id*"
jq 'del(.process)' "$scratch/good.json" >"$bundle/config.json"
create_refuses "no process" "*config.json: process*"
jq '.root.path = "elsewhere"' "$scratch/good.json" >"$bundle/config.json"
create_refuses "no root file system" "*elsewhere*"
jq '.root.path = "config.json"' "$scratch/good.json" >"$bundle/config.json"
create_refuses "a file as the root file system" "*config.json*"
good
create_refuses "a program that is not there" "*'sh'*"
cp /bin/busybox "$bundle/rootfs/bin/sh" 2>/dev/null || cp /bin/true "$bundle/rootfs/bin/sh"
jq '.mounts += [{"destination": "/m", "type": "tmpfs", "source": "tmpfs", "options": ["no-such-option"]}]' \
	"$scratch/good.json" >"$bundle/config.json"
create_refuses "a mount option the file system does not know" "*mounts*no-such-option*"
jq '.linux.namespaces |= map(if .type == "network" then .path = "/proc/self/ns/uts" else . end)' \
	"$scratch/good.json" >"$bundle/config.json"
create_refuses "a namespace of another type" "*linux.namespaces\[1\]*"
jq '.linux.namespaces |= map(if .type == "network" then .path = "/nowhere/net" else . end)' \
	"$scratch/good.json" >"$bundle/config.json"
create_refuses "a namespace that is not there" "*/nowhere/net*"

# --- run says the same

rm "$bundle/config.json"
use_verb=run create_refuses "run: no file" "*/config.json': No such file or directory"
head -c 100 "$scratch/good.json" >"$bundle/config.json"
use_verb=run create_refuses "run: truncated" "*/config.json: line *: *"
jq '.linux.namespaces[0].type = "nett"' "$scratch/good.json" >"$bundle/config.json"
use_verb=run create_refuses "run: an unknown namespace" \
	"*/config.json: linux.namespaces\[0\].type: unknown namespace 'nett'"
jq '.process.cwd = 7' "$scratch/good.json" >"$bundle/config.json"
use_verb=run create_refuses "run: another type" "*/config.json: process.cwd: expected a string, found a number"
jq '.mounts += [{"destination": "/m", "type": "bind", "source": "/nowhere", "options": ["bind"]}]' \
	"$scratch/good.json" >"$bundle/config.json"
use_verb=run create_refuses "run: a source that is not there" "*mounts*/nowhere*"

# --- nothing is left behind

: >"$scratch/stderr"
find "$state" -mindepth 1 -name '[!.]*' >"$scratch/stderr"
[ ! -s "$scratch/stderr" ]
report $? "the state directory is empty"
grep -F -e "$scratch" -e "$id" /proc/self/mountinfo >"$scratch/stderr"
[ ! -s "$scratch/stderr" ]
report $? "no mount is left"
find /sys/fs/cgroup -type d -path "*$id*" >"$scratch/stderr" 2>/dev/null
[ ! -s "$scratch/stderr" ]
report $? "no control group is left"

# --- a duplicate id, with a container that must survive it

good
if "$BEHALF" --root "$state" "${use_verb-create}" --bundle "$bundle" "$id" >"$scratch/stderr" 2>&1 </dev/null; then
	create_refuses "an id that is taken" "*exist*$id*"
	"$BEHALF" --root "$state" state "$id" >"$scratch/stdout" 2>"$scratch/stderr"
	[ "$(jq -r .status "$scratch/stdout")" = created ]
	report $? "the container that had the id is still there"
else
	report 1 "the good configuration is taken"
fi
echo "1..$count"
