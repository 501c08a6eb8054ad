# SPDX-License-Identifier: MIT
"""Real proxies for the tests and the demo: tinyproxy, squid, microsocks and dante, and what they saw.

As a program it prints the proxy's port, serves until SIGTERM or until the pipe on its standard
input closes, and then writes what the proxy saw, a JSON object a line. Standard library only.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import sys
from dataclasses import asdict
from pathlib import Path

from proxy_base import NOBODY, Proxy, Seen, split_target, wait_for
from serving import end_of_input

OUTGOING = "127.0.0.2"  # where their own connections come from, so that a server can tell

STOP_SECONDS = 5  # for clients to be gone; after that squid is stopped the slow way


class Tinyproxy(Proxy):
    """Its passwords consist of letters, digits, `.`, `_` and `-`; to a wrong one it answers 401.
    A host that it cannot reach is a 500."""

    name = "tinyproxy"

    def prepare(self):
        config = self.directory / "tinyproxy.conf"
        lines = [
            f"Port {self.port}",
            f"Listen {self.address}",
            f"Bind {OUTGOING}",
            f'LogFile "{self.log}"',
            "LogLevel Connect",
            "Timeout 600",
            "MaxClients 300",
            "DisableViaHeader Yes",
        ]
        if self.user:
            lines.append(f"BasicAuth {self.user} {self.password}")
        config.write_text("\n".join(lines) + "\n")
        return ["tinyproxy", "-d", "-c", str(config)]

    def environment(self):
        """tinyproxy has no list of hosts of its own."""
        return {
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_HOSTS": str(self.directory / "hosts"),
        }

    def parse(self, log):
        """Lines of several connections mix; a request is tied to its client by the number of the
        client's descriptor, to the connection that it led to by the name of the host."""
        reached = re.findall(r'Established connection to host "(.+?)" using', log)
        clients, seen = {}, []
        for line in log.splitlines():
            if match := re.search(r"Connect \(file descriptor (\d+)\): (\S+)", line):
                clients[match[1]] = match[2]
            elif match := re.search(r"Request \(file descriptor (\d+)\): (\S+) (\S+) HTTP", line):
                host, port = split_target(match[2], match[3])
                status = 200 if host in reached else None
                if status:
                    reached.remove(host)
                seen.append(Seen(match[2], host, port, status, clients.get(match[1], "")))
        return seen


class Squid(Proxy):
    """A name that does not resolve is a 500 or 503, a host that it cannot reach a 503."""

    name = "squid"

    def prepare(self):
        config = self.directory / "squid.conf"
        lines = [
            f"http_port {self.address}:{self.port}",
            f"tcp_outgoing_address {OUTGOING}",
            f"hosts_file {self.directory}/hosts",
            "pid_filename none",
            f"cache_log {self.directory}/cache.log",
            f"coredump_dir {self.directory}",
            "cache deny all",
            "cache_mem 8 MB",
            "memory_pools off",
            "max_filedescriptors 1024",
            "logformat seen %>a %>Hs %rm %ru",
            f"access_log stdio:{self.log} logformat=seen",
            "pinger_enable off",
            "shutdown_lifetime 0 seconds",
            "visible_hostname squid.test",
            "dns_timeout 1 seconds",
            "netdb_filename none",
            "acl sentinel dstdomain sentinel.test",
            "http_access deny sentinel",
            "icon_directory /usr/share/squid/icons",
        ]
        if self.user:
            users = self.directory / "users"
            users.write_text(f"{self.user}:{self.hashed('-apr1')}\n")
            lines += [
                f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {users}",
                "auth_param basic children 2 startup=1",
                "auth_param basic realm test",
                "acl known proxy_auth REQUIRED",
                "http_access allow known",
                "http_access deny all",
            ]
        else:
            lines.append("http_access allow all")
        config.write_text("\n".join(lines) + "\n")
        # The name tells its shared memory from that of other squids on this machine.
        self.service = f"hfproxy{self.port}x{os.getpid()}"
        return ["squid", "-N", "-n", self.service, "-f", str(config)]

    def stop(self):
        """squid takes two seconds for an orderly end. Where every client has gone, it has logged
        all once it has logged one request more, and may be killed."""
        if self.runs() and self.wait_until_clients_are_gone():
            self.ask_for_sentinel()
            if wait_for(lambda: "sentinel.test" in self.log.read_text(), STOP_SECONDS):
                self.process.kill()
        super().stop()

    def remove(self):
        super().remove()
        for segment in Path("/dev/shm").glob(f"{self.service}-*"):
            segment.unlink()

    def wait_until_clients_are_gone(self):
        end = f":{self.port:04X}"

        def gone():
            with open("/proc/net/tcp") as table:
                rows = [line.split() for line in table][1:]
            # 01 is ESTABLISHED, 08 CLOSE_WAIT: squid still has the descriptor.
            return not any(row[1].endswith(end) and row[3] in ("01", "08") for row in rows)

        return wait_for(gone, STOP_SECONDS)

    def ask_for_sentinel(self):
        with socket.create_connection((self.address, self.port), STOP_SECONDS) as sock:
            sock.sendall(b"CONNECT sentinel.test:1 HTTP/1.0\r\n\r\n")
            sock.recv(1)

    def parse(self, log):
        seen = []
        for line in log.splitlines():
            client, status, method, url = line.split(" ", 3)
            if url.startswith("error:") or url == "sentinel.test:1":
                continue  # our own: a connection that asked for nothing, and the last request
            host, port = split_target(method, url)
            seen.append(Seen(method, host, port, int(status), client))
        return seen


