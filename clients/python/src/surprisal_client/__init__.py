"""A client of the HTTP API of surprisal, sync and async, in one file.

    from surprisal_client import Client

    with Client("http://127.0.0.1:8787") as client:
        answer = client.score(pathlib.Path("piece.mid"), models=["jsb/*"])

Options and answers have the names that docs/api.md gives them. An input is the bytes or the path of a MIDI or audio file, a
piano roll (frames at the models' frame rate, each a list of MIDI pitches), or Samples.
"""

import asyncio
import base64
import collections
import email.utils
import json
import os
import pathlib
import random
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NotRequired, Self, TypeAlias, TypedDict, TypeVar, Unpack, cast

import httpx

__all__ = [
    "AsyncClient",
    "Client",
    "ConnectionError",
    "PredictOptions",
    "Problem",
    "ProblemError",
    "Samples",
    "ScoreOptions",
]

T = TypeVar("T")
Answer: TypeAlias = dict[str, Any]
Frames: TypeAlias = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Samples:
    """Mono samples, full scale = 1, and their rate in Hz. They travel as JSON: send longer sound as a WAV file."""

    samples: Sequence[float]
    sampleRate: int


Input: TypeAlias = bytes | os.PathLike[str] | Frames | Samples


class Options(TypedDict, total=False):
    """Options of both score and predict."""

    models: Sequence[str]
    transpose: int | str
    channels: Sequence[int]
    tracks: Sequence[int]
    programs: Sequence[int]
    pedal: bool
    framesPerQuarter: float
    adaptive: bool
    id: str


class ScoreOptions(Options, total=False):
    detail: str
    expected: bool


class PredictOptions(Options, total=False):
    state: Sequence[str]
    steps: int
    temperature: float
    seed: int


class Continuation(TypedDict, total=False):
    """Options of a continuation; those of reading are for its first request."""

    transpose: int | str
    channels: Sequence[int]
    tracks: Sequence[int]
    programs: Sequence[int]
    pedal: bool
    framesPerQuarter: float
    temperature: float


class Problem(TypedDict):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str


class ScoreAnswer(TypedDict):
    id: NotRequired[str]
    input: Answer
    scores: list[Answer]
    best: str | None
    bestByFrameRate: NotRequired[list[Answer]]
    bars: NotRequired[list[Answer]]
    comparisons: NotRequired[list[Answer]]
    notCompared: NotRequired[list[Answer]]


class PredictAnswer(TypedDict):
    id: NotRequired[str]
    input: Answer
    predictions: list[Answer]


class ProblemError(Exception):
    """The server refused: `problem` is the document that says why, `retry_after` the seconds that it asks to wait."""

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem["detail"])
        self.problem = problem
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        return self.problem["status"]

    @property
    def code(self) -> str:
        return self.problem["code"]


class ConnectionError(Exception):
    """The server could not be reached, or its answer broke off."""


TRANSIENT = (429, 502, 503, 504)
FIRST_PAUSE, MAX_PAUSE = (
    0.5,
    60.0,
)  # seconds: the longest first pause, doubled with every attempt, and the longest of all
MAX_BYTES = 2**16  # of the lines of a request, unless one line alone is longer: they fit the buffers of a connection


def _broken(error: Exception) -> Exception:
    """A fault of the connection as the error that callers know."""
    if not isinstance(error, httpx.TransportError):
        return error
    broken = ConnectionError(f"The server cannot be reached, or its answer broke off: {error or type(error).__name__}")
    broken.__cause__ = error
    return broken


def _beginning(options: Continuation, model: str, steps: int, seed: int) -> PredictOptions:
    asked = PredictOptions(models=[model], steps=steps, seed=seed)
    asked.update(cast(PredictOptions, options))
    return asked


def _continued(asked: PredictOptions, state: str) -> PredictOptions:
    """The options of the next request, whose seed is the next."""
    kept: PredictOptions = {
        "models": asked["models"],
        "steps": asked["steps"],
        "seed": asked["seed"] + 1,
        "state": [state],
    }
    if "temperature" in asked:
        kept["temperature"] = asked["temperature"]
    return kept


