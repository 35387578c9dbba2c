# grove actors, timeline and top --once: which process they find, what they say of it, and what they do when there is none.
# With the program that is looked at as the fourth argument.
. "$(dirname "$0")/lib.sh"
world=$4
token=0123456789abcdef0123
place=$(mktemp -d "${TMPDIR:-/tmp}/grove-terminal-XXXXXX") # short: a socket's path has 108 bytes
XDG_RUNTIME_DIR=$place
export XDG_RUNTIME_DIR
unset GROVE_AT GROVE_TOKEN
trap 'jobs -p > left; [ ! -s left ] || kill $(cat left) 2> /dev/null; rm -rf "$place"' EXIT

# begin WORD ARGUMENT...: a world, told by descriptor 3 and answering by 4; its first line is in $url.
begin() {
  rm -f in told
  mkfifo in told
  "$world" "$@" < in > told 3>&- 4<&- 5>&- 6<&- &
  pid=$!
  exec 3> in 4< told
  read -r url <&4
}
tell() {
  echo "$*" >&3
  read -r answer <&4
}
end() {
  exec 3>&- 4<&-
  wait "$pid"
}

# Nobody there.
run 4 actors ls
says err "no process serves in $place/grove/"
says err "start a command with --dashboard"
silent out
run 4 top --once --json
is err 'd["error"]["exit"] == 4 and "no process serves" in d["error"]["message"]'
run 4 timeline --at 127.0.0.1:1
says err 'nobody serves at 127.0.0.1:1'
run 4 actors tree --at unix:nothing
says err 'there is no socket nothing'
run 2 actors tree --at nowhere
says err '--at "nowhere" is none of ADDRESS:PORT, unix:PATH and the number of a process'
run 2 top
says err 'it draws on a terminal, and this is none: --once'

# One there: it is found.
begin 5 reads "unix:$place/grove/"
checks=$((checks + 1))
[ "$url" = "unix:$place/grove/$pid.sock" ] || complain "the world serves at $url"
tell work 100
run 0 actors ls
silent err
says out 'ID '
says out 'shard-00004'
says out 'TRAINING 50/100'
run 0 actors ls --at "$pid" --json
is out 'd["schema"] == 1 and d["actors"]["total"] == 11 and len(d["actors"]["rows"]) == 11'
run 0 actors ls --filter shard --sort name --limit 2
says out 'shard-00001'
says err '2 of 5 actors are shown: --limit N shows more'
[ "$(wc -l < out)" -eq 3 ] || complain "two actors and a head are three lines"
run 0 actors ls --under trunk --class leaf --phase idle --json
is out 'sorted(a["label"] for a in d["actors"]["rows"]) == ["leaf 0", "leaf 1", "leaf 2", "leaf 3"]'
run 2 actors ls --sort busi
says err '"busi"; did you mean "busy"? known: spawned, depth'
run 2 actors ls --phase asleep
says err 'phase has a value that it can'
run 2 actors ls more
says err 'unexpected argument "more"'
run 2 actors ls --limit 0
says err '--limit is "0"'

# One actor: by name, label, path, ID; and none.
run 0 actors show trunk
says out 'trunk (trunk), idle'
says out 'children     4, rest for one'
says out 'Children: 4 of 4'
run 0 actors show 'trunk/leaf 2' --json
is out 'd["actor"]["label"] == "leaf 2" and d["parent"]["name"] == "trunk"'
[ -z "$python" ] || id=$("$python" -c 'import json; print(json.load(open("out"))["actor"]["id"])')
if [ -n "$python" ]; then
  run 0 actors show "$id"
  says out 'leaf 2 (leaf), idle'
fi
run 0 actors show 'leaf 3'
run 4 actors show nothing
says err "$url has no actor \"nothing\""
run 4 actors show 'trunk/leaf 9'
run 4 actors show abc-def
run 2 actors show
says err 'which actor?'
run 2 actors show a b
says err 'unexpected argument "b"'
tell spawn mine
run 0 actors show mine
tell crash mine
run 0 actors show mine
says out ' ago: leaf.crash: it was told to <b>crash</b>'
checks=$((checks + 1))
! grep -q 'last failure' out || complain "why it has ended should be said once"
run 0 actors ls --ended --filter mine
says out 'ended'

