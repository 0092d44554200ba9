"""The HTTP interface as a stranger uses it: bad input is named, changes nothing, never crashes."""
import hashlib
import json
import os
import subprocess

from node import Node, check, finish

node = Node("--authority", "88.118.8,gs1:9521234", "--participant", "maker")
worker = node.worker()


def refused(what, status, method, path, body=None, token=None, headers=None, names=()):
    """The answer is a problem with that status that names what is wrong, and nothing has changed."""
    before = node.state()
    got, problem, h = node.request(method, path, body, token, headers)
    ok = got == status and isinstance(problem, dict) and (h.get("Content-Type") or "").startswith("application/problem+json")
    check(what, ok, f"{got} {problem}")
    if ok:
        text = json.dumps(problem, ensure_ascii=False)
        check(f"{what}: request id", problem.get("request_id") and h.get("X-Request-Id") == problem["request_id"], text)
        for name in names:
            check(f"{what}: names {name}", name in text, text)
    check(f"{what}: nothing changed", node.state() == before)
    return problem


try:
    good = {"values": [{"index": 1, "type": "URL", "data": {"format": "string", "value": "https://a.example/"}}]}
    status, got, h = node.request("PUT", "/registry/88.118.8/A", good, "registrar")
    check("register", status == 201 and h.get("ETag"), got)
    status, got, h = node.request("GET", "/resolve/88.118.8/A")
    check("resolve", status == 200 and got["values"][0]["data"]["value"] == "https://a.example/" and h.get("X-Request-Id"), got)
    status, got, h = node.request("GET", "/resolve/88.118.8/A", headers={"Accept": "text/html"})
    check("a page for a browser", status == 200 and b"https://a.example/" in got and "default-src" in (h.get("Content-Security-Policy") or ""))
    status, got, h = node.request("GET", "/resolve/88.118.8/A", headers={"Accept": "application/vnd.kanhe.answer+protobuf"})
    check("protobuf", status == 200 and h.get("Content-Type") == "application/vnd.kanhe.answer+protobuf" and len(got) > 100)
    status, got, h = node.request("POST", "/resolve", {"ids": ["88.118.8/A", "88.118.8/NONE", "nonsense"]})
    check("a batch answers each", status == 200 and [a["status"] for a in got["answers"]] == [200, 404, 400], got)

    refused("malformed identifier", 400, "GET", "/resolve/88.118.8", names=("offset", "rule"))
    refused("bad check digit", 400, "GET", "/resolve/01/09521234000014", names=("offset", "rule"))
    refused("bad percent-encoding", 400, "GET", "/resolve/88.118.8/%zz", names=("offset",))
    refused("not found", 404, "GET", "/resolve/88.118.8/NONE")
    refused("foreign prefix", 421, "GET", "/resolve/99.1/X")
    refused("over 1,000 in a batch", 413, "POST", "/resolve", {"ids": ["88.118.8/A"] * 1001}, names=("1000", ))
    refused("unknown route", 404, "GET", "/no/such/route", names=("/no/such/route",))
    refused("wrong method", 405, "DELETE", "/healthz")
    refused("no credentials", 401, "PUT", "/registry/88.118.8/B", good)
    refused("wrong credentials", 401, "PUT", "/registry/88.118.8/B", good, headers={"Authorization": "Bearer kt_wrong"})
    refused("wrong role", 403, "PUT", "/registry/88.118.8/B", good, "auditor", names=("registrar",))
    refused("malformed JSON", 400, "PUT", "/registry/88.118.8/B", b'{"values":[}', "registrar",
            {"Content-Type": "application/json"}, names=("offset",))
    refused("duplicate member", 400, "PUT", "/registry/88.118.8/B", b'{"values":[],"values":[]}', "registrar",
            {"Content-Type": "application/json"})
    refused("deep JSON", 400, "PUT", "/registry/88.118.8/B", b"[" * 100000, "registrar", {"Content-Type": "application/json"})
    refused("missing member", 400, "PUT", "/registry/88.118.8/B", {"values": [{"index": 1, "data": {"format": "string", "value": "x"}}]},
            "registrar", names=("type",))
    refused("wrong kind of member", 400, "PUT", "/registry/88.118.8/B", {"values": [{"index": "one", "type": "URL", "data": {"format": "string", "value": "x"}}]},
            "registrar", names=("index",))
    refused("bad record in a batch names its index", 400, "POST", "/registry",
            {"records": [{"id": "88.118.8/C1", **good}, {"id": "88.118.8/C2", "values": [{"index": 0}]}]}, "registrar", names=("records[1]",))
    check("and its neighbours are not stored", node.request("GET", "/resolve/88.118.8/C1")[0] == 404)
    refused("stale revision", 412, "PUT", "/registry/88.118.8/A", good, "registrar", {"If-Match": '"999"', "Content-Type": "application/json"})
    refused("malformed protobuf", 400, "POST", "/resolve", b"\xff\xff\xff", None, {"Content-Type": "application/vnd.kanhe.batch+protobuf"}, names=("offset",))
    refused("unknown media type", 415, "PUT", "/registry/88.118.8/B", b"x", "registrar", {"Content-Type": "text/plain"})
    before = node.state()
    for how in ("--http2", "--http1.1"):
        p = subprocess.run(["curl", "-sS", how, "--cacert", f"{node.folder}/tls/ca.pem", "-X", "PUT", "--data-binary", "@-", "-H", "Content-Type: application/json",
                            "-H", "Authorization: Bearer " + node.token("registrar"), f"{node.url}/registry/88.118.8/B"],
                           input=b" " * (32 << 20), capture_output=True, timeout=120)
        check(f"oversized body {how}", b'"status":413' in p.stdout and b"request_id" in p.stdout, p.stdout[-300:] + p.stderr[-300:])
    check("oversized bodies change nothing", node.state() == before)
    dsp = "/p/maker/dsp/2025-1"
    for path in ("/catalog/request", "/negotiations/request", "/transfers/request"):
        status, got, _ = node.request("POST", dsp + path, {"@type": "x"})
        check(f"DSP {path} without a token", status == 401, (status, got))
    refused("unknown participant", 403, "GET", "/participants/nobody/agreements", token="owner")
    status, got, _ = node.request("GET", "/p/maker/.well-known/dspace-version")
    check("version discovery", status == 200 and got["protocolVersions"][0]["version"] == "2025-1", got)
    status, got, _ = node.request("GET", "/p/maker/did.json")
    check("DID document", status == 200 and got["id"].endswith(":p:maker"), got)
    status, got, _ = node.request("GET", "/metrics", token="operator")
    check("metrics", status == 200 and b"kanhe_net_requests" in got)
    check("metrics are not for anybody", node.request("GET", "/metrics")[0] == 401)

    # peers that we did not write
    ca = f"{node.folder}/tls/ca.pem"
    for more, wanted in ((["--http2"], "2"), (["--http1.1"], "1.1")):
        p = subprocess.run(["curl", "-sS", "--cacert", ca, *more, "-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"{node.url}/resolve/88.118.8/A"],
                           capture_output=True, text=True, timeout=120)
        check(f"curl over TLS {more[0]}", p.stdout == f"200 {wanted}", p.stdout + p.stderr)
    p = subprocess.run(["curl", "-sS", "--http2-prior-knowledge", "-o", "/dev/null", "-w", "%{http_code} %{http_version}", f"{node.clear}/resolve/88.118.8/A"],
                       capture_output=True, text=True, timeout=120)
    check("curl in clear text with prior knowledge", p.stdout == "200 2", p.stdout + p.stderr)
    p = subprocess.run(["h2load", "-n", "2000", "-c", "8", "-m", "16", f"{node.clear}/resolve/88.118.8/A"], capture_output=True, text=True, timeout=120)
    check("h2load: every request succeeds", "2000 succeeded, 0 failed" in p.stdout, p.stdout[-500:])

    # a client certificate stands for a token
    made = os.path.join(node.top, "client")
    for args in (["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=line 4",
                  "-keyout", made + "-key.pem", "-out", made + ".pem"],
                 ["x509", "-in", made + ".pem", "-outform", "DER", "-out", made + ".der"]):
        subprocess.run(["openssl", *args], check=True, capture_output=True)
    digest = hashlib.sha256(open(made + ".der", "rb").read()).hexdigest()
    status, out, err = node.kanhe("node", "token", "add", "line-4", "enterprise", "--scope", "88.118.8", "--certificate", digest)
    check("a certificate is admitted", status == 0, err)
    with open(os.path.join(node.folder, "kanhed.conf"), "a") as f:
        f.write(f"\n[net]\nclient_ca = {made}.pem\n")
    node.kanhe("node", "restart")
    worker = node.worker()

    def with_certificate(path):
        p = subprocess.run(["curl", "-sS", "--cacert", ca, "--cert", made + ".pem", "--key", made + "-key.pem", "-X", "PUT", "-o", "/dev/null", "-w", "%{http_code}",
                            "-H", "Content-Type: application/json", "--data", json.dumps(good), f"{node.url}{path}"], capture_output=True, text=True, timeout=120)
        return p.stdout
    check("a client certificate registers under its prefix", with_certificate("/registry/88.118.8/BY-CERT") == "201", with_certificate("/registry/88.118.8/BY-CERT"))
    check("and not elsewhere", with_certificate("/registry/01/09521234000013") == "403")
    check("the worker lived through all of it", node.worker() == worker, node.log()[-2000:])
finally:
    node.close()
finish()
