# Where commands read from: what of the environment, of profiles and of options reaches a server.
# PROGRAM WORK_FOLDER DATA_FOLDER SERVER
server=$(cd "$(dirname "$4")" && pwd)/$(basename "$4")
. "$(dirname "$0")/lib.sh"
for name in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p') http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY \
  ALL_PROXY NO_PROXY; do
  unset "$name"
done
HOME=$work/home
export HOME
mkdir -p "$HOME/.aws" files
printf 'x\n1\n2\n3\n' > files/a.csv
printf 'x\n' > files/none.csv
mkfifo port
"$server" files requests > port &
server_id=$!
trap 'kill "$server_id" 2> /dev/null || true' EXIT
read -r port < port || { echo "the server did not start"; exit 1; }
base=http://127.0.0.1:$port

# asked TEXT: a request since the last time has the text in it.
asked()
{
  checks=$((checks + 1))
  grep -qF -- "$1" requests || complain "$said: no request has \"$1\": $(cat requests)"
}

# reads ARGUMENT...: predict over the object, whose three rows come; the requests are those of this run alone.
reads()
{
  : > requests
  run 0 predict --rule 'x >= 2' --json "$@"
  is out 'd["rows"] == 3 and d["score"] == 2'
}

# refuses EXIT WORDS ARGUMENT...
refuses()
{
  wanted=$1 words=$2
  shift 2
  : > requests
  run "$wanted" predict --rule 'x >= 2' "$@"
  says err "$words"
  checks=$((checks + 1))
  ! grep -q geheim out err || complain "$said: a secret was said"
}

# http
reads "$base/d/a.csv"
asked "GET /d/a.csv - - -"
checks=$((checks + 1))
[ "$(wc -l < requests)" -eq 1 ] || complain "one object by http took more than one request: $(cat requests)"
refuses 4 "HTTP 404 Not Found (NoSuchKey: There is no such key)" "$base/d/nowhere.csv"

# Several, asked side by side: their shards stand in the order of the arguments, and one that is not there is its own error.
run 0 predict --rule 'x >= 2' --json "$base/d/a.csv" files/a.csv "$base/e/a.csv" "$base/f/a.csv"
is out '[s["path"].split("/")[-2] for s in d["shards"]] == ["d", "files", "e", "f"] and d["rows"] == 12'
run 3 predict --rule 'x >= 2' --json "$base/d/a.csv" "$base/d/nowhere.csv" "$base/e/a.csv"
is out '[s["error"] is None for s in d["shards"]] == [True, False, True] and d["rows"] == 6'

# Signed urls and passwords: asked for as they are, and never said.
reads "$base/d/a.csv?X-Amz-Signature=geheim/x"
asked "GET /d/a.csv?X-Amz-Signature=geheim/x - - -"
is out 'd["shards"][0]["path"].endswith("/d/a.csv")'
signed=http://me:geheim@${base#http://}
refuses 4 "/d/nowhere.csv" "$signed/d/nowhere.csv?X-Amz-Signature=geheim"
refuses 4 "/d/nowhere.csv" "$signed/d/nowhere.csv?X-Amz-Signature=geheim" --json
said="a model at a signed url"
code=0
"$grove" predict --model "$signed/d/nowhere.json?X-Amz-Signature=geheim" "$base/d/a.csv" > out 2> err && code=1
says err "/d/nowhere.json"
"$grove" parquet meta "$signed/d/a.csv?X-Amz-Signature=geheim" >> out 2>> err && code=1
says err "/d/a.csv: it does not start with PAR1"
run 3 predict --rule 'x >= 2' --out signed "$signed/d/a.csv?X-Amz-Signature=geheim" "$base/d/nowhere.csv?X-Amz-Signature=geheim"
checks=$((checks + 1))
! grep -r geheim signed out err || complain "$said: a secret was said"

# Nobody: unsigned.
reads --endpoint "$base" s3://bucket/d/a.csv
asked "GET /bucket/d/a.csv - - -"
AWS_ENDPOINT_URL=$base/two
export AWS_ENDPOINT_URL
reads s3://bucket/d/a.csv
asked "GET /two/bucket/d/a.csv - - -"
AWS_ENDPOINT_URL_S3=$base/three
export AWS_ENDPOINT_URL_S3
reads s3://bucket/d/a.csv
asked "GET /three/bucket/d/a.csv - - -"
reads --endpoint "$base" s3://bucket/d/a.csv
asked "GET /bucket/d/a.csv - - -"
unset AWS_ENDPOINT_URL_S3
AWS_ENDPOINT_URL=$base

