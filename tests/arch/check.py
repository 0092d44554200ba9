#!/usr/bin/env python3
"""Checks the tree against the rules of the house (tests/arch/rules.py).

usage: check.py ROOT              prints each violation as file:line: rule: what, exits 1 if any
       check.py --self-test ROOT  first breaks each rule in a small tree of its own and looks whether
                                  it is found, then checks ROOT
"""

import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatchcase

sys.dont_write_bytecode = True
import rules as R

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<([^>\n]+)>|"([^"\n]+)")', re.M)
CALL = re.compile(r"(?<![\w.>])([A-Za-z_]\w*)\s*\(")
C_STRING = r'"(?:\\.|[^"\\])*"'
SAY_ROW = re.compile(r"\bSAY\(\s*(\w+)\s*,((?:\s*%s)+)\s*(?:,((?:\s*%s)*)\s*)?\)" % (C_STRING, C_STRING))
LITERALS = re.compile(r"%s(?:\s*%s)*" % (C_STRING, C_STRING))
CONVERSION = re.compile(r"%[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*)?)?(?:hh|h|ll|l|j|z|t|L)?[a-zA-Z%]")


class Tree:
    """The files of one checkout; every rule is a method that yields (file, line, rule, what)."""

    def __init__(self, root):
        self.root = root
        self.files = {}
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(d for d in folders if d not in R.SKIPPED_FOLDERS and not d.startswith("."))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if name == "CMakeLists.txt" or name.endswith(R.SOURCES):
                    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
                        self.files[path] = f.read()
                elif "." not in name:
                    self.files[path] = self.script(path)
        self.files = {p: t for p, t in self.files.items() if t is not None}
        self.c = {p: t for p, t in self.files.items() if p.endswith((".c", ".h"))}
        self.code = {p: blank(t) for p, t in self.c.items()}

    def script(self, path):
        with open(os.path.join(self.root, path), "rb") as f:
            data = f.read()
        return data.decode("utf-8", "replace") if data.startswith(b"#!") else None

    def includes(self):
        for path, text in self.c.items():
            kept = TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else blank(m[0]), text)
            for m in INCLUDE.finditer(kept):
                yield path, line_of(kept, m.start(1)), m[2], m[3]

    def layers(self):
        for path, line, system, own in self.includes():
            if own is None:
                continue
            folder, target = path.split("/")[0], own.split("/")[0]
            if "/" not in own or target not in R.LAYERS:
                yield path, line, "include-root", f'"{own}" is not rooted at the repository'
            elif folder in R.LAYERS and target not in R.LAYERS[folder]:
                yield path, line, "layer", f'{folder} must not include "{own}"'

    def third_party(self):
        for path, line, system, own in self.includes():
            if system is None or any(fnmatchcase(system, p) for p in R.SYSTEM):
                continue
            if any(fnmatchcase(path, p) for p in R.THIRD_PARTY_FREE):
                continue
            homes = next((h for p, h in R.THIRD_PARTY.items() if fnmatchcase(system, p)), None)
            if homes is None:
                yield path, line, "third-party", f"<{system}> is in no table of tests/arch/rules.py"
            elif not any(fnmatchcase(path, h) for h in homes):
                yield path, line, "third-party", f"<{system}> belongs to {', '.join(homes)} alone"

    def purity(self):
        for path, line, system, own in self.includes():
            if path.split("/")[0] in R.PURE_FOLDERS:
                if any(fnmatchcase(system or own, p) for p in R.IMPURE_HEADERS):
                    yield path, line, "pure", f"{path.split('/')[0]} must not see {system or own}"
        for path, code in self.code.items():
            if path.split("/")[0] in R.PURE_FOLDERS:
                for name, line in calls(code):
                    if name in R.IMPURE_CALLS:
                        yield path, line, "pure", f"{path.split('/')[0]} must not call {name}"

    def banned(self):
        for path, code in self.code.items():
            if path not in R.BANNED_CALLS_FREE:
                for name, line in calls(code):
                    if name in R.BANNED_CALLS:
                        yield path, line, "banned-call", f"{name} (see base/banned.h)"

    def names(self):
        seen = set()
        for path in self.files:
            parts = path.split("/")
            for i, part in enumerate(parts):
                where = "/".join(parts[: i + 1])
                if part.split(".")[0].lower() in R.BANNED_NAMES and where not in seen:
                    seen.add(where)
                    yield path, 1, "name", f"{where} says nothing about what it holds"

    def sizes(self):
        for path, text in self.files.items():
            n = text.count("\n")
            if path.endswith("CMakeLists.txt"):
                most = next(m for p, m in R.CMAKE_LINES if fnmatchcase(path, p))
                if n > most:
                    yield path, most + 1, "cmake-lines", f"{n} lines, at most {most}"
                continue
            most = next((m for p, m in R.LONG_FILES.items() if fnmatchcase(path, p)), R.FILE_LINES)
            if n > most:
                yield path, most + 1, "file-lines", f"{n} lines, at most {most}"
            elif fnmatchcase(path, "tools/*/main.c") and n > R.MAIN_LINES:
                yield path, R.MAIN_LINES + 1, "main-lines", f"{n} lines, at most {R.MAIN_LINES}"

    def functions(self):
        for path, name, first, last in self.spans():
            n = last - first + 1
            above = self.c[path].split("\n")[first - 2] if first > 1 else ""
            if n > R.FUNCTION_LINES and above.strip() != R.TABLE_DRIVEN:
                yield path, first, "function-lines", f"{name} has {n} lines, at most {R.FUNCTION_LINES}"

    def spans(self):
        """(file, function, first line, last line), by ctags, or by the braces clang-format aligns."""
        ctags = shutil.which("ctags-universal") or shutil.which("ctags")
        if ctags and b"Universal" in subprocess.run([ctags, "--version"], capture_output=True).stdout:
            run = subprocess.run([ctags, "--languages=C", "--langmap=C:.c.h", "--kinds-C=f", "--fields=+ne",
                                  "-I", "MUST_USE,PRINTF_LIKE+", "-f", "-", "-L", "-"], cwd=self.root,
                                 input="\n".join(self.c).encode(), capture_output=True, check=True)
            for tag in run.stdout.decode("utf-8", "replace").splitlines():
                m = re.match(r"(\w+)\t([^\t]+)\t.*\tline:(\d+).*\tend:(\d+)", tag)
                if m:
                    yield m[2], m[1], int(m[3]), int(m[4])
            return
        for path, code in self.code.items():
            first, name, lines = 1, "?", code.split("\n")
            for i, line in enumerate(lines, 1):
                m = re.match(r"[A-Za-z_].*?(\w+)\(", line)
                if m and not line.rstrip().endswith(";"):
                    first, name = i, m[1]
                if line.rstrip() == "}" and name != "?":
                    yield path, name, first, i
                    name = "?"

    def readmes(self):
        for folder in R.README_FOLDERS:
            if any(p.startswith(folder + "/") for p in self.files):
                if not os.path.exists(os.path.join(self.root, folder, "README.md")):
                    yield f"{folder}/README.md", 1, "readme", f"the folder {folder} does not say what it is"

    def texts(self):
        for path, text in self.files.items():
            if not path.endswith(("say.def", "say_help.def", "say_detail.def")):
                continue
            kept = TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else blank(m[0]), text)
            rows = {m.start(): m for m in SAY_ROW.finditer(kept)}
            for m in re.finditer(r"\bSAY\(", kept):
                line, row = line_of(kept, m.start()), rows.get(m.start())
                if not row:
                    yield path, line, "say", "the row is not SAY(NAME, \"English\", \"Chinese\")"
                elif wordy(literal(row[2])) and not re.search(r"[\u3400-\u9fff]", literal(row[3])):
                    yield path, line, "say", f"{row[1]} has no Chinese text"

    def retold(self):
        """base/say_detail.def repeats what the code says: a row whose sentence is said nowhere is of no use. (Rows
        FLAW_… are of sentences that the code puts together: tests/tools/identifiers.py has them said.)"""
        path = "base/say_detail.def"
        said = {literal(m[0]) for p, text in self.c.items() if not p.startswith("tests/")
                for m in LITERALS.finditer(TOKEN.sub(lambda m: m[0] if m[0][0] == '"' else blank(m[0]), text))}
        for m in SAY_ROW.finditer(self.files.get(path, "")):
            text = literal(m[2])
            if m[1].startswith("FLAW_"):
                continue
            if text not in said and re.sub("^%s ", "", text) not in said:
                yield path, line_of(self.files[path], m.start()), "retold", f"nothing says \"{text}\""

    def violations(self):
        checks = (self.layers, self.third_party, self.purity, self.banned, self.names, self.sizes,
                  self.functions, self.readmes, self.texts, self.retold)
        return sorted(v for check in checks for v in check())


def blank(text):
    """C source with comments and the contents of literals replaced by blanks; lines stay lines."""
    return TOKEN.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def calls(code):
    for m in CALL.finditer(code):
        yield m[1], line_of(code, m.start(1))


def literal(parts):
    """What adjacent C string literals say."""
    return "".join(re.findall(r'"((?:\\.|[^"\\])*)"', parts or ""))


def wordy(english):
    """Is there a word in it, beside conversions, escapes, names in capitals and such?"""
    return re.search(r"[a-z]{3}", re.sub(r"\\.", " ", CONVERSION.sub(" ", english))) is not None


def main(argv):
    if argv[:1] == ["--self-test"]:
        import fixtures
        failures = fixtures.run(Tree)
        for failure in failures:
            print(f"self-test: {failure}")
        if failures:
            return 1
        print(f"self-test: each of {len(fixtures.BROKEN)} broken trees was found out")
        argv = argv[1:]
    if len(argv) != 1 or argv[0].startswith("-"):
        print(__doc__, end="")
        return 0 if argv == ["--help"] else 2
    tree = Tree(argv[0])
    found = tree.violations()
    for path, line, rule, what in found:
        print(f"{path}:{line}: {rule}: {what}")
    print(f"{len(tree.files)} files, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
