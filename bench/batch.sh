# batch: example 2 over 12 shards of made-up taxi rows (snappy, as pyarrow writes them), on two threads.
#   seed_rule      passenger_count >= 2 over 42 million rows, 6 actors, against what users would take instead; Ray's
#                  actors read the one column, too
#   model_150x10   150 trees of depth 10 over six columns, fitted and saved by XGBoost, over 8.4 million rows, against
#                  pyarrow and XGBoost on as many threads
#   model_workers  the same on two workers; its "peer" is grove on one
#   model_remote   the same from a server whose answers take 50 ms; its "peer" is grove on local files
#   rule_remote    the rule from there; its "peer" is the local time and six round trips
# grove's seconds are those that the command says, which begin when the model is loaded, as the peers' do; in the remote rows
# those of the whole process, on both sides. The processor's are those of the whole process. Peers are imported and warm, and of
# the rule the better of two runs counts, for all. Everybody's rows and score have to be the same.
# GROVE_BENCH_ROWS: rows a shard of the rule's; 3500000. The model's have a fifth.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
rows=${GROVE_BENCH_ROWS:-3500000}
work=$GROVE_BENCH_WORK/batch
round_trip=50
# shellcheck source=bench/shards.inc
. "$here/shards.inc"

prepare()
{
  make_shards "$work/rule" "$rows" snappy
  make_shards "$work/model" $((rows / 5)) snappy
  if has xgboost; then
    "$GROVE_BENCH_PYTHON" "$here/batch_peer.py" fit "$work/model/snappy/02.parquet" "$work/model.ubj"
  fi
}
field()
{
  tr ',{}' '\n\n\n' < "$work/json" | sed -n "s/^ *\"$1\" *: *\\([-+0-9.eE]*\\) *\$/\\1/p" | head -n 1
}
# same WHO ROWS SCORE: as the first who scored these shards with this.
same()
{
  [ -f "$work/$kind.wanted" ] || echo "$2 $3" > "$work/$kind.wanted"
  read -r wanted_rows wanted_score < "$work/$kind.wanted"
  awk "BEGIN { d = $3 - $wanted_score; exit !($2 == $wanted_rows && (d < 0 ? -d : d) <= 1e-9 * $wanted_score) }" && return 0
  echo "$1: $2 rows, score $3; the first who scored them had $wanted_rows and $wanted_score" >&2
  exit 1
}
# predict THREADS OPTION... SHARD...: sets seconds, cpu, peak and read_rows.
predict()
{
  threads=$1
  shift
  what="--rule passenger_count>=2"
  [ "$kind" = rule ] || what="--model $work/model.ubj"
  # shellcheck disable=SC2086 # words
  $runner "$GROVE_BENCH_BUILD/bench/peak" -c "$work/cost" "$GROVE_BENCH_BUILD/bin/grove" predict $what --threads "$threads" \
    --no-progress --json "$@" > "$work/json"
  seconds=$(field seconds)
  read_rows=$(field rows)
  read -r peak cpu wall < "$work/cost"
  case $row in *remote) seconds=$wall ;; esac
  same grove "$read_rows" "$(field score)"
}
predict_local()
{
  predict "$1" --actors 6 "$work/$kind"/snappy/*.parquet
}
predict_remote()
{
  rm -f "$work/in" "$work/port"
  mkfifo "$work/in" "$work/port"
  # shellcheck disable=SC2086 # words
  $runner "$GROVE_BENCH_BUILD/bench/slow_server" "$work/$kind/snappy" $round_trip < "$work/in" > "$work/port" &
  exec 3> "$work/in"
  read -r port < "$work/port"
  set --
  for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
    set -- "$@" "http://127.0.0.1:$port/$month.parquet"
  done
  predict 2 "$@"
  exec 3>&-
  wait
}
# say WHO
say()
{
  echo "$1 $row seconds $seconds s"
  echo "$1 $row cpu_seconds $cpu s"
  echo "$1 $row rows $read_rows rows"
  echo "$1 $row peak_bytes $peak B"
}
peer_once()
{
  model=
  [ "$kind" = rule ] || model=$work/model.ubj
  # shellcheck disable=SC2086 # words or none
  numbers=$($runner "$GROVE_BENCH_PYTHON" "$here/batch_peer.py" "$1" "$row" "$work/$kind/snappy" 2 $model)
  peer=$1
  # shellcheck disable=SC2086 # five of them
  set -- $numbers
  same "$peer" "$4" "$5"
  echo "$peer $row seconds $1 s"
  [ "$peer" = ray ] || echo "$peer $row cpu_seconds $2 s" # Ray's work is in other processes
  echo "$peer $row peak_bytes $3 B"
}
row=${2:-}
kind=model
case $row in *rule*) kind=rule ;; esac
case $1 in
  peers)
    for peer in polars duckdb pyarrow ray; do
      if has "$peer"; then printf '%s ' "$peer"; fi
    done
    if has xgboost && has pyarrow; then printf 'pyarrow_xgboost '; fi
    printf 'one_worker local'
    ;;
  rows)
    echo seed_rule
    ! has xgboost || echo model_150x10 model_workers model_remote
    echo rule_remote
    ;;
  bars)
    echo "bar seed_rule seconds 1 ratio"
    echo "bar seed_rule peak_bytes 32000000 most"
    echo "bar model_150x10 seconds 4 ratio"
    echo "bar model_workers seconds 1.8 ratio"
    echo "bar model_remote seconds 0.8 ratio"
    echo "bar rule_remote seconds 1 ratio"
    ;;
  prepare) prepare ;;
  grove)
    case $row in
      *remote) predict_remote ;;
      seed_rule)
        predict_local 2
        first=$seconds first_cpu=$cpu
        predict_local 2
        seconds=$(awk "BEGIN { print $first < $seconds ? $first : $seconds }")
        cpu=$(awk "BEGIN { print $first_cpu < $cpu ? $first_cpu : $cpu }")
        ;;
      *) predict_local 2 ;;
    esac
    say grove
    ;;
  one_worker)
    if [ "$row" = model_workers ]; then
      predict_local 1
      say one_worker
    fi
    ;;
  local)
    case $row in
      *remote)
        predict_local 2
        [ "$row" = model_remote ] || seconds=$(awk "BEGIN { print $seconds + 6 * $round_trip / 1000 }")
        say local
        ;;
    esac
    ;;
  pyarrow_xgboost) [ "$row" != model_150x10 ] || peer_once "$1" ;;
  *) [ "$row" != seed_rule ] || peer_once "$1" ;;
esac
