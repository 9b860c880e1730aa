# SPDX-License-Identifier: BSD-3-Clause
"""man.py CHECK...: the pages of man/ against what they describe. Prints each thing that is wrong, and last how many were looked at.
In the environment: BUILD, FORKEXEC, CC, CXX. Run in the tree's root by man.sh."""
import ctypes
import glob
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

BUILD = os.environ["BUILD"]
HEADER = open("include/forkexec.h").read()
CODE = re.sub(r"/\*.*?\*/|//[^\n]*", "", HEADER, flags=re.S)
PAGES = {os.path.basename(path)[:-4]: open(path).read() for path in sorted(glob.glob("man/*.scd"))}
ALL = "\n".join(PAGES.values())
looked_at = 0


def wrong(*words):
    print(*words)


def look(good, *words):
    global looked_at
    looked_at += 1
    if not good:
        wrong(*words)


def section(page, name):
    """What is under that heading; a line of code that begins with # is none."""
    here, code, lines = False, False, []
    for line in PAGES[page].splitlines():
        code ^= line.startswith("```")
        if not code and line.startswith("# "):
            here = line == "# " + name
        elif here:
            lines.append(line + "\n")
    return "".join(lines)


def blocks(text):
    """The code of a section as it is shown."""
    return [block.replace("\\\\", "\\") for block in re.findall(r"^\t*```\n(.*?)^\t*```$", text, re.S | re.M)]


