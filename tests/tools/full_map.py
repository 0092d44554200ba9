"""A store that has reached its largest map: changes stop with a clear error, the log says it once and what to do, reads go on,
nothing acknowledged is lost, and with a larger map it goes on."""
import os

from filling import Filling
from node import Node, check, finish, until

BATCH, OCTETS = 100, 16 << 10  # 1.6 MiB

node = Node("--authority", "88.118.8", start=False)
conf = os.path.join(node.folder, "kanhed.conf")
sound = open(conf).read()
filling = Filling(node, BATCH, OCTETS)

try:
    with open(conf, "w") as f:
        f.write(sound + "\n[store]\nmap_max = 64MiB\n")
    node.start()
    filling.fill("map", most=100, least=15)
    check("it stays so", [filling.register(900 + i)[0] for i in range(5)] == [507] * 5)
    lines = filling.told()
    check("the log says it once", len(lines) == 1, lines)
    check("which store, why and what to do", lines and all(x in lines[0] for x in (
        "error ", "store=registry", "error=NO_SPACE", "map_max=67108864", "raise store.map_max")), lines)
    # an import says so too, and goes on later
    text = "".join(f'{{"id":"88.118.8/I-{i}","values":[{{"type":"DESC","data":"{"y" * OCTETS}"}}]}}\n' for i in range(600))
    path = os.path.join(node.top, "more.ndjson")
    open(path, "w").write(text)
    status, out, err = node.kanhe("import", path, "--name", "more")
    check("an import stops with the error", status == 1 and "map" in err, (status, out, err))
    check("still said once", len(filling.told()) == 1, filling.told())

    old = node.worker()
    os.kill(old, 9)
    check("its worker comes back", until(lambda: node.worker() not in (0, old) and node.kanhe("status")[0] == 0), node.log())
    check("with all that was acknowledged", filling.there())
    node.kanhe("node", "stop")
    with open(conf, "w") as f:
        f.write(sound + "\n[store]\nmap_max = 1GiB\n")
    node.start()
    check("with a larger map changes are taken", filling.next())
    status, out, err = node.kanhe("import", path, "--name", "more", "--json")
    check("and the import goes on to its end", status == 0 and '"read":600' in out.replace(" ", ""), (status, out, err))
    check("each line once", node.kanhe("count", "88.118.8")[1].split()[1] == str(len(filling.acknowledged) * BATCH + 600), node.kanhe("count", "88.118.8"))
finally:
    node.close()
finish()
