#!/usr/bin/env python3
"""Imports while node and client die: kill -9 of the worker, of the whole daemon or of `kanhe import` at random
moments, until the import has come to its end; then every good line must have gone in exactly once and every bad one
must stand in the report exactly once. In turn sorted, as CSV and as NDJSON, the sorted one into an empty registry."""
import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--build", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release"))
    p.add_argument("--kills", type=int, default=200, help="at least so many (default 200)")
    p.add_argument("--lines", type=int, default=60_000, help="of each import")
    p.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    return p.parse_args()


ARGS = arguments()
sys.argv = [sys.argv[0], os.path.abspath(ARGS.build)]
import node as tools  # noqa: E402  (reads the build's folder from sys.argv)

RANDOM = random.Random(ARGS.seed)
BAD_EVERY = 997


def write_file(node, i):
    """(path, options, good identifiers, bad lines)"""
    kind = ("sorted", "csv", "ndjson")[i % 3]
    path = os.path.join(node.top, f"import-{i}.{'csv' if kind == 'csv' else 'ndjson'}")
    good, bad = [], 0
    numbers = list(range(ARGS.lines))
    RANDOM.shuffle(numbers)
    with open(path, "w") as f:
        if kind == "csv":
            f.write("id,URL,DESC\n")
        for k in numbers:
            id_ = f"88.118.8.{i}/L{k:06d}"
            if k % BAD_EVERY == 5:
                id_, bad = "88.999/" + id_.split("/")[1], bad + 1
            else:
                good.append(id_)
            value = f"https://things.example/{i}/{k}"
            f.write(f'{id_},{value},"pump, {k}"\n' if kind == "csv" else json.dumps({"id": id_, "values": [{"type": "URL", "data": value}]}) + "\n")
    return path, ["--sort", "--memory", "2"] if kind == "sorted" else [], good, bad


def alive(pid):
    try:
        state = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0]
        return state != "Z" or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def kill(*pids):
    for p in pids:
        try:
            os.kill(p, signal.SIGKILL)
        except ProcessLookupError:
            pass
    tools.until(lambda: not any(alive(p) for p in pids))


def kill_daemon(node):
    supervisor, worker = node.pid(), node.worker()
    if RANDOM.random() < 0.5 and worker:
        kill(worker)  # the supervisor starts another
        return "worker"
    os.kill(supervisor, signal.SIGKILL)
    kill(*([worker] if worker else []))
    tools.until(lambda: not alive(supervisor))
    for p in subprocess.run(["pgrep", "-f", os.path.join(node.folder, "kanhed.conf")], capture_output=True, text=True).stdout.split():
        kill(int(p))  # a worker that was just being started
    try:
        os.unlink(os.path.join(node.folder, "kanhed.pid"))
    except FileNotFoundError:
        pass
    node.start()
    return "daemon"


def run_import(node, i, killed, wanted):
    path, options, good, bad = write_file(node, i)
    command = [tools.KANHE, "import", path, "--name", f"crash-{i}", "--json", "--node", node.folder, *options]
    turns = 0
    while True:
        turns += 1
        client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while client.poll() is None:
            try:
                client.wait(RANDOM.uniform(0.02, 0.4))
                break
            except subprocess.TimeoutExpired:
                pass
            if sum(killed.values()) >= wanted + 20:
                continue  # to its end
            if RANDOM.random() < 0.4:
                kill(client.pid)
                killed["client"] += 1
            else:
                killed[kill_daemon(node)] += 1
        out, err = client.communicate()
        if client.returncode == -signal.SIGKILL:
            continue
        tools.check(f"import {i} ends with its summary", client.returncode == 1 and out, (client.returncode, out, err))
        return json.loads(out) if out else {}, good, bad, turns


def answers(node):
    try:
        return node.request("GET", "/status", token="operator")[0] == 200
    except OSError:
        return False


def look(node, i, summary, good, bad):
    tools.check(f"import {i}: the node is back", tools.until(lambda: answers(node)), node.log()[-1000:])  # the last kill may have come as the client ended
    sort = summary.get("refused_before_sending", 0)
    n = len(good)
    tools.check(f"import {i}: counts", (summary.get("created"), summary.get("replaced"), summary.get("unchanged"), summary.get("refused", 0) + sort) == (n, 0, 0, bad), summary)
    target = os.path.join(node.top, f"export-{i}.ndjson")
    status, out, err = node.kanhe("export", f"88.118.8.{i}", "-o", target)
    tools.check(f"export {i}", status == 0, err)
    seen = {}
    for line in open(target):
        r = json.loads(line)
        seen[r["id"]] = seen.get(r["id"], 0) + 1
        if r["revision"] != 1 or r["values"][0]["data"]["value"].rsplit("/", 1)[1] != str(int(r["id"][-6:])):
            tools.check("a record is as its line says", False, line)
    tools.check(f"import {i}: none is lost, none is twice", seen == dict.fromkeys(good, 1), (len(seen), n))
    status, out, err = node.kanhe("import", "--errors", f"crash-{i}")
    lines = [json.loads(l)["line"] for l in out.splitlines()]
    tools.check(f"import {i}: refused lines stand once in the report", len(lines) == len(set(lines)) == bad - sort, len(lines))


def find(node, i, good):
    """What was loaded is found by its values, once the index of the load is made."""
    for id_ in RANDOM.sample(good, 20):
        path = "/find?type=URL&value=" + urllib.parse.quote(f"https://things.example/{i}/{int(id_[-6:])}", safe="")
        deadline = time.monotonic() + 240
        while True:
            status, body = node.request("GET", path)[:2]
            if status != 503 or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        found = [x["id"] for x in body.get("identifiers", [])]
        tools.check(f"import {i}: found by value", found == [id_], (status, id_, found))


def main():
    killed, done, started = {"worker": 0, "daemon": 0, "client": 0}, 0, time.monotonic()
    print(f"imports: seed {ARGS.seed}, at least {ARGS.kills} kills", flush=True)
    node = tools.Node("--authority", "88.118.8")
    try:
        while sum(killed.values()) < ARGS.kills or done < 3:
            if done and done % 3 == 0:  # a first load goes into the store another way
                node.close()
                node = tools.Node("--authority", "88.118.8")
            summary, good, bad, turns = run_import(node, done, killed, ARGS.kills)
            look(node, done, summary, good, bad)
            find(node, done, good)
            done += 1
        total = node.request("GET", "/metrics", token="operator")[1].decode()
        print(f"imports: killed {killed} during {done} imports of {ARGS.lines} lines in {time.monotonic() - started:.0f} s")
    finally:
        node.close()
    tools.finish()


if __name__ == "__main__":
    main()