class Microsocks(Proxy):
    """SOCKS5. It logs the connections that it made and no others."""

    name = "microsocks"

    def prepare(self):
        login = ["-u", self.user, "-P", self.password] if self.user else []
        return ["microsocks", "-i", self.address, "-p", str(self.port), "-b", OUTGOING, *login]

    @property
    def url(self):
        return "socks5h" + super().url.removeprefix("http")

    def environment(self):
        """It has no list of hosts of its own."""
        return {
            "LD_PRELOAD": "libnss_wrapper.so",
            "NSS_WRAPPER_HOSTS": str(self.directory / "hosts"),
        }

    def seen(self):
        self.stop()
        return self.parse(self.output())

    def parse(self, log):
        made = re.findall(r"client\[\d+\] (\S+): connected to (\S+):(\d+)", log)
        return [Seen("CONNECT", host, int(port), 200, client) for client, host, port in made]


class Dante(Microsocks):
    """SOCKS5; a log-in is looked up among the system's users, of which nss_wrapper makes up one. (It
    knows SOCKS4, and takes the 0.0.0.1 of SOCKS4a for an address.)"""

    name = "dante"

    def prepare(self):
        if self.user:
            self.write_users()
        config = self.directory / "danted.conf"
        lines = [
            f"logoutput: {self.log}",
            f"internal: {self.address} port = {self.port}",
            f"external: {OUTGOING}",
            "clientmethod: none",
            f"socksmethod: {'username' if self.user else 'none'}",
            "user.privileged: nobody",
            "user.unprivileged: nobody",
            "client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: error }",
            "socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 log: connect }",
        ]
        config.write_text("\n".join(lines) + "\n")
        return ["danted", "-N", "1", "-p", str(self.directory / "pid"), "-f", str(config)]

    def write_users(self):
        """As /etc/passwd and /etc/shadow; danted asks for the user that it runs as, too."""
        users = "".join(f"{name}:x:{NOBODY}:{NOBODY}::/:/bin/false\n" for name in ("nobody", self.user))
        (self.directory / "passwd").write_text(users)
        (self.directory / "group").write_text(f"nogroup:x:{NOBODY}:\n")
        (self.directory / "shadow").write_text(f"{self.user}:{self.hashed('-6')}:1::::::\n")

    def environment(self):
        if not self.user:
            return super().environment()
        files = {name.upper(): str(self.directory / name) for name in ("passwd", "group", "shadow")}
        return super().environment() | {f"NSS_WRAPPER_{name}": path for name, path in files.items()}

    def parse(self, log):
        made = re.findall(r"tcp/connect \[: .* -> (?:\S+ )?(\S+)\.(\d+)$", log, re.MULTILINE)
        return [Seen("CONNECT", host, int(port), 200, "") for host, port in made]


KINDS = {kind.name: kind for kind in (Tinyproxy, Squid, Microsocks, Dante)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("hosts", type=Path, help="the names it can resolve, as in /etc/hosts")
    parser.add_argument("seen", type=Path, help="the file for what it saw")
    parser.add_argument("--user", help="demand Basic authentication")
    parser.add_argument("--password")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    proxy = KINDS[args.kind](args.hosts, args.user, args.password)
    try:
        print(proxy.port, flush=True)
        asyncio.run(end_of_input())
    finally:
        args.seen.write_text("".join(json.dumps(asdict(one)) + "\n" for one in proxy.seen()))
        proxy.remove()


if __name__ == "__main__":
    main()
