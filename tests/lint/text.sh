#!/bin/sh
# text.sh ROOT: rules on the text of our files: length, tabs and blanks at line ends, sleeping tests, paths of
# somebody's machine.
set -eu
root=${1:?usage: text.sh ROOT}
cd "$root"
folders=
for folder in include src tools examples bench fuzz tests scripts cmake docs .ci; do
  [ -d "$folder" ] && folders="$folders $folder"
done
[ -n "$folders" ] || { echo "no folders of ours below the root: nothing was checked"; exit 2; }
# shellcheck disable=SC2086 # a list of folder names
status=0
find $folders -type f \( -name '*.[chS]' -o -name '*.cpp' -o -name '*.sh' -o -name '*.cmake' -o -name '*.txt' \
  -o -name '*.md' -o -name '*.awk' -o -path 'scripts/*' -o -path '.ci/*' \) | sort | tr '\n' '\0' |
  xargs -0 awk '
function say(text) { print FILENAME ":" FNR ": " text; bad++ }
FNR == 1 {
  files++
  code = FILENAME ~ /\.(c|h|S|cpp)$/
  test = FILENAME ~ /^tests\//
  prose = FILENAME ~ /\.md$/
}
FNR == 601 && !prose && FILENAME !~ /\.symbols$/ { say("more than 600 lines: split it") }
/[ \t]$/ && !prose { say("blanks at the end of the line") }
/\t/ && code { say("a tab") }
/\r/ { say("a carriage return") }
# Stress varies its pace on purpose; no outcome there depends on it.
test && code && FILENAME !~ /^tests\/(support|stress)\// && /(^|[^A-Za-z0-9_])(sleep|usleep|nanosleep|clock_nanosleep|uv_sleep|thrd_sleep)[ ]*\(/ {
  say("a test that sleeps: wait for the event, use simulated time, or check_pause (support/check.h) in a loop that looks")
}
# Written with brackets, so that this line is no offender itself.
/(^|[^A-Za-z0-9_.$}])\/([w]ork|[r]oot|[h]ome|[U]sers|[t]mp\/build|[t]mp\/team|[o]pt\/peers)\// {
  say("a path of somebody'"'"'s machine")
}
END {
  if (!files) { print "no files: nothing was checked"; exit 2 }
  if (bad) { print bad " lines break the rules"; exit 1 }
  print files " files keep the rules"
}' || status=$?
[ "$status" -ne 123 ] || status=1 # what xargs makes of any failure
exit "$status"