def _pause_after(error: Exception, made: int, retries: int) -> float:
    """Seconds before the next attempt. Raises the error when there is none."""
    asked = error.retry_after if isinstance(error, ProblemError) else None
    if made >= retries or (isinstance(error, ProblemError) and error.status not in TRANSIENT):
        raise error
    if asked is not None and asked > MAX_PAUSE:
        raise error
    wait: float = random.random() * min(MAX_PAUSE, FIRST_PAUSE * 2**made)
    return wait if asked is None else asked + min(wait, asked / 4)


def _retry_after(text: str | None) -> float | None:
    """Retry-After is a number of seconds or a date."""
    if text is None:
        return None
    try:
        return (
            float(text)
            if text.isdigit()
            else max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
        )
    except ValueError:
        return None


def _problem_of(response: httpx.Response) -> ProblemError:
    """The error that an answer is. A proxy between may have sent something else than a problem document."""
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem: Problem = response.json()
    else:
        got = f"{response.status_code} {response.reason_phrase}".strip()
        problem = {
            "type": "about:blank",
            "title": response.reason_phrase,
            "status": response.status_code,
            "detail": f"Expected an answer of surprisal, got {got} and no problem document.",
            "code": "not-a-problem-document",
            "instance": response.url.path,
        }
    return ProblemError(problem, _retry_after(response.headers.get("retry-after")))


def _content(given: Input) -> dict[str, Any]:
    """The fields of a JSON body."""
    if isinstance(given, Samples):
        return {"samples": list(given.samples), "sampleRate": given.sampleRate}
    if isinstance(given, (bytes, os.PathLike)):
        data = given if isinstance(given, bytes) else pathlib.Path(given).read_bytes()
        is_midi = data[:4] == b"MThd" or (data[:4] == b"RIFF" and data[8:12] == b"RMID")
        return {"midi" if is_midi else "audio": base64.b64encode(data).decode()}
    return {"pianoRoll": [list(frame) for frame in given]}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _texts(options: Any) -> dict[str, str]:
    return {name: _text(value) for name, value in options.items()}


def _request(given: Input, options: Any) -> dict[str, Any]:
    """A file becomes a form, which has its name; everything else JSON."""
    if isinstance(given, bytes):
        return {"files": {"file": (None, given, "application/octet-stream")}, "data": _texts(options)}
    if isinstance(given, os.PathLike):
        path = pathlib.Path(given)
        return {"files": {"file": (path.name, path.read_bytes())}, "data": _texts(options)}
    return {"json": {**_content(given), **options}}


def _line(item: dict[str, Any]) -> bytes:
    options = {name: value for name, value in item.items() if name != "input"}
    return json.dumps({**_content(item["input"]), **options}).encode() + b"\n"


class _Group:
    """Lines of one request of a batch, and their answers as far as they have come."""

    def __init__(self, first: int, lines: Sequence[bytes]) -> None:
        self.first = first
        self.lines = lines
        self.answers: dict[int, Answer] = {}
        self.refusals: dict[int, Answer] = {}  # problems that may pass
        self.open = list(range(len(lines)))

    def body(self) -> bytes:
        self.sent = list(self.open)
        return b"".join(self.lines[k] for k in self.sent)

    def take(self, text: str) -> None:
        if not text.strip():
            return
        answer: Answer = json.loads(text)
        k = self.sent[answer["index"]]
        answer["index"] = self.first + k
        refused = answer.get("problem", {}).get("status") in TRANSIENT
        (self.refusals if refused else self.answers)[k] = answer
        if not refused:
            self.open.remove(k)

    def check(self) -> None:
        """Raises an error that may pass unless every line has its answer."""
        if self.open and self.open[0] in self.refusals:
            raise ProblemError(self.refusals[self.open[0]]["problem"])
        if self.open:
            raise ConnectionError(f"Expected answers to {len(self.sent)} lines, got fewer.")

    def results(self, error: BaseException | None) -> Iterator[Answer]:
        """Answers in order; where there is none, the error is raised."""
        for k in range(len(self.lines)):
            answer = self.answers.get(k) or self.refusals.get(k)
            if answer is None:
                raise error or ConnectionError("Expected an answer to each line.")
            yield answer


