from __future__ import annotations

from tests.structure_report import find_circles, sibling_imports


def test_files_in_a_loop_are_one_circle() -> None:
    imports = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}, "e": set[str]()}
    assert find_circles(imports) == [["a", "b", "c"]]


def test_rooms_can_be_in_a_circle_where_no_file_is() -> None:
    imports = {"f.one.a": {"f.two.b"}, "f.two.c": {"f.one.d"}, "f.two.b": set[str](), "f.one.d": set[str]()}
    assert find_circles(imports) == []
    assert [find_circles(rooms) for rooms in sibling_imports(imports).values()] == [[["f.one", "f.two"]]]
