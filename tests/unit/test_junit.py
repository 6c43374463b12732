"""JUnit XML, read back by a parser that is not ours."""

from pathlib import Path
from xml.etree import ElementTree

from training.junit import Case, write_junit


def test_cases_and_counts(tmp_path: Path) -> None:
    path = tmp_path / "made" / "junit.xml"
    good = Case(name="你好", path="tests/test_a.yml", line=3, duration_s=0.25)
    bad = Case(
        name="a <bad> & odd one", path="tests/test_a.yml", line=9, failures=("said \x00<no>", "two"), output="you: hi"
    )
    write_junit([good, bad], path, suite="kefu test")
    root = ElementTree.parse(path).getroot()
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("time")) == ("testsuites", "2", "1", "0.250")
    first, second = root.iter("testcase")
    assert (first.get("name"), first.get("file"), first.get("line"), len(first)) == ("你好", "tests/test_a.yml", "3", 0)
    failure, output = second
    assert failure.get("message") == "said \ufffd<no>"  # XML cannot hold a zero byte at all
    assert (failure.text, output.text) == ("said \ufffd<no>\ntwo", "you: hi")


def test_no_story_is_no_fault(tmp_path: Path) -> None:
    write_junit([], tmp_path / "junit.xml", suite="kefu test")
    assert ElementTree.parse(tmp_path / "junit.xml").getroot().get("tests") == "0"
