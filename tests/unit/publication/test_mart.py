"""A mart is open only if its model and an exposure say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.errors import PublicationError
from pipelines.models.project.nodes import Exposure, ModelColumn, Node, Project
from pipelines.publication.mart import MartColumn, open_marts


def node(
    name: str, meta: dict[str, Any], columns: tuple[ModelColumn, ...] = (ModelColumn("kode", " Kode. "),)
) -> Node:
    return Node(
        name=name,
        kind="table",
        schema="mart_satu_data",
        path=Path(f"{name}.sql"),
        sql="",
        code_version="1",
        description="Uraian.",
        columns=columns,
        meta=meta,
    )


def project(*nodes: Node, exposed: tuple[str, ...] | None = None, **meta: str) -> Project:
    """A project whose portal names the models `exposed`, or else all open ones. meta: more of the portal's."""
    names = (
        tuple(n.name for n in nodes if n.meta.get("publikasi") == "terbuka") if exposed is None else exposed
    )
    portal = Exposure("portal", "Portal", "application", names, meta={"terbit": "berkas", **meta})
    return Project("uji", Path(), {n.name: n for n in nodes}, {}, {"portal": portal})


def test_only_marts_with_publikasi_terbuka_are_open() -> None:
    marts = open_marts(
        project(node("b", {"publikasi": "terbuka"}), node("a", {"publikasi": "terbatas"}), node("c", {}))
    )
    assert [mart.name for mart in marts] == ["b"]


def test_mart_that_only_the_model_or_only_an_exposure_opens_is_an_error() -> None:
    with pytest.raises(PublicationError, match="a: terbuka, tetapi tidak disebut exposure mana pun"):
        open_marts(project(node("a", {"publikasi": "terbuka"}), exposed=()))
    with pytest.raises(PublicationError, match="b: disebut exposure berkas terbuka, tetapi tidak terbuka"):
        open_marts(project(node("b", {}), exposed=("b",)))


def test_meta_of_the_model_becomes_the_mart() -> None:
    meta = {
        "publikasi": "terbuka",
        "judul": "Judul",
        "satuan": "jiwa",
        "frekuensi": "tahunan",
        "kata_kunci": ["a", "b"],
    }
    (mart,) = open_marts(project(node("penduduk", meta)))
    assert (mart.title, mart.unit, mart.frequency, mart.keywords) == ("Judul", "jiwa", "tahunan", ("a", "b"))
    assert mart.relation == "mart_satu_data.penduduk"
    assert mart.columns == (MartColumn("kode", "", "Kode."),)


def test_default_title_is_the_name_and_keywords_may_be_one_text() -> None:
    (mart,) = open_marts(
        project(node("harga_pangan", {"publikasi": "terbuka", "kata_kunci": "pangan, harga"}))
    )
    assert mart.title == "Harga pangan"
    assert mart.keywords == ("pangan", "harga")


def test_open_mart_must_describe_its_columns() -> None:
    with pytest.raises(PublicationError, match="tidak menguraikan satu kolom pun"):
        open_marts(project(node("kosong", {"publikasi": "terbuka"}, columns=())))


def test_mart_has_its_own_licence_or_that_of_the_portal() -> None:
    own = node("a", {"publikasi": "terbuka", "lisensi": "ODbL-1.0"})
    marts = open_marts(project(own, node("b", {"publikasi": "terbuka"}), lisensi="CC-BY-4.0"))
    assert [mart.licence and mart.licence.name for mart in marts] == ["ODbL-1.0", "CC-BY-4.0"]
    (without,) = open_marts(project(node("b", {"publikasi": "terbuka"})))
    assert without.licence is None


def test_unknown_licence_is_refused_with_the_nearest_known() -> None:
    with pytest.raises(PublicationError, match=r"'CC-BY-4' tidak dikenal.*CC-BY-4\.0"):
        open_marts(project(node("x", {"publikasi": "terbuka", "lisensi": "CC-BY-4"})))


def test_producers_are_separated_by_semicolons_because_their_names_have_commas() -> None:
    meta = {"publikasi": "terbuka", "produsen": "Dinas Pangan, Tanaman Pangan dan Hortikultura; Dinas Sosial"}
    (mart,) = open_marts(project(node("x", meta)))
    assert mart.producers == ("Dinas Pangan, Tanaman Pangan dan Hortikultura", "Dinas Sosial")


def test_unknown_frequency_is_refused() -> None:
    with pytest.raises(PublicationError, match="'kadang' tidak dikenal"):
        open_marts(project(node("x", {"publikasi": "terbuka", "frekuensi": "kadang"})))
