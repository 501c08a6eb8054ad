# SPDX-License-Identifier: MIT
"""hfwrap: options, exit statuses, what COMMAND gets, and what is said about the proxy.

Every test runs hfwrap from the build tree and from an installed copy. Stand-alone: needs the build
directory (HFPROXY_BUILD, default build), compilers, and no network."""

import functools
import os
import platform
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HFPROXY_BUILD", "build")
PROGRAMS = Path(__file__).resolve().parent / "programs"
DEADLINE = 30  # seconds, for what takes milliseconds
PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
PROXY_VARIABLES += [name.upper() for name in PROXY_VARIABLES]


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """A copy by `meson install`, not where it was configured for: its parts are found there too."""
    stage = tmp_path_factory.mktemp("installed")
    subprocess.run(
        ["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", stage],
        check=True,
        capture_output=True,
    )
    return stage


@pytest.fixture(params=["build", "installed"])
def hfwrap(request):
    if request.param == "build":
        return BUILD / "scripts" / "hfwrap"
    (path,) = request.getfixturevalue("installed").rglob("bin/hfwrap")
    return path


@pytest.fixture
def lib(hfwrap):
    """The library that this hfwrap must use."""
    if hfwrap.is_relative_to(BUILD):
        return BUILD / "src" / "libhfproxy.so"
    (path,) = hfwrap.parents[1].rglob("libhfproxy.so")
    return path


@pytest.fixture
def run(hfwrap, tmp_path):
    """run(WORD..., env={...}): hfwrap with these words in a clean environment; bytes out."""

    def call(*words, env=None, program=hfwrap, **options):
        options = {"capture_output": True, "timeout": DEADLINE, "cwd": tmp_path, **options}
        full = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        full |= {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        return subprocess.run([program, *words], env=full | (env or {}), **options)

    return call


def environment(result):
    """What `env -0` printed."""
    assert result.returncode == 0, result.stderr
    entries = result.stdout.split(b"\0")[:-1]
    return dict(os.fsdecode(entry).split("=", 1) for entry in entries)


def lines(result):
    """hfwrap's own lines on stderr, without the prefix; nothing else may be there."""
    found = result.stderr.decode(errors="replace").splitlines()
    assert all(line.startswith("hfwrap: ") for line in found), found
    return [line.removeprefix("hfwrap: ") for line in found]


def compiled(target, *command):
    subprocess.run([*command], check=True, capture_output=True, cwd=PROGRAMS)
    return target


@pytest.fixture(scope="session")
def programs(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="session")
def showself(programs):
    target = programs / "showself"
    return compiled(target, "cc", "-o", target, "showself.c")


@pytest.fixture(scope="session")
def showenv(programs):
    target = programs / "showenv"
    return compiled(target, "cc", "-o", target, "showenv.c")


@pytest.fixture(scope="session")
def showenv_static(programs):
    target = programs / "showenv-static"
    return compiled(target, "cc", "-static", "-o", target, "showenv.c")


@pytest.fixture(scope="session")
def showenv_musl(programs):
    target = programs / "showenv-musl"
    return compiled(target, "musl-gcc", "-o", target, "showenv.c")


@pytest.fixture(scope="session")
def showenv_go(programs):
    target = programs / "showenv-go"
    return compiled(target, "env", "CGO_ENABLED=0", "go", "build", "-o", target, "showenv.go")


@pytest.fixture
def dead_port():
    """A port of 127.0.0.1 that refuses: bound, so nobody else gets it, but not listening."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def live_port():
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def silent_port():
    """A port that never answers: its queue is full, so the kernel drops every further SYN."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address, waiting = server.getsockname(), []
        while True:
            sock = socket.socket()
            waiting.append(sock)
            sock.settimeout(0.2)
            try:
                sock.connect(address)
            except TimeoutError:
                break
            assert len(waiting) < 20
        yield address[1]
        for sock in waiting:
            sock.close()


# Options and exit statuses


def test_help_goes_to_stdout(run):
    result = run("--help")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"Usage: hfwrap [options] [--] COMMAND")


def test_version(run):
    result = run("--version")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"hfwrap ") and result.stdout.count(b".") == 2


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "no command given (see hfwrap --help)"),
        (["--"], "no command given (see hfwrap --help)"),
        (["-q"], "no command given (see hfwrap --help)"),
        (["--nonsense", "true"], "unknown option '--nonsense' (see hfwrap --help)"),
        (["-z", "true"], "unknown option '-z' (see hfwrap --help)"),
        (["-xz", "true"], "unknown option '-z' (see hfwrap --help)"),
        (["--no-check=1", "true"], "unknown option '--no-check=1' (see hfwrap --help)"),
        (["-p"], "-p needs a value"),
        (["-n"], "-n needs a value"),
        (["--ca"], "--ca needs a value"),
        (["--log"], "--log needs a value"),
        (["--tunnel"], "--tunnel needs a value"),
        (["--only"], "--only needs a value"),
        (["--socks"], "--socks needs a value"),
        (["--dns"], "--dns needs a value"),
        (["-p", "", "true"], "-p needs a URL"),
        (["--log=", "true"], "--log needs a file"),
        (["--tunnel", "maybe", "true"], "--tunnel takes on, off or strict, not 'maybe'"),
        (["--tunnel=", "true"], "--tunnel takes on, off or strict, not ''"),
        (["--socks", "5", "true"], "--socks takes bridge or env, not '5'"),
        (["--dns=remote", "true"], "--dns takes proxy or local, not 'remote'"),
        (["--only", "", "true"], "--only needs a list"),
        (["--only=", "true"], "--only needs a list"),
        (["--ca", "nothing.pem", "true"], "cannot read 'nothing.pem'"),
        (["--ca=", "true"], "cannot read ''"),
        (["--ca", "/", "true"], "cannot read '/'"),
        (["--ca", "/dev/null", "true"], "cannot read '/dev/null'"),
        (["--ca", "/etc/passwd", "true"], "--ca: no certificate (PEM) in '/etc/passwd'"),
        (["--log", "/nowhere/log", "true"], "cannot write '/nowhere/log'"),
        (["--log", "/", "true"], "cannot write '/'"),
        (["--endpoint", "https://m.test", "true"], "--endpoint is not in this version yet"),
        (["--doctor"], "--doctor is not in this version yet"),
        (["--env"], "--env is not in this version yet"),
        (["--init", "bash"], "--init is not in this version yet"),
        (["--mirror", "dataset", "a/b", "."], "--mirror is not in this version yet"),
    ],
)
def test_refuses_with_125(run, words, said):
    result = run(*words)
    assert (result.returncode, result.stdout) == (125, b"")
    assert lines(result) == [said]


