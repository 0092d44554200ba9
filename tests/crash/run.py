#!/usr/bin/env python3
"""Kills nodes of a running story with SIGKILL at random moments and looks for what was lost.

Invariants, after every kill and restart:
  1. every acknowledged registration is there, with the value that was acknowledged;
  2. every agreement that was acknowledged as final is there, on both sides;
  3. every ledger is consistent (RFC 9162 2.1.4) with every earlier checkpoint that was shown;
  4. no meter has gone back, and at the end both sides' meters agree;
  5. the story then completes: a transfer ends with the promised digest, and its proof verifies.
"""
import argparse
import base64
import hashlib
import json
import os
import random
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tools"))
from ports import free_ports  # noqa: E402

NODES = ("top", "secondary", "maker", "buyer")


def sha(data):
    return hashlib.sha256(data).digest()


def consistent(old_size, old_root, size, root, proof):
    """RFC 9162 2.1.4.2, written from the text."""
    if old_size == size:
        return old_root == root and not proof
    if old_size == 0:
        return not proof
    if old_size & (old_size - 1) == 0:
        proof = [old_root] + proof
    if not proof:
        return False
    fn, sn = old_size - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha(b"\1" + c + fr), sha(b"\1" + c + sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha(b"\1" + sr + c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == old_root and sr == root


class Story:
    def __init__(self, kanhe, folder, port, seed):
        self.kanhe, self.folder, self.port = kanhe, folder, port
        self.random = random.Random(seed)
        self.lock = threading.Lock()      # of what was acknowledged
        self.registered, self.agreements = {}, set()
        self.checkpoints = {}             # (node, ledger) -> [(size, root)]
        self.meters = {}                  # (node, agreement) -> octets
        self.stopping = threading.Event()
        self.acks = {"registration": 0, "agreement": 0, "transfer": 0}
        self.failures = []
        self.kills = 0

    def at(self, node):
        return os.path.join(self.folder, node)

    def url(self, node):
        return f"https://127.0.0.1:{self.port + NODES.index(node)}"

    def run(self, *args, timeout=240):
        """(exit status, JSON of the last line or None, all output)."""
        try:
            p = subprocess.run([self.kanhe, *args], capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return 99, None, "timed out"
        lines = [l for l in p.stdout.splitlines() if l.startswith("{")]
        try:
            value = json.loads(lines[-1]) if lines else None
        except ValueError:
            value = None
        return p.returncode, value, p.stdout + p.stderr

    def must(self, *args, timeout=240):
        status, value, text = self.run(*args, timeout=timeout)
        if status:
            raise SystemExit(f"crash: kanhe {' '.join(args)} ended with {status}:\n{text}")
        return value

    def get(self, node, path):
        context = ssl.create_default_context(cafile=os.path.join(self.at(node), "tls", "ca.pem"))
        with urllib.request.urlopen(self.url(node) + path, context=context, timeout=60) as r:
            return r.read()

    def found(self, what):
        with self.lock:
            self.failures.append(what)
        print(f"  LOST: {what}", flush=True)

    # ---- setting up -------------------------------------------------------------------------
    def begin(self, data):
        ca = os.path.join(self.folder, "ca")
        common = ["--quiet", "--ca", ca]
        self.must("init", self.at("top"), "--listen", f"127.0.0.1:{self.port}", "--authority", "88", *common)
        for i, (name, authority, more) in enumerate((("secondary", "88.118", []),
                                                     ("maker", "88.118.8", ["--participant", "maker"]),
                                                     ("buyer", "88.118.9", ["--participant", "buyer", "--recursive"]))):
            self.must("init", self.at(name), "--listen", f"127.0.0.1:{self.port + 1 + i}", "--authority", authority,
                      "--anchor-node", self.at("top"), *more, *common)
        for name in NODES:
            self.must("node", "start", "--quiet", "--node", self.at(name))
        self.must("delegate", "88.118", "--to", self.at("secondary"), "--quiet", "--node", self.at("top"))
        self.must("delegate", "88.118.8", "--to", self.at("maker"), "--quiet", "--node", self.at("secondary"))
        self.digest = "sha256:" + hashlib.sha256(open(data, "rb").read()).hexdigest()
        self.must("publish", data, "--id", "crash-data", "--json", "--node", self.at("maker"))
        self.provider = f"did:web:127.0.0.1%3A{self.port + NODES.index('maker')}:p:maker"

    # ---- work that goes on while nodes die --------------------------------------------------
    def register_forever(self):
        n = 0
        while not self.stopping.is_set():
            n += 1
            id_, value = f"88.118.8/CRASH-{n}", f"https://maker.example/{n}"
            status, _, _ = self.run("register", id_, f"URL={value}", "--json", "--node", self.at("maker"))
            if status == 0:
                with self.lock:
                    self.registered[id_] = value
                    self.acks["registration"] += 1
            else:
                time.sleep(0.05)

    def trade_forever(self):
        while not self.stopping.is_set():
            status, n, _ = self.run("negotiate", self.provider, "crash-data", "--json", "--node", self.at("buyer"))
            if status or not n or n.get("state") != "FINALIZED":
                time.sleep(0.1)
                continue
            with self.lock:
                self.agreements.add(n["agreement"])
                self.acks["agreement"] += 1
            status, t, _ = self.run("pull", n["agreement"], "--json", "--node", self.at("buyer"))
            if status == 0 and t:
                with self.lock:
                    self.acks["transfer"] += 1
                if t.get("digest") != self.digest:
                    self.found(f"digest of {t.get('pid')}: {t.get('digest')}")

    # ---- killing ----------------------------------------------------------------------------
    def kill(self, node, whole):
        pid = int(open(os.path.join(self.at(node), "kanhed.pid")).read())
        workers = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
        if whole:
            os.kill(pid, signal.SIGKILL)
        for w in workers:
            try:
                os.kill(int(w), signal.SIGKILL)
            except ProcessLookupError:
                pass
        if whole:
            while os.path.exists(f"/proc/{pid}") or any(os.path.exists(f"/proc/{w}") for w in workers):
                if self.zombie(pid) and all(self.zombie(int(w)) for w in workers):
                    break
                time.sleep(0.005)
            os.unlink(os.path.join(self.at(node), "kanhed.pid"))
            self.must("node", "start", "--quiet", "--node", self.at(node))
        else:
            self.wait_ready(node)

    @staticmethod
    def zombie(pid):
        try:
            ended = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
            return ended and len(os.listdir(f"/proc/{pid}/task")) == 1  # its other threads may still be ending
        except OSError:
            return True

    def wait_ready(self, node):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                self.get(node, "/readyz")
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        raise SystemExit(f"crash: {node} does not come back; see {self.at(node)}/kanhed.log")

    # ---- looking ----------------------------------------------------------------------------
    def checkpoint(self, node, ledger):
        """Sees the newest checkpoint and checks that it continues every earlier one."""
        note = self.get(node, f"/ledger/{ledger}/checkpoint").decode()
        _, size, root = note.split("\n")[:3]
        size, root = int(size), base64.b64decode(root)
        seen = self.checkpoints.setdefault((node, ledger), [])
        for old_size, old_root in seen[-8:]:
            if old_size > size:
                self.found(f"{node}/{ledger}: {old_size} leaves were shown, {size} are left")
                continue
            if old_size == 0:
                continue
            answer = json.loads(self.get(node, f"/ledger/{ledger}/consistency?from={old_size}&to={size}"))
            proof = [base64.b64decode(h) for h in answer["proof"]]
            if not consistent(old_size, old_root, size, root, proof):
                self.found(f"{node}/{ledger}: {size} leaves do not continue {old_size}")
        seen.append((size, root))

    def value_of(self, id_):
        """The URL that the maker has for an identifier, or the status of its refusal."""
        try:
            record = json.loads(self.get("maker", f"/resolve/{id_}"))
        except urllib.error.HTTPError as e:
            return e.code
        return next((v["data"]["value"] for v in record["values"] if v["type"] == "URL"), None)

    def tell_lost(self, id_, value, got):
        """Does it come late, or not at all?"""
        begun = time.monotonic()
        while got != value and time.monotonic() < begun + 2:
            time.sleep(0.02)
            got = self.value_of(id_)
        late = f", there after {(time.monotonic() - begun) * 1000:.0f} ms" if got == value else ""
        self.found(f"{id_} after kill {self.kills}: {got} instead of {value}{late}")

    def check_registrations(self):
        """A few by resolution, all of them by an export."""
        with self.lock:
            items = list(self.registered.items())
        for id_, value in self.random.sample(items, min(len(items), 5)) + items[-2:]:
            got = self.value_of(id_)
            if got != value:
                self.tell_lost(id_, value, got)
        status, _, text = self.run("export", "88.118.8", "--format", "ndjson", "--node", self.at("maker"))
        if status:
            self.found(f"the export ended with {status}: {text}")
            return
        there = {r["id"]: r["values"] for r in map(json.loads, text.splitlines()) if "id" in r}
        for id_, value in items:
            if [v["data"]["value"] for v in there.get(id_, [])] != [value]:
                self.tell_lost(id_, value, self.value_of(id_))

    def check_agreements(self):
        with self.lock:
            wanted = set(self.agreements)
        for node in ("maker", "buyer"):
            status, value, text = self.run("agreements", "--json", "--node", self.at(node))
            if status:
                continue  # the node died in between: looked at again in the next round
            missing = wanted - {a["id"] for a in value["agreements"]}
            for a in missing:
                self.found(f"agreement {a} at {node}")

    def check_meters(self):
        for node in ("maker", "buyer"):
            status, value, _ = self.run("agreements", "--meters", "--json", "--node", self.at(node))
            if status:
                continue
            for m in value["meters"]:
                key = (node, m["agreement"])
                if m["octets"] < self.meters.get(key, 0):
                    self.found(f"meter of {m['agreement']} at {node} went back to {m['octets']}")
                self.meters[key] = m["octets"]

    def look(self):
        for node in NODES:
            for ledger in ("registry", "space"):
                self.checkpoint(node, ledger)
        self.check_registrations()
        self.check_agreements()
        self.check_meters()

    def complete(self):
        """The story goes to its end once nobody kills any more."""
        n = self.must("negotiate", self.provider, "crash-data", "--json", "--node", self.at("buyer"))
        a = n["agreement"]
        t = self.must("pull", a, "--json", "--node", self.at("buyer"))
        if t.get("digest") != self.digest:
            self.found(f"the last transfer's digest: {t.get('digest')}")
        deadline = time.monotonic() + 120
        while True:
            both = [self.must("agreements", a, "--meters", "--json", "--node", self.at(n_))["meters"] for n_ in ("maker", "buyer")]
            counts = [[(m["transfers"], m["requests"], m["octets"]) for m in ms] for ms in both]
            agreed = all(ms and ms[0]["state"] == "agreed" for ms in both)
            if agreed or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        if not agreed or counts[0] != counts[1]:
            self.found(f"meters of the last agreement: {both}")
        bundle = os.path.join(self.folder, "proof.json")
        self.must("prove", a, "--to", bundle, "--quiet", "--node", self.at("buyer"))
        self.must("verify", bundle)

    def settle(self):
        """Transfers cut by kills go on by themselves: both sides' meters come to agree."""
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            states = []
            for node in ("maker", "buyer"):
                status, value, _ = self.run("agreements", "--meters", "--json", "--node", self.at(node))
                states += [(m["agreement"], m["transfers"], m["requests"], m["octets"], m["state"]) for m in value["meters"]] if not status else [None]
            if None not in states and len(states) == 2 * len(set(states)) and all(s[4] == "agreed" for s in states):
                return
            time.sleep(0.2)
        self.found(f"meters do not agree after four minutes: {[s for s in states if s and states.count(s) < 2 or s and s[4] != 'agreed'][:6]}")

    def end(self):
        for name in NODES:
            self.run("node", "stop", "--quiet", "--node", self.at(name))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--rounds", type=int, default=200, help="kills (default 200)")
    p.add_argument("--build", default=os.path.join(HERE, "../../build/release"), help="folder of the build")
    p.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"), help="of the random choices")
    p.add_argument("--keep", action="store_true", help="keep the folder")
    a = p.parse_args()
    folder = tempfile.mkdtemp(prefix="kanhe-crash.")
    s = Story(os.path.join(os.path.abspath(a.build), "bin", "kanhe"), folder, free_ports(len(NODES)), a.seed)
    print(f"crash: seed {a.seed}, {a.rounds} kills", flush=True)
    good = False
    try:
        s.begin(os.path.join(HERE, "../../tools/demo/telemetry.csv"))
        workers = [threading.Thread(target=f, daemon=True) for f in (s.register_forever, s.trade_forever)]
        for w in workers:
            w.start()
        killed = dict.fromkeys(NODES, 0)
        for i in range(a.rounds):
            time.sleep(s.random.uniform(0.0, 0.4))
            node = s.random.choice(("maker", "maker", "buyer", "buyer", "secondary", "top"))
            s.kill(node, whole=s.random.random() < 0.5)
            killed[node] += 1
            s.kills += 1
            s.look()
            if sys.stderr.isatty():
                print(f"\r{i + 1}/{a.rounds} {s.acks}", end="", file=sys.stderr, flush=True)
        s.stopping.set()
        for w in workers:
            w.join(240)
        s.look()
        s.complete()
        s.settle()
        print(f"crash: killed {killed}, acknowledged {s.acks}, lost {len(s.failures)}")
        if not all(s.acks.values()):
            s.found(f"nothing was acknowledged of some kind: {s.acks}")
        good = not s.failures
    finally:
        s.stopping.set()
        s.end()
        if good and not a.keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            print(f"crash: the nodes' folders are kept in {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
