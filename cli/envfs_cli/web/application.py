"""The application: guards first, then the session, then a page, an answer, a file, or the news.

Laws: whoever has no session gets the same answer for every path. A fault of the page's own is told by its kind alone.
"""

import asyncio
import os

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from envfs import safe_open
from envfs.errors import EnvFSError
from envfs_cli.web import answers, guards, pages, rendering
from envfs_cli.web.live import NewsStreams
from envfs_cli.web.parts import PageLooker
from envfs_cli.web.sessions import COOKIE, BrowserSession, BrowserSessions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from envfs_cli.web.asking import PageAsker

_STATIC = os.path.join(os.path.dirname(__file__), "static")
_FILES = {"page.css": "text/css", "page.js": "text/javascript", "page.svg": "image/svg+xml"}
_EVENTS = "events"
_MOST_BYTES = 1 << 16
_PATH_LEFT, _PATH_RIGHT = "/open/", "/"
_AGAIN = "press return in the terminal of `envfs web` for another URL"


class Application:
    """Answers the requests of browsers. `address` is that of the server, and `process_of` names who sends one."""

    def __init__(
        self, asker: "PageAsker", sessions: BrowserSessions, address: str, process_of: "Callable[[Scope], str]"
    ) -> None:
        """Serve nothing yet."""
        self._asker = asker
        self._sessions = sessions
        self._address = address
        self._process_of = process_of
        self.news = NewsStreams(asker)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer one request of HTTP."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except Exception as error:  # noqa: BLE001 - the next request is to be answered
            response = _refused(500, "A fault", f"EnvFS met a fault of its own: {type(error).__name__}")
        for name, text in guards.HEADERS:
            response.headers[name] = text
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        if (refusal := guards.refuse_request(request.method, path, _headers(request), self._address)) is not None:
            return _refused(refusal.status, "Refused", refusal.text)
        if path.startswith(_PATH_LEFT):
            return await self._open(request, path.removeprefix(_PATH_LEFT))
        folder, _, rest = path.removeprefix("/").partition(_PATH_RIGHT)
        session = self._sessions.find(_cookies(request)) if self._sessions.is_folder(folder) else None
        if session is None:
            return _refused(403, "Not let in", "This browser was not let in, or not any more", _AGAIN)
        if request.method == "POST":
            return await self._take_answer(request, session, rest)
        return await self._show(request, session, rest)

    async def _open(self, request: Request, word: str) -> Response:
        process = await asyncio.to_thread(self._process_of, request.scope)
        cookie = self._sessions.exchange(word, process)
        if not cookie:
            return _refused(403, "Not let in", "This URL was used before, or is too old", _AGAIN)
        # a page and no redirection: where the URL was a link of another site, that would come without the cookie
        target = self._root
        response = HTMLResponse(rendering.render("opened.html", root="", notice="", target=target))
        response.set_cookie(COOKIE, cookie, path=target, httponly=True, samesite="strict")
        return response

    @property
    def _root(self) -> str:
        return f"/{self._sessions.folder}/"

    async def _show(self, request: Request, session: BrowserSession, path: str) -> Response:
        if path in _FILES:
            return Response(await asyncio.to_thread(_read_file, path), media_type=_FILES[path])
        if path == _EVENTS:
            return self._stream()
        found = pages.find_page(path)
        if found is None:
            return _refused(404, "No such page", "There is no page of that name", root=self._root)
        is_visit = request.headers.get("sec-fetch-mode", "navigate") == "navigate"
        if is_visit:
            self._sessions.look()
        return HTMLResponse(await asyncio.to_thread(self._rendered, *found, request, session, is_visit))

    def _rendered(
        self, page: pages.Page, subject: str, request: Request, session: BrowserSession, is_visit: bool
    ) -> str:
        values = page.look(PageLooker(self._asker, fresh=is_visit), subject, request.query_params)
        notice, session.notice = session.notice, ""
        return rendering.render(
            page.template,
            root=self._root,
            pages=pages.PAGES,
            here=page.here,
            news=page.news,
            notice=notice,
            form_word=session.form_word,
            takes_answers=self._asker.takes_answers,
            **values,
        )

    def _stream(self) -> Response:
        if self.news.is_full:
            return Response("too many pages are open", 503, {"retry-after": "60"}, "text/plain")
        return StreamingResponse(self.news.stream(), media_type="text/event-stream")

    async def _take_answer(self, request: Request, session: BrowserSession, path: str) -> Response:
        first, _, name = path.partition("/")
        if first != "approvals" or not name:
            return _refused(404, "No such page", "There is no page of that name", root=self._root)
        self._sessions.look()
        form = await request.body()
        process = await asyncio.to_thread(self._process_of, request.scope)
        try:
            notice = await asyncio.to_thread(answers.answer_question, self._asker, session, process, name, form)
        except EnvFSError as error:
            return _refused(409, "No answer was given", error.text, error.hint, root=self._root)
        session.notice = notice
        return RedirectResponse(f"{self._root}approvals", 303)


def _headers(request: Request) -> "dict[str, list[str]]":
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        headers.setdefault(name, []).append(value)
    return headers


def _cookies(request: Request) -> "list[str]":
    # another port of the host may have set one of the same name: each is tried
    pairs = ";".join(request.headers.getlist("cookie")).split(";")
    named = (pair.strip().partition("=") for pair in pairs)
    return [value for name, _, value in named if name == COOKIE]


def _refused(status: int, title: str, text: str, hint: str = "", *, root: str = "") -> HTMLResponse:
    page = rendering.render(
        "refused.html", root=root, pages=pages.PAGES, here=None, news="", notice="", title=title, text=text, hint=hint
    )
    return HTMLResponse(page, status)


def _read_file(name: str) -> bytes:
    return safe_open.read_file(os.path.join(_STATIC, name), _MOST_BYTES)
