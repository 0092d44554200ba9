"""Data Plane Signaling: a control plane outside moves data flows of the maker's data plane, pulled and pushed."""
import base64
import hashlib
import http.server
import json
import os
import ssl
import urllib.error
import urllib.request

from listening import serve, still_there
from node import Node, check, finish, until

DATA = os.urandom(24 << 20)
PULL = "https://w3id.org/dspace-sig/profile/http-pull"
PUSH = "https://w3id.org/dspace-sig/profile/http-push"
NONE = {"authorization": {}}


class Outside(http.server.BaseHTTPRequestHandler):
    """The control plane's own interface, and a sink: `plan` holds what the sink does with coming requests."""
    plan, got, notices, open = [], [], [], 0

    def do_POST(self):
        if self.path.startswith("/in"):
            return self.sink()
        if self.path.startswith("/token"):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            Outside.renewals.append((form, self.headers.get("Authorization")))
            good = form == "grant_type=refresh_token&refresh_token=r%201"
            return self.answer(200 if good else 400, {"access_token": "good", "token_type": "bearer", "expires_in": 300, "refresh_token": "r 2"}
                               if good else {"error": "invalid_grant"})
        body = self.rfile.read(int(self.headers["Content-Length"]))
        what = Outside.plan_notice.pop(0) if Outside.plan_notice else 200
        if what == 200:
            Outside.notices.append((self.path, json.loads(body), self.headers.get("Authorization")))
        self.answer(what)

    plan_notice, renewals = [], []

    def do_GET(self):
        good = self.path == "/data" and self.headers.get("Authorization") == "Bearer good"
        self.answer(200 if good else 401 if self.path == "/data" else 403, raw=DATA[:100000] if good else b"")

    def sink(self):
        what = Outside.plan.pop(0) if Outside.plan else 204
        if what == "stall":
            self.rfile.read(65536)
            Outside.open += 1
            while still_there(self.connection, 1024):
                pass
            Outside.open -= 1
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if what == 204:
            Outside.got.append((dict(self.headers), body))
        self.answer(what)

    def answer(self, status, body=None, raw=b""):
        raw = json.dumps(body).encode() if body is not None else raw
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *a):
        pass


server, outside = serve(Outside)

maker = Node("--authority", "88.118.8", "--participant", "maker", start=False)
with open(os.path.join(maker.folder, "kanhed.conf"), "a") as f:
    f.write("\n[space]\nflow_wait = 60s\n")
maker.start()
BASE = "/p/maker/signaling/v1/dataflows"
did = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
credential = ""
number = 0


def say(path, body=None, method="POST", secret=None):
    headers = {"Authorization": "Bearer " + (secret or credential)}
    return maker.request(method, BASE + path, body, headers=headers)[:2]


def message(**more):
    global number
    number += 1
    return {"messageId": f"m-{number}", **more}


def start_message(process, profile=PULL, **more):
    return message(participantId=did, counterPartyId="did:web:buyer.example", dataspaceContext="d", processId=process,
                   agreementId="urn:agreement:1", datasetId="batch", profile=profile, claims={}, **more)


def sink_address(token="sinks-token"):
    return {"@type": "DataAddress", "endpointType": PUSH, "endpoint": outside + "/in", "endpointProperties": [
        {"@type": "EndpointProperty", "name": "authorization", "value": token},
        {"@type": "EndpointProperty", "name": "authType", "value": "bearer"}]}


def address_of(status):
    a = status["dataAddress"]
    return a["endpoint"], {p["name"]: p["value"] for p in a["endpointProperties"]}["authorization"]


def fetch(status, token=None, read=None, headers=None):
    """(status, octets) of the data address; with read: the open answer after so many octets."""
    url, own = address_of(status)
    context = ssl.create_default_context(cafile=os.path.join(maker.folder, "tls", "ca.pem"))
    q = urllib.request.Request(url, headers={"Authorization": "Bearer " + (token or own), **(headers or {})})
    try:
        r = urllib.request.urlopen(q, context=context, timeout=120)
        return r.status, (r, r.read(read)) if read else r.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def flow(process):
    all = json.loads(maker.kanhe("dataplane", "flows", "--json")[1])["dataflows"]
    return next((x for x in all if x["dataFlowId"] == process), None)


