"""A disk that is full: writes stop with a clear error, reads go on, nothing acknowledged is lost."""
import os
import subprocess
import sys
import tempfile

from filling import Filling
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
filling = Filling(node, 200, 500)


def serves():
    try:
        return node.request("GET", "/healthz")[0] == 200
    except OSError:
        return False


try:
    filling.fill("disk", most=600, least=20)
    check("it stays so", filling.register(len(filling.acknowledged))[0] == 507)
    check("and the node is ready to be read", node.request("GET", "/healthz")[0] == 200)
    status, text, _ = node.request("GET", "/readyz")
    check("readyz says both", status == 200 and text.decode() == "ready\nregistry: changes are refused, reads go on\n", (status, text))
    metrics = node.request("GET", "/metrics", token="operator")[1].decode()
    failures = [l for l in metrics.splitlines() if l.startswith("kanhe_registry_fold_failures_total ")]
    told = filling.told()
    check("the log says it once, and what to do", len(told) == 1 and "error=NO_SPACE" in told[0] and "its disk is full" in told[0], told)
    check("metrics tell of it", failures and int(failures[0].split()[1]) > 0, failures)

    mount(4 * SIZE)
    check("with room again, changes are taken", until(filling.next))
    check("as readyz says", until(lambda: node.request("GET", "/readyz")[1] == b"ready\n"))
    check("which the log says", until(lambda: node.log().count("changes are accepted again") == 1), node.log())
    old = node.worker()
    os.kill(old, 9)
    check("its worker comes back", until(lambda: node.worker() not in (0, old) and serves()))
    check("and a crash after that loses nothing", filling.there())
finally:
    node.close()
    subprocess.run(["umount", "-l", disk], capture_output=True)
    os.rmdir(disk)
finish()
