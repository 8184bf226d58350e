"""Good files load; bad files say what is wrong, where, and what would be right."""

from pathlib import Path

import pytest

from services.config.loading import ConfigError, load

DATA = Path(__file__).parents[2] / "data" / "config"
GOOD = sorted((DATA / "good").glob("*.yaml"))
BAD = sorted(DATA.glob("bad-*.yaml"))
MINIMAL = (DATA / "good" / "minimal.yaml").read_text()
SECRET = "hooks.example/T000/B000/geheim-geheim"


def faults_of(path: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value


def written(folder: Path, text: str | bytes, name: str = "stormwacht.yaml") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_loads(path: Path) -> None:
    assert load(path).version == 1


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_says_line_field_and_problem(path: Path) -> None:
    lines = path.read_text().splitlines()
    expected = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    told = []
    for fault in faults_of(path).faults:
        file = Path(fault.file)
        place = f"{fault.line}" if file == path else f"{file.relative_to(DATA)}:{fault.line}"
        told.append(f"{place} {fault.field or '-'} {fault.problem}")
        assert fault.remedy
    assert expected == told


def test_a_fault_reads_as_a_compiler_would_write_it() -> None:
    path = DATA / "bad-unknown-sector.yaml"
    assert str(faults_of(path)) == (
        f"{path}:14: institutions[0].sector: 'hospital' is not a sector; choose one of ziekenhuis, ggz, "
        "thuiszorg, ouderenzorg, huisarts, tandarts, gehandicaptenzorg, jeugdzorg, apotheek, verzekeraar, "
        "overig"
    )


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "is empty"),
        (b"# only a note\n", "is empty"),
        (MINIMAL.encode("utf-16"), "is not in UTF-8 but in UTF-16 or UTF-32"),
        (MINIMAL.encode("utf-32-be"), "is not in UTF-8 but in UTF-16 or UTF-32"),
        (MINIMAL.replace("An", "Ren\u00e9").encode("latin-1"), "holds a character that is not UTF-8"),
        (b"a: \x07\n", "there is an invisible control character"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"- " * 100_000, "is nested too deeply"),
        (b'a: "\\UFFFFFFFF"\n', "is not valid YAML"),
        (b'a: "\\ud800"\n', "holds an invisible control character"),
        (b"? [a]\n: b\n", "has a field without a name"),
        (b"x" * (100 * 1024 * 1024), "is larger than 1 MB"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else None,
)
def test_what_is_no_yaml_file_of_ours_is_named(tmp_path: Path, raw: bytes, problem: str) -> None:
    assert [fault.problem for fault in faults_of(written(tmp_path, raw)).faults] == [problem]


def test_the_line_of_a_wrong_byte_is_told(tmp_path: Path) -> None:
    assert faults_of(written(tmp_path, b"version: 1\nname: \xe9\n")).faults[0].line == 2


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "/dev/zero", "a\0b", "x" * 5000])
def test_what_cannot_be_read_is_a_fault(path: str) -> None:
    assert len(faults_of(Path(path)).faults) == 1


@pytest.mark.parametrize(
    "line",
    [
        f"url: https://{SECRET}",
        f"url_env: https://{SECRET}",
        f"{SECRET}: https://x",
        f"urll: https://{SECRET}",
        f"url: *{SECRET}",
        f"url: !{SECRET} x",
        f"url: @{SECRET}",
        f"url: [{SECRET}",
        f'url: "{SECRET}',
        f"url_env:{SECRET}",
        f"payload: https://{SECRET}",
    ],
)
def test_a_secret_in_the_file_is_never_echoed(tmp_path: Path, line: str) -> None:
    slack = f"receivers:\n  - id: slack\n    type: slack_webhook\n    {line}\n  - id: screen\n"
    error = faults_of(written(tmp_path, MINIMAL.replace("receivers:\n  - id: screen\n", slack)))
    assert "geheim" not in f"{error}{error!r}{error.faults!r}"
    assert error.__cause__ is None


def test_a_text_stays_as_it_is_written() -> None:
    (found,) = load(DATA / "good" / "words-that-yaml-would-change.yaml").institutions
    assert (found.id, found.name) == ("007", "Off")


def test_the_lists_of_included_files_are_joined(tmp_path: Path) -> None:
    assert list(load(DATA / "good" / "with-include.yaml").flat()) == ["duin", "strand"]


def test_a_fault_between_files_names_the_file_where_it_stands(tmp_path: Path) -> None:
    written(tmp_path, "teams:\n  - {id: webcare, name: Webcare, members: [bram]}\n", "teams.yaml")
    path = written(tmp_path, MINIMAL + "include: [teams.yaml]\n")
    assert str(faults_of(path)) == (
        f"{tmp_path / 'teams.yaml'}:2: teams[0].members[0]: there is no person 'bram'; choose one of an"
    )


def test_an_include_that_cannot_be_read_gives_no_faults_about_what_it_may_hold(tmp_path: Path) -> None:
    written(tmp_path, "people: [", "people.yaml")
    text = MINIMAL.replace('to: ["person:an"]', 'to: ["person:bram"]') + "include: [people.yaml]\n"
    (fault,) = faults_of(written(tmp_path, text)).faults
    assert fault.file == str(tmp_path / "people.yaml")


def test_a_cycle_over_two_files_is_found(tmp_path: Path) -> None:
    written(tmp_path, "include: [stormwacht.yaml]\n", "more.yaml")
    (fault,) = faults_of(written(tmp_path, MINIMAL + "include: [more.yaml]\n")).faults
    assert fault.problem == "includes a file that includes this one"


def test_a_chain_of_includes_has_an_end(tmp_path: Path) -> None:
    for number in range(30):
        written(tmp_path, f"include: [f{number + 1}.yaml]\n", f"f{number}.yaml")
    written(tmp_path, "teams: []\n", "f30.yaml")
    (fault,) = faults_of(written(tmp_path, MINIMAL + "include: [f0.yaml]\n")).faults
    assert fault.problem == "is included too deeply"


@pytest.mark.parametrize("value", ["people.yaml", "[[a]]", '[""]'])
def test_an_include_that_is_no_list_of_names_is_a_fault(tmp_path: Path, value: str) -> None:
    (fault,) = faults_of(written(tmp_path, f"{MINIMAL}include: {value}\n")).faults
    assert fault.field.startswith("include")


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    sources = (
        "sources:\n  - {id: a, type: file, path: posts.ndjson}\n  - {id: b, type: file, path: '-'}\n"
        "  - {id: c, type: webhook, secret_file: key.txt}\n"
    )
    written(tmp_path / "sub", sources, "sources.yaml")
    written(tmp_path / "sub", "s3cret\n", "key.txt")
    config = load(written(tmp_path, MINIMAL + "include: [sub/sources.yaml]\n"))
    file, stdin, webhook = config.sources
    assert file.type == "file"
    assert stdin.type == "file"
    assert webhook.type == "webhook"
    assert file.path == str(tmp_path / "sub" / "posts.ndjson")
    assert stdin.path == "-"
    assert webhook.secret.reveal() == "s3cret"
