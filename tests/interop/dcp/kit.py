"""Runs the kit's suites and reads their verdicts from their text: they exit with 0 whatever they find. Clear text, as the
kit resolves did:web over http."""
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import node as nodes  # noqa: E402

KIT_SECONDS = 900
PARTS = {"verifier": "presentation.verifier", "credential service": "presentation.cs", "storage": "issuance.cs", "issuer": "issuance.issuer"}
TYPES = ("MembershipCredential", "SensitiveDataCredential")
PID = "kit-holder-pid"


def open_node(issuer):
    port = nodes.free_port()
    n = nodes.Node("--participant", "kit", "--tokens", "ES256", "--http", f"127.0.0.1:{port}", "--url", f"http://127.0.0.1:{port}",
                   start=False, clear=False)
    n.base, n.did = f"http://127.0.0.1:{port}/p/kit", f"did:web:127.0.0.1%3A{port}:p:kit"
    with open(os.path.join(n.folder, "kanhed.conf"), "a", encoding="utf-8") as f:
        f.write(f"\n[identity]\naccept = dcp\nissuers = {issuer}\nrequire = MembershipCredential\n")
    n.start()
    n.secret = n.request("POST", "/participants/kit/token-clients", {"client_id": "kit"}, token="owner")[1]["client_secret"]
    for i, t in enumerate(TYPES, 1):
        n.kanhe("credential", "type", "add", t, "--open", "--id", f"credential-object-id{i}")
    return n


def properties(n, part, port):
    rows = {
        "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": port,
        "dataspacetck.callback.address": f"http://127.0.0.1:{port}",
        "dataspacetck.test.package": "org.eclipse.dataspacetck.dcp.verification." + PARTS[part],
        "dataspacetck.revocation.type": "bitstringstatuslist",
        "dataspacetck.credentials.correlation.id": PID,
        "dataspacetck.sts.url": n.base + "/sts",
        "dataspacetck.sts.client.id": "kit",
        "dataspacetck.sts.client.secret": n.secret,
        "dataspacetck.vpp.trigger.endpoint": n.base + "/dsp/2025-1/catalog/request",
    }
    role = {"verifier": "verifier", "issuer": "issuer"}.get(part, "holder")
    rows[f"dataspacetck.did.{role}"] = n.did
    return "".join(f"{k}={str(v).replace(':', chr(92) + ':')}\n" for k, v in rows.items())


def ask_when_it_is_up(n, issuer, done):
    """Deliveries are taken only for what was asked for: the kit's issuer can be asked once its documents are there."""
    while not done.wait(0.2):
        if n.kanhe("credential", "request", issuer, *TYPES, "--id", PID, "--no-wait")[0] == 0:
            return


def run_part(part, kit, port):
    issuer = f"did:web:127.0.0.1%3A{port}:issuer"
    n = open_node(issuer)
    done = threading.Event()
    if part in ("storage", "credential service"):
        threading.Thread(target=ask_when_it_is_up, args=(n, issuer, done), daemon=True).start()
    try:
        path = os.path.join(kit, part.replace(" ", "-") + ".properties")
        with open(path, "w", encoding="utf-8") as f:
            f.write(properties(n, part, port))
        p = subprocess.run(["java", "-cp", os.path.join(kit, "lib", "*"), "org.eclipse.dataspacetck.dcp.suite.DcpTckSuite", "-config", path],
                           capture_output=True, text=True, timeout=KIT_SECONDS)
    finally:
        done.set()
        n.close()
    text = p.stdout + p.stderr
    with open(os.path.join(kit, part.replace(" ", "-") + ".log"), "w", encoding="utf-8") as f:
        f.write(text)
    passed, failed = re.search(r"Passed tests:\s*(\d+)", text), re.search(r"Failed tests:\s*(\d+)", text)
    if not passed or "Test run complete" not in text:
        print(text[-2000:])
        print(f"DCP conformance kit, {part}: it has not told its verdict")
        return 0, 1
    print(f"DCP conformance kit, {part}: {passed[1]} passed, {failed[1] if failed else 0} failed")
    return int(passed[1]), int(failed[1]) if failed else 0


def main():
    passed = failed = 0
    for part in PARTS:
        good, bad = run_part(part, sys.argv[2], nodes.free_port())
        passed, failed = passed + good, failed + bad
    failed = failed or (0 if passed else 1)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
