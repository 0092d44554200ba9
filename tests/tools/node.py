"""A node in a temporary folder, for tests that use the programs as a user does."""
import gzip
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from ports import free_port

BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "build/asan"
KANHE = os.path.join(BUILD, "bin", "kanhe")
KANHED = os.path.join(BUILD, "bin", "kanhed")

passed = failed = 0


def check(what, good, more=""):
    """Counts and tells one outcome."""
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what} {more}", flush=True)
    return good


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


def close_all(folder, *opened):
    """What a test has opened, and the folder it stands in."""
    for x in opened:
        x.close()
    shutil.rmtree(folder, ignore_errors=True)


def run(*args, program=None, env=None, stdin=None, timeout=240):
    p = subprocess.run([program or KANHE, *args], capture_output=True, text=True, timeout=timeout, input=stdin,
                       env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})})
    return p.returncode, p.stdout, p.stderr


class Node:
    def __init__(self, *options, start=True, clear=True, inside=None, plain=False):
        """plain: it goes by its URL in clear text, for partners that trust no certificate of its own and look for did:web
        by http."""
        self.top = tempfile.mkdtemp(prefix="kanhe-test.", dir=inside)
        self.folder = os.path.join(self.top, "node")
        self.port, self.clear_port = free_port(), free_port()
        more = ["--http", f"127.0.0.1:{self.clear_port}"] if clear else []
        more += ["--url", f"http://127.0.0.1:{self.clear_port}"] if plain else []
        status, out, err = run("init", self.folder, "--listen", f"127.0.0.1:{self.port}", *more, *options)
        assert status == 0, (status, out, err)
        self.url = f"https://127.0.0.1:{self.port}"
        self.clear = f"http://127.0.0.1:{self.clear_port}"
        if plain:
            self.url = self.clear
        if start:
            self.start()

    def start(self):
        status, out, err = self.kanhe("node", "start")
        assert status == 0, (out, err, self.log())

    def log(self):
        try:
            return open(os.path.join(self.folder, "kanhed.log")).read()
        except OSError:
            return ""

    def kanhe(self, *args, **more):
        return run(*args, "--node", self.folder, **more)

    def token(self, name):
        return open(os.path.join(self.folder, "tokens", name + ".token")).read().strip()

    def pid(self):
        return int(open(os.path.join(self.folder, "kanhed.pid")).read())

    def worker(self):
        out = subprocess.run(["pgrep", "-P", str(self.pid())], capture_output=True, text=True).stdout.split()
        return int(out[0]) if out else 0

    def request(self, method, path, body=None, token=None, headers=None):
        """(status, JSON or octets, headers)."""
        context = ssl.create_default_context(cafile=os.path.join(self.folder, "tls", "ca.pem"))
        h = dict(headers or {})
        if token:
            h["Authorization"] = "Bearer " + self.token(token)
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            h.setdefault("Content-Type", "application/json")
        q = urllib.request.Request(self.url + path, data=body, method=method, headers=h)
        try:
            with urllib.request.urlopen(q, context=context, timeout=120) as r:
                status, got, hs = r.status, r.read(), r.headers
        except urllib.error.HTTPError as e:
            status, got, hs = e.code, e.read(), e.headers
        if hs.get("Content-Encoding") == "gzip":
            got = gzip.decompress(got)
        if got and "json" in (hs.get("Content-Type") or "") and "ndjson" not in hs["Content-Type"]:
            got = json.loads(got)
        return status, got, hs

    def flushes(self):
        """How often the node has written down counts of resolutions, which it does by itself, once a minute."""
        text = self.request("GET", "/metrics", token="operator")[1].decode()
        return int(re.search(r"^kanhe_resolver_flushes_total (\d+)$", text, re.M)[1])

    def state(self):
        """What must not change when something is refused: positions of feed and ledger, but for what the node writes by itself."""
        while True:
            before = self.flushes()
            s = self.request("GET", "/status", token="operator")[1]
            if before == self.flushes():
                break
        own = {"registry": before, "space": 0}
        return {k: (v["feed_head"] - own[k], v["ledger_size"]) for k, v in s.items() if k in own}

    def close(self):
        self.kanhe("node", "stop", "--quiet")
        if failed:
            print(self.log()[-3000:])
        shutil.rmtree(self.top, ignore_errors=True)


def until(what, seconds=120):
    """Waits for an event with a generous bound."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = what()
        if value:
            return value
        time.sleep(0.02)
    return None
