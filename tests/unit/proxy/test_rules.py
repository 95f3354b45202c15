"""Rules of the proxy as a person writes them, hosts, places, and the shipped catalogue."""

import tomllib

import pytest

from envfs.errors import EnvFSError
from envfs.proxy.catalogue import base_urls, session_rules, shipped_providers, untested
from envfs.proxy.hosts import Endpoint, parse_endpoint, parse_pattern
from envfs.proxy.places import Place, PlaceKind, parse_place
from envfs.proxy.refusals import unfit_refusal
from envfs.proxy.rules import approval_need, parse_rules, rule_lines, rule_of_row, rule_row, rules_for
from envfs.proxy.substitution import Unfit

RULE = {"key": "SHOP_KEY", "hosts": ["api.example.com"]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"key": ""}, "'key' is a variable's name"),
        ({"key": "A B"}, "'key' is a variable's name"),
        ({"hosts": []}, "'hosts' names no host"),
        ({"hosts": "api.example.com"}, "'hosts' is a list of texts"),
        ({"hosts": ["https://api.example.com"]}, "is no host"),
        ({"hosts": ["*.com"]}, "is no host"),
        ({"hosts": ["*"]}, "is no host"),
        ({"where": ["cookie"]}, "there is no place 'cookie'"),
        ({"where": ["json"]}, "there is no place 'json'"),
        ({"where": ["basic:x"]}, "there is no place 'basic:x'"),
        ({"where": ["header:host"]}, "no value may stand in the header 'host'"),
        ({"where": ["header:proxy-authorization"]}, "no value may stand"),
        ({"methods": ["get"]}, "is not a method in capitals"),
        ({"paths": ["v1"]}, "is not a path"),
        ({"networks": ["10.0.0.0/99"]}, "is no network"),
        ({"address": "here"}, "'address' is an IP address"),
        ({"name": "A"}, "'name' is of"),
        ({"scrub": 1}, "'scrub' is true or false"),
        ({"approve": "ask"}, "is none of never, first, each"),
        ({"host": "x"}, "unknown key 'host'"),
    ],
)
def test_a_rule_that_is_malformed_is_refused_with_its_number_and_its_fault(
    change: dict[str, object], text: str
) -> None:
    with pytest.raises(EnvFSError) as caught:
        parse_rules([RULE, {**RULE, **change}])
    assert caught.value.text.startswith("[[proxy.rule]] 2: ")
    assert text in caught.value.text + caught.value.hint


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(EnvFSError, match="have the name 'shop'"):
        parse_rules([{**RULE, "name": "shop"}] * 2)


def test_a_rule_without_a_name_has_that_of_its_host_and_never_a_variables() -> None:
    names = [rule.name for rule in parse_rules([RULE, RULE, {**RULE, "name": "api-example-com"}])]
    assert names == ["api-example-com-2", "api-example-com-3", "api-example-com"]


def test_the_lines_that_a_refusal_suggests_are_a_rule_that_parses() -> None:
    import tomllib

    lines = rule_lines("SHOP_KEY", ["api.example.com:8443"], ["header:x-key"])
    (rule,) = parse_rules(tomllib.loads(lines)["proxy"]["rule"])
    assert rule.is_for(Endpoint("api.example.com", 8443))
    assert rule.covers(Place(PlaceKind.HEADER, "x-key"))


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("api.example.com", "api.example.com", True),
        ("api.example.com", "API.Example.com.", True),
        ("api.example.com", "xapi.example.com", False),
        ("api.example.com", "api.example.com:8443", False),
        ("api.example.com:8443", "api.example.com:8443", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.*.example.com", "a.b.example.com", True),
        ("*.*.example.com", "a.example.com", False),
        ("[::1]:8443", "[0:0:0:0:0:0:0:1]:8443", True),
    ],
)
def test_a_pattern_stands_for_one_host_or_one_label(pattern: str, host: str, fits: bool) -> None:
    assert parse_endpoint(host).fits(parse_pattern(pattern)) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "a/b",
        "a@b",
        "2130706433",
        "0x7f.1",
        "127.1",
        "example.com:0",
        "example.com:99999",
        "::1",
        "[1.2.3.4]",
        "exa\u212aple.com",
        "example..com",
        "-a.com",
        "[fe80::1%eth0]",
        "a:b:c",
        "host:",
        "host:+1",
        "[::1",
    ],
)
def test_a_host_that_programs_may_read_in_two_ways_is_none(text: str) -> None:
    with pytest.raises(EnvFSError):
        parse_endpoint(text)


@pytest.mark.parametrize("header", ["cookie", "host", "referer", "user-agent", "x-forwarded-for", "origin", "via"])
def test_any_header_is_none_of_those_that_do_not_say_who_asks(header: str) -> None:
    assert not parse_place("header").covers(Place(PlaceKind.HEADER, header))
    assert parse_place("header").covers(Place(PlaceKind.HEADER, "authorization"))


def test_the_catalogue_has_forty_providers_and_more_and_every_variable_of_it_gives_a_rule() -> None:
    providers = shipped_providers()
    assert len(providers) >= 40
    variables = [variable for provider in providers for variable in provider.variables]
    assert len(set(variables)) == len(variables)
    assert len({rule.name for rule in session_rules((), variables)}) == len(variables)


def test_each_service_has_a_test_or_a_reason_why_it_has_none() -> None:
    for provider in shipped_providers():
        rule = provider.rule(provider.variables[0])
        assert bool(rule.test) != bool(provider.untested), provider.name
        assert untested(rule) == provider.untested
        assert not rule.test or not rule.hosts[0].host.startswith("*."), provider.name
    assert sum(not provider.untested for provider in shipped_providers()) >= 50


