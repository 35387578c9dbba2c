# many: a model for each of 30,000 keys of 100 rows and 8 columns, linear and trees of depth 6; from a table in memory to
# fitted models, two threads. scikit-learn fits 4,000, in a loop and by joblib's processes, and the better one counts.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
case $1 in
  peers)
    if "$GROVE_BENCH_PYTHON" -c "import sklearn" > /dev/null 2>&1; then printf 'sklearn '; fi
    ;;
  grove) "$GROVE_BENCH_BUILD/bench/many" 30000 2 2> /dev/null ;;
  *) "$GROVE_BENCH_PYTHON" "$here/many_peer.py" 4000 ;;
esac
