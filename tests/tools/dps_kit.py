"""The sequences of Data Plane Signaling's conformance kit, replayed without Java against a real node.

CP_C and CP_P: the kit is the data plane and the partner; the node, in test mode (space.kit), is the control plane.
DP_*: the kit is the control plane, the node the data plane, consumer (C) or provider (P), pulled or pushed.
The kit's one endpoint speaks clear text, gives no media types, and knows only what it waits for: all else gets 404. Its
messages of the Dataspace Protocol have a string as "@context", and of the two pids only the one in the path is right.
The four cases 04-01 want a data plane that answers 202: ours does when its control planes are not to wait
(space.flow_wait), so the node is started anew for them. --only CP_P:01-01 plays one case, --only CP_P all such."""
import json
import os
import queue
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from node import Node, check, finish, until
from party import Key
from planes import PULL, PUSH, address

SELF = "cut"
CONTEXT = "https://w3id.org/dspace/2025/1/context.jsonld"
# how the kit calls itself as a control plane, and the dataset of the flow that is to end by itself
PARTICIPANT, ENDS = "tck-participant", "DPCPULL0301"
SCHEMAS = os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared", "dataspace", "dps", "1.0-rc3", "schemas")
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
    "DP_C_PULL:03-01": "prepare started (completed)",
    "DP_C_PUSH:03-01": "prepare started completed",
    "DP_P_PULL:01-01": "start completed", "DP_P_PULL:01-02": "start terminate",
    "DP_P_PULL:02-01": "start suspend resume", "DP_P_PULL:02-02": "start suspend terminate",
    "DP_P_PUSH:01-01": "start", "DP_P_PUSH:01-02": "start terminate",
    "DP_P_PUSH:02-01": "start suspend resume", "DP_P_PUSH:02-02": "start suspend terminate",
    "DP_P_PUSH:03-01": "start (completed)",
    **{f"DP_C_{way}:04-01": "prepare:202 (prepared)" for way in ("PULL", "PUSH")},
    **{f"DP_P_{way}:04-01": "start:202 (started)" for way in ("PULL", "PUSH")},
    "DP_C_HTTP_PULL:01-01": "prepare started+", "DP_C_HTTP_PULL:02-01": "prepare started!",
    # the first leaves a document at the node that is wrong for the others
    "DP_P_HTTP_PULL:02-01": "start renew!token", "DP_P_HTTP_PULL:02-02": "start renew!aud", "DP_P_HTTP_PULL:01-01": "start renew",
}
REACHES = {"prepare": "PREPARED", "prepared": "PREPARED", "start": "STARTED", "started": "STARTED", "suspend": "SUSPENDED", "resume": "STARTED",
           "terminate": "TERMINATED", "completed": "COMPLETED"}
MESSAGES = {"prepare": "DataFlowPrepareMessage", "start": "DataFlowStartMessage", "started": "DataFlowStartedNotificationMessage",
            "suspend": "DataFlowSuspendMessage", "resume": "DataFlowResumeMessage", "terminate": "DataFlowTerminateMessage",
            "completed": None, "notice": "DataFlowStatusMessage"}
signals, notices, stalled = queue.Queue(), queue.Queue(), threading.Event()


def wrong(name, body):
    """What the schema of a message says against it."""
    path = os.path.join(SCHEMAS, f"{name}.schema.json")
    if not name or not os.path.exists(path):
        return []
    with open(path) as f:
        schema = json.load(f)
    for part in schema.pop("allOf", []):
        more = {}
        if "$ref" in part:
            with open(os.path.join(SCHEMAS, os.path.basename(part["$ref"]).removesuffix(".schema.json").removesuffix(".json") + ".schema.json")) as f:
                more = json.load(f)
        for s in (part, more):
            schema.setdefault("properties", {}).update(s.get("properties", {}))
            schema["required"] = schema.get("required", []) + s.get("required", [])
    types = {"string": str, "object": dict, "array": list}
    return [m for m in schema.get("required", []) if m not in body] + [
        k for k, v in body.items() if not isinstance(v, types.get(schema.get("properties", {}).get(k, {}).get("type"), object))]


