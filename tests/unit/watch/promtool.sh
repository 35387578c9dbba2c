#!/bin/sh
# promtool.sh PROGRAM: what "PROGRAM --print" writes passes "promtool check metrics", which must know it from a text
# that is wrong.
set -eu
program=${1:?usage: promtool.sh PROGRAM}
command -v promtool > /dev/null 2>&1 || { echo "skipped: promtool (Debian's prometheus) is not here"; exit 77; }
if printf 'a_metric{x="1"} 1\na_metric{x="1"} 2\n' | promtool check metrics > /dev/null 2>&1; then
  echo "promtool takes one series twice: it can't judge"
  exit 1
fi
text=$(mktemp)
trap 'rm -f "$text"' EXIT
"$program" --print > "$text"
said=$(promtool check metrics < "$text" 2>&1) || { echo "promtool: $said"; exit 1; }
[ -z "$said" ] || { echo "promtool has advice: $said"; exit 1; }
echo "$(grep -vc '^#' "$text") samples of $(grep -c '^# TYPE' "$text") metrics pass"