# Keys of the environment.
AWS_ACCESS_KEY_ID=ENV AWS_SECRET_ACCESS_KEY=geheim AWS_DEFAULT_REGION=eu-west-1
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_DEFAULT_REGION
reads s3://bucket/a.csv
asked "GET /bucket/a.csv ENV eu-west-1 -"
AWS_REGION=eu-west-2 AWS_SESSION_TOKEN=session
export AWS_REGION AWS_SESSION_TOKEN
reads s3://bucket/a.csv
asked "GET /bucket/a.csv ENV eu-west-2 session"
reads --region eu-west-3 s3://bucket/a.csv
asked "GET /bucket/a.csv ENV eu-west-3 session"
reads s3://anonymous@bucket/a.csv
asked "GET /bucket/a.csv - - -"
refuses 4 "/bucket/nowhere.csv" s3://bucket/nowhere.csv
unset AWS_REGION AWS_DEFAULT_REGION AWS_SESSION_TOKEN AWS_SECRET_ACCESS_KEY
refuses 5 "a store has a key, but no secret" s3://bucket/a.csv
unset AWS_ACCESS_KEY_ID

# Profiles: of the home folder, and of files that are named.
cat > "$HOME/.aws/credentials" << 'TEXT'
# a remark
[default]
aws_access_key_id=DEFAULT
aws_secret_access_key = geheim
; another
[ other ]
  [indented]
aws_access_key_id   =   OTHER
aws_secret_access_key=geheim=/+==
aws_session_token=of other
TEXT
cat > "$HOME/.aws/config" << TEXT
[default]
region = eu-south-1
s3 =
  endpoint_url = http://nowhere.invalid
  region = nowhere
[profile other]
region=eu-south-2
[profile far]
endpoint_url = $base/far
TEXT
sed -i '/indented/d' "$HOME/.aws/credentials"
reads s3://bucket/a.csv
asked "GET /bucket/a.csv DEFAULT eu-south-1 -"
AWS_PROFILE=other
export AWS_PROFILE
reads s3://bucket/a.csv
asked "GET /bucket/a.csv OTHER eu-south-2 of other"
reads --profile default s3://bucket/a.csv
asked "GET /bucket/a.csv DEFAULT eu-south-1 -"
AWS_REGION=eu-west-2
export AWS_REGION
reads s3://bucket/a.csv
asked "GET /bucket/a.csv OTHER eu-west-2 of other"
unset AWS_REGION
# Keys that a program gives, whose answer nobody else sees; none is run for what needs no keys.
cat > keys.sh << 'TEXT'
echo asked >> "$1"
cat "$2"
exit "${3:-0}"
TEXT
echo '{"Version": 1, "AccessKeyId": "GIVEN", "SecretAccessKey": "geheim", "SessionToken": "of given", "Expiration": "2099-01-01T00:00:00Z"}' > given
echo '{"Version": 1, "AccessKeyId": "GIVEN", "SecretAccessKey": "geheim"}' > given_two
echo '{"Version": 2, "AccessKeyId": "GIVEN", "SecretAccessKey": "geheim"}' > given_new
echo '{"Version": 1, "AccessKeyId": "GIVEN geheim"}' > given_half
echo 'geheim' > given_text
for name in given given_two given_new given_half given_text; do
  printf '[profile %s]\ncredential_process = sh "%s/keys.sh" "%s/calls" "%s/%s"\nregion = eu-south-9\n' "$name" "$work" "$work" "$work" "$name"
done >> "$HOME/.aws/config"
cat >> "$HOME/.aws/config" << TEXT
[profile failing]
credential_process = sh $work/keys.sh $work/calls $work/given 3
[profile signed]
sso_session = mine
sso_account_id = 1
[profile role]
role_arn = arn:aws:iam::1:role/x
source_profile = other
TEXT
reads --profile given s3://bucket/a.csv
asked "GET /bucket/a.csv GIVEN eu-south-9 of given"
reads --profile given_two s3://bucket/a.csv
asked "GET /bucket/a.csv GIVEN eu-south-9 -"
rm -f calls
for name in given failing signed role; do
  run 0 predict --rule 'x >= 2' --profile "$name" files/a.csv
