"""A PgBouncer that pools transactions in front of a PostgreSQL server, which a run kills."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.backing import free_port

DATABASE = "firstlight"
CONFIGURATION = """
[databases]
{database} = {target}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
admin_users = admin
pool_mode = transaction
default_pool_size = {pool_size}
max_client_conn = 500
server_login_retry = 1
server_lifetime = 60
log_connections = 0
log_disconnections = 0
logfile = {folder}/log
"""


def is_installed() -> bool:
    return shutil.which("pgbouncer") is not None


class OwnPgBouncer:
    """It starts again at the same address, with no connections, after `kill`."""

    def __init__(self, server_url: str, pool_size: int) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="firstlight-pgbouncer-"))
        self._file = self._folder / "pgbouncer.ini"
        words = conninfo_to_dict(server_url)
        names = ("host", "port", "dbname", "user", "password")
        target = " ".join(f"{name}={words[name]}" for name in names if words.get(name))
        self._file.write_text(
            CONFIGURATION.format(
                database=DATABASE,
                target=target,
                port=self.port,
                pool_size=pool_size,
                folder=self._folder,
            )
        )
        # It refuses to run as root, and the server's socket belongs to the server's user.
        self._run_as = Path(str(words["host"])).owner() if os.getuid() == 0 else ""
        if self._run_as:
            shutil.chown(self._folder, self._run_as)
            shutil.chown(self._file, self._run_as)
        user = words.get("user") or "postgres"
        self.url = f"postgresql://{user}@127.0.0.1:{self.port}/{DATABASE}"
        self.start()

    def start(self) -> None:
        user = ["-u", self._run_as] if self._run_as else []
        words = ["pgbouncer", "-q", *user, str(self._file)]
        self._process = subprocess.Popen(words, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def connections_by_program(self) -> dict[str, int]:
        """Return how many connections each program has to PgBouncer; none while it is away."""
        found: dict[str, int] = {}
        for row in self._show("CLIENTS"):
            if row["database"] == DATABASE:
                name = str(row["application_name"])
                found[name] = found.get(name, 0) + 1
        return found

    def connections_to_server(self) -> int:
        return sum(row["database"] == DATABASE for row in self._show("SERVERS"))

    def _show(self, what: str) -> list[dict[str, object]]:
        url = f"postgresql://admin@127.0.0.1:{self.port}/pgbouncer"
        try:
            # Its console knows only the simple protocol.
            with psycopg.connect(
                url, autocommit=True, connect_timeout=2, cursor_factory=psycopg.ClientCursor
            ) as console:
                cursor = console.execute(f"SHOW {what}".encode())
                names = [column.name for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except psycopg.Error:
            return []
