#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Holds docs/ledger-rules.md to the program and to the tests: every hook and every counter that there is
# stands in it, none that there is not, and the test that a row names is there.
set -u
SOURCE_DIR=${SOURCE_DIR:?}
table=$SOURCE_DIR/docs/ledger-rules.md
count=0 failed=0

report() { # NAME MISSING
	count=$((count + 1))
	if [ -z "$2" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		sed 's/^/# /' <<<"$2"
		failed=1
	fi
}

hooks=$(grep -oP '^\t\{"\K[a-z_]+(?=", ")' "$SOURCE_DIR/src/ledger/hooks.c" | sort -u)
counters=$(grep -oP '\] = \{"\K[a-z_]+(?=")' "$SOURCE_DIR/src/ledger/counters.c" | sort -u)
# the first table; what comes after a heading is about what the rules cost
rows=$(sed '/^## /,$d' "$table" | grep '^| ' | sed 1d)
said_hooks=$(awk -F'|' '{ print $3 }' <<<"$rows" | grep -oP '`\K[a-z_]+' | sort -u)
said_counters=$({ awk -F'|' '{ print $7 }' <<<"$rows"; sed '1,/^| reclaim/d' "$table"; } |
	grep -oP '`\K(rule|fallback|fix|netns|accounts)_[a-z_]+' | sort -u)

report "there are hooks and counters" "$([ "$(wc -l <<<"$hooks")" -gt 30 ] &&
	[ "$(wc -l <<<"$counters")" -gt 30 ] || echo "hooks: $hooks; counters: $counters")"
report "every hook has its place" "$(comm -23 <(echo "$hooks") <(echo "$said_hooks"))"
report "every hook that is named is one" "$(comm -13 <(echo "$hooks") <(echo "$said_hooks"))"
report "every counter has its place" "$(comm -23 <(echo "$counters") <(echo "$said_counters"))"
report "every counter that is named is one" "$(comm -13 <(echo "$counters") <(echo "$said_counters"))"

# "bpf/FILE: NAME" is a test of that file, "none: WHY" is one that cannot be
missing=''
while IFS= read -r test; do
	file=${test%%:*} name=${test#*: }
	case $test in
	none:*) ;;
	bpf/test_*) grep -qF "TEST($name)" "$SOURCE_DIR/tests/$file.c" || missing+="$test"$'\n' ;;
	bpf/*) grep -qF "$name" "$SOURCE_DIR/tests/$file.sh" || missing+="$test"$'\n' ;;
	*) missing+="row without a test: $test"$'\n' ;;
	esac
done < <(awk -F'|' '!/^\|---/ { gsub(/^ +| +$/, "", $8); print $8 }' <<<"$rows")
report "every test that is named is there" "${missing%$'\n'}"

echo "1..$count"
exit $failed
