# start: from nothing to the first reply of an actor.
set -eu
case $1 in
  peers) ;; # Ray's program prints no such line
  grove) "$GROVE_BENCH_BUILD/bench/start" ;;
esac
