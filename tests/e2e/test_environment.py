# SPDX-License-Identifier: MIT
"""The environment, rule by rule (design.md 2), as every kind of program sees it.

Rows are the user's words and what is to be seen of them; viewers are programs that read their
environment each in its own way. Needs no namespace and no proxy.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parent / "programs"
DEADLINE = 60  # seconds, for what takes milliseconds

P, Q = "http://p.test:3128", "http://q.test:8080"
S5, S5H = "socks5://s.test:1080", "socks5h://s.test:1080"
EVERY_PAIR = [v for n in ("http_proxy", "https_proxy", "all_proxy") for v in (n, n.upper())]
XET, XETHUB = "HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_XETHUB"
STATE = "HFPROXY_STATE"
CA_NAMES = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"]
CA_NAMES += ["PIP_CERT", "AWS_CA_BUNDLE", "CARGO_HTTP_CAINFO", "NODE_EXTRA_CA_CERTS"]
LOCAL_RANGES = "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,"
LOCAL_RANGES += "fc00::/7,fe80::/10"
LOCAL_NAMES = ".local,.internal,.svc,.cluster.local,.lan,.home.arpa,.localhost"


def own_addresses():
    """This machine's, by libc's getifaddrs(), without loopback and link-local ones."""

    class Sockaddr(ctypes.Structure):
        _fields_ = [("family", ctypes.c_ushort), ("data", ctypes.c_ubyte * 26)]

    class Interface(ctypes.Structure):
        pass

    Interface._fields_ = [
        ("next", ctypes.POINTER(Interface)),
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_uint),
        ("address", ctypes.POINTER(Sockaddr)),
    ]
    libc, first = ctypes.CDLL(None), ctypes.POINTER(Interface)()
    assert libc.getifaddrs(ctypes.byref(first)) == 0
    found, entry = [], first
    while entry:
        address = entry.contents.address
        if address and address.contents.family == socket.AF_INET:
            found.append(socket.inet_ntoa(bytes(address.contents.data[2:6])))
        elif address and address.contents.family == socket.AF_INET6:
            found.append(socket.inet_ntop(socket.AF_INET6, bytes(address.contents.data[6:22])))
        entry = entry.contents.next
    libc.freeifaddrs(first)
    return {a for a in found if not a.startswith(("127.", "fe80:")) and a != "::1"}


LOCAL = {"localhost", "127.0.0.1", "::1", "0.0.0.0", socket.gethostname()} | own_addresses()


@dataclass(frozen=True)
class Completed:
    """A no_proxy list: the user's part as it is, then what was missing of LOCAL, then `end`."""

    users: str
    end: str = ""

    def __eq__(self, value):
        if not isinstance(value, str) or not value.endswith(self.end):
            return False
        entries = value.removesuffix(self.end).split(",")
        mine = self.users.split(",") if self.users else []
        made, known = entries[len(mine) :], {entry.lower() for entry in mine}
        wanted = {entry for entry in LOCAL if entry.lower() not in known}
        return entries[: len(mine)] == mine and set(made) == wanted and len(made) == len(wanted)


@dataclass(frozen=True)
class Row:
    name: str
    env: dict  # the user's
    expect: dict  # what is to be seen; None: unset
    then: dict | None = None  # changed between a first process and the one that looks
    shown: dict | None = None  # what shells, and programs without the library, see instead


def both(name, value):
    return {name.lower(): value, name.upper(): value}


def many(names, value):
    return dict.fromkeys(names, value)


# The ports of the fixture `ports`: two that answer a connect, two that refuse it.
LIVE, LIVE2, DEAD, DEAD2 = (f"http://127.0.0.1:{{{name}}}" for name in ("live", "live2", "dead", "dead2"))