class Kit(BaseHTTPRequestHandler):
    """The kit's one endpoint: data plane, partner, control plane, data client and sink."""
    protocol_version = "HTTP/1.1"
    awaited, flow, later, asked, document = set(), None, None, queue.Queue(), None

    def do_POST(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = [urllib.parse.unquote(p) for p in self.path.strip("/").split("/")]
        if parts == [""]:
            stalled.wait(60)
            return self.answer(200, {})
        body, what = json.loads(raw) if raw else {}, parts[-1]
        if parts == ["transfers", "request"]:
            pid = str(uuid.uuid4())
            Kit.asked.put((body, pid))
            return self.answer(200, {"@context": CONTEXT, "@type": "TransferProcess", "providerPid": pid, "consumerPid": body["consumerPid"]})
        if parts[0] == "transfers" and what == "start":
            return self.answer(200, {"@context": CONTEXT, "@type": "TransferProcess", "providerPid": body["providerPid"],
                                     "consumerPid": str(uuid.uuid4())})
        if (parts[0], what) not in Kit.awaited or (parts[0] == "transfers" and parts[1] != Kit.flow):  # pushes of before end, too
            return self.answer(404, "nothing is waited for here")
        bad = wrong(MESSAGES["notice" if parts[0] == "transfers" else what], body)
        if bad:
            return self.answer(400, f"not well formed: {bad}")
        Kit.awaited.discard((parts[0], what))
        if parts[0] == "transfers":
            notices.put((parts[1], what, body))
            return self.answer(200, "")
        signals.put((what, body))
        if Kit.later:
            named, Kit.later = Kit.later, None
            return self.answer(202, {"dataFlowId": named, "state": {"prepare": "PREPARING", "start": "STARTING"}[what]})
        return self.answer(200, {"state": REACHES[what]} if what in ("prepare", "start", "resume") else {})

    def do_GET(self):
        self.answer(200, Kit.document) if self.path == "/.well-known/did.json" and Kit.document else self.answer(404, "nothing is here")

    def answer(self, status, body):
        out = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
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
DID = f"did:web:127.0.0.1%3A{server.server_address[1]}"
TOP = tempfile.TemporaryDirectory(prefix="kanhe-dpskit.")


def told(case, what):
    try:
        kind, body = signals.get(timeout=60)
    except queue.Empty:
        kind, body = None, None
    return check(f"{case}: the data plane is told {what}", kind == what, (kind, body)) and body


def dsp(node, case, at, path, kind, who, **members):
    """at: where the node says that it is."""
    s, got, _ = node.request("POST", f"{at[len(node.clear):]}/transfers/{path}", {"@context": CONTEXT, "@type": kind, **members},
                             headers={"Authorization": json.dumps({"clientId": who})})
    check(f"{case}: {kind}", at.startswith(node.clear) and s in (200, 201), (at, s, got))
    return got


def control(node, case, steps):
    """The node is the control plane."""
    agreement, consumer = str(uuid.uuid4()), case.startswith("CP_C")
    first, *rest = steps.split()
    kind, later, who = first.split(":")[0], ":" in first, "providerId" if consumer else "consumerId"
    Kit.later, Kit.awaited = "named-" + case if later else None, {("dataflows", kind)}
    if consumer:
        s, got, _ = node.request("POST", f"/p/{SELF}/kit/dataflows/trigger",
                                 {"agreementId": agreement, "datasetId": "flows", "dataPlaneUrl": URL, "dspUrl": URL, "async": later})
        pid, at = got["id"], None
    else:
        node.request("POST", f"/p/{SELF}/kit/agreements", {"agreementId": agreement, "datasetId": "flows"})
        at = node.clear + BASE
        pid = dsp(node, case, at, "request", "TransferRequestMessage", who, consumerPid=str(uuid.uuid4()), agreementId=agreement,
                  format="HttpData-PULL", callbackAddress=URL)["providerPid"]
    m = told(case, kind)
    check(f"{case}: it is of this process", m and m["agreementId"] == agreement and m["processId"] == pid, m)
    if later:
        what = "prepared" if consumer else "started"
        s, got, _ = node.request("POST", f"/p/{SELF}/signaling/v1/transfers/{pid}/dataflow/{what}",
                                 {"dataFlowId": "named-" + case, "state": what.upper()})
        check(f"{case}: the callback is taken", s == 200, (s, got))
    if consumer:
        body, _ = Kit.asked.get(timeout=60)
        at = body["callbackAddress"]
        check(f"{case}: the partner is asked", body["consumerPid"] == pid and body["agreementId"] == agreement, body)
        check(f"{case}: REQUESTED", bool(until(lambda: state_of(node, at, pid) == "REQUESTED")), state_of(node, at, pid))
    else:
        check(f"{case}: it starts", bool(until(lambda: state_of(node, at, pid) == "STARTED")), state_of(node, at, pid))
    for step in rest:
        said, then = step.split(">")
        Kit.awaited = {("dataflows", then)}
        dsp(node, case, at, f"{pid}/{said}", {"start": "TransferStartMessage", "completion": "TransferCompletionMessage",
            "suspension": "TransferSuspensionMessage", "termination": "TransferTerminationMessage"}[said], who,
            providerPid=pid, consumerPid=str(uuid.uuid4()))
        told(case, then)
    last = {"completed": "COMPLETED", "terminate": "TERMINATED"}[rest[-1].split(">")[1]]
    check(f"{case}: {last}", bool(until(lambda: state_of(node, at, pid) == last)), state_of(node, at, pid))


def state_of(node, at, pid):
    s, got, _ = node.request("GET", f"{at[len(node.clear):]}/transfers/{pid}", headers={"Authorization": "kit"})
    return got.get("state") if s == 200 else s


def data(node, case, steps, secret):
    """The node is the data plane."""
    role, way, flow = case[3], "PUSH" if "PUSH" in case else "PULL", str(uuid.uuid4())
    profile, got, ends, dids = (PUSH if way == "PUSH" else PULL), {}, case == "DP_C_PULL:03-01", "HTTP" in case
    key = client(node) if dids else None  # of this case
    stalled.clear()
    Kit.flow, Kit.awaited = flow, {("transfers", step.strip("()")) for step in steps.split() if step.startswith("(") and (ends or step != "(completed)")}

    def say(path, body=None, method="POST"):
        return node.request(method, f"/p/{SELF}/signaling/v1/dataflows{path}", body, headers={"Authorization": "Bearer " + secret})[:2]

    for step in steps.split():
        step, later = step.split(":")[0], ":" in step
        what = step.strip("()+!")
        body = {"messageId": str(uuid.uuid4())}
        if step.startswith("renew"):
            renewal(node, case, got["dataAddress"], key, step)
            continue
        if step.startswith("("):
            if not ends and what == "completed":  # only now, as the kit does; then the sink has had it
                Kit.awaited.add(("transfers", what))
                stalled.set()
            n = until(lambda: next((x for x in list(notices.queue) if x[0] == flow and x[1] == what), None))
            check(f"{case}: the control plane is told {what}", n and n[2]["state"] == REACHES[what] and n[2]["dataFlowId"] == flow, n)
            if what != "completed":
                due = role == "C" and way == "PUSH" or role == "P" and way == "PULL"
                check(f"{case}: an address when one is due", n and ("dataAddress" in n[2]) == due, n)
                check(f"{case}: its state", say(f"/{flow}/status", method="GET")[1]["state"] == REACHES[what], what)
            continue
        if what in ("prepare", "start"):
            body.update(participantId=node.did if dids else PARTICIPANT, counterPartyId=DID if dids else "tck-counterparty",
                        dataspaceContext="tck-dataspace", processId=flow, agreementId=str(uuid.uuid4()),
                        datasetId=ENDS if ends else "held", profile=profile, claims={})
            if way == "PUSH" and what == "start":
                body["dataAddress"] = {"endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": URL}
        if what == "terminate":
            body["reason"] = "any"
        if step in ("started+", "started!"):
            body["dataAddress"] = {"@type": "DataAddress", "endpointType": PULL, "endpoint": "https://provider.example.com/data/" + flow,
                                   "endpointProperties": [{"name": "authorization", "value": "a"}, {"name": "authType", "value": "bearer"}]}
        if step == "started+":
            body["dataAddress"]["endpointProperties"] += [{"name": "refreshToken", "value": "r"}, {"name": "expiresIn", "value": "300"},
                {"name": "refreshEndpoint", "value": "https://provider.example.com/authorization/refresh"}]
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
        if not (ends and what == "started"):
            check(f"{case}: its state", say(f"/{flow}/status", method="GET")[1]["state"] == REACHES[what], what)
    stalled.set()


def client(node):
    """The kit's data client has a DID at its endpoint and a key of its own in each case."""
    key = Key(TOP.name, "p256")
    key.kid = f"{DID}#{uuid.uuid4()}"
    Kit.document = {"@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld"], "id": DID,
        "service": [{"id": "TCK-Credential-Service", "type": "CredentialService", "serviceEndpoint": URL}],
        "verificationMethod": [{"id": key.kid, "type": "JsonWebKey2020", "controller": DID,
                                "publicKeyJwk": {**key.jwk(), "kid": key.kid.split("#")[1], "use": "sig"}}],
        **{purpose: [key.kid] for purpose in ("authentication", "assertionMethod", "capabilityInvocation")}}
    return key