def refused(what, path, body, status, at=None, rule=None, **more):
    before = maker.state()
    s, got = say(path, body, **more)
    text = json.dumps(got) if not isinstance(got, bytes) else got.decode()
    good = s == status and (at is None or f'"{at}"' in text) and (rule is None or f'"{rule}"' in text)
    check(what, good, (s, text))
    check(what + ": nothing changes", maker.state() == before)


def notice(process, what):
    path = f"/transfers/{process}/dataflow/{what}"
    return until(lambda: next((n for n in Outside.notices if n[0] == path), None))


def unknown_callers():
    refused("no credential", "/start", start_message("x"), 401, secret="nobody")
    refused("the owner's token is none", "/start", start_message("x"), 401, secret=maker.token("owner"))


def bad_messages():
    for key in start_message("x"):
        m = start_message("x")
        del m[key]
        refused(f"start without {key}", "/start", m, 400, key, "missing")
        refused(f"start with a number as {key}", "/start", {**start_message("x"), key: 7}, 400, key, "type")
    for what, more, at, rule in (
            ("another participant", {"participantId": "did:web:other.example"}, "participantId", "participant"),
            ("no such dataset", {"datasetId": "none"}, "datasetId", "unknown"),
            ("another profile", {"profile": "mqtt"}, "profile", "unsupported"),
            ("an address for a pull", {"dataAddress": sink_address()}, "dataAddress", "not-allowed"),
            ("a push without one", {"profile": PUSH}, "dataAddress", "missing"),
            ("a process with blanks", {"processId": "a b"}, "processId", "octet")):
        refused(what, "/start", {**start_message("x"), **more}, 400, at, rule)
    got = say("/start", {**start_message("x"), "profile": "http-pull"})[1]
    check("profiles are told by their whole names", PULL in got["detail"] and PUSH in got["detail"], got)
    sink = sink_address()
    for what, change, at in (("another type of address", {"endpointType": PULL}, "dataAddress.endpointType"),
                             ("no URL", {"endpoint": "file:///etc/passwd"}, "dataAddress.endpoint")):
        refused(what, "/start", start_message("x", PUSH, dataAddress={**sink, **change}), 400, at)
    split = sink_address("t\r\nX-More: 1")
    refused("a token that would end its header", "/start", start_message("x", PUSH, dataAddress=split), 400, rule="octet")
    refused("no JSON", "/start", b"{", 400)
    refused("an unknown flow", "/x/suspend", message(), 404)
    check("nor its state", say("/x/status", method="GET")[0] == 404)


def pulled():
    m = start_message("pull-1")
    s, got = say("/prepare", m)
    check("prepared", s == 200 and got["state"] == "PREPARED" and got["dataFlowId"] == "pull-1", got)
    check("no address yet", "dataAddress" not in got, got)
    refused("suspended too early", "/pull-1/suspend", message(), 400, rule="state")
    refused("completed too early", "/pull-1/completed", None, 400, rule="state")
    refused("started for another dataset's agreement", "/start", {**start_message("pull-1"), "agreementId": "z"}, 400,
            "agreementId", "changed")
    m = start_message("pull-1")
    s, first = say("/start", m)
    check("started", s == 200 and first["state"] == "STARTED", first)
    check("of the profile", first["dataAddress"]["endpointType"] == PULL, first)
    before = maker.state()
    again = [say("/start", m)[1], say("/start", {**m, "messageId": "other"})[1]]
    check("the same again gets the same address", all(a["dataAddress"] == first["dataAddress"] for a in again))
    check("and changes nothing", maker.state() == before)
    refused("started otherwise", "/start", {**m, "claims": {"a": 1}}, 400, rule="state")
    s, got = fetch(first)
    check("the data", s == 200 and got == DATA, s)
    s, got = fetch(first, headers={"Range": "bytes=100-199"})
    check("a part", s == 206 and got == DATA[100:200], s)
    check("not without its token", fetch(first, token="none")[0] == 401)
    check("counted", bool(until(lambda: flow("pull-1")["octets"] == len(DATA) + 100)), flow("pull-1"))
    check("requests too", flow("pull-1")["requests"] == 2, flow("pull-1"))
    return first


