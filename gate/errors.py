"""Everything that can go wrong, in one tree and one catalogue.

::

    GateError
    ├── InputError            the caller sent something that cannot be used
    │   ├── ProtocolError     a message out of turn, or a field that makes no sense
    │   ├── FrameError        a picture that cannot be decoded
    │   ├── EnrolmentError    a photograph or traveller that cannot be enrolled
    │   ├── FingerprintError  a fingerprint image, record or template that cannot be used
    │   ├── ClaimError        what the traveller presented cannot be read or is not accepted
    │   └── NotFoundError     a lane, flight, traveller or profile that is not known here
    ├── ConfigError           the engine was set up wrongly and does not start
    │   ├── SettingsError     gate.toml or the environment
    │   ├── ModelPackError    a model file is missing, altered or of another shape
    │   ├── ProviderError     the execution provider asked for is not the one that runs
    │   ├── MasterKeyError    the master key is missing, open to others, or not the store's
    │   ├── IssuerKeyError    the keys of those who issue travel tokens are missing, unsafe or unusable
    │   └── StoreError        the store is in use, or not a store of this engine
    └── EngineFault           the engine broke: fail safe, never "no match"
        └── StorageFault      the disk failed, or what was stored is not as it was written

Each error carries a ``code`` from the catalogue. The catalogue says which gRPC status it travels under,
what the caller may be told, and what to do about it. The message of an `InputError` or `ConfigError` is
written for the caller and travels with it; the message of an `EngineFault` stays in the log.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

GrpcStatus = Literal[
    "INVALID_ARGUMENT",
    "FAILED_PRECONDITION",
    "NOT_FOUND",
    "RESOURCE_EXHAUSTED",
    "UNAVAILABLE",
    "INTERNAL",
]


class Code(enum.StrEnum):
    """Names an error on the wire, in logs and in docs/errors.md. Never renamed."""

    FIELD_INVALID = "FIELD_INVALID"
    START_MISSING = "START_MISSING"
    START_REPEATED = "START_REPEATED"
    MESSAGE_EMPTY = "MESSAGE_EMPTY"
    LANE_UNKNOWN = "LANE_UNKNOWN"
    LANE_BUSY = "LANE_BUSY"
    CHECKPOINT_UNKNOWN = "CHECKPOINT_UNKNOWN"
    PROFILE_UNKNOWN = "PROFILE_UNKNOWN"
    FLIGHT_UNKNOWN = "FLIGHT_UNKNOWN"
    TRAVELLER_UNKNOWN = "TRAVELLER_UNKNOWN"
    FRAME_EMPTY = "FRAME_EMPTY"
    FRAME_TOO_LARGE = "FRAME_TOO_LARGE"
    FRAME_TRUNCATED = "FRAME_TRUNCATED"
    FRAME_ENCODING_MISMATCH = "FRAME_ENCODING_MISMATCH"
    FRAME_SIZE_MISMATCH = "FRAME_SIZE_MISMATCH"
    FRAME_UNSUPPORTED = "FRAME_UNSUPPORTED"
    FRAME_UNDECODABLE = "FRAME_UNDECODABLE"
    FRAME_OUT_OF_ORDER = "FRAME_OUT_OF_ORDER"
    FRAME_NONCE = "FRAME_NONCE"
    FRAME_STALE = "FRAME_STALE"
    FRAME_CLOCK = "FRAME_CLOCK"
    FRAME_IDENTICAL = "FRAME_IDENTICAL"
    FRAME_REPLAYED = "FRAME_REPLAYED"
    PHOTO_NO_FACE = "PHOTO_NO_FACE"
    PHOTO_SEVERAL_FACES = "PHOTO_SEVERAL_FACES"
    PHOTO_LOW_QUALITY = "PHOTO_LOW_QUALITY"
    PHOTO_RECORD_INVALID = "PHOTO_RECORD_INVALID"
    FINGER_IMAGE_INVALID = "FINGER_IMAGE_INVALID"
    FINGER_LOW_QUALITY = "FINGER_LOW_QUALITY"
    FINGER_RECORD_INVALID = "FINGER_RECORD_INVALID"
    FINGER_INCOMPARABLE = "FINGER_INCOMPARABLE"
    FINGER_UNAVAILABLE = "FINGER_UNAVAILABLE"
    CLAIM_UNREADABLE = "CLAIM_UNREADABLE"
    BARCODE_MISSING = "BARCODE_MISSING"
    BARCODE_SEVERAL = "BARCODE_SEVERAL"
    BARCODE_UNUSABLE = "BARCODE_UNUSABLE"
    TOKENS_OFF = "TOKENS_OFF"
    TOKENS_FULL = "TOKENS_FULL"
    TOKEN_MALFORMED = "TOKEN_MALFORMED"
    TOKEN_ALGORITHM = "TOKEN_ALGORITHM"
    TOKEN_ISSUER_UNKNOWN = "TOKEN_ISSUER_UNKNOWN"
    TOKEN_KEY_REVOKED = "TOKEN_KEY_REVOKED"
    TOKEN_SIGNATURE = "TOKEN_SIGNATURE"
    TOKEN_AUDIENCE = "TOKEN_AUDIENCE"
    TOKEN_NOT_YET_VALID = "TOKEN_NOT_YET_VALID"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    TOKEN_LIFETIME = "TOKEN_LIFETIME"
    TOKEN_USED = "TOKEN_USED"
    TOKEN_DOCUMENT = "TOKEN_DOCUMENT"
    CONSENT_REFUSED = "CONSENT_REFUSED"
    MANIFEST_TOO_LARGE = "MANIFEST_TOO_LARGE"
    TEMPLATES_FULL = "TEMPLATES_FULL"
    EXPIRY_INVALID = "EXPIRY_INVALID"
    PLANS_FULL = "PLANS_FULL"
    PACK_MISMATCH = "PACK_MISMATCH"
    SETTINGS_INVALID = "SETTINGS_INVALID"
    ADDRESS_REFUSED = "ADDRESS_REFUSED"
    PACK_UNKNOWN = "PACK_UNKNOWN"
    MODEL_MISSING = "MODEL_MISSING"
    MODEL_ALTERED = "MODEL_ALTERED"
    MODEL_INVALID = "MODEL_INVALID"
    CALIBRATION_INVALID = "CALIBRATION_INVALID"
    RUNTIME_CLASH = "RUNTIME_CLASH"
    PROVIDER_MISSING = "PROVIDER_MISSING"
    PROVIDER_SUBSTITUTED = "PROVIDER_SUBSTITUTED"
    EXTRACTOR_MISSING = "EXTRACTOR_MISSING"
    INFERENCE_FAILED = "INFERENCE_FAILED"
    EXTRACTION_FAILED = "EXTRACTION_FAILED"
    KEY_MISSING = "KEY_MISSING"
    KEY_UNSAFE = "KEY_UNSAFE"
    KEY_INVALID = "KEY_INVALID"
    KEY_WRONG = "KEY_WRONG"
    ISSUER_KEYS_INVALID = "ISSUER_KEYS_INVALID"
    ISSUER_KEY_UNSAFE = "ISSUER_KEY_UNSAFE"
    STORE_MISSING = "STORE_MISSING"
    STORE_IN_USE = "STORE_IN_USE"
    STORE_FOREIGN = "STORE_FOREIGN"
    STORE_NEWER = "STORE_NEWER"
    SEAL_BROKEN = "SEAL_BROKEN"
    RECORDING_GONE = "RECORDING_GONE"
    JOURNAL_BROKEN = "JOURNAL_BROKEN"
    DISK_FULL = "DISK_FULL"
    DISK_FAILED = "DISK_FAILED"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    UNEXPECTED = "UNEXPECTED"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the catalogue says about one code."""

    status: GrpcStatus
    public: str
    remedy: str


