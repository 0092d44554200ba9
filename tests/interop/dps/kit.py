"""Runs the signaling kit's suites and reads their verdict from their text.

The data plane's suite runs twice: the kit has cases for data planes that answer at once and for those that answer
202 and call back (04-01), and says in no message which it wants. Each case counts in the run that it is for."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import node as nodes  # noqa: E402
from dps_kit import BASE, CASES as PLAYED, SELF, hurry, open_node, seed  # noqa: E402

CASES = 38
KIT_SECONDS = 900
PROVIDED = ("01_01", "01_02", "02_01", "02_02", "03_01")


def properties(node, secret, port, package):
    clear = node.clear + f"/p/{SELF}"
    rows = {
        "dataspacetck.debug": "true",
        "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": port,
        "dataspacetck.callback.address": f"http://127.0.0.1:{port}",
        "dataspacetck.test.package": "org.eclipse.dataspacetck.dps.verification." + package,
        "dataspacetck.dps.controlplane.webhook.url": clear + "/kit",
        "dataspacetck.dps.controlplane.protocol.url": node.clear + BASE,
        "dataspacetck.dps.controlplane.signaling.url": clear + "/signaling/v1",
        "dataspacetck.dps.dataplane.url": clear + "/signaling/v1",
        "dataspacetck.dps.dataplane.authorization": "Bearer " + secret,
        "dataspacetck.dps.default.wait": 30,
    }
    for n in PROVIDED:
        rows[f"CP_P_{n}_AGREEMENTID"] = rows[f"CP_C_{n}_AGREEMENTID"] = "kit-agreement-" + n
        rows[f"CP_C_{n}_DATASETID"] = "flows"
        node.request("POST", f"/p/{SELF}/kit/agreements", {"agreementId": "kit-agreement-" + n, "datasetId": "flows"})
    for case in PLAYED:
        if case.startswith("DP_"):
            rows[re.sub(r"\W", "_", case) + "_DATASETID"] = "held"
    return "".join(f"{k}={str(v).replace(':', chr(92) + ':')}\n" for k, v in rows.items())


def asynchronous(name):
    return name.endswith(":04-01")


def play(node, secret, port, kit, package):
    config = os.path.join(kit, package + ".properties")
    with open(config, "w") as f:
        f.write(properties(node, secret, port, package))
    p = subprocess.run(["java", "-cp", os.path.join(kit, "lib", "*"), "org.eclipse.dataspacetck.dps.DpsTckSuite", "-config", config],
                       capture_output=True, text=True, timeout=KIT_SECONDS)
    text = p.stdout + p.stderr
    with open(os.path.join(kit, package + ".log"), "w") as f:
        f.write(text)
    passed, failed = re.search(r"Passed tests:\s*(\d+)", text), re.search(r"Failed tests:\s*(\d+)", text)
    if not passed or "Test run complete" not in text:
        print(text[-2000:])
        return None
    bad = int(failed[1]) if failed else 0
    return int(passed[1]), bad, sorted(set(re.findall(r"\[((?:CP|DP)_\w+:\d\d-\d\d)", text))) if bad else []


def main():
    kit, port = sys.argv[2], nodes.free_port()
    node = open_node()
    try:
        secret = seed(node, f"http://127.0.0.1:{port}")
        told = [play(node, secret, port, kit, p) for p in ("controlplane", "dataplane")]
        hurry(node)
        told.append(play(node, secret, port, kit, "dataplane"))
    finally:
        node.close()
    if None in told:
        print(f"the kit has not told its verdict; see {kit}\n0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    control, patient, hurried = told
    names = control[2] + [n for n in patient[2] if not asynchronous(n)] + [n for n in hurried[2] if asynchronous(n)]
    passed = sum(control[:2]) + sum(patient[:2]) - len(names)
    print(f"DPS conformance kit: {passed} of {CASES} cases passed" + (f"; failed: {' '.join(names)}" if names else ""))
    failed = CASES - passed
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
