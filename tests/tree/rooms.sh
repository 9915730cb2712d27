#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Holds the #include lines of src/ to the table of rooms in ARCHITECTURE.md. One test per file.
set -u
cd "${SOURCE_DIR:-.}" || exit 1

# lines "ROOM ALLOWED..." out of the table: | room | may include | what lives there |
table=$(awk -F'|' '
	/^\| *room *\|/ { inside = 1; next }
	inside && !/^\|/ { exit }
	inside && $2 !~ /^-+$/ { gsub(/^ +| +$/, "", $2); print $2, $3 }
' ARCHITECTURE.md)

mapfile -t files < <(find src -name '*.[ch]' | sort)
echo "1..$((${#files[@]} + 2))"

rooms=$(awk '{ print $1 }' <<<"$table")
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

number=2
for file in "${files[@]}"; do
	number=$((number + 1))
	room=${file#src/}
	room=${room%%/*}
	allowed=" $room $(awk -v room="$room" '$1 == room { $1 = ""; print }' <<<"$table") "
	wrong=
	# Rooms are included with quotes; a header of another room in brackets would slip through otherwise.
	while read -r header; do
		into=${header%%/*}
		case $allowed in
		*" $into "* | *" $header "*) continue ;;
		esac
		wrong+="# $room may not include $header"$'\n'
	done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*"([^"]+)".*/\1/p' "$file")
	while read -r header; do
		into=${header%%/*}
		[ -f "src/$header" ] || continue
		[ "$into/" != "$header/" ] || continue
		wrong+="# $header is ours: include it with quotes"$'\n'
	done < <(sed -nE 's/^[ \t]*#[ \t]*include[ \t]*<([^>]+)>.*/\1/p' "$file")
	if [ -z "$wrong" ]; then
		echo "ok $number $file"
	else
		echo "not ok $number $file"
		printf '%s' "$wrong"
	fi
done
