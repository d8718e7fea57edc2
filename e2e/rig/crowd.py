"""Many clients at once that do not behave, in a process of their own: `python -m rig.crowd KIND COUNT PORT`.

Prints `ready` when they are all there, goes on until its input ends, and prints then how many the server has let go.
"""

import asyncio
import resource
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from rig import wire
from rig.node import Node

AT_ONCE = 500
"""Connections that are begun at the same time."""

BEGUN = b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100000\r\nx-amz-target: TrentService.Encrypt\r\n"


async def idle(_reader, _writer):
    """Says nothing."""


async def slow_head(_reader, writer):
    """Never comes to the end of its head."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def slow_body(_reader, writer):
    """Sends its body by drips."""
    writer.write(BEGUN + b"content-type: application/x-amz-json-1.1\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.5)


async def stalled(_reader, writer):
    """Sends a large body but for its last byte."""
    size = 1 << 20
    head = BEGUN.replace(b"100000", str(size).encode())
    writer.write(head + b"content-type: application/x-amz-json-1.1\r\n\r\n" + b" " * (size - 1))
    await writer.drain()


async def deaf(_reader, writer):
    """Asks and asks, and never takes an answer."""
    while True:
        writer.write(b"GET /_strongroom/health HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n" * 64)
        await writer.drain()


async def forger(reader, writer):
    """Sends requests with wrong signatures, one after the other, each with another access key id."""
    for number in range(10**9):
        request = wire.kms("ListKeys", b"{}", access_key_id=f"AKIA{id(writer)}{number}")
        headers = request.signed("127.0.0.1") | {"content-length": "2"}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"POST / HTTP/1.1\r\n{head}\r\n{{}}".encode())
        await reader.readuntil(b"\r\n\r\n")


KINDS = {kind.__name__: kind for kind in (idle, slow_head, slow_body, stalled, deaf, forger)}


async def client(kind, port: int, begun: asyncio.Semaphore, there: list, gone: list):
    async with begun:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    there.append(writer)
    with suppress(OSError, asyncio.IncompleteReadError):
        await kind(reader, writer)
        while await reader.read(1 << 16):
            pass
    gone.append(writer)


async def crowd(kind, count: int, port: int):
    there, gone, begun = [], [], asyncio.Semaphore(AT_ONCE)
    clients = [asyncio.create_task(client(kind, port, begun, there, gone)) for _ in range(count)]
    while len(there) < count:
        for task in clients:
            if task.done():
                task.result()  # one that could not connect ends the crowd
        await asyncio.sleep(0.05)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(len(gone), flush=True)
    for task in clients:
        task.cancel()


@contextmanager
def gathered(node: Node, kind: str, count: int):
    """A crowd before the node's door, until the block ends."""
    command = [sys.executable, "-m", "rig.crowd", kind, str(count), str(node.port)]
    process = subprocess.Popen(
        command, cwd=Path(__file__).parent.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n", f"the crowd ended with {process.wait()}"
        yield process
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(crowd(KINDS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])))
