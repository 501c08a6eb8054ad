# SPDX-License-Identifier: MIT
"""Proxy or direct? 10,000 random cases of host, port and no_proxy, decided by curl with the same
environment, by core/route, and (a sample of them) by the library in a process.

    HFPROXY_DIFFERENTIAL_SEED=7  from that seed instead of the usual one

What we know and curl does not, so that curl cannot be the judge of it (each entry that is made of one
comes with its own answer):

  host:port        an entry for one port
  *.domain         curl takes the star for a letter
  * in a list      curl knows it alone
  10.*             a prefix, as Java writes it
  [::1]            curl wants no brackets
  0.0.0.0/0        curl 7.88 takes no bits for all bits
  2001:db8::/32    curl 7.88 compares IPv6 as text, and so gets no prefix right,
  2001:0db8::1     and no other spelling
  https://host     as httpx reads it
  a;b              semicolons between entries
  "a,b"            quotes around the list, as env files leave them

And what is judged by something else than no_proxy, so that it does not occur here: private and local
addresses, names without a dot, v4-mapped addresses (an IPv4 address to us), http:// on a port that only
all_proxy is for.
"""

import ipaddress
import json
import os
import random
import subprocess
import sys

import pytest

from conftest import BUILD, LIB, ROOT

SEED = int(os.environ.get("HFPROXY_DIFFERENTIAL_SEED", "1"))
GROUPS, HOSTS = 2500, 4
SAMPLE = 60  # groups for a process: it would take note of 64 set-ups
PROXY = "http://127.0.0.9:3128"
LABELS = "a b-c corp example huggingface hf co test x1 under_score long-label-0 xn--bcher-kva".split()
SETUPS = [("1", "1", "1"), ("1", "1", "0"), ("0", "1", "0"), ("1", "0", "0"), ("0", "0", "1")]


def random_case(rng, text):
    return "".join(rng.choice((c.lower(), c.upper())) for c in text)


def random_host(rng):
    kind = rng.random()
    if kind < 0.6:
        name = ".".join(rng.choice(LABELS) for _ in range(rng.randint(2, 4)))
        return random_case(rng, name) if rng.random() < 0.2 else name
    if kind < 0.85:
        return f"{rng.choice(('203.0.113', '198.51.100', '8.8.8', '1.0.0'))}.{rng.randint(1, 254)}"
    net = rng.choice((0x20010DB8, 0x26064700, 0x2A000000))
    return str(ipaddress.IPv6Address((net << 96) + rng.choice((1, rng.getrandbits(16), rng.getrandbits(96)))))


def address_of(host):
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def network(rng, address, longest):
    """A prefix that holds the address or one beside it, with or without host bits."""
    value = int(address) ^ (1 << rng.randint(0, longest - 1) if rng.random() < 0.4 else 0)
    bits, near = rng.randint(1, longest), type(address)(value)
    net = ipaddress.ip_network((near, bits), strict=False)
    return f"{near if rng.random() < 0.5 else net.network_address}/{bits}", net


def plain_entry(rng, host):
    """An entry that curl knows, for this host or nearly."""
    address = address_of(host)
    if not address:
        labels = host.split(".")
        tail = ".".join(labels[rng.randint(0, len(labels) - 1) :])
        forms = [host, tail, f".{tail}", f"{tail}.", f"x{tail}", tail[1:] or "x", f"x.{host}", f"y{host}."]
        entry = rng.choice(forms)
        return random_case(rng, entry) if rng.random() < 0.2 else entry
    if address.version == 6:
        entry = str(type(address)(int(address) ^ (rng.random() < 0.4)))
        return random_case(rng, entry)
    beside = type(address)(int(address) ^ (1 << rng.randint(0, 7)))
    forms = [host, str(beside), network(rng, address, 32)[0], f"{host}/32", f"{host}/33", host[:-1]]
    forms += [host.rsplit(".", 1)[0], f"{host}."[:-2] + "9", f".{host}"]
    return rng.choice(forms)


def extended_entry(rng, host, port):
    """An entry of which curl does not know, and whether it names this host at this port."""
    address = address_of(host)
    if rng.random() < 0.03:
        return "*", True
    if not address:
        tail = host.split(".", 1)[1]
        other = rng.choice((port, port + 1))
        return rng.choice(
            ((f"*.{tail}", True), (f"*.x{tail}", False), (f"{host}:{other}", other == port))
            + ((f".{tail}:{other}", other == port), (f"https://{host}/path", True))
        )
    if address.version == 4:
        first, second, _ = host.split(".", 2)
        return rng.choice(
            ((f"{first}.*", True), (f"{first}.{second}.*", True), (f"{first}.{int(second) ^ 1}.*", False))
            + (("0.0.0.0/0", True), (f"{host}:{port}", True), (f"{host}:{port + 1}", False))
        )
    text, net = network(rng, address, 128)
    return rng.choice(
        ((text, address in net), (f"[{text.split('/')[0]}]/{net.prefixlen}", address in net))
        + ((f"[{host}]", True), (f"[{host}]:{port}", True), (f"[{host}]:{port + 1}", False))
        + ((address.exploded, True), (address.exploded.upper(), True))
    )