ROWS = [
    # one spelling set: the other gets the same value
    *(
        Row(f"mirrors {name}", {name: P}, both(name, P))
        for lower in ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy")
        for name in (lower, lower.upper())
    ),
    Row("mirrors no_proxy", {"no_proxy": "a"}, both("no_proxy", "a")),
    Row("mirrors NO_PROXY", {"NO_PROXY": "a"}, both("no_proxy", "a")),
    Row("leaves equal ones", both("https_proxy", P), both("https_proxy", P) | {"no_grpc_proxy": None}),
    Row("does nothing without a proxy", {}, many([*EVERY_PAIR, "no_proxy", "NO_PROXY", XET, STATE], None)),
    # empty
    Row("takes upper for empty lower", {"https_proxy": "", "HTTPS_PROXY": P}, both("https_proxy", P)),
    Row("takes lower for empty upper", {"https_proxy": P, "HTTPS_PROXY": ""}, both("https_proxy", P)),
    Row("leaves two empty ones", both("https_proxy", ""), both("https_proxy", "") | {"no_proxy": None}),
    Row("leaves one empty one", {"HTTPS_PROXY": ""}, {"https_proxy": None, "HTTPS_PROXY": ""}),
    Row("takes upper no_proxy for empty lower", {"no_proxy": "", "NO_PROXY": "a"}, both("no_proxy", "a")),
    # different
    Row("prefers lower", {"https_proxy": P, "HTTPS_PROXY": Q}, both("https_proxy", P)),
    Row("prefers lower no_proxy", {"no_proxy": "a", "NO_PROXY": "b"}, both("no_proxy", "a")),
    Row("prefers a live upper", {"https_proxy": DEAD, "HTTPS_PROXY": LIVE}, both("https_proxy", LIVE)),
    Row("prefers a live lower", {"https_proxy": LIVE, "HTTPS_PROXY": DEAD}, both("https_proxy", LIVE)),
    Row("prefers lower of two live", {"https_proxy": LIVE, "HTTPS_PROXY": LIVE2}, both("https_proxy", LIVE)),
    Row("prefers lower of two dead", {"https_proxy": DEAD, "HTTPS_PROXY": DEAD2}, both("https_proxy", DEAD)),
    Row(
        "obeys PREFER=lower",
        {"https_proxy": DEAD, "HTTPS_PROXY": LIVE, "HFPROXY_PREFER": "lower"},
        both("https_proxy", DEAD),
    ),
    Row(
        "obeys PREFER=upper",
        {"https_proxy": P, "HTTPS_PROXY": Q, "HFPROXY_PREFER": "upper"},
        both("https_proxy", Q),
    ),
    Row(
        "obeys PREFER=keep",
        {"https_proxy": "p.test", "HTTPS_PROXY": Q, "HTTP_PROXY": P, "HFPROXY_PREFER": "keep"},
        {"https_proxy": "http://p.test:80", "HTTPS_PROXY": Q, "http_proxy": P},
    ),
    Row(
        "takes a bad PREFER for the default",
        {"https_proxy": P, "HTTPS_PROXY": Q, "HFPROXY_PREFER": "left"},
        both("https_proxy", P),
    ),
    # all_proxy
    Row("fills from ALL_PROXY", {"ALL_PROXY": P}, many(EVERY_PAIR, P) | {"ftp_proxy": None}),
    Row(
        "fills what is unset only",
        {"all_proxy": P, "http_proxy": Q},
        both("http_proxy", Q) | both("https_proxy", P),
    ),
    Row("fills what is empty", {"all_proxy": P, "https_proxy": ""}, both("https_proxy", P)),
    Row(
        "does not fill from SOCKS",
        {"all_proxy": S5H, "HFPROXY_SOCKS": "env"},
        many(EVERY_PAIR[:4], None) | both("all_proxy", S5H),
    ),
    # SOCKS: hidden from clients, whatever they can speak
    Row(
        "Clash",
        {"http_proxy": P, "https_proxy": P, "all_proxy": S5},
        many(EVERY_PAIR[:4], P) | both("all_proxy", None) | both("no_proxy", Completed("")),
        shown=many(EVERY_PAIR[:4], P) | both("all_proxy", S5) | both("no_proxy", Completed("")),
    ),
    Row(
        "GNOME",
        {"http_proxy": f"{P}/", "https_proxy": f"{P}/", "ftp_proxy": f"{P}/", "all_proxy": "socks://s.test:1080/"},
        many(EVERY_PAIR[:4], f"{P}/") | both("ftp_proxy", f"{P}/") | both("all_proxy", None),
        shown=many(EVERY_PAIR[:4], f"{P}/") | both("all_proxy", f"{S5H}/"),
    ),
    Row(
        "SOCKS alone",
        {"ALL_PROXY": S5H},
        many(EVERY_PAIR, None) | {"no_grpc_proxy": None},
        shown=many(EVERY_PAIR[:4], S5) | both("all_proxy", S5H) | {"no_grpc_proxy": None},
    ),
    Row(
        "SOCKS for one",
        {"http_proxy": P, "HTTPS_PROXY": "socks://s.test"},
        both("http_proxy", P) | both("https_proxy", None),
        shown=both("http_proxy", P) | both("https_proxy", S5),
    ),
    Row(
        "SOCKS by the URL",
        {"HFPROXY_URL": S5H, "https_proxy": Q},
        many(EVERY_PAIR, None),
        shown=many(EVERY_PAIR[:4], S5) | both("all_proxy", S5H),
    ),
    Row(
        "SOCKS first of a list",
        {"HFPROXY_URL": f"{S5H},{P}"},
        many(EVERY_PAIR, None),
        shown=many(EVERY_PAIR[:4], S5) | both("all_proxy", S5H),
    ),
    Row("HTTP first of a list", {"HFPROXY_URL": f"{P},{S5H}"}, many(EVERY_PAIR, P)),
    Row("SOCKS without a tunnel", {"all_proxy": S5, "HFPROXY_TUNNEL": "off"}, both("all_proxy", S5)),
    Row("a newer word beats what is hidden", {"all_proxy": S5}, many(EVERY_PAIR, P), then={"all_proxy": P}),
    Row(
        "a shell's unset counts",
        {"ALL_PROXY": S5},
        many([*EVERY_PAIR, "no_proxy", "NO_PROXY"], None),
        then={"all_proxy": None, "ALL_PROXY": None},
    ),
    Row(
        "what was hidden comes back",
        {"all_proxy": S5, "http_proxy": P},
        both("https_proxy", None) | both("all_proxy", S5) | both("http_proxy", P),
        then={"HFPROXY_SOCKS": "env"},
    ),
    # HFPROXY_ONLY
    Row(
        "a list hides them all",
        {"https_proxy": P, "HFPROXY_ONLY": "hf"},
        many(EVERY_PAIR, None),
        shown=both("https_proxy", P) | both("all_proxy", None),
    ),
    Row(
        "and what is filled",
        {"ALL_PROXY": "p.test:3128", "HFPROXY_ONLY": "hf"},
        many(EVERY_PAIR, None),
        shown=many(EVERY_PAIR, P),
    ),
    # SOCKS spelt as GNOME does, damage
    Row(
        "respells socks",
        {"ALL_PROXY": "socks://127.0.0.1:7890/", "HFPROXY_SOCKS": "env"},
        both("all_proxy", "socks5h://127.0.0.1:7890/"),
    ),
    Row("takes quotes off", {"HTTPS_PROXY": f'"{P}"'}, both("https_proxy", P)),
    Row("takes other quotes off", {"HTTPS_PROXY": f"'{P}'"}, both("https_proxy", P)),
    Row("takes a CR off", {"https_proxy": f"{P}\r"}, both("https_proxy", P)),
    Row("takes blanks off", {"https_proxy": f"  {P}\t"}, both("https_proxy", P)),
    Row("adds a scheme", {"https_proxy": "p.test:3128"}, both("https_proxy", P)),
    Row("adds a port", {"https_proxy": "http://p.test"}, both("https_proxy", "http://p.test:80")),
    Row(
        "encodes a password",
        {"https_proxy": "CORP\\user:p@ss#w/rd@p.test:3128"},
        both("https_proxy", "http://CORP%5Cuser:p%40ss%23w%2Frd@p.test:3128"),
    ),
    Row(
        "does not encode twice",
        {"https_proxy": "http://u:p%40ss%2Frd@p.test:3128"},
        both("https_proxy", "http://u:p%40ss%2Frd@p.test:3128"),
    ),
    Row("leaves an unreadable one", {"https_proxy": "http://[x"}, {"https_proxy": "http://[x", "HTTPS_PROXY": None}),
    Row("takes upper for unreadable lower", {"https_proxy": "ftp://x", "HTTPS_PROXY": P}, both("https_proxy", P)),
    # CGI
    Row(
        "does not mirror HTTP_PROXY under CGI",
        {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"},
        {"http_proxy": None, "HTTP_PROXY": P},
    ),
    Row("nor with an empty REQUEST_METHOD", {"HTTP_PROXY": P, "REQUEST_METHOD": ""}, {"http_proxy": None}),
    Row("mirrors HTTPS_PROXY under CGI", {"HTTPS_PROXY": P, "REQUEST_METHOD": "GET"}, both("https_proxy", P)),
    Row(
        "trusts lower under CGI",
        {"http_proxy": P, "HTTP_PROXY": Q, "REQUEST_METHOD": "GET", "HFPROXY_PREFER": "upper"},
        both("http_proxy", P),
    ),
    Row(
        "drops the twin under CGI",
        {"HTTP_PROXY": P},
        {"http_proxy": None, "HTTP_PROXY": P},
        then={"REQUEST_METHOD": "GET"},
    ),
    # no_proxy
    Row("completes no_proxy", {"https_proxy": P}, both("no_proxy", Completed(""))),
    Row(
        "keeps what no_proxy has",
        {"https_proxy": P, "no_proxy": "corp.test,LOCALHOST,127.0.0.1"},
        both("no_proxy", Completed("corp.test,LOCALHOST,127.0.0.1")),
    ),
    Row("leaves a star alone", {"https_proxy": P, "no_proxy": "*"}, both("no_proxy", "*")),
    Row(
        "mends no_proxy",
        {"https_proxy": P, "NO_PROXY": "[::1];*.corp.test fd00::/8,10.0.0.0/8"},
        both("no_proxy", Completed("::1,.corp.test,10.0.0.0/8")),
    ),
    Row("mends it without a proxy", {"no_proxy": "[::1];a"}, both("no_proxy", "::1,a")),
    # gRPC
    Row(
        "exempts gRPC where lower was made",
        {"HTTPS_PROXY": P, "NO_PROXY": "a"},
        {"no_grpc_proxy": Completed("a", f",{LOCAL_RANGES},{LOCAL_NAMES}")},
    ),
    Row("leaves gRPC where lower was set", {"https_proxy": P}, {"no_grpc_proxy": None}),
    Row("leaves a set no_grpc_proxy", {"HTTPS_PROXY": P, "no_grpc_proxy": "x"}, {"no_grpc_proxy": "x"}),
    # HFPROXY_URL
    Row("the URL fills all", {"HFPROXY_URL": "p.test:3128"}, many(EVERY_PAIR, P) | {"ftp_proxy": None}),
    Row(
        "the URL wins",
        {"HFPROXY_URL": P, "https_proxy": Q, "HTTPS_PROXY": Q, "all_proxy": "socks5://s:1"},
        many(EVERY_PAIR, P),
    ),
    Row(
        "a bad URL counts as unset",
        {"HFPROXY_URL": "http://", "https_proxy": Q},
        both("https_proxy", Q) | both("all_proxy", None),
    ),
    Row("an empty URL counts as unset", {"HFPROXY_URL": ""}, many(EVERY_PAIR, None)),
    Row(
        "a newer word beats the URL",
        {"HFPROXY_URL": P},
        both("https_proxy", Q) | both("http_proxy", P),
        then={"HTTPS_PROXY": Q},
    ),
    Row(
        "without the URL the old come back",
        {"HFPROXY_URL": P, "https_proxy": Q},
        both("https_proxy", Q) | both("http_proxy", None),
        then={"HFPROXY_URL": None},
    ),
    # what was made is never authoritative
    Row("a twin follows its source", {"HTTPS_PROXY": P}, both("https_proxy", Q), then={"HTTPS_PROXY": Q}),
    Row(
        "a twin goes with its source",
        {"HTTPS_PROXY": P},
        both("https_proxy", None) | both("no_proxy", None) | {"no_grpc_proxy": None, STATE: None},
        then={"HTTPS_PROXY": None},
    ),
    Row("a twin that is set wins", {"HTTPS_PROXY": P}, both("https_proxy", Q), then={"https_proxy": Q}),
    Row("a lost twin is made again", {"HTTPS_PROXY": P}, both("https_proxy", P), then={"https_proxy": None}),
    Row("what was filled follows", {"ALL_PROXY": P}, many(EVERY_PAIR, Q), then={"ALL_PROXY": Q}),
    Row("what was filled goes", {"ALL_PROXY": P}, many(EVERY_PAIR, None), then={"ALL_PROXY": None}),
    Row(
        "the loser comes back",
        {"https_proxy": P, "HTTPS_PROXY": Q},
        both("https_proxy", Q),
        then={"https_proxy": None},
    ),
    Row("the choice stands", {"https_proxy": DEAD, "HTTPS_PROXY": LIVE}, both("https_proxy", LIVE), then={"X": "x"}),
    Row(
        "no_proxy stays the user's",
        {"https_proxy": P, "no_proxy": "a"},
        both("no_proxy", Completed("b")),
        then={"no_proxy": "b"},
    ),
    Row(
        "a damaged state counts as none",
        {"HTTPS_PROXY": P},
        both("https_proxy", P),
        then={STATE: "1;#0", "HTTPS_PROXY": None},
    ),
    Row("nothing changes a second time", {"ALL_PROXY": f'"{P}"'}, many(EVERY_PAIR, P), then={"X": "x"}),
    # Xet
    Row("disables Xet by both names", {"HFPROXY_DISABLE_XET": "1"}, {XET: "1", XETHUB: "1", "no_proxy": None}),
    Row("leaves Xet on zero", {"HFPROXY_DISABLE_XET": "0"}, {XET: None, XETHUB: None}),
    Row("never overwrites the user's word", {"HFPROXY_DISABLE_XET": "1", XET: "0"}, {XET: "0", XETHUB: "1"}),
    Row("honours the name users were told", {XETHUB: "1"}, {XET: "1", XETHUB: "1"}),
    Row("but not where it is false", {XETHUB: "0"}, {XET: None}),
    Row(
        "Xet comes back",
        {"HFPROXY_DISABLE_XET": "1"},
        {XET: None, XETHUB: None, STATE: None},
        then={"HFPROXY_DISABLE_XET": None},
    ),
    # certificates
    Row(
        "fills the CA variables",
        {"HFPROXY_CA_BUNDLE": "/dev/null", "PIP_CERT": "/mine"},
        many(CA_NAMES, "/dev/null") | {"PIP_CERT": "/mine"},
    ),
    Row("fills none with what it cannot read", {"HFPROXY_CA_BUNDLE": "/nowhere"}, many(CA_NAMES, None)),
]

PYTHON = "import os, sys\nfor n in sys.argv[1:]:\n if n in os.environ: print(f'{n}={os.environ[n]}')"
NODE = "for (const n of process.argv.slice(1)) if (n in process.env) console.log(`${n}=${process.env[n]}`)"
BASH = 'for n; do [ -z "${!n+set}" ] || printf "%s=%s\\n" "$n" "${!n}"; done'
# A shell, a shell below it, and the program below that.
CHILD = 'sh -c \'"$@"; :\' sh "$0" environ "$@"; :'


@pytest.fixture(scope="session")
def viewers(tmp_path_factory):
    """The words that print "NAME=value" for those of the names behind them that are set."""
    directory = tmp_path_factory.mktemp("viewers")
    show, static, go = (directory / name for name in ("showenv", "showenv-static", "showenv-go"))
    subprocess.run(["gcc", "-o", show, PROGRAMS / "showenv.c"], check=True)
    subprocess.run(["gcc", "-static", "-o", static, PROGRAMS / "showenv.c"], check=True)
    build = os.environ | {"CGO_ENABLED": "0", "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", go, PROGRAMS / "showenv.go"], check=True, env=build)
    return {
        "getenv": [show, "getenv"],
        "secure_getenv": [show, "secure_getenv"],
        "environ": [show, "environ"],
        "python": ["/usr/bin/python3", "-c", PYTHON],
        "node": [shutil.which("node"), "-e", NODE],
        "bash": [shutil.which("bash"), "-c", BASH, "bash"],
        "child": ["/bin/sh", "-c", CHILD, show],
        "static": [static, "environ"],
        "go": [go],
    }


