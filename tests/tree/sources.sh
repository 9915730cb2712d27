#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# What every source file has: its licence at the top, in the form for its kind; headers are guarded.
# And every verb has its manual page.
set -u
cd "${SOURCE_DIR:-.}" || exit 1
id='SPDX-License-Identifier: GPL-2.0-or-later'
number=0

result() {
	number=$((number + 1))
	if [ -z "$2" ]; then
		echo "ok $number $1"
	else
		echo "not ok $number $1"
		printf '#   %s\n' $2
	fi
}

list() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard -- "$@"
	else
		find . -path './build*' -prune -o -type f -print | sed 's,^\./,,' |
			while read -r file; do
				for pattern; do
					# shellcheck disable=SC2053
					[[ $file == $pattern ]] && echo "$file"
				done
			done
	fi | while read -r file; do [ -f "$file" ] && echo "$file"; done
}

bad=
for file in $(list 'src/*.c' 'tests/*.c' 'bench/*.c' 'examples/*.c'); do
	[ "$(head -n 1 "$file")" = "// $id" ] || bad+=" $file"
done
result 'C files begin with their licence' "$bad"

bad=
for file in $(list 'src/*.h' 'tests/*.h'); do
	[ "$(head -n 1 "$file")" = "/* $id */" ] || bad+=" $file"
done
result 'headers begin with their licence' "$bad"

bad=
for file in $(list 'tools/*' 'tests/*.sh' 'tests/*.bats' 'tests/*.bash' 'bench/*' '.ci/*' 'completions/*' \
	'Makefile' '*meson.build' 'meson_options.txt'); do
	case $file in
	*.c | *.h | *.md | *.json | *.txt) [ "$file" = meson_options.txt ] || continue ;;
	esac
	# data that tests replay carries no licence of ours
	[ "$(head -c 2 "$file")" = '#!' ] || [[ $file == *.bats || $file == *.bash || $file == *meson* || $file == Makefile ]] || continue
	head -n 3 "$file" | grep -q "$id" || bad+=" $file"
done
result 'scripts and build files have their licence' "$bad"

bad=
for file in $(list 'src/*.h' 'tests/*.h'); do
	[ "$file" = src/cmd/verbs.h ] || grep -q '^#pragma once' "$file" || bad+=" $file"
done
result 'headers say #pragma once' "$bad"

bad=
for verb in $(sed -nE 's/^VERB\(([a-z_]+),.*/\1/p' src/cmd/verbs.h); do
	[ -f "man/behalf-$verb.1.scd" ] || bad+=" man/behalf-$verb.1.scd"
done
result 'every verb has its manual page' "$bad"

echo "1..$number"
