#!/bin/sh
# run.sh PROGRAM OUT: the program of a page ends well, and prints what the page says (if it says so: OUT is there).
set -eu
program=${1:?usage: run.sh PROGRAM OUT}
want=${2:?usage: run.sh PROGRAM OUT}
# One of them forks, and starts threads in the child.
export TSAN_OPTIONS="${TSAN_OPTIONS:+$TSAN_OPTIONS:}die_after_fork=0"
said=$("$program") || { echo "$said"; echo "$program ended with $?"; exit 1; }
[ -f "$want" ] || exit 0
if [ "$said" != "$(cat "$want")" ]; then
  printf '%s\n--- is what it prints; the page says:\n%s\n' "$said" "$(cat "$want")"
  exit 1
fi
