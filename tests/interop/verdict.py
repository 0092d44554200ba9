"""The verdict of a conformance kit, read from the text of its suite: the suites exit with 0 whatever they find, and only that
of the Dataspace Protocol counts. Every case has a line when it ends; a suite that has come to its end says so."""
import os
import re
import subprocess

ENDED = re.compile(r"^(?:\[[^\]\n]*\] *)?(SUCCESSFUL|FAILED|ABORTED): (\S.*?)\s*$", re.M)
ANSI = re.compile(r"\x1b\[[\d;]*m")
NUMBER = re.compile(r"[A-Z_]+:\d\d-\d\d")


def read(text):
    """(cases that passed, cases that did not) by name; None where the suite has not come to its end, or nothing was run."""
    text = ANSI.sub("", text)
    ended = ENDED.findall(text)
    if not ended or not re.search(r"Test run complete\s*$", text, re.M):
        return None
    short = [(how, (NUMBER.match(name) or [name])[0]) for how, name in ended]
    good, bad = [n for how, n in short if how == "SUCCESSFUL"], [n for how, n in short if how != "SUCCESSFUL"]
    counted = re.search(r"Failed tests:\s*([1-9]\d*)", text)
    if not bad and (counted or "There were failing tests" in text):
        bad = ["what is no case"]  # a class that could not be set up
    return good, bad


def play(kit, name, suite, properties, seconds):
    """Runs a suite of the kit whose libraries are below `kit`; its text stays there."""
    path = os.path.join(kit, name)
    with open(path + ".properties", "w", encoding="utf-8") as f:
        f.write("".join(f"{k}={str(v).replace(':', chr(92) + ':')}\n" for k, v in properties.items()))
    p = subprocess.run(["java", "-cp", os.path.join(kit, "lib", "*"), suite, "-config", path + ".properties"],
                       capture_output=True, text=True, timeout=seconds)
    text = p.stdout + p.stderr
    with open(path + ".log", "w", encoding="utf-8") as f:
        f.write(text)
    told = read(text)
    if not told:
        print(text[-3000:])
        print(f"{name}: the kit has not told its verdict; see {path}.log")
    return told
