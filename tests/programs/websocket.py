#!/usr/bin/env python3
"""Python's websockets on one side: `client URL`, `chat URL`, or `server` (says its port)."""
import asyncio
import sys

import websockets


async def client(url):
    for compression in ("deflate", None):
        async with websockets.connect(url, compression=compression, subprotocols=["none", "echo"],
                                      max_size=2**24) as socket:
            assert socket.subprotocol == "echo", socket.subprotocol
            assert bool(socket.extensions) == (compression is not None), socket.extensions
            for size in (0, 1, 125, 126, 65535, 65536, 1000000):
                text = "ä" * (size // 2)
                await socket.send(text)
                assert await socket.recv() == text
                data = bytes(i * 7 & 255 for i in range(size))
                await socket.send(data)
                assert await socket.recv() == data
            await socket.send(["in", " ", "parts"])
            assert await socket.recv() == "in parts"
            await (await socket.ping(b"are you there"))
        assert socket.close_code == 1000, socket.close_code
    async with websockets.connect(url, compression=None) as socket:
        # what is no text
        socket.transport.write(bytes([0x81, 0x81, 0, 0, 0, 0, 0xFF]))
        try:
            await socket.recv()
            raise AssertionError("a text that is not UTF-8 was taken")
        except websockets.ConnectionClosed as closed:
            assert closed.rcvd.code == 1007, closed
    print("client: all came back")


async def chat(url):
    async with websockets.connect(url) as one, websockets.connect(url) as other:
        for i in range(100):
            await one.send(f"hello {i}")
            assert await other.recv() == f"hello {i}"
            assert await one.recv() == f"hello {i}"
    print("chat: both heard it")


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def server():
    async with websockets.serve(echo, "127.0.0.1", 0, subprotocols=["echo"], max_size=2**24) as it:
        print(it.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


if sys.argv[1] == "client":
    asyncio.run(client(sys.argv[2]))
elif sys.argv[1] == "chat":
    asyncio.run(chat(sys.argv[2]))
else:
    asyncio.run(server())