class _Grouping:
    """Lines -> groups that fit one request."""

    def __init__(self) -> None:
        self.next = 0
        self.lines: list[bytes] = []

    def add(self, line: bytes) -> _Group | None:
        full = self.lines and sum(map(len, self.lines)) + len(line) > MAX_BYTES
        group = self.flush() if full else None
        self.lines.append(line)
        return group

    def flush(self) -> _Group | None:
        if not self.lines:
            return None
        group = _Group(self.next, self.lines)
        self.next += len(self.lines)
        self.lines = []
        return group


def _groups(inputs: Iterable[dict[str, Any]]) -> Iterator[_Group]:
    grouping = _Grouping()
    for item in inputs:
        if group := grouping.add(_line(item)):
            yield group
    if group := grouping.flush():
        yield group


async def _groups_async(inputs: Iterable[dict[str, Any]] | AsyncIterable[dict[str, Any]]) -> AsyncIterator[_Group]:
    grouping = _Grouping()
    if isinstance(inputs, AsyncIterable):
        async for item in inputs:
            if group := grouping.add(_line(item)):
                yield group
        if group := grouping.flush():
            yield group
    else:
        for group in _groups(inputs):
            yield group


class _Base:
    def __init__(self, url: str, key: str | None, retries: int, timeout: float) -> None:
        self._retries = retries
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._settings: dict[str, Any] = {"base_url": f"{url.rstrip('/')}/v1/", "headers": headers, "timeout": timeout}


_NDJSON = {"Content-Type": "application/x-ndjson", "Accept": "application/x-ndjson"}
_FILE = {"Accept": "audio/midi, audio/wav"}


