"""Which files are of a family, in whose order, and what each level's own text is."""

import pytest

from envfs.dotenv.document import parse_document
from envfs_cli.importing import families

HERE = (".env", ".env.local", ".env.production", ".env.production.local")


def plan(order: str, **files: str) -> dict[str, str]:
    documents = {f".{name.replace('_', '.')}": parse_document(text) for name, text in files.items()}
    return {"/".join(each.below): each.text for each in families.plan_levels(documents, order)}


@pytest.mark.parametrize(
    ("file", "why"),
    [
        *((file, "") for file in HERE),
        (".env.test.local", ""),
        (".env.eu-west.1", ""),
        (".env.example", "an example"),
        (".env.production.sample", "an example"),
        (".env.template", "an example"),
        (".env.bak", "a leftover of an editor or a copy"),
        (".env.production.swp", "a leftover of an editor or a copy"),
        (".env.local~", "a leftover of an editor or a copy"),
        (".env.keys", "of dotenvx, a private key"),
        (".env.vault", "of dotenv-vault, which is encrypted"),
        (".env.local.local", "that is no mode that can be a level"),
        (".env.", "its name is no mode that can be a level"),
        (".env..local", "its name is no mode that can be a level"),
        (".env.a b", "its name is no mode that can be a level"),
        (".env.-x", "its name is no mode that can be a level"),
        (".env." + "x" * 65, "its name is no mode that can be a level"),
        (".env.defaults", "read by dotenv-flow alone"),
    ],
)
def test_a_file_is_of_the_family_or_it_is_said_why_not(file: str, why: str) -> None:
    found = families.sort_family([file, "package.json", ".envrc", "env"], "next")
    assert found == families.Sorted((), ((file, why),)) if why else found == families.Sorted((file,), ())


def test_the_defaults_are_of_dotenv_flows_family() -> None:
    assert families.sort_family([".env.defaults"], "dotenv-flow").members == (".env.defaults",)


@pytest.mark.parametrize(
    ("packages", "files", "order"),
    [
        ({"next", "react"}, HERE, "next"),
        ({"react-scripts"}, HERE, "next"),
        ({"next", "vite", "dotenv-flow"}, HERE, "next"),
        ({"dotenv-flow", "vite"}, HERE, "dotenv-flow"),
        ({"vite"}, (".env.defaults",), "vite"),
        ({"nuxt", "vite"}, HERE, "nuxt"),
        (set(), (".env.defaults",), "dotenv-flow"),
        (set(), HERE, "next"),
    ],
)
def test_the_order_is_that_of_the_package_that_is_there(packages: set[str], files: tuple[str, ...], order: str) -> None:
    found, why = families.detect_order(packages, files)
    assert found == order
    assert why


def test_a_single_file_is_kept_to_the_letter() -> None:
    text = "\ufeff# mine\r\nexport A = 'x' # y\r\n\r\nB=${A}"
    assert plan("next", env=text) == {"": text}
    assert plan("vite", env_production=text) == {"production": text}
    assert plan("vite", env_local=text) == {"local": text}
    assert plan("vite", env_production_local=text) == {"production/local": text}


def test_local_and_a_mode_meet_in_the_modes_local() -> None:
    files = {"env_local": "A=l\nB=l\n# why\nC=l", "env_production": "A=p\n", "env_production_local": "B=pl\n"}
    assert plan("next", **files)["production/local"] == "A=l\n# why\nC=l\nB=pl\n"
    assert plan("vite", **files)["production/local"] == "# why\nC=l\nB=pl\n"


def test_a_level_comes_to_be_though_nothing_is_left_for_it() -> None:
    found = plan("vite", env_local="A=1\n", env_production="A=2\n")
    assert found["production/local"] == "# all of .env.local is set by .env.production\n"


def test_tests_do_without_what_is_local_but_not_vites() -> None:
    files = {"env_local": "A=1\n", "env_test": "B=1\n"}
    for order in ("next", "dotenv-flow"):
        assert sorted(plan(order, **files)) == ["local", "test"]
    assert plan("vite", **files)["test/local"] == "A=1\n"


def test_what_is_referred_to_goes_first_whichever_file_it_is_in() -> None:
    files = {"env_local": "A=1\nURL=${HOST}\nX=${URL}\n", "env_production_local": "B=${X}\nHOST=h\n"}
    found = plan("next", env_production="", **files)["production/local"]
    assert found == "A=1\nHOST=h\nURL=${HOST}\nX=${URL}\nB=${X}\n"


def test_values_that_refer_to_each_other_in_a_circle_are_put_somewhere() -> None:
    found = plan("next", env_local="A=${B}\n", env_production_local="B=${A}\n")["production/local"]
    assert sorted(found.splitlines()) == ["A=${B}", "B=${A}"]


def test_a_long_chain_of_references_is_put_in_order() -> None:
    weak = "".join(f"W{number}=${{S{number}}}\n" for number in range(5000))
    strong = "".join(f"S{number}=${{W{number + 1}}}\n" for number in range(5000))
    lines = plan("next", env_local=weak, env_production_local=strong)["production/local"].splitlines()
    assert len(lines) == 10_000
    assert lines.index("S0=${W1}") < lines.index("W0=${S0}")


def test_no_plan_shows_a_value() -> None:
    (planned,) = families.plan_levels({".env": parse_document("A=hunter2\n")}, "next")
    assert "hunter2" not in repr(planned)


def test_symfony_reads_the_dist_file_where_there_is_no_other() -> None:
    assert families.sort_family([".env.dist", ".env.dev"], "symfony").members == (".env.dev", ".env.dist")
    assert families.sort_family([".env", ".env.dist"], "symfony").members == (".env",)
    assert families.sort_family([".env.dist"], "next").members == ()


def test_in_symfonys_order_a_mode_is_stronger_than_local_which_tests_do_not_read() -> None:
    files = {"env": "A=1\nB=1\n", "env_local": "A=l\nB=l\n", "env_dev": "A=d\n", "env_test": "C=t\n"}
    planned = plan("symfony", **files)
    assert planned == {"": "A=1\nB=1\n", "local": "A=l\nB=l\n", "dev": "A=d\n", "dev/local": "B=l\n", "test": "C=t\n"}


def test_nuxt_reads_one_file() -> None:
    found = families.sort_family([".env", ".env.local", ".env.production"], "nuxt")
    assert found.members == (".env",)
    assert dict(found.skipped)[".env.local"] == "not read by nuxt"
