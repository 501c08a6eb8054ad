# SPDX-License-Identifier: MIT
"""Children without the library, static ones and Go's, see the proxy that is hidden from their parent
(design.md 2, the exec family), whatever program starts them; and an environment that a program
makes for its child means what it says. Needs no namespace and no proxy.
"""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
PROGRAMS = HERE / "programs"
DEADLINE = 60  # seconds, for what takes milliseconds

P, Q, S = "http://p.test:3128", "http://q.test:8080", "socks5h://s.test:1080"
FILLED = "socks5://s.test:1080"  # what Go knows
NAMES = [v for n in ("http_proxy", "https_proxy", "all_proxy") for v in (n, n.upper())]


def both(name, value):
    return {name.lower(): value, name.upper(): value}


def web(value):
    return both("http_proxy", value) | both("https_proxy", value)


NOTHING = dict.fromkeys(NAMES)
# What a user has, what is to be seen of it by a child without the library.
SETUPS = {
    "socks": ({"all_proxy": S}, web(FILLED) | both("all_proxy", S)),
    "clash": (web(P) | both("all_proxy", S), web(P) | both("all_proxy", S)),
    "gnome": ({"ALL_PROXY": "socks://s.test:1080/"}, web(f"{FILLED}/") | both("all_proxy", f"{S}/")),
    "url": ({"HFPROXY_URL": S}, web(FILLED) | both("all_proxy", S)),
    "http": ({"HTTPS_PROXY": P}, NOTHING | both("https_proxy", P)),
}


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """made(NAME): a program of programs/, built once."""
    directory = tmp_path_factory.mktemp("made")
    go = os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off"}
    commands = {
        "static": ["gcc", "-static", PROGRAMS / "showenv.c"],
        "musl": ["musl-gcc", "-static", PROGRAMS / "showenv.c"],
        "go": ["go", "build", PROGRAMS / "showenv.go"],
        "goproxy": ["go", "build", PROGRAMS / "goproxy.go"],
        "starts": ["gcc", PROGRAMS / "starts.c"],
        "starts-musl": ["musl-gcc", PROGRAMS / "starts.c"],
        "classes": ["javac", HERE / "clients" / "Start.java"],
    }

    def make(name):
        target = directory / name
        if not target.exists():
            words = commands[name]
            at = 2 if words[0] == "go" else 1
            option = "-d" if name == "classes" else "-o"
            line = [*words[:at], option, target, *words[at:]]
            subprocess.run(line, check=True, env=go, capture_output=True)
        return target

    return make


@pytest.fixture
def look(lib, hfwrap, tmp_path):
    """What a child prints, as {NAME: VALUE} of NAMES; None: unset."""

    def call(words, env, how="preload"):
        full = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOME": str(tmp_path), "LANG": "C.UTF-8"}
        full |= env
        if how == "preload":
            full["LD_PRELOAD"] = str(lib)
        elif how == "hfwrap":
            words = [hfwrap, "-q", "--no-check", "--", *words]
        done = subprocess.run([str(w) for w in words], env=full, capture_output=True, timeout=DEADLINE)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    return call


def seen(text):
    found = dict(line.split("=", 1) for line in text.splitlines())
    return {name: found.get(name) for name in NAMES}


# ---- every program that starts others ----

PYTHON = "/usr/bin/python3"
HIDDEN = "import os, sys; assert not any(n in os.environ for n in sys.argv[1].split(',') if n); "


def python(code):
    """CODE starts sys.argv[2:]. Python itself sees nothing of what is hidden from it (argv[1])."""
    return lambda argv, hidden: [PYTHON, "-c", HIDDEN + code, ",".join(hidden), *argv]


def node(code):
    return lambda argv, hidden: ["node", "-e", code, *argv]


def words(*prefix):
    return lambda argv, hidden: [*prefix, *argv]


