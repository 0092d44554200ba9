"""kanhe audit --registry: what the registry's ledger tells of every step, each entry proved, and not by a node that lies."""
import http.server
import json
import os
import threading

from node import Node, check, finish, run

node = Node("--authority", "88.118.8")
lie = None  # what the stand-in changes: (path, text, other text)


class Liar(http.server.BaseHTTPRequestHandler):
    """Passes on what the node says, but for one thing."""

    def do_GET(self):
        status, got, headers = node.request("GET", self.path, token="auditor")
        body = got if isinstance(got, bytes) else json.dumps(got, ensure_ascii=False).encode()
        if lie and self.path.startswith(lie[0]):
            assert lie[1].encode() in body, (lie, body)
            body = body.replace(lie[1].encode(), lie[2].encode(), 1)
        self.send_response(status)
        self.send_header("Content-Type", headers["Content-Type"])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def audit(*words, **more):
    return node.kanhe("audit", "--registry", *words, **more)


try:
    code = "91350100M000100Y43"
    token = os.path.join(node.folder, "works.token")
    for words in (("enterprise", "apply", code, "Example Works", "--person", "Li", "--phone", "0591", "--prefix", "88.118.8.5"),
                  ("enterprise", "approve", code, "--review", "licence seen"),
                  ("enterprise", "account", "add", code, "erp", "--out", token),
                  ("register", "88.118.8.5/x", "URL=https://x.example/", "--token", token),
                  ("series", "add", "88.118.8.5/S-{00..99}", "URL=https://x.example/{id}", "--token", token),
                  ("enterprise", "suspend", code, "--reason", "fees")):
        status, out, err = node.kanhe(*words)
        check(f"done: {words[:2]}", status == 0, out + err)
    status, out, err = audit()
    kinds = [line.split()[2] for line in out.splitlines()]
    check("each step, in order", status == 0 and kinds[-7:] == ["enterprise.applied", "record.registered", "enterprise.approved", "credential.granted",
                                                                "record.registered", "series.registered", "enterprise.suspended"], out)
    check("who, what and why", f"{code}.erp" in out and "id=88.118.8.5/x" in out and "pattern=88.118.8.5/S-{00..99}" in out and "reason=fees" in out, out)
    status, out, err = audit("--json")
    entries = json.loads(out)["entries"]
    check("as JSON, all of them", [e["index"] for e in entries] == list(range(json.loads(out)["size"])), out)
    status, out, err = audit("--limit", "2", "--cursor", "3")
    check("from a cursor on", [line.split()[0] for line in out.splitlines()] == ["3", "4", "more:"] and "--cursor 5" in out, out)
    check("the newest", [line.split()[0] for line in audit("--limit", "2")[1].splitlines()] == [str(len(entries) - 2), str(len(entries) - 1)])
    status, out, err = audit("--since", entries[5]["time"], "--json")
    check("since a time", json.loads(out)["entries"] == [e for e in entries if e["time"] >= entries[5]["time"]], out)
    status, out, err = audit("--since", "2999-01-01")
    check("none since then", (status, out) == (0, "") and "none" in err, err)
    for words in (("--limit", "0"), ("--cursor", "x"), ("--since", "x"), ("--agreement", "urn:x")):
        status, out, err = audit(*words)
        check(f"wrong usage: {words}", status == 2 and not out, err)
    status, out, err = audit("--token", token)
    check("not for enterprises", status == 6 and not out and "auditors" in err, err)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    auditor = os.path.join(node.folder, "tokens", "auditor.token")
    there = ("--node", url, "--token", auditor)
    status, out, err = run("audit", "--registry", *there)
    check("through another hand", status == 0 and len(out.splitlines()) == len(entries), out + err)
    last = len(entries) - 1
    told = node.request("GET", f"/ledger/registry/leaf/{last}", token="auditor")[1]
    for lie, what in (((f"/ledger/registry/leaf/{last}", "fees", "fun!"), f"entry {last}"),
                      ((f"/ledger/registry/leaf/{last}", told["salt"][:8], "AAAAAAAA"), f"entry {last}"),
                      ((f"/ledger/registry/leaf/{last}", told["proof"][0][:8], "AAAAAAAA"), f"entry {last}"),
                      (("/ledger/registry/checkpoint", f"\n{len(entries)}\n", f"\n{len(entries) - 1}\n"), "checkpoint")):
        status, out, err = run("audit", "--registry", *there)
        check(f"a lie is found: {lie}", status == 4 and what in err and "fun!" not in out, (status, out, err))
    server.shutdown()
finally:
    node.close()
finish()