done
[ ! -e calls ] || complain "keys were asked for, and nothing of s3"
refuses 5 'profile "given_new": credential_process gave an answer whose Version is not 1' --profile given_new s3://bucket/a.csv
refuses 5 'profile "given_half": credential_process gave no AccessKeyId and SecretAccessKey' --profile given_half s3://bucket/a.csv
refuses 5 'profile "given_text": credential_process gave no JSON object' --profile given_text s3://bucket/a.csv
refuses 4 'profile "failing": credential_process failed: it ended with exit code 3' --profile failing s3://bucket/a.csv
refuses 5 'profile "signed" gets its keys by sso_session, which is left to the aws program: log in with it' --profile signed s3://bucket/a.csv
refuses 5 'credential_process = aws configure export-credentials --profile role"' --profile role s3://bucket/a.csv

# Keys that end while they are used: the program is asked once more, and the files are read once more.
cat > turns.sh << 'TEXT'
echo asked >> "$1"
[ "$(wc -l < "$1")" -gt 1 ] && exec cat "$3"
exec cat "$2"
TEXT
sed 's/of given/over/' given > given_over
printf '[profile turns]\ncredential_process = sh "%s/turns.sh" "%s/turns" "%s/given_over" "%s/given"\n' "$work" "$work" "$work" "$work" >> "$HOME/.aws/config"
printf '[profile over]\ncredential_process = cat "%s/given_over"\n' "$work" >> "$HOME/.aws/config"
printf '[filed]\naws_access_key_id=FILED\naws_secret_access_key=geheim\naws_session_token=over\n' >> "$HOME/.aws/credentials"
reads --profile turns s3://bucket/a.csv
asked "prefix=a.csv GIVEN us-east-1 over"
asked "GET /bucket/a.csv GIVEN us-east-1 of given"
checks=$((checks + 1))
[ "$(wc -l < turns)" -eq 2 ] || complain "$said: the program was not run twice: $(cat turns)"
refuses 4 "(ExpiredToken: It has expired), attempt 2 of 5" --profile over s3://bucket/a.csv
refuses 4 "(ExpiredToken: It has expired), attempt 1 of 5; and no new keys came: profile \"filed\" has the same keys as before: log in anew, or" \
  --profile filed s3://bucket/a.csv
AWS_ACCESS_KEY_ID=ENV AWS_SECRET_ACCESS_KEY=geheim AWS_SESSION_TOKEN=over
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
refuses 4 "(ExpiredToken: It has expired), attempt 1 of 5" s3://bucket/a.csv
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
# A program that does not end is ended; what it says of the end must be a time.
cat > hangs.sh << 'TEXT'
echo $$ > "$1"
exec tail -f /dev/null
TEXT
printf '[profile hangs]\ncredential_process = exec sh "%s/hangs.sh" "%s/hangs"\n' "$work" "$work" >> "$HOME/.aws/config"
printf '[profile closes]\ncredential_process = exec sh "%s/hangs.sh" "%s/hangs" > /dev/null\n' "$work" "$work" >> "$HOME/.aws/config"
for name in hangs closes; do
  refuses 6 "profile \"$name\": credential_process did not end within 1500 ms, and was ended (--keys-timeout)" \
    --profile "$name" --keys-timeout 1500 s3://bucket/a.csv
  checks=$((checks + 1))
  ! kill -0 "$(cat hangs)" 2> /dev/null || complain "$said: the program goes on"
done
for end in soon 2026-13-01T00:00:00Z 2026-01-01T00:00:00 2026-01-01T00:00:00+01; do
  sed "s/2099-01-01T00:00:00Z/$end/" given > given_end
  printf '[profile end]\ncredential_process = cat "%s/given_end"\n' "$work" > config
  AWS_CONFIG_FILE=$work/config
  export AWS_CONFIG_FILE
  refuses 5 'profile "end": credential_process gave an Expiration that is no time' --profile end s3://bucket/a.csv
done
for end in 2099-01-01T00:00:00.25Z 2099-01-01T00:00:00+01:00 2000-02-29T00:00:00Z; do
  sed "s/2099-01-01T00:00:00Z/$end/" given > given_end
  reads --profile end s3://bucket/a.csv
done
unset AWS_CONFIG_FILE

