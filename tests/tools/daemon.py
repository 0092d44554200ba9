"""The daemon: check, lock, supervisor, reload, clean stop, memory."""
import json
import os
import re
import signal
import socket
import subprocess
import threading

from node import BUILD, KANHED, Node, check, finish, free_port, run, until

SANITIZED = "asan" in os.path.basename(BUILD) or b"__asan_init" in open(KANHED, "rb").read()


class Caller:
    """Asks, each time on a connection of its own, until it is ended or turned away."""

    def __init__(self, port):
        self.port, self.broken, self.over = port, None, threading.Event()
        self.asked = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        self.asked.wait()

    def run(self):
        try:
            while not self.over.is_set() and not self.broken:
                with socket.create_connection(("127.0.0.1", self.port), timeout=120) as s:
                    s.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    answer = s.recv(1000)
                if b" 200 " not in answer:
                    self.broken = repr(answer)
                self.asked.set()
        except OSError as e:
            self.broken = repr(e)
        self.asked.set()

    def end(self):
        self.over.set()
        self.thread.join()
        return self.broken


def connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=30).close()
        return True
    except OSError:
        return False


def gone(pid):
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


node = Node("--authority", "88.118.8", "--participant", "maker", start=False)
conf = os.path.join(node.folder, "kanhed.conf")
try:
    status, out, err = run("--check", conf, program=KANHED)
    check("a made configuration is sound", status == 0 and "sound" in out, err)
    broken = os.path.join(node.top, "broken.conf")
    with open(broken, "w") as f:
        f.write("[node]\nname = x\n[net]\nhttps = nowhere\nshards = -1\ncolour = red\n[resolver]\nttl = soon\n")
    status, out, err = run("--check", broken, program=KANHED)
    check("a broken one is refused", status == 78, (status, err))
    for line, what in ((4, "net.https"), (5, "net.shards"), (6, "net.colour"), (8, "resolver.ttl")):
        check(f"every error is listed: {what}", re.search(rf"broken\.conf:{line}: .*{re.escape(what)}", err), err)
    check("what is missing as well", "node.url" in err, err)
    # what a start would refuse, the check refuses too
    for section, line, place, what in (
            ("report", "to = nowhere", 5, "report.to: report-url: "), ("report", "to = https://up.example:port", 5, "report.to: report-url: "),
            ("report", "to = https://up.example", None, "report.token: required: "), ("resolver", "authority = 88 88.118", 5, "resolver.authority: authority-overlap: "),
            ("resolver", "anchors = 88=z6Mk@https://top.example", 5, "resolver.anchors: anchor-key: "), ("out", "client_cert = tls/node.pem", 5, "out.client_cert: one-of: "),
            ("space", "connectors = plant=nowhere", 5, "space.connectors: entry: "), ("space", "iam_mock = consumer", 5, "space.iam_mock: did: ")):
        with open(broken, "w") as f:
            f.write(f"[node]\nname = x\nurl = https://a.example\n[{section}]\n{line}\n")
        status, out, err = run("--check", broken, program=KANHED)
        check(f"its place and rule are named: {line}", status == 78 and f"broken.conf{f':{place}' if place else ''}: {what}" in err, (status, err))
        status, out, err = run("--no-supervisor", broken, program=KANHED)
        check("nor does it start", status == 78 and what in err, (status, err))
    # … in Chinese, what it says and what it quotes
    digest = "sha256:" + 64 * "a"
    for lines, place, said in (
            ("accept = foo", "identity.accept: mode", "“foo”不是 did、dcp、pinned、tls 之一"), ("accept =", "identity.accept: empty", "没有任何伙伴能被接纳"),
            ("accept = did\nrequire = M", "identity.require: mode", "凭证由 dcp 询问，而 identity.accept 未写 dcp"),
            ("accept = pinned", "identity.partners: pinned", "未写明任何伙伴的公钥"), ("accept = tls", "identity.partners: tls", "未写明任何伙伴的证书"),
            (f"accept = tls\npartners = did:web:a.example={digest}", "net.client_ca: required", "须由 net.client_ca 给出伙伴证书的签发机构"),
            ("issuers = nonsense", "identity.issuers: did", "应为 DID 或 DID=类型：nonsense"), ("issuers = did:web:a.example=", "identity.issuers: type", "= 之后缺少类型"),
            ("partners = nonsense", "identity.partners: did", "应为 DID=公钥 或 DID=证书摘要（sha256:…）：nonsense"),
            ("partners = did:web:a.example=zzz", "identity.partners: key", "公钥应为 z6Mk…（Ed25519）或 zDn…（P-256）：did:web:a.example=zzz"),
            ("partners = did:web:a.example=sha256:12", "identity.partners: fingerprint", "sha256 与冒号之后应为证书摘要")):
        with open(broken, "w") as f:
            f.write(f"[node]\nname = x\nurl = https://a.example\n[identity]\n{lines}\n")
        status, out, err = run("--check", broken, program=KANHED, env={"LC_ALL": "zh_CN.UTF-8"})
        check(f"told in Chinese: {place}", status == 78 and place in err and said in err, (status, err))
    with open(broken, "w") as f:
        f.write("[node]\nname = x\nurl = nowhere\n[report]\nto = nowhere\n[resolver]\nauthority = 88 88.118\nanchors = 88\n[out]\nclient_key = x\n")
    status, out, err = run("--check", broken, program=KANHED)
    check("all of them at once", status == 78 and [x.split(": ")[:2] for x in err.splitlines()[:-1]] == [
        [f"{broken}:3", "node.url"], [f"{broken}:8", "resolver.anchors"], [f"{broken}:7", "resolver.authority"], [f"{broken}:5", "report.to"],
        [broken, "report.token"], [broken, "out.client_cert"]], err)
    status, out, err = run("--set", "report.to=nowhere", "--check", conf, program=KANHED)
    check("of the command line", status == 78 and "--set: report.to: report-url: " in err, err)
    status, out, err = run("--check", conf, program=KANHED, env={"KANHE_REPORT_TO": "nowhere"})
    check("of the environment", status == 78 and "KANHE_REPORT_TO: report.to: report-url: " in err, err)
    # nor are files that a start reads left to it: a reload would end the node
    token = os.path.join(node.folder, "tokens", "superior.token")
    other_key = os.path.join(node.top, "other.pem")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", other_key], check=True, capture_output=True)
    with open(token, "w") as f:
        f.write("kt_x\n")
    os.chmod(token, 0o644)
    for setting, value, rule, more in (
            ("net.certificate", "nowhere.pem", "readable", ()), ("net.certificate", conf, "certificate", ()), ("net.certificate_key", other_key, "key-fits-certificate", ()),
            ("net.client_ca", "nowhere.pem", "readable", ()), ("net.client_ca", conf, "client-ca", ()), ("out.ca", "nowhere.pem", "readable", ()),
            ("node.key", "nowhere.key", "readable", ()), ("out.client_cert", conf, "certificate", ("--set", f"out.client_key={other_key}")),
            ("report.token", token, "mode", ("--set", "report.to=https://up.example")), ("report.token", "nowhere", "readable", ("--set", "report.to=https://up.example"))):
        status, out, err = run("--set", f"{setting}={value}", *more, "--check", conf, program=KANHED)
        check(f"{setting} = {os.path.basename(value)} is refused", status == 78 and f"--set: {setting}: {rule}: " in err and os.path.basename(value) in err, (status, err))
    status, out, err = run("--set", "net.https=off", "--set", "net.certificate=nowhere.pem", "--set", "report.token=nowhere", "--check", conf, program=KANHED)
    check("files that no start reads are let be", status == 0, err)
    os.chmod(os.path.join(node.folder, "keys", "node.key"), 0o644)
    status, out, err = node.kanhe("node", "start")
    check("a key that others may read is refused, which is told at once", status == 1 and "node.key" in err and "chmod 600" in err, err)
    os.chmod(os.path.join(node.folder, "keys", "node.key"), 0o600)

    node.start()
    status, out, err = run("--no-supervisor", conf, program=KANHED)
    check("a second daemon on the port is refused", status == 78 and f"port {node.port}" in err, err)
    check("and which setting names the port is told", f"net.https is 127.0.0.1:{node.port} ({conf})" in err and "at=net.https" in err, err)
    status, out, err = run("--set", f"net.https=127.0.0.1:{free_port()}", "--set", "net.http=off", conf, program=KANHED)
    check("and on the folder", status == 78 and "LOCKED" in err, err)
    check("and the first serves on", node.request("GET", "/healthz")[0] == 200)
    status, out, err = node.kanhe("node", "start")
    check("kanhe says that it runs", status == 1 and "already" in err, err)
    second = Node("--authority", "88.118.9", start=False)
    with open(os.path.join(second.folder, "kanhed.conf")) as f:
        text = f.read()
    with open(os.path.join(second.folder, "kanhed.conf"), "w") as f:
        f.write(text.replace(f"127.0.0.1:{second.clear_port}", f"127.0.0.1:{node.clear_port}"))
    status, out, err = second.kanhe("node", "start")
    check("another node on its port is refused", status == 1 and f"port {node.clear_port}" in err + second.log(), err + second.log())
    check("and kanhe shows which setting names it", f"net.http is 127.0.0.1:{node.clear_port}" in err, err)
    second.close()

    old = node.worker()
    os.kill(old, signal.SIGABRT)
    new = until(lambda: node.worker() not in (0, old) and node.worker())
    check("the supervisor restarts a crashed worker", bool(new))
    status, out, err = node.kanhe("register", "88.118.8/AFTER", "URL=https://a.example/")
    check("and it serves", status == 0, err)

    # while there is no worker, who connects waits
    supervisor, old = node.pid(), node.worker()
    os.kill(supervisor, signal.SIGSTOP)
    os.kill(old, signal.SIGKILL)
    check("no worker", until(lambda: gone(old)))
    waiting = [socket.create_connection(("127.0.0.1", node.clear_port), timeout=120) for _ in range(20)]
    for s in waiting:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    os.kill(supervisor, signal.SIGCONT)
    check("who connects meanwhile is served by the next worker", all(b" 200 " in s.recv(100) for s in waiting))
    for s in waiting:
        s.close()

    old = node.worker()
    with open(conf, "a") as f:
        f.write("\n[log]\nlevel = debug\n[net]\nshards = 3\ngrace = 120s\n")
    caller = Caller(node.clear_port)
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP takes a new configuration over", bool(until(lambda: node.worker() not in (0, old))))
    check("and it serves again", bool(until(lambda: node.kanhe("status")[0] == 0)))
    check("nobody was turned away meanwhile", caller.end() is None, caller.broken)
    for shards in (5, 2):
        old = node.worker()
        with open(conf) as f:
            text = f.read()
        with open(conf, "w") as f:
            f.write(re.sub(r"shards = \d+", f"shards = {shards}", text))
        caller = Caller(node.clear_port)
        os.kill(node.pid(), signal.SIGHUP)
        check("SIGHUP takes another number of shards over", bool(until(lambda: node.worker() not in (0, old) and node.kanhe("status")[0] == 0)))
        check("nobody was turned away then", caller.end() is None, caller.broken)
    before, other = node.clear_port, free_port()
    sound = open(conf).read()
    taken = socket.create_server(("127.0.0.1", other))
    old = node.worker()
    moved = sound.replace(f"127.0.0.1:{before}", f"127.0.0.1:{other}")
    check("the clear port is told in it", moved != sound)
    with open(conf, "w") as f:
        f.write(moved)
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP refuses a port that is another's", bool(until(lambda: f"cannot listen on 127.0.0.1 port {other}" in node.log())))
    check("and the worker stays", node.worker() == old and connects(before))
    taken.close()
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP takes a free one over", bool(until(lambda: node.worker() not in (0, old) and connects(other))))
    check("and lets the old one go", bool(until(lambda: not connects(before))))
    node.clear_port = other
    sound = moved
    with open(conf, "a") as f:
        f.write("\n[nonsense]\nx = y\n")
    old = node.worker()
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP refuses a broken one", bool(until(lambda: "nonsense" in node.log())))
    check("and the old worker stays", node.worker() == old)
    with open(conf, "w") as f:
        f.write(sound + f"\n[report]\nto = https://up.example\ntoken = {token}\n")
    os.kill(node.pid(), signal.SIGHUP)
    check("SIGHUP refuses one with a file that a start would refuse", bool(until(lambda: "report.token: mode: " in node.log())))
    check("and the old worker serves on", node.worker() == old and node.kanhe("status")[0] == 0)
    with open(conf, "w") as f:
        f.write(sound)

    os.kill(old, signal.SIGHUP)  # as a terminal does that is closed: to all of its processes
    check("SIGHUP is nothing to a worker itself", node.kanhe("status")[0] == 0 and node.worker() == old and "by signal 1" not in node.log())

    memory = [l for l in open(f"/proc/{node.worker()}/status") if l.startswith("VmRSS")][0].split()[1]
    check("idle memory under 32 MiB", SANITIZED or int(memory) < 32 * 1024, memory + " KiB")

    status, out, err = node.kanhe("status", "--json")
    size = json.loads(out)
    check("status tells memory apart from pages of files", 0 < size["memory_octets"] < size["resident_octets"], out)
    mapped = [int(l.split()[1]) for l in open(f"/proc/{node.worker()}/status") if l.startswith("RssFile")][0] * 1024
    check("which are those that the system counts", abs(size["resident_octets"] - size["memory_octets"] - mapped) < 8 << 20, (size, mapped))
    check("and so do metrics", re.search(rb"^kanhe_memory_bytes \d{6,}$", node.request("GET", "/metrics", token="operator")[1], re.M))
    check("and kanhe says it", re.search(r"memory \d+\.\d MiB, and \d+\.\d MiB of its files", node.kanhe("status")[1]))

    # a clean stop: requests whose first half was sent before SIGTERM are answered after it
    token = node.token("registrar")
    body = b'{"values":[{"index":1,"type":"URL","data":{"format":"string","value":"https://h.example/"}}]}'
    halves = []
    for i in range(20):
        s = socket.create_connection(("127.0.0.1", node.clear_port), timeout=120)
        s.sendall(f"PUT /registry/88.118.8/HALF-{i} HTTP/1.1\r\nHost: 127.0.0.1:{node.clear_port}\r\n"
                  f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
                  f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:40])
        halves.append(s)
    opened = lambda: int(re.search(r"^kanhe_net_connections_open (\d+)", node.request("GET", "/metrics", token="operator")[1].decode(), re.M)[1])
    check("the halves have arrived", bool(until(lambda: opened() >= 20)))
    supervisor = node.pid()
    with open(os.path.join(node.folder, "kanhed.pid"), "w") as f:
        f.write(f"{os.getpid()}\n")
    os.kill(supervisor, signal.SIGTERM)
    check("no new connection is taken", bool(until(lambda: not connects(node.clear_port))))
    answers = []
    for s in halves:
        s.sendall(body[40:])
    for s in halves:
        answers.append(s.recv(65536).split(b"\r\n")[0])
        s.close()
    check("no request is cut by a stop", all(b" 201 " in a for a in answers), answers)
    check("the supervisor leaves", bool(until(lambda: gone(supervisor))))
    left = os.path.join(node.folder, "kanhed.pid")
    check("and does not take the number of another away", os.path.exists(left) and node.pid() == os.getpid())
    with open(left, "w") as f:
        f.write(f"{os.getpid()}\n")
    check("a number left behind that is another program's now is not stopped", node.kanhe("node", "stop")[0] == 0)
    node.start()
    check("and what was answered is there", all(node.request("GET", f"/resolve/88.118.8/HALF-{i}")[0] == 200 for i in range(20)))
finally:
    node.close()
finish()
