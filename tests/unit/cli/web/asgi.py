"""The page without a socket: a request of HTTP given to the application, and its answer."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from envfs.errors import NotRunning
from envfs_cli.web.application import Application
from envfs_cli.web.asking import PageReply
from envfs_cli.web.sessions import COOKIE, BrowserSessions

ADDRESS = "127.0.0.1:8200"
PROCESS = "7-7"
VISIT = (("host", ADDRESS), ("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"))
FORM = (
    ("host", ADDRESS),
    ("origin", f"http://{ADDRESS}"),
    ("sec-fetch-site", "same-origin"),
    ("content-type", "application/x-www-form-urlencoded"),
)
Headers = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """The status, the headers and the text of an answer."""

    status: int
    headers: dict[str, str]
    text: str


class FakeAsker:
    """A daemon behind the page: it has rows and a reply for each kind of request, and refuses all others."""

    takes_answers = True

    def __init__(self, replies: Mapping[type, PageReply] | None = None) -> None:
        self._replies = replies or {}
        self.asked: list[tuple[object, bool]] = []

    def ask(self, request: object, *, fresh: bool = True) -> PageReply:
        self.asked.append((request, fresh))
        if type(request) not in self._replies:
            raise NotRunning("no daemon runs here", "start it with `envfs mount`")
        return self._replies[type(request)]


class Served:
    """An application, and a browser that may have been let in."""

    def __init__(self, asker: FakeAsker | None = None) -> None:
        self.asker = asker or FakeAsker()
        self.sessions = BrowserSessions()
        self.process = PROCESS
        self.application = Application(self.asker, self.sessions, ADDRESS, lambda _scope: self.process)  # type: ignore[arg-type]
        self.root = f"/{self.sessions.folder}/"
        self.cookie = ""

    def enter(self) -> str:
        """Be let in. Returns the word that a form has to bring."""
        self.cookie = self.sessions.exchange(self.sessions.new_url_word(), self.process)
        session = self.sessions.find([self.cookie])
        assert session is not None
        return session.form_word

    def get(self, path: str, headers: Headers = VISIT, method: str = "GET", *, below: bool = True) -> Answer:
        """Ask for a path, below the folder or not."""
        return self.request(method, self.root + path if below else path, headers, b"")

    def post(self, path: str, body: bytes, headers: Headers = FORM) -> Answer:
        """Send a form."""
        length = () if any(name == "content-length" for name, _ in headers) else (("content-length", str(len(body))),)
        return self.request("POST", self.root + path, (*headers, *length), body)

    def request(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        """Send a request, with the cookie if there is one."""
        plain, _, query = path.partition("?")
        sent = [(name.encode(), text.encode()) for name, text in headers]
        if self.cookie:
            sent.append((b"cookie", f"{COOKIE}={self.cookie}".encode()))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": plain,
            "raw_path": plain.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": sent,
            "client": ("127.0.0.1", 50_000),
            "server": ("127.0.0.1", 8200),
        }
        messages: list[dict[str, object]] = []

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, object]) -> None:
            messages.append(message)

        asyncio.run(self.application(scope, receive, send))  # type: ignore[arg-type]
        first, *rest = messages
        listed = first["headers"]
        assert isinstance(listed, list)
        text = b"".join(part["body"] for part in rest if isinstance(part["body"], bytes)).decode()
        return Answer(int(str(first["status"])), {name.decode(): value.decode() for name, value in listed}, text)