# The tree.
run 0 actors tree
says out 'trunk (trunk) idle'
says out 'leaf 3 (leaf) idle  TRAINING 50/100'
LC_ALL=C run 0 actors tree trunk
says out '|- leaf 0'
says out '`- leaf 3'
run 0 actors tree --json
is out '[a["name"] for a in d["actors"]["rows"]].count("trunk") == 1'
is out '[len(a["below"]) for a in d["actors"]["rows"] if a["name"] == "trunk"] == [4]'
run 0 actors tree --limit 1
says err 'actors are shown'

# A snapshot of all.
run 0 top --once
says out "$url  up "
says out 'trunk'
run 0 top --once --sort name --filter shard-00003
says out '1 of 1 actors'
run 0 top --json --limit 3
is out 'd["schema"] == 1 and d["runtime"]["workers"] >= 1 and len(d["actors"]["rows"]) == 3 and d["at"].startswith("unix:")'
is out '"history" not in d'
run 2 top --once --interval 0
says err 'seconds from 0.25 to 60'

# Ending is for who allows it.
run 1 actors kill --yes trunk
says err 'lets actors be looked at, no more'
says err '--dashboard-actions'
run 2 actors kill trunk
says err 'nobody to be asked'
run 2 actors kill --yes
says err 'which actor?'

# Where time goes: while it works.
"$grove" timeline --seconds 0.7 --sort count -o spans.json > out 2> err &
timeline=$!
while kill -0 $timeline 2> /dev/null; do
  tell work 20
done
wait $timeline
code=$?
said="grove timeline"
checks=$((checks + 1))
[ "$code" -eq 0 ] || complain "$said: exit code should be 0"
says out 'METHOD'
says out 'trunk'
says out 'work'
says out " spans of "
is spans.json 'd["schema"] == 1 and len(d["spans"]) > 0 and "kind" in d["columns"]'
run 0 timeline --seconds 0.05 --json
is out 'd["schema"] == 1 and d["recorded_ns"] >= 50e6'
run 2 timeline --seconds 11
says err '0.05 to 10 are wanted'
run 2 timeline --sort long
says err 'known: longest, total, count'
run 1 timeline --seconds 0.05 -o nothing/there.json
says err '--out: nothing/there.json:'

# Two are listed, and one is named.
second=$pid
exec 5>&3 6<&4
begin 1 actions "unix:$place/grove/"
run 2 actors ls
says err '2 processes serve in'
says err "--at ($(printf '%s\n' "$second" "$pid" | sort -n | paste -s -d , | sed 's/,/, /'))" # numbers of processes begin anew some day
says err ' actors, up '
run 0 actors ls --at "$second"
GROVE_AT=$pid run 0 actors ls
exec 5>&- 6<&-
wait "$second"

# What it waits for, and what it can be asked.
tell await
found=
while [ -z "$found" ]; do
  run 0 actors show trunk
  found=$(grep '^waits' out)
done
says out 'waits        await for stay of leaf "leaf 0" is running'
says out 'methods      work(long): long'
says out '             await(): long  1 at work'
run 0 actors ls --filter trunk
says out 'await, waits for stay of leaf "leaf 0" is running'
tell wake

# Starting again, by its parent; one that has no such parent.
run 0 actors restart --yes 'trunk/leaf 3'
says out 'leaf 3  restarted'
run 0 actors restart --yes --json 'trunk/leaf 3'
is out 'd["schema"] == 1 and [a["restarted"] for a in d["actors"]] == [True]'
run 0 actors show 'trunk/leaf 3'
says out 'it was restarted from the dashboard'
while ! grep -q '  restarted ' out; do # events are read each second
  run 0 actors show 'trunk/leaf 3'
