#!/bin/sh
# readme.sh README OUT: the first C program of the README, which has to compile and to print what is said there.
set -eu
awk '/^```c$/ { on = 1; found = 1; next } /^```$/ && on { exit } on' "${1:?usage: readme.sh README OUT}" > "${2:?}"
[ -s "$2" ] || { echo "no C program in $1" >&2; exit 1; }
lines=$(wc -l < "$2")
[ "$lines" -le 30 ] || { echo "the README's program has grown to $lines lines" >&2; exit 1; }