def paused(first):
    s, (r, piece) = fetch(first, read=65536)
    check("it runs", s == 200 and piece == DATA[:65536])
    suspend = message(reason="maintenance window")
    check("suspended", say("/pull-1/suspend", suspend)[1]["state"] == "SUSPENDED")
    try:
        rest = r.read()
    except OSError:
        rest = b""
    except Exception as e:  # http.client.IncompleteRead
        rest = getattr(e, "partial", b"")
    check("what ran is cut", len(piece) + len(rest) < len(DATA), len(rest))
    check("and no data flows", fetch(first)[0] == 409)
    check("its state", say("/pull-1/status", method="GET")[1] == {"state": "SUSPENDED", "dataFlowId": "pull-1"})
    check("the reason is kept", flow("pull-1")["reason"] == "maintenance window", flow("pull-1"))
    refused("not completed while suspended", "/pull-1/completed", None, 400, rule="state")
    s, second = say("/pull-1/resume", message())
    check("resumed with another token", s == 200 and second["dataAddress"] != first["dataAddress"], second)
    check("the former is of no use", fetch(first)[0] == 401)
    check("the new one is", fetch(second)[1] == DATA)
    check("a late repeat of the suspension changes nothing", say("/pull-1/suspend", suspend)[1]["state"] == "STARTED")
    check("completed", say("/pull-1/completed")[1]["state"] == "COMPLETED")
    check("twice is once", say("/pull-1/completed", {})[0] == 200)
    check("no data after it", fetch(second)[0] == 410)
    refused("and no end but that", "/pull-1/terminate", message(), 400, rule="state")


def pushed():
    Outside.plan[:] = [503]
    s, got = say("/start", start_message("push-1", PUSH, dataAddress=sink_address()))
    check("a push starts, without an address", s == 200 and got["state"] == "STARTED" and "dataAddress" not in got, got)
    Outside.plan_notice[:] = [503]
    n = notice("push-1", "completed")
    check("the control plane is told, once it can be", n and n[1]["state"] == "COMPLETED" and n[1]["dataFlowId"] == "push-1", n)
    check("with a token of the participant's", bool(n) and n[2].startswith("Bearer ey"), n)
    headers, body = Outside.got[-1]
    check("whole", body == DATA)
    check("with the sink's token", headers.get("Authorization") == "Bearer sinks-token", headers)
    digest = base64.b64encode(hashlib.sha256(DATA).digest()).decode()
    check("and its digest", headers.get("Repr-Digest") == f"sha-256=:{digest}:", headers)
    check("counted at the flow", flow("push-1")["octets"] == len(DATA), flow("push-1"))


def push_stopped():
    Outside.plan[:] = ["stall"]
    say("/start", start_message("push-2", PUSH, dataAddress=sink_address()))
    check("it runs", bool(until(lambda: Outside.open == 1)))
    check("suspended", say("/push-2/suspend", message())[1]["state"] == "SUSPENDED")
    check("nothing runs", bool(until(lambda: Outside.open == 0)))
    count = len(Outside.got)
    check("resumed", say("/push-2/resume", message())[1]["state"] == "STARTED")
    check("it arrives", bool(notice("push-2", "completed")) and len(Outside.got) == count + 1)

    Outside.plan[:] = ["stall"]
    say("/start", start_message("push-3", PUSH, dataAddress=sink_address()))
    check("it runs", bool(until(lambda: Outside.open == 1)))
    check("terminated", say("/push-3/terminate", message(reason="no longer needed"))[1]["state"] == "TERMINATED")
    check("nothing runs", bool(until(lambda: Outside.open == 0)))
    check("twice is once", say("/push-3/terminate", message())[1]["state"] == "TERMINATED")

    Outside.plan[:] = [403]
    say("/start", start_message("push-4", PUSH, dataAddress=sink_address()))
    n = notice("push-4", "errored")
    check("a sink that refuses for good", bool(n) and n[1]["state"] == "STARTED" and "403" in n[1]["error"], n)
    say("/push-4/suspend", message())
    say("/push-4/resume", message())
    check("tried anew", bool(notice("push-4", "completed")) and "error" not in flow("push-4"), flow("push-4"))


def put(status, body, token=None, digest=None, told=False):
    """What a provider's data plane sends to the address that was prepared."""
    url, own = address_of(status)
    headers = {"Authorization": "Bearer " + (token or own), "Content-Type": "text/csv"}
    if digest:
        headers["Repr-Digest"] = "sha-256=:" + base64.b64encode(hashlib.sha256(digest).digest()).decode() + ":"
    s, got, _ = maker.request("POST", url[len(maker.url):], body, headers=headers)
    return (s, got["field"], got["detail"]) if told else s


def content(process):
    s, got, h = maker.request("GET", f"/participants/maker/dataflows/{process}/content", token="owner")
    return (got, h["Content-Type"]) if s == 200 else s


