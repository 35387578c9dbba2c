#!/bin/sh
# symbols.sh [--update] LIST LIBRARY.so: the exported symbols are those of the checked-in list, all of them grove_.
set -eu
update=0
if [ "${1-}" = --update ]; then
  update=1
  shift
fi
list=${1:?usage: symbols.sh [--update] LIST LIBRARY.so}
library=${2:?usage: symbols.sh [--update] LIST LIBRARY.so}
now=$(${NM:-nm} -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | LC_ALL=C sort -u)
[ -n "$now" ] || { echo "$library exports nothing"; exit 1; }
foreign=$(printf '%s\n' "$now" | grep -v '^grove_[a-z0-9]' || true)
if [ -n "$foreign" ]; then
  echo "exported without being grove_:" $foreign
  exit 1
fi
if [ "$update" -eq 1 ]; then
  printf '%s\n' "$now" > "$list"
  exit 0
fi
[ -f "$list" ] || { echo "$list is not there; make it with --update"; exit 1; }
if ! printf '%s\n' "$now" | diff "$list" - ; then
  echo "The exports differ from $(basename "$list") (< list, > library). A name that went breaks its users; a new"
  echo "one is added by: sh tests/abi/symbols.sh --update $list $library"
  exit 1
fi
echo "$(printf '%s\n' "$now" | wc -l) symbols as listed"
