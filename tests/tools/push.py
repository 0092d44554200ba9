"""Two daemons: the maker pushes to an HTTP sink of the buyer's, which fails, stalls, refuses; it is paused and goes on."""
import base64
import hashlib
import http.server
import json
import os
import subprocess
import tempfile
import threading
import time

from listening import serve, still_there
from node import Node, check, finish, until

DATA = os.urandom(6 << 20)
TOKEN = "the-sinks-own-token"


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes what it is told to take: `plan` holds what to do with the coming requests."""
    plan, got, open = [], [], 0
    go = threading.Event()

    def do_POST(self):
        what = Sink.plan.pop(0) if Sink.plan else "take"
        left = int(self.headers["Content-Length"])
        body = b""
        if what == "stall":
            body = self.rfile.read(65536)
            Sink.open += 1
            try:
                while not Sink.go.wait(0.02):
                    self.connection.send(b"")  # nothing: only waits
                    if not still_there(self.connection, 1 << 20):
                        break
            finally:
                Sink.open -= 1
            self.close_connection = True
            return
        body = self.rfile.read(left)
        if what != "take":
            self.send_response(what)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        Sink.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *a):
        pass


server, url = serve(Sink)
sink = url + "/in"

top = tempfile.mkdtemp(prefix="kanhe-push.")
maker = Node("--authority", "88.118.8", "--participant", "maker", "--ca", top)
buyer = Node("--authority", "88.118.9", "--participant", "buyer", "--ca", top)
data, secret = os.path.join(top, "data"), os.path.join(top, "secret")
open(data, "wb").write(DATA)
open(secret, "w").write(TOKEN + "\n")


def ok(node, *args):
    status, out, err = node.kanhe(*args)
    check(" ".join(args[:2]), status == 0, (out, err))
    return out


def negotiated():
    did = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
    return json.loads(ok(buyer, "negotiate", did, "batch", "--json"))["agreement"]


def pushed(agreement, *more):
    return json.loads(ok(buyer, "pull", agreement, "--push", sink, "--push-token", secret, "--no-wait", "--json", *more))["pid"]


def state(node, pid):
    return json.loads(node.kanhe("transfer", pid, "--json")[1])


def becomes(node, pid, wanted):
    return until(lambda: state(node, pid)["state"] == wanted)


def at_maker(pid):
    return state(buyer, pid)["peer_pid"]


try:
    ok(maker, "publish", data, "--id", "batch", "--title", "Batch", "--count", "4", "--json")
    agreement = negotiated()

    # it fails twice, then takes it
    Sink.plan[:] = [503, 429]
    pid = pushed(agreement)
    check("it arrives", becomes(buyer, pid, "COMPLETED"), state(buyer, pid))
    headers, body = Sink.got[-1]
    check("whole", body == DATA)
    check("once", len(Sink.got) == 1, len(Sink.got))
    check("with the sink's token", headers.get("Authorization") == "Bearer " + TOKEN, headers)
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    check("and its digest", headers.get("Repr-Digest") == f"sha-256=:{digest}:", headers)
    meters = json.loads(ok(maker, "agreements", agreement, "--meters", "--json"))
    check("counted at the maker", f'"octets": {len(DATA)}' in json.dumps(meters), meters)

    # paused while it runs: the connection is gone; resumed: it starts anew and arrives
    Sink.plan[:] = ["stall"]
    pid = pushed(agreement)
    check("it runs", until(lambda: Sink.open == 1))
    ok(maker, "transfer", "suspend", at_maker(pid), "--reason", "maintenance window")
    check("the buyer is told", becomes(buyer, pid, "SUSPENDED"), state(buyer, pid))
    check("and why", state(buyer, pid).get("reason") == "maintenance window", state(buyer, pid))
    check("nothing runs", until(lambda: Sink.open == 0))
    check("the other side may not resume", buyer.kanhe("transfer", "resume", pid)[0] == 1)
    ok(maker, "transfer", "resume", at_maker(pid))
    check("it goes on and arrives", becomes(buyer, pid, "COMPLETED"), state(buyer, pid))
    check("whole again", Sink.got[-1][1] == DATA and len(Sink.got) == 2, len(Sink.got))

    # ended by the buyer while it runs
    Sink.plan[:] = ["stall"]
    pid = pushed(agreement)
    check("it runs", until(lambda: Sink.open == 1))
    ok(buyer, "transfer", "terminate", pid, "--reason", "no longer needed")
    check("the maker is told", becomes(maker, at_maker(pid), "TERMINATED"))
    check("and nothing runs", until(lambda: Sink.open == 0))

    # the maker dies in the middle: the next one sends it from the beginning
    Sink.plan[:] = ["stall"]
    pid = pushed(agreement)
    check("it runs", until(lambda: Sink.open == 1))
    check("STARTED at the maker", becomes(maker, at_maker(pid), "STARTED"))
    os.kill(maker.worker(), 9)
    check("it arrives after the crash", becomes(buyer, pid, "COMPLETED"), state(buyer, pid))
    check("whole after the crash", Sink.got[-1][1] == DATA)

    # the policy's count is used up
    check("no reason of a pause stays behind", all("reason" not in t for n in (maker, buyer) for t in json.loads(ok(n, "transfer", "--json"))["transfers"] if t["state"] == "COMPLETED"))
    status, out, err = buyer.kanhe("pull", agreement, "--push", sink, "--push-token", secret)
    check("the fifth is refused", status == 1 and "count" in err, (status, out, err))
    check("and nothing was sent", len(Sink.got) == 3, len(Sink.got))

    # the owner revokes while it runs
    ok(maker, "publish", data, "--id", "batch", "--title", "Batch", "--count", "9", "--json")
    agreement = negotiated()
    out = ok(buyer, "pull", agreement, "--push", sink, "--push-token", secret)
    check("who waits is told that it was sent", "has sent it" in out and "digest" not in out, out)
    Sink.plan[:] = ["stall"]
    pid = pushed(agreement)
    check("it runs", until(lambda: Sink.open == 1))
    at = time.monotonic()
    ok(maker, "revoke", agreement, "--reason", "over")
    check("the connection ends", until(lambda: Sink.open == 0))
    took = time.monotonic() - at
    print(f"a revoked push was cut after {took * 1000:.0f} ms")
    check("and the transfer", becomes(buyer, pid, "TERMINATED"), state(buyer, pid))
    check("nothing came of it", len(Sink.got) == 4, len(Sink.got))
finally:
    Sink.go.set()
    server.shutdown()
    maker.close()
    buyer.close()
    subprocess.run(["rm", "-rf", top])
finish()
