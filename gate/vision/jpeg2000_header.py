"""What a JPEG 2000 file says about itself, read without decoding a pixel (ISO/IEC 15444-1, annexes A and I).

Chips of travel documents hold their portraits in it. A small file can ask a decoder for gigabytes: a picture of any
size, tens of thousands of tiles, a packet for every few pixels and layer. All that stands in the main header, and is
weighed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gate.errors import Code, FrameError
from gate.vision.picture_header import PictureHeader

JP2_MAGIC = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
CODESTREAM_MAGIC = b"\xff\x4f\xff\x51"

_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
# What encoders of portraits write: RGN (region of interest), QCD, QCC, TLM, PLM, PLT, CRG, COM. Not taken are POC, PPM
# and PPT, which move packets about, and the markers of other parts of the standard.
_MAIN_MARKERS = frozenset({_COD, _COC, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF55, 0xFF57, 0xFF63, 0xFF64})
_TILE_MARKERS = frozenset({0xFF5C, 0xFF5D, 0xFF5E, 0xFF58, 0xFF64})

_MAX_TILES = 1024
# Samples to a code-block, and to a packet, at the least. Blocks of 64 x 64 or 32 x 32 are usual, and a portrait of
# 400 x 500 with twenty layers has 120 packets a component; so small ones are allowed some more.
_MIN_SAMPLES = 64
_SLACK = 1024
# Boxes before the codestream: file type, header, and a few of metadata.
_MAX_BOXES = 64
_MAX_MAIN_SEGMENTS = 256
_MAX_TILE_PARTS = 4096


@dataclass(frozen=True, slots=True)
class _Size:
    """SIZ: extent of the picture and of a tile, and the number of tiles."""

    width_px: int
    height_px: int
    tile_width_px: int
    tile_height_px: int
    tiles: int


def read_jpeg2000_header(data: bytes) -> PictureHeader:
    """Size of a JP2 file or of a codestream alone, after a walk over its boxes, main header and tile-parts.

    Raises:
        FrameError: FRAME_TRUNCATED when a box or tile-part runs past the end or the end of codestream is missing,
            FRAME_UNSUPPORTED for other than 8 bits
            a sample in 1 to 4 components of one size, for a palette, and for a division into more tiles, blocks or
            packets than any portrait needs, FRAME_UNDECODABLE when the markers make no sense.
    """
    if data.startswith(CODESTREAM_MAGIC):
        return _codestream(memoryview(data))
    return _boxes(memoryview(data))


def _boxes(data: memoryview) -> PictureHeader:
    """A JP2 file: the header box must come before the codestream, and say the same size."""
    stated: PictureHeader | None = None
    position = len(JP2_MAGIC)
    for _ in range(_MAX_BOXES):
        kind, start, end = _box(data, position)
        if kind == b"jp2h":
            stated = _header_box(data[start:end])
        elif kind == b"jp2c":
            found = _codestream(data[start:end])
            if stated != found:
                raise _undecodable(f"the header box says {_sides(stated)}, the codestream {_sides(found)}")
            return found
        position = end
    raise _undecodable(f"expected a codestream within {_MAX_BOXES} boxes, found none")


def _box(data: memoryview, position: int) -> tuple[bytes, int, int]:
    """Kind of the box at `position`, and where its content begins and ends (I.4)."""
    start = position + 8
    if start > len(data):
        raise _truncated("a box", len(data))
    length = int.from_bytes(data[position : position + 4], "big")
    if length == 1:
        start += 8
        length = int.from_bytes(data[position + 8 : start], "big")
    end = len(data) if length == 0 else position + length
    if end < start:
        raise _undecodable(f"the box at byte {position} states length {length}")
    if end > len(data):
        raise _truncated(f"a box of {length} bytes at byte {position}", len(data))
    return bytes(data[position + 4 : position + 8]), start, end


def _header_box(data: memoryview) -> PictureHeader:
    """Size by the image header box, which comes first in the header box (I.5.3.1)."""
    kind, start, end = _box(data, 0)
    if kind != b"ihdr" or end - start != 14:
        raise _undecodable(f"expected an image header box of 14 bytes, found {kind!r} of {end - start}")
    height, width = (int.from_bytes(data[at : at + 4], "big") for at in (start, start + 4))
    for _ in range(_MAX_BOXES):
        if end == len(data):
            return PictureHeader(width, height)
        kind, _, end = _box(data, end)
        if kind == b"pclr":
            raise _unsupported("expected grey or colour samples, found a palette")
    raise _undecodable(f"expected at most {_MAX_BOXES} boxes in the header box, found more")


def _codestream(data: memoryview) -> PictureHeader:
    marker, body, position = _segment(data, 2)
    if marker != _SIZ:
        raise _undecodable(f"expected the size marker first, found {marker:04x}")
    size = _size(body)
    layers = 0
    styles: list[memoryview] = []
    for _ in range(_MAX_MAIN_SEGMENTS):
        marker, body, position = _segment(data, position)
        if marker == _SOT:
            _weigh(size, layers, styles)
            _tile_parts(data, position, body)
            return PictureHeader(size.width_px, size.height_px)
        if marker not in _MAIN_MARKERS:
            raise _unsupported(f"expected markers of a portrait's main header, found {marker:04x}")
        if marker == _COD:
            # Scod 1, progression 1, layers 2, multiple component transformation 1 (A.6.1).
            layers = int.from_bytes(body[2:4], "big")
            styles.append(_style(body, 0, 5))
        elif marker == _COC:
            # Component 1, Scoc 1 (A.6.2).
            styles.append(_style(body, 1, 2))
    raise _undecodable(f"expected a tile within {_MAX_MAIN_SEGMENTS} marker segments, found none")


def _segment(data: memoryview, position: int) -> tuple[int, memoryview, int]:
    """Marker at `position`, content of its segment, and the position behind it."""
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    end = position + 2 + length
    if position + 4 > len(data) or end > len(data):
        raise _truncated(f"a marker segment at byte {position}", len(data))
    marker = int.from_bytes(data[position : position + 2], "big")
    if length < 2 or marker < 0xFF4F:
        raise _undecodable(f"expected a marker segment at byte {position}, found {marker:04x} of length {length}")
    return marker, data[position + 4 : end], end


def _size(body: memoryview) -> _Size:
    """SIZ (A.5.1): capabilities 2, then eight of 4 bytes, number of components 2, three bytes a component."""
    if len(body) < 36 or len(body) != 36 + 3 * int.from_bytes(body[34:36], "big"):
        raise _undecodable(f"size marker of {len(body)} bytes")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = (
        int.from_bytes(body[at : at + 4], "big") for at in range(2, 34, 4)
    )
    if left >= right or top >= bottom or not tile_width or not tile_height:
        raise _undecodable(f"the picture reaches from {left}, {top} to {right}, {bottom}")
    if tile_left > left or tile_top > top or tile_left + tile_width <= left or tile_top + tile_height <= top:
        raise _undecodable("the first tile holds nothing of the picture")
    _check_components(body[36:])
    tiles = ceil((right - tile_left) / tile_width) * ceil((bottom - tile_top) / tile_height)
    if tiles > _MAX_TILES:
        raise _unsupported(f"expected at most {_MAX_TILES} tiles, found {tiles}")
    width, height = right - left, bottom - top
    return _Size(width, height, min(tile_width, width), min(tile_height, height), tiles)


def _check_components(components: memoryview) -> None:
    """Ssiz, XRsiz, YRsiz of each component."""
    if len(components) // 3 not in (1, 2, 3, 4):
        raise _unsupported(f"expected 1 to 4 components, found {len(components) // 3}")
    for depth, x_step, y_step in zip(components[::3], components[1::3], components[2::3], strict=True):
        if depth != 7:
            sign = "signed" if depth & 0x80 else "unsigned"
            raise _unsupported(f"expected 8 unsigned bits a sample, found {(depth & 0x7F) + 1} {sign} bits")
        if (x_step, y_step) != (1, 1):
            raise _unsupported(f"expected components of one size, found one at 1/{x_step} x 1/{y_step}")


def _style(body: memoryview, flags: int, start: int) -> memoryview:
    """Coding style of a COD or COC segment: levels, code-block width and height (exponents less 2), style,
    transformation, precinct sizes (exponents) from the lowest resolution up. Precincts not stated are 2^15."""
    style = body[start:]
    levels = style[0] if style else 0
    stated = len(body) > flags and body[flags] & 1
    if levels > 32 or len(style) != 5 + (levels + 1 if stated else 0):
        raise _undecodable(f"coding style of {levels} levels in {len(body)} bytes")
    return style


def _weigh(size: _Size, layers: int, styles: list[memoryview]) -> None:
    """Refuse a coding style that divides the picture into too many code-blocks, or into too many packets: a precinct
    has one a layer."""
    if not layers or not styles:
        raise _undecodable("expected a coding style of at least one layer before the first tile, found none")
    most = size.width_px * size.height_px // _MIN_SAMPLES + _SLACK
    for style in styles:
        precincts, blocks = (number * size.tiles for number in _divisions(size, style))
        if max(blocks, precincts * layers) > most:
            raise _unsupported(
                f"expected at most {most} code-blocks and packets a component, found {blocks} and {precincts * layers}"
            )


def _divisions(size: _Size, style: memoryview) -> tuple[int, int]:
    """Precincts, and an upper bound of the code-blocks, of one component of one tile (B.6, B.7)."""
    levels, precincts_stated = style[0], len(style) > 5
    block = (style[1] & 0xF) + 2, (style[2] & 0xF) + 2
    precincts, blocks = 0, 0
    for resolution in range(levels + 1):
        scale = 1 << (levels - resolution)
        across, down = ceil(size.tile_width_px / scale), ceil(size.tile_height_px / scale)
        exponents = style[5 + resolution] if precincts_stated else 0xFF
        precinct = exponents & 0xF, exponents >> 4
        # Above the lowest resolution a precinct covers half its size in each subband, and a code-block ends with it.
        if resolution and not (precinct[0] and precinct[1]):
            raise _undecodable(f"precincts of 1 sample at resolution {resolution}")
        precincts += _pieces(across, precinct[0]) * _pieces(down, precinct[1])
        within = [exponent - (resolution > 0) for exponent in precinct]
        blocks += _pieces(across, min(block[0], within[0])) * _pieces(down, min(block[1], within[1]))
    return precincts, blocks


def _pieces(length: int, exponent: int) -> int:
    return -(-length >> exponent)


def _tile_parts(data: memoryview, position: int, start_of_tile: memoryview) -> None:
    """Walk the tile-parts by their lengths, from the one whose SOT segment ends at `position` (A.4.2)."""
    for _ in range(_MAX_TILE_PARTS):
        if len(start_of_tile) != 8:
            raise _undecodable(f"start of tile-part of {len(start_of_tile)} bytes, expected 8")
        begin, length = position - 12, int.from_bytes(start_of_tile[2:6], "big")
        # The last tile-part may leave its length open.
        end = begin + length if length else len(data) - 2
        if end + 2 > len(data):
            raise _truncated(f"a tile-part of {length} bytes at byte {begin} and the end of codestream", len(data))
        _check_tile_header(data[:end], position)
        if int.from_bytes(data[end : end + 2], "big") == _EOC:
            return
        marker, start_of_tile, position = _segment(data, end)
        if marker != _SOT:
            raise _undecodable(f"expected a tile-part at byte {end}, found {marker:04x}")
    raise _unsupported(f"expected at most {_MAX_TILE_PARTS} tile-parts, found more")


def _check_tile_header(data: memoryview, position: int) -> None:
    """A tile must not bring a coding style of its own: the main header's was weighed."""
    while int.from_bytes(data[position : position + 2], "big") != _SOD:
        marker, _, position = _segment(data, position)
        if marker not in _TILE_MARKERS:
            raise _unsupported(f"expected markers of a portrait's tile header, found {marker:04x}")


def _sides(header: PictureHeader | None) -> str:
    return "nothing" if header is None else f"{header.width_px} x {header.height_px}"


def _undecodable(message: str) -> FrameError:
    return FrameError(Code.FRAME_UNDECODABLE, f"JPEG 2000: {message}")


def _unsupported(message: str) -> FrameError:
    return FrameError(Code.FRAME_UNSUPPORTED, f"JPEG 2000: {message}")


def _truncated(wanted: str, length: int) -> FrameError:
    return FrameError(Code.FRAME_TRUNCATED, f"JPEG 2000: expected {wanted}, but the data ends at byte {length}")
