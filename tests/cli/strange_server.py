# Answers as grove's dashboard does not. By the first folder of the path: "page": a page; "evil": an actor whose name is
# commands to a terminal; "hangs-up": half of an answer to the second question; otherwise a schema of later years.
import http.server
import json
import sys


def actors(name, rows=1):
    row = {"id": "1-1", "parent": "", "class": "c", "name": name, "label": "", "phase": "idle"}
    return {"schema": 1, "now_ns": 1, "actors": {"total": 2000, "live": 2000, "dead": 0, "offset": 0, "rows": [row] * rows}}


class Strange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self):
        kind = self.path.split("/")[1]
        body = json.dumps({"schema": 7})
        if kind == "page":
            body = "<html>it works</html>"
        elif kind == "evil":
            body = json.dumps(actors("a\x1b[2Jb\u009bc"))
        elif kind == "hangs-up":
            body = json.dumps(actors("a", 500))
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "hangs-up" and "offset=0&" not in self.path:
            data = data[:10]
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strange)
print(server.server_address[1], flush=True)
server.serve_forever()
