"""tests/interop/{dsp,dps,dcp} with a program in the kits' place: that what they are told leads to the node, and that their text
is read as they write it."""
import json
import os
import subprocess
import sys
import tempfile

from node import BUILD, check, finish

INTEROP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop")
SHARED = os.path.join(INTEROP, "..", "..", "..", "shared", "dataspace", "dsp", "tck", "tck-cases.json")
STAND_IN = r'''#!%s
"""In the place of java: asks the node what a kit would, then tells of its cases as the suites do."""
import json, os, sys, urllib.error, urllib.parse, urllib.request, uuid

suite, conf = sys.argv[3], {}
with open(sys.argv[sys.argv.index("-config") + 1]) as f:
    for line in f:
        key, value = line.rstrip("\n").split("=", 1)
        conf[key.removeprefix("dataspacetck.")] = value.replace("\\:", ":")
package = conf.get("test.package", "").rsplit(".", 2)


def ask(url, body=None, form=None, **headers):
    data = json.dumps(body).encode() if body is not None else urllib.parse.urlencode(form).encode() if form else None
    if body is not None:
        headers["Content-Type"] = "application/json"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, headers=headers), timeout=60) as r:
            return r.status, json.loads(r.read() or b"{}")
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def expect(what, good):
    if not good:
        sys.exit(f"{what}: {got}")


def web(did):
    host, *path = did.removeprefix("did:web:").split(":")
    return f"http://{urllib.parse.unquote(host)}/{'/'.join(path)}/did.json"


if suite.endswith(".dsp.suite.DspTckSuite"):
    got = ask(conf["dsp.connector.http.base.url"] + "/.well-known/dspace-version")
    expect("versions", got[0] == 200)
    got = ask(conf["dsp.connector.http.url"] + "/catalog/datasets/" + conf["CAT_01_02_DATASETID"], Authorization=conf["dsp.connector.http.headers.authorization"])
    expect("a dataset", got[0] == 200 and got[1]["@id"] == conf["CAT_01_02_DATASETID"])
elif package[-1] == "controlplane":
    for case in ("01_01", "03_01"):
        got = ask(conf["dps.controlplane.protocol.url"] + "/transfers/request", {
            "@context": "https://w3id.org/dspace/2025/1/context.jsonld", "@type": "TransferRequestMessage", "consumerPid": str(uuid.uuid4()),
            "agreementId": conf[f"CP_P_{case}_AGREEMENTID"], "format": "HttpData-PULL", "callbackAddress": conf["callback.address"]})
        expect("a transfer", got[0] == 201)
    got = ask(conf["dps.controlplane.webhook.url"] + "/dataflows/trigger", {"agreementId": conf["CP_C_01_01_AGREEMENTID"],
        "datasetId": conf["CP_C_01_01_DATASETID"], "dspUrl": conf["callback.address"]})
    expect("a trigger", got[0] == 200 and got[1]["id"])
elif package[-1] == "dataplane":
    for case, address in (("DP_P_PULL_01_01", {}), ("DP_P_HTTP_PULL_01_01", {}),
                          ("DP_P_PUSH_01_01", {"dataAddress": {"endpointType": "https://w3id.org/idsa/v4.1/HTTP", "endpoint": conf["callback.address"]}})):
        got = ask(conf["dps.dataplane.url"] + "/dataflows/start", {
            "messageId": str(uuid.uuid4()), "participantId": conf["dps.dataplane.provider.id"], "counterPartyId": conf["dps.dataplane.counterparty.id"],
            "dataspaceContext": "c", "processId": str(uuid.uuid4()), "agreementId": str(uuid.uuid4()), "datasetId": conf[case + "_DATASETID"],
            "profile": conf[case + "_PROFILE"], "claims": {}, **address}, Authorization=conf["dps.dataplane.authorization"])
        expect("a flow", got[0] in (200, 202) and got[1]["state"] in ("STARTED", "STARTING"))
else:
    part = ".".join(package[-2:])
    did = conf.get("did.verifier") or conf.get("did.issuer") or conf.get("did.holder")
    got = ask(web(did))
    expect("a document", got[0] == 200 and got[1]["id"] == did)
    service = {s["type"]: s["serviceEndpoint"] for s in got[1]["service"]}
    if part == "presentation.verifier":
        expect("a token service of the kit's own", "sts.url" not in conf)
        got = ask(conf["vpp.trigger.endpoint"], {"@type": "https://w3id.org/dspace/2024/1/CatalogRequestMessage"})
        expect("no token", got[0] == 401)
    elif part == "issuance.issuer":
        got = ask(service["IssuerService"] + "/metadata", Authorization="Bearer x")
        expect("metadata", got[0] == 200 and {c["profile"] for c in got[1]["credentialsSupported"]} == {"vc11-sl2021/jwt"})
    else:
        got = ask(conf["sts.url"] + "/token", form={"grant_type": "client_credentials", "client_id": conf["sts.client.id"], "client_secret": conf["sts.client.secret"],
            "audience": "did:web:127.0.0.1%%3A1", "bearer_access_scope": "org.eclipse.dspace.dcp.vc.type:MembershipCredential:read"})
        expect("a token", got[0] == 200 and got[1]["access_token"])
told = json.loads(os.environ["STAND_IN"])
mark = "[2026-01-01T00:00:00.1] "
names = told.get(".".join(package[-2:]).removeprefix("verification.") if package[0] else "dsp", [])
bad = [n for n in names if n.split(": ")[0] in told["bad"]]
for n in names:
    print(f"\n{mark}Started: {n}\n{mark}{'FAILED' if n in bad else 'SUCCESSFUL'}: {n.rsplit(':', 1)[0]}\n")
if package[0]:
    if "dcp" in suite:
        print(mark + "Test run complete")
    if bad:
        print(mark + "There were failing tests:\n" + "\n".join(f"- {n} (java.lang.AssertionError: FAILED: no case)" for n in bad))
else:
    print(f"{mark}Passed tests: {len(names) - len(bad)}\n{mark}Failed tests: {len(bad)}")
if "dcp" not in suite:
    print(mark + told.get("end", "Test run complete"))
''' % sys.executable