_MODELS = "Run `gate doctor`: it checks every model file and says how to repair it."

CATALOGUE: MappingProxyType[Code, Entry] = MappingProxyType(
    {
        Code.FIELD_INVALID: Entry(
            "INVALID_ARGUMENT", "A field is not as the protocol says.", "See the field violations."
        ),
        Code.START_MISSING: Entry(
            "FAILED_PRECONDITION", "A frame came before `start`.", "Send `start` first, then frames."
        ),
        Code.START_REPEATED: Entry("FAILED_PRECONDITION", "`start` came twice.", "Open a new stream for each passage."),
        Code.MESSAGE_EMPTY: Entry(
            "INVALID_ARGUMENT", "A message held neither `start` nor `frame`.", "Set exactly one of them."
        ),
        Code.LANE_UNKNOWN: Entry(
            "NOT_FOUND", "This engine does not serve that lane.", "Name the lane under [lanes] in gate.toml."
        ),
        Code.LANE_BUSY: Entry(
            "RESOURCE_EXHAUSTED",
            "That lane already has a passage open.",
            "End the open passage, or wait for its decision.",
        ),
        Code.CHECKPOINT_UNKNOWN: Entry(
            "NOT_FOUND", "That lane does not stand at that checkpoint.", "Leave `checkpoint` empty."
        ),
        Code.PROFILE_UNKNOWN: Entry(
            "NOT_FOUND", "No such policy profile.", "Name the profile under [profiles] in gate.toml."
        ),
        Code.FLIGHT_UNKNOWN: Entry(
            "NOT_FOUND", "Nobody is enrolled for that flight.", "Enrol the flight's travellers first."
        ),
        Code.TRAVELLER_UNKNOWN: Entry(
            "NOT_FOUND", "No such traveller is enrolled.", "Check the reference and the flight."
        ),
        Code.FRAME_EMPTY: Entry("INVALID_ARGUMENT", "The frame holds no bytes.", "Send the picture in `data`."),
        Code.FRAME_TOO_LARGE: Entry(
            "INVALID_ARGUMENT",
            "The frame is larger than allowed.",
            "Send at most 4 MiB and 4096 x 2304 pixels; JPEG for anything large.",
        ),
        Code.FRAME_TRUNCATED: Entry(
            "INVALID_ARGUMENT",
            "The picture ends too early.",
            "Check the camera link and the message assembly.",
        ),
        Code.FRAME_ENCODING_MISMATCH: Entry(
            "INVALID_ARGUMENT",
            "The bytes are not of the stated encoding.",
            "State the encoding that is sent.",
        ),
        Code.FRAME_SIZE_MISMATCH: Entry(
            "INVALID_ARGUMENT", "The picture is not of the stated size.", "State the picture's true size."
        ),
        Code.FRAME_UNSUPPORTED: Entry(
            "INVALID_ARGUMENT",
            "That kind of picture is not supported.",
            "Send JPEG or PNG with 8 bits a sample, BGR24, GREY8 or NV12.",
        ),
        Code.FRAME_UNDECODABLE: Entry(
            "INVALID_ARGUMENT", "The picture cannot be decoded.", "Check the camera's encoder."
        ),
        Code.FRAME_OUT_OF_ORDER: Entry(
            "INVALID_ARGUMENT",
            "The frame is not newer than the one before.",
            "Count `sequence` up and take `capture_time_us` from a monotonic clock.",
        ),
        Code.FRAME_NONCE: Entry(
            "INVALID_ARGUMENT",
            "The frame does not carry the nonce of its passage.",
            "Put the `nonce` of `accepted` into every frame of that passage.",
        ),
        Code.FRAME_STALE: Entry(
            "INVALID_ARGUMENT",
            "The frame arrived too long after it was captured.",
            "Send frames as the camera makes them; check the network, and [frames] max_lag_s.",
        ),
        Code.FRAME_CLOCK: Entry(
            "INVALID_ARGUMENT",
            "The capture clock runs faster than the frames arrive.",
            "Take `capture_time_us` from a monotonic clock when the shutter opens.",
        ),
        Code.FRAME_IDENTICAL: Entry(
            "INVALID_ARGUMENT",
            "The picture is the one before once more.",
            'Send new pictures. For pictures that are played back on trial: [frames] identical = "allow".',
        ),
        Code.FRAME_REPLAYED: Entry(
            "INVALID_ARGUMENT",
            "The lane has sent this picture before.",
            'Alert an officer. For pictures that are played back on trial: [frames] identical = "allow".',
        ),
        Code.PHOTO_NO_FACE: Entry(
            "INVALID_ARGUMENT", "No face was found in the photograph.", "Send a portrait of the traveller."
        ),
        Code.PHOTO_SEVERAL_FACES: Entry(
            "INVALID_ARGUMENT",
            "The photograph shows several people.",
            "Send a photograph of the traveller alone.",
        ),
        Code.PHOTO_LOW_QUALITY: Entry(
            "INVALID_ARGUMENT", "The photograph is too poor to enrol.", "Send a larger, sharper, frontal one."
        ),
        Code.PHOTO_RECORD_INVALID: Entry(
            "INVALID_ARGUMENT",
            "The face record round the photograph cannot be read.",
            "Send the chip's DG2 whole and unaltered, or the picture in it by itself.",
        ),
        Code.FINGER_IMAGE_INVALID: Entry(
            "INVALID_ARGUMENT",
            "The fingerprint image cannot be read.",
            "Send PNG, BMP, WSQ or raw grey with 8 bits a pixel, of one finger, and state its resolution.",
        ),
        Code.FINGER_LOW_QUALITY: Entry(
            "INVALID_ARGUMENT",
            "The fingerprint is too poor to be compared.",
            "Clean the sensor, and ask for the finger again as the advice says.",
        ),
        Code.FINGER_RECORD_INVALID: Entry(
            "INVALID_ARGUMENT",
            "The fingerprint record cannot be read.",
            "Send an ISO/IEC 19794-2 or ANSI/INCITS 378 record whole and unaltered.",
        ),
        Code.FINGER_INCOMPARABLE: Entry(
            "FAILED_PRECONDITION",
            "Fingerprints of different extractors cannot be compared.",
            "Enrol the fingers again with the extractor that is in use.",
        ),
        Code.FINGER_UNAVAILABLE: Entry(
            "FAILED_PRECONDITION",
            "This engine reads no images of fingers.",
            "Install an extractor (`gate doctor` says how), or send minutiae records.",
        ),
        Code.CLAIM_UNREADABLE: Entry(
            "INVALID_ARGUMENT",
            "What the traveller presented cannot be read.",
            "Let them present it again; docs/claims.md says what can be read.",
        ),
        Code.BARCODE_MISSING: Entry(
            "INVALID_ARGUMENT",
            "No barcode was found in the picture.",
            "Send a sharp picture of the whole barcode, at least three pixels a module.",
        ),
        Code.BARCODE_SEVERAL: Entry(
            "INVALID_ARGUMENT", "The picture shows several barcodes.", "Let the traveller present one of them."
        ),
        Code.BARCODE_UNUSABLE: Entry(
            "INVALID_ARGUMENT",
            "The picture is none that a barcode is looked for in.",
            "Send grey or BGR with 8 bits a sample, 32 pixels to 4096 x 2304.",
        ),
        Code.TOKENS_OFF: Entry(
            "FAILED_PRECONDITION",
            "This engine accepts no travel tokens.",
            "Give it the issuers' keys and its audience (docs/claims.md), or verify by document.",
        ),
        Code.TOKENS_FULL: Entry(
            "RESOURCE_EXHAUSTED",
            "The engine keeps as many used travel tokens as it can.",
            "Verify by document; used tokens are forgotten as they expire.",
        ),
        Code.TOKEN_MALFORMED: Entry(
            "INVALID_ARGUMENT",
            "The travel token is not made as docs/claims.md says.",
            "Check the issuer's implementation with `gate token verify`.",
        ),
        Code.TOKEN_ALGORITHM: Entry(
            "INVALID_ARGUMENT",
            "The travel token is not signed with its key's algorithm.",
            "Sign with EdDSA (Ed25519) or ES256, as the issuer's key says.",
        ),
        Code.TOKEN_ISSUER_UNKNOWN: Entry(
            "FAILED_PRECONDITION",
            "The travel token is of an issuer or key that is not known here.",
            "Add the issuer's public key to the JWKS file.",
        ),
        Code.TOKEN_KEY_REVOKED: Entry(
            "FAILED_PRECONDITION",
            "The travel token was signed with a key that is revoked.",
            "Issue the token again with a key in use.",
        ),
        Code.TOKEN_SIGNATURE: Entry(
            "INVALID_ARGUMENT", "The travel token's signature is wrong.", "Verify by document; alert an officer."
        ),
        Code.TOKEN_AUDIENCE: Entry(
            "FAILED_PRECONDITION", "The travel token is for another place.", "Issue it for this checkpoint's audience."
        ),
        Code.TOKEN_NOT_YET_VALID: Entry(
            "FAILED_PRECONDITION",
            "The travel token is not valid yet.",
            "Come back later; check the clocks of issuer and engine.",
        ),
        Code.TOKEN_EXPIRED: Entry(
            "FAILED_PRECONDITION", "The travel token has expired.", "Issue a new one, or verify by document."
        ),
        Code.TOKEN_LIFETIME: Entry(
            "FAILED_PRECONDITION",
            "The travel token is valid for longer than is accepted.",
            "Issue it for one journey, for a day at most.",
        ),
        Code.TOKEN_USED: Entry(
            "FAILED_PRECONDITION",
            "The travel token was used already.",
            "Issue a new one for each passage; alert an officer when the traveller did not use it.",
        ),
        Code.TOKEN_DOCUMENT: Entry(
            "FAILED_PRECONDITION",
            "The travel token is bound to another document than the traveller's.",
            "Issue it with the document that the traveller is expected with.",
        ),
        Code.CONSENT_REFUSED: Entry(
            "FAILED_PRECONDITION",
            "The traveller does not consent to face verification.",
            "Verify them by document or fingerprint.",
        ),
        Code.MANIFEST_TOO_LARGE: Entry(
            "INVALID_ARGUMENT",
            "The manifest is larger than allowed.",
            "Send one flight a manifest, or raise [manifest] max_bytes.",
        ),
        Code.TEMPLATES_FULL: Entry(
            "RESOURCE_EXHAUSTED",
            "The traveller has as many templates as allowed.",
            "Withdraw the traveller, then enrol the best photographs.",
        ),
        Code.EXPIRY_INVALID: Entry(
            "INVALID_ARGUMENT",
            "The expiry is not in the future, or too far in it.",
            "Send a UTC time within the retention cap of the settings.",
        ),
        Code.PLANS_FULL: Entry(
            "RESOURCE_EXHAUSTED",
            "More flight plans are kept than allowed.",
            "Wait until earlier flights are over; check that flights are named as in the gallery.",
        ),
        Code.PACK_MISMATCH: Entry(
            "FAILED_PRECONDITION",
            "Templates of different model packs cannot be compared.",
            "Enrol the travellers again with the pack that is loaded.",
        ),
        Code.SETTINGS_INVALID: Entry(
            "FAILED_PRECONDITION", "The settings are not valid.", "Correct gate.toml or the environment."
        ),
        Code.ADDRESS_REFUSED: Entry(
            "FAILED_PRECONDITION",
            "Refusing to listen beyond loopback without TLS.",
            "Set [server.tls], or `allow_insecure = true` on an isolated network.",
        ),
        Code.PACK_UNKNOWN: Entry("NOT_FOUND", "No such model pack.", "`gate models list` names the packs there are."),
        Code.MODEL_MISSING: Entry("FAILED_PRECONDITION", "A model file is missing.", _MODELS),
        Code.MODEL_ALTERED: Entry(
            "FAILED_PRECONDITION", "A model file is not the one the registry describes.", _MODELS
        ),
        Code.MODEL_INVALID: Entry(
            "FAILED_PRECONDITION", "A model does not have the inputs or outputs it should.", _MODELS
        ),
        Code.CALIBRATION_INVALID: Entry(
            "FAILED_PRECONDITION",
            "The pack has no usable calibration.",
            "Measure one: python -m models.training.calibrate --pack NAME (docs/models.md).",
        ),
        Code.RUNTIME_CLASH: Entry(
            "FAILED_PRECONDITION",
            "onnxruntime and onnxruntime-gpu are both installed; one has overwritten the other.",
            "pip uninstall -y onnxruntime onnxruntime-gpu, then install one of them (docs/gpu.md).",
        ),
        Code.PROVIDER_MISSING: Entry(
            "FAILED_PRECONDITION",
            "The execution provider asked for is not in this ONNX Runtime.",
            'Install onnxruntime-gpu (docs/gpu.md), or set `provider = "cpu"`.',
        ),
        Code.PROVIDER_SUBSTITUTED: Entry(
            "FAILED_PRECONDITION",
            "ONNX Runtime would run the model on another provider than asked for.",
            "Run `gate doctor`: driver, CUDA and cuDNN must fit onnxruntime-gpu.",
        ),
        Code.EXTRACTOR_MISSING: Entry(
            "FAILED_PRECONDITION",
            "The fingerprint extractor asked for is not installed.",
            'Run `gate doctor`: it says how to get it; or set [fingerprint] extractor = "auto".',
        ),
        Code.INFERENCE_FAILED: Entry(
            "INTERNAL", "The engine could not run a model.", "Give the incident id to the engine's operator."
        ),
        Code.EXTRACTION_FAILED: Entry(
            "INTERNAL",
            "The engine's fingerprint extractor failed.",
            "Give the incident id to the engine's operator.",
        ),
        Code.KEY_MISSING: Entry(
            "FAILED_PRECONDITION",
            "There is no master key.",
            "Make one with `gate key new FILE`, and name it in [storage] master_key_file.",
        ),
        Code.KEY_UNSAFE: Entry(
            "FAILED_PRECONDITION",
            "Others could read the master key.",
            "Give the key file to the engine's user alone: chown, then chmod 600.",
        ),
        Code.KEY_INVALID: Entry(
            "FAILED_PRECONDITION",
            "The master key is not usable.",
            "Give 32 random bytes as `gate key new FILE` writes them, from one source.",
        ),
        Code.KEY_WRONG: Entry(
            "FAILED_PRECONDITION",
            "The master key is not the one that the store was sealed with.",
            "Bring that key back (`gate key show` compares the ids), or start with a new store.",
        ),
        Code.ISSUER_KEYS_INVALID: Entry(
            "FAILED_PRECONDITION",
            "The issuers' keys are not usable.",
            "Give public keys as a JWKS file (docs/claims.md); `gate token new-key --jwks FILE` writes one.",
        ),
        Code.ISSUER_KEY_UNSAFE: Entry(
            "FAILED_PRECONDITION",
            "Others could read the signing key.",
            "Give the key file to its user alone: chown, then chmod 600.",
        ),
        Code.STORE_MISSING: Entry(
            "FAILED_PRECONDITION", "There is no store.", "Name it in [storage] path; the engine makes it at its start."
        ),
        Code.STORE_IN_USE: Entry(
            "FAILED_PRECONDITION",
            "Another engine has the store open.",
            "Stop it first, or give this one a store of its own in [storage] path.",
        ),
        Code.STORE_FOREIGN: Entry(
            "FAILED_PRECONDITION", "The file is no store of this engine.", "Name another file in [storage] path."
        ),
        Code.STORE_NEWER: Entry(
            "FAILED_PRECONDITION",
            "The store was written by a newer version.",
            "Run that version, or start with a new store.",
        ),
        Code.SEAL_BROKEN: Entry(
            "INTERNAL",
            "Something stored is not as it was written.",
            "Give the incident id to the engine's operator; `gate audit verify` says more.",
        ),
        Code.RECORDING_GONE: Entry(
            "NOT_FOUND",
            "The recording cannot be opened any more.",
            "Its hours are over, or a flight in it was destroyed: that is how it is meant to be.",
        ),
        Code.JOURNAL_BROKEN: Entry(
            "INTERNAL",
            "The audit journal cannot be continued.",
            "Find out with `gate audit verify` what was changed, keep the file, and start with a new store.",
        ),
        Code.DISK_FULL: Entry(
            "INTERNAL", "The disk is full.", "Make room where the store lies; nothing was half done."
        ),
        Code.DISK_FAILED: Entry(
            "INTERNAL", "The store could not be read or written.", "Check the disk where the store lies."
        ),
        Code.SHUTTING_DOWN: Entry("UNAVAILABLE", "The engine is shutting down.", "Try again when it serves again."),
        Code.UNEXPECTED: Entry(
            "INTERNAL",
            "The engine met an error it did not expect.",
            "Give the incident id to the engine's operator.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field that is not as the protocol says: its path, and what was expected."""

    field: str
    expected: str


class GateError(Exception):
    """Root of the tree.

    Args:
        code: the catalogue's name for it.
        message: what was wrong and what was expected, for the caller (see the module's text).
        violations: the fields at fault, where there are any.
    """

    def __init__(self, code: Code, message: str, *violations: FieldViolation) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.violations = violations

    @property
    def entry(self) -> Entry:
        """What the catalogue says about this error."""
        return CATALOGUE[self.code]


class InputError(GateError):
    """The caller sent something that cannot be used."""


class ProtocolError(InputError):
    """A message out of turn, or a field that makes no sense."""


class FrameError(InputError):
    """A picture that cannot be decoded."""


class EnrolmentError(InputError):
    """A photograph or traveller that cannot be enrolled."""


class FingerprintError(InputError):
    """A fingerprint image, record or template that cannot be used."""


class ClaimError(InputError):
    """What the traveller presented cannot be read or is not accepted. Says nothing about whom the lane sees."""


class NotFoundError(InputError):
    """A lane, flight, traveller or profile that is not known here."""


class ConfigError(GateError):
    """The engine was set up wrongly and does not start."""


class SettingsError(ConfigError):
    """gate.toml or the environment is not valid."""


class ModelPackError(ConfigError):
    """A model file is missing, altered or of another shape."""


class ProviderError(ConfigError):
    """The execution provider asked for is not the one that runs."""


class MasterKeyError(ConfigError):
    """The master key is missing, open to others, or not the store's."""


class IssuerKeyError(ConfigError):
    """The keys of those who issue travel tokens are missing, unsafe or unusable."""


class StoreError(ConfigError):
    """The store is in use, or not a store of this engine."""


class EngineFault(GateError):  # noqa: N818 -- the architecture's word: a fault is the engine's, an error the caller's
    """The engine broke. The lane fails safe."""


class StorageFault(EngineFault):
    """The disk failed, or what was stored is not as it was written."""
