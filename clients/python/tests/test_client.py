"""Both clients against a running server, and against answers that fail."""

import asyncio
import json
import os
import pathlib
import socket
import threading
import time

import httpx
import pytest

from surprisal_client import AsyncClient, Client, ConnectionError, ProblemError, Samples

URL = os.environ.get("SURPRISAL_URL", "http://127.0.0.1:8787")
CADENCE = pathlib.Path(__file__).parents[3] / "examples" / "cadence.mid"
ROLL = [[60, 64, 67], [60, 65, 69], [59, 62, 67], []]
BUSY = {"type": "about:blank", "title": "", "status": 503, "detail": "Busy.", "code": "busy", "instance": "/"}


@pytest.fixture
def client():
    with Client(URL) as client:
        yield client


def stub(answers):
    """A server that gives these answers, one after another; an exception is raised."""
    asked = []

    def handle(request):
        asked.append(request)
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return httpx.MockTransport(handle), asked


def problem(status, retry_after="0"):
    headers = {"Content-Type": "application/problem+json", "Retry-After": retry_after}
    return httpx.Response(status, headers=headers, content=json.dumps({**BUSY, "status": status}))


def test_scores_are_those_of_the_server(client):
    expected = httpx.post(f"{URL}/v1/score?models=jsb/gru&transpose=0", content=CADENCE.read_bytes()).json()
    answer = client.score(CADENCE, models=["jsb/gru"], transpose=0, pedal=False, id="mine")
    assert answer["scores"] == expected["scores"]
    assert (answer["id"], answer["input"]["name"]) == ("mine", "cadence.mid")
    of_bytes = client.score(CADENCE.read_bytes(), models=["jsb/gru"], transpose=0)
    assert of_bytes["scores"] == expected["scores"] and "name" not in of_bytes["input"]
    assert client.score(ROLL, models=["jsb/*"])["best"].startswith("jsb/")
    assert client.score(Samples([0.1 * (k % 7) for k in range(400)], 8000))["input"]["kind"] == "audio"


def test_a_continuation_goes_on(client):
    frames = client.continuation(ROLL, "jsb/gru", steps=3, seed=5)
    found = [next(frames) for _ in range(7)]
    first = client.predict(ROLL, models=["jsb/gru"], steps=3, seed=5)["predictions"][0]["continuation"]
    second = client.predict(ROLL + first, models=["jsb/gru"], steps=3, seed=6)["predictions"][0]["continuation"]
    assert found[:6] == first + second
    assert client.continuation_file(CADENCE, models=["jsb/gru"], steps=4)[:4] == b"MThd"


def test_models(client):
    assert "jsb/gru" in [model["id"] for model in client.models()]


def test_a_refusal_has_its_problem(client):
    with pytest.raises(ProblemError) as caught:
        client.score([[60]])
    assert (caught.value.status, caught.value.code) == (422, "nothing-to-score")


def test_async():
    async def main():
        async with AsyncClient(URL) as client:
            answer = await client.score(ROLL, models=["jsb/gru"])
            frames = client.continuation(ROLL, "jsb/gru", steps=2)
            return answer, [await anext(frames) for _ in range(3)], await client.models()

    answer, frames, models = asyncio.run(main())
    assert (answer["best"], len(frames)) == ("jsb/gru", 3) and models


