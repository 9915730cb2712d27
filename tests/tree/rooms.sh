#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# beside others
# Holds the #include lines of src/ to the table of rooms in ARCHITECTURE.md. One test per room.
set -u
cd "${SOURCE_DIR:-.}" || exit 1

# lines "ROOM ALLOWED..." out of the table: | room | may include | what lives there |
table=$(awk -F'|' '
	/^\| *room *\|/ { inside = 1; next }
	inside && !/^\|/ { exit }
	inside && $2 !~ /^-+$/ { gsub(/^ +| +$/, "", $2); print $2, $3 }
' ARCHITECTURE.md)

rooms=$(awk '{ print $1 }' <<<"$table")
echo "1..$(($(wc -l <<<"$rooms") + 2))"

if [ "$(wc -l <<<"$rooms")" -ge 11 ]; then
	echo "ok 1 ARCHITECTURE.md has a table of rooms"
else
	echo "not ok 1 ARCHITECTURE.md has a table of rooms"
	echo "# read: $table"
fi

strays=
for dir in src/*/; do
	dir=$(basename "$dir")
	if [ -n "$(ls "src/$dir")" ] && ! grep -qx "$dir" <<<"$rooms"; then
		strays+=" $dir"
	fi
done
if [ -z "$strays" ]; then
	echo "ok 2 every folder of src is a room of the table"
else
	echo "not ok 2 every folder of src is a room of the table"
	echo "# not in the table:$strays"
fi

# strangers FILE ALLOWED: what it includes and may not, as lines of comment.
strangers() {
	local file=$1 allowed=$2 header
	while read -r header; do
		case $allowed in
		*" ${header%%/*} "* | *" $header "*) ;;
		*) echo "# $file may not include $header" ;;
		esac
	done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*"([^"]+)".*/\1/p' "$file")
	# rooms are included with quotes; a header of another one in brackets would slip through
	while read -r header; do
		[[ $header != */* || ! -f src/$header ]] || echo "# $file: $header is ours, include it with quotes"
	done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*<([^>]+)>.*/\1/p' "$file")
}

number=2
while read -r room others; do
	number=$((number + 1))
	wrong=$(
		find "src/$room" -name '*.[ch]' 2>/dev/null | sort | while read -r file; do
			strangers "$file" " $room $others "
		done
	)
	if [ -z "$wrong" ]; then
		echo "ok $number $room"
	else
		echo "not ok $number $room"
		echo "$wrong"
	fi
done <<<"$table"
