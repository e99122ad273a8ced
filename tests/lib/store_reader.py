#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a store by docs/store-format.md alone, and prints it as `logboomctl query -o json` does.

    store_reader.py DIRECTORY

It shares nothing with the C code but that page. Every checksum is looked at, every column decoded, and what headers,
tails and filters say is held against the rows; what does not fit is a FormatError.
"""

import json
import os
import re
import struct
import sys

import store_columns
import store_json
from store_bricks import Cursor, FormatError, decompress, need, xxh3

FILE = re.compile(r"([0-9a-f]{16})\.(seg|log)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
FILE_HEADER, BLOCK_HEADER, SECTION, TRAILER, ENTRY = 64, 96, 24, 128, 88
MAX_SECTIONS = 64
MAX_BLOCK = 1 << 30


class Header:
    """A block's header, from its bytes 16 on."""

    def __init__(self, fields):
        (self.version, self.length, self.n_sections, self.severities, self.file_id, self.first_id,
         self.n_rows, self.total, self.raw_bytes, *times, self.facilities,
         _) = struct.unpack("<HHHHQQIIQqqqqII", fields)
        self.times, self.receptions = tuple(times[:2]), tuple(times[2:])
        self.fields = fields
        self.next_id = self.first_id + self.n_rows


def checked(data, magic, length):
    """Does a head of this length begin here, with its magic and its checksum over all but those?"""
    return (len(data) >= length and data[:8] == magic
            and struct.unpack("<Q", data[8:16])[0] == xxh3(data[16:length]))


def read_sections(data, table_at, n_sections, end):
    """All sections behind a table: (id, raw bytes), checked. Unknown encodings are left out."""
    at = table_at + n_sections * SECTION
    for i in range(n_sections):
        number, encoding, codec, raw, stored, zero, checksum = struct.unpack_from(
            "<HBBIIIQ", data, table_at + i * SECTION)
        need(at + stored <= end and zero == 0, "a section's length")
        content = data[at:at + stored]
        need(xxh3(content) == checksum, f"checksum of section {number}")
        at += stored
        if encoding == 0:
            need(codec in (0, 1) and (codec == 1 or raw == stored), "a section's codec")
            yield number, decompress(content, raw) if codec else content
    need(at == end, "sections do not fill what holds them")


def ungroup(sections):
    """The columns that stand in section 0 come to those that stand in the table."""
    group = Cursor(sections.pop(0, b""))
    while group.left() > 0:
        number, encoding = group.u8(), group.u8()
        content = group.take(group.varint())
        need(number not in sections, f"section {number} is there twice")
        if encoding == 0:
            sections[number] = content
    return sections


class Block:
    """One block: its header, and its rows."""

    def __init__(self, data, header):
        self.header = header
        self.sections = ungroup(dict(read_sections(data, header.length, header.n_sections,
                                                   header.total)))
        self.rows = store_columns.decode(self.sections, header.first_id, header.n_rows)

    def check(self):
        """What the header and the filter say, against the rows."""
        header = self.header
        times = [row.time_ns for row in self.rows]
        receptions = [row.received_us for row in self.rows]
        need(header.times == (min(times), max(times)), "times of the header")
        need(header.receptions == (min(receptions), max(receptions)), "receptions of the header")
        need(header.severities == bits(row.severity for row in self.rows), "severities")
        need(header.facilities == bits(row.facility for row in self.rows), "facilities")
        store_columns.check_filter(self.sections, self.rows)


def bits(numbers):
    mask = 0
    for number in set(numbers):
        mask |= 1 << number
    return mask


def find_header(data, at, file_id, end):
    """The header of the block that begins here, or None."""
    head = data[at:at + BLOCK_HEADER]
    if len(head) < BLOCK_HEADER or head[:8] != b"LBBLOCK\n":
        return None
    header = Header(head[16:])
    if (header.version != 1 or header.length < BLOCK_HEADER or header.n_sections > MAX_SECTIONS
            or header.file_id != file_id or not 1 <= header.n_rows <= 65535
            or header.total > MAX_BLOCK or at + header.total > end):
        return None
    table_end = header.length + header.n_sections * SECTION
    return header if checked(data[at:at + table_end], b"LBBLOCK\n", table_end) else None


