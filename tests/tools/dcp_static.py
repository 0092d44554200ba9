"""Partners without wallets: pinned by their key, or by the certificate of mutual TLS; and certificates of ours for
partners that demand one."""
import hashlib
import json
import os
import shutil
import ssl
import subprocess
import tempfile

from member import Member
from node import KANHE, KANHED, Node, check, finish, run, until
from party import Host, Key, Party, certificate, compact, did_key

TOP = tempfile.mkdtemp(prefix="kanhe-static.")
CA = os.path.join(TOP, "ca")


def fingerprint(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(pem, encoding="utf-8").read())).hexdigest()


def own_cert(n):
    return {"client_cert": "tls/node.pem", "client_key": "tls/node-key.pem"}


maker, buyer, other = nodes = [Member(x, CA) for x in ("maker", "buyer", "other")]
demanding = None
try:
    data = os.path.join(TOP, "data.csv")
    with open(data, "w", encoding="utf-8") as f:
        f.write("a,b\n1,2\n")
    # ---- mutual TLS: only the certificate that is named
    maker.configure("net", client_ca="tls/ca.pem")
    maker.configure("identity", accept="tls", partners=f"{buyer.did}=sha256:{fingerprint(os.path.join(buyer.folder, 'tls', 'node.pem'))}")
    buyer.configure("out", **own_cert(buyer))
    other.configure("out", **own_cert(other))
    buyer.configure("identity", accept="did")
    for n in nodes:
        n.start()
    maker.ok("publish", "publish", data, "--id", "d1", "--title", "t")
    buyer.ok("the named certificate admits", "catalog", maker.did)
    check("to an agreement", json.loads(buyer.ok("negotiate", "negotiate", maker.did, "d1", "--json"))["state"] == "FINALIZED")
    status, out, err = other.kanhe("catalog", maker.did)
    check("another certificate of the same authority does not", status != 0 and "key alone" in out + err, out + err)
    buyer.kanhe("node", "stop", "--quiet")
    path = os.path.join(buyer.folder, "kanhed.conf")
    text = open(path, encoding="utf-8").read()
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("client_cert = tls/node.pem\nclient_key = tls/node-key.pem\n", ""))
    buyer.start()
    status, out, err = buyer.kanhe("catalog", maker.did)
    check("nor does its own token without the certificate", status != 0 and "key alone" in out + err, out + err)

    # ---- without a token: the certificate says who calls; with one: it must be right, and the same partner's
    cert, key = certificate(CA, TOP, "plain", client=True)
    body = compact({"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "CatalogRequestMessage"})

    def call(pem, token=None):
        args = ["curl", "-s", "-o", os.path.join(TOP, "out"), "-w", "%{http_code}", "--cacert", os.path.join(CA, "ca.pem"), "-X", "POST",
                "-H", "Content-Type: application/json", "--data-binary", body.decode(), maker.url + "/p/maker/dsp/2025-1/catalog/request"]
        if pem:
            args += ["--cert", pem[0], "--key", pem[1]]
        if token:
            args += ["-H", "Authorization: Bearer " + token]
        return int(subprocess.run(args, capture_output=True, text=True).stdout)

    mine = (os.path.join(buyer.folder, "tls", "node.pem"), os.path.join(buyer.folder, "tls", "node-key.pem"))
    check("the certificate alone", call(mine) == 200)
    check("no certificate", call(None) == 401)
    check("one that is not named", call((cert, key)) == 401)
    host = Host(CA)
    third = Party(host, "third")
    check("a token of another partner over it", call(mine, third.token(maker.did)) == 401)
    check("a token that is none over it", call(mine, "x.y.z") == 401)
    check("a stranger's token alone", call(None, third.token(maker.did)) == 401)
    check("where no key alone admits, nobody's document is fetched for one", host.asked("/third/did.json") == 0, host.seen)
    host.close()
    foreign = os.path.join(TOP, "foreign")
    os.mkdir(foreign)
    run("init", os.path.join(foreign, "node"), "--listen", "127.0.0.1:1", "--ca", os.path.join(foreign, "ca"))
    check("a certificate of another authority", call(certificate(os.path.join(foreign, "ca"), foreign, "x", client=True)) in (0, 401))

    # ---- our certificate where it is demanded
    demanding = Host(CA, demand=True)
    party = Party(demanding, "party")
    demanding.pages["/party/dsp/2025-1/catalog/request"] = lambda m, h, b: (200, {"Content-Type": "application/json"}, compact(
        {"@context": ["https://w3id.org/dspace/2025/1/context.jsonld"], "@type": "Catalog", "@id": "c", "participantId": party.did}))
    other.ok("a partner that demands a certificate gets ours", "catalog", party.did)
    seen = len(demanding.seen)
    check("its DID document, too, was had with it", demanding.asked("/party/did.json") == 1)
    status, out, err = buyer.kanhe("catalog", party.did)
    check("a node without one is not served", status != 0 and len(demanding.seen) == seen, out + err)

    # ---- what cannot work is refused at the start
    for what, settings, word in (("a certificate without a key", {"client_cert": "tls/node.pem"}, "go together"), ("a key without a certificate", {"client_key": "tls/node-key.pem"}, "go together"),
                                 ("another's key", {"client_cert": "tls/node.pem", "client_key": key}, "key"), ("a file that is none", {"client_cert": "tls/none.pem", "client_key": "tls/node-key.pem"}, "none.pem")):
        buyer.kanhe("node", "stop", "--quiet")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace("client_cert = tls/node.pem\nclient_key = tls/node-key.pem\n", "".join(f"{k} = {v}\n" for k, v in settings.items())))
        status, out, err = buyer.kanhe("node", "start")
        check(f"{what} is refused by name", status != 0 and word in out + err + buyer.log(), (out + err)[-300:] + buyer.log()[-300:])
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    buyer.start()

    # ---- settings of identity that cannot work are told before anything starts
    A_KEY = did_key(Key(TOP))[8:]
    DID, BASE = "did:web:p.example", "@https://p.example/dsp/2025-1"
    for what, lines, word in (
            ("a way in that is none", "accept = pined", "none of did, dcp, pinned, tls"),
            ("a comment behind a value", "accept = dcp   # ways in: did, dcp, pinned, tls", "line of its own"),
            ("a key that is none", f"accept = pinned\npartners = {DID}=z6MkabcNotAKey{BASE}", "a key is z6Mk"),
            ("no partner's key", "accept = pinned", "no partner's key"),
            ("no partner's certificate", f"accept = tls\npartners = {DID}={A_KEY}", "no partner's certificate"),
            ("no authority of certificates", f"accept = tls\npartners = {DID}=sha256:{'0' * 64}", "net.client_ca"),
            ("a digest as openssl prints it", f"accept = tls\npartners = {DID}=sha256:{':'.join(['AB'] * 32)}", "without colons"),
            ("a partner without a DID", "accept = pinned\npartners = p.example=z6Mk", "a DID, = and its key"),
            ("an address that is none", f"accept = pinned\npartners = {DID}={A_KEY}@p.example", "DSP URL"),
            ("an issuer that is none", "accept = dcp\nissuers = founder.example", "DID=TYPE"),
            ("required without dcp", "accept = did\nrequire = MembershipCredential", "identity.accept does not name")):
        wrong = os.path.join(TOP, "wrong.conf")
        with open(wrong, "w", encoding="utf-8") as f:
            f.write(f"[node]\nurl = https://127.0.0.1:1\n[identity]\n{lines}\n")
        status, out, err = run("--check", wrong, program=KANHED)
        check(f"{what}: --check says so", status == 78 and word in out + err and "identity." in out + err or "net." in err, (status, out + err))

    # ---- pinned keys
    doc = buyer.request("GET", "/p/buyer/did.json")[1]
    doc = json.loads(doc) if isinstance(doc, bytes) else doc
    z = [m["publicKeyMultibase"] for m in doc["verificationMethod"] if "publicKeyMultibase" in m][0]
    host = Host(CA)
    curve, thief = Party(host, "curve", "p256"), Party(host, "thief", "p256")
    maker.kanhe("node", "stop", "--quiet")
    path = os.path.join(maker.folder, "kanhed.conf")
    text = open(path, encoding="utf-8").read()
    old = text[text.index("accept = tls"):].split("\n", 2)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old[0] + "\n" + old[1], f"accept = pinned\npartners = {buyer.did}={z}@{buyer.url}/p/buyer/dsp/2025-1 {curve.did}={did_key(curve.key)[8:]}"))
    maker.start()
    buyer.ok("a pinned key admits", "catalog", maker.did)
    check("to an agreement", json.loads(buyer.ok("negotiate", "negotiate", maker.did, "d1", "--json"))["state"] == "FINALIZED")
    check("another key does not", other.kanhe("catalog", maker.did)[0] != 0)
    check("a pinned key of P-256, whatever it is called", call(None, curve.token(maker.did)) == 200 and call(None, curve.key.jwt(curve.claims(maker.did), kid=curve.did + "#x")) == 200)
    pins = json.loads(other.ok("what pins a participant", "node", "participant", "--json"))["participants"]
    buyer.ok("its ES256 sibling", "node", "participant", "curved", "--tokens", "ES256")
    pins += json.loads(buyer.ok("what pins them", "node", "participant", "--json"))["participants"]
    token = os.path.join(TOP, "curved.token")
    with open(token, "w", encoding="utf-8") as f:
        f.write(buyer.ok("a token for it", "node", "token", "add", "curved", "owner", "--scope", "@curved"))
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old[0] + "\n" + old[1], "accept = pinned\npartners = " + " ".join(p["pin"] for p in pins if p["id"] != "buyer") + f" {curve.did}={did_key(curve.key)[8:]}"))
    maker.ok("taken over", "node", "restart")
    other.ok("the line that a node gives pins it", "catalog", maker.did)
    got = json.loads(buyer.ok("also with ES256, to an agreement", "negotiate", maker.did, "d1", "--as", "curved", "--token", token, "--json"))
    check("which is final", got["state"] == "FINALIZED", got)
    status, out, err = buyer.kanhe("agreement", "show", got["agreement"], "--as", "curved", "--token", token)
    check("and signed by both", status == 0 and "both parties" in out, out + err)
    status, out, err = maker.kanhe("agreement", "show", got["agreement"])
    check("as the other side says, too", status == 0 and "both parties" in out, out + err)
    # ---- a node that does not admit its provider sees why nothing goes on
    other.configure("identity", accept="pinned", partners=pins[0]["pin"])
    other.ok("other admits only itself", "node", "restart")
    p = subprocess.Popen([KANHE, "negotiate", maker.did, "d1", "--node", other.folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    line = p.stderr.readline()
    p.kill()
    p.communicate()
    said = ("agreement", "termination")  # the one after the other, when it takes long
    check("who negotiates is told that its partner was refused, and why", any(f'"{x}"' in line for x in said) and "refused here" in line and "by their key alone" in line, line)
    rows = json.loads(other.ok("negotiations", "negotiation", "--json"))["negotiations"]
    pid = [r["pid"] for r in rows if r["state"] == "REQUESTED"][-1]
    got = json.loads(other.ok("shown", "negotiation", pid, "--json"))
    check("so does the negotiation", got["refused"]["message"] in said and "by their key alone" in got["refused"]["reason"] and got["refused"]["time"][:2] == "20", got)
    theirs = lambda: json.loads(maker.ok("theirs", "negotiation", got["peer_pid"], "--json"))
    check("the partner sees its letter, or what became of it", until(lambda: "by their key alone" in theirs().get("waiting", {}).get("reason", theirs().get("reason", ""))), theirs())
    check("and its outbox says it in words", until(lambda: "401 " in maker.kanhe("outbox")[1]) and "by their key alone" in maker.kanhe("outbox")[1] and "@context" not in maker.kanhe("outbox")[1], maker.kanhe("outbox")[1])
    before = other.request("GET", f"/participants/other/negotiations/{pid}", token="owner")[1]["refused"]
    other.request("POST", "/p/other/dsp/2025-1/negotiations/none/agreement", {})
    check("a stranger's guess is not kept", other.request("GET", "/participants/other/negotiations/none", token="owner")[0] == 404 and before["message"] in said)
    check("no document is asked for", host.asked("/curve/did.json") == 0)
    check("another's key in its name", call(None, thief.key.jwt(curve.claims(maker.did), kid=curve.kid)) == 401)
    host.close()
finally:
    for n in nodes:
        n.close()
    if demanding:
        demanding.close()
    shutil.rmtree(TOP, ignore_errors=True)
finish()