def received():
    """The consumer's side of a push."""
    s, got = say("/prepare", {**start_message("in-1", PUSH), "datasetId": "elsewhere"})
    check("prepared, of a dataset elsewhere, with an address", s == 200 and got["dataAddress"]["endpointType"] == PUSH, got)
    check("nothing has come", content("in-1") == 404)
    before = maker.state()
    check("not without its token", put(got, b"x", token="none") == 401)
    check("not what it is not, with what is wrong", put(got, b"one thing", digest=b"another", told=True) ==
          (400, "repr-digest", "what came has another digest"))
    check("nor is it had from there", fetch(got)[0] == 404)
    check("nothing changed", maker.state() == before and content("in-1") == 404)
    check("it may come before `started`", put(got, b"early", digest=b"early") == 200 and content("in-1") == (b"early", "text/csv"), content("in-1"))
    refused("no address comes with it", "/in-1/started", message(dataAddress=sink_address()), 400, "dataAddress", "not-allowed")
    check("started", say("/in-1/started", message())[1]["state"] == "STARTED")
    check("and after it", put(got, DATA, digest=DATA) == 200 and content("in-1") == (DATA, "text/csv"))
    check("counted", flow("in-1")["octets"] == len(DATA) + 5 and flow("in-1")["requests"] == 2, flow("in-1"))
    say("/in-1/suspend", message())
    check("not while it is suspended", put(got, b"late") == 409)
    check("resumed", say("/in-1/resume", message())[1]["state"] == "STARTED")
    check("it goes on", put(got, b"more") == 200)
    check("completed", say("/in-1/completed")[1]["state"] == "COMPLETED")
    check("nothing after the end", put(got, b"late") == 410 and content("in-1")[0] == b"more")


def pull_address(path, token, **more):
    rows = {"authorization": token, "authType": "bearer", "refreshToken": "r 1", "expiresIn": "300", "refreshEndpoint": outside + "/token", **more}
    return {"@type": "DataAddress", "endpointType": PULL, "endpoint": outside + path, "endpointProperties": [
        {"@type": "EndpointProperty", "name": k, "value": v} for k, v in rows.items() if v is not None]}


def taken():
    """The consumer's side of a pull."""
    say("/prepare", {**start_message("out-1"), "datasetId": "elsewhere"})
    for what, a in (("not renewable", pull_address("/data", "t", refreshToken=None)), ("no term", pull_address("/data", "t", expiresIn="soon")),
                    ("no token", pull_address("/data", "")), ("a push's", {**pull_address("/data", "t"), "endpointType": PUSH}),
                    ("a token that would end its header", pull_address("/data", "t\r\nX: 1")),
                    ("no URL", {**pull_address("/data", "t"), "endpoint": "file:///etc/passwd"})):
        refused(f"an address that is {what}", "/out-1/started", message(dataAddress=a), 400)
    check("started", say("/out-1/started", message(dataAddress=pull_address("/data", "stale")))[0] == 200)
    n = notice("out-1", "completed")
    check("the data is here, and the control plane told", bool(n) and content("out-1")[0] == DATA[:100000], n)
    check("its tokens were renewed", len(Outside.renewals) == 1 and Outside.renewals[0][1].startswith("Bearer ey"), Outside.renewals)
    check("complete", flow("out-1")["state"] == "COMPLETED", flow("out-1"))

    say("/prepare", {**start_message("out-2"), "datasetId": "elsewhere"})
    say("/out-2/started", message(dataAddress=pull_address("/gone", "good")))
    n = notice("out-2", "errored")
    check("what cannot be had is told", bool(n) and "403" in n[1]["error"] and flow("out-2")["state"] == "STARTED", n)
    say("/out-2/suspend", message())
    check("another address, and it goes on", say("/out-2/resume", message(dataAddress=pull_address("/data", "good")))[1]["state"] == "STARTED")
    check("it comes", bool(notice("out-2", "completed")) and content("out-2")[0] == DATA[:100000])

    # the HTTP profile's address must be renewable (the kit's DP_C_HTTP_PULL:02-01); any other is used until its token ends
    def once(token):
        return {**pull_address("/data", token, refreshToken=None, expiresIn=None, refreshEndpoint=None), "endpointType": "https://w3id.org/idsa/v4.1/HTTP"}

    say("/prepare", {**start_message("out-3"), "datasetId": "elsewhere"})
    check("an address of another kind need not be renewable", say("/out-3/started", message(dataAddress=once("good")))[0] == 200)
    check("it is fetched from", bool(notice("out-3", "completed")) and content("out-3")[0] == DATA[:100000])
    say("/prepare", {**start_message("out-4"), "datasetId": "elsewhere"})
    say("/out-4/started", message(dataAddress=once("ended")))
    n = notice("out-4", "errored")
    check("when its token has ended, that is told, and that nothing renews it", bool(n) and "401" in n[1]["error"] and "no refreshToken" in n[1]["error"], n)
    check("another address, and it comes", say("/out-4/suspend", message())[0] == 200 and say("/out-4/resume", message(dataAddress=once("good")))[0] == 200
          and bool(notice("out-4", "completed")), flow("out-4"))


