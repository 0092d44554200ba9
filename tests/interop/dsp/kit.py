"""Runs the kit's suite and reads its verdict from its text: it exits with 0 whatever it finds."""
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
import node as nodes  # noqa: E402
from dsp_kit import ALL, BASE, SELF, open_node, seed  # noqa: E402

ACTIVE = 65
KIT_SECONDS = 900


def properties(node, offers, port):
    clear = node.clear + f"/p/{SELF}"
    rows = {
        "dataspacetck.debug": "true",
        "dataspacetck.ansi": "false",
        "dataspacetck.host": "127.0.0.1",
        "dataspacetck.port": port,
        "dataspacetck.callback.address": f"http://127.0.0.1:{port}",
        "dataspacetck.dsp.local.connector": "false",
        "dataspacetck.dsp.connector.agent.id": node.did,
        "dataspacetck.dsp.connector.http.url": node.clear + BASE,
        "dataspacetck.dsp.connector.http.base.url": clear,
        "dataspacetck.dsp.connector.http.headers.authorization": "kit",
        "dataspacetck.dsp.connector.negotiation.initiate.url": clear + "/kit/negotiations",
        "dataspacetck.dsp.connector.transfer.initiate.url": clear + "/kit/transfers",
        "dataspacetck.dsp.default.wait": 30,
    }
    for case in ALL["cases"]:
        for key in case["config"]:
            of = ("" if key.startswith("CAT") else "A") + key.rsplit("_", 1)[0].replace("_", "")
            rows[key] = {"DATASETID": of, "AGREEMENTID": of, "FORMAT": "HttpData-PULL",
                         "OFFERID": offers.get(of, "offer" + of)}[key.rsplit("_", 1)[1]]
    return "".join(f"{k}={str(v).replace(':', chr(92) + ':')}\n" for k, v in rows.items())


def verdict(text):
    """(passed, failed, names of the failed); None where the kit has not told."""
    passed, failed = re.search(r"Passed tests:\s*(\d+)", text), re.search(r"Failed tests:\s*(\d+)", text)
    if not passed or "Test run complete" not in text:
        return None
    return int(passed[1]), int(failed[1]) if failed else 0, sorted(set(re.findall(r"\[((?:CN|TP|CAT|MET)[_C]*:\d\d-\d\d)", text)))


def main():
    kit = sys.argv[2]
    node = open_node("500ms")
    try:
        offers = seed(node, ALL["seed"]["datasets"])
        with open(os.path.join(kit, "kit.properties"), "w") as f:
            f.write(properties(node, offers, nodes.free_port()))
        p = subprocess.run(["java", "-cp", os.path.join(kit, "lib", "*"), "org.eclipse.dataspacetck.dsp.suite.DspTckSuite",
                            "-config", os.path.join(kit, "kit.properties")], capture_output=True, text=True, timeout=KIT_SECONDS)
        text = p.stdout + p.stderr
    finally:
        node.close()
    with open(os.path.join(kit, "kit.log"), "w") as f:
        f.write(text)
    told = verdict(text)
    if not told:
        print(text[-3000:])
        print(f"the kit has not told its verdict; see {kit}/kit.log\n0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    passed, failed, names = told
    print(f"DSP conformance kit: {passed} of {ACTIVE} cases passed" + (f"; failed: {' '.join(names)}" if failed else ""))
    failed = max(failed, ACTIVE - passed)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