@pytest.mark.parametrize(
    ("variable", "host"),
    [
        ("OPENAI_API_KEY", "api.openai.com"),
        ("SHOP_ANTHROPIC_API_KEY", "api.anthropic.com"),
        ("GITHUB_TOKEN", "api.github.com"),
        ("GITLAB_TOKEN", "gitlab.com"),
        ("STRIPE_SECRET_KEY", "api.stripe.com"),
        ("SLACK_BOT_TOKEN", "slack.com"),
        ("SENTRY_AUTH_TOKEN", "sentry.io"),
        ("HF_TOKEN", "huggingface.co"),
        ("NPM_TOKEN", "registry.npmjs.org"),
        ("TWINE_PASSWORD", "upload.pypi.org"),
        ("TWILIO_AUTH_TOKEN", "api.twilio.com"),
        ("SENDGRID_API_KEY", "api.sendgrid.com"),
    ],
)
def test_a_known_variable_needs_no_rule(variable: str, host: str) -> None:
    assert rules_for(session_rules((), [variable, "PORT"]), Endpoint(host))
    assert not rules_for(session_rules((), ["PORT", variable + "_X"]), Endpoint(host))


def test_a_rule_of_a_person_takes_the_place_of_the_catalogue_for_its_variables() -> None:
    own = parse_rules([{"key": "OPENAI_API_KEY", "name": "openai", "hosts": ["llm.example.com"]}])
    rules = session_rules(own, ["OPENAI_API_KEY", "STRIPE_KEY"])
    assert not rules_for(rules, Endpoint("api.openai.com"))
    assert rules_for(rules, Endpoint("api.stripe.com"))
    assert base_urls(rules) == {"OPENAI_BASE_URL": ("openai", "/v1")}


def test_two_rules_with_a_long_first_host_have_names_that_a_session_takes() -> None:
    table = {"hosts": ["a." * 40 + "example.com"]}
    rules = parse_rules([{"key": "A", **table}, {"key": "B", **table}])
    assert [rule_of_row(rule_row(rule)) for rule in rules] == list(rules)
    assert rules[0].name != rules[1].name


def test_the_lines_to_add_are_toml_whatever_a_client_named() -> None:
    lines = rule_lines("KEY", ["api.example.com"], ['query:a"]\nhosts = ["evil.example.com'])
    assert tomllib.loads(lines)["proxy"]["rule"][0]["hosts"] == ["api.example.com"]


def test_the_lines_to_add_hold_the_rule_of_the_catalogue_whose_place_they_take() -> None:
    rules = session_rules((), ["OPENAI_API_KEY"])
    unfit = Unfit("OPENAI_API_KEY", "header:x-key", "no rule lets its value stand there")
    hint = unfit_refusal(unfit, Endpoint("api.example.com"), rules).hint
    added = parse_rules(tomllib.loads(hint.partition("\n")[2])["proxy"]["rule"])
    after = session_rules(added, ["OPENAI_API_KEY"])
    assert [(rule.hosts, rule.places) for rule in after[:-1]] == [(rule.hosts, rule.places) for rule in rules]
    assert after[-1].hosts == (Endpoint("api.example.com"),)


def test_the_lines_to_add_beside_a_rule_of_a_person_are_its_own_alone() -> None:
    rules = parse_rules([{"key": "OPENAI_API_KEY", "hosts": ["llm.example.com"]}])
    unfit = Unfit("OPENAI_API_KEY", "header:x-key", "no rule sends its value to this host")
    assert unfit_refusal(unfit, Endpoint("api.example.com"), rules).hint.count("[[proxy.rule]]") == 1


def test_of_all_rules_for_a_request_the_strictest_says_whether_a_person_is_asked() -> None:
    tables = [
        {**RULE, "methods": ["GET"]},
        {**RULE, "methods": ["GET", "POST"], "approve": "first"},
        {**RULE, "paths": ["/pay*"], "approve": "each"},
        {"key": "OTHER", "hosts": ["*.example.com"], "approve": "each"},
    ]
    rules, host = parse_rules(tables), Endpoint("api.example.com")
    cases = {("PUT", "/x"): "never", ("GET", "/x"): "first", ("GET", "/pay"): "each", ("DELETE", "/pay/1"): "each"}
    for (method, path), need in cases.items():
        assert approval_need(rules, ("SHOP_KEY",), host, method, path) == need
        assert approval_need(rules, ("SHOP_KEY", "OTHER"), host, method, path) == "each"
        assert approval_need(rules, (), host, method, path) == "never"
    assert approval_need(rules, ("SHOP_KEY",), Endpoint("www.example.com"), "GET", "/pay") == "never"


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/pay", "/v1/%70ay", "/v1//pay", "/v1%2Fpay", "/v1/%2fpa%79"),
        *("/V1/Pay", "/v1/PA%59", "/v1/pay;a=1", "/v1;a/pay", "/v1/%2570ay"),
    ],
)
def test_a_person_is_asked_however_a_path_is_written(path: str) -> None:
    strict = {**RULE, "paths": ["/v1/pay*"], "approve": "each"}
    rules, host = parse_rules([RULE, strict]), Endpoint("api.example.com")
    assert approval_need(rules, ("SHOP_KEY",), host, "POST", path) == "each"
    assert approval_need(rules, ("SHOP_KEY",), host, "POST", "/v1/other") == "never"
