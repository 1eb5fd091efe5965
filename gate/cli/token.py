"""`gate token`: keys, travel tokens and their verification, for integrators. Prints a token only where it makes one."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gate.cli.claimed import STDIN, given
from gate.cli.exits import Exit
from gate.cli.failures import explained, fail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gate.claims.issue import SigningKey
    from gate.claims.token import TravelToken

app = typer.Typer(no_args_is_help=True, help="Travel tokens: make a signing key, issue a token, verify one.")

_ALGORITHMS = ("EdDSA", "ES256")


@app.command("new-key")
def new_key(
    file: Path = typer.Argument(..., help="The file to make; it must not exist yet."),
    issuer: str = typer.Option(..., "--issuer", help="Who signs with it: the tokens' `iss`, such as a URL of yours."),
    algorithm: str = typer.Option("EdDSA", "--alg", help="EdDSA (Ed25519) or ES256."),
    key_id: str = typer.Option("", "--kid", help="The key's name; by default from its thumbprint."),
    jwks: Path | None = typer.Option(None, "--jwks", help="Add the public half to this file; it is made if missing."),
) -> None:
    """Make a signing key: a private JWK in a file for this user alone (mode 0600), and its public half for the gates.

    The private file stays with the issuer: whoever has it can issue tokens. The gates get the public half, in a JWKS
    file. To change keys, make the new one with the same --jwks, issue with it, and when the last token of the old one
    has expired, set `"revoked": true` at the old one. Engines read the file again by themselves.

    Example: `gate token new-key signing.jwk --issuer https://carrier.example --jwks issuers.jwks`
    """
    if algorithm not in _ALGORITHMS:
        raise typer.BadParameter(f"expected {' or '.join(_ALGORITHMS)}", param_hint="--alg")
    with explained():
        import json

        from gate.claims.issue import SigningKey, write_signing_key
        from gate.claims.jwks import Algorithm, written_to

        key = SigningKey.generate(issuer, Algorithm(algorithm), key_id)
        try:
            write_signing_key(file, key)
        except FileExistsError:
            fail(f"{file} exists already.", "Name another file; a key in use is never overwritten.", Exit.SETTINGS)
        if jwks is None:
            print(json.dumps({"keys": [key.public_jwk]}, indent=2))
            return
        try:
            written_to(jwks, key.public_jwk)
        except BaseException:
            # A key that no gate knows would be taken for one that works.
            file.unlink()
            raise
        print(f"{file}: a new {key.algorithm} key, kid {key.key_id}, of {key.issuer}")
        print(f"  → Its public half is in {jwks}: give that file to the gates, never {file}.")


@app.command()
def issue(
    key: Path = typer.Option(..., "--key", help="The signing key, made by `gate token new-key`."),
    audience: list[str] = typer.Option(..., "--audience", help="The place it is for; may be repeated."),
    traveller: str = typer.Option(..., "--traveller", help="The traveller's reference, as enrolled: opaque, no name."),
    flight: str = typer.Option(..., "--flight", help="As the gallery names it: ZZ0042/2026-11-22."),
    document: str = typer.Option("", "--document", help="Bind it to this document number; - reads it from the input."),
    hours: float = typer.Option(2.0, "--hours", min=0.01, max=24, help="How long it is valid."),
    begin: datetime | None = typer.Option(None, "--from", help="UTC; by default now."),
    picture: Path | None = typer.Option(
        None, "--qr", help="Write it as a QR code into this PNG instead of printing it."
    ),
) -> None:
    """Issue a travel token and print it: whoever has it can present it once, so treat it like a boarding pass.

    It holds no personal data: the reference is the one under which the traveller is enrolled, and of the document only
    a salted hash. A token that is bound to no document may be refused.

    Example: `echo X0000042A | gate token issue --key signing.jwk --audience hkg-departures --traveller t-7
    --flight ZZ0042/2026-11-22 --document -`
    """
    number = _number(document)
    with explained():
        from gate.claims.issue import Issue, issue_token, read_signing_key

        now = datetime.now(UTC)
        starts = now if begin is None else begin.replace(tzinfo=begin.tzinfo or UTC)
        wanted = Issue(
            audience=audience[0] if len(audience) == 1 else tuple(audience),
            reference=traveller,
            flight=flight,
            not_before=starts,
            expires_at=starts + timedelta(hours=hours),
            document_number=number,
        )
        signing = read_signing_key(key)
        text = issue_token(wanted, signing, min(now, starts))
        _warn(text, signing, frozenset(audience), max(now, starts))
        if picture is None:
            print(text)
        else:
            _write_qr(text, picture)
            print(f"{picture}: a QR code of {len(text)} characters, valid until {wanted.expires_at:%Y-%m-%d %H:%M} UTC")


@app.command()
def verify(
    token: str = typer.Argument(STDIN, help="The token; - reads it from the input, where no other user sees it."),
    jwks: Path = typer.Option(..., "--jwks", help="The issuers' public keys."),
    audience: list[str] = typer.Option(..., "--audience", help="The place where it is presented; may be repeated."),
    document: str = typer.Option("", "--document", help="Check that it is bound to this document number."),
    skew_s: float = typer.Option(30.0, "--skew-s", min=0, max=3600, help="How far clocks may be apart, seconds."),
    max_hours: float = typer.Option(24.0, "--max-hours", min=0.01, help="The longest life accepted."),
    at: datetime | None = typer.Option(None, "--at", help="As if it were this time, UTC."),
    picture: Path | None = typer.Option(None, "--picture", help="Read it from the barcode in this picture instead."),
) -> None:
    """Verify a travel token as an engine would, and show what it says. Only an engine knows whether it was used before.

    Exit code 14 when it is refused, with the code that the engine would give.

    Examples:

    - `gate token issue … | gate token verify --jwks issuers.jwks --audience hkg-departures`

    - `gate token verify --picture telephone.png --jwks issuers.jwks --audience hkg-departures`
    """
    if token == STDIN == document and picture is None:
        raise typer.BadParameter("only one of token and document can come from the input", param_hint="--document")
    number = _number(document)
    with explained():
        from gate.claims.barcode import read_code
        from gate.claims.jwks import JwksFile
        from gate.claims.token import TokenRules, verify_token

        rules = TokenRules(frozenset(audience), skew_s=skew_s, max_lifetime_s=max_hours * 3600)
        text = given(token) if picture is None else read_code(_image(picture))
        now = datetime.now(UTC) if at is None else at.replace(tzinfo=at.tzinfo or UTC)
        found = verify_token(text, JwksFile(jwks), rules, now)
        if number:
            found.check_bound((number,))
        _show(found, bound=bool(number and found.binding))


def _warn(text: str, key: SigningKey, audience: frozenset[str], at: datetime) -> None:
    """Says what a gate would refuse. The token is made all the same: tests of a gate need wrong ones too."""
    from gate.claims.jwks import FixedKeys
    from gate.claims.token import TokenRules, verify_token
    from gate.errors import ClaimError

    try:
        verify_token(text, FixedKeys([key.public]), TokenRules(audience), at)
    except ClaimError as error:
        print(f"gate: a gate would refuse this token: {error.code}: {error.message}", file=sys.stderr)


def _show(found: TravelToken, *, bound: bool) -> None:
    from gate.cli.safe import safe

    binding = (
        "none" if found.binding is None else "the document given" if bound else "a document (--document checks it)"
    )
    print("The token is valid.")
    print(f"issuer     {safe(found.issuer)}, key {safe(found.key_id)}")
    print(f"traveller  {safe(found.reference)}")
    print(f"flight     {safe(found.flight)}")
    print(f"valid      {found.not_before:%Y-%m-%d %H:%M:%S} to {found.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    print(f"bound to   {binding}")
    for finding in found.findings:
        print(f"  {finding.severity}: {finding.code}: {finding.message}")


def _number(document: str) -> str:
    """The document number given, or nothing."""
    number = given(document).upper()
    if number and not re.fullmatch("[0-9A-Z]{1,32}", number):
        raise typer.BadParameter("expected 1 to 32 letters A to Z and digits, without filler", param_hint="--document")
    return number


def _write_qr(text: str, path: Path) -> None:
    import numpy as np
    import zxingcpp
    from PIL import Image

    # Error correction M: a telephone's screen is clean, and the code stays small.
    code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
    Image.fromarray(np.array(zxingcpp.write_barcode_to_image(code, scale=6), dtype=np.uint8)).save(path, "PNG")


def _image(path: Path) -> NDArray[np.uint8]:
    from gate.vision.frame import DecodeLimits, decode_photo

    return decode_photo(path.read_bytes(), DecodeLimits())