@pytest.mark.parametrize("fault", [problem(429), problem(503), httpx.Response(502), httpx.ReadError("gone")])
def test_what_may_pass_is_asked_again(fault):
    transport, asked = stub([fault, httpx.Response(200, json={"models": []})])
    assert Client("http://test/music", key="secret", transport=transport).models() == []
    assert [str(request.url) for request in asked] == ["http://test/music/v1/models"] * 2
    assert asked[0].headers["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(("fault", "kind"), [(problem(400), ProblemError), (problem(503, "3600"), ProblemError)])
def test_what_will_not_is_thrown(fault, kind):
    transport, asked = stub([fault])
    with pytest.raises(kind):
        Client("http://test", transport=transport).models()
    assert len(asked) == 1


def test_the_last_fault_is_thrown():
    transport, asked = stub([httpx.ConnectError("no")] * 2)
    with pytest.raises(ConnectionError):
        Client("http://test", retries=1, transport=transport).models()
    assert len(asked) == 2


def batch_server(faults):
    """Keeps to the contract of /batch: answers each line with its id, except where `faults` says otherwise."""
    asked = []

    def handle(request):
        lines = [json.loads(line) for line in request.content.decode().splitlines()]
        number = len(asked)
        asked.append(lines)
        text = ""
        for index, line in enumerate(lines):
            fault = faults.get((number, index))
            if fault == "break off":
                break
            answer = {"problem": BUSY} if fault == "refuse" else {"scores": [], "roll": line.get("pianoRoll")}
            text += json.dumps({"index": index, "id": line["id"], **answer}) + "\n"
        return httpx.Response(200, content=text)

    return httpx.MockTransport(handle), asked


def inputs(count):
    return ({"input": [[60], [k % 127 + 1]], "id": str(k)} for k in range(count))


def test_a_batch_is_answered_in_order():
    transport, asked = batch_server({})
    answers = list(Client("http://test", transport=transport).batch(inputs(5000), models=["jsb/*"]))
    assert [(a["index"], a["id"], a["roll"][1][0]) for a in answers] == [(k, str(k), k % 127 + 1) for k in range(5000)]
    assert 1 < len(asked) < 20


def test_only_lines_without_an_answer_are_sent_again():
    transport, asked = batch_server({(0, 2): "break off", (1, 0): "refuse"})
    answers = list(Client("http://test", transport=transport).batch(inputs(4)))
    assert [a["index"] for a in answers] == [0, 1, 2, 3] and not any("problem" in a for a in answers)
    assert [[line["id"] for line in lines] for lines in asked] == [["0", "1", "2", "3"], ["2", "3"], ["2"]]


def test_inputs_are_read_no_faster_than_answers():
    transport, _ = batch_server({})
    read = []
    endless = ({"input": ROLL, "id": str(len(read)), "none": read.append(1)} for _ in iter(int, 1))
    answers = Client("http://test", transport=transport).batch(endless)
    assert next(answers)["index"] == 0
    assert len(read) < 10_000


def test_a_batch_async():
    async def main():
        transport, asked = batch_server({(0, 1): "break off"})
        async with AsyncClient("http://test", transport=transport) as client:
            return [answer["index"] async for answer in client.batch(inputs(3))], asked

    indices, asked = asyncio.run(main())
    assert indices == [0, 1, 2] and [len(lines) for lines in asked] == [3, 2]


def test_a_batch_of_the_server_goes_on_past_a_bad_input(client):
    asked = [{"input": [[60 + k % 12], [62], [64]], "id": str(k)} for k in range(1500)]
    asked[750] = {"input": [[60]], "id": "short"}
    answers = list(client.batch(asked, models=["jsb/gru"]))
    assert [(a["index"], a["id"]) for a in answers] == [(k, each["id"]) for k, each in enumerate(asked)]
    assert [(a["index"], a["problem"]["code"]) for a in answers if "problem" in a] == [(750, "nothing-to-score")]
    for k in (0, 749, 751, 1499):
        assert answers[k]["scores"] == client.score(asked[k]["input"], models=["jsb/gru"])["scores"]


def test_a_reader_that_pauses_pauses_the_inputs_and_one_that_leaves_ends_them(client):
    read = []
    endless = ({"input": ROLL, "id": str(len(read)), "models": ["jsb/gru"]} for _ in iter(lambda: read.append(1), 1))
    answers = client.batch(endless)
    assert [next(answers)["index"] for _ in range(10)] == list(range(10))
    time.sleep(1)
    held = len(read)
    time.sleep(1)
    assert len(read) == held
    assert [next(answers)["index"] for _ in range(10, held)] == list(range(10, held))
    answers.close()
    left = len(read)
    time.sleep(0.5)
    assert len(read) == left and client.models()


def test_a_server_that_has_no_room_is_asked_again_after_its_retry_after(client):
    """Requests that announce long bodies and send nothing hold all the room there is."""
    host, port = httpx.URL(URL).host, httpx.URL(URL).port
    head = f"POST /v1/score HTTP/1.1\r\nHost: x\r\nContent-Type: audio/midi\r\nContent-Length: {2**25}\r\n\r\n"
    hogs = [socket.create_connection((host, port)) for _ in range(8)]
    for hog in hogs:
        hog.sendall(head.encode())
    hasty = Client(URL, retries=0)
    refusal = None
    while refusal is None:
        try:
            list(hasty.batch(inputs(1), models=["jsb/gru"]))
        except ProblemError as error:
            refusal = error
    assert (refusal.status, refusal.code, refusal.retry_after) == (503, "busy", 5)
    began = time.monotonic()
    threading.Timer(1, lambda: [hog.close() for hog in hogs]).start()
    assert ["scores" in answer for answer in client.batch(inputs(3), models=["jsb/gru"])] == [True] * 3
    assert time.monotonic() - began >= 5
