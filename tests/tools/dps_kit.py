"""The sequences of Data Plane Signaling's conformance kit, replayed without Java against a real node.

CP_C and CP_P: the kit is the data plane and the partner; the node, in test mode (space.kit), is the control plane.
DP_*: the kit is the control plane, the node the data plane, consumer (C) or provider (P), pulled or pushed.
The four cases 04-01 want a data plane that answers 202: ours does when its control planes are not to wait
(space.flow_wait), so the node is started anew for them. --only CP_P:01-01 plays one case."""
import json
import os
import queue
import sys
import threading
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node import Node, check, finish, until
from planes import PULL, PUSH, address

SELF = "cut"
CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
BASE = f"/p/{SELF}/dsp/2025-1"
ONLY = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else None
CASES = {
    # the control plane: what the partner says → what the data plane must be told
    **{f"CP_C:{n}": steps for n, steps in {
        "01-01": "prepare start>started completion>completed",
        "01-02": "prepare start>started termination>terminate",
        "02-01": "prepare start>started suspension>suspend start>resume completion>completed",
        "02-02": "prepare start>started suspension>suspend termination>terminate",
        "03-01": "prepare:202 start>started completion>completed"}.items()},
    **{f"CP_P:{n}": steps for n, steps in {
        "01-01": "start completion>completed",
        "01-02": "start termination>terminate",
        "02-01": "start suspension>suspend start>resume completion>completed",
        "02-02": "start suspension>suspend termination>terminate",
        "03-01": "start:202 completion>completed"}.items()},
    # the data plane: what the control plane says, and the state it leads to
    **{f"DP_C_{way}:{n}": steps for way in ("PULL", "PUSH") for n, steps in {
        "01-01": "prepare started", "01-02": "prepare started terminate", "02-01": "prepare started suspend resume",
        "02-02": "prepare started suspend terminate"}.items()},
    "DP_C_PULL:03-01": "prepare started+ (completed)",
    "DP_C_PUSH:03-01": "prepare started completed",
    "DP_P_PULL:01-01": "start completed", "DP_P_PULL:01-02": "start terminate",
    "DP_P_PULL:02-01": "start suspend resume", "DP_P_PULL:02-02": "start suspend terminate",
    "DP_P_PUSH:01-01": "start", "DP_P_PUSH:01-02": "start terminate",
    "DP_P_PUSH:02-01": "start suspend resume", "DP_P_PUSH:02-02": "start suspend terminate",
    "DP_P_PUSH:03-01": "start (completed)",
    **{f"DP_C_{way}:04-01": "prepare:202 (prepared)" for way in ("PULL", "PUSH")},
    **{f"DP_P_{way}:04-01": "start:202 (started)" for way in ("PULL", "PUSH")},
    "DP_C_HTTP_PULL:01-01": "prepare started+", "DP_C_HTTP_PULL:02-01": "prepare started!",
    "DP_P_HTTP_PULL:01-01": "start renew", "DP_P_HTTP_PULL:02-01": "start renew!token", "DP_P_HTTP_PULL:02-02": "start renew!aud",
}
REACHES = {"prepare": "PREPARED", "prepared": "PREPARED", "start": "STARTED", "started": "STARTED", "suspend": "SUSPENDED", "resume": "STARTED",
           "terminate": "TERMINATED", "completed": "COMPLETED"}
signals, notices, stalled = {}, queue.Queue(), threading.Event()


class Kit(BaseHTTPRequestHandler):
    """The kit's one endpoint: data plane, partner, control plane, data source and sink."""
    protocol_version = "HTTP/1.1"
    plan, asked = {}, queue.Queue()

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = [urllib.parse.unquote(p) for p in self.path.strip("/").split("/")]
        if parts[0] == "in":
            stalled.wait(60)
            return self.answer(204)
        body = json.loads(raw) if raw else {}
        if parts[0] == "dataflows":
            self.signal(parts[-1], body.get("processId") or parts[1], body)
        elif parts[:2] == ["transfers", "request"]:
            pid = "urn:uuid:" + str(uuid.uuid4())
            Kit.asked.put((body, pid))
            self.answer(201, {"@context": CONTEXT, "@type": "TransferProcess", "providerPid": pid,
                              "consumerPid": body["consumerPid"], "state": "REQUESTED"})
        elif "dataflow" in parts:
            notices.put((parts[1], parts[-1], body))
            self.answer(200)
        else:
            self.answer(200)

    def do_GET(self):
        self.answer(200, raw=b"x" * 1000)

    def signal(self, what, flow, body):
        for pid in (flow, Kit.plan.get("named", {}).get(flow)):
            if pid in signals or what in ("prepare", "start"):
                signals.setdefault(pid, queue.Queue()).put((what, body))
                break
        later = Kit.plan.get(what)
        if later:
            self.answer(202, {"dataFlowId": later, "state": what.upper()[:-1] + "ING" if what == "prepare" else "STARTING"})
        else:
            self.answer(200, {"state": REACHES[what]} if what in ("prepare", "start", "resume") else {})

    def answer(self, status, body=None, raw=None):
        out = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(out)))
        try:
            self.end_headers()
            self.wfile.write(out)
        except OSError:
            self.close_connection = True  # a push that was cut

    def log_message(self, *a):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Kit)
