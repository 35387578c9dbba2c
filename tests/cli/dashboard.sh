# --dashboard: of every command, with or without an address; what it shows while a training runs.
. "$(dirname "$0")/lib.sh"
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 300; i++) printf "%d,%d,%d\n", i % 17, i % 5, i % 17 + 2 * (i % 5) }' > few.csv

run 0 info --dashboard 127.0.0.1:0
says err 'grove info: dashboard: http://127.0.0.1:'
says out "workers"
run 0 info --dashboard=127.0.0.1:0 --json
is out 'd["schema"] == 1'
run 0 info --dashboard localhost:0
says err 'dashboard: http://127.0.0.1:'
run 2 info --dashboard "unix:s" # no ADDRESS:PORT, and so an argument
says err 'unexpected argument "unix:s"'
run 0 info --dashboard=unix:s
says err 'dashboard: unix:s'
[ ! -e s ] || complain "the socket's file should be gone"
run 0 info --dashboard 0.0.0.0:0
says err '/?token='
run 2 info --dashboard=nowhere
says err '--dashboard: nowhere is no address to serve on'
run 2 info --dashboard 1.2.3:80 # not of that form
says err 'unexpected argument "1.2.3:80"'
run 2 info --dashboard 127.0.0.1:99999
says err 'is no address'
run 0 train --help
says out '--dashboard [ADDRESS:PORT]'
run 2 train --dashbord
says err 'did you mean "--dashboard"'
run 2 info -- --dashboard
says err 'unexpected argument "--dashboard"'
# With workers on libuv's pool, too.
run 0 train --data few.csv --model linear --executor uv --dashboard 127.0.0.1:0 --json
is out 'd["models"][0]["state"] == "DONE"'
says err 'dashboard: http://127.0.0.1:'
# The word behind it is a file here.
run 2 predict --rule 'a > 1' --dashboard=127.0.0.1:0
says err 'no shard'
run 4 parquet check --dashboard nothing.parquet
says err 'nothing.parquet'

# While it trains: the models are there, with their state, and it goes away with the command.
if [ -n "$python" ]; then
  # One that takes its time, and is stopped when it has been seen.
  "$grove" train --data few.csv --model random_forest --set random_forest.n_estimators=1000000 --no-progress --dashboard 127.0.0.1:0 > out 2> err &
  pid=$!
  said="train with a dashboard"
  code=0
  checks=$((checks + 1))
  "$python" - err > seen 2>&1 <<'PY' || { complain "$said: it was not seen"; cat seen; }
import json, re, sys, time, urllib.request, urllib.error
end = time.time() + 30
url = None
while time.time() < end:
    found = re.search(r'dashboard: (http://\S+)', open(sys.argv[1]).read())
    if found:
        url = found.group(1)
        d = json.load(urllib.request.urlopen(url + 'api/1/actors?q=random_forest'))
        rows = d['actors']['rows']
        if rows and 'TRAINING' in rows[0]['state']:
            print(rows[0]['state'])
            break
    time.sleep(0.05)
else:
    sys.exit('no state; url ' + str(url))
if b'grove_class_actors' not in urllib.request.urlopen(url + 'metrics').read():
    sys.exit('no metrics')
# a second command on the same port says so
open('url', 'w').write(url)
PY
  taken=$(sed 's,http://,,; s,/.*,,' url)
  run 1 info --dashboard "$taken"
  says err 'another port, or 0 for any, would do'
  kill -INT "$pid"
  wait "$pid"
  code=$?
  checks=$((checks + 1))
  [ "$code" -eq 130 ] || complain "$said: exit code should be 130"
fi
finish
