"""A data plane's endpoint is an address that others name: what is not public is not called, and the transfer tells why."""
import http.server
import json
import os
import threading
import urllib.parse

from node import Node, check, finish, until

SELF = "cut"
calls = []


class Inside(http.server.BaseHTTPRequestHandler):
    """What must not be reached."""

    def do_POST(self):
        calls.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *a):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
threading.Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
node = Node("--participant", SELF, start=False)
where = os.path.join(node.folder, "kanhed.conf")
text = open(where).read()
with open(where, "w") as f:
    f.write(text.replace("private = yes", "private = no") + f"\n[space]\nkit = {SELF}\n")
node.start()


def show(pid):
    return json.loads(node.kanhe("transfer", pid, "--json")[1])


def refused(endpoint):
    status, out, err = node.kanhe("dataplane", "register", "kit", endpoint)
    if not check(f"{endpoint} is a URL", status == 0, err):
        return
    name = "urn:uuid:" + urllib.parse.quote(endpoint, safe="")
    s, got, _ = node.request("POST", f"/p/{SELF}/kit/dataflows/trigger",
                             {"agreementId": name, "datasetId": "x", "dspUrl": "https://partner.example"})
    check(f"{endpoint}: the transfer begins", s == 200, (s, got))
    check(f"{endpoint}: and ends", bool(until(lambda: show(got["id"])["state"] == "TERMINATED")), show(got["id"]))
    check(f"{endpoint}: as its data plane may not be called", "prepare" in show(got["id"])["reason"], show(got["id"]))
    dead = json.loads(node.kanhe("outbox", "--json")[1])["dead"]
    check(f"{endpoint}: the letter tells the same", any(x["pid"] == got["id"] and x["attempts"] == 1 for x in dead), dead)


try:
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"):
        refused(f"http://{host}:{port}/signaling")
    refused("http://169.254.169.254/latest")
    refused("http://10.0.0.1/")
    for endpoint in ("file:///etc/passwd", "gopher://127.0.0.1", f"http://x@127.0.0.1:{port}", f"http://127.0.0.1:{port}/?a=b", "http://"):
        before = node.state()
        status, out, err = node.kanhe("dataplane", "register", "kit", endpoint)
        check(f"{endpoint} is no endpoint", status in (1, 2) and "endpoint" in err, (out, err))
        check("nothing changed", node.state() == before)
    check("nobody was called", not calls, calls)
finally:
    node.close()
    server.shutdown()
finish()
