"""A small tree that keeps every rule, and what breaks each of them. run() looks whether check.py
finds exactly what was broken: a checker that finds nothing would pass every tree."""

import os
import tempfile
from contextlib import contextmanager
from unittest import mock

SOUND = {
    "CMakeLists.txt": "project(x)\n" * 80,
    "base/CMakeLists.txt": "add_library(base)\n" * 30,
    "base/README.md": "base\n",
    "base/str.h": "/* strcpy( and #include <lmdb.h> in a comment are only words\n */\n#include <stddef.h>\n",
    "base/conf.c": '#include <ini.h>\n#include "base/str.h"\nconst char *s = "system(1)"; /* rand( */\n',
    "base/hash.c": "#include <openssl/evp.h>\nint my_random(int system)\n{\n\treturn system;\n}\n",
    "base/store_copy.c": "#include <lmdb.h>\n",
    "base/say.def": '/* SAY(NAME, "x", "") */\nSAY(A, "one %s "\n    "two", "一 %s "\n    "二")\nSAY(B, "%s (TLS)\\n", "%s (TLS)\\n")\n',
    "proto/README.md": "proto\n",
    "proto/id.c": '#include "proto/id.h"\n#include "base/str.h"\n#include "base/clock.h"\nusec_t at;\n',
    "policies/README.md": "policies\n",
    "policies/evaluator.c": '#include "base/str.h"\nint ok(struct in *i)\n{\n\treturn i->time(1);\n}\n',
    "net/README.md": "net\n",
    "net/tls_server.c": '#include <openssl/ssl.h>\n#include <uv.h>\n#include "proto/id.h"\n',
    "resolver/README.md": "resolver\n",
    "resolver/answer.c": '#include "net/net.h"\n#include "policies/policy.h"\n',
    "dataspace/README.md": "dataspace\n",
    "dataspace/engine.c": "/* table-driven */\nint engine(void)\n{\n" + "\tstep();\n" * 200 + "}\n",
    "tools/README.md": "tools\n",
    "tools/kanhed/main.c": '#include "resolver/answer.h"\n#include "dataspace/engine.h"\n' + "\n" * 298,
    "tests/README.md": "tests\n",
    "tests/base/test_str.c": '#include <cmocka.h>\n#include <lmdb.h>\n#include "tools/kanhed/wire.h"\n',
    "tests/fuzz/corpus/x/util.c": "system();\n",
}

LONG = "int longish(void)\n{\n" + "\tstep();\n" * 98 + "}\n"