def flat(text):
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
    text = re.sub(r"\bstruct (fe_\w+)(?= [*\w])(?! \{)", r"\1", text)
    return re.sub(r"\s*([(){},;*])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def names():
    return subprocess.run(["tools/man.sh", "list"], capture_output=True, text=True, check=True).stdout.split()


def options():
    listed = re.findall(r'^  O\(\w+, "([a-z0-9-]+)"', open("tools/option_list.h").read(), re.M)
    return set(listed) | {"env-clear"}


# ---- the checks ----

def check_symbols():
    """Every exported symbol and every struct has a page under its own name."""
    symbols = re.findall(r"^ *(fe_\w+);", open("libforkexec.map").read(), re.M)
    for name in symbols + re.findall(r"^} (fe_\w+);", CODE, re.M):
        path = f"{BUILD}/man/{name}.3"
        text = open(path).read() if os.path.exists(path) else ""
        target = re.match(r"\.so man3/(.*)\n$", text)
        page = target.group(1)[:-2] if target else name
        look(text and f"{page}.3" in PAGES and name in section(f"{page}.3", "NAME"), "no page:", name)


def check_named():
    """Whatever the header defines is named in some page."""
    for name in re.findall(r"^#define (FE_\w+)", CODE, re.M) + re.findall(r"\b(fe_\w+)\s*\(", CODE):
        look(re.search(r"\b%s\b" % name, ALL), "in no page:", name)


def check_known():
    """Whatever a page names is in the header, or is a page."""
    pages = {name.rsplit(".", 1)[0] for name in names()}
    for page, text in PAGES.items():
        for name in set(re.findall(r"\b(?:FE|fe)_\w+", text)):
            look(re.search(r"\b%s\b" % name, CODE) or name in pages, f"{page} names what there is not:", name)


def check_prototypes():
    """The SYNOPSIS of a page has what the header has."""
    body = CODE[CODE.index('extern "C"'):]
    declared = re.findall(r"^(\w[\w ]*?[ *]+(fe_\w+)\([^;{]*\));", body, re.M)
    for prototype, name in declared:
        page = next((p for p in PAGES if re.search(r"\b%s\b" % name, section(p, "NAME"))), None)
        look(page and flat(prototype) + ";" in flat(" ".join(blocks(section(page, "SYNOPSIS")))),
             "not as in the header:", name)


def check_structs():
    for struct, name in re.findall(r"^(typedef struct \w+ \{.*?^\} (fe_\w+);)", CODE, re.S | re.M):
        shown = [p for p in PAGES if flat(struct) in flat(" ".join(blocks(section(p, "SYNOPSIS"))))]
        look(len(shown) == 1 and re.search(r"\b%s\b" % name, section(shown[0], "NAME")), "not as in the header:", name)
        # Each field is described where the struct is, or for fe_attr anywhere.
        text = ALL if name == "fe_attr" else "".join(PAGES[p] for p in shown)
        for field in re.findall(r"(\w+)(?:\[\d\])?;|\(\*(\w+)\)", struct[:struct.rindex("}")]):
            field = "".join(field)
            private = {"size", "reserved", "reserved2", "state", "pending"}
            look(field in private or re.search(r"(?<![A-Za-z0-9])_?%s_?(?![A-Za-z0-9])" % field, text), f"{name}.{field} is not described")


def check_steps():
    """The table of steps has every step with the name that the library gives it."""
    library = ctypes.CDLL(f"{BUILD}/libforkexec.so")
    library.fe_step_name.restype = ctypes.c_char_p
    rows = dict(re.findall(r"^\|[\[ ] \*(FE_STEP_\w+)\*\n:[\[ ] (\w+)$", PAGES["fe_error.3"], re.M))
    for constant, number in re.findall(r"^#define (FE_STEP_\w+) (\d+)", CODE, re.M):
        name = library.fe_step_name(int(number)).decode()
        row = "none" if name == "none" and '"none"' in PAGES["fe_error.3"] else rows.get(constant)
        look(row == name, f"{constant} is {name}, and not", row)


def check_order():
    """What fe_explain says comes in the order that libforkexec(7) has."""
    listed = re.search(r"^## The order of the child's steps\n(.*?)^## ", PAGES["libforkexec.7"], re.S | re.M).group(1)
    known = set(re.findall(r"^[:][\[ ] (\w+)$", PAGES["fe_error.3"], re.M))
    order = []
    for item in re.findall(r"^\. (.*(?:\n  .*)*)", listed, re.M):
        order += [step for step in re.findall(r"\w+", item) if step in known]
    for command in open("packaging/tests/plans.list").read().splitlines():
        if command.startswith("#") or not command:
            continue
        said = subprocess.run([os.environ["FORKEXEC"], "--explain", *shlex.split(command)], capture_output=True, text=True)
        if said.returncode != 0:
            wrong("not explained:", command, said.stderr)
        at = 0
        for line in said.stdout.splitlines()[1:]:
            step = re.sub("^action_.*", "action_open", re.match(r"\w+", line).group(0))
            # Made undumpable at some point before the credentials; written by the caller.
            if "prctl(4," in line or "by the caller" in line:
                continue
            while at < len(order) and order[at] != step:
                at += 1
            look(at < len(order), f"{step} is not in its place:", command)
            if at == len(order):
                break


def check_sections():
    for page, text in PAGES.items():
        wanted = "NAME SYNOPSIS DESCRIPTION " + {
            "3": "RETURN VALUE,ERRORS,EXAMPLES,VERSIONS,SEE ALSO", "7": "EXAMPLES,VERSIONS,NOTES,SEE ALSO",
            "1": "EXIT STATUS,ENVIRONMENT,EXAMPLES,SEE ALSO"}[page[-1]]
        for name in wanted.replace(" ", ",", 3).split(","):
            look(section(page, name), f"{page} has no", name)
        if page[-1] == "3":
            look("pkg-config --cflags --libs libforkexec" in section(page, "SYNOPSIS"), f"{page} does not say how to link")


def check_references():
    there = set(names())
    for page, text in PAGES.items():
        for name, number in set(re.findall(r"\*([\w.-]+)\*\((\d)\)", text)):
            look(f"{name}.{number}" in there, f"{page} refers to what there is not: {name}({number})")
        own = section(page, "SEE ALSO")
        look(page == "libforkexec.7" or "*libforkexec*(7)" in own, f"{page} does not lead to libforkexec(7)")
    for name in there - {"libforkexec.7", "fe_io.3", "fe_redirect.3", "fe_join.3", "fe_id_map.3", "fe_rlimit.3"}:
        base, number = name.rsplit(".", 1)
        look(f"*{base}*({number})" in section("libforkexec.7", "SEE ALSO"), "libforkexec(7) does not list", name)


def check_options():
    """Each option is in forkexec(1), in the group that --help has it in, and no other."""
    page = section("forkexec.1", "DESCRIPTION")
    documented = set()
    for group, text in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", page, re.S | re.M):
        said = subprocess.run([os.environ["FORKEXEC"], f"--help={group.lower()}"], capture_output=True, text=True, check=True)
        entries = "\n".join(line for line in text.splitlines() if line.startswith(("*--", "*-i")))
        here = set(re.findall(r"\*--([a-z0-9-]+)\*", entries))
        there = set(re.findall(r"(?:^|[ (\[])--([a-z][a-z0-9-]*)", said.stdout, re.M)) & options()
        # What is told there of others, as "(--pty)".
        others = set(re.findall(r"(?:no|behind|\(|with) ?--([a-z-]+)", said.stdout))
        look(here <= there and there - here <= others, f"{group}: not in both:", here ^ there)
        documented |= here
    for option in options() | documented:
        look(option in options() and option in documented, "not in both: --" + option)
    for option in set(re.findall(r"--([a-z][a-z0-9-]+)", PAGES["forkexec.1"])) - {"cflags"}:
        look(option in options(), "there is no --" + option)


def check_json():
    said = subprocess.run([os.environ["FORKEXEC"], "--json", "--capture", "true"], capture_output=True, text=True, check=True)
    rows = re.findall(r"^\|[\[ ] (.*)$", section("forkexec.1", "JSON"), re.M)
    listed = [name for row in rows for name in re.findall(r"\*(\w+)\*", row)]
    for name in set(json.loads(said.stdout)) ^ set(listed):
        wrong("not in both:", name)
    global looked_at
    looked_at += len(listed)


def check_kernels():
    """libforkexec(7) has the versions that the README has, row by row."""
    table = re.search(r"^\| what \| since \|.*?\n\|-.*?\n(.*?)\n\n", open("README.md").read(), re.S | re.M).group(1)
    readme = [row.split("|")[2].strip() for row in table.splitlines() if row.split("|")[2].strip()]
    page = re.findall(r"^:[\[ ] (\d+\.\d+)$", section("libforkexec.7", "VERSIONS"), re.M)
    look(len(page) > 15 and page == readme, "the README has", readme, "the page", page)


def check_width():
    """No line of code runs over 80 columns as it is shown."""
    for page in PAGES:
        shown = subprocess.run(f"mandoc -T utf8 -O width=80 {BUILD}/man/{page} | col -bx", shell=True, capture_output=True)
        for line in shown.stdout.decode().splitlines():
            look(len(line) <= 80, f"{page}: too wide: {line}")


def check_examples():
    """A block of EXAMPLES with "int main" is a whole program, /* NAME.c */ its first line. One that begins with a prompt is typed, after
    what was compiled before it in the same page, and its output compared, where ... is any text. # is the prompt of root, who else
    than root does not have."""
    for page in PAGES:
        shown = blocks(section(page, "EXAMPLES"))
        if page[-1] != "1":
            look(len(shown) >= 2, f"{page} has no example with its output")
        with tempfile.TemporaryDirectory() as place:
            os.chmod(place, 0o755)
            for block in shown:
                if "int main" in block:
                    build(page, block, place)
                elif block[:2] in ("$ ", "# "):
                    play(page, block, place)
                else:
                    wrong(f"{page}: neither a program nor typed:", block)


def build(page, block, place):
    name, kind = re.match(r"(?:/\*|//) (\w+)\.(c|cpp)\b", block).groups()
    source = f"{place}/{name}.{kind}"
    open(source, "w").write(block)
    compiler = shlex.split(os.environ["CC"]) + ["-std=c99"] if kind == "c" else shlex.split(os.environ["CXX"]) + ["-std=c++17"]
    library = [] if "<forkexec" not in block else ["-L" + BUILD, "-lforkexec"]
    done = subprocess.run(compiler + ["-Wall", "-Wextra", "-Werror", "-Iinclude", source, "-o", f"{place}/{name}"] + library,
                          capture_output=True, text=True)
    look(done.returncode == 0, f"{page}: {name}.{kind} does not compile:\n{done.stderr}")


def play(page, block, place):
    if block[0] == "#" and os.getuid() != 0:
        print(f"skipped: {page} {block.splitlines()[0]}", file=sys.stderr)
        return
    script, wanted, commands = "st=0\n", [], 0
    lines = iter(block.splitlines())
    for line in lines:
        if line.startswith(block[:2]):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            # As one session: a command sees the status of the one before.
            script += f"echo @{commands}\n(exit $st)\n{command}\nst=$?\n"
            wanted.append("@%d" % commands)
            commands += 1
        else:
            wanted.append(line)
    environment = dict(os.environ, PATH=os.path.dirname(os.environ["FORKEXEC"]) + ":/usr/bin:/bin")
    done = subprocess.run(["timeout", "30", "bash", "-c", script], cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    pattern = "".join(re.escape(line).replace(r"\.\.\.", ".*") + "\n" for line in wanted)
    look(re.fullmatch(pattern, done.stdout), f"{page} shows:\n{chr(10).join(wanted)}\nand it says:\n{done.stdout}")


if __name__ == "__main__":
    for check in sys.argv[1:]:
        globals()["check_" + check]()
    print(looked_at, "looked at")