class File:
    """One file of the store: its blocks with their offsets, and what its tail says of them."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.path = path
        self.name_id = int(os.path.basename(path)[:16], 16)
        need(checked(self.data[:FILE_HEADER], b"LOGBOOM\n", FILE_HEADER), "file header")
        version, length, zero, self.file_id, first_id = struct.unpack_from("<HHIQQ", self.data, 16)
        need((version, length, zero) == (1, FILE_HEADER, 0), "version of the file")
        need(first_id == self.name_id < 1 << 63, "first id of the file header")
        trailer = self.data[-TRAILER:]
        self.is_sealed = checked(trailer, b"LBSEALED", TRAILER)
        self.end = struct.unpack_from("<Q", trailer, 72)[0] if self.is_sealed else len(self.data)
        self.blocks = list(self.walk())
        if self.is_sealed:
            self.check_tail(trailer)

    def walk(self):
        at, next_id = FILE_HEADER, self.name_id
        while header := find_header(self.data, at, self.file_id, self.end):
            need(header.first_id >= next_id, "ids go back")
            yield at, header
            at, next_id = at + header.total, header.next_id
        need(at == self.end or not self.is_sealed, f"no block at byte {at}")

    def check_tail(self, trailer):
        (version, length, n_sections, severities, file_id, first_id, next_id, n_rows, raw_bytes,
         n_blocks, n_damaged, tail_at, *times, facilities, _level, flags, zero,
         checksum) = struct.unpack_from("<HHHHQQQQQIIQqqqqIBBHQ", trailer, 16)
        headers = [header for _, header in self.blocks]
        table = self.data[tail_at:tail_at + n_sections * SECTION]
        need((version, length, flags & 0xfe, zero) == (1, TRAILER, 0, 0), "version of the trailer")
        need((file_id, first_id) == (self.file_id, self.name_id), "ids of the trailer")
        need((n_blocks, n_damaged) == (len(headers), 0), "blocks of the trailer")
        need(n_rows == sum(header.n_rows for header in headers), "rows of the trailer")
        need(raw_bytes == sum(header.raw_bytes for header in headers), "bytes of the trailer")
        need(all(next_id >= header.next_id for header in headers), "next id of the trailer")
        need(xxh3(table) == checksum, "checksum of the tail's section table")
        sections = dict(read_sections(self.data, tail_at, n_sections, len(self.data) - TRAILER))
        need(sections.get(1, b"") == b"".join(struct.pack("<Q", at) + header.fields
                                              for at, header in self.blocks), "index of blocks")
        if headers:
            need(tuple(times) == (min(header.times[0] for header in headers),
                                  max(header.times[1] for header in headers),
                                  min(header.receptions[0] for header in headers),
                                  max(header.receptions[1] for header in headers)), "times")
            need(severities == union(header.severities for header in headers), "severities")
            need(facilities == union(header.facilities for header in headers), "facilities")

    def read(self):
        """Every block, decoded and checked."""
        for at, header in self.blocks:
            try:
                block = Block(self.data[at:at + header.total], header)
                block.check()
            except FormatError as error:
                raise FormatError(f"{self.path}: block at byte {at}: {error}") from error
            yield block


def union(masks):
    result = 0
    for mask in masks:
        result |= mask
    return result


def files(directory):
    """The files of a store, in order."""
    found = []
    for day in filter(DAY.fullmatch, os.listdir(directory)):
        folder = os.path.join(directory, day)
        found += [(match[1], os.path.join(folder, name)) for name in os.listdir(folder)
                  if (match := FILE.fullmatch(name))]
    return [File(path) for _, path in sorted(found)]


def rows(directory):
    """All rows of a store, in the order of their ids."""
    for file in files(directory):
        for block in file.read():
            yield from block.rows


def main():
    for row in rows(sys.argv[1]):
        print(json.dumps(store_json.record(row), ensure_ascii=False, separators=(",", ":")))


if __name__ == "__main__":
    main()
