"""Stores against servers that others wrote: versitygw and moto for s3, nginx for http.

usage: store_peers.py STORE_CLIENT GROVE SCRATCH_FOLDER DATA_FOLDER [BATCH_JOB]
Servers are looked for in the folders of GROVE_TEST_TOOLS (with colons between) and of PATH; those that are not there are
skipped by name. Exit codes: 0 all is as it should be, 1 not, 77 no server here.
"""
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib

client, grove, scratch, data = sys.argv[1:5]
example = sys.argv[5] if len(sys.argv) > 5 else ""
tools = [d for d in os.environ.get("GROVE_TEST_TOOLS", "").split(":") if d]
path = os.pathsep.join(tools + [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
bare = {k: v for k, v in os.environ.items() if not k.upper().startswith("AWS_") and not k.lower().endswith("_proxy")}
bare["HOME"] = scratch
failures = 0
checks = 0
PATIENCE = 60  # seconds for a server to start, on a busy machine


def check(good, words):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print("FAILED:", words)


def run(arguments, given=b"", environment=None):
    done = subprocess.run(arguments, input=given, capture_output=True, env={**bare, **(environment or {})}, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


# ---- servers ----------------------------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(url):
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
    except urllib.error.HTTPError:
        pass
    except OSError:
        return False
    return True


class Server:
    """`command(port)` gives the arguments. Another may take the port before it does: then once more with another."""

    def __init__(self, name, command, environment=None):
        for attempt in range(5):
            self.port = free_port()
            self.url = f"http://127.0.0.1:{self.port}"
            self.log = os.path.join(scratch, f"{name}.log")
            with open(self.log, "ab") as log:
                self.process = subprocess.Popen(command(self.port), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                                env={**bare, **(environment or {})}, cwd=scratch)
            until = time.monotonic() + PATIENCE
            while self.process.poll() is None and time.monotonic() < until:
                if answers(self.url + "/"):
                    return
                time.sleep(0.05)
            self.stop()
        with open(self.log, encoding="utf-8", errors="replace") as log:
            raise SystemExit(f"{name} did not start:\n{log.read()[-2000:]}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def find(name):
    found = shutil.which(name, path=path)
    if not found:
        print(f"no {name} here: skipped")
    return found


# ---- calls of the store -----------------------------------------------------------------------------


def blob(n, seed=1):
    return b"".join(((i * 2654435761 + seed) % 2**32).to_bytes(4, "little") for i in range(n // 4 + 1))[:n]


class Store:
    def __init__(self, **options):
        self.options = [f"{k}={v}" for k, v in options.items()]

    def call(self, verb, url, given=b""):
        return run([client, *self.options, verb, url], given)

    def put(self, url, given):
        code, _, err = self.call("put", url, given)
        check(code == 0, f"put {url}: {err}")

    def cat(self, url, want):
        code, out, err = self.call("cat", url)
        check(code == 0 and out == want, f"cat {url}: {len(out)} bytes, {len(want)} wanted: {err}")

    def list(self, url, want):
        code, out, err = self.call("list", url)
        got = [line.split(" ", 1)[1] for line in out.decode().split("\n")[:-1]]
        check(code == 0 and got == want, f"list {url}: {got[:20]}, not {want[:20]}: {err}")

    def fails(self, verb, url, *words, given=b""):
        code, out, err = self.call(verb, url, given)
        check(code == 1 and out == b"", f"{verb} {url} should fail: {code}")
        for word in words:
            check(word in err, f"{verb} {url}: no \"{word}\" in: {err}")
        check("geheim" not in err, f"{verb} {url}: the secret is in: {err}")


ODD = ["a b.parquet", "a'b(1)!*.parquet", "c+d&e=f.parquet", "e\u00e9\u4e2d.parquet", "p%20q.parquet", "s;t,u@v:w$.parquet",
       "x~y-z_.parquet", "a\tb\x7f.parquet", "a\\b\"c<d>&e;.parquet", "a{b}|c^d`e.parquet"]


def exercise(store, bucket, more=()):
    """What any s3 has to do. `more`: names that not all of them can list."""
    at = f"s3://{bucket}/odd/"
    odd = [*ODD, *more]
    for i, name in enumerate(odd):
        store.put(at + name, blob(50 + i))
    names = sorted((at + name for name in odd), key=lambda n: n.encode())
    store.list(at, names)
    store.list(at[:-1], names)
    store.list(at + "*.parquet", names)
    store.list(f"s3://{bucket}/**/[acp]*.parquet", [n for n in names if n[len(at)] in "acp"])
    for i, name in enumerate(odd):
        store.cat(at + name, blob(50 + i))
        if not set(name) & set("*?["):
            store.list(at + name, [at + name])
    for n in [0, 1, 65535, 65536, 65537, 400000]:
        store.put(f"s3://{bucket}/sizes/{n}", blob(n))
        store.cat(f"s3://{bucket}/sizes/{n}", blob(n))
    code, out, err = store.call("list", f"s3://{bucket}/sizes/*")
    check(code == 0 and sorted(out.decode().split("\n")[:-1]) ==
          sorted(f"{n} s3://{bucket}/sizes/{n}" for n in [0, 1, 65535, 65536, 65537, 400000]), f"sizes: {out} {err}")
    for n in [5 << 20, (5 << 20) + 1, 10 << 20, 17 << 20]:  # up to four parts
        store.put(f"s3://{bucket}/large/{n} parts", blob(n, n))
        store.cat(f"s3://{bucket}/large/{n} parts", blob(n, n))
    store.put(f"s3://{bucket}/large/again", blob(6 << 20, 1))
    store.put(f"s3://{bucket}/large/again", blob(6 << 20, 2))  # over what is there
    store.cat(f"s3://{bucket}/large/again", blob(6 << 20, 2))
    for n in [10, 6 << 20]:
        code, _, err = store.call("drop", f"s3://{bucket}/dropped/{n}", blob(n))
        check(code == 0, f"drop: {err}")
    for n in [10, 6 << 20]:  # what is there stays, where nothing may be replaced
        code, _, err = store.call("new", f"s3://{bucket}/new/{n}", blob(n, 1))
        check(code == 0, f"new: {err}")
        store.fails("new", f"s3://{bucket}/new/{n}", "it is there already", f"/new/{n}", given=blob(n, 2))
        store.cat(f"s3://{bucket}/new/{n}", blob(n, 1))
    store.fails("list", f"s3://{bucket}/dropped/*", "no key matches")
    store.fails("cat", f"s3://{bucket}/none", "not found", "HTTP 404", f"/{bucket}/none")
    store.fails("list", f"s3://{bucket}/none", "no such object")
    store.fails("list", "s3://no-such-bucket/x", "not found", "NoSuchBucket")
    store.fails("put", "s3://no-such-bucket/x", "NoSuchBucket", given=b"x")


def command_reads(url, environment, folder):
    """The command over the store says what it says of the same files here."""
    csv = [os.path.join(folder, name) for name in ("a.csv", "b.csv")]
    local = run([grove, "predict", "--rule", "x >= 2", *csv, "--json"])
    there = run([grove, "predict", "--rule", "x >= 2", url + "/a.csv", url + "/b.csv", "--json"], environment=environment)
    check(local[0] == 0 and there[0] == 0, f"predict: {local[2]} {there[2]}")
    if local[0] == 0 and there[0] == 0:
        a, b = json.loads(local[1]), json.loads(there[1])
        check(a["rows"] == b["rows"] == 5 and a["score"] == b["score"] == 4, f"predict: {a} {b}")
    month = os.path.join(data, "taxi", "green_tripdata_2022-01.parquet")
    if not os.path.exists(month):
        print("no Parquet file in the data's folder: not read through servers")
        return
    for arguments in (["meta", "--json"], ["check"], ["cat", "--columns", "fare_amount,trip_distance"]):
        a = run([grove, "parquet", arguments[0], month, *arguments[1:]])
        b = run([grove, "parquet", arguments[0], url + "/month.parquet", *arguments[1:]], environment=environment)
        same = a[1].replace(month.encode(), b"") == b[1].replace((url + "/month.parquet").encode(), b"")
        check(a[0] == 0 and b[0] == 0 and same, f"parquet {arguments} over {url}: {b[0]} {b[1][:200]} {b[2]}")
    rule = ["--rule", "trip_distance >= 2", "--json"]
    a = run([grove, "predict", *rule, month])
    b = run([grove, "predict", *rule, url + "/month.parquet"], environment=environment)
    check(a[0] == 0 and b[0] == 0 and json.loads(a[1])["score"] == json.loads(b[1])["score"] > 0, f"predict over {url}: {b}")


def files(folder):
    os.makedirs(folder)
    with open(os.path.join(folder, "a.csv"), "w", encoding="utf-8") as f:
        f.write("x\n1\n2\n3\n")
    with open(os.path.join(folder, "b.csv"), "w", encoding="utf-8") as f:
        f.write("x\n2\n3\n")
    month = os.path.join(data, "taxi", "green_tripdata_2022-01.parquet")
    if os.path.exists(month):
        shutil.copy(month, os.path.join(folder, "month.parquet"))


def variables(endpoint, key="me", secret="geheim"):
    return {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_ENDPOINT_URL": endpoint}


def upload_files(store, bucket, folder):
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as f:
            store.put(f"s3://{bucket}/in/{name}", f.read())


def job_writes(url, environment, store):
    """A job whose shards, output and notes are all on the server; resumed; with a model that is there, too."""
    out = url.replace("anonymous@", "") + "-scores"
    job = [grove, "predict", "--rule", "x >= 2", "--out", out, "--keep", "x", "--format", "csv", url + "/*.csv", "--json"]
    code, said, err = run(job, environment=environment)
    check(code == 0 and json.loads(said)["rows"] == 5, f"a job that writes to {out}: {code} {said} {err}")
    store.cat(out + "/a.csv", b"x,prediction\n1,0\n2,1\n3,1\n")
    _, note, _ = store.call("cat", out + "/.b.csv.done")
    check(b"rows 2" in note and note.endswith(b"end\n"), f"the note: {note}")
    _, manifest, _ = store.call("cat", out + "/manifest.json")
    check(manifest and all(s["state"] == "DONE" for s in json.loads(manifest)["shards"]), f"the manifest: {manifest}")
    code, said, err = run(job + ["--resume"], environment=environment)
    check(code == 0 and all(s.get("resumed") for s in json.loads(said)["shards"]), f"resumed at {out}: {said} {err}")
    csv = os.path.join(scratch, "line.csv")
    with open(csv, "w", encoding="utf-8") as f:
        f.write("x,y\n" + "".join(f"{i},{2 * i + 1}\n" for i in range(50)))
    run([grove, "train", "--data", csv, "--model", "linear", "--save", os.path.join(scratch, "models"), "--quiet"])
    with open(os.path.join(scratch, "models", "linear.grove"), "rb") as f:
        store.put(out + "/linear.grove", f.read())
    code, said, err = run([grove, "predict", "--model", out + "/linear.grove", url + "/a.csv", "--json"], environment=environment)
    check(code == 0 and abs(json.loads(said)["score"] - 15) < 1e-6, f"a model at {out}: {said} {err}")
    if not example:
        print("no example program: skipped")
        return
    code, said, err = run([example, "x >= 2", out + "-again", url + "/*.csv"], environment=environment)
    check(code == 0 and b"total: 2 shards, 5 rows" in said, f"the example: {code} {said} {err}")
    code, said, err = run([example, "x >= 2", out + "-again", url + "/*.csv"], environment=environment)
    check(code == 0 and said.count(b"done before") == 2, f"the example again: {code} {said} {err}")


# ---- the peers --------------------------------------------------------------------------------------


def with_versitygw(program, folder):
    root, sidecar = os.path.join(scratch, "gw"), os.path.join(scratch, "meta")
    os.makedirs(os.path.join(root, "bucket", "many"))
    os.makedirs(sidecar)
    for i in range(1005):
        with open(os.path.join(root, "bucket", "many", f"{i:04}.parquet"), "wb"):
            pass
    command = lambda port: [program, "--port", f"127.0.0.1:{port}", "--region", "eu-west-3", "--quiet", "posix", "--sidecar",
                            sidecar, root]
    with Server("versitygw", command, {"ROOT_ACCESS_KEY": "me", "ROOT_SECRET_KEY": "geheim"}) as server:
        good = dict(endpoint=server.url, key="me", secret="geheim", region="eu-west-3", part_bytes=1)
        store = Store(**good)
        exercise(store, "bucket")
        with open(os.path.join(root, "bucket", "large", f"{17 << 20} parts"), "rb") as f:
            check(f.read() == blob(17 << 20, 17 << 20), "the file behind the gateway")
        check(not os.path.exists(os.path.join(root, "bucket", "dropped")), "what was given up is there")
        store.list("s3://bucket/many", [f"s3://bucket/many/{i:04}.parquet" for i in range(1005)])  # two pages
        Store(**{**good, "secret": "geheimer"}).fails("list", "s3://bucket/x", "HTTP 403 Forbidden", "SignatureDoesNotMatch")
        Store(**{**good, "secret": "geheimer"}).fails("put", "s3://bucket/x", "SignatureDoesNotMatch", given=b"x")
        Store(**{**good, "key": "you"}).fails("cat", "s3://bucket/sizes/1", "HTTP 40", "ccess key")
        Store(**{**good, "region": "us-east-1"}).fails("cat", "s3://bucket/sizes/1", "HTTP 4", "eu-west-3")
        store.fails("cat", "s3://anonymous@bucket/sizes/1", "HTTP 403 Forbidden", "AccessDenied")
        upload_files(store, "bucket", folder)
        environment = {**variables(server.url), "AWS_REGION": "eu-west-3"}
        command_reads("s3://bucket/in", environment, folder)
        job_writes("s3://bucket/in", environment, store)
        code, out, err = run([grove, "predict", "--rule", "x >= 2", "s3://bucket/in/*.csv", "--json"], environment=environment)
        check(code == 0 and json.loads(out)["rows"] == 5, f"predict with a pattern: {err}")
        code, out, err = run([grove, "predict", "--rule", "x >= 2", "s3://bucket/in/a.csv"],
                             environment={**environment, "AWS_SECRET_ACCESS_KEY": "falsch"})
        check(code != 0 and "SignatureDoesNotMatch" in err and "falsch" not in err, f"a wrong secret: {code} {err}")


def with_moto(program, folder):
    somebody = "AWS4-HMAC-SHA256 Credential=me/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=any"
    with Server("moto", lambda port: [program, "-H", "127.0.0.1", "-p", str(port)]) as server:
        def ask(method, target, body=None, public=False):
            request = urllib.request.Request(server.url + target, data=body, method=method)
            request.add_header("Content-Type", "application/octet-stream")  # or it is taken for a form
            if public:
                request.add_header("x-amz-acl", "public-read")
            if method == "POST":  # of a somebody: whom it is not asked
                request.add_header("Authorization", somebody)
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).close()
        ask("PUT", "/bucket")
        store = Store(endpoint=server.url, key="me", secret="geheim", token="to/ken==", part_bytes=1)
        exercise(store, "bucket", more=["a\x01b\x1f.parquet"])
        for i in range(1005):
            ask("PUT", f"/bucket/many/{i:04}.parquet", b"x")
        store.list("s3://bucket/many/", [f"s3://bucket/many/{i:04}.parquet" for i in range(1005)])
        store.fails("cat", "s3://anonymous@bucket/sizes/65537", "HTTP 403 Forbidden")
        upload_files(store, "bucket", folder)
        command_reads("s3://bucket/in", variables(server.url), folder)
        job_writes("s3://bucket/in", variables(server.url), store)
        for name in ("a.csv", "a.csv", "a.csv.bak", "z.csv"):  # begun, and never ended
            ask("POST", f"/bucket/in-scores/{name}?uploads")
        _, made, _ = store.call("cat", "s3://bucket/in-scores/a.csv")  # by a run that was killed before it could say so
        store.put("s3://bucket/in-scores/.a.csv.done", b"grove predictions 2\nshard s3://bucket/in/a.csv\nvoid\n"
                  + f"written {len(made)}\nchecksum {zlib.crc32(made):08x}\nend\n".encode())
        code, said, err = run([grove, "predict", "--rule", "x >= 2", "--out", "s3://bucket/in-scores", "--keep", "x", "--format", "csv",
                               "--resume", "s3://bucket/in/*.csv", "--json"], environment=variables(server.url))
        request = urllib.request.Request(server.url + "/bucket?uploads", headers={"Authorization": somebody})
        left = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60).read()
        check(code == 0 and re.findall(rb"<Key>(.*?)</Key>", left) == [b"in-scores/a.csv.bak", b"in-scores/z.csv"],
              f"uploads of a killed run: {code} {err} {left}")
        ask("PUT", "/open", public=True)  # for everybody
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), "rb") as f:
                ask("PUT", f"/open/in/{name}", f.read(), public=True)
        Store(endpoint=server.url).list("s3://anonymous@open/in/*.csv", [f"s3://anonymous@open/in/{n}.csv" for n in "ab"])
        command_reads("s3://anonymous@open/in", {"AWS_ENDPOINT_URL": server.url}, folder)


def with_signer(python):
    """The signature that botocore computes of what was sent."""
    ask_botocore = """
import datetime, json, sys, unittest.mock
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
import botocore.auth
for line in sys.stdin:
    r = json.loads(line)
    sent = {k.lower(): v for k, v in r["headers"].items()}
    signed = sent["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = AWSRequest(method=r["method"], url="http://" + sent["host"] + r["target"])
    for name in signed:
        request.headers[name] = sent[name]
    auth = S3SigV4Auth(Credentials("me", "geheim", sent.get("x-amz-security-token")), "s3", "eu-west-3")
    auth.payload = lambda request: sent["x-amz-content-sha256"]
    request.context["timestamp"] = sent["x-amz-date"]
    request.context["signing"] = {}
    auth.headers_to_sign = lambda request: {n: request.headers[n] for n in signed}
    import http.client
    m = http.client.HTTPMessage()
    for n in signed:
        m[n] = sent[n]
    auth.headers_to_sign = lambda request: m
    text = auth.string_to_sign(request, auth.canonical_request(request))
    print(auth.signature(text, request))
"""
    if run([python, "-c", "import botocore.auth"])[0] != 0:
        print("no botocore here: skipped")
        return
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            seen.append({"method": self.command, "target": self.path, "headers": dict(self.headers.items())})
            body = b"<R><UploadId>a+b/c=</UploadId><ETag>e</ETag></R>" if "list-type" not in self.path else \
                b"<ListBucketResult/>"
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", '"e"')
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST = do_DELETE = do_GET

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for token in ({}, {"token": "to/ken=="}):
        store = Store(endpoint=f"http://127.0.0.1:{server.server_port}", key="me", secret="geheim", region="eu-west-3",
                      part_bytes=1, **token)
        for name in ODD:
            store.call("list", f"s3://bucket/d/{name}".replace("*", "") + "*")
            store.call("cat", f"s3://bucket/d/{name}")
            store.call("put", f"s3://bucket/d/{name}", b"hello")
        store.call("put", "s3://bucket/large +&/x", blob(6 << 20))
        store.call("drop", "s3://bucket/large", blob(6 << 20))
    server.shutdown()
    code, out, err = run([python, "-c", ask_botocore], "\n".join(json.dumps(r) for r in seen).encode())
    signatures = out.decode().split()
    check(code == 0 and len(signatures) == len(seen), f"botocore: {err[-1500:]}")
    check({r["method"] for r in seen} == {"GET", "PUT", "POST", "DELETE"}, "methods that were not used")
    for r, want in zip(seen, signatures):
        got = r["headers"].get("Authorization", "").split("Signature=")[-1]
        check(got == want, f"the signature of {r['method']} {r['target']}: {got}, botocore's is {want}")


def with_latency():
    """A server that takes 50 ms for each answer: members wait side by side, so few answers are waited for one by one."""
    lock = threading.Lock()
    now = {"busy": 0, "most": 0, "requests": 0}
    csv = b"x\n" + b"1\n2\n" * 1000

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with lock:
                now["busy"] += 1
                now["requests"] += 1
                now["most"] = max(now["most"], now["busy"])
            time.sleep(0.05)
            with lock:
                now["busy"] -= 1
            self.send_response(200)
            self.send_header("Content-Length", str(len(csv)))
            self.send_header("ETag", '"e"')
            self.end_headers()
            self.wfile.write(csv)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://127.0.0.1:{server.server_port}/{i}.csv" for i in range(12)]
    code, out, err = run([grove, "predict", "--rule", "x >= 2", "--threads", "2", "--json", *urls])
    server.shutdown()
    check(code == 0 and json.loads(out)["rows"] == 24000, f"a slow server: {code} {err}")
    # Eight members; two threads used to be all that waited.
    check(now["most"] >= 6, f"at most {now['most']} requests at a time")
    print(f"a slow server: {now['requests']} requests, at most {now['most']} at a time")


NGINX = """
daemon off; master_process off; worker_processes 1; pid {s}/nginx.pid; error_log {s}/nginx.err;
events {{ worker_connections 64; }}
http {{
  access_log {s}/nginx.access; client_body_temp_path {s}/n1; proxy_temp_path {s}/n2; fastcgi_temp_path {s}/n3;
  uwsgi_temp_path {s}/n4; scgi_temp_path {s}/n5; default_type application/octet-stream;
  server {{
    listen 127.0.0.1:{port}; root {root};
    location /whole/ {{ alias {root}/; max_ranges 0; }}
    location /packed/ {{ alias {root}/; gzip on; gzip_types *; gzip_min_length 1; }}
    location /slow/ {{ alias {root}/; limit_rate 200k; }}
    location /moved/ {{ rewrite ^/moved/(.*)$ /$1 redirect; }}
    location /twice/ {{ rewrite ^/twice/(.*)$ /moved/$1 permanent; }}
    location /locked/ {{ return 403; }}
    location /busy/ {{ return 503; }}
    {up}
  }}
  {tls}
}}
"""
TLS = """server {{ listen 127.0.0.1:{port} ssl; root {root}; ssl_certificate {s}/cert.pem; ssl_certificate_key {s}/key.pem;
    location /down/ {{ rewrite ^/down/(.*)$ http://127.0.0.1:{plain}/$1 redirect; }} }}"""


def certificate():
    program = shutil.which("openssl", path=path)
    return program and run([program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{scratch}/key.pem", "-out",
                            f"{scratch}/cert.pem", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                            "subjectAltName=IP:127.0.0.1"])[0] == 0


def with_nginx(program, folder):
    big = blob(3 << 20)
    with open(os.path.join(folder, "big"), "wb") as f:
        f.write(big)
    with open(os.path.join(folder, "empty"), "wb"):
        pass
    tls = certificate()
    secure = 0

    def command(port):
        nonlocal secure
        secure = free_port()
        with open(f"{scratch}/nginx.conf", "w", encoding="utf-8") as f:
            f.write(NGINX.format(s=scratch, root=folder, port=port,
                                 up=f"location /up/ {{ rewrite ^/up/(.*)$ https://127.0.0.1:{secure}/$1 redirect; }}" if tls else "",
                                 tls=TLS.format(s=scratch, root=folder, port=secure, plain=port) if tls else ""))
        return [program, "-p", scratch, "-c", f"{scratch}/nginx.conf"]

    with Server("nginx", command) as server:
        store = Store()
        for at in ("/", "/whole/", "/packed/", "/slow/", "/moved/", "/twice/"):
            store.cat(f"{server.url}{at}big", big)
            store.cat(f"{server.url}{at}empty", b"")
            store.list(f"{server.url}{at}big", [f"{server.url}{at}big"])
            store.list(f"{server.url}{at}empty", [f"{server.url}{at}empty"])
        for at in ("/", "/whole/", "/packed/", "/moved/"):
            command_reads((server.url + at)[:-1], {}, folder)
        store.fails("cat", server.url + "/none", "not found", "HTTP 404")
        store.fails("list", server.url + "/none", "not found", "HTTP 404")
        store.fails("cat", server.url + "/locked/x", "HTTP 403 Forbidden, attempt 1 of 2")
        store.fails("cat", server.url + "/busy/x", "HTTP 503 Service Unavailable, attempt 2 of 2")
        store.fails("put", server.url + "/x", "http can be read, not written", given=b"x")
        Store(proxy=server.url).fails("cat", "http://nowhere.invalid/none", "HTTP 404")  # nginx answers for it
        if not tls:
            print("no openssl here: https skipped")
            return
        url = f"https://127.0.0.1:{secure}"
        trusting = Store(ca_file=f"{scratch}/cert.pem")
        trusting.cat(url + "/big", big)
        trusting.cat(server.url + "/up/big", big)  # from http to https
        trusting.fails("cat", url + "/down/big", "attempt 1 of 2")  # and never back
        with open(f"{scratch}/nginx.access", encoding="utf-8") as f:
            check("GET /down/big" in f.read(), "the redirect was not asked for")
        store.fails("cat", url + "/big", "certificate")
        command = [grove, "predict", "--rule", "x >= 2", url + "/a.csv", "--json"]
        code, out, err = run(command)  # nobody vouches for it
        check(code == 4 and "certificate" in err, f"a certificate of nobody: {code} {out} {err}")
        for name in ("SSL_CERT_FILE", "AWS_CA_BUNDLE"):
            code, out, err = run(command, environment={name: f"{scratch}/cert.pem"})
            check(code == 0 and json.loads(out)["rows"] == 3, f"{name}: {code} {out} {err}")
        trusting.fails("cat", f"https://localhost:{secure}/big", "localhost")  # another name than the certificate's


def main():
    servers = {"versitygw": with_versitygw, "moto_server": with_moto, "nginx": with_nginx}
    found = {name: find(name) for name in servers}
    os.makedirs(scratch, exist_ok=True)
    for name, test in servers.items():
        if found[name]:
            folder = os.path.join(scratch, "files-" + name)
            files(folder)
            test(found[name], folder)
            print(f"{name}: {checks} checks so far, {failures} failed")
    with_latency()
    beside = found["moto_server"] and os.path.join(os.path.dirname(found["moto_server"]), "python3")
    with_signer(beside if beside and os.path.exists(beside) else sys.executable)
    print(f"{checks} checks, {failures} failed")
    return 1 if failures else 0 if checks else 77


sys.exit(main())
