# awk -f skips.awk SAID LOG: the tests that were skipped, each with what it said last: what was missing. SAID is what CTest
# said (its -O file), LOG its LastTest.log.
function close_test() {
  if (open && name in skipped) { print "skipped: " name ": " (words == "" ? "it says no more" : words) }
  open = 0
}
NR == FNR {
  if ($0 ~ /^[ \t]*[0-9]+ - [^ ]+ \(Skipped\)/) { skipped[$3] = 1 }
  next
}
/^[0-9]+\/[0-9]+ Testing: / { close_test(); name = $3; open = 1; inside = 0; words = ""; next }
/^Output:$/ { inside = 1; next }
/^<end of output>$/ { inside = 0; next }
inside && !/^-*$/ { words = $0 }
END { close_test() }