done
checks=$((checks + 1))
grep -Eq '  restarted   (itself|leaf .)  (in [0-9]|at once|with its group)' out || complain "show should say when it starts again"
run 1 actors restart --yes shard-00000
says err 'it would not start again'
run 2 actors restart
says err 'which actor?'

# Ending an actor, with all below it.
run 0 actors kill --yes 'trunk/leaf 1'
says out 'leaf 1  ended'
run 4 actors kill --yes 'trunk/leaf 1'
says err 'leaf 1'
run 0 actors kill --yes trunk shard-00000 --json
is out 'd["schema"] == 1 and [a["ended"] for a in d["actors"]] == [True, True]'
run 0 actors ls
checks=$((checks + 1))
! grep -q 'trunk\|leaf' out || complain "they should be gone"

# What was killed leaves its socket behind: it is told apart, and named.
kill -9 "$pid"
wait "$pid" 2> /dev/null
exec 3>&- 4<&-
run 4 actors ls
says err "stale, their processes have ended: $pid.sock"
run 4 actors ls --at "$pid"
says err "$pid.sock is stale: its process has ended and left it behind"
rm "$place/grove/$pid.sock"

# Others could put a socket there.
chmod 777 "$place/grove"
run 4 actors ls
says err "not this user's own folder"
chmod 700 "$place/grove"

# A token: from a file or the environment, never an argument.
begin 1 reads 127.0.0.1:0 "$token"
at=$(echo "$url" | sed 's,http://,,; s,/.*,,')
run 4 actors ls --at "$at"
says err 'wants a token: --token-file FILE, or GROVE_TOKEN'
echo "$token" > token
run 0 actors ls --at "$at" --token-file token
GROVE_TOKEN=$token run 0 actors show trunk --at "http://$at/"
GROVE_TOKEN=x${token#?} run 4 actors ls --at "$at"
says err 'refuses the token'
echo 'short' > token
run 2 actors ls --at "$at" --token-file token
says err '16 to 128'
run 4 actors ls --at "$at" --token-file nothing
says err '--token-file: nothing:'
run 2 actors ls --at "$url"
says err 'shows to everybody'
checks=$((checks + 1))
! grep -q "$token" err || complain "a token is not to be printed"
end

# A command with --dashboard is found, too.
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 300; i++) printf "%d,%d,%d\n", i % 17, i % 5, i % 17 + 2 * (i % 5) }' > few.csv
run 2 info --dashboard-actions
says err '--dashboard starts one'
mkfifo said
"$grove" train --data few.csv --model random_forest --set random_forest.n_estimators=1000000 --no-progress \
  --dashboard 127.0.0.1:0 --dashboard-actions > trained 2> said &
pid=$!
exec 7< said
read -r line <&7 # it serves once it has said where
run 0 actors ls --at "$pid"
says out 'grove.dashboard'
kill -INT "$pid"
wait "$pid"
checks=$((checks + 1))
[ ! -e "$place/grove/$pid.sock" ] || complain "its socket should be gone"

# Who answers otherwise: another program, another schema, names that are a terminal's commands.
if [ -n "$python" ]; then
  rm -f told
  mkfifo told
  "$python" "$here/strange_server.py" > told &
  pid=$!
  exec 4< told
  read -r port <&4
  run 5 actors ls --at "127.0.0.1:$port"
  says err 'speaks schema 7, and this grove ('
  run 5 actors tree --at "http://127.0.0.1:$port/page"
  says err 'but not as grove'
  run 0 actors ls --at "http://127.0.0.1:$port/evil"
  checks=$((checks + 1))
  ! grep -q "$(printf '\033')" out || complain "a name's escape should not reach the terminal"
  ! grep -q "$(printf '\302\233')" out || complain "nor its other form"
  says out 'a?[2Jb??c'
  run 1 actors ls --limit 1000 --at "http://127.0.0.1:$port/hangs-up"
  says err 'is lost: its process has ended'
  kill "$pid"
  wait "$pid" 2> /dev/null
fi
finish
