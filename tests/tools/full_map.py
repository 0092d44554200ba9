"""A store that has reached its largest map: changes stop with a clear error, the log says it once and what to do, reads go on,
nothing acknowledged is lost, and with a larger map it goes on."""
import os

from node import Node, check, finish, until

BATCH, OCTETS = 100, 16 << 10

node = Node("--authority", "88.118.8", start=False)
conf = os.path.join(node.folder, "kanhed.conf")
sound = open(conf).read()


def register(n):
    """A batch of 1.6 MiB."""
    records = [{"id": f"88.118.8/{n:04}-{i}", "values": [{"index": 1, "type": "DESC", "data": {"format": "string", "value": "x" * OCTETS}}]}
               for i in range(BATCH)]
    return node.request("POST", "/registry", {"records": records}, token="registrar")


def there(n):
    return all(node.request("GET", f"/resolve/88.118.8/{n:04}-{i}")[0] == 200 for i in (0, BATCH - 1))


def told():
    return [l for l in node.log().splitlines() if "tag=store " in l]


try:
    with open(conf, "w") as f:
        f.write(sound + "\n[store]\nmap_max = 64MiB\n")
    node.start()
    acknowledged, refusal = [], None
    for n in range(100):
        status, answer, _ = register(n)
        if status != 200:
            refusal = (status, answer)
            break
        acknowledged.append(n)
    check("a full map refuses a change", refusal is not None)
    check("with 507 and its name", refusal and refusal[0] == 507 and refusal[1]["type"] == "urn:kanhe:problem:no-space", refusal)
    check("after many were taken", len(acknowledged) > 15, len(acknowledged))
    check("it stays so", [register(900 + i)[0] for i in range(5)] == [507] * 5)
    check("reads go on, of all that was acknowledged", all(there(n) for n in acknowledged))
    check("what was refused is not there", node.request("GET", f"/resolve/88.118.8/{len(acknowledged):04}-0")[0] == 404)
    lines = told()
    check("the log says it once", len(lines) == 1, lines)
    check("which store, why and what to do", lines and all(x in lines[0] for x in (
        "error ", "store=registry", "error=NO_SPACE", "map_max=67108864", "raise store.map_max")), lines)
    # an import says so too, and goes on later
    text = "".join(f'{{"id":"88.118.8/I-{i}","values":[{{"type":"DESC","data":"{"y" * OCTETS}"}}]}}\n' for i in range(600))
    path = os.path.join(node.top, "more.ndjson")
    open(path, "w").write(text)
    status, out, err = node.kanhe("import", path, "--name", "more")
    check("an import stops with the error", status == 1 and "map" in err, (status, out, err))
    check("still said once", len(told()) == 1, told())

    old = node.worker()
    os.kill(old, 9)
    check("its worker comes back", until(lambda: node.worker() not in (0, old) and node.kanhe("status")[0] == 0), node.log())
    check("with all that was acknowledged", all(there(n) for n in acknowledged))
    node.kanhe("node", "stop")
    with open(conf, "w") as f:
        f.write(sound + "\n[store]\nmap_max = 1GiB\n")
    node.start()
    check("with a larger map changes are taken", register(len(acknowledged))[0] == 200)
    status, out, err = node.kanhe("import", path, "--name", "more", "--json")
    check("and the import goes on to its end", status == 0 and '"read":600' in out.replace(" ", ""), (status, out, err))
    check("each line once", node.kanhe("count", "88.118.8")[1].split()[1] == str((len(acknowledged) + 1) * BATCH + 600), node.kanhe("count", "88.118.8"))
finally:
    node.close()
finish()
