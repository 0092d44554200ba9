"""What takes its time at data planes: 202 for prepare and start, the callback that follows, and its deadline.

First our own data plane, in the service of a control plane outside: its storage is a pipe that nobody feeds where it
must be slow. Then our control plane, whose data planes outside promise to call back."""
import hashlib
import http.server
import json
import os
import re
import signal
import ssl
import threading
import urllib.request

from node import Node, check, finish, until
from planes import PULL, PUSH, Caller, Plane, address

DATA = b"a,b\n" * 100000
NAME = hashlib.sha256(DATA).hexdigest()
BASE = "/p/maker/signaling/v1/dataflows"
number = 0


class Outside(http.server.BaseHTTPRequestHandler):
    """A control plane's callbacks, and a sink."""
    notices, pushed = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.startswith("/in"):
            Outside.pushed.append(body)
        else:
            Outside.notices.append((self.path, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *a):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Outside)
threading.Thread(target=server.serve_forever, daemon=True).start()
outside = f"http://127.0.0.1:{server.server_address[1]}"
maker = Node("--participant", "maker", start=False)
conf = os.path.join(maker.folder, "kanhed.conf")
own = open(conf).read()
blob = os.path.join(maker.folder, "data", "blobs", NAME)
away = blob + ".away"


def settings(**more):
    """Of [space], from the next start on."""
    open(conf, "w").write(own + "\n[space]\n" + "".join(f"{k} = {v}\n" for k, v in more.items()))


def again(**more):
    maker.kanhe("node", "stop")
    settings(**more)
    maker.start()


def say(path, body=None, method="POST"):
    return maker.request(method, path if path.startswith("/p/") else BASE + path, body, headers={"Authorization": "Bearer " + credential})


def message(process, profile=PULL, **more):
    global number
    number += 1
    return {"messageId": f"m-{number}", "participantId": "maker", "counterPartyId": "did:web:buyer.example", "dataspaceContext": "d",
            "processId": process, "agreementId": "urn:agreement:1", "datasetId": "batch", "profile": profile, "claims": {}, **more}


def state(process):
    return say(f"/{process}/status", method="GET")[1]["state"]


def flow(process):
    all = json.loads(maker.kanhe("dataplane", "flows", "--json")[1])["dataflows"]
    return next((x for x in all if x["dataFlowId"] == process), None)


def notice(process, what):
    path = f"/transfers/{process}/dataflow/{what}"
    return (until(lambda: next((n for n in Outside.notices if n[0] == path), None)) or ("", {}))[1]


def told(process):
    return [p.rsplit("/", 1)[1] for p, _ in Outside.notices if p.startswith(f"/transfers/{process}/")]


def fetch(body):
    a = body["dataAddress"]
    token = {p["name"]: p["value"] for p in a["endpointProperties"]}["authorization"]
    context = ssl.create_default_context(cafile=os.path.join(maker.folder, "tls", "ca.pem"))
    q = urllib.request.Request(a["endpoint"], headers={"Authorization": "Bearer " + token})
    return urllib.request.urlopen(q, context=context, timeout=120).read()


def clog():
    """The content is on storage that does not answer."""
    os.rename(blob, away)
    os.mkfifo(blob)


def clear(feed=True):
    if feed:  # who reads gets an end
        until(lambda: not opened_fails())
    os.unlink(blob)
    os.rename(away, blob)


def opened_fails():
    try:
        os.close(os.open(blob, os.O_WRONLY | os.O_NONBLOCK))
        return False
    except OSError:
        return True


