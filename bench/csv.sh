# csv: files of about 25 MB of four kinds into a table, types inferred, in the processor's seconds of one thread.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
files=$GROVE_BENCH_WORK/csv
kinds="taxi integers doubles texts"
case $1 in
  peers)
    for peer in polars duckdb pyarrow; do
      if "$GROVE_BENCH_PYTHON" -c "import $peer" > /dev/null 2>&1; then printf '%s ' "$peer"; fi
    done
    ;;
  grove)
    mkdir -p "$files"
    for kind in $kinds; do
      [ -f "$files/$kind.csv" ] || "$GROVE_BENCH_BUILD/bench/csv" make "$kind" "$files/$kind.csv"
      numbers=$("$GROVE_BENCH_BUILD/bench/csv" "$files/$kind.csv")
      # shellcheck disable=SC2086 # two of them
      set -- $numbers
      echo "grove csv_$kind seconds $1 s"
      printf 'csv_%s: %s MB/s\n' "$kind" "$(awk "BEGIN { print $2 / $1 / 1e6 }")" >&2
    done
    ;;
  *)
    for kind in $kinds; do
      seconds=$("$GROVE_BENCH_PYTHON" "$here/csv_peer.py" "$1" "$files/$kind.csv")
      echo "$1 csv_$kind seconds $seconds s"
    done
    ;;
esac
