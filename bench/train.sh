# train: each model of the tutorial alone, and all three as a tree of actors, on California housing; mean of seeds
# 0, 1, 2, which are the same splits for everybody. Two threads.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
data=$GROVE_BENCH_DATA/california_housing.csv

# field NAME: the first number of that name in a JSON document
field()
{
  tr ',{}' '\n\n\n' | sed -n "s/^ *\"$1\" *: *\\([-+0-9.eE]*\\) *\$/\\1/p" | head -n 1
}

grove_model()
{
  for seed in 0 1 2; do
    "$GROVE_BENCH_BUILD/bin/grove" train --data "$data" --model "$1" --seed $seed --threads 2 --json > "$GROVE_BENCH_WORK/json"
    echo "$(field train_seconds < "$GROVE_BENCH_WORK/json") $(field mse < "$GROVE_BENCH_WORK/json")"
  done | awk -v name="$1" 'NF == 2 { t += $1; e += $2; n++ } END {
    if (n != 3) { print name ": no time or no error in the report" > "/dev/stderr"; exit 1 }
    printf "grove %s seconds %.6g s\ngrove %s mse %.6g mse\n", name, t / n, name, e / n }'
}

case $1 in
  peers)
    for peer in sklearn xgboost lightgbm; do
      if "$GROVE_BENCH_PYTHON" -c "import sklearn, $peer" > /dev/null 2>&1; then printf '%s ' "$peer"; fi
    done
    ;;
  grove)
    [ -f "$data" ] || { echo "no $data; see scripts/data" >&2; exit 1; }
    for model in decision_tree random_forest gradient_boosting linear; do
      grove_model "$model"
    done
    begin=$(date +%s.%N)
    "$GROVE_BENCH_BUILD/bin/grove" train --data "$data" --model decision_tree --model random_forest \
      --model gradient_boosting --threads 2 --json > /dev/null
    echo "$begin $(date +%s.%N)" | awk '{ printf "grove tree_of_actors seconds %.6g s\n", $2 - $1 }'
    ;;
  *) "$GROVE_BENCH_PYTHON" "$here/train_peer.py" "$1" "$data" 2 ;;
esac