VIEWS = [(name, "preload") for name in ("getenv", "secure_getenv", "environ", "python", "node", "bash", "child")]
NO_CLIENTS = {"bash", "static", "go"}
VIEWS += [(name, "hfwrap") for name in ("getenv", "python", "child", "static", "go")]


@pytest.fixture(scope="session")
def ports():
    with contextlib.ExitStack() as stack:
        sockets = {name: stack.enter_context(socket.socket()) for name in ("live", "live2", "dead", "dead2")}
        for name, sock in sockets.items():
            sock.bind(("127.0.0.1", 0))  # nobody else gets it, listening or not
            if name.startswith("live"):
                sock.listen(1024)
        yield {name: sock.getsockname()[1] for name, sock in sockets.items()}


def changes(then):
    """env(1) as the first of two processes, and what it changes for the second."""
    words = [word for name, value in then.items() if value is None for word in ("-u", name)]
    return ["env", *words, *(f"{name}={value}" for name, value in then.items() if value is not None)]


def look(words, env, names):
    process = subprocess.run([*words, *names], env=env, capture_output=True, timeout=DEADLINE)
    assert (process.returncode, process.stderr) == (0, b"")
    seen = dict(os.fsdecode(line).split("=", 1) for line in process.stdout.split(b"\n") if line)
    return {name: seen.get(name) for name in names}