@pytest.mark.parametrize(
    "url",
    [
        " ",
        "http://",
        "ftp://h:1",
        "http://h:0",
        "http://h:65536",
        "http://u:hush@[::1:3",
        "http://h h:1",
        ",",
        "http://h:1,ftp://h:2",
        "ftp://h:1,http://h:2",
        "h:1,http://u:hush@h:0,h:2",
    ],
)
def test_refuses_an_unusable_url_without_showing_it(run, url):
    result = run("-p", url, "true")
    assert result.returncode == 125
    (line,) = lines(result)
    assert line.startswith("-p: not a proxy's URL") and "hush" not in line


@pytest.mark.parametrize(
    "words, status",
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["--", "sh", "-c", "exit 255"], 255),
        (["sh", "-c", "exit 125"], 125),
        (["/usr/bin/env", "sh", "-c", "exit 3"], 3),
    ],
)
def test_status_is_the_commands(run, words, status):
    result = run(*words)
    assert (result.returncode, result.stderr) == (status, b"")


@pytest.mark.parametrize(
    "command, status, said",
    [
        ("no-such-command", 127, "cannot run 'no-such-command': No such file or directory"),
        ("/no/such/command", 127, "cannot run '/no/such/command': No such file or directory"),
        ("", 127, "cannot run '': No such file or directory"),
        ("-", 127, "cannot run '-': No such file or directory"),
        ("two\nlines", 127, "cannot run 'two?lines': No such file or directory"),
        ("x" * 5000, 126, None),
        ("./directory", 126, "cannot run './directory': Is a directory"),
        ("./plain", 126, "cannot run './plain': Permission denied"),
        ("./plain/below", 126, "cannot run './plain/below': Not a directory"),
        ("./binary", 126, "cannot run './binary': Exec format error"),
        (
            "./orphan",
            127,
            "cannot run './orphan': its interpreter '/no/such/interpreter' was not found",
        ),
        ("./loaderless", 127, "cannot run './loaderless': its program loader was not found"),
    ],
)
def test_says_why_it_cannot_run(run, tmp_path, command, status, said):
    (tmp_path / "directory").mkdir()
    (tmp_path / "plain").write_text("no mode bits\n")
    (tmp_path / "binary").write_bytes(b"\x01\x00garbage\n")
    (tmp_path / "orphan").write_text("#!/no/such/interpreter -x\n")
    (tmp_path / "loaderless").write_bytes(elf(interp=b"/no/such/loader\0"))
    for name in ("binary", "orphan", "loaderless"):
        (tmp_path / name).chmod(0o755)
    result = run("-q", command)
    assert (result.returncode, result.stdout) == (status, b"")
    assert len(lines(result)) == 1 and (said is None or lines(result) == [said])


def test_what_is_not_executable_is_passed_over_on_path(run, tmp_path):
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    for directory in (first, second, third):
        directory.mkdir()
    (first / "tool").write_text("#!/bin/sh\necho wrong\n")
    (second / "tool").mkdir()
    (third / "tool").write_text("#!/bin/sh\necho right\n")
    (third / "tool").chmod(0o755)
    path = {"PATH": f"{first}:{second}:{third}:{os.environ['PATH']}"}
    assert run("tool", env=path).stdout == b"right\n"
    (third / "tool").unlink()
    result = run("tool", env=path)
    assert result.returncode == 126 and len(lines(result)) == 1


def test_an_empty_element_of_path_is_the_working_directory(run, tmp_path):
    (tmp_path / "here").write_text("#!/bin/sh\necho $0\n")
    (tmp_path / "here").chmod(0o755)
    assert run("here", env={"PATH": f":{os.environ['PATH']}"}).stdout == b"here\n"


# Words


@pytest.mark.parametrize("dashes", [[], ["--"], ["-q", "--"], ["-n", "a b"]])
@pytest.mark.parametrize(
    "words",
    [
        [],
        [""],
        ["", "", "a b", "  "],
        ["--", "--help", "-p", "-x"],
        ["a=b", "no_proxy=*", "=", "*", "$HOME", "`id`", "\\", "'", '"'],
        ["one\ntwo", "tab\t", "trailing\n", "\n"],
        [b"\xff\xfe".decode(errors="surrogateescape"), "ä€"],
    ],
)
def test_words_reach_the_command_as_they_are(run, showself, dashes, words):
    result = run(*dashes, showself, *words)
    _, *found = result.stdout.split(b"\0")[:-1]
    assert [os.fsdecode(word) for word in found] == [str(showself), *words]


