# scan: one, six or all 18 columns of 12 shards of made-up taxi rows, snappy and zstd, on one and two threads.
# The shards are written once a run of scripts/bench: by grove's generator and, where the Python has pyarrow, by
# pyarrow at its defaults from those. GROVE_BENCH_CLOCK=cpu: the processor's seconds of all threads instead of the wall's,
# for machines that do other work. GROVE_BENCH_ROWS: rows a shard; the full size is 3500000 (42 million in all).
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
rows=${GROVE_BENCH_ROWS:-700000}
shards=$GROVE_BENCH_WORK/shards
make_shards()
{
  for codec in snappy zstd; do
    mkdir -p "$shards/$codec"
    for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
      file=$shards/$codec/$month.parquet
      "$GROVE_BENCH_BUILD/bench/scan_data" "$file.new" "$month" "$rows" $codec
      if "$GROVE_BENCH_PYTHON" -c 'import pyarrow' > /dev/null 2>&1; then
        "$GROVE_BENCH_PYTHON" "$here/scan_peer.py" rewrite "$file.new" "$file" $codec
        rm "$file.new"
      else
        mv "$file.new" "$file"
      fi
    done
  done
}
# each COMMAND...: runs it with FOLDER COLUMNS THREADS; it prints lines of results with the benchmark's name in $name.
each()
{
  for codec in snappy zstd; do
    for columns in one six all; do
      for threads in 1 2; do
        name=${codec}_${columns}_${threads}t
        "$@" "$shards/$codec" $columns $threads
      done
    done
  done
}
grove_once()
{
  numbers=$("$GROVE_BENCH_BUILD/bench/scan" "$@")
  # shellcheck disable=SC2086 # five of them
  set -- $numbers
  echo "grove $name seconds $1 s"
  echo "grove $name peak_bytes $4 B"
  printf '%s: %s rows, %s M rows/s, %s MB/s of file\n' "$name" "$2" \
    "$(awk "BEGIN { print $2 / $1 / 1e6 }")" "$(awk "BEGIN { print $3 / $1 / 1e6 }")" >&2
}
floor_once()
{
  numbers=$("$GROVE_BENCH_BUILD/bench/scan_floor" "$@")
  # shellcheck disable=SC2086 # two of them
  set -- $numbers
  echo "floor $name seconds $1 s"
}
peer_once()
{
  numbers=$("$GROVE_BENCH_PYTHON" "$here/scan_peer.py" "$peer" "$@")
  # shellcheck disable=SC2086 # two of them
  set -- $numbers
  echo "$peer $name seconds $1 s"
  echo "$peer $name peak_bytes $2 B"
}
case $1 in
  peers)
    printf 'floor ' # reads and unpacks, and does no more
    for peer in polars duckdb pyarrow; do
      if "$GROVE_BENCH_PYTHON" -c "import $peer" > /dev/null 2>&1; then printf '%s ' "$peer"; fi
    done
    ;;
  grove)
    [ -d "$shards" ] || make_shards
    each grove_once
    ;;
  floor) each floor_once ;;
  *)
    peer=$1
    each peer_once
    ;;
esac
