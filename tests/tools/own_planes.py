"""Two nodes whose control planes reach their own data planes by signaling: every message of it is real, data flows."""
import base64
import json
import os
import re
import tempfile
import time

from node import Node, check, finish, until
from trade import becomes, ok, show

DATA = os.urandom(6 << 20)
top = tempfile.mkdtemp(prefix="kanhe-own.")
maker = Node("--authority", "88.118.8", "--participant", "maker", "--ca", top, start=False)
buyer = Node("--authority", "88.118.9", "--participant", "buyer", "--ca", top, start=False)


def did_of(node, who):
    return f"did:web:127.0.0.1%3A{node.port}:p:{who}"


def flow(node, pid):
    all = json.loads(node.kanhe("dataplane", "flows", "--json")[1])["dataflows"]
    return next((x for x in all if x["dataFlowId"] == pid), None)


def metric(node, name):
    text = node.request("GET", "/metrics", token="operator")[1]
    found = re.search(rf"^{name} (\d+)", text if isinstance(text, str) else text.decode(), re.M)
    return int(found[1]) if found else 0


def content(pid):
    s, got, _ = buyer.request("GET", f"/participants/buyer/dataflows/{pid}/content", token="owner")
    return got if s == 200 else s


def started(*more):
    return json.loads(ok(buyer, "pull", agreement, "--plane", did_of(buyer, "buyer"), "--no-wait", "--json", *more))["pid"]


def pulled():
    pid = started()
    becomes(buyer, pid, "COMPLETED")
    theirs = show(buyer, pid)["peer_pid"]
    becomes(maker, theirs, "COMPLETED")
    check("the data has come", content(pid) == DATA)
    to = os.path.join(top, "came")
    ok(buyer, "dataplane", "content", pid, "--to", to)
    check("the owner gets it", open(to, "rb").read() == DATA)
    check("counted there", flow(buyer, pid)["octets"] == len(DATA) and flow(buyer, pid)["role"] == "consumer", flow(buyer, pid))
    check("and here", bool(until(lambda: flow(maker, theirs)["octets"] == len(DATA))), flow(maker, theirs))
    x = show(buyer, pid)
    check("its data plane says so", (x["metered"], x["said"]["requests"], x["said"]["octets"]) == (False, flow(buyer, pid)["requests"], len(DATA)), x)
    check("the provider's, too", bool(until(lambda: show(maker, theirs).get("said", {}).get("requests") == flow(maker, theirs)["requests"])), show(maker, theirs))
    check("both flows are complete", bool(until(lambda: flow(buyer, pid)["state"] == flow(maker, theirs)["state"] == "COMPLETED")),
          (flow(buyer, pid), flow(maker, theirs)))


def pushed():
    pid = started("--format", "HttpData-PUSH")
    becomes(buyer, pid, "COMPLETED")
    theirs = show(buyer, pid)["peer_pid"]
    becomes(maker, theirs, "COMPLETED")
    check("the data has come by push", content(pid) == DATA)
    check("the provider's data plane says so", show(maker, theirs)["said"]["octets"] == len(DATA), show(maker, theirs))
    check("the consumer's, too", bool(until(lambda: show(buyer, pid).get("said", {}).get("octets") == len(DATA))), show(buyer, pid))
    m = json.loads(ok(buyer, "agreements", agreement, "--meters", "--json"))["meters"][0]
    check("the meter keeps it apart", (m["transfers"], m["octets"]) == (0, 0) and
          (m["outside"]["transfers"], m["outside"]["said"], m["outside"]["octets"]) == (2, 2, 2 * len(DATA)), m)
    text = ok(buyer, "agreements", "--meters")
    check("and says whose word it is", "not metered here: 2" in text and f"as their data planes say: {m['outside']['requests']} requests, {2 * len(DATA)} octets" in text, text)
    check("in Chinese, too", "未在本节点计量" in buyer.kanhe("agreements", "--meters", env={"LC_ALL": "zh_CN.UTF-8"})[1])
    check("both flows are complete", bool(until(lambda: flow(buyer, pid)["state"] == flow(maker, theirs)["state"] == "COMPLETED")),
          (flow(buyer, pid), flow(maker, theirs)))