# Keys go together: those of the environment take nothing from the profile but what is no key.
AWS_ACCESS_KEY_ID=ENV AWS_SECRET_ACCESS_KEY=geheim
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
reads s3://bucket/a.csv
asked "GET /bucket/a.csv ENV eu-south-2 -"
reads --profile other s3://bucket/a.csv # the one that is asked for by name
asked "GET /bucket/a.csv OTHER eu-south-2 of other"
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_PROFILE
AWS_ENDPOINT_URL=
reads --profile far s3://bucket/a.csv # in one of the two files
asked "GET /far/bucket/a.csv - - -"
AWS_ENDPOINT_URL=$base
refuses 4 'no profile "nobody" in the files of AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials) and AWS_CONFIG_FILE (~/.aws/config)' \
  --profile nobody s3://bucket/a.csv
AWS_PROFILE=nobody
export AWS_PROFILE
refuses 4 'no profile "nobody"' s3://bucket/a.csv
unset AWS_PROFILE
printf '[default]\naws_access_key_id=FILE\naws_secret_access_key=geheim\n' > credentials
printf '[default]\nregion=eu-north-1\n' > config
AWS_SHARED_CREDENTIALS_FILE=$work/credentials AWS_CONFIG_FILE=$work/config
export AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE
reads s3://bucket/a.csv
asked "GET /bucket/a.csv FILE eu-north-1 -"
printf '[default]\naws_secret_access_key=geheim\n' > credentials
refuses 5 "a store has a secret, but no key" s3://bucket/a.csv
AWS_SHARED_CREDENTIALS_FILE=$work/nowhere
reads s3://bucket/a.csv
asked "GET /bucket/a.csv - - -"
unset AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE
HOME=
reads s3://bucket/a.csv
asked "GET /bucket/a.csv - - -"

# Proxies: the server takes what is asked of it for others.
http_proxy=$base
export http_proxy
reads http://nowhere.invalid/d/a.csv
asked "GET http://nowhere.invalid/d/a.csv - - -"
no_proxy=localhost,127.0.0.1
export no_proxy
reads "$base/d/a.csv"
asked "GET /d/a.csv - - -"
unset http_proxy no_proxy
HTTP_PROXY=http://127.0.0.1:1
export HTTP_PROXY # what a web server makes of a header: not heard
reads "$base/d/a.csv"
unset HTTP_PROXY

# A server that says nothing: an interrupt gives its reads up; what is done stays, and it is said how to go on.
said="interrupted while a server is silent"
: > requests
"$grove" predict --rule 'x >= 2' --out held --timeout 100000 files/a.csv "$base/d/hang.csv" > out 2> err < /dev/null &
pid=$!
while kill -0 "$pid" 2> /dev/null && { ! grep -q "^end" held/.a.parquet.done 2> /dev/null || ! grep -q hang requests; }; do
  :
done
kill -INT "$pid"
wait "$pid"
code=$?
checks=$((checks + 1))
[ "$code" -eq 130 ] || complain "$said: exit code should be 130"
says err "interrupted: 1 of 2 shards were done; go on with"
is held/manifest.json '[s["state"] for s in d["shards"]] == ["DONE", "OPEN"]'

# What writes is waited for, and a second interrupt doesn't wait.
said="interrupted twice while a server is silent"
: > requests
AWS_ACCESS_KEY_ID=ENV AWS_SECRET_ACCESS_KEY=geheim
export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
"$grove" predict --rule 'x >= 2' --endpoint "$base" --out s3://bucket/hang --notes held --timeout 100000 files/a.csv > out 2> err < /dev/null &
pid=$!
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY
while kill -0 "$pid" 2> /dev/null && ! grep -q "PUT /bucket/hang/" requests; do
  :
done
kill -INT "$pid"
while kill -0 "$pid" 2> /dev/null && ! grep -q "once more" err; do
  :
done
kill -INT "$pid"
wait "$pid"
code=$?
checks=$((checks + 1))
[ "$code" -eq 130 ] || complain "$said: exit code should be 130"
checks=$((checks + 1))
! grep -q "go on with" err || complain "$said: it was waited for"

# What can't be.
refuses 5 "the endpoint \"localhost:1\" must begin with http:// or https://" --endpoint localhost:1 s3://bucket/a.csv
refuses 5 "can't be a bucket's name" s3:///a.csv
refuses 5 "http has no listings" "$base/d/*.csv"
finish
