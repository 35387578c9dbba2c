#!/bin/sh
# symbols.sh [--debug] LIBRARY.a...: promise 5 on grove's own objects. Fails on
#   - an undefined symbol of symbols.deny: something that prints, ends the process, reads the environment ...
#   - writable data: a global, static or thread-local variable that is not const
#   - a constructor or destructor
#   - a global symbol that is called neither grove_ nor grove__
#   - a global symbol that two objects define, of one room or of two: who links both archives gets one of them, or an error
# Exceptions, each with its reason, stand in symbols.allow. What libuv does is its own (docs/design/README.md).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
debug=0
if [ "${1-}" = --debug ]; then
  debug=1
  shift
fi
[ $# -gt 0 ] || { echo "usage: symbols.sh [--debug] LIBRARY.a..." >&2; exit 2; }
nm=${NM:-nm}
readelf=${READELF:-readelf}
for archive in "$@"; do
  [ -f "$archive" ] || { echo "$archive is not there" >&2; exit 2; }
  # With one object a line: "symbol OBJECT NAME CLASS NUMBER SECTION" (NUMBER: which
  # of the archive, for two may have one name), "section OBJECT NAME" and, before them, "archive NAME".
  echo "archive $(basename "$archive")"
  "$nm" -f sysv "$archive" | awk -F'|' '
    /^(Symbols|Undefined symbols) from / { o = $0; sub(/.*\[/, "", o); sub(/\].*/, "", o); sub(/:$/, "", o); member++; next }
    NF >= 7 && $1 !~ /^Name/ { for (i = 1; i <= NF; i++) gsub(/[ \t]/, "", $i); print "symbol", o, $1, $3, member, $7 }'
  "$readelf" -SW "$archive" | awk '
    /^File: / { o = $0; sub(/.*\(/, "", o); sub(/\).*/, "", o); next }
    match($0, /\] \./) { s = substr($0, RSTART + 2); sub(/ .*/, "", s); print "section", o, s }'
done | awk -v debug="$debug" -v deny="$here/symbols.deny" -v allow="$here/symbols.allow" '
function permitted(kind, object, name,   i) {
  for (i = 1; i <= allowed; i++) {
    if (kind == a_kind[i] && name == a_name[i] && (a_object[i] == "*" || a_object[i] == object)) { return 1 }
  }
  return 0
}
function say(text) { print object ": " text; bad++ }
BEGIN {
  while ((getline line < deny) > 0) {
    if (line ~ /^#/ || line == "") { continue }
    if (line ~ /\*$/) { start[++starts] = substr(line, 1, length(line) - 1) } else { denied[line] = 1 }
  }
  while ((getline line < allow) > 0) {
    if (line ~ /^#/ || line == "") { continue }
    if (split(line, f, " ") < 4) { print "symbols.allow: no reason: " line; bad++; continue }
    a_kind[++allowed] = f[1]; a_object[allowed] = f[2]; a_name[allowed] = f[3]
  }
}
$1 == "archive" { archive = $2 }
$1 == "symbol" {
  object = $2; name = $3; class = $4; section = $6; symbols++
  sub(/@.*/, "", name)
  if (class == "U" || class == "w") {
    hit = name in denied
    for (i = 1; i <= starts; i++) { hit = hit || index(name, start[i]) == 1 }
    if (hit && !(debug && name == "__assert_fail") && !permitted("undefined", object, name)) {
      say("uses " name)
    }
    next
  }
  # .data.rel.ro holds const tables of addresses: the loader fills them in, nobody writes them afterwards.
  if ((section ~ /^\.(data|bss|tdata|tbss|sdata|sbss|ldata|lbss)(\.|$)/ || section ~ /COM/) &&
      section !~ /^\.l?data\.rel\.ro/ && !permitted("data", object, name)) {
    say("has writable data: " name " in " section)
  }
  if (class ~ /^[A-Z]$/ && class !~ /[UVW]/) {
    if (name in home && home[name] != archive " " $5) { say("defines " name ", as " owner[name] " does") }
    home[name] = archive " " $5
    owner[name] = archive "(" object ")"
  }
  if (class ~ /^[A-Z]$/ && name !~ /^grove__?[a-z0-9]/) { say("has a global symbol without our prefix: " name) }
}
$1 == "section" {
  object = $2
  if ($3 ~ /^\.(init_array|ctors|preinit_array|fini_array|dtors|init|fini)(\.|$)/ && !permitted("section", object, $3)) {
    say("has a constructor or destructor: section " $3)
  }
}
END {
  if (!symbols) { print "no symbols were read: nothing was checked"; exit 2 }
  if (bad) { print bad " symbols break promise 5 or the naming rule"; exit 1 }
  print symbols " symbols keep promise 5"
}'
