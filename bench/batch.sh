# batch: the tutorial's dummy model over the green-taxi months, in a pool of six; by the peers as their users would.
# GROVE_BENCH_SHARDS names another folder of shards.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
shards=${GROVE_BENCH_SHARDS:-$GROVE_BENCH_DATA/taxi}
field()
{
  tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\" *: *\\([-+0-9.eE]*\\) *\$/\\1/p" | head -n 1
}
case $1 in
  peers)
    for peer in polars duckdb pyarrow; do
      if "$GROVE_BENCH_PYTHON" -c "import $peer" > /dev/null 2>&1; then printf '%s ' "$peer"; fi
    done
    ;;
  grove)
    set -- "$shards"/green_tripdata_*.parquet
    [ -f "$1" ] || set -- "$shards"/*.parquet
    [ -f "$1" ] || { echo "no shards in $shards; see scripts/data" >&2; exit 1; }
    "$GROVE_BENCH_BUILD/bin/grove" predict --rule "passenger_count >= 2" --actors 6 --threads 2 --json "$@" \
      > "$GROVE_BENCH_WORK/json"
    echo "grove seed_rule seconds $(field seconds < "$GROVE_BENCH_WORK/json") s"
    echo "grove seed_rule peak_bytes $(field peak_rss_bytes < "$GROVE_BENCH_WORK/json") B"
    ;;
  *) "$GROVE_BENCH_PYTHON" "$here/batch_peer.py" "$1" "$shards" 2 ;;
esac
