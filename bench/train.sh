# train: the models of the tutorial on California housing, at the same settings for everybody, on the splits of seeds 0 to
# 9 (seconds: mean; mse: mean, and mse_error, its standard error; peak_bytes: of the process); all three as a tree of
# actors, from process start to table; and a million made-up rows of 28 columns, once. Two threads.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
data=$GROVE_BENCH_DATA/california_housing.csv
rows=1000000
large=$GROVE_BENCH_WORK/large

# field NAME: the first number of that name in a JSON document
field()
{
  tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\" *: *\\([-+0-9.eE]*\\) *\$/\\1/p" | head -n 1
}

# grove_model BENCHMARK MODEL [--set ...]
grove_model()
{
  name=$1 model=$2
  shift 2
  for seed in 0 1 2 3 4 5 6 7 8 9; do
    "$GROVE_BENCH_BUILD/bench/peak" "$GROVE_BENCH_WORK/peak" "$GROVE_BENCH_BUILD/bin/grove" train --data "$data" \
      --model "$model" "$@" --seed $seed --threads 2 --json > "$GROVE_BENCH_WORK/json"
    echo "$(field train_seconds < "$GROVE_BENCH_WORK/json") $(field mse < "$GROVE_BENCH_WORK/json")" \
      "$(cat "$GROVE_BENCH_WORK/peak")"
  done | awk -v name="$name" 'NF == 3 { t += $1; e += $2; q += $2 * $2; p = $3 > p ? $3 : p; n++ } END {
    if (n != 10) { print name ": no time or no error in the report" > "/dev/stderr"; exit 1 }
    v = (q - e * e / n) / (n - 1)
    printf "grove %s seconds %.6g s\ngrove %s mse %.6g mse\n", name, t / n, name, e / n
    printf "grove %s mse_error %.6g mse\ngrove %s peak_bytes %.0f bytes\n", name, sqrt(v > 0 ? v / n : 0), name, p }'
}

make_large()
{
  [ -f "$large" ] || "$GROVE_BENCH_BUILD/bench/large" generate "$large" $rows
}

grove_large()
{
  "$GROVE_BENCH_BUILD/bench/large" "$1" "$large" $rows 2 | awk -v name="large_$1" '{
    printf "grove %s seconds %s s\ngrove %s mse %s mse\ngrove %s peak_bytes %s bytes\n", name, $1, name, $2, name, $3 }'
}

# once WHO: true the first time. The large table takes minutes with the peers: one run each is enough.
once()
{
  [ ! -f "$large.$1" ] && : > "$large.$1"
}

case $1 in
  peers)
    for peer in sklearn xgboost lightgbm; do
      if "$GROVE_BENCH_PYTHON" -c "import sklearn, $peer" > /dev/null 2>&1; then printf '%s ' "$peer"; fi
    done
    ;;
  grove)
    [ -f "$data" ] || { echo "no $data; see scripts/data" >&2; exit 1; }
    grove_model decision_tree decision_tree
    grove_model random_forest random_forest
    grove_model gradient_boosting gradient_boosting --set gradient_boosting.min_data_in_leaf=20
    grove_model gradient_boosting_leafwise gradient_boosting --set gradient_boosting.max_leaves=31 \
      --set gradient_boosting.max_depth=none --set gradient_boosting.eta=0.1 \
      --set gradient_boosting.min_data_in_leaf=20
    grove_model linear linear
    begin=$(date +%s.%N)
    "$GROVE_BENCH_BUILD/bin/grove" train --data "$data" --model decision_tree --model random_forest \
      --model gradient_boosting --threads 2 --json > /dev/null
    echo "$begin $(date +%s.%N)" | awk '{ printf "grove tree_of_actors seconds %.6g s\n", $2 - $1 }'
    if once grove; then
      make_large
      grove_large gbt
      grove_large forest
    fi
    ;;
  *)
    "$GROVE_BENCH_PYTHON" "$here/train_peer.py" "$1" "$data" 2
    if once "$1"; then
      make_large
      "$GROVE_BENCH_PYTHON" "$here/train_peer.py" "$1" "$large" 2 $rows
    fi
    ;;
esac
