"""A node that is filled until it refuses, for the tests of a full map and of a full disk."""
from node import check


class Filling:
    """Batches of `batch` records of `octets` each: the records 88.118.8/NNNN-I."""

    def __init__(self, node, batch, octets):
        self.node, self.batch, self.octets = node, batch, octets
        self.acknowledged = []

    def register(self, n):
        records = [{"id": f"88.118.8/{n:04}-{i}",
                    "values": [{"index": 1, "type": "DESC", "data": {"format": "string", "value": "x" * self.octets}}]}
                   for i in range(self.batch)]
        return self.node.request("POST", "/registry", {"records": records}, token="registrar")

    def next(self):
        """Whether the batch behind the acknowledged ones was taken."""
        n = len(self.acknowledged)
        taken = self.register(n)[0] == 200
        if taken:
            self.acknowledged.append(n)
        return taken

    def there(self):
        """Whether all that was acknowledged is."""
        return all(self.node.request("GET", f"/resolve/88.118.8/{n:04}-{i}")[0] == 200
                   for n in self.acknowledged for i in (0, self.batch // 2, self.batch - 1))

    def told(self):
        return [l for l in self.node.log().splitlines() if "tag=store " in l]

    def fill(self, what, most, least):
        """Registers until a batch is refused, and checks how that looks."""
        for n in range(most):
            status, answer, _ = self.register(n)
            if status != 200:
                break
            self.acknowledged.append(n)
        check(f"a full {what} refuses a change with 507 and its name",
              status == 507 and answer["type"] == "urn:kanhe:problem:no-space", (status, answer))
        check("after many were taken", len(self.acknowledged) > least, len(self.acknowledged))
        check("what was refused is not there", self.node.request("GET", f"/resolve/88.118.8/{len(self.acknowledged):04}-0")[0] == 404)
        check("reads go on, of all that was acknowledged", self.there())