NODE = "const [c, ...a] = process.argv.slice(1), p = require('child_process'); "
QUOTED = "' '.join(map(shlex.quote, sys.argv[2:]))"
STARTERS = {
    "python-subprocess": python("import subprocess; subprocess.run(sys.argv[2:], check=True)"),
    "python-fork": python(
        "import subprocess; subprocess.run(sys.argv[2:], check=True, preexec_fn=lambda: None)"
    ),
    "python-spawn": python(
        "p = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ); os.waitpid(p, 0)"
    ),
    "python-subprocess-spawn": python(
        "import subprocess; subprocess.run(sys.argv[2:], check=True, close_fds=False)"
    ),
    "python-execv": python("os.execv(sys.argv[2], sys.argv[2:])"),
    "python-execlp": python("os.execlp(*sys.argv[2:3], *sys.argv[2:])"),
    "python-env-copy": python(
        "import subprocess; subprocess.run(sys.argv[2:], check=True, env=dict(os.environ, A='1'))"
    ),
    "python-system": python(f"import shlex; assert os.system({QUOTED}) == 0"),
    "python-popen": python(f"import shlex; print(os.popen({QUOTED}).read(), end='')"),
    "bash": words("bash", "-c", '"$@"; :', "bash"),
    "bash-exec": words("bash", "-c", 'exec "$@"', "bash"),
    "sh": words("sh", "-c", '"$@"; :', "sh"),
    "env": words("env", "A=1"),
    "env-shell-env": words("env", "sh", "-c", 'env "$@"; :', "sh"),
    "timeout": words("timeout", "50"),
    "find": lambda argv, hidden: ["find", "/etc/passwd", "-exec", *argv, ";"],
    "git": lambda argv, hidden: ["git", "look", *argv[1:]],
    "git-alias": lambda argv, hidden: ["git", "-c", f"alias.x=!{argv[0]}", "x", *argv[1:]],
    "perl-system": words("perl", "-e", "exit system { $ARGV[0] } @ARGV"),
    "perl-exec": words("perl", "-e", "exec { $ARGV[0] } @ARGV"),
    "perl-pipe": words("perl", "-e", 'open(my $f, "-|", @ARGV); print <$f>'),
    "node-spawn": node(NODE + "process.exit(p.spawnSync(c, a, {stdio: 'inherit'}).status)"),
    "node-env": node(
        NODE + "process.exit(p.spawnSync(c, a, {stdio: 'inherit', env: {...process.env, A: 1}}).status)"
    ),
    "node-async": node(NODE + "p.execFile(c, a, (e, out) => { process.stdout.write(out) })"),
    "node-shell": node(NODE + "process.stdout.write(p.execSync([c, ...a].join(' ')))"),
    "java": lambda argv, hidden: ["java", "-cp", "{classes}", "Start", *argv],
    "system": lambda argv, hidden: ["{starts}", "system", " ".join(argv)],
    "popen": lambda argv, hidden: ["{starts}", "popen", " ".join(argv)],
    "wordexp": lambda argv, hidden: ["{starts}", "wordexp", " ".join(argv)],
    "musl-system": lambda argv, hidden: ["{starts-musl}", "system", " ".join(argv)],
    "musl-popen": lambda argv, hidden: ["{starts-musl}", "popen", " ".join(argv)],
    "musl-execl": words("{starts-musl}", "execl"),
    "musl-spawn": words("{starts-musl}", "spawn"),
}


def child_of(starter, program, made, tmp_path, hidden=()):
    """The words that make STARTER start PROGRAM with NAMES."""
    show = made(program)
    argv = [str(show)] + ([] if program == "go" else ["environ"]) + NAMES
    (tmp_path / "git-look").symlink_to(show)
    line = STARTERS[starter](argv, hidden)
    filled = {"{starts}": "starts", "{starts-musl}": "starts-musl", "{classes}": "classes"}
    return [str(made(filled[word])) if word in filled else word for word in line]


@pytest.mark.parametrize("how", ["preload", "hfwrap"])
@pytest.mark.parametrize("starter", STARTERS)
def test_a_static_child_sees_the_proxy(starter, how, made, look, tmp_path):
    env, want = SETUPS["socks"]
    line = child_of(starter, "static", made, tmp_path, hidden=NAMES)
    assert seen(look(line, env, how)) == want


@pytest.mark.parametrize("program", ["static", "musl", "go"])
@pytest.mark.parametrize("setup", SETUPS)
def test_every_child_sees_every_set_up(setup, program, made, look, tmp_path):
    env, want = SETUPS[setup]
    for number, starter in enumerate(("python-subprocess", "sh", "perl-exec", "system")):
        directory = tmp_path / str(number)
        directory.mkdir()
        line = child_of(starter, program, made, directory)
        assert seen(look(line, env)) == want, starter


@pytest.mark.parametrize("starter", ["python-subprocess", "bash", "node-spawn", "env"])
@pytest.mark.parametrize("setup", SETUPS)
def test_go_goes_through_it(setup, starter, made, look, tmp_path):
    env, want = SETUPS[setup]
    urls = ["https://far.test/", "http://far.test/", "http://localhost/"]
    line = STARTERS[starter]([str(made("goproxy")), *urls], ())
    found = look(line, env | {"no_proxy": "near.test"}).split()
    assert found == [want["https_proxy"], want["http_proxy"] or "direct", "direct"]


def test_a_child_of_a_child_of_a_child(made, look, tmp_path):
    """Through programs that it is hidden from and programs that it is not."""
    env, want = SETUPS["socks"]
    nested = child_of("python-subprocess", "static", made, tmp_path, hidden=NAMES)
    (tmp_path / "git-look").unlink()
    for starter in ("sh", "perl-system", "node-spawn", "env", "find", "bash"):
        nested = STARTERS[starter]([str(word) for word in nested], ())
    assert seen(look(nested, env)) == want