# (what is added or replaced; None removes), (file, line, rule) that must be found, and nothing else
BROKEN = [
    ({"base/up.c": '\n#include "proto/id.h"\n'}, ("base/up.c", 2, "layer")),
    ({"proto/up.c": '#include "net/net.h"\n'}, ("proto/up.c", 1, "layer")),
    ({"net/up.h": '#include "resolver/answer.h"\n'}, ("net/up.h", 1, "layer")),
    ({"net/side.c": '#include "policies/policy.h"\n'}, ("net/side.c", 1, "layer")),
    ({"policies/side.c": '#include "proto/id.h"\n'}, ("policies/side.c", 1, "layer")),
    ({"resolver/side.c": '#include "dataspace/x.h"\n'}, ("resolver/side.c", 1, "layer")),
    ({"dataspace/side.c": '# include "resolver/x.h"\n'}, ("dataspace/side.c", 1, "layer")),
    ({"dataspace/up.c": '#include "tools/kanhed/x.h"\n'}, ("dataspace/up.c", 1, "layer")),
    ({"resolver/up.c": '#include "tests/base/cases.h"\n'}, ("resolver/up.c", 1, "layer")),
    ({"net/near.c": '#include "near.h"\n'}, ("net/near.c", 1, "include-root")),
    ({"net/dots.c": '#include "../base/str.h"\n'}, ("net/dots.c", 1, "include-root")),
    ({"resolver/db.c": "#include <lmdb.h>\n"}, ("resolver/db.c", 1, "third-party")),
    ({"base/store.h": "#include <lmdb.h>\n"}, ("base/store.h", 1, "third-party")),
    ({"net/key.c": "#include <sodium.h>\n"}, ("net/key.c", 1, "third-party")),
    ({"base/sum.c": "#include <openssl/evp.h>\n"}, ("base/sum.c", 1, "third-party")),
    ({"net/conn.c": "#include <openssl/ssl.h>\n"}, ("net/conn.c", 1, "third-party")),
    ({"resolver/h2.c": "#include <nghttp2/nghttp2.h>\n"}, ("resolver/h2.c", 1, "third-party")),
    ({"tools/kanhe/get.c": "#include <curl/curl.h>\n"}, ("tools/kanhe/get.c", 1, "third-party")),
    ({"net/courier.h": "#include <curl/curl.h>\n"}, ("net/courier.h", 1, "third-party")),
    ({"tools/kanhe/ini.c": "#include <ini.h>\n"}, ("tools/kanhe/ini.c", 1, "third-party")),
    ({"dataspace/loop.c": "#include <uv.h>\n"}, ("dataspace/loop.c", 1, "third-party")),
    ({"dataspace/j.c": "#include <jansson.h>\n"}, ("dataspace/j.c", 1, "third-party")),
    ({"base/new.c": "#include <zlib.h>\n"}, ("base/new.c", 1, "third-party")),
    ({"proto/t.c": "#include <pthread.h>\n"}, ("proto/t.c", 1, "pure")),
    ({"policies/s.c": "#include <sys/socket.h>\n"}, ("policies/s.c", 1, "pure")),
    ({"proto/l.c": '#include "base/log.h"\n'}, ("proto/l.c", 1, "pure")),
    ({"policies/now.c": "int now(void)\n{\n\treturn clock_wall();\n}\n"}, ("policies/now.c", 3, "pure")),
    ({"proto/r.c": "int r(void)\n{\n\treturn random_bytes (0, 0);\n}\n"}, ("proto/r.c", 3, "pure")),
    ({"net/b.c": "int b(void)\n{\n\treturn /* * */ atoi (x);\n}\n"}, ("net/b.c", 3, "banned-call")),
    ({"tests/b.c": 'int b(void)\n{\n\tputs("\\"");\n\tsystem("x");\n}\n'}, ("tests/b.c", 4, "banned-call")),
    ({"net/util.c": "int x;\n"}, ("net/util.c", 1, "name")),
    ({"proto/common/x.c": "int x;\n"}, ("proto/common/x.c", 1, "name")),
    ({"base/types.h": "int x;\n"}, ("base/types.h", 1, "name")),
    ({"base/long.c": "int x;\n" * 601}, ("base/long.c", 601, "file-lines")),
    ({"tools/long": "#!/bin/bash\n" + "true\n" * 600}, ("tools/long", 601, "file-lines")),
    ({"tools/kanhed/main.c": "\n" * 301}, ("tools/kanhed/main.c", 301, "main-lines")),
    ({"net/f.c": "\n\n" + LONG}, ("net/f.c", 3, "function-lines")),
    ({"net/g.c": "/* long */\n" + LONG.replace("int longish(void)", "static struct x *longish(int a,\n\t\tint b)")},
     ("net/g.c", 2, "function-lines")),
    ({"resolver/README.md": None}, ("resolver/README.md", 1, "readme")),
    ({"CMakeLists.txt": "project(x)\n" * 81}, ("CMakeLists.txt", 81, "cmake-lines")),
    ({"base/CMakeLists.txt": "x()\n" * 31}, ("base/CMakeLists.txt", 31, "cmake-lines")),
    ({"tools/kanhe/CMakeLists.txt": "x()\n" * 31}, ("tools/kanhe/CMakeLists.txt", 31, "cmake-lines")),
    ({"tests/net/CMakeLists.txt": "x()\n" * 61}, ("tests/net/CMakeLists.txt", 61, "cmake-lines")),
    ({"base/say.def": 'SAY(A, "one", "一")\nSAY(B, "two", "")\n'}, ("base/say.def", 2, "say")),
    ({"base/say.def": 'SAY(B, "two %s", "two %s")\n'}, ("base/say.def", 1, "say")),
    ({"base/say.def": '\nSAY(B, "two")\n'}, ("base/say.def", 2, "say")),
    ({"base/say.def": "SAY(B, two, 二)\n"}, ("base/say.def", 1, "say")),
    ({"base/say_detail.def": 'SAY(B, "said nowhere", "没有说")\n'}, ("base/say_detail.def", 1, "retold")),
]

RULES = {"layer", "include-root", "third-party", "pure", "banned-call", "name", "file-lines", "main-lines",
         "function-lines", "readme", "cmake-lines", "say", "retold"}


@contextmanager
def tree_of(files):
    with tempfile.TemporaryDirectory(prefix="kanhe-arch-") as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as f:
                f.write(text)
        yield root


def found(Tree, files):
    with tree_of(files) as root:
        return [v[:3] for v in Tree(root).violations()]


def compare(Tree, how):
    failures = []
    got = found(Tree, SOUND)
    if got:
        failures.append(f"{how}: found in the sound tree: {got}")
    for change, want in BROKEN:
        files = {p: t for p, t in {**SOUND, **change}.items() if t is not None}
        got = found(Tree, files)
        if got != [want]:
            failures.append(f"{how}: expected {want}, found {got}")
    return failures


def run(Tree):
    failures = compare(Tree, "with ctags")
    with mock.patch("shutil.which", return_value=None):
        failures += compare(Tree, "without ctags")
    untested = RULES - {want[2] for _, want in BROKEN}
    if untested:
        failures.append(f"no broken tree for {sorted(untested)}")
    return failures