@pytest.mark.parametrize("view", VIEWS, ids="-".join)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_environment(row, view, viewers, ports, lib, hfwrap, tmp_path):
    viewer, how = view

    def filled(value):
        return value.format(**ports) if isinstance(value, str) else value

    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"}
    env |= {name: filled(value) for name, value in row.env.items()}
    # Its own exec makes hfwrap the first of two processes: without the library, `static` and `go`
    # see what its helper was given.
    start = [hfwrap, "-q", "--no-check", "--"] if how == "hfwrap" else []
    if how == "preload":
        env["LD_PRELOAD"] = str(lib)
    between = [*changes(row.then), *start] if row.then else []
    expect = row.shown if row.shown and viewer in NO_CLIENTS else row.expect
    seen = look([*start, *between, *viewers[viewer]], env, list(expect))
    assert {name: filled(value) for name, value in expect.items()} == seen


def test_every_own_address_is_exempt(viewers, lib, tmp_path):
    """In a namespace of its own, where they are known; on whatever interface they are."""
    given = ["192.0.2.7/24", "198.51.100.7/32", "2001:db8::7/64"]
    words = ["unshare", "-n" if os.getuid() == 0 else "-rn", "sh", "-ec"]
    words += ["ip link set lo up; " + "".join(f"ip addr add {a} dev lo; " for a in given) + 'exec "$@"', "sh"]
    words += ["env", f"LD_PRELOAD={lib}", f"https_proxy={P}", *viewers["environ"]]
    path = os.environ["PATH"] + ":/sbin:/usr/sbin"
    seen = look(words, {"PATH": path, "HOME": str(tmp_path)}, ["no_proxy", "NO_PROXY"])
    assert set(seen["no_proxy"].split(",")) >= {a.partition("/")[0] for a in given}
    assert seen["NO_PROXY"] == seen["no_proxy"]
