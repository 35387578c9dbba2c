# The example of a batch job over files, a web server and an s3: PROGRAM SERVER SCRATCH. The server is tests/support/store_server.c.
set -u
program=$1 server=$2 scratch=$3
rm -rf "$scratch"
mkdir -p "$scratch/files"
cd "$scratch" || exit 1
for name in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p') SSL_CERT_FILE http_proxy https_proxy all_proxy no_proxy; do
  unset "$name"
done
printf 'x\n1\n2\n3\n' > files/a.csv
printf 'x\n5\n' > files/b.csv
mkdir out-http
mkfifo port
"$server" files requests > port &
server_id=$!
trap 'kill "$server_id" 2> /dev/null || true' EXIT
read -r port < port || { echo "the server did not start"; exit 1; }
base=http://127.0.0.1:$port
failed=0

# scores EXIT TEXT ARGUMENT...
scores()
{
  wanted=$1 text=$2
  shift 2
  "$program" "$@" > out 2> err
  code=$?
  [ "$code" -eq "$wanted" ] && grep -qF -- "$text" out && return
  failed=$((failed + 1))
  echo "FAILED: $*: ended with $code, should end with $wanted and say \"$text\""
  cat out err
}

scores 0 "total: 2 shards, 4 rows" 'x >= 2' - files/a.csv files/b.csv
if ! "$program" 'x >= 2' - "$base/d/a.csv" > out 2> err && grep -q "needs grove_remote" out err; then
  echo "no grove_remote here: http and s3 are skipped"
else
  scores 0 "total: 2 shards, 4 rows" 'x >= 2' - "$base/d/a.csv" "$base/d/b.csv"
  scores 0 "a.csv: 3 rows, score 2" 'x >= 2' out-http "$base/d/a.csv"
  scores 0 "a.csv: 3 rows, score 2 (done before)" 'x >= 2' out-http "$base/d/a.csv"
  scores 3 "HTTP 404" 'x >= 2' - "$base/d/a.csv" "$base/d/nowhere.csv"
  AWS_ENDPOINT_URL=$base
  export AWS_ENDPOINT_URL
  scores 0 "total: 1 shard, 3 rows" 'x >= 2' - s3://anonymous@bucket/d/a.csv
  AWS_ACCESS_KEY_ID=me AWS_SECRET_ACCESS_KEY=secret AWS_REGION=eu-west-3
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
  scores 0 "total: 1 shard, 3 rows" 'x >= 2' - s3://bucket/d/a.csv
  grep -q "GET /bucket/d/a.csv me eu-west-3" requests || { failed=$((failed + 1)); echo "FAILED: no signed request"; }
fi
echo "$failed failed"
[ "$failed" -eq 0 ]