threading.Thread(target=server.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{server.server_address[1]}"


def told(case, pid, what):
    q = until(lambda: signals.get(pid))
    try:
        kind, body = q.get(timeout=30) if q else (None, None)
    except queue.Empty:
        kind, body = None, None
    return check(f"{case}: the data plane is told {what}", kind == what, (kind, body)) and body


def dsp(node, case, path, kind, pids):
    s, got, _ = node.request("POST", f"{BASE}/transfers/{path}", {"@context": CONTEXT, "@type": kind, **pids}, headers={"Authorization": "kit"})
    check(f"{case}: {kind}", s in (200, 201), (s, got))
    return got


def control(node, case, steps):
    """The node is the control plane."""
    agreement, consumer = "urn:uuid:" + str(uuid.uuid4()), case.startswith("CP_C")
    first, *rest = steps.split()
    kind, later = first.split(":")[0], ":" in first
    Kit.plan = {kind: "named-" + case if later else None, "named": {}}
    if consumer:
        s, got, _ = node.request("POST", f"/p/{SELF}/kit/dataflows/trigger",
                                 {"agreementId": agreement, "datasetId": "flows", "dataPlaneUrl": URL, "dspUrl": URL, "async": later})
        pid = got["id"]
    else:
        node.request("POST", f"/p/{SELF}/kit/agreements", {"agreementId": agreement, "datasetId": "flows"})
        theirs = "urn:uuid:" + str(uuid.uuid4())
        got = dsp(node, case, "request", "TransferRequestMessage",
                  {"consumerPid": theirs, "agreementId": agreement, "format": "HttpData-PULL", "callbackAddress": URL})
        pid = got["providerPid"]
    Kit.plan["named"]["named-" + case] = pid
    m = told(case, pid, kind)
    check(f"{case}: it is well formed", m and all(k in m for k in ("messageId", "participantId", "counterPartyId", "dataspaceContext",
          "processId", "agreementId", "datasetId", "profile", "claims")) and m["agreementId"] == agreement, m)
    if later:
        what = "prepared" if consumer else "started"
        s, got, _ = node.request("POST", f"/p/{SELF}/signaling/v1/transfers/{urllib.parse.quote(pid)}/dataflow/{what}",
                                 {"dataFlowId": "named-" + case, "state": what.upper()})
        check(f"{case}: the callback is taken", s == 200, (s, got))
    if consumer:
        body, theirs = Kit.asked.get(timeout=30)
        check(f"{case}: the partner is asked", body["consumerPid"] == pid and body["agreementId"] == agreement, body)
        pids = {"consumerPid": pid, "providerPid": theirs}
    else:
        check(f"{case}: it starts", bool(until(lambda: state_of(node, pid) == "STARTED")), state_of(node, pid))
        pids = {"consumerPid": theirs, "providerPid": pid}
    for step in rest:
        said, then = step.split(">")
        until(lambda: said != "start" or then != "started" or state_of(node, pid) == "REQUESTED")
        dsp(node, case, f"{urllib.parse.quote(pid)}/{said}", {"start": "TransferStartMessage", "completion": "TransferCompletionMessage",
            "suspension": "TransferSuspensionMessage", "termination": "TransferTerminationMessage"}[said],
            {**pids, **({"code": "1", "reason": ["kit"]} if said in ("suspension", "termination") else {}),
             **({"dataAddress": address("https://w3id.org/idsa/v4.1/HTTP")} if said == "start" and consumer else {})})
        told(case, pid, then)
    last = {"completed": "COMPLETED", "terminate": "TERMINATED"}[rest[-1].split(">")[1]]
    check(f"{case}: {last}", bool(until(lambda: state_of(node, pid) == last)), state_of(node, pid))


def state_of(node, pid):
    s, got, _ = node.request("GET", f"{BASE}/transfers/{urllib.parse.quote(pid)}", headers={"Authorization": "kit"})
    return got.get("state") if s == 200 else s


def data(node, case, steps, secret):
    """The node is the data plane."""
    role, way, flow = case[3], "PUSH" if "PUSH" in case else "PULL", "flow-" + case.replace(":", "-")
    profile, got = (PUSH if way == "PUSH" else PULL), {}
    stalled.clear()
    if "(completed)" in steps:
        stalled.set()

    def say(path, body=None, method="POST"):
        return node.request(method, f"/p/{SELF}/signaling/v1/dataflows{path}", body, headers={"Authorization": "Bearer " + secret})[:2]

    for step in steps.split():
        step, later = step.split(":")[0], ":" in step
        what = step.strip("()+!")
        body = {"messageId": str(uuid.uuid4())}
        if step.startswith("renew"):
            renewal(node, case, got["dataAddress"], step)
            continue
        if step.startswith("("):
            n = until(lambda: next((x for x in list(notices.queue) if x[0] == flow and x[1] == what), None))
            check(f"{case}: the control plane is told {what}", n and n[2]["state"] == REACHES[what] and n[2]["dataFlowId"] == flow, n)
            if what != "completed":
                due = role == "C" and way == "PUSH" or role == "P" and way == "PULL"
                check(f"{case}: an address when one is due", n and ("dataAddress" in n[2]) == due, n)
                check(f"{case}: its state", say(f"/{flow}/status", method="GET")[1]["state"] == REACHES[what], what)
            continue
        if what in ("prepare", "start"):
            body.update(participantId=SELF, counterPartyId="did:web:tck.example", dataspaceContext="tck", processId=flow,
                        agreementId="urn:uuid:1", datasetId="held", profile=profile, claims={})
            if way == "PUSH" and what == "start":
                body["dataAddress"] = {"endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": URL + "/in"}
        if step in ("started+", "started!"):
            body["dataAddress"] = address(PULL, where=URL + "/data")
        if step == "started+":
            body["dataAddress"]["endpointProperties"] += [{"name": "refreshToken", "value": "r"}, {"name": "expiresIn", "value": "300"},
                                                          {"name": "refreshEndpoint", "value": URL + "/token"}]
        path = f"/{what}" if what in ("prepare", "start") else f"/{flow}/{what}"
        s, out = say(path, {} if what == "completed" else body)
        if step == "started!":
            check(f"{case}: refused", s == 400 and say(f"/{flow}/status", method="GET")[1]["state"] == "PREPARED", (s, out))
            continue
        if later:
            check(f"{case}: {what} is answered 202", s == 202 and out["state"] == what.upper().rstrip("E") + "ING"
                  and out["dataFlowId"] == flow and "dataAddress" not in out, (s, out))
            continue
        check(f"{case}: {what}", s == 200, (s, out))
        if what in ("prepare", "start", "resume"):
            check(f"{case}: {what} tells its state", out["state"] == REACHES[what] and out["dataFlowId"] == flow, out)
            due = (role == "C" and way == "PUSH" and what == "prepare") or (role == "P" and way == "PULL" and what != "prepare")
            check(f"{case}: an address when one is due", ("dataAddress" in out) == due, out)
            got = out
        if "(completed)" not in steps and step != "started+":
            check(f"{case}: its state", say(f"/{flow}/status", method="GET")[1]["state"] == REACHES[what], what)
    stalled.set()


def renewal(node, case, a, step):
    """The kit's own key is in no DID document here: that a client renews its tokens is in dataspace-renewal."""
    p = {x["name"]: x["value"] for x in a["endpointProperties"]}
    check(f"{case}: a renewable address", a["endpointType"] == PULL and a["endpoint"].startswith("https://") and p["authType"] == "bearer"
          and p["authorization"] and p["refreshToken"] and p["expiresIn"].isdigit() and p["refreshEndpoint"].startswith("https://"), a)
    path = p["refreshEndpoint"][len(node.url):]
    for what, headers in (("no client token", {}), ("no JWT", {"Authorization": "Bearer x"}),
                          ("the access token itself", {"Authorization": "Bearer " + p["authorization"]})):
        s, got, _ = node.request("POST", path, f"grant_type=refresh_token&refresh_token={p['refreshToken']}".encode(), headers=headers)
        check(f"{case}: refused with {what}", s == 401 and b"access_token" not in (got if isinstance(got, bytes) else json.dumps(got).encode()), (s, got))


def open_node():
    node = Node("--participant", SELF, start=False)
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write(f"\n[space]\nkit = {SELF}\nkit_delay = 50ms\nflow_wait = 60s\n")
    node.start()
    return node


def hurry(node):
    """From now on no control plane waits."""
    path = os.path.join(node.folder, "kanhed.conf")
    with open(path) as f:
        text = f.read().replace("flow_wait = 60s", "flow_wait = 0s")
    with open(path, "w") as f:
        f.write(text)
    node.kanhe("node", "stop")
    node.start()


def seed(node, url):
    """A dataset at the kit's data plane, one here, and the kit as a control plane: its credential."""
    where = os.path.join(node.top, "held.csv")
    with open(where, "w") as f:
        f.write("a,b\n" * 5000)
    for args in (("dataplane", "register", "kit", url), ("publish", "--plane", "kit", "--id", "flows"), ("publish", where, "--id", "held")):
        status, out, err = node.kanhe(*args)
        check(" ".join(args[:2]), status == 0, (out, err))
    return node.kanhe("dataplane", "admit", "kit", url)[1].strip()


if __name__ == "__main__":
    node, hurried = open_node(), False
    try:
        secret = seed(node, URL)
        wanted = [c for c in CASES if not ONLY or c == ONLY]
        for case in sorted(wanted, key=lambda c: ":202" in CASES[c] and c.startswith("DP")):
            steps = CASES[case]
            if ":202" in steps and case.startswith("DP") and not hurried:
                hurry(node)
                hurried = True
            if case.startswith("CP"):
                control(node, case, steps)
            else:
                data(node, case, steps, secret)
        if not ONLY:
            check("38 cases", len(CASES) == 38, len(CASES))
    finally:
        stalled.set()
        node.close()
        server.shutdown()
    finish()
