"""Tests the example `websocket_server` with the client of Python's `websockets`.

Verifies the server's certificate, checks each reply, and exits with an error at the first wrong one:

    cargo run -p async-runtime-compat-examples --features services --example websocket_server -- --cert-out cert.pem
    python3 examples/tests/clients/websockets_client.py wss://localhost:8443 cert.pem
"""

import asyncio
import json
import ssl
import sys

import websockets


async def ask(socket, text):
    await socket.send(text)
    return json.loads(await asyncio.wait_for(socket.recv(), 10))


async def check(socket, request, ok):
    reply = await ask(socket, json.dumps(request))
    assert reply == {"id": request["id"], "ok": ok}, f"{request} got {reply}"


async def check_refused(socket, text, code, *mentioned, **fields):
    reply = await ask(socket, text)
    error = reply["error"]
    assert error["code"] == code, f"{text[:100]!r} got {reply}"
    for words in mentioned:
        assert words in error["message"], f"{text[:100]!r} got {reply}"
    for name, value in fields.items():
        assert error.get(name) == value, f"{text[:100]!r} got {reply}"
    print(f"  refused: {error['message']}")


async def answers(connect):
    async with connect() as socket:
        await check(socket, {"id": 1, "op": "echo", "value": {"any": ["json", None]}}, {"any": ["json", None]})
        await check(socket, {"id": "two", "op": "sum", "numbers": [1, 2, -4]}, -1)
        await check(socket, {"id": 3, "op": "reverse", "text": "höt"}, "töh")
        await check(socket, {"id": 4, "op": "sleep", "millis": 5}, 5)
        await asyncio.wait_for(await socket.ping(), 10)


async def malformed_requests_leave_the_connection_alive(connect):
    async with connect() as socket:
        await check_refused(socket, '{"id": 1, "op": echo}', "bad_json", "line 1 column 17", line=1, column=17)
        await check_refused(socket, '{"id": 1,\n "op"', "bad_json", "line 2", line=2)
        await check_refused(socket, "", "bad_json", "EOF")
        await check_refused(socket, "[1, 2]", "bad_request", "a JSON object", line=1, column=1)
        await check_refused(socket, "5", "bad_request", "a JSON object")
        await check_refused(socket, '{"id": 1}', "bad_request", "missing field `op`")
        await check_refused(
            socket, '{"op": "ecoh"}', "bad_request", "`ecoh`", "`echo`, `sum`, `reverse`, `sleep`, `panic`", path="op"
        )
        await check_refused(
            socket, '{"op": "sum", "numbers": [1, "2"]}', "bad_request", "`numbers[1]`", "expected i64", path="numbers[1]"
        )
        await check_refused(socket, '{"op": "sum", "numbers": [9223372036854775807, 1]}', "overflow")
        await check_refused(socket, '{"op": "sleep", "millis": 60001}', "out_of_range", "60000", path="millis")
        deep = "[" * 10000 + "]" * 10000
        await check_refused(socket, f'{{"op": "echo", "value": {deep}}}', "bad_json", "recursion limit")
        await check_refused(socket, b"\x00\x01", "not_text", "binary")
        await check(socket, {"id": 9, "op": "echo", "value": "alive"}, "alive")


async def requests_are_pipelined(connect):
    async with connect() as socket:
        for number in range(100):
            await socket.send(json.dumps({"id": number, "op": "sum", "numbers": [number, number]}))
        for number in range(100):
            reply = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert reply == {"id": number, "ok": 2 * number}, reply


async def calls_answer_with_their_events(connect):
    async with connect() as socket:
        action = {"ticks": 3, "millis": 20}
        await socket.send(json.dumps({"id": 1, "op": "dispatch", "service": "ticker", "action": action}))
        await socket.send(json.dumps({"id": 2, "op": "echo", "value": "between"}))
        messages = [json.loads(await asyncio.wait_for(socket.recv(), 10)) for _ in range(5)]
        called = [message for message in messages if message["id"] == 1]
        assert called == [
            *({"id": 1, "event": {"tick": tick, "of": 3}} for tick in (1, 2, 3)),
            {"id": 1, "ok": None},
        ], messages
        assert {"id": 2, "ok": "between"} in messages[:-1], messages

        listed = await ask(socket, json.dumps({"op": "list"}))
        assert [it["name"] for it in listed["ok"]["services"]] == ["chat", "ticker", "websocket"], listed
        described = (await ask(socket, json.dumps({"op": "actions"})))["ok"]
        ticker = described["services"][1]
        fields = {"name", "type", "description", "action", "event", "output", "error"}
        assert ticker["name"] == "ticker" and set(ticker) == fields, described
        assert ticker["action"]["properties"]["ticks"]["type"] == "integer", described
        listen = {"id": 3, "op": "dispatch", "service": "chat", "action": "listen"}
        await socket.send(json.dumps(listen))
        await socket.send(json.dumps({"id": 4, "op": "cancel", "call": 3}))
        messages = [json.loads(await asyncio.wait_for(socket.recv(), 10)) for _ in range(2)]
        assert {"id": 4, "ok": 1} in messages, messages
        assert "cancelled" in [message.get("error", {}).get("code") for message in messages], messages


async def invalid_calls_are_refused(connect):
    async with connect() as socket:
        call = '{"op": "dispatch", "service": "ticker", "action": {"ticks": "x", "millis": 1}}'
        await check_refused(socket, call, "bad_action", "'ticks'", "expected u32", path="action.ticks")
        call = '{"op": "dispatch", "service": "clock", "action": null}'
        await check_refused(socket, call, "unknown_service", "'clock'", known=["chat", "ticker", "websocket"])
        call = '{"op": "execute", "task": "prime", "action": null}'
        await check_refused(socket, call, "unknown_task", "'prime'", known=["primes"])
        call = '{"op": "execute", "task": "primes", "action": {}}'
        await check_refused(socket, call, "bad_action", "missing field `below`", path="action.below")


async def closes_with(connect, code, message):
    async with connect() as bystander, connect() as socket:
        await socket.send(message)
        try:
            reply = await asyncio.wait_for(socket.recv(), 10)
            raise AssertionError(f"expected the connection to be closed, got {reply}")
        except websockets.ConnectionClosed as closed:
            received = closed.rcvd.code if closed.rcvd else None
            assert received == code, f"expected {code}, got {closed}"
            print(f"  closed: {closed}")
        await check(bystander, {"id": 1, "op": "echo", "value": "alive"}, "alive")


async def an_oversized_message_closes_its_connection(connect):
    await closes_with(connect, 1009, json.dumps({"op": "echo", "value": "x" * (64 * 1024)}))
    await closes_with(connect, 1009, json.dumps({"op": "echo", "value": "x" * (32 * 1024 * 1024)}))


async def a_panic_ends_its_connection(connect):
    await closes_with(connect, None, '{"op": "panic"}')


async def main(url, certificate):
    context = ssl.create_default_context(cafile=certificate)

    def connect():
        return websockets.connect(url, ssl=context, max_size=None)

    for scenario in (
        answers,
        malformed_requests_leave_the_connection_alive,
        requests_are_pipelined,
        calls_answer_with_their_events,
        invalid_calls_are_refused,
        an_oversized_message_closes_its_connection,
        a_panic_ends_its_connection,
    ):
        print(scenario.__name__.replace("_", " "))
        await scenario(connect)
    print("ok")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: websockets_client.py URL CERTIFICATE")
    asyncio.run(main(sys.argv[1], sys.argv[2]))