def meter(node):
    return json.loads(ok(node, "agreements", agreement, "--meters", "--json"))["meters"][0]


def half():
    """The buyer fetches by itself what the maker's data plane serves: it counts, the maker does not."""
    pid = json.loads(ok(buyer, "pull", agreement, "--no-wait", "--json"))["pid"]
    becomes(buyer, pid, "COMPLETED")
    check("it counts what it has", bool(until(lambda: meter(buyer)["state"] == "alone")) and meter(buyer)["octets"] == len(DATA), meter(buyer))
    check("the maker signs no counts that it has not", meter(maker)["transfers"] == 0 and meter(maker)["receipts"] == [], meter(maker))


def revoked():
    """What runs there ends when the agreement does."""
    pid = started()
    becomes(buyer, pid, "COMPLETED")
    ok(maker, "revoke", agreement, "--reason", "over")
    status, out, err = buyer.kanhe("pull", agreement, "--plane", did_of(buyer, "buyer"), "--no-wait", "--json")
    check("no more of it", status == 1, (out, err)) if status else becomes(buyer, json.loads(out)["pid"], "TERMINATED")


def claims(payload):
    return json.loads(base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))


def no_tokens():
    """Access tokens of ours stand neither in the store nor in what is logged."""
    for folder, _, names in os.walk(maker.folder):
        for name in names:
            if name.startswith("data") and name.endswith(".mdb") and "space" in folder:
                text = open(os.path.join(folder, name), "rb").read()
                ours = [t for t in re.findall(rb"eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]{86}", text) if claims(t).get("iss") == did_of(maker, "maker")]
                check("no access token of ours in the store", not any("/data/" in claims(t)["aud"] for t in ours), len(ours))
                check("but its mark", b"kanhe:access-token" in text)


def plain():
    """The same without signaling: tokens are renewed by the pull itself."""
    ok(maker, "publish", data, "--id", "plain", "--title", "Plain", "--count", "9")
    own = json.loads(ok(buyer, "negotiate", did_of(maker, "maker"), "plain", "--json"))["agreement"]
    before = metric(maker, "kanhe_data_tokens_renewed")
    t = json.loads(ok(buyer, "pull", own, "--rate", str(1 << 20), "--no-wait", "--json"))
    check("it runs", bool(until(lambda: show(buyer, t["pid"])["octets"] > 0)), show(buyer, t["pid"]))
    begun = time.monotonic()
    until(lambda: time.monotonic() - begun > 1.2)  # the token has ended; what runs goes on
    check("it still runs", show(buyer, t["pid"])["state"] == "STARTED", show(buyer, t["pid"]))
    os.kill(maker.worker(), 9)
    becomes(buyer, t["pid"], "COMPLETED")
    check("its token was renewed", metric(maker, "kanhe_data_tokens_renewed") >= 1, before)
    check("the digest held", show(buyer, t["pid"])["digest_state"] == "ok", show(buyer, t["pid"]))
    no_tokens()


try:
    for n, who in ((maker, "maker"), (buyer, "buyer")):
        with open(os.path.join(n.folder, "kanhed.conf"), "a") as f:
            # the maker's plane makes its control plane wait for the callback, the buyer's does not
            f.write(f"\n[space]\ndata_token = 1s\nflow_wait = {'0s' if who == 'maker' else '60s'}\n")
        n.start()
        signaling = f"{n.url}/p/{who}/signaling/v1"
        ok(n, "dataplane", "admit", did_of(n, who), signaling)
        ok(n, "dataplane", "register", did_of(n, who), signaling)
    data = os.path.join(top, "data")
    open(data, "wb").write(DATA)
    ok(maker, "publish", data, "--id", "line", "--title", "Line 7")
    ok(maker, "publish", "--plane", did_of(maker, "maker"), "--id", "line", "--count", "20")
    agreement = json.loads(ok(buyer, "negotiate", did_of(maker, "maker"), "line", "--json"))["agreement"]
    pulled()
    pushed()
    half()
    plain()
    revoked()
finally:
    maker.close()
    buyer.close()
finish()