def waited_for():
    """The control plane waits: what is ready in time is answered 200, what cannot be made ready 400."""
    s, got, _ = say("/start", message("good"))
    check("ready in time", s == 200 and got["state"] == "STARTED" and fetch(got) == DATA, (s, got))
    check("no callback beside the answer", told("good") == [])
    open(blob, "r+b").write(b"x")
    m = message("damaged")
    for what in ("content that is damaged", "asked again"):
        s, got, _ = say("/start", m)
        check(what, s == 400 and "not what was published" in json.dumps(got) and "not-ready" in json.dumps(got), (s, got))
    x = flow("damaged")
    check("the owner sees why", x["state"] == "TERMINATED" and "not what was published" in x["error"], x)
    sink = {**address(PUSH), "endpoint": outside + "/in"}
    s, got, _ = say("/start", message("damaged-push", PUSH, dataAddress=sink))
    check("nor is it pushed", s == 400 and not Outside.pushed, (s, got))
    with open(blob, "wb") as f:
        f.write(DATA)
    check("mended", say("/start", message("mended"))[1]["state"] == "STARTED")
    os.unlink(blob)
    s, got, _ = say("/start", message("gone"))
    check("content that is gone", s == 400 and "cannot be read" in json.dumps(got), (s, got))
    with open(blob, "wb") as f:
        f.write(DATA)
    check("no callback after an answer", told("damaged") == told("gone") == [])


def no_room():
    folder = os.path.join(maker.folder, "data", "blobs")
    os.rename(folder, folder + ".away")
    s, got, _ = say("/prepare", {**message("no-room", PUSH), "datasetId": "elsewhere"})
    check("nothing is prepared that could not be kept", s == 400 and "could not be kept" in json.dumps(got), (s, got))
    os.rename(folder + ".away", folder)
    s, got, _ = say("/prepare", {**message("room", PUSH), "datasetId": "elsewhere"})
    check("but what can", s == 200 and got["state"] == "PREPARED" and "dataAddress" in got, (s, got))


def promised():
    """Nobody waits: 202, and the callback."""
    m = message("later")
    s, got, h = say("/start", m)
    check("202", s == 202 and got["state"] == "STARTING" and "dataAddress" not in got, (s, got))
    n = notice("later", "started")
    check("the callback has the address", n["state"] == "STARTED" and n["dataFlowId"] == "later" and fetch(n) == DATA, n)
    where = h["Location"][len(maker.url):]
    check("Location tells the state", say(where, method="GET")[1] == {"state": "STARTED", "dataFlowId": "later"}, h["Location"])
    s, got, _ = say("/start", m)
    check("asked again, the same address", s == 200 and got["dataAddress"] == n["dataAddress"], (s, got))
    s, got, _ = say("/prepare", {**message("in", PUSH), "datasetId": "elsewhere"})
    check("PREPARING", s == 202 and got["state"] == "PREPARING", (s, got))
    check("prepared, with an address", "dataAddress" in notice("in", "prepared"))
    check("one callback each", told("later") == ["started"] and told("in") == ["prepared"], Outside.notices)
    sink = {**address(PUSH), "endpoint": outside + "/in"}
    check("a push", say("/start", message("push", PUSH, dataAddress=sink))[0] == 202)
    check("starts", notice("push", "started").get("state") == "STARTED")
    check("and completes", notice("push", "completed").get("state") == "COMPLETED" and Outside.pushed == [DATA], told("push"))


def no_tokens():
    """The letters of the callbacks held marks, not tokens."""
    folder = os.path.join(maker.folder, "data", "space")
    text = b"".join(open(os.path.join(folder, n), "rb").read() for n in sorted(os.listdir(folder)))
    check("no token in the store", not re.search(rb"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{86}", text))
    check("but its mark", b"kanhe:access-token" in text)


def slow():
    clog()
    m = message("slow")
    check("STARTING", say("/start", m)[0] == 202 and state("slow") == "STARTING")
    check("the owner sees it", flow("slow")["state"] == "STARTING", flow("slow"))
    check("kanhe says so", "STARTING" in maker.kanhe("dataplane", "flows")[1])
    check("still", say("/start", m)[0] == 202)
    check("neither suspended", say("/slow/suspend", {"messageId": "s-1"})[0] == 400)
    check("nor resumed", say("/slow/resume", {"messageId": "s-2"})[0] == 400)
    say("/start", message("unwanted"))
    s, got, _ = say("/unwanted/terminate", {"messageId": "s-3", "reason": "no longer"})
    check("but terminated", s == 200 and got["state"] == "TERMINATED", (s, got))
    # the node dies
    for pid in (maker.pid(), maker.worker()):
        os.kill(pid, signal.SIGKILL)
    clear(feed=False)
    maker.start()
    n = notice("slow", "started")
    check("after a crash it goes on", n.get("state") == "STARTED" and fetch(n) == DATA, n)
    check("what was terminated does not", told("unwanted") == [] and state("unwanted") == "TERMINATED", told("unwanted"))


