# predict: a million rows of 8 floats, 6 % of them missing, through 150 trees of depth 10 and through 100 trees of 31
# leaves, and one row at a time through the former. One thread. grove predicts with XGBoost's own model, and has to give
# its bits; without XGBoost it fits one. The others have models of the same size on the same rows.
set -eu
here=$(CDPATH='' cd "$(dirname "$0")" && pwd)
work=$GROVE_BENCH_WORK/predict
case $1 in
  peers)
    for peer in xgboost lightgbm sklearn; do
      if "$GROVE_BENCH_PYTHON" -c "import numpy, $peer" > /dev/null 2>&1; then
        mkdir -p "$work"
        "$GROVE_BENCH_PYTHON" "$here/predict_peer.py" fit "$peer" "$work" > /dev/null
        printf '%s ' "$peer"
      fi
    done
    ;;
  grove)
    for name in trees_150x10 leaves_100x31; do
      if [ -f "$work/xgboost.$name.ubj" ]; then
        "$GROVE_BENCH_BUILD/bench/predict" $name "$work/xgboost.$name.ubj" "$work/rows" "$work/xgboost.$name.wanted"
      else
        "$GROVE_BENCH_BUILD/bench/predict" $name
      fi
    done
    ;;
  *) "$GROVE_BENCH_PYTHON" "$here/predict_peer.py" run "$1" "$work" ;;
esac