def wrapper(kind, **told):
    with tempfile.TemporaryDirectory() as top:
        with open(os.path.join(top, "java"), "w") as f:
            f.write(STAND_IN)
        os.chmod(f.name, 0o700)
        p = subprocess.run([sys.executable, "-B", os.path.join(INTEROP, kind, "kit.py"), BUILD, top], capture_output=True, text=True, timeout=600,
                           env={**os.environ, "PATH": top + os.pathsep + os.environ["PATH"], "STAND_IN": json.dumps({"bad": [], **told})})
    return p.returncode, p.stdout, p.stderr


def last(got):
    return got[1].strip().rsplit("\n", 1)[-1]


def dsp(names):
    got = wrapper("dsp", dsp=names, bad=["CN:01-01"])
    check("one failed", last(got) == "64 passed, 1 failed, 0 skipped" and got[0] == 1 and "failed: CN:01-01\n" in got[1], got)
    got = wrapper("dsp", dsp=names[:60], end="")
    check("an end that was not reached", last(got) == "0 passed, 1 failed, 0 skipped" and got[0] == 1, got)


def dps(control, data):
    got = wrapper("dps", controlplane=control, dataplane=data, bad=["DP_P_PUSH:03-01", "DP_C_PULL:04-01"])
    check("signaling: two failed", last(got) == "36 passed, 2 failed, 0 skipped" and "failed: DP_C_PULL:04-01 DP_P_PUSH:03-01\n" in got[1], got)


def dcp():
    parts = {"presentation.verifier": ["5.1 Verifier: accepts"], "presentation.cs": ["5.2 Discovery", "4.3.3 Bound"],
             "issuance.cs": ["6.5.1 Accepts"], "issuance.issuer": ["6.2 Discovery", "6.7 Metadata"]}
    got = wrapper("dcp", **parts)
    check("claims: all cases passed", last(got) == "6 passed, 0 failed, 0 skipped" and got[0] == 0, got)


def texts():
    end, good, bad = "[t] Test run complete\n", "[2026-01-01T00:00:00.1] SUCCESSFUL: CN:01-01\n", "FAILED: 4.3.3 Bound\n"
    for text, told in ((good + bad + end, (["CN:01-01"], ["4.3.3 Bound"])), (good + bad, None), (end, None),
                       ("\x1b[1mABORTED: CP_C:03-01: Verify\x1b[0m\n" + end, ([], ["CP_C:03-01"])),
                       (good + end + "There were failing tests:\n- a class (FAILED: x)\n", (["CN:01-01"], ["what is no case"])),
                       (good + "[t] Failed tests: 2\n" + end, (["CN:01-01"], ["what is no case"])),
                       (good + "[t] seen: FAILED: CN:01-02 in a body\n" + end, (["CN:01-01"], []))):
        check("read", verdict.read(text) == told, (text, verdict.read(text)))


if not os.path.exists(SHARED):
    print("SKIPPED: ../shared is absent: the cases of the conformance kits are not there\n1 skipped")
    sys.exit(77)
sys.path.insert(0, INTEROP)
import verdict  # noqa: E402
from dps_kit import CASES, server  # noqa: E402

texts()
with open(SHARED) as f:
    dsp([f"{c['id']}: {c['title']}" for c in json.load(f)["cases"] if not c["disabled"]])
dps(*[[f"{c}: Verify that it is: {s}" for c, s in CASES.items() if c.startswith(kind)] for kind in ("CP", "DP")])
dcp()
server.shutdown()
finish()
