# Counts tests in CTest's LastTest.log and prints "passed failed skipped". A cmocka program counts with each of its
# tests, any other with one. A program that dies in the middle has failed the test it was in; one that CTest
# calls failed has failed at least one.
function reset() { pending = 0; p = 0; f = 0; s = 0; cmocka = 0 }
function close_test(result) {
  if (!open) { return }
  open = 0
  if (pending) { f++; pending = 0 }
  if (result == "Skipped") { s = s ? s : 1; p = 0 }
  else if (result == "Passed") { if (!cmocka) { p = 1 } }
  else if (!f) { f = 1 }
  passed += p; failed += f; skipped += s
}
/^[0-9]+\/[0-9]+ Testing: / { close_test("Lost"); reset(); open = 1; tests++; next }
index($0, "[ RUN      ] ") { if (pending) { f++ } pending = 1; cmocka = 1; next }
pending && index($0, "[       OK ] ") { p++; pending = 0; next }
pending && index($0, "[  SKIPPED ] ") { s++; pending = 0; next }
pending && (index($0, "[  FAILED  ] ") || index($0, "[  ERROR   ] ")) { f++; pending = 0; next }
/^Test Passed\.$/ { close_test("Passed"); next }
/^Test Skipped\.$/ { close_test("Skipped"); next }
/^Test Failed\.$/ { close_test("Failed"); next }
END {
  close_test("Lost")
  if (!tests) { exit 1 }
  print passed + 0, failed + 0, skipped + 0
}