def test_the_users_environment_comes_back(made, look, tmp_path):
    """With the library or without it, and nothing piles up on the way."""
    env, _ = SETUPS["clash"]
    states = set()
    line = ["/usr/bin/python3", "-c", "import os; print(os.environ['HFPROXY_STATE'])"]
    for _ in range(4):
        states.add(look(line, env))
        line = STARTERS["python-subprocess"](line, ())
    assert len(states) == 1


# ---- what a program says of its child's environment holds ----


@dataclass(frozen=True)
class Meant:
    name: str
    starter: object  # (argv) -> words
    want: dict
    env: dict = field(default_factory=lambda: {"all_proxy": S})


def env_of(expression):
    code = f"import os, subprocess, sys; subprocess.run(sys.argv[1:], check=True, env={expression})"
    return lambda argv: [PYTHON, "-c", code, *argv]


def changed(code):
    code = f"import os, subprocess, sys; {code}; subprocess.run(sys.argv[1:], check=True)"
    return lambda argv: [PYTHON, "-c", code, *argv]


def shell(code):
    return lambda argv: ["sh", "-c", f'{code}; "$@"; :', "sh", *argv]


SOCKS = SETUPS["socks"][1]
MEANT = [
    Meant("env -i", lambda argv: ["env", "-i", *argv], NOTHING),
    Meant("env -i in Python", lambda argv: [PYTHON, "-c", "import os,sys;os.execvp('env',sys.argv)", "-i", *argv], NOTHING),
    Meant("env -u both", lambda argv: ["env", "-u", "all_proxy", "-u", "ALL_PROXY", *argv], NOTHING),
    Meant("env -u all_proxy", lambda argv: ["env", "-u", "all_proxy", *argv], NOTHING),
    Meant("env -u ALL_PROXY", lambda argv: ["env", "-u", "ALL_PROXY", *argv], SOCKS | {"ALL_PROXY": None}),
    Meant("env -u in a shell", lambda argv: ["sh", "-c", 'env -u all_proxy "$@"; :', "sh", *argv], NOTHING),
    Meant("unset", shell("unset all_proxy"), NOTHING),
    Meant("unset both", shell("unset all_proxy ALL_PROXY"), NOTHING),
    Meant("export", shell(f"export all_proxy={Q}"), NOTHING | {"all_proxy": Q}),
    Meant("an assignment", lambda argv: ["sh", "-c", f'https_proxy={Q} "$@"; :', "sh", *argv],
          SOCKS | {"https_proxy": Q, "HTTPS_PROXY": None}),
    Meant("env={}", env_of("{}"), NOTHING),
    Meant("env of another", env_of(f"{{'https_proxy': {Q!r}}}"), NOTHING | {"https_proxy": Q}),
    Meant("a copy", env_of("dict(os.environ)"), SOCKS),
    Meant("a copy without the state", env_of("{k: v for k, v in os.environ.items() if k != 'HFPROXY_STATE'}"), NOTHING),
    Meant("a copy with another ALL_PROXY", env_of(f"{{**os.environ, 'ALL_PROXY': {Q!r}}}"), NOTHING | {"ALL_PROXY": Q}),
    Meant("a copy with an empty one", env_of("{**os.environ, 'all_proxy': ''}"), NOTHING | {"all_proxy": ""}),
    Meant("a copy with another https_proxy", env_of(f"{{**os.environ, 'https_proxy': {Q!r}}}"),
          SOCKS | {"https_proxy": Q, "HTTPS_PROXY": None}),
    Meant("clear", changed("os.environ.clear()"), NOTHING),
    Meant("set late", changed(f"os.environ['all_proxy'] = {Q!r}"), NOTHING | {"all_proxy": Q}),
    Meant("a twin whose source is another", env_of(f"{{**os.environ, 'HTTPS_PROXY': {Q!r}}}"),
          NOTHING | {"HTTPS_PROXY": Q}, {"HTTPS_PROXY": P}),
    Meant("a twin whose source is gone", env_of("{k: v for k, v in os.environ.items() if k != 'HTTPS_PROXY'}"),
          NOTHING, {"HTTPS_PROXY": P}),
    Meant("a twin that is gone", env_of("{k: v for k, v in os.environ.items() if k != 'https_proxy'}"),
          NOTHING | {"HTTPS_PROXY": P}, {"HTTPS_PROXY": P}),
    Meant("what was filled goes", lambda argv: ["env", "-u", "ALL_PROXY", *argv], NOTHING, {"ALL_PROXY": P}),
]  # fmt: skip


@pytest.mark.parametrize("meant", MEANT, ids=lambda meant: meant.name)
def test_an_environment_means_what_it_says(meant, made, look):
    line = meant.starter([str(made("static")), "environ", *NAMES])
    assert seen(look(line, meant.env)) == meant.want


def test_without_a_proxy_nothing_is_added(made, look, tmp_path):
    line = child_of("python-subprocess", "static", made, tmp_path)
    assert seen(look(line, {})) == NOTHING
