"""Data that does not end: pieces are added while a transfer is open, paused, resumed, over a crash; it ends when told to."""
import json
import os
import subprocess
import tempfile

import node as nodes
from node import Node, check, finish, until
from trade import becomes, ok, show

top = tempfile.mkdtemp(prefix="kanhe-endless.")
maker = Node("--authority", "88.118.8", "--participant", "maker", "--ca", top)
buyer = Node("--authority", "88.118.9", "--participant", "buyer", "--ca", top)
did = f"did:web:127.0.0.1%3A{maker.port}:p:maker"
stream = b""
number = 0


def piece(size):
    """A file with the next octets."""
    global stream, number
    number += 1
    data = os.urandom(size)
    stream += data
    path = os.path.join(top, f"piece{number}")
    open(path, "wb").write(data)
    return path


def add(size):
    ok(maker, "publish", piece(size), "--append", "line")


def read(path):
    try:
        return open(path, "rb").read()
    except OSError:
        return b""


def arrives(path, what):
    check(what, bool(until(lambda: read(path) == stream)), (len(read(path)), len(stream)))


def meters(node, agreement):
    return json.loads(node.kanhe("agreements", agreement, "--meters", "--json")[1])


def published():
    ok(maker, "publish", piece(1000), "--id", "line", "--title", "Line 7", "--non-finite", "--count", "5")
    text = json.dumps(json.loads(ok(buyer, "catalog", did, "--json")))
    check("the catalog tells", '"kanhe:nonFinite": true' in text and "HttpData-PUSH" not in text, text[:800])
    before = json.loads(ok(buyer, "catalog", did, "--json"))
    add(500)
    check("more of it is no other offer", json.loads(ok(buyer, "catalog", did, "--json")) == before)
    s, got, _ = maker.request("PUT", "/participants/maker/datasets/line/content", b"", token="owner")
    check("an empty piece is refused", s == 400, (s, got))
    s, got, _ = maker.request("PUT", "/participants/maker/datasets/line", {"nonFinite": False}, token="owner")
    check("it does not become one that ends", s == 409 and "nonFinite" in json.dumps(got), (s, got))
    s, got, _ = maker.request("PUT", "/participants/maker/datasets/line", {"nonFinite": 1}, token="owner")
    check("nor anything else", s == 400, (s, got))


def followed(agreement):
    to = os.path.join(top, "followed")
    p = subprocess.Popen([nodes.KANHE, "pull", agreement, "--to", to, "--json", "--node", buyer.folder],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    arrives(to, "what there was arrives")
    pid = json.loads(ok(buyer, "transfer", "list", "--json"))["transfers"][0]["pid"]
    theirs = show(buyer, pid)["peer_pid"]
    for size in (1, 70000, 3 << 20):
        add(size)
        arrives(to, f"{size} more arrive")
    check("it stays open", show(buyer, pid)["state"] == show(maker, theirs)["state"] == "STARTED")
    check("and promises no size", show(buyer, pid)["size"] == 0 and show(buyer, pid)["nonFinite"], show(buyer, pid))

    ok(maker, "transfer", "suspend", theirs)
    becomes(buyer, pid, "SUSPENDED")
    had = read(to)
    add(5000)
    check("paused: nothing comes", show(buyer, pid)["octets"] == len(had), show(buyer, pid))
    check("resumed", bool(until(lambda: maker.kanhe("transfer", "resume", theirs)[0] == 0)))
    arrives(to, "what was added meanwhile arrives")

    for n in (maker, buyer):
        os.kill(n.worker(), 9)
        until(lambda: n.kanhe("transfer")[0] == 0)
    add(4000)
    # the follower may have lost its node with it: it is asked for anew
    if p.poll() is not None:
        p = subprocess.Popen([nodes.KANHE, "pull", "--transfer", pid, "--to", to, "--json", "--node", buyer.folder],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    arrives(to, "it goes on after a crash of both")
    return p, pid, theirs, to


def ended(agreement, p, pid, theirs, to):
    until(lambda: show(maker, theirs)["octets"] == len(stream))
    ok(buyer, "transfer", "terminate", pid, "--reason", "enough")
    out, err = p.communicate(timeout=60)
    check("who followed it is told", p.returncode in (0, 5), (p.returncode, out, err))
    becomes(maker, theirs, "TERMINATED")
    check("everything that came is kept", buyer.request("GET", f"/participants/buyer/transfers/{pid}/content", token="owner")[1] == stream)
    agreed = until(lambda: '"agreed"' in json.dumps(meters(buyer, agreement)) and meters(buyer, agreement))
    check("both sides agree on what was used", bool(agreed) and f'"octets": {len(stream)}' in json.dumps(agreed), agreed or meters(buyer, agreement))


def revoked(agreement):
    t = json.loads(ok(buyer, "pull", agreement, "--no-wait", "--json"))
    becomes(buyer, t["pid"], "STARTED")
    check("it comes once more from the beginning", bool(until(lambda: show(buyer, t["pid"])["octets"] == len(stream))))
    ok(maker, "revoke", agreement, "--reason", "over")
    becomes(buyer, t["pid"], "TERMINATED")
    add(100)
    check("no more of it comes", show(buyer, t["pid"])["octets"] == len(stream) - 100, show(buyer, t["pid"]))


def pushed(agreement):
    t = json.loads(ok(buyer, "pull", agreement, "--push", "https://sink.example/in", "--no-wait", "--json"))
    becomes(buyer, t["pid"], "TERMINATED")
    check("it is not pushed", "HttpData-PULL" in show(buyer, t["pid"])["reason"], show(buyer, t["pid"]))


try:
    published()
    ok(maker, "publish", piece(10), "--id", "whole")
    stream = stream[:-10]
    before = maker.state()
    for name, status, word in (("nothing", 3, "no dataset nothing"), ("whole", 1, "non-finite")):
        s, out, err = maker.kanhe("publish", os.path.join(top, "piece1"), "--append", name)
        check(f"not added: {name}", s == status and word in err and not out, (s, out, err))
    check("and nothing is made or replaced", maker.state() == before)
    agreement = json.loads(ok(buyer, "negotiate", did, "line", "--json"))["agreement"]
    ended(agreement, *followed(agreement))
    again = json.loads(ok(buyer, "negotiate", did, "line", "--json"))["agreement"]
    revoked(again)
    pushed(json.loads(ok(buyer, "negotiate", did, "line", "--json"))["agreement"])
finally:
    maker.close()
    buyer.close()
finish()