def crash():
    Outside.plan[:] = ["stall"]
    say("/start", start_message("push-5", PUSH, dataAddress=sink_address()))
    first = say("/start", start_message("pull-5"))[1]
    check("it runs", bool(until(lambda: Outside.open == 1)))
    os.kill(maker.worker(), 9)
    n = notice("push-5", "completed")
    check("a push goes on after a crash", bool(n) and Outside.got[-1][1] == DATA, n)
    check("a pull's address is still good", fetch(first)[1] == DATA)


def dismissed():
    global credential
    first = say("/start", start_message("pull-6"))[1]
    former, out = credential, json.loads(maker.kanhe("dataplane", "admit", "hall-9", outside, "--json")[1])
    check("admitted again: the former credential ends", say("/pull-6/status", method="GET")[0] == 401)
    credential = out["credential"]
    check("and the new one has the flows", say("/pull-6/status", method="GET")[1]["state"] == "STARTED")
    other = json.loads(maker.kanhe("dataplane", "admit", "other", outside, "--json")[1])["credential"]
    check("another plane does not see them", say("/pull-6/status", method="GET", secret=other)[0] == 404)
    refused("nor moves them", "/pull-6/terminate", message(), 404, secret=other)
    refused("nor takes their name", "/start", start_message("pull-6"), 400, "processId", "taken", secret=other)
    check("listed", "hall-9" in maker.kanhe("dataplane")[1])
    check("dismissed", maker.kanhe("dataplane", "dismiss", "hall-9")[0] == 0)
    check("its flows have ended", flow("pull-6")["state"] == "TERMINATED", flow("pull-6"))
    check("and flow no more", fetch(first)[0] == 410)
    check("nor may it call", say("/pull-6/status", method="GET")[0] == 401)
    check("it is gone", maker.kanhe("dataplane", "dismiss", "hall-9")[0] == 3)


def bad_registrations():
    good = {"controlplaneId": "c", "endpoint": outside, "authorization": {}}
    for what, more, at in (("no endpoint", {"endpoint": None}, "endpoint"), ("no URL", {"endpoint": "ftp://x"}, "endpoint"),
                           ("a name with blanks", {"controlplaneId": "a b"}, "controlplaneId"),
                           ("another authorization", {"authorization": {"type": "oauth2_client_credentials"}}, "authorization.type")):
        s, got, _ = maker.request("PUT", "/participants/maker/controlplanes", {**good, **more}, token="owner")
        check(what, s == 400 and f'"{at}"' in json.dumps(got), (s, got))
    s = maker.request("PUT", "/participants/maker/controlplanes", good, token="auditor")[0]
    check("an auditor may not", s == 403, s)


try:
    data = os.path.join(maker.top, "data")
    open(data, "wb").write(DATA)
    status, out, err = maker.kanhe("publish", data, "--id", "batch", "--title", "Batch")
    check("published", status == 0, err)
    status, out, err = maker.kanhe("dataplane", "admit", "hall-9", outside)
    credential = out.strip()
    check("admitted", status == 0 and len(credential) == 43, (out, err))
    unknown_callers()
    bad_registrations()
    bad_messages()
    refused("this plane does not consume", "/x/started", message(), 404)
    paused(pulled())
    refused("nor is a flow of it started from outside", "/pull-1/started", message(), 400, rule="role")
    pushed()
    push_stopped()
    received()
    taken()
    crash()
    dismissed()
    kinds = maker.kanhe("audit", "--json")[1]
    check("all of it is in the ledger", all(k in kinds for k in ("control-plane", "data-flow", "data-served")), kinds[-500:])
finally:
    maker.close()
    server.shutdown()
finish()
