#!/bin/sh
# switch_cross.sh SOURCE_ROOT WORK_FOLDER: the bare switch for aarch64 in an emulator, with the hand-written body and with
# ucontext. Skipped (77) where there is no compiler for it, or no emulator.
set -eu
root=$1 work=$2
compiler=${GROVE_CROSS_CC:-aarch64-linux-gnu-gcc} emulator=${GROVE_CROSS_RUN:-qemu-aarch64}
for tool in "$compiler" "$emulator"; do
  command -v "$tool" > /dev/null 2>&1 || { echo "$tool is not there: skipped"; exit 77; }
done
mkdir -p "$work"
for how in "" -DGROVE_STACK_UCONTEXT; do
  for level in -O0 -O2; do
    # shellcheck disable=SC2086 # how is one word or none
    "$compiler" -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror $level -frounding-math $how -static -I"$root/src" \
      -I"$root/include" -o "$work/switch_cross" "$root/tests/unit/plat/switch_cross.c" "$root/src/plat/switch.c" \
      "$root/src/plat/switch_asm.S" -lm
    "$emulator" "$work/switch_cross" || { echo "aarch64 $how $level failed"; exit 1; }
  done
done
echo "aarch64 switches, by hand and by ucontext"