def late():
    clog()
    check("STARTING", say("/start", message("late"))[0] == 202)
    n = notice("late", "errored")
    check("its time is over", n.get("state") == "TERMINATED" and "flow_ready" in n["error"], n)
    check("the owner sees why", "flow_ready" in flow("late")["error"], flow("late"))
    clear()
    check("no more is said of it", say("/start", message("last"))[0] == 202 and bool(notice("last", "started")) and told("late") == ["errored"], told("late"))


def control_planes():
    """Ours, whose data planes promise to call back."""
    top = maker.top
    owner = Node("--participant", "maker", "--ca", top, start=False)
    buyer = Node("--participant", "buyer", "--ca", top)
    source, sink = Plane(), Plane()
    try:
        with open(os.path.join(owner.folder, "kanhed.conf"), "a") as f:
            f.write("\n[space]\nflow_ready = 1s\n")
        owner.start()
        owner.kanhe("dataplane", "register", "source", source.url)
        calls = Caller(buyer, "buyer", buyer.kanhe("dataplane", "register", "sink", sink.url)[1].strip())
        owner.kanhe("publish", "--plane", "source", "--id", "line")
        did = f"did:web:127.0.0.1%3A{owner.port}:p:maker"
        agreement = json.loads(buyer.kanhe("negotiate", did, "line", "--json")[1])["agreement"]

        def show(node, pid):
            return json.loads(node.kanhe("transfer", pid, "--json")[1])

        def started():
            return json.loads(buyer.kanhe("pull", agreement, "--plane", "sink", "--no-wait", "--json")[1])["pid"]

        sink.plan["prepare"] = [(202, {"messageId": "x", "dataFlowId": "own", "state": "PREPARING"})]
        pid = started()
        sink.next("prepare")
        until(lambda: show(buyer, pid).get("dataflow") == "PREPARING")
        check("an error alone", calls.call(pid, "errored", "PREPARING", "own", error="a hitch")[0] == 200)
        check("is kept and changes nothing", show(buyer, pid)["state"] == "PREPARING" and show(buyer, pid)["dataflow_error"] == "a hitch", show(buyer, pid))
        check("a flow that never began", calls.call(pid, "errored", "TERMINATED", "own", error="no room")[0] == 200)
        x = show(buyer, pid)
        check("ends the transfer, with the reason", x["state"] == "TERMINATED" and x["reason"] == "no room" and x["code"] == "DATA_PLANE", x)
        sink.quiet("who said so is told nothing")

        source.plan["start"] = [(202, {"messageId": "x", "dataFlowId": "own", "state": "STARTING"})]
        pid = started()
        sink.next("prepare")
        _, theirs = source.next("start")
        source.next("terminate", "a data plane that does not keep its promise is told to end")
        x = show(owner, theirs)
        check("the transfer ends with the reason", x["state"] == "TERMINATED" and "flow_ready" in x["reason"] and x["code"] == "DATA_PLANE", x)
        check("and the partner hears of it", bool(until(lambda: show(buyer, pid)["state"] == "TERMINATED")), show(buyer, pid))
    finally:
        owner.close()
        buyer.close()
        source.close()
        sink.close()


try:
    settings(flow_wait="60s")
    maker.start()
    where = os.path.join(maker.top, "held.csv")
    open(where, "wb").write(DATA)
    status, out, err = maker.kanhe("publish", where, "--id", "batch")
    check("published", status == 0, (out, err))
    credential = maker.kanhe("dataplane", "admit", "hall", outside)[1].strip()
    waited_for()
    no_room()
    again(flow_wait="0s")
    promised()
    no_tokens()
    slow()
    again(flow_wait="0s", flow_ready="1s")
    late()
    control_planes()
finally:
    maker.close()
    server.shutdown()
finish()