class Client(_Base):
    """Asks one server. Every method raises ProblemError or ConnectionError; what may pass is asked again, `retries` times."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        retries: int = 4,
        timeout: float = 300,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, retries, timeout)
        self._http = httpx.Client(**self._settings, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def score(self, given: Input, **options: Unpack[ScoreOptions]) -> ScoreAnswer:
        """Negative log-likelihood of an input, in nats, under each model."""
        answer: ScoreAnswer = self._ask("POST", "score", **_request(given, options)).json()
        return answer

    def predict(self, given: Input, **options: Unpack[PredictOptions]) -> PredictAnswer:
        """Distribution of what follows; with `steps` a sampled continuation."""
        answer: PredictAnswer = self._ask("POST", "predict", **_request(given, options)).json()
        return answer

    def continuation_file(self, given: Input, **options: Unpack[PredictOptions]) -> bytes:
        """A sampled continuation of one model as a MIDI file, or of audio a WAV file. It needs `steps`."""
        return self._ask("POST", "predict", headers=_FILE, **_request(given, options)).content

    def continuation(
        self, given: Input, model: str, *, steps: int = 16, seed: int = 0, **options: Unpack[Continuation]
    ) -> Iterator[list[int]]:
        """The frames that follow a piece of music, without an end; the k-th request of `steps` has the seed `seed` + k."""
        asked = _beginning(options, model, steps, seed)
        while True:
            prediction = self.predict(given, **asked)["predictions"][0]
            yield from prediction["continuation"]
            given = prediction["continuation"]
            asked = _continued(asked, prediction["state"])

    def models(self) -> list[Answer]:
        found: list[Answer] = self._ask("GET", "models").json()["models"]
        return found

    def batch(
        self, inputs: Iterable[dict[str, Any]], *, requests: int = 2, **options: Unpack[ScoreOptions]
    ) -> Iterator[Answer]:
        """Answers in the order of the inputs, each `{"input": …}` with options of its own. Inputs are read no faster than
        answers are; one that cannot be scored has an answer with a `problem`."""
        query = _texts(options)
        under_way: collections.deque[tuple[_Group, Future[None]]] = collections.deque()

        def results() -> Iterator[Answer]:
            group, future = under_way.popleft()
            yield from group.results(future.exception())

        pool = ThreadPoolExecutor(requests)
        try:
            for group in _groups(inputs):
                under_way.append((group, pool.submit(self._answer, group, query)))
                if len(under_way) > requests:
                    yield from results()
            while under_way:
                yield from results()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _answer(self, group: _Group, query: dict[str, str]) -> None:
        def attempt() -> None:
            with self._http.stream("POST", "batch", params=query, content=group.body(), headers=_NDJSON) as response:
                if response.is_error:
                    response.read()
                    raise _problem_of(response)
                for line in response.iter_lines():
                    group.take(line)
            group.check()

        self._retrying(attempt)

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        def attempt() -> httpx.Response:
            response = self._http.request(method, path, **request)
            if response.is_error:
                raise _problem_of(response)
            return response

        return self._retrying(attempt)

    def _retrying(self, attempt: Callable[[], T]) -> T:
        made = 0
        while True:
            try:
                return attempt()
            except (httpx.TransportError, ProblemError, ConnectionError) as cause:
                time.sleep(_pause_after(_broken(cause), made, self._retries))
            made += 1


class AsyncClient(_Base):
    """Client for asyncio. Cancelling a task cancels its requests."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        retries: int = 4,
        timeout: float = 300,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(url, key, retries, timeout)
        self._http = httpx.AsyncClient(**self._settings, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def score(self, given: Input, **options: Unpack[ScoreOptions]) -> ScoreAnswer:
        answer: ScoreAnswer = (await self._ask("POST", "score", **_request(given, options))).json()
        return answer

    async def predict(self, given: Input, **options: Unpack[PredictOptions]) -> PredictAnswer:
        answer: PredictAnswer = (await self._ask("POST", "predict", **_request(given, options))).json()
        return answer

    async def continuation_file(self, given: Input, **options: Unpack[PredictOptions]) -> bytes:
        return (await self._ask("POST", "predict", headers=_FILE, **_request(given, options))).content

    async def continuation(
        self, given: Input, model: str, *, steps: int = 16, seed: int = 0, **options: Unpack[Continuation]
    ) -> AsyncIterator[list[int]]:
        asked = _beginning(options, model, steps, seed)
        while True:
            prediction = (await self.predict(given, **asked))["predictions"][0]
            for frame in prediction["continuation"]:
                yield frame
            given = prediction["continuation"]
            asked = _continued(asked, prediction["state"])

    async def models(self) -> list[Answer]:
        found: list[Answer] = (await self._ask("GET", "models")).json()["models"]
        return found

    async def batch(
        self,
        inputs: Iterable[dict[str, Any]] | AsyncIterable[dict[str, Any]],
        *,
        requests: int = 2,
        **options: Unpack[ScoreOptions],
    ) -> AsyncIterator[Answer]:
        query = _texts(options)
        under_way: collections.deque[tuple[_Group, asyncio.Task[None]]] = collections.deque()

        async def results() -> AsyncIterator[Answer]:
            done, task = under_way[0]
            await asyncio.wait([task])
            under_way.popleft()
            for answer in done.results(task.exception()):
                yield answer

        try:
            async for group in _groups_async(inputs):
                under_way.append((group, asyncio.create_task(self._answer(group, query))))
                if len(under_way) > requests:
                    async for answer in results():
                        yield answer
            while under_way:
                async for answer in results():
                    yield answer
        finally:
            for _, task in under_way:
                task.cancel()

    async def _answer(self, group: _Group, query: dict[str, str]) -> None:
        async def attempt() -> None:
            asked = self._http.stream("POST", "batch", params=query, content=group.body(), headers=_NDJSON)
            async with asked as response:
                if response.is_error:
                    await response.aread()
                    raise _problem_of(response)
                async for line in response.aiter_lines():
                    group.take(line)
            group.check()

        await self._retrying(attempt)

    async def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def attempt() -> httpx.Response:
            response = await self._http.request(method, path, **request)
            if response.is_error:
                raise _problem_of(response)
            return response

        return await self._retrying(attempt)

    async def _retrying(self, attempt: Callable[[], Awaitable[T]]) -> T:
        made = 0
        while True:
            try:
                return await attempt()
            except (httpx.TransportError, ProblemError, ConnectionError) as cause:
                await asyncio.sleep(_pause_after(_broken(cause), made, self._retries))
            made += 1