def renewal(node, case, a, key, step):
    p = {x["name"]: x["value"] for x in a["endpointProperties"]}
    check(f"{case}: a renewable address", a["endpointType"] == PULL and a["endpoint"].startswith(node.clear) and p["authType"] == "bearer"
          and p["authorization"] and p["refreshToken"] and p["expiresIn"].isdigit() and p["refreshEndpoint"].startswith(node.clear), a)

    def ask(headers, token=p["refreshToken"]):
        s, got, _ = node.request("POST", p["refreshEndpoint"][len(node.clear):], f"grant_type=refresh_token&refresh_token={token}".encode(),
                                 headers={"Content-Type": "application/x-www-form-urlencoded", **headers})
        return s, got if isinstance(got, dict) else {"text": str(got)}

    def signed(**over):
        now = int(time.time())
        return {"Authorization": "Bearer " + key.jwt({"iss": DID, "sub": DID, "aud": node.did, "token": p["authorization"],
                "jti": str(uuid.uuid4()), "iat": now, "exp": now + 600, **over}, kid=key.kid)}

    for what, headers in (("no client token", {}), ("no JWT", {"Authorization": "Bearer x"}),
                          ("the access token itself", {"Authorization": "Bearer " + p["authorization"]})):
        s, got = ask(headers)
        check(f"{case}: refused with {what}", s == 401 and "access_token" not in got, (s, got))
    if step == "renew":
        s, got = ask(signed())
        check(f"{case}: renewed", s == 200 and got["access_token"] not in ("", p["authorization"]) and got["token_type"], (s, got))
    else:
        s, got = ask(signed(), token=f"invalid-{uuid.uuid4()}") if step.endswith("token") else ask(signed(aud="did:web:invalid-audience"))
        check(f"{case}: refused", 400 <= s < 500 and "access_token" not in got, (s, got))


def open_node(delay):
    node = Node("--participant", SELF, start=False, plain=True)
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write(f"\n[space]\nkit = {SELF}\nkit_delay = {delay}\nflow_wait = 60s\n")
    node.start()
    node.did = node.request("GET", f"/p/{SELF}/did.json")[1]["id"]
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
    return node.kanhe("dataplane", "admit", PARTICIPANT, url)[1].strip()


if __name__ == "__main__":
    node, hurried = open_node("50ms"), False
    try:
        secret = seed(node, URL)
        wanted = [c for c in CASES if not ONLY or c.startswith(ONLY)]
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
