#!/bin/sh
# gdb.sh PROGRAM SCRIPT: runs waits.c under gdb, with tools/gdb/grove_gdb.py, alive and as a core file.
set -u
program=$1 script=$2
if ! command -v gdb > /dev/null 2>&1; then
  echo "skipped: there is no gdb"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=$scratch/out

fail()
{
  echo "$1"
  cat "$out"
  exit 1
}
if ! gdb -nx -batch -ex "python print(1 + 1)" 2> /dev/null | grep -q 2; then
  echo "skipped: this gdb has no Python"
  exit 77
fi
gdb -nx -batch -iex "set debuginfod enabled off" -ex "set startup-with-shell off" -ex "break look_at_me" -ex "run" \
  -ex "source $script" -ex "grove actors the_runtime" -ex "grove suspended the_runtime" \
  -ex "echo ONE\n" -ex "grove suspended the_runtime green" -ex "echo MORE\n" -ex "bt 1" -ex "grove actors 8" \
  -ex "kill" "$program" > "$out" 2>&1 < /dev/null
if ! grep -q "Breakpoint 1, " "$out"; then
  if grep -qiE "ptrace|not permitted|Couldn't get|personality" "$out"; then
    echo "skipped: programs can't be debugged here: $(grep -iE 'ptrace|not permitted|get|personality' "$out" | head -n 1)"
    exit 77
  fi
  fail "the program did not come to its break point"
fi

# wants_backtrace FILE NAME DEPTH
wants_backtrace()
{
  awk -v name="diver \"$2\" is suspended in dive" '
    $0 == name { on = 1; next } /is suspended in|suspended$/ { on = 0 } on' "$1" > "$scratch/one"
  [ "$(grep -c ' in dive_deeper' "$scratch/one")" = "$3" ] || fail "$2: not $3 frames of dive_deeper"
  for name in grove_get diver_dive; do
    grep -q " in $name" "$scratch/one" || fail "$2: no frame of $name"
  done
}
looks_right()
{
  grep -q '^idle  *diver "on the beach"$' "$1" || fail "no idle diver"
  grep -q '^waiting  *diver "red": suspended in dive$' "$1" || fail "no red diver"
  grep -q '^waiting  *diver "green": suspended in dive$' "$1" || fail "no green diver"
  grep -q '^2 suspended$' "$1" || fail "not 2 suspended"
}
looks_right "$out"
sed '/^ONE$/,$d' "$out" > "$scratch/both"
wants_backtrace "$scratch/both" red 3
wants_backtrace "$scratch/both" green 4
sed -n '/^ONE$/,/^MORE$/p' "$out" > "$scratch/part"
grep -q '^1 suspended$' "$scratch/part" || fail "not 1 suspended whose title has green in it"
sed -n '/^MORE$/,$p' "$out" > "$scratch/more"
grep -q '^#0 .*look_at_me' "$scratch/more" || fail "gdb's own backtrace is not what it was"
grep -q '8 is no grove' "$scratch/more" || fail "8 was taken for a runtime"

# The core file is the kernel's: gdb's own leaves out whole mappings of which one page can't be read, such as a guard.
(
  cd "$scratch" || exit 1
  # shellcheck disable=SC3045
  ulimit -c unlimited 2> /dev/null && "$program" crash
) > /dev/null 2>&1
core=$(find "$scratch" -name 'core*' -type f | head -n 1)
if [ -n "$core" ]; then
  gdb -nx -batch -iex "set debuginfod enabled off" -ex "source $script" -ex "grove actors the_runtime" \
    -ex "grove suspended the_runtime" "$program" "$core" > "$scratch/dead" 2>&1 < /dev/null
  cp "$scratch/dead" "$out"
  looks_right "$scratch/dead"
  wants_backtrace "$scratch/dead" red 3
  wants_backtrace "$scratch/dead" green 4
  echo "shown by gdb, alive and dead"
else
  echo "shown by gdb, alive; no core file is left here"
fi
