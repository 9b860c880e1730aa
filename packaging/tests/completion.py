# SPDX-License-Identifier: BSD-3-Clause
"""completion.py SHELL SHARE: what an interactive shell makes of keys that are typed at its prompt, where SHARE is the installed
directory share. Prints a line for each case: its number, ok or not, and what it was."""
import os
import pty
import select
import signal
import sys
import tempfile
import time

# Typed behind "forkexec ", and the words that the command then gets.
CASES = [
    ("an option", "--suspe\t", "--suspend"),
    ("an option behind others", "--dir /tmp --close-others --shell-f\t", "--dir|/tmp|--close-others|--shell-fallback"),
    ("a signal", "--signal WINC\t", "--signal|WINCH"),
    ("a signal behind =", "--pdeathsig=VTA\t", "--pdeathsig=VTALRM"),
    ("a list of signals", "--sigmask HUP,WINC\t", "--sigmask|HUP,WINCH"),
    ("namespaces", "--unshare pid,mou\t", "--unshare|pid,mount"),
    ("a capability", "--ambient net_bi\t", "--ambient|net_bind_service"),
    ("a capability that is taken out", "--bounding all,-sys_ad\t", "--bounding|all,-sys_admin"),
    ("securebits", "--securebits keep_caps_l\t", "--securebits|keep_caps_locked"),
    ("a user", "--user nobod\t", "--user|nobody"),
    ("a limit", "--limit nof\t64", "--limit|nofile=64"),
    ("a way", "--way stag\t", "--way|staged"),
    ("a group of help", "--help=fil\t", "--help=files"),
    ("a directory", "--dir onl\t", "--dir|onlyhere/"),
    ("a source", "--fd 1=nul\t", "--fd|1=null:"),
    ("a path as source", "--fd 1=onlyhere/fi\t", "--fd|1=onlyhere/file"),
    ("a path that the child opens", "--fd 3=child:onlyhere/fi\t", "--fd|3=child:onlyhere/file"),
    ("a path of landlock", "--landlock ro:onl\t", "--landlock|ro:onlyhere/"),
    ("the command", "--timeout 5 sha256su\t", "--timeout|5|sha256sum"),
    ("the command behind a source", "--fd 1=out sha256su\t", "--fd|1=out|sha256sum"),
    ("the command behind --", "--setsid -- sha256su\t", "--setsid|--|sha256sum"),
    ("what the command takes", "--setsid --dir / ls --almost\t", "--setsid|--dir|/|ls|--almost-all"),
    ("what it takes behind --", "--env A=1 -- tar --extr\t", "--env|A=1|--|tar|--extract"),
    ("files of the command", "--setsid -- ls onl\t", "--setsid|--|ls|onlyhere/"),
    ("none of ours there", "-- ls --suspe\t", "--|ls|--suspe"),
    ("nor without --", "--setsid ls --suspe\t", "--setsid|ls|--suspe"),
]

# Prints what it gets, which the text that is typed does not contain.
SAYS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             ". /usr/share/bash-completion/bash_completion\nforkexec() { local IFS='|'; echo \"G\"\"OT<$*>\"; }\n"),
    "zsh": (["zsh", "-f", "-i"],
            "fpath=(SHARE/zsh/site-functions $fpath)\nautoload -Uz compinit\ncompinit -u -D\nunsetopt beep\n"
            "forkexec() { print -r -- \"G\"\"OT<${(j:|:)@}>\" }\n"),
    "fish": (["fish", "-i"], "function forkexec; printf 'G''OT<%s>\\n' (string join '|' -- $argv); end\n"),
}


class Terminal:
    def __init__(self, words, environment, directory):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(directory)
            os.execvpe(words[0], words, environment)
        self.text = ""

    def read(self, quiet):
        """Until nothing has come for that long."""
        while select.select([self.fd], [], [], quiet)[0]:
            try:
                self.text += os.read(self.fd, 65536).decode(errors="replace")
            except OSError:
                return

    def until(self, what, seconds):
        end = time.monotonic() + seconds
        while what not in self.text and time.monotonic() < end:
            self.read(0.05)
        return what in self.text

    def type(self, keys):
        os.write(self.fd, keys.encode())


def main():
    shell, share = sys.argv[1:]
    words, script = SAYS[shell]
    home = tempfile.mkdtemp()
    os.mkdir(home + "/onlyhere")
    open(home + "/onlyhere/file", "w").close()
    environment = {"PATH": "/usr/bin:/bin", "HOME": home, "TERM": "xterm", "LC_ALL": "C.UTF-8", "COLUMNS": "200", "PS1": "> ",
                   "BASH_COMPLETION_USER_DIR": share + "/bash-completion", "XDG_DATA_DIRS": share + ":/usr/share"}
    terminal = Terminal(words, environment, home)
    terminal.read(2)
    terminal.type(script.replace("SHARE", share))
    terminal.type("forkexec ready\n")
    if not terminal.until("GOT<ready>", 60):
        print("0 not the shell is not ready:", repr(terminal.text[-500:]))
    for number, (name, keys, wanted) in enumerate(CASES, 1):
        terminal.read(0.2)
        terminal.text = ""
        terminal.type("forkexec " + keys)
        terminal.read(0.5)
        terminal.type("\n")
        terminal.until("GOT<", 10)
        terminal.read(0.1)
        got = terminal.text.rpartition("GOT<")[2].partition(">")[0]
        # zsh takes back the / of a directory with which the line ends.
        good = wanted.removesuffix("/") == got.removesuffix("/")
        print(number, "ok" if good else "not", name if good else f"{name}: {got!r}, and not {wanted!r}")
    os.kill(terminal.pid, signal.SIGKILL)
    os.waitpid(terminal.pid, 0)


main()
