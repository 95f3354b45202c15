"""The URL that works once, and the cookie that it is exchanged for."""

from envfs_cli.web.sessions import BrowserSessions, is_form_word, new_word


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_url_works_once() -> None:
    sessions = BrowserSessions()
    word = sessions.new_url_word()
    assert sessions.exchange(word, "")
    assert not sessions.exchange(word, "")


def test_another_url_ends_the_one_before_and_lets_a_second_browser_in() -> None:
    sessions = BrowserSessions()
    first, second = sessions.new_url_word(), sessions.new_url_word()
    assert not sessions.exchange(first, "")
    cookie = sessions.exchange(second, "a")
    other = sessions.exchange(sessions.new_url_word(), "b")
    assert [found.process for each in (cookie, other) if (found := sessions.find([each]))] == ["a", "b"]


def test_a_url_ends_by_its_age() -> None:
    clock = Clock()
    sessions = BrowserSessions(clock)
    word = sessions.new_url_word()
    clock.now += 601
    assert not sessions.exchange(word, "")


def test_before_a_url_is_made_none_works() -> None:
    assert not BrowserSessions().exchange("", "")


def test_a_cookie_of_somebody_else_beside_the_right_one_does_no_harm() -> None:
    sessions = BrowserSessions()
    cookie = sessions.exchange(sessions.new_url_word(), "")
    assert sessions.find(["junk", cookie, "\udcff"])
    assert sessions.find(["junk", cookie[:-1], cookie + "x", ""]) is None
    assert sessions.find([]) is None


def test_the_oldest_of_many_browsers_is_forgotten() -> None:
    sessions = BrowserSessions()
    cookies = [sessions.exchange(sessions.new_url_word(), "") for _ in range(9)]
    assert [bool(sessions.find([cookie])) for cookie in cookies] == [False, *[True] * 8]


def test_no_word_is_kept_but_the_folder_and_that_of_forms() -> None:
    sessions = BrowserSessions()
    word = sessions.new_url_word()
    cookie = sessions.exchange(word, "")
    session = sessions.find([cookie])
    assert session is not None
    kept = repr(vars(sessions)) + repr(vars(session))
    assert word not in kept
    assert cookie not in kept


def test_a_form_is_of_one_browser() -> None:
    sessions = BrowserSessions()
    mine, other = (sessions.find([sessions.exchange(sessions.new_url_word(), "")]) for _ in range(2))
    assert mine is not None
    assert other is not None
    assert is_form_word(mine, mine.form_word)
    assert not is_form_word(mine, other.form_word)
    assert not is_form_word(mine, "")


def test_looking_is_what_a_person_does() -> None:
    clock = Clock()
    sessions = BrowserSessions(clock)
    clock.now += 100
    assert sessions.idle_seconds == 100
    sessions.look()
    assert sessions.idle_seconds == 0


def test_words_are_long_and_different() -> None:
    words = {new_word() for _ in range(100)}
    assert len(words) == 100
    assert {len(word) for word in words} == {43}
    assert all(word.replace("-", "").replace("_", "").isalnum() for word in words)
