# SPDX-License-Identifier: MIT
"""What docs/store-format.md builds with: checksums, frames, integers, texts, tokens, filters.

Written from that page alone, so that it is a second opinion on the C code. Strict: what the page does not
allow is a FormatError.
"""

import ctypes
import ctypes.util
import functools
import re

U64 = (1 << 64) - 1
MAX_RAW = 1 << 30


class FormatError(Exception):
    """The bytes are not what docs/store-format.md says."""


def need(condition, what):
    if not condition:
        raise FormatError(what)


# -- libraries that every build has

def _library(name):
    path = ctypes.util.find_library(name)
    if path is None:
        raise ImportError(f"lib{name} is not installed")
    return ctypes.CDLL(path)


_xxhash = _library("xxhash")
_hash = _xxhash.XXH3_64bits_withSeed
_hash.restype = ctypes.c_uint64
_hash.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]

_zstd = _library("zstd")
_content_size = _zstd.ZSTD_getFrameContentSize
_content_size.restype = ctypes.c_uint64
_content_size.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
_decompress = _zstd.ZSTD_decompress
_decompress.restype = ctypes.c_size_t
_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]


def xxh3(data, seed=0):
    return _hash(data, len(data), seed)


def decompress(stored, raw_length):
    need(raw_length <= MAX_RAW, "raw length")
    need(_content_size(stored, len(stored)) == raw_length, "content size of a frame")
    raw = ctypes.create_string_buffer(max(raw_length, 1))
    need(_decompress(raw, raw_length, stored, len(stored)) == raw_length, "a zstd frame")
    return raw.raw[:raw_length]


# -- integers and texts

def signed(value):
    value &= U64
    return value - (1 << 64) if value >> 63 else value


def unzigzag(value):
    return (value >> 1) ^ -(value & 1)


def from_planes(planes, base, n):
    """The values that are base plus the number in the planes, modulo 2^64, unsigned."""
    base &= U64
    values = [base] * n
    for shift, plane in enumerate(planes):
        values = [value + (byte << 8 * shift) for value, byte in zip(values, plane)]
    return [value & U64 for value in values]


class Cursor:
    """Bytes, read from front to back."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def left(self):
        return len(self.data) - self.at

    def take(self, n):
        need(n <= self.left(), "bytes cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def u8(self, most=255):
        value = self.take(1)[0]
        need(value <= most, "a byte out of range")
        return value

    def varint(self, most=U64):
        value = 0
        for shift in range(0, 70, 7):
            byte = self.u8()
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                need(value <= most, "a varint out of range")
                return value
        raise FormatError("a varint of more than 10 bytes")

    def ints(self, n, most=None, width=8):
        """n values: up to most, or signed ones of 64 bits where there is no limit."""
        n_planes = self.u8(width)
        base = unzigzag(self.varint())
        values = from_planes([self.take(n) for _ in range(n_planes)], base, n)
        if most is None:
            return [signed(value) for value in values]
        need(all(value <= most for value in values), "an integer out of range")
        return values

    def split_ints(self, n, plain, dense, width=8):
        n_planes, mask = self.u8(width), self.u8()
        base = unzigzag(self.varint())
        planes = [(plain if mask >> p & 1 else dense).take(n) for p in range(n_planes)]
        return from_planes(planes, base, n)

    def texts(self, n):
        return self.cut(self.ints(n, MAX_RAW, 4))

    def cut(self, lengths):
        return [self.take(length) for length in lengths]

    def end(self):
        need(self.left() == 0, "bytes left over")


# -- tokens and the filter

KIND_TOKEN, KIND_HOST, KIND_APP, KIND_COUNTRY, KIND_PEER = range(5)
LINE = 64

_TOKEN = re.compile(rb"[0-9A-Za-z_\x80-\xff]+")
_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_ADDRESS = re.compile(_OCTET + rb"(?:\." + _OCTET + rb"){3}(?![0-9A-Za-z_\x80-\xff])")
_ASCII_LOWER = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz")


def tokens(text):
    """All tokens and addresses of a text, as (bytes, is it an address)."""
    for found in _TOKEN.finditer(text):
        address = _ADDRESS.match(text, found.start())
        if address:
            yield address.group(), True
        yield found.group(), False


def is_filtered(token, is_address):
    return is_address or not token.isdigit() or len(token) >= 6


def mix(value):
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9 & U64
    value = (value ^ value >> 27) * 0x94d049bb133111eb & U64
    return value ^ value >> 31


def hash_text(kind, text):
    return xxh3(text[:64].translate(_ASCII_LOWER), kind)


@functools.lru_cache(maxsize=1 << 16)
def hash_token(token, is_address):
    if is_address:
        return mix(1 << 63 | int.from_bytes(bytes(map(int, token.split(b"."))), "big"))
    if token.isdigit() and len(token) <= 17 and (token[:1] != b"0" or token == b"0"):
        return mix(int(token))
    return hash_text(KIND_TOKEN, token)


def may_hold(lines, entry):
    """Does a filter say that an entry of this hash may be in the block?"""
    if not lines:
        return True
    at = ((entry >> 32) * (len(lines) // LINE) >> 32) * LINE
    probe = entry * 0x9e3779b97f4a7c15 & U64
    for _ in range(6):
        if not lines[at + (probe >> 3 & 63)] >> (probe & 7) & 1:
            return False
        probe >>= 9
    return True
