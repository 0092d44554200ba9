"""A node of one participant that bears its name: several of them, under one authority of certificates, make a data space."""
import os

from node import Node, check


class Member(Node):
    """Not started: its settings come first."""

    def __init__(self, name, ca, *options):
        super().__init__("--participant", name, "--ca", ca, *options, start=False, clear=False)
        self.name = name
        self.did = f"did:web:127.0.0.1%3A{self.port}:p:{name}"

    def configure(self, section="identity", **settings):
        path = os.path.join(self.folder, "kanhed.conf")
        with open(path, encoding="utf-8") as f:
            text = f.read()
        rows = "".join(f"{k} = {v}\n" for k, v in settings.items())
        head = f"[{section}]\n"
        with open(path, "w", encoding="utf-8") as f:
            f.write(text.replace(head, head + rows) if head in text else text + "\n" + head + rows)

    def ok(self, what, *args, **more):
        """What a command says that must do its work."""
        status, out, err = self.kanhe(*args, **more)
        check(what, status == 0, out + err)
        return out
