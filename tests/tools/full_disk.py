"""A disk that is full: writes stop with a clear error, reads go on, nothing acknowledged is lost."""
import os
import subprocess
import sys
import tempfile

from node import Node, check, finish, until

SIZE = 24  # MiB, when it is full; journals and an empty node take about 5

disk = tempfile.mkdtemp(prefix="kanhe-disk.")


def mount(size):
    how = "remount," if os.path.ismount(disk) else ""
    return subprocess.run(["mount", "-t", "tmpfs", "-o", f"{how}size={size}m", "tmpfs", disk], capture_output=True, text=True)


made = mount(SIZE)
if made.returncode:
    print(f"SKIPPED: a disk of its own can only be mounted by root: {made.stderr.strip()}")
    os.rmdir(disk)
    sys.exit(0)

node = Node("--authority", "88.118.8", inside=disk)


def register(n, text):
    """Whether a batch of 200 records was acknowledged."""
    records = [{"id": f"88.118.8/{n:04}-{i}", "values": [{"index": 1, "type": "DESC", "data": {"format": "string", "value": text}}]}
               for i in range(200)]
    return node.request("POST", "/registry", {"records": records}, token="registrar")


def there(n):
    return all(node.request("GET", f"/resolve/88.118.8/{n:04}-{i}")[0] == 200 for i in (0, 99, 199))


def serves():
    try:
        return node.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


try:
    acknowledged, refusal = [], None
    for n in range(600):
        status, answer, _ = register(n, "x" * 500)
        if status != 200:
            refusal = (status, answer)
            break
        acknowledged.append(n)
    check("a full disk refuses a change", refusal is not None)
    check("with 507 and its name", refusal and refusal[0] == 507 and refusal[1]["type"] == "urn:kanhe:problem:no-space", refusal)
    check("after many were taken", len(acknowledged) > 20, len(acknowledged))
    check("reads go on", node.request("GET", "/resolve/88.118.8/0000-0")[0] == 200)
    check("what was refused is not there", node.request("GET", f"/resolve/88.118.8/{len(acknowledged):04}-0")[0] == 404)
    check("what was acknowledged is", all(there(n) for n in acknowledged))
    check("it stays so", register(len(acknowledged), "x" * 500)[0] == 507)
    check("and the node is ready to be read", node.request("GET", "/healthz")[0] == 200)
    metrics = node.request("GET", "/metrics", token="operator")[1].decode()
    failures = [l for l in metrics.splitlines() if l.startswith("kanhe_registry_fold_failures_total ")]
    told = [l for l in node.log().splitlines() if "tag=store " in l]
    check("the log says it once, and what to do", len(told) == 1 and "error=NO_SPACE" in told[0] and "its disk is full" in told[0], told)
    check("metrics tell of it", failures and int(failures[0].split()[1]) > 0, failures)

    mount(4 * SIZE)
    check("with room again, changes are taken", until(lambda: register(len(acknowledged), "y")[0] == 200))
    acknowledged.append(len(acknowledged))
    check("which the log says", until(lambda: node.log().count("changes are accepted again") == 1), node.log())
    old = node.worker()
    os.kill(old, 9)
    check("its worker comes back", until(lambda: node.worker() not in (0, old) and serves()))
    check("and a crash after that loses nothing", all(there(n) for n in acknowledged))
finally:
    node.close()
    subprocess.run(["umount", "-l", disk], capture_output=True)
    os.rmdir(disk)
finish()
