"""A local server with ComfyUI's HTTP API, holding its queue, history and files in memory.

Jobs move when a test says so, or with `runs_by_itself` one step each time that the queue is asked.
By path: `answers` replaces an answer, `before` is called before it is made, and `breaks_after`
breaks the connection after a request was taken.
"""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from tests.engine_servers import comfyui_nodes

FILM = b"\0\0\0\x18ftypisom a film"
Reply = tuple[int, Any]
# What the run of a workflow ends with that contains the word, in a server that runs by itself.
FAILURES = {
    "MEMORY": {
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Allocation on device 0 would exceed allowed memory.",
    },
    "FAIL": {"exception_type": "RuntimeError", "exception_message": "The node broke."},
}


class ComfyUIServer(ThreadingHTTPServer):
    """One ComfyUI; entries of its queue are [number, id, workflow, extra data, output nodes]."""

    daemon_threads = True

    def __init__(self, *, key: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = key  # of a proxy in front of it
        self.clip = FILM
        self.reset()

    def reset(self) -> None:
        """Make it a new server without jobs, files and faults."""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, Any] = {}
        self.before: dict[str, Callable[[], None]] = {}
        self.breaks_after = ""
        self.runs_by_itself = False
        # What the running job's client hears when it connects, as type and data.
        self.reports: list[tuple[str, dict[str, Any]]] = []
        self.before_reports: Callable[[], None] = lambda: None
        self.clients: list[str] = []
        self.restart()
        self.files: dict[tuple[str, str, str], bytes] = {}
        self.uploads: dict[str, bytes] = {}
        self.jobs_made = 0
        self.missing_nodes: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def posts(self) -> list[str]:
        return [path for method, path, *_ in self.requests if method == "POST"]

    def handle_error(self, *args: object) -> None:
        pass  # connections are broken on purpose

    # ---- what tests do to it ----

    def restart(self) -> None:
        """Forget all jobs, as ComfyUI does; the files stay."""
        self.number = 0
        self.pending: list[list[Any]] = []
        self.running: list[list[Any]] = []
        self.history: dict[str, dict[str, Any]] = {}

    def start_next(self) -> None:
        self.pending.sort(key=lambda entry: float(entry[0]))
        self.running.append(self.pending.pop(0))

    def finish(self, outputs: dict[str, Any] | None = None) -> None:
        """End the running job with these outputs, by default with a saved film."""
        entry = self.running.pop()
        if outputs is None:
            outputs = self._save_film(entry[2])
        self._end(entry, "success", outputs, ["execution_success", {}])

    def fail(self, **error: str) -> None:
        """End the running job with an error of a node."""
        entry = self.running.pop()
        shown = {"node_id": "8", "node_type": "KSampler", "traceback": ["File secret.py"], **error}
        self._end(entry, "error", {}, ["execution_error", shown])

    def step(self) -> None:
        if self.running:
            graph = json.dumps(self.running[0][2])
            failure = next((FAILURES[word] for word in FAILURES if word in graph), None)
            self.fail(**failure) if failure else self.finish()
        elif self.pending:
            self.start_next()

    @property
    def sampler(self) -> str:
        """The first sampler of the running workflow."""
        graph: dict[str, Any] = self.running[0][2]
        return next(node_id for node_id, node in graph.items() if "latent_image" in node["inputs"])

    def report_steps(self, node_id: str, value: float, most: float) -> None:
        """Report the steps of a sampler in both of ComfyUI's ways."""
        job_id = self.running[0][1]
        state = {"value": value, "max": most}
        nodes = {node_id: {**state, "state": "running", "node_id": node_id, "prompt_id": job_id}}
        self.reports += [
            ("progress", {**state, "prompt_id": job_id, "node": node_id}),
            ("progress_state", {"prompt_id": job_id, "nodes": nodes}),
        ]

    def reports_for(self, client: str) -> list[str]:
        """The messages that a client gets at once; only its own jobs are reported to it."""
        queue = {"exec_info": {"queue_remaining": len(self.pending) + len(self.running)}}
        said: list[tuple[str, Any]] = [("status", {"status": queue, "sid": client})]
        if self.running and self.running[0][3]["client_id"] == client:
            if self.runs_by_itself:
                self.report_steps(self.sampler, 10, 20)
            said += [("executing", {"node": self.sampler}), *self.reports]
        return [json.dumps({"type": kind, "data": data}) for kind, data in said]

    def _save_film(self, graph: dict[str, Any]) -> dict[str, Any]:
        outputs = {}
        for node_id, node in graph.items():
            if node["class_type"] == "SaveVideo":
                folder, _, name = str(node["inputs"]["filename_prefix"]).rpartition("/")
                saved = {"filename": f"{name}_00001_.mp4", "subfolder": folder, "type": "output"}
                self.files["output", folder, saved["filename"]] = self.clip
                outputs[node_id] = {"images": [saved], "animated": [True]}
        return outputs

    def _end(self, entry: list[Any], word: str, outputs: dict[str, Any], event: list[Any]) -> None:
        start = ["execution_start", {"prompt_id": entry[1], "timestamp": 1}]
        event[1].update(prompt_id=entry[1], timestamp=2)
        self.history[entry[1]] = {
            "prompt": entry,
            "outputs": outputs,
            "status": {
                "status_str": word,
                "completed": word == "success",
                "messages": [start, ["execution_cached", {"nodes": []}], event],
            },
            "meta": {},
        }

    # ---- what it answers ----

    def reply(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if "origin" in headers:
            return 403, ""
        if not self.allows(headers):
            return 401, "<html>Sign in</html>"
        parts = urlsplit(path)
        where = parts.path.strip("/").split("/")
        if method == "POST":
            return self._post(where, headers, body)
        return self._get(where, {key: value[0] for key, value in parse_qs(parts.query).items()})

    def allows(self, headers: dict[str, str]) -> bool:
        return not self.key or headers.get("authorization") == f"Bearer {self.key}"

    def _get(self, where: list[str], asked: dict[str, str]) -> Reply:
        match where:
            case ["system_stats"]:
                return 200, {"system": {"comfyui_version": "0.38.1"}, "devices": []}
            case ["object_info", kind]:
                return 200, self._describe(unquote(kind))
            case ["queue"]:
                shown = {"queue_running": [*self.running], "queue_pending": [*self.pending]}
                if self.runs_by_itself:
                    self.step()
                return 200, shown
            case ["history", *job_id]:
                wanted = job_id or self.history
                return 200, {key: self.history[key] for key in self.history if key in wanted}
            case ["view"]:
                return self._view(asked)
        return 404, "404: Not Found"

    def _post(self, where: list[str], headers: dict[str, str], body: bytes) -> Reply:
        if where == ["upload", "image"]:
            return self._upload(headers["content-type"], body)
        sent = json.loads(body or b"{}")
        match where:
            case ["prompt"]:
                return self._submit(sent)
            case ["queue"]:
                return self._delete_pending(sent["delete"])
            case ["interrupt"]:
                return self._interrupt(sent.get("prompt_id"))
            case ["history"]:
                for job_id in sent["delete"]:
                    self.history.pop(job_id, None)
                return 200, b""
            case ["api", "jobs", job_id, "cancel"]:
                self._delete_pending([job_id])
                self._interrupt(job_id)
                return 200, {"cancelled": True}
        return 404, "404: Not Found"

    def _describe(self, kind: str) -> dict[str, Any]:
        known = kind in comfyui_nodes.NODES.keys() - self.missing_nodes
        return {kind: comfyui_nodes.describe(kind)} if known else {}

    def _view(self, asked: dict[str, str]) -> Reply:
        key = (asked.get("type", "output"), asked.get("subfolder", ""), asked["filename"])
        return (200, self.files[key]) if key in self.files else (404, b"")

    def _submit(self, asked: dict[str, Any]) -> Reply:
        job_id = asked.get("prompt_id") or str(uuid4())
        graph = asked.get("prompt")
        if graph is None:
            return _refuse("no_prompt", "No prompt provided")
        if str(UUID(job_id)) != job_id:
            return _refuse("invalid_prompt_id", "prompt_id must be a UUID")
        kinds = {node["class_type"] for node in graph.values()}
        if unknown := kinds - comfyui_nodes.NODES.keys() | kinds & self.missing_nodes:
            said = f"Node '{min(unknown)}' not found. The custom node may not be installed."
            return _refuse("missing_node_type", said)
        if "SaveVideo" not in kinds:
            return _refuse("prompt_no_outputs", "Prompt has no outputs")
        if problems := comfyui_nodes.problems_of(graph):
            details = {
                node_id: {
                    "errors": errors,
                    "dependent_outputs": [],
                    "class_type": graph[node_id]["class_type"],
                }
                for node_id, errors in problems.items()
            }
            said = "Prompt outputs failed validation"
            return _refuse("prompt_outputs_failed_validation", said, details)
        self.number += 1
        self.jobs_made += 1
        extra = {"client_id": asked.get("client_id"), **asked.get("extra_data", {})}
        # The same id a second time is queued a second time.
        self.pending.append([self.number, job_id, graph, extra, []])
        return 200, {"prompt_id": job_id, "number": self.number, "node_errors": {}}

    def _upload(self, content_type: str, body: bytes) -> Reply:
        form: Any = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
        parts = {
            part.get_param("name", header="content-disposition"): part
            for part in form.get_payload()
        }
        folder = parts["subfolder"].get_payload() if "subfolder" in parts else ""
        name = parts["image"].get_filename()
        self.uploads[f"{folder}/{name}"] = parts["image"].get_payload(decode=True)
        return 200, {"name": name, "subfolder": folder, "type": "input"}

    def _delete_pending(self, ids: list[str]) -> Reply:
        for job_id in ids:  # one entry for each
            entry = next((entry for entry in self.pending if entry[1] == job_id), None)
            if entry:
                self.pending.remove(entry)
        return 200, b""

    def _interrupt(self, job_id: str | None) -> Reply:
        if self.running and job_id in {None, self.running[0][1]}:
            entry = self.running.pop(0)
            self._end(entry, "error", {}, ["execution_interrupted", {"executed": []}])
        return 200, b""


class _Handler(BaseHTTPRequestHandler):
    server: ComfyUIServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each body waits 40 ms for the headers to be confirmed

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.split("?")[0]
        self.server.requests.append((self.command, path, headers, body))
        self.server.before.get(path, lambda: None)()
        answer = self.server.answers.get(path)
        if path == "/ws" and not answer and self.server.allows(headers):
            self._open_socket()
            return
        if callable(answer):
            answer(self)
            return
        status, content = answer or self.server.reply(self.command, self.path, headers, body)
        if path == self.server.breaks_after:
            self.close_connection = True
            return
        kind, raw = _encode(content)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _open_socket(self) -> None:
        """Speak WebSocket until the client closes."""
        client = parse_qs(urlsplit(self.path).query).get("clientId", [""])[0]
        self.server.clients.append(client)
        self.close_connection = True
        protocol = ServerProtocol()
        headers = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        protocol.receive_data(f"{self.requestline}\r\n{headers}\r\n".encode())
        (request,) = protocol.events_received()
        assert isinstance(request, Request)
        protocol.send_response(protocol.accept(request))
        reports = self.server.reports_for(client)
        self.server.before_reports()
        for report in reports:
            protocol.send_text(report.encode())
        self._flush(protocol)
        while protocol.state is not State.CLOSED and (data := self.connection.recv(4096)):
            protocol.receive_data(data)
            self._flush(protocol)

    def _flush(self, protocol: ServerProtocol) -> None:
        for data in protocol.data_to_send():
            if data:
                self.wfile.write(data)
            else:
                self.connection.shutdown(socket.SHUT_WR)

    do_GET = do_POST = respond  # noqa: N815 - the names http.server looks for

    def log_message(self, *args: object) -> None:
        pass


def _encode(content: Any) -> tuple[str, bytes]:
    if isinstance(content, bytes):
        return "video/mp4", content
    if isinstance(content, str):
        return "text/html", content.encode()
    return "application/json", json.dumps(content).encode()


@contextmanager
def running_server(*, key: str = "") -> Iterator[ComfyUIServer]:
    with ComfyUIServer(key=key) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def _refuse(kind: str, message: str, nodes: dict[str, Any] | None = None) -> Reply:
    error = {"type": kind, "message": message, "details": "", "extra_info": {}}
    return 400, {"error": error, "node_errors": nodes or {}}
