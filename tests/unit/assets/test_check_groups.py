"""The rules of a column are one check, which has the column's name; every other rule is a check of its own."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.check_groups import Rule, grouped, output_identifier

KEY = dg.AssetKey(["raw", "dinkes", "kunjungan"])


def named(*rules: Rule, taken: set[str] | None = None, key: dg.AssetKey = KEY) -> dict[str, list[str]]:
    """The names of the checks, and of the rules of each."""
    return {g.name: [r.name for r in g.rules] for g in grouped(key, rules, set() if taken is None else taken)}


def test_rules_of_a_column_are_one_check_and_other_rules_one_each() -> None:
    rules = [
        Rule("unik_kunci", True),
        Rule("wajib_umur", True, column="umur"),
        Rule("wajib_jk", True, column="jk"),
        Rule("rentang_umur", False, column="umur"),
        Rule("hamil", False, "Pasien laki-laki hamil."),
    ]
    assert named(*rules) == {
        "unik_kunci": ["unik_kunci"],
        "hamil": ["hamil"],
        "umur": ["wajib_umur", "rentang_umur"],
        "jk": ["wajib_jk"],
    }
    texts = {g.name: g.description for g in grouped(KEY, rules, set())}
    assert texts["umur"] == "Aturan kolom umur: wajib, rentang."
    assert (texts["hamil"], texts["unik_kunci"]) == ("Pasien laki-laki hamil.", "")


def test_check_blocks_if_one_of_its_rules_does() -> None:
    rules = [
        Rule("a_x", False, column="x"),
        Rule("b_x", True, column="x"),
        Rule("a_y", False, column="y"),
        Rule("z", False),
    ]
    assert {g.name: g.blocking for g in grouped(KEY, rules, set())} == {"x": True, "y": False, "z": False}


def test_column_named_like_another_check_gets_a_suffix_and_so_does_one_named_like_that() -> None:
    rules = [
        Rule("karantina", True),
        Rule("karantina_kolom", True),
        Rule("wajib_karantina", True, column="karantina"),
        Rule("wajib_karantina_kolom_2", True, column="karantina_kolom_2"),
    ]
    assert list(named(*rules)) == ["karantina", "karantina_kolom", "karantina_kolom_3", "karantina_kolom_2"]


def test_column_whose_output_is_named_like_another_asset_gets_a_suffix() -> None:
    """Dagster names the output of check `kode` of `core/ref_wilayah` like the asset `core/ref_wilayah_kode`."""
    key, other = dg.AssetKey(["core", "ref_wilayah"]), dg.AssetKey(["core", "ref_wilayah_kode"])
    taken = {other.to_python_identifier()}
    assert list(named(Rule("unique_kode", True, column="kode"), taken=taken, key=key)) == ["kode_kolom"]
    assert output_identifier(key, "kode_kolom") in taken


def test_column_with_any_name_gets_a_name_that_dagster_takes() -> None:
    (name,) = named(Rule("wajib", True, column="Jumlah (ribu) " + "x" * 200))
    assert len(name) <= 100 and name.replace("_", "").isalnum()
