"""Outside data planes: what two nodes tell the planes that move data for them, and what those tell back."""
import http.server
import json
import queue
import threading
import urllib.error
import urllib.parse
import urllib.request

from node import check, until

PULL = "https://w3id.org/dspace-sig/profile/http-pull"
PUSH = "https://w3id.org/dspace-sig/profile/http-push"
STATES = {"prepare": "PREPARED", "start": "STARTED", "resume": "STARTED"}


def address(kind, token="plane-token", where="https://plane.example/data"):
    return {"@type": "DataAddress", "endpointType": kind, "endpoint": where, "endpointProperties": [
        {"@type": "EndpointProperty", "name": "authorization", "value": token},
        {"@type": "EndpointProperty", "name": "authType", "value": "bearer"}]}


class Plane:
    """A data plane. `plan` says how the coming signals are answered: (status, body); else by the rules, with
    `addresses` of its start, prepare and resume."""

    def __init__(self):
        plane = self
        self.plan, self.got, self.addresses, self.signals = {}, [], {}, queue.Queue()
        self.authorizations = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                plane.authorizations.append(self.headers.get("Authorization"))
                status, out = plane.take(urllib.parse.unquote(self.path), json.loads(body) if body else None)
                out = json.dumps(out).encode() if out is not None else b""
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *a):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/signaling"

    def take(self, path, body):
        what = path.rsplit("/", 1)[1]
        planned = self.plan.get(what)
        status, out = planned.pop(0) if planned else (200, None)
        if out is None and status == 200:
            out = {}
            if what in STATES:
                out = {"messageId": "a", "dataFlowId": self.flow_of(path, body), "state": STATES[what]}
                if what in self.addresses:
                    out["dataAddress"] = self.addresses[what]
        self.got.append((what, path, body))
        if status != 503:
            self.signals.put((what, path, body))
        return status, out

    @staticmethod
    def flow_of(path, body):
        return body["processId"] if "processId" in (body or {}) else path.split("/")[-2]

    def next(self, wanted, what=None):
        """The next signal, which must be this one; its body and flow."""
        try:
            kind, path, body = self.signals.get(timeout=30)
        except queue.Empty:
            check(what or f"the data plane is told: {wanted}", False, "nothing comes")
            return {}, ""
        check(what or f"the data plane is told: {wanted}", kind == wanted, (kind, path, body))
        return body, self.flow_of(path, body)

    def quiet(self, what):
        check(what, self.signals.empty(), list(self.signals.queue))

    def close(self):
        self.server.shutdown()


class Caller:
    """Calls a control plane back."""
    number = 0

    def __init__(self, node, participant, credential):
        self.node, self.base, self.credential = node, f"/p/{participant}/signaling/v1/transfers/", credential

    def call(self, pid, what, state, flow=None, credential=None, **more):
        Caller.number += 1
        body = {"messageId": f"c-{Caller.number}", "dataFlowId": flow or pid, "state": state, **more}
        return self.send(pid, what, body, credential)

    def send(self, pid, what, body, credential=None):
        headers = {"Authorization": "Bearer " + (credential or self.credential)}
        path = self.base + urllib.parse.quote(pid, safe="") + "/dataflow/" + what
        return self.node.request("POST", path, body, headers=headers)[:2]

    def agreement(self, pid, credential=None):
        headers = {"Authorization": "Bearer " + (credential or self.credential)}
        return self.node.request("GET", self.base + urllib.parse.quote(pid, safe="") + "/agreement", headers=headers)[:2]
