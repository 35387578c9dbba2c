# grove top on a terminal, driven by Python: PROGRAM WORLD
command -v python3 > /dev/null 2>&1 || {
  echo "skipped: python3 is not here"
  exit 77
}
exec python3 "$(dirname "$0")/top_test.py" "$@"
