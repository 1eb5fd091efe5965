"""`gate token`: an integrator's first token must work, and a signing key must never be printed or left open."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from gate.claims.barcode import read_code
from gate.claims.jwks import JwksFile
from gate.cli.exits import Exit
from gate.cli.token import app

ISSUER = "https://issuer.example"
NUMBER = "X0000077B"
VERIFY = ("verify", "--jwks", "issuers.jwks", "--audience", "hkg-departures")
ISSUE = ("issue", "--key", "signing.jwk", "--audience", "hkg-departures", "--traveller", "t-7")
FLIGHT = ("--flight", "ZZ0042/2026-11-22")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def gate(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=given)
    # Whatever was asked for: no private key and no document number is ever printed.
    for file in Path().glob("*.jwk"):
        assert json.loads(file.read_text())["d"] not in result.output
    assert NUMBER not in result.output
    return result


@pytest.fixture
def keys(folder: Path) -> Path:
    assert gate("new-key", "signing.jwk", "--issuer", ISSUER, "--jwks", "issuers.jwks").exit_code == 0
    return folder


@pytest.fixture
def token(keys: Path) -> str:
    assert keys.is_dir()
    result = gate(*ISSUE, *FLIGHT, "--document", "-", given=NUMBER.lower() + "\n")
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


@pytest.mark.parametrize("command", ["new-key", "issue", "verify"])
def test_each_command_teaches_by_its_help(command: str) -> None:
    result = gate(command, "--help")
    assert result.exit_code == 0
    assert "gate token" in result.output


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256"])
def test_from_a_new_key_to_a_verified_token(folder: Path, algorithm: str) -> None:
    made = gate("new-key", "signing.jwk", "--issuer", ISSUER, "--jwks", "issuers.jwks", "--alg", algorithm)
    assert made.exit_code == 0
    assert (folder / "signing.jwk").stat().st_mode & 0o777 == 0o600
    assert "never signing.jwk" in made.output
    issued = gate(*ISSUE, *FLIGHT, "--document", "-", given=NUMBER)
    shown = gate(*VERIFY, given=issued.stdout)
    assert shown.exit_code == 0, shown.output
    for said in ("valid", ISSUER, "t-7", "ZZ0042/2026-11-22", "a document"):
        assert said in shown.output
    assert issued.stdout.strip() not in shown.output


def test_without_a_jwks_file_the_public_half_is_printed(folder: Path) -> None:
    result = gate("new-key", "signing.jwk", "--issuer", ISSUER, "--kid", "k-1")
    (folder / "issuers.jwks").write_text(result.stdout)
    assert [key.key_id for key in JwksFile(folder / "issuers.jwks").keys] == ["k-1"]


def test_a_key_is_never_overwritten(keys: Path) -> None:
    before = (keys / "signing.jwk").read_text()
    result = gate("new-key", "signing.jwk", "--issuer", ISSUER)
    assert (result.exit_code, "exists already" in result.stderr) == (Exit.SETTINGS, True)
    assert (keys / "signing.jwk").read_text() == before


def test_a_key_that_could_not_be_published_is_not_left_behind(keys: Path) -> None:
    (keys / "issuers.jwks").write_text("{")
    result = gate("new-key", "next.jwk", "--issuer", ISSUER, "--jwks", "issuers.jwks")
    assert (result.exit_code, "ISSUER_KEYS_INVALID" in result.stderr) == (Exit.SETTINGS, True)
    assert not (keys / "next.jwk").exists()


def test_keys_are_rotated_and_revoked_as_the_help_says(keys: Path, token: str) -> None:
    assert gate("new-key", "next.jwk", "--issuer", ISSUER, "--jwks", "issuers.jwks").exit_code == 0
    assert gate(*VERIFY, given=token).exit_code == 0, "tokens of the old key stay valid"
    coming = gate("issue", "--key", "next.jwk", *ISSUE[3:], *FLIGHT)
    assert gate(*VERIFY, given=coming.stdout).exit_code == 0
    document = json.loads((keys / "issuers.jwks").read_text())
    document["keys"][0]["revoked"] = True
    (keys / "issuers.jwks").write_text(json.dumps(document))
    refused = gate(*VERIFY, given=token)
    assert (refused.exit_code, "TOKEN_KEY_REVOKED" in refused.stderr) == (Exit.REFUSED, True)
    assert gate(*VERIFY, given=coming.stdout).exit_code == 0


def test_an_unknown_algorithm_is_wrong_usage(folder: Path) -> None:
    result = gate("new-key", "signing.jwk", "--issuer", ISSUER, "--alg", "none")
    assert result.exit_code == Exit.USAGE
    assert not (folder / "signing.jwk").exists()


def test_an_open_key_file_is_refused_with_the_command_that_repairs_it(keys: Path) -> None:
    (keys / "signing.jwk").chmod(0o644)
    result = gate(*ISSUE, *FLIGHT)
    assert (result.exit_code, "chmod 600 signing.jwk" in result.stderr) == (Exit.SETTINGS, True)


def test_a_token_of_another_place_is_refused_with_the_engines_code(token: str) -> None:
    result = gate(*VERIFY[:3], "--audience", "lhr-arrivals", given=token)
    assert result.exit_code == Exit.REFUSED
    assert "TOKEN_AUDIENCE" in result.stderr
    assert token not in result.output


def test_the_document_is_checked(token: str) -> None:
    bound = gate(*VERIFY, token, "--document", "-", given=NUMBER)
    assert (bound.exit_code, "the document given" in bound.output) == (0, True)
    other = gate(*VERIFY, token, "--document", "Y1111111")
    assert (other.exit_code, "TOKEN_DOCUMENT" in other.stderr) == (Exit.REFUSED, True)


@pytest.mark.usefixtures("keys")
def test_token_and_document_cannot_both_come_from_the_input() -> None:
    assert gate(*VERIFY, "--document", "-", given=NUMBER).exit_code == Exit.USAGE


@pytest.mark.usefixtures("keys")
def test_what_is_no_document_number_is_wrong_usage() -> None:
    for command in ((*ISSUE, *FLIGHT), (*VERIFY, "token")):
        assert gate(*command, "--document", "X<1").exit_code == Exit.USAGE


@pytest.mark.usefixtures("keys")
def test_times_can_be_chosen() -> None:
    issued = gate(*ISSUE, *FLIGHT, "--hours", "1", "--from", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}")
    assert gate(*VERIFY, given=issued.stdout).exit_code == 0
    late = gate(*VERIFY, "--at", "2099-01-01T00:00:00", given=issued.stdout)
    assert (late.exit_code, "TOKEN_EXPIRED" in late.stderr) == (Exit.REFUSED, True)
    early = gate(*VERIFY, "--at", "2001-01-01T00:00:00", given=issued.stdout)
    assert (early.exit_code, "TOKEN_NOT_YET_VALID" in early.stderr) == (Exit.REFUSED, True)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((*ISSUE, "--flight", "ZZ0042 übermorgen"), "TOKEN_MALFORMED"),
        ((*ISSUE, *FLIGHT, "--from", "2001-01-01T00:00:00"), "TOKEN_EXPIRED"),
        ((*ISSUE, *FLIGHT, "--from", "2099-01-01T00:00:00"), "TOKEN_LIFETIME"),
        ((*ISSUE, *FLIGHT, *[word for number in range(8) for word in ("--audience", str(number))]), "TOKEN_MALFORMED"),
    ],
)
def test_a_token_that_gates_would_refuse_is_made_with_a_warning(arguments: tuple[str, ...], code: str) -> None:
    """An integrator should learn it here, and not at the lane; a tester needs the token all the same."""
    result = gate(*arguments)
    assert (result.exit_code, result.stdout.count(".")) == (0, 2)
    assert code in result.stderr


def test_a_qr_code_is_written_and_read_back(keys: Path) -> None:
    written = gate(*ISSUE, *FLIGHT, "--document", "-", "--qr", "token.png", given=NUMBER)
    assert written.exit_code == 0, written.output
    assert not re.search(r"eyJ\w+\.", written.output), "what is in the picture need not be on the screen"
    with Image.open(keys / "token.png") as picture:
        text = read_code(np.array(picture.convert("L")))
    assert text not in written.output
    shown = gate(*VERIFY, "--picture", "token.png")
    assert (shown.exit_code, "t-7" in shown.output) == (0, True)


def test_a_picture_without_a_code_is_refused(keys: Path) -> None:
    Image.new("L", (200, 200), 128).save(keys / "grey.png")
    result = gate(*VERIFY, "--picture", "grey.png")
    assert (result.exit_code, "BARCODE_MISSING" in result.stderr) == (Exit.REFUSED, True)


def test_missing_files_are_named() -> None:
    assert "signing.jwk" in gate(*ISSUE, *FLIGHT).stderr
    assert "issuers.jwks" in gate(*VERIFY, given="a.b.c").stderr