class Group:
    """A set-up, a no_proxy, and some places to go to."""

    def __init__(self, rng, setup=None):
        self.setup = setup or rng.choice(SETUPS)
        ports = [443, 80] + [8080, 22, 8443] * (self.setup in (SETUPS[0], SETUPS[4]))
        self.places = [(random_host(rng), rng.choice(ports)) for _ in range(HOSTS)]
        entries = [plain_entry(rng, rng.choice(self.places)[0]) for _ in range(rng.randint(0, 4))]
        entries += [rng.choice(("", "*.", "localhost", "-", "."))] * (rng.random() < 0.2)
        rng.shuffle(entries)
        self.plain = entries[0] if entries else ""
        for entry in entries[1:]:
            self.plain += rng.choice((",", ", ", " ", ",,", "\t", " , ")) + entry
        if rng.random() < 0.02:
            self.plain = "*"
        self.more = rng.random() < 0.4 and extended_entry(rng, *self.places[0])
        self.full = self.plain.replace(",", ";") if rng.random() < 0.3 else self.plain
        if self.more:
            self.full = rng.choice((f"{self.more[0]},{self.full}", f"{self.full} {self.more[0]}"))
        if rng.random() < 0.1:
            self.full = f'"{self.full}"'


def environment(setup, no_proxy):
    names = ("http_proxy", "https_proxy", "all_proxy")
    env = {name: PROXY for name, is_set in zip(names, setup) if is_set == "1"}
    return env | {"no_proxy": no_proxy}


def ask_curl(groups):
    lines = []
    for group in groups:
        for host, port in group.places:
            literal = f"[{host}]" if ":" in host else host
            scheme = "https" if port == 443 else "http"
            if group.setup == SETUPS[4] and port != 443:
                scheme = "http"
            url = f"{scheme}://{literal}:{port}/"
            lines.append(json.dumps([environment(group.setup, group.plain), url, literal, port]))
    words = ["/usr/bin/python3", LIB / "curl_oracle.py"]
    done = subprocess.run(words, input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True)
    version, *answers = done.stdout.split("\n")[:-1]
    assert len(answers) == len(lines)
    assert "none" not in answers, lines[answers.index("none")]
    return version, answers


@pytest.fixture(scope="module")
def ask_core(tmp_path_factory):
    program = tmp_path_factory.mktemp("route") / "route"
    source = ROOT / "tests" / "e2e" / "programs" / "route.c"
    archive = BUILD / "src" / "libhfproxy-core.a"
    subprocess.run(["cc", f"-I{ROOT / 'src'}", "-o", program, source, archive], check=True)

    def ask(groups, which):
        lines = [
            "\x1f".join((*group.setup, host, str(port), getattr(group, which), "\n"))
            for group in groups
            for host, port in group.places
        ]
        done = subprocess.run([program], input="".join(lines), stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.splitlines()

    return ask


def cases(groups):
    return [(group, place) for group in groups for place in group.places]


def report(wrong, total):
    shown = "\n".join(wrong[:20])
    return f"seed {SEED}: {len(wrong)} of {total} cases differ:\n{shown}"


def test_core_decides_as_curl(ask_core):
    print(f"HFPROXY_DIFFERENTIAL_SEED={SEED}")
    rng = random.Random(SEED)
    groups = [Group(rng) for _ in range(GROUPS)]
    version, curls = ask_curl(groups)
    ours = ask_core(groups, "plain")
    assert len(ours) == len(curls) == GROUPS * HOSTS == 10000
    wrong = [
        f"{place} no_proxy={group.plain!r} {group.setup}: {version.split()[0]} {curl}, core {our}"
        for (group, place), curl, our in zip(cases(groups), curls, ours)
        if (our == "proxy") != (curl == "proxy")
    ]
    assert not wrong, report(wrong, len(ours))
    # both answers often enough to mean something
    assert min(curls.count("proxy"), curls.count("direct")) > 2000

    # the dialects of others: more entries, semicolons, quotes
    extended = ask_core(groups, "full")
    wrong, named = [], 0
    for (group, place), curl, our in zip(cases(groups), curls, extended):
        expected = curl
        if group.more and place == group.places[0]:
            expected = "direct" if group.more[1] else curl
            named += curl == "proxy" and group.more[1]
        elif group.more:
            continue  # that entry's answer is for one place only
        elif group.plain == "*":
            continue
        if (our == "proxy") != (expected == "proxy"):
            wrong.append(f"{place} no_proxy={group.full!r} {group.setup}: expected {expected}, core {our}")
    assert not wrong, report(wrong, len(extended))
    assert named > 100


CLIENT = """
import errno, json, os, socket, sys
for line in sys.stdin:
    no_proxy, places = json.loads(line)
    os.environ["no_proxy"] = no_proxy
    for host, port in places:
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, socket.SOCK_STREAM) as sock:
                print(errno.errorcode.get(sock.connect_ex(address), "0"))
        except socket.gaierror:
            print("unknown name")
"""


@pytest.mark.parametrize("part", [0, 1])
def test_the_library_decides_as_curl(part, bad, run):
    print(f"HFPROXY_DIFFERENTIAL_SEED={SEED}")
    rng = random.Random(f"{SEED} {part}")
    groups = [Group(rng, SETUPS[0]) for _ in range(SAMPLE)]
    _, curls = ask_curl(groups)
    proxy = bad("403")  # EACCES; without it there is no way to anywhere, and no name server
    names = ("http_proxy", "https_proxy", "all_proxy")
    lines = [json.dumps([group.plain, group.places]) for group in groups]
    env = {name: proxy.url for name in names}
    done = run([sys.executable, "-c", CLIENT], env, "preload", stdin="\n".join(lines))
    answers = done.stdout.splitlines()
    assert done.status == 0 and len(answers) == len(curls), done
    wrong = [
        f"{place} no_proxy={group.plain!r}: curl {curl}, the library {answer}"
        for (group, place), curl, answer in zip(cases(groups), curls, answers)
        if (answer == "EACCES") != (curl == "proxy")
    ]
    assert not wrong, report(wrong, len(answers))
    assert len(proxy.record()) == curls.count("proxy")
