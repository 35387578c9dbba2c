#!/bin/sh
# arrows.sh ROOT: reads the include lines below ROOT and fails on an arrow that arrows.txt does not allow. Also
# reads the ROOMS that each src/ROOM/CMakeLists.txt asks for: they may not be more than the table has.
set -eu
root=${1:?usage: arrows.sh ROOT}
here=$(cd "$(dirname "$0")" && pwd)
cd "$root"
{
  for room in src/*/; do
    room=${room#src/} room=${room%/}
    find "src/$room" -name '*.[chS]' | sort | while read -r file; do
      awk -v r="$room" '/^[ \t]*#[ \t]*include/ {print "include", r, FILENAME ":" FNR, $0}' "$file"
    done
    if [ -f "src/$room/CMakeLists.txt" ]; then
      awk -v r="$room" '{ sub(/#.*/, ""); gsub(/[()]/, " & ") }
        { for (i = 1; i <= NF; i++) {
            if ($i ~ /^(SOURCES|LIBS)$/ || $i == ")") { on = 0 } else if ($i == "ROOMS") { on = 1 }
            else if (on) { print "include", r, FILENAME ":" FNR, "#include \"" $i "/CMakeLists.txt\"" } } }' \
        "src/$room/CMakeLists.txt"
    fi
  done
  for top in tools examples bench; do
    if [ -d "$top" ]; then
      find "$top" -name '*.[ch]' | sort | while read -r file; do
        awk -v r="$top" '/^[ \t]*#[ \t]*include/ {print "include", r, FILENAME ":" FNR, $0}' "$file"
      done
    fi
  done
} | awk -v table="$here/arrows.txt" '
function say(text) { print where ": " text; bad++ }
BEGIN {
  while ((getline line < table) > 0) {
    if (line ~ /^%/) {
      split(substr(line, 2), kv, " = ")
      n = split(kv[2], h, " ")
      for (i = 1; i <= n; i++) { guard[h[i]] = kv[1] }
    } else if (line !~ /^#/ && line != "") {
      split(line, f, " *[|] *")
      known[f[1]] = 1
      rooms[f[1]] = " " f[1] " " f[2] " "
      contracts[f[1]] = " " f[3] " "
      system_[f[1]] = " " f[4] " "
    }
  }
}
{
  room = $2; where = $3; lines++
  if (!(room in known)) { say("the room " room " is not in arrows.txt"); next }
  if (!match($0, /include[ \t]*[<"][^>"]*[>"]/)) { say("an include that cannot be read: " $0); next }
  what = substr($0, RSTART, RLENGTH); sub(/include[ \t]*/, "", what)
  quoted = substr(what, 1, 1) == "\""
  path = substr(what, 2, length(what) - 2)
  first = path; sub(/\/.*/, "", first)
  if (path ~ /\.\./) { say(room " includes \"" path "\": no way out by .."); next }
  if (quoted) {
    if (path !~ /\//) {
      if (room in rooms && where ~ /^src\//) { say(room " includes \"" path "\": say \"room/file.h\"") }
      next
    }
    if (where ~ /^src\// || first in known) {
      if (index(rooms[room], " " first " ") == 0 && index(rooms[room], " " path " ") == 0) { say(room " may not include \"" path "\": no arrow to " first) }
    }
    next
  }
  if (first == "grove" || path == "grove.h") {
    name = path; sub(/^grove\//, "", name); sub(/\.h$/, "", name)
    if (contracts[room] != " * " && index(contracts[room], " " name " ") == 0) {
      say(room " may not include <" path ">: not one of its contracts")
    }
    next
  }
  if (path in guard && index(system_[room], " " guard[path] " ") == 0) {
    say(room " may not include <" path ">: " guard[path] " is for other rooms")
  }
}
END {
  if (!lines) { print "no include lines below the root: nothing was checked"; exit 2 }
  if (bad) { print bad " forbidden arrows"; exit 1 }
  print lines " include lines follow the arrows"
}'
