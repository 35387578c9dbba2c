# scan: one, six or all 18 columns of 12 shards of made-up taxi rows, on one and two threads: snappy, zstd, and snappy with many
# nulls in each column. Seconds of the
# wall and of the processor (all threads). GROVE_BENCH_ROWS: rows a shard; the full size is 3500000 (42 million in all).
# GROVE_BENCH_WRITER: who writes the shards, from those of grove's generator: pyarrow (the default, where the Python has
# it), duckdb, polars or grove. All have the same columns, and each peer reads the same files.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
rows=${GROVE_BENCH_ROWS:-700000}
shards=$GROVE_BENCH_WORK/shards
# shellcheck source=bench/shards.inc
. "$here/shards.inc"
names()
{
  for codec in snappy zstd nulls; do
    for columns in one six all; do
      echo "${codec}_${columns}_1t ${codec}_${columns}_2t"
    done
  done
}
# A row's words: FOLDER COLUMNS THREADS.
words()
{
  echo "$1" | tr _ ' ' | sed "s|^\\([a-z]*\\) \\([a-z]*\\) \\([0-9]*\\)t\$|$shards/\\1 \\2 \\3|"
}
case $1 in
  peers)
    printf 'floor ' # reads and unpacks, and does no more
    for peer in polars duckdb pyarrow; do
      if has "$peer"; then printf '%s ' "$peer"; fi
    done
    ;;
  rows) names ;;
  bars)
    for name in $(names); do
      echo "bar $name seconds 1 ratio"
      echo "bar $name peak_bytes 16000000 tenth"
    done
    ;;
  prepare) make_shards "$shards" "$rows" snappy zstd nulls ;;
  grove)
    # The better of two, as of the peers; these run in one process, which is warm.
    # shellcheck disable=SC2046,SC2086 # words
    numbers=$(for run in 1 2; do $runner "$GROVE_BENCH_BUILD/bench/scan" $(words "$2"); done | awk '
      NR == 1 { split($0, v) }
      { for (i = 1; i <= 2; i++) { if ($i < v[i]) { v[i] = $i } } if ($5 > v[5]) { v[5] = $5 } }
      END { print v[1], v[2], v[3], v[4], v[5] }')
    name=$2
    # shellcheck disable=SC2086 # five of them
    set -- $numbers
    echo "grove $name seconds $1 s"
    echo "grove $name cpu_seconds $2 s"
    echo "grove $name rows $3 rows"
    echo "grove $name read_bytes $4 B"
    echo "grove $name peak_bytes $5 B"
    ;;
  *)
    peer=$1 name=$2
    # shellcheck disable=SC2046,SC2086 # words
    if [ "$peer" = floor ]; then
      numbers=$($runner "$GROVE_BENCH_BUILD/bench/scan_floor" $(words "$name"))
    else
      numbers=$($runner "$GROVE_BENCH_PYTHON" "$here/scan_peer.py" "$peer" $(words "$name"))
    fi
    # shellcheck disable=SC2086 # three of them
    set -- $numbers
    echo "$peer $name seconds $1 s"
    if [ "$peer" != floor ]; then
      echo "$peer $name cpu_seconds $2 s"
      echo "$peer $name peak_bytes $3 B"
    fi
    ;;
esac
