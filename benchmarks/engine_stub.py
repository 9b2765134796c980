"""An engine that answers at once; every poll raises a job's progress by one.

Real HTTP/1.1 on kept connections, written for this alone so that it takes little of the machine.
`--wait` lets every answer take that many seconds, as engines on the internet do.
"""

import asyncio
import sys
from collections import Counter

BODY = (
    b'{"id": "%s", "object": "video", "model": "sora-2", "status": "in_progress", "progress": %d,'
    b' "created_at": 1, "size": "1280x720", "seconds": "8"}'
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
poll_counts: Counter[bytes] = Counter()


class Stub(asyncio.Protocol):
    wait_seconds = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.seen = transport, b""

    def data_received(self, data: bytes) -> None:
        self.seen += data
        while b"\r\n\r\n" in self.seen:
            head, _, self.seen = self.seen.partition(b"\r\n\r\n")
            job = head.split(b" ", 2)[1].rsplit(b"/", 1)[-1]
            poll_counts[job] += 1
            body = BODY % (job, min(poll_counts[job], 99))
            answer = HEAD % len(body) + body
            if self.wait_seconds:
                asyncio.get_running_loop().call_later(
                    self.wait_seconds, self.transport.write, answer
                )
            else:
                self.transport.write(answer)


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Stub, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    Stub.wait_seconds = float(sys.argv[2]) if sys.argv[2:] else 0.0
    asyncio.run(serve(int(sys.argv[1])))
