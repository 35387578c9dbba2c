# actors: the questions that actor systems are compared by, grove and the peers on two worker threads. The programs of the
# peers are built from GROVE_BENCH_PEERS/actors where their compilers are installed, once, into a cache in the home folder.
# GROVE_BENCH_WORKERS sets another number of threads. GROVE_BENCH_PROTOTYPE is the folder of a prototype that shows the limit.
set -eu
threads=${GROVE_BENCH_WORKERS:-2}
sources=${GROVE_BENCH_PEERS:+$GROVE_BENCH_PEERS/actors}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/grove-bench
prototype=${GROVE_BENCH_PROTOTYPE:-${GROVE_BENCH_PEERS:+$GROVE_BENCH_PEERS/../prototypes/sched}}
names="pingpong ask-sync ask-async fanin1 fanin4 fanin100 ring spawn skynet big shared nested"
each=60 # seconds at most for one question of a peer

has() { command -v "$1" > /dev/null 2>&1; }

# build PEER: its program in $cache/PEER, made anew when its source is newer. Fails where it can't be built.
build()
{
  from=$sources/$1 to=$cache/$1
  [ -d "$from" ] || return 1
  if [ -f "$to/built" ] && [ -z "$(find "$from" -newer "$to/built" -type f | head -n 1)" ]; then
    return 0
  fi
  case $1 in
    caf) has g++ && echo '#include <caf/all.hpp>' | g++ -std=c++17 -E -x c++ - > /dev/null 2>&1 || return 1 ;;
    erlang) has erlc || return 1 ;;
    go) has go || return 1 ;;
    actix | kameo | ractor) has cargo || return 1 ;;
    pekko) has mvn && has javac || return 1 ;;
    prototype) return 1 ;;
  esac
  rm -rf "$to"
  mkdir -p "$to"
  cp -R "$from/." "$to/"
  chmod -R u+w "$to"
  (
    cd "$to"
    case $1 in
      caf) g++ -std=c++17 -O3 caf.cpp -o bench -lcaf_core -lpthread ;;
      erlang) erlc b.erl ;;
      go) go build -o bench . ;;
      actix | kameo | ractor) cargo build --release ;;
      pekko) mvn -q dependency:copy-dependencies -DoutputDirectory=lib && javac -cp "lib/*" -d cls B.java ;;
    esac
  ) > "$cache/$1.log" 2>&1 || {
    echo "$1 does not build: $cache/$1.log" >&2
    return 1
  }
  touch "$to/built"
}

build_prototype()
{
  [ -n "$prototype" ] && [ -f "$prototype/rt.c" ] || return 1
  [ -x "$cache/prototype/bp" ] && [ "$cache/prototype/bp" -nt "$prototype/rt.c" ] && return 0
  mkdir -p "$cache/prototype"
  cc -std=gnu11 -O3 -DPEEK1 -pthread "$prototype/rt.c" "$prototype/bench.c" -o "$cache/prototype/bp" \
    > "$cache/prototype.log" 2>&1
}

# ask PEER QUESTION: what its program prints.
ask()
{
  here=$cache/$1
  set -- "$1" "$2" timeout -k 5 $each
  case $1 in
    caf | go) "$3" "$4" "$5" "$6" "$here/bench" "$2" "$threads" ;;
    erlang) (cd "$here" && "$3" "$4" "$5" "$6" erl +S "$threads:$threads" +P 2000000 -noshell -noinput -run b main "$2") ;;
    actix | kameo | ractor)
      for program in "$here"/target/release/bench-*; do
        case $program in *.d) continue ;; esac
        "$3" "$4" "$5" "$6" "$program" "$2" "$threads"
        break
      done
      ;;
    pekko)
      "$3" "$4" "$5" "$6" java -Xms6g -Xmx6g -XX:+UseParallelGC -cp "$here/lib/*:$here/cls" bench.B "$2" "$threads"
      ;;
    prototype)
      case $2 in
        ask-sync) what=asksync ;;
        ask-async) what=ask1000 ;;
        skynet) what=skynetb ;;
        shared) return 0 ;;
        *) what=$2 ;;
      esac
      "$3" "$4" "$5" "$6" env GUARD=2 "$here/bp" "$what" "$threads"
      ;;
  esac
}

# Their words for benchmarks, metrics and units to ours. Of several forms of one question the best counts.
translate()
{
  awk -v who="$1" '
    {
      at = who == "prototype" ? 1 : 2
      name = $at; metric = $(at + 1); value = $(at + 2); unit = $(at + 3)
      sub(/\/.*/, "", name)
      gsub(/-/, "_", name)
      sub(/^asksync$/, "ask_sync", name); sub(/^ask1000$/, "ask_async", name); sub(/^skynetb$/, "skynet", name)
      sub(/^pingpong_buf[01]$/, "pingpong", name); sub(/^ring503$/, "ring", name)
      sub(/^nested_4x4$/, "nested", name); sub(/^shared100MB$/, "shared", name)
      if (metric == "mean" && name == "nested") { metric = "time" }
      if (name !~ /^(pingpong|ask_sync|ask_async|fanin1|fanin4|fanin100|ring|spawn|skynet|big|shared|nested)$/) { next }
      if (metric == "time") { metric = "seconds"; value *= unit == "us" ? 1e-6 : unit == "ms" ? 1e-3 : 1; unit = "s" }
      else if (metric == "rss" && name == "spawn") { name = "spawn_memory"; metric = "bytes"; unit = "B/actor" }
      else if (metric != "rate") { next }
      key = name " " metric
      if (!(key in best) || (metric == "rate" ? value > best[key] : value < best[key])) { best[key] = value; as[key] = unit }
    }
    END { for (key in best) { printf "%s %s %.9g %s\n", who, key, best[key], as[key] } }'
}

case $1 in
  peers)
    mkdir -p "$cache"
    if [ -n "$sources" ]; then
      for peer in caf erlang go actix pekko kameo ractor; do
        if build "$peer"; then printf '%s ' "$peer"; fi
      done
    fi
    if build_prototype; then printf 'prototype '; fi
    ;;
  grove)
    for program in pingpong ask fanin ring spawn skynet big shared nested idle; do
      "$GROVE_BENCH_BUILD/bench/actors/$program" "$threads"
    done
    ;;
  *)
    for name in $names; do
      ask "$1" "$name" > "$GROVE_BENCH_WORK/peer" 2> "$GROVE_BENCH_WORK/words" ||
        echo "$1: $name ended with $?: $(tail -n 1 "$GROVE_BENCH_WORK/words")" >&2
      translate "$1" < "$GROVE_BENCH_WORK/peer"
    done
    ;;
esac
