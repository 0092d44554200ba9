"""Runs the signaling kit's suites and reads their verdict from their text.

The data plane's suite runs twice: the kit has cases for data planes that answer at once and for those that answer
202 and call back (04-01), and says in no message which it wants. Each case counts in the run that it is for.
The kit names its own address as the sink of pushes, where it takes none: a front stands there that does, and hands all
else on to the kit."""
import http.server
import os
import sys
import threading
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tools")]
import verdict  # noqa: E402
import node as nodes  # noqa: E402
from dps_kit import BASE, CASES as PLAYED, ENDS, SELF, hurry, open_node, seed  # noqa: E402
from planes import PULL, PUSH  # noqa: E402

CASES = 38
KIT_SECONDS = 900
PROVIDED = ("01_01", "01_02", "02_01", "02_02", "03_01")
# the kit looks for STARTED ten times a second before it waits for COMPLETED, and tells the sink of neither
SINK_SECONDS = 5


def front(kit_port):
    class Front(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if self.path.strip("/"):
                return self.hand_on(body)
            threading.Event().wait(SINK_SECONDS)
            return self.answer(200, b"")

        def do_GET(self):
            self.hand_on(None)

        def hand_on(self, body):
            keep = {k: v for k, v in self.headers.items() if k.lower() in ("authorization", "content-type")}
            q = urllib.request.Request(f"http://127.0.0.1:{kit_port}{self.path}", data=body, method=self.command, headers=keep)
            try:
                with urllib.request.urlopen(q, timeout=60) as r:
                    self.answer(r.status, r.read(), r.headers.get("Location"))
            except urllib.error.HTTPError as e:
                self.answer(e.code, e.read())
            except OSError:
                self.answer(503, b"the kit is not there")

        def answer(self, status, body, location=None):
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            try:
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # a push that was cut

        def log_message(self, *a):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def properties(node, secret, port, address, package):
    clear, client = node.clear + f"/p/{SELF}", "did:web:" + address.split("//")[1].replace(":", "%3A")
    rows = {
        "dataspacetck.debug": "true",
        "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": port,
        "dataspacetck.callback.address": address,
        "dataspacetck.test.package": "org.eclipse.dataspacetck.dps.verification." + package,
        "dataspacetck.dps.controlplane.webhook.url": clear + "/kit",
        "dataspacetck.dps.controlplane.protocol.url": node.clear + BASE,
        "dataspacetck.dps.controlplane.signaling.url": clear + "/signaling/v1",
        "dataspacetck.dps.dataplane.url": clear + "/signaling/v1",
        "dataspacetck.dps.dataplane.authorization": "Bearer " + secret,
        # who renews tokens, and of whom
        "dataspacetck.dps.dataplane.provider.id": node.did,
        "dataspacetck.dps.dataplane.counterparty.id": client,
        "dataspacetck.dps.default.wait": 30,
    }
    for n in PROVIDED:
        rows[f"CP_P_{n}_AGREEMENTID"], rows[f"CP_C_{n}_AGREEMENTID"] = "provided-" + n, "consumed-" + n
        rows[f"CP_C_{n}_DATASETID"] = "flows"
    for case in PLAYED:
        if case.startswith("DP_"):
            key = case.replace(":", "_").replace("-", "_")
            rows[key + "_DATASETID"] = ENDS if case == "DP_C_PULL:03-01" else "held"
            # as older kits call it, too
            rows[key + "_PROFILE"] = rows[key + "_TRANSFERTYPE"] = PUSH if "PUSH" in case else PULL
    return rows


def asynchronous(name):
    return name.endswith(":04-01")


def main():
    kit, port = sys.argv[2], nodes.free_port()
    node, server = open_node("2s"), front(port)
    address = f"http://127.0.0.1:{server.server_address[1]}"

    def play(name, package):
        return verdict.play(kit, name, "org.eclipse.dataspacetck.dps.DpsTckSuite",
                            properties(node, secret, port, address, package), KIT_SECONDS)
    try:
        secret = seed(node, address)
        for n in PROVIDED:
            node.request("POST", f"/p/{SELF}/kit/agreements", {"agreementId": "provided-" + n, "datasetId": "flows"})
        told = [play("control", "controlplane"), play("data", "dataplane")]
        hurry(node)
        told.append(play("data-later", "dataplane"))
    finally:
        node.close()
        server.shutdown()
    if None in told:
        print("0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    good, bad = ([n for which, hurried in zip(told, (None, False, True)) for n in which[i] if hurried in (None, asynchronous(n))] for i in (0, 1))
    print(f"DPS conformance kit: {len(good)} of {CASES} cases passed" + (f"; failed: {' '.join(sorted(set(bad)))}" if bad else ""))
    failed = max(len(bad), CASES - len(good))
    print(f"{len(good)} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