@pytest.mark.parametrize("name", ["a b", "run=3", "-x", "--help", "new\nline", "$(id)", "ü"])
def test_an_entry_point_may_have_any_path(run, showself, tmp_path, name):
    (tmp_path / name).mkdir()
    program = tmp_path / name / name
    shutil.copy(showself, program)
    for command in (str(program), f"./{name}/{name}"):
        result = run("--", command, "", "-v")
        _, *found = result.stdout.split(b"\0")[:-1]
        assert [os.fsdecode(word) for word in found] == [command, "", "-v"]


def test_as_an_entrypoint(run, hfwrap, tmp_path):
    """The form that the README shows for containers."""
    entry = tmp_path / "entry point"
    entry.write_text('#!/bin/sh\nexec "$HFWRAP" -- "$@"\n')
    entry.chmod(0o755)
    words = ["printf", "<%s>", "a b", "", "-q", "x=y", "l\nm"]
    result = run(*words, program=entry, env={"HFWRAP": str(hfwrap)})
    assert (result.stdout, result.returncode) == (b"<a b><><-q><x=y><l\nm>", 0)


# What the options do


@pytest.mark.parametrize(
    "words, given, expected",
    [
        ([], {}, {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "error", "HFPROXY_URL": None}),
        (["-q"], {}, {"HFPROXY_LOG": None, "HFPROXY_LOG_LEVEL": None}),
        (["-v"], {}, {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "info"}),
        (["-v", "-q"], {}, {"HFPROXY_LOG": None}),
        (["-qv"], {}, {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "info"}),
        (
            ["-v"],
            {"HFPROXY_LOG_LEVEL": "debug"},
            {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "debug"},
        ),
        ([], {"HFPROXY_LOG_LEVEL": "warn"}, {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": "warn"}),
        ([], {"HFPROXY_LOG": "/dev/null"}, {"HFPROXY_LOG": "/dev/null", "HFPROXY_LOG_LEVEL": None}),
        (["-q"], {"HFPROXY_LOG": "/dev/null"}, {"HFPROXY_LOG": "/dev/null"}),
        (["-q"], {"HFPROXY_LOG": "-"}, {"HFPROXY_LOG": "-"}),
        (
            ["-v"],
            {"HFPROXY_LOG": "/dev/null"},
            {"HFPROXY_LOG": "/dev/null", "HFPROXY_LOG_LEVEL": "info"},
        ),
        ([], {"HFPROXY_LOG": ""}, {"HFPROXY_LOG": ""}),
        (["--log", "-"], {}, {"HFPROXY_LOG": "-", "HFPROXY_LOG_LEVEL": None}),
        (["--log", "/dev/null"], {"HFPROXY_LOG": "-"}, {"HFPROXY_LOG": "/dev/null"}),
        (["--log=/dev/null", "-q"], {}, {"HFPROXY_LOG": "/dev/null"}),
        (["-p", "http://127.0.0.1:1", "-q"], {}, {"HFPROXY_URL": "http://127.0.0.1:1"}),
        (["-phttp://127.0.0.1:1", "-q"], {}, {"HFPROXY_URL": "http://127.0.0.1:1"}),
        (["-p", "127.0.0.1:1", "-q"], {"HFPROXY_URL": "h:2"}, {"HFPROXY_URL": "127.0.0.1:1"}),
        (["-p", "h:1", "-p", "h:2", "-q"], {}, {"HFPROXY_URL": "h:2"}),
        (["-n", "a.test,b"], {"NO_PROXY": "old"}, {"no_proxy": "a.test,b", "NO_PROXY": "a.test,b"}),
        (
            ["-na.test"],
            {"no_proxy": "x", "NO_PROXY": "y"},
            {"no_proxy": "a.test", "NO_PROXY": "a.test"},
        ),
        (["-n", ""], {"no_proxy": "x"}, {"no_proxy": "", "NO_PROXY": ""}),
        (["--tunnel", "off"], {}, {"HFPROXY_TUNNEL": "off"}),
        (["--tunnel=on"], {"HFPROXY_TUNNEL": "off"}, {"HFPROXY_TUNNEL": "on"}),
        (["--tunnel", "strict"], {}, {"HFPROXY_TUNNEL": "strict"}),
        (["--socks", "env"], {}, {"HFPROXY_SOCKS": "env"}),
        (["--socks=bridge"], {"HFPROXY_SOCKS": "env"}, {"HFPROXY_SOCKS": "bridge"}),
        (["--dns", "local"], {}, {"HFPROXY_DNS": "local"}),
        (["--dns=proxy"], {"HFPROXY_DNS": "local"}, {"HFPROXY_DNS": "proxy"}),
        (["--only", "hf,pypi.org"], {}, {"HFPROXY_ONLY": "hf,pypi.org"}),
        (["--only=hf"], {"HFPROXY_ONLY": "x"}, {"HFPROXY_ONLY": "hf"}),
        (["-p", "h:1,socks5h://h:2", "-q"], {}, {"HFPROXY_URL": "h:1,socks5h://h:2", "https_proxy": "http://h:1"}),
        (["-qx"], {}, {"HFPROXY_DISABLE_XET": "1"}),
        ([], {}, {"HFPROXY_DISABLE_XET": None, "HFPROXY_CA_BUNDLE": None, "HFPROXY_TUNNEL": None}),
        ([], {}, {"HFPROXY_SOCKS": None, "HFPROXY_DNS": None, "HFPROXY_ONLY": None}),
    ],
)
def test_option_sets_variables(run, words, given, expected):
    found = environment(run(*words, "env", "-0", env=given))
    assert {name: found.get(name) for name in expected} == expected
    assert not [name for name in found if name.startswith("hfwrap_")]


def test_log_is_an_absolute_path(run, tmp_path):
    found = environment(run("--log", "here.log", "env", "-0"))
    assert found["HFPROXY_LOG"] == str(tmp_path / "here.log")


def test_options_end_at_the_first_operand(run):
    assert run("-q", "echo", "-x", "--help").stdout == b"-x --help\n"


def test_x_says_once_what_it_costs(run):
    assert lines(run("-x", "true")) == [
        "Xet is switched off: files over 50 GB cannot be downloaded"
    ]
    assert lines(run("-x", "-q", "true")) == []


# The preloaded library


def test_preloads_its_own_library(run, lib):
    found = environment(run("env", "-0"))
    assert found["LD_PRELOAD"] == str(lib)


@pytest.mark.parametrize("separator", [":", " "])
def test_what_was_preloaded_stays_behind_it(run, lib, tmp_path, programs, separator):
    others = []
    for name in ("one", "two"):
        target = programs / f"{name}.so"
        compiled(target, "cc", "-shared", "-fPIC", "-x", "c", "-o", target, "/dev/null")
        others.append(str(target))
    given = separator.join(others)
    found = environment(run("env", "-0", env={"LD_PRELOAD": given}))
    assert found["LD_PRELOAD"] == f"{lib}:{given}"


def test_run_inside_itself_changes_nothing(run, hfwrap, lib):
    once = environment(run("-p", "http://127.0.0.1:1", "-q", "env", "-0"))
    twice = environment(run("-p", "http://127.0.0.1:1", "-q", hfwrap, "-q", "env", "-0"))
    assert twice == once
    assert twice["LD_PRELOAD"] == str(lib)


@pytest.mark.parametrize(
    "since", [{}, {"https_proxy": "http://c.test:3"}, {"ALL_PROXY": "socks5://c.test:3"}]
)
def test_the_inner_p_wins_over_all_that_was_said_before(run, hfwrap, since):
    words = ["env", *(f"{name}={value}" for name, value in since.items())]
    words += [hfwrap, "-q", "-p", "b.test:2", "env", "-0"]
    found = environment(run("-q", "-p", "a.test:1", *words, env={"http_proxy": "http://x.test:9"}))
    proxies = {found[name] for name in PROXY_VARIABLES if not name.lower().startswith("no")}
    assert proxies == {"http://b.test:2"}


@pytest.mark.parametrize(
    "outer, inner, expected",
    [
        ([], [], ("-", "error")),
        ([], ["-q"], (None, None)),
        ([], ["-v"], ("-", "info")),
        (["-q"], [], ("-", "error")),
        (["-v"], [], ("-", "info")),
        (["--log", "/dev/null"], ["-q"], ("/dev/null", None)),
    ],
)
def test_the_inner_one_of_two_decides_about_the_log(run, hfwrap, outer, inner, expected):
    found = environment(run(*outer, hfwrap, *inner, "env", "-0"))
    assert (found.get("HFPROXY_LOG"), found.get("HFPROXY_LOG_LEVEL")) == expected


def test_the_library_is_in_the_process(run, lib):
    result = run("grep", "-m1", "-o", "[^ ]*libhfproxy.so", "/proc/self/maps")
    assert result.stdout == os.fsencode(lib) + b"\n"


# COMMAND's environment is the caller's

ODD = {
    "BASH_FUNC_module%%": "() { echo hi\n}",
    "with.dots": "1 2",
    "with-dash": "%41%\n\t",
    "ProgramFiles(x86)": "C:\\x",
    "9lives": "",
    "hfwrap_quiet": "mine",
    "hfwrap_dir": "",
    "hfwrap_given": "mine too\n",
    "hfwrap_unknown": "x",
    "IFS": ",",
    "OPTIND": "7",
    "PWD": "/elsewhere",
    "PS1": "> ",
    "PLAIN": "stays\n",
    "binary": b"\xff\x81\x88".decode(errors="surrogateescape"),
}


def shells():
    """Every shell that may be /bin/sh somewhere."""
    candidates = {
        "sh": ["sh"],
        "dash": ["dash"],
        "bash": ["bash", "--posix"],
        "busybox": ["busybox", "sh"],
    }
    return [pytest.param(v, id=k) for k, v in candidates.items() if shutil.which(v[0])]


@pytest.mark.parametrize("shell", shells())
def test_the_callers_environment_arrives_whole(run, hfwrap, shell):
    words = [*shell[1:], hfwrap, "-q", "env", "-0"]
    found = environment(run(*words, program=shell[0], env=ODD))
    assert {name: found.get(name) for name in ODD} == ODD
    plain = environment(run(*words, program=shell[0]))
    assert set(plain) <= {
        "PATH",
        "HOME",
        "LD_PRELOAD",
        "HFPROXY_STATE",
        "ASAN_OPTIONS",
        "UBSAN_OPTIONS",
    }


def test_an_environment_too_big_to_hand_back_is_no_error(run):
    big = {f"big.{i}": "x" * 100_000 for i in range(5)}
    found = environment(run("-q", "env", "-0", env={**big, "small.1": "kept"}))
    assert len(found["big.0"]) == 100_000 or "big.0" not in found
    assert sum(name in found for name in big) >= 1


# The process


def test_it_becomes_the_command(hfwrap, showself, run):
    with subprocess.Popen([hfwrap, "-q", showself], stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(timeout=DEADLINE)
    assert int(out.split(b"\0")[0]) == process.pid


def test_argv0_is_what_was_typed(run, showself):
    result = run("showself", env={"PATH": f"{showself.parent}:{os.environ['PATH']}"})
    assert result.stdout.split(b"\0")[1] == b"showself"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGPIPE])
def test_death_by_a_signal_shows(run, showself, number):
    # A suite started in the background may have been given SIGINT ignored, and passes that on.
    default = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    result = run(showself, "--signal", str(int(number)), preexec_fn=default)
    assert result.returncode == -number


def test_a_signal_reaches_the_command(hfwrap):
    script = "trap 'exit 9' TERM; echo ready; while :; do read -r _ || exit 1; done"
    with subprocess.Popen(
        [hfwrap, "-q", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGTERM)
        process.stdin.close()
        # dash runs the trap when read() is over, by EOF at the latest.
        assert process.wait(timeout=DEADLINE) in (9, 1, -signal.SIGTERM)


def test_ignored_signals_stay_ignored(run, hfwrap):
    script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    words = ["-c", 'trap "" HUP; exec "$@"', "sh", hfwrap, sys.executable, "-c", script]
    assert run(*words, program="/bin/sh").stdout == b"True\n"


def test_descriptors_pass_through(run):
    read_end, write_end = os.pipe()
    script = f"import os; os.write({write_end}, b'out'); print(input())"
    result = run(sys.executable, "-c", script, input=b"in\n", pass_fds=[write_end])
    os.close(write_end)
    with open(read_end, "rb") as pipe:
        assert (result.stdout, pipe.read()) == (b"in\n", b"out")


def test_no_descriptor_is_added(run):
    result = run("ls", "/proc/self/fd", env={"https_proxy": "http://127.0.0.1:1"})
    assert result.stdout == b"0\n1\n2\n3\n"  # 3 is ls's own


@pytest.mark.parametrize("closed", ["0", "1", "2", "0 1 2"])
def test_closed_standard_descriptors_are_no_problem(run, hfwrap, tmp_path, dead_port, closed):
    close = " ".join(f"{fd}>&-" for fd in closed.split())
    words = ["sh", "-c", "echo ran >ran"]
    run(
        "-c",
        f'"$@" {close}',
        "sh",
        hfwrap,
        *words,
        program="/bin/sh",
        env={"https_proxy": f"h:{dead_port}"},
    )
    assert (tmp_path / "ran").read_text() == "ran\n"


# Is the proxy alive?


@pytest.mark.parametrize(
    "how", ["-p", "HFPROXY_URL", "https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"]
)
def test_a_dead_proxy_is_named_in_one_line(run, dead_port, how):
    url = f"http://user:hush@127.0.0.1:{dead_port}"
    words, env = (["-p", url], {}) if how == "-p" else ([], {how: url})
    result = run(*words, "echo", "ran", env=env)
    assert (result.stdout, result.returncode) == (b"ran\n", 0)
    assert lines(result) == [
        f"the proxy 127.0.0.1:{dead_port} refuses connections (is it running?)"
    ]


@pytest.mark.parametrize("option", ["-q", "--no-check"])
def test_nothing_is_said_of_it_if_not_wanted(run, dead_port, option):
    result = run(option, "-p", f"127.0.0.1:{dead_port}", "echo", "ran")
    assert (result.stdout, result.stderr) == (b"ran\n", b"")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_nothing_is_said_of_a_live_proxy(run, live_port, host):
    result = run("-p", f"http://{host}:{live_port}", "echo", "ran")
    assert (result.stdout, result.stderr) == (b"ran\n", b"")


def test_a_proxy_is_asked_once(run):
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        url = "http://127.0.0.1:%d" % server.getsockname()[1]
        assert run("true", env=dict.fromkeys(PROXY_VARIABLES[:3], url)).stderr == b""
        server.settimeout(DEADLINE)
        server.accept()[0].close()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_silent_proxy_costs_a_second(run, silent_port):
    start = time.monotonic()
    result = run("-p", f"127.0.0.1:{silent_port}", "echo", "ran")
    assert 0.9 < time.monotonic() - start < 10
    assert result.stdout == b"ran\n"
    assert lines(result) == [f"the proxy 127.0.0.1:{silent_port} does not answer within 1 s"]


@pytest.mark.parametrize("option", ["-q", "--no-check"])
def test_a_silent_proxy_is_not_waited_for_if_not_wanted(run, silent_port, option):
    result = run(option, "-p", f"127.0.0.1:{silent_port}", "echo", "ran", timeout=DEADLINE)
    assert (result.stdout, result.stderr) == (b"ran\n", b"")


def test_two_dead_proxies_are_one_line(run, dead_port, silent_port):
    env = {"https_proxy": f"127.0.0.1:{dead_port}", "all_proxy": f"127.0.0.1:{silent_port}"}
    assert lines(run("true", env=env)) == [
        f"the proxy 127.0.0.1:{dead_port} refuses connections (is it running?)"
    ]


def test_a_dead_one_behind_a_live_one_is_found(run, live_port, dead_port):
    env = {"https_proxy": f"127.0.0.1:{live_port}", "all_proxy": f"127.0.0.1:{dead_port}"}
    assert lines(run("true", env=env)) == [
        f"the proxy 127.0.0.1:{dead_port} refuses connections (is it running?)"
    ]


def test_a_name_that_does_not_resolve(run):
    result = run("-p", "proxy.invalid:3128", "echo", "ran")
    assert result.stdout == b"ran\n"
    (line,) = lines(result)
    assert line.startswith("the proxy proxy.invalid:3128 c") or "does not answer" in line


NAME_SERVER_THAT_NEVER_ANSWERS = """
import socket, subprocess, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.bind(("127.0.0.1", 53))
    sys.exit(subprocess.run(sys.argv[1:]).returncode)
"""


def test_a_silent_name_server_costs_a_second(run, hfwrap):
    """In a namespace of its own, so that nobody else's look-ups wait."""
    words = [
        "-n" if os.getuid() == 0 else "-rn",
        "sh",
        "-c",
        'ip link set lo up && exec "$@"',
        "sh",
    ]
    words += [sys.executable, "-c", NAME_SERVER_THAT_NEVER_ANSWERS, hfwrap, "-p", "squid.test:3128"]
    start = time.monotonic()
    result = run(*words, "echo", "ran", program="unshare")
    assert 0.9 < time.monotonic() - start < 10  # the resolver itself gives up after 10
    assert result.stdout == b"ran\n"
    assert lines(result) == ["the proxy squid.test:3128 does not answer within 1 s"]


def test_no_proxy_no_word(run):
    assert run("true").stderr == b""


def test_the_probe_is_not_logged_as_a_connection(run, live_port):
    assert run("-v", "-p", f"http://127.0.0.1:{live_port}", "true").stderr == b""


# Kinds of programs: what each sees, and what is said


def mirrored(result, url):
    found = dict(line.split("=", 1) for line in result.stdout.decode().splitlines())
    wanted = {name: url for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")}
    return {name: found.get(name) for name in wanted} == wanted


def test_a_dynamic_program(run, showenv, live_port):
    url = f"http://127.0.0.1:{live_port}"
    for source in ("environ", "getenv", "secure_getenv"):
        result = run("-p", url, showenv, source, *PROXY_VARIABLES)
        assert mirrored(result, url) and result.stderr == b""


def test_a_musl_program(run, showenv_musl, live_port):
    url = f"http://127.0.0.1:{live_port}"
    for source in ("environ", "getenv", "secure_getenv"):
        result = run("-p", url, showenv_musl, source, *PROXY_VARIABLES)
        assert mirrored(result, url) and result.stderr == b""


@pytest.mark.parametrize(
    "env",
    [
        {"https_proxy": 1},
        {"ALL_PROXY": 1, "http_proxy": 1},
        {"HTTPS_PROXY": 1, "HTTP_PROXY": 1},
        {"HFPROXY_URL": 1},
    ],
)
def test_a_static_program(run, showenv_static, live_port, env):
    url = f"http://127.0.0.1:{live_port}"
    result = run(showenv_static, "environ", *PROXY_VARIABLES, env=dict.fromkeys(env, url))
    assert f"https_proxy={url}\n".encode() in result.stdout
    assert f"HTTPS_PROXY={url}\n".encode() in result.stdout
    assert lines(result) == [
        f"'{showenv_static}' is a static program: it gets the proxy variables, but not the library"
    ]


def test_a_program_that_does_not_know_the_list(run, showenv_static, live_port):
    result = run("--only", "hf", "-p", f"127.0.0.1:{live_port}", showenv_static, "environ", "https_proxy")
    assert result.stdout == f"https_proxy=http://127.0.0.1:{live_port}\n".encode()
    (line,) = lines(result)
    assert line.endswith("but not the library, and does not know HFPROXY_ONLY")


def test_a_go_program(run, showenv_go, live_port):
    url = f"http://127.0.0.1:{live_port}"
    result = run("-p", url, showenv_go, *PROXY_VARIABLES)
    assert mirrored(result, url)
    assert lines(result) == [
        f"'{showenv_go}' is a Go program: it gets the proxy variables, but not the library"
    ]
    assert run("-q", "-p", url, showenv_go).stderr == b""


def test_a_program_with_other_rights(run, showenv, tmp_path, live_port):
    url = f"http://127.0.0.1:{live_port}"
    if os.getuid() == 0:
        program = tmp_path / "setuid"
        shutil.copy(showenv, program)
        os.chown(program, 65534, 65534)
        program.chmod(0o4755)
        result = run("-p", url, program, "environ", *PROXY_VARIABLES)
        assert mirrored(result, url)
    else:
        program = shutil.which("su")
        result = run("-p", url, program, "--version")
    said = "runs with the rights of another user (setuid, setgid or capabilities)"
    assert lines(result) == [
        f"'{program}' {said}: it gets the proxy variables, but not the library"
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="only root has setuid programs of its own")
def test_a_setuid_program_of_the_callers_own_is_like_any_other(run, showenv, tmp_path):
    program = tmp_path / "own"
    shutil.copy(showenv, program)
    program.chmod(0o4755)
    assert run(program, "environ").stderr == b""


def elf(bits=64, machine=None, interp=None):
    """The least that passes for an executable that asks for an interpreter."""
    own = {"x86_64": 62, "aarch64": 183}[platform.machine()]
    head = 64 if bits == 64 else 52
    entry = 56 if bits == 64 else 32
    at = head + entry
    interp = interp or b"/lib/ld.so\0"
    ident = b"\x7fELF" + bytes([bits // 32, 1, 1]) + bytes(9)
    kind = struct.pack("<HHI", 2, machine or own, 1)
    if bits == 64:
        header = struct.pack("<QQQIHHHHHH", 0x400000, head, 0, 0, head, entry, 1, 0, 0, 0)
        program = struct.pack("<IIQQQQQQ", 3, 4, at, 0, 0, len(interp), len(interp), 1)
    else:
        header = struct.pack("<IIIIHHHHHH", 0x400000, head, 0, 0, head, entry, 1, 0, 0, 0)
        program = struct.pack("<IIIIIIII", 3, at, 0, 0, len(interp), len(interp), 4, 1)
    return ident + kind + header + program + interp


@pytest.mark.parametrize(
    "image, said",
    [
        (elf(bits=32, machine=3), "is a 32-bit program"),
        (elf(bits=32, machine=40), "is a 32-bit program"),
        (elf(bits=64, machine=22), "is a program for another processor"),
    ],
)
def test_another_class_or_processor_is_said(run, tmp_path, image, said):
    program = tmp_path / "foreign"
    program.write_bytes(image)
    program.chmod(0o755)
    result = run(program)
    assert result.returncode in (126, 127)  # no such loader, or no such machine
    first, _ = lines(result)
    assert first == f"'{program}' {said}: it gets the proxy variables, but not the library"


@pytest.mark.skipif(
    platform.machine() != "x86_64", reason="this processor runs no 32-bit programs of x86"
)
def test_a_32_bit_program_is_not_troubled_with_the_library(run, lib, programs, live_port):
    flags = ["-m32", "-nostdlib", "-ffreestanding", "-fno-stack-protector"]
    loader, program = programs / "loader32", programs / "program32"
    compiled(loader, "gcc", *flags, "-fno-pie", "-no-pie", "-static", "-o", loader, "loader32.c")
    compiled(
        program,
        "gcc",
        *flags,
        "-fpie",
        "-pie",
        f"-Wl,--dynamic-linker={loader}",
        "-o",
        program,
        "loader32.c",
    )
    other = programs / "other.so"
    compiled(other, "cc", "-shared", "-fPIC", "-x", "c", "-o", other, "/dev/null")
    url = f"http://127.0.0.1:{live_port}"
    for given, kept in (({}, None), ({"LD_PRELOAD": str(other)}, f"LD_PRELOAD={other}")):
        result = run("-p", url, program, env=given)
        seen = result.stdout.decode().splitlines()
        assert f"HTTPS_PROXY={url}" in seen
        assert [line for line in seen if line.startswith("LD_PRELOAD=")] == ([kept] if kept else [])
        assert lines(result) == [
            f"'{program}' is a 32-bit program: it gets the proxy variables, but not the library"
        ]


def test_a_script_is_followed_to_what_runs_it(run, tmp_path, showenv_static):
    direct, by_env, nested = (tmp_path / name for name in ("direct", "by-env", "nested"))
    direct.write_text(f"#!{showenv_static} environ\n")
    by_env.write_text(f"#!/usr/bin/env -S A=1 {showenv_static.name} environ\n")
    nested.write_text(f"#!{direct}\n")
    said = (
        f"'{showenv_static}' is a static program: it gets the proxy variables, but not the library"
    )
    for script in (direct, by_env, nested):
        script.chmod(0o755)
        result = run(script, env={"PATH": f"{showenv_static.parent}:{os.environ['PATH']}"})
        assert (result.returncode, lines(result)) == (0, [said])


@pytest.mark.parametrize(
    "text, out",
    [
        ('echo hi "$0" $1\n', b"hi ./script a\n"),
        ("", b""),
        ("#!/bin/sh\necho $1\n", b"a\n"),
        ("#! /usr/bin/env sh\necho $1\n", b"a\n"),
    ],
)
def test_scripts_run_as_execvp_runs_them(run, tmp_path, text, out):
    script = tmp_path / "script"
    script.write_text(text)
    script.chmod(0o755)
    result = run("./script", "a")
    assert (result.returncode, result.stdout, result.stderr) == (0, out, b"")


def test_a_program_that_cannot_be_read_still_runs(run, showself, tmp_path):
    program = tmp_path / "unreadable"
    shutil.copy(showself, program)
    program.chmod(0o711)
    assert run(program).returncode == 0


# Certificates


@pytest.fixture
def certificate(tmp_path):
    path = tmp_path / "corp ca.pem"
    body = "-----BEGIN CERTIFICATE-----\nY29ycG9yYXRl\n-----END CERTIFICATE-----\n"
    path.write_text(body)
    return path


SYSTEM = next(
    (
        path
        for path in (
            "/etc/ssl/certs/ca-certificates.crt",
            "/etc/pki/tls/certs/ca-bundle.crt",
            "/etc/ssl/ca-bundle.pem",
            "/etc/ssl/cert.pem",
        )
        if os.access(path, os.R_OK)
    ),
    None,
)


def bundle(run, *words, env=None):
    return Path(environment(run("-q", *words, "env", "-0", env=env))["HFPROXY_CA_BUNDLE"])


@pytest.mark.parametrize("form", [["--ca", "corp ca.pem"], ["--ca=corp ca.pem"]])
def test_a_certificate_is_joined_with_the_systems(run, tmp_path, certificate, form):
    path = bundle(run, *form)
    assert path.parent == tmp_path / ".cache" / "hfproxy" and path.is_absolute()
    text = path.read_text()
    assert text.endswith(certificate.read_text()) and text.startswith(Path(SYSTEM).read_text())
    assert path.stat().st_mode & 0o777 == 0o644
    before = path.stat()
    assert bundle(run, *form) == path and path.stat().st_ino == before.st_ino  # used again
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_bundle_that_was_tampered_with_is_made_anew(run, certificate):
    path = bundle(run, "--ca", certificate)
    good = path.read_text()
    path.write_text("something else")
    assert bundle(run, "--ca", certificate) == path and path.read_text() == good


def test_the_cache_is_where_xdg_says(run, tmp_path, certificate):
    path = bundle(run, "--ca", certificate, env={"XDG_CACHE_HOME": str(tmp_path / "x d g")})
    assert path.parent == tmp_path / "x d g" / "hfproxy"


def test_without_a_cache_a_temporary_file_serves(run, tmp_path, certificate):
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    path = bundle(run, "--ca", certificate, env={"XDG_CACHE_HOME": "/dev/null", "TMPDIR": str(tmp)})
    assert path.parent == tmp and path.read_text().endswith(certificate.read_text())


def test_a_whole_bundle_is_taken_as_it_is(run, tmp_path, certificate):
    whole = tmp_path / "whole.pem"
    whole.write_text(certificate.read_text() * 20)
    assert bundle(run, "--ca", "whole.pem") == whole


def test_clients_get_the_bundle(run, certificate):
    found = environment(run("-q", "--ca", certificate, "env", "-0", env={"PIP_CERT": "/mine"}))
    path = found["HFPROXY_CA_BUNDLE"]
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"):
        assert found[name] == path
    assert found["PIP_CERT"] == "/mine"


# How the parts find each other


def copy_of(hfwrap, lib, destination):
    """hfwrap and what it needs, elsewhere, in the same places to each other."""
    top = hfwrap.parents[1]
    for name in (
        "bin/hfwrap",
        "scripts/hfwrap",
        "libexec/hfproxy/hfproxy-launch",
        "src/wrap/hfproxy-launch",
    ):
        if (top / name).exists():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(top / name, destination / name)
    target = destination / lib.relative_to(top)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(lib, target)
    return destination / hfwrap.relative_to(top), target


def test_a_copy_elsewhere_uses_its_own_parts(run, hfwrap, lib, tmp_path):
    moved, library = copy_of(hfwrap, lib, tmp_path / "moved")
    assert environment(run("env", "-0", program=moved))["LD_PRELOAD"] == str(library)


@pytest.mark.parametrize("name", ["b c", "b:c", "b\tc"])
def test_a_library_that_ld_so_would_split_is_refused(run, hfwrap, lib, tmp_path, name):
    moved, library = copy_of(hfwrap, lib, tmp_path / name)
    result = run("true", program=moved)
    assert result.returncode == 125
    assert (
        result.stderr.decode()
        == f"hfwrap: cannot preload '{library}': a blank or a colon is in its path\n"
    )


def test_missing_parts_are_named(run, hfwrap, lib, tmp_path):
    moved, library = copy_of(hfwrap, lib, tmp_path / "moved")
    library.unlink()
    result = run("true", program=moved)
    assert (result.returncode, lines(result)) == (125, [f"cannot read '{library}'"])
    library.write_text("not a library\n")
    result = run("true", program=moved)
    assert result.returncode == 125
    assert f"hfwrap: cannot load the library '{library}'\n".encode() in result.stderr
    (helper,) = (tmp_path / "moved").rglob("hfproxy-launch")
    helper.unlink()
    result = run("true", program=moved)
    assert (result.returncode, lines(result)) == (125, [f"cannot run '{helper}'"])


@pytest.mark.parametrize("depth", [1, 2])
def test_a_symbolic_link_to_it_works(run, hfwrap, lib, tmp_path, depth):
    link = hfwrap
    for i in range(depth):
        new = tmp_path / f"link {i}"
        new.symlink_to(os.path.relpath(link, tmp_path))
        link = new
    assert environment(run("env", "-0", program=link))["LD_PRELOAD"] == str(lib)


@pytest.mark.parametrize(
    "start",
    [
        "hfwrap",
        "cd {up}; sh {dir}/hfwrap",
        "cd {up}/{dir}; sh hfwrap",
        "cd /; sh .{up}/{dir}/hfwrap",
    ],
)
def test_found_on_path_and_by_a_relative_name(run, hfwrap, lib, tmp_path, start):
    start = start.format(up=hfwrap.parents[1], dir=hfwrap.parent.name)
    (tmp_path / "decoy" / hfwrap.parent.name).mkdir(parents=True)
    env = {"PATH": f"{hfwrap.parent}:{os.environ['PATH']}", "CDPATH": str(tmp_path / "decoy")}
    result = run("-c", f"{start} env -0", program="sh", env=env)
    assert environment(result)["LD_PRELOAD"] == str(lib)


@pytest.mark.parametrize("shell", shells())
def test_every_shell_can_run_it(run, hfwrap, lib, shell):
    result = run(
        *shell[1:],
        hfwrap,
        "-xq",
        "-n",
        "a.test",
        "sh",
        "-c",
        'printf %s "$no_proxy"; exit 4',
        program=shell[0],
    )
    assert (result.returncode, result.stdout, result.stderr) == (4, b"a.test", b"")
