"""Runs the kit's suite and reads its verdict from its text: it exits with 0 whatever it finds."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..", "tools")]
import verdict  # noqa: E402
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
    return rows


def main():
    kit = sys.argv[2]
    node = open_node("500ms")
    try:
        offers = seed(node, ALL["seed"]["datasets"])
        told = verdict.play(kit, "kit", "org.eclipse.dataspacetck.dsp.suite.DspTckSuite",
                            properties(node, offers, nodes.free_port()), KIT_SECONDS)
    finally:
        node.close()
    if not told:
        print("0 passed, 1 failed, 0 skipped")
        sys.exit(1)
    passed, bad = len(told[0]), told[1]
    print(f"DSP conformance kit: {passed} of {ACTIVE} cases passed" + (f"; failed: {' '.join(sorted(set(bad)))}" if bad else ""))
    failed = max(len(bad), ACTIVE - passed)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
