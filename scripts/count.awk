# awk -f count.awk SAID LOG: counts tests and prints "passed failed skipped". SAID is what CTest said (its -O file): its
# list of those that failed or were skipped; LOG is its LastTest.log, with what the tests said. A cmocka program
# counts with each of its tests, any other with one. A program that dies in the middle has failed the test it was in;
# one that CTest calls failed, or could not run, has failed at least one; one that has to fail, and does, has passed.
function close_test() {
  if (!open) { return }
  open = 0
  if (pending) { f++; pending = 0 }
  if (!(name in verdict)) { if (!cmocka || f) { p = 1; f = 0; s = 0 } }
  else if (verdict[name] == "Skipped") { s = s ? s : 1; p = 0; f = 0 }
  else if (!f) { f = 1 }
  passed += p; failed += f; skipped += s
  closed[name] = 1
}
NR == FNR {
  if ($0 ~ /^[ \t]*[0-9]+ - [^ ]+ \([^)]*\)/) { # newer ones add the labels behind it
    v = $0
    sub(/^[^(]*\(/, "", v); sub(/\).*/, "", v)
    verdict[$3] = v
  }
  next
}
/^[0-9]+\/[0-9]+ Testing: / {
  close_test()
  name = $3; open = 1; tests++
  pending = 0; p = 0; f = 0; s = 0; cmocka = 0
  next
}
index($0, "[ RUN      ] ") { if (pending) { f++ } pending = 1; cmocka = 1; next }
pending && index($0, "[       OK ] ") { p++; pending = 0; next }
pending && index($0, "[  SKIPPED ] ") { s++; pending = 0; next }
pending && (index($0, "[  FAILED  ] ") || index($0, "[  ERROR   ] ")) { f++; pending = 0; next }
END {
  close_test()
  for (name in verdict) { if (!(name in closed)) { if (verdict[name] == "Skipped") { skipped++ } else { failed++ } } }
  if (!tests) { exit 1 }
  print passed + 0, failed + 0, skipped + 0
}
