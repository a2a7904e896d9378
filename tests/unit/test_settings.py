"""Settings: an unusable value is reported by the name of its variable, and not repeated."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import GudangError
from pipelines.settings import Settings, load_alert_settings

MAIL = {"GUDANG_ALERT_MAIL_HOST": "surel.example", "GUDANG_ALERT_MAIL_FROM": "gudang@dinas.example"}
SECRET = "r4hasia-benar"


def test_no_channel_is_used_without_settings() -> None:
    settings = load_alert_settings({})
    assert (settings.mail, settings.webhook_url, settings.telegram_token) == (None, None, None)
    assert settings.when == "on_error"


def test_mail_server_has_the_default_port_of_its_encryption() -> None:
    settings = load_alert_settings({**MAIL, "GUDANG_ALERT_MAIL_TO": "a@b.example; c@d.example,"})
    assert settings.mail is not None
    assert (settings.mail.port, settings.mail.security) == (587, "starttls")
    assert settings.to == ("a@b.example", "c@d.example")


def test_text_of_the_settings_contains_no_secret() -> None:
    env = {
        **MAIL,
        "GUDANG_ALERT_MAIL_PASSWORD": SECRET,
        "GUDANG_ALERT_WEBHOOK_URL": f"https://kait.example/{SECRET}",
        "GUDANG_ALERT_WEBHOOK_TOKEN": SECRET,
        "GUDANG_ALERT_TELEGRAM_TOKEN": SECRET,
        "GUDANG_ALERT_TELEGRAM_CHAT": "-100",
    }
    assert SECRET not in repr(load_alert_settings(env))


@pytest.mark.parametrize(
    ("env", "message"),
    [
        ({"WHEN": "kadang"}, "GUDANG_ALERT_WHEN: nilainya tidak dikenal (salah satu dari always, on_error,"),
        ({"OPD": "mungkin"}, "GUDANG_ALERT_OPD: nilainya tidak dikenal (ya atau tidak)"),
        ({"OPD": "ya"}, "GUDANG_ALERT_MAIL_HOST: belum diisi, padahal ada yang dikirimi surel"),
        ({"MAIL_HOST": "x"}, "GUDANG_ALERT_MAIL_FROM: belum diisi dengan satu alamat surel"),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_TO": "a@b, c d@e"},
            "GUDANG_ALERT_MAIL_TO: bagian ke-2 bukan",
        ),
        ({"MAIL_HOST": "x", "MAIL_FROM": "a@b\nBcc: c@d"}, "GUDANG_ALERT_MAIL_FROM: belum diisi dengan satu"),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_PORT": "-1"},
            "GUDANG_ALERT_MAIL_PORT: nilainya bukan angka",
        ),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_PORT": "65536"},
            "GUDANG_ALERT_MAIL_PORT: nilainya bukan angka",
        ),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_PORT": "0.5"},
            "GUDANG_ALERT_MAIL_PORT: nilainya bukan bilangan bulat",
        ),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_SECURITY": "tls"},
            "GUDANG_ALERT_MAIL_SECURITY: nilainya tidak",
        ),
        (
            {"MAIL_HOST": "x", "MAIL_FROM": "a@b", "MAIL_SECURITY": "tanpa", "MAIL_USER": "u"},
            "GUDANG_ALERT_MAIL_SECURITY: tanpa enkripsi kata sandi terbaca di jaringan",
        ),
        ({"WEBHOOK_URL": SECRET}, "GUDANG_ALERT_WEBHOOK_URL: nilainya bukan URL"),
        ({"TELEGRAM_TOKEN": SECRET}, "GUDANG_ALERT_TELEGRAM_TOKEN: diisi bersama GUDANG_ALERT_TELEGRAM_CHAT"),
        ({"TIMEOUT": "0"}, "GUDANG_ALERT_TIMEOUT: nilainya bukan angka di atas 0"),
        ({"TIMEOUT": "1e300"}, "GUDANG_ALERT_TIMEOUT: nilainya bukan angka di atas 0 sampai 3600"),
    ],
)
def test_error_of_an_unusable_setting_does_not_show_its_value(env: dict[str, str], message: str) -> None:
    with pytest.raises(GudangError) as caught:
        load_alert_settings({f"GUDANG_ALERT_{name}": value for name, value in env.items()})
    assert str(caught.value).startswith(message)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("", None),
        (" https://data.contoh.id/terbuka/ ", "https://data.contoh.id/terbuka"),
        ("http://a", "http://a"),
    ],
)
def test_address_of_publications_has_no_last_slash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str, url: str | None
) -> None:
    monkeypatch.setenv("GUDANG_PUBLICATION_URL", value)
    assert Settings(tmp_path, tmp_path, None).publication_url == url


@pytest.mark.parametrize("value", ["/terbuka", "data.contoh.id", "https://", "https://a b"])
def test_address_of_publications_must_be_one_that_others_can_reach(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("GUDANG_PUBLICATION_URL", value)
    with pytest.raises(GudangError, match="GUDANG_PUBLICATION_URL: nilainya bukan alamat web"):
        _ = Settings(tmp_path, tmp_path, None).publication_url
