# SPDX-License-Identifier: MIT
"""The columns of a block, by docs/store-format.md, section 2."""

import collections
import dataclasses
import socket
import struct

from store_bricks import (KIND_APP, KIND_COUNTRY, KIND_HOST, KIND_PEER, LINE, MAX_RAW, Cursor,
                          FormatError, hash_text, hash_token, is_filtered, may_hold, need, signed,
                          tokens, unzigzag, xxh3)

U32 = (1 << 32) - 1
MAX_SLOTS, MAX_TEXT, MAX_DIGITS = 48, 4096, 17
MAPPED = bytes(10) + b"\xff\xff"
FLAG_TIME_RECEIVED = 1
FROM_PEER, FROM_MESSAGE = 1, 2


@dataclasses.dataclass
class Peer:
    address: bytes
    port: int
    family: int


@dataclasses.dataclass
class Place:
    country: bytes
    asn: int
    lat: float  # None: no coordinates
    lon: float
    city: bytes
    region: bytes
    org: bytes


@dataclasses.dataclass
class Row:
    id: int
    time_ns: int
    received_us: int
    time_digits: int
    flags: int
    host: bytes
    app: bytes
    procid: bytes
    msgid: bytes
    sd: bytes
    message: bytes
    facility: int  # 24: none
    severity: int  # 8: none
    format: int
    input: bytes
    peer: Peer
    place: Place  # None: not known
    geo_ip: bytes


class Sections:
    """A block's sections, and how many rows it has."""

    def __init__(self, sections, n):
        self.sections = sections
        self.n = n

    def cursor(self, number):
        return Cursor(self.sections[number]) if number in self.sections else None

    def required(self, number):
        need(number in self.sections, f"section {number} is missing")
        return self.cursor(number)

    def ints(self, number, most=U32, width=4, n=None):
        """A column of integers; 0 in all rows if it is not there."""
        n = self.n if n is None else n
        cursor = self.cursor(number)
        if cursor is None:
            return [0] * n
        values = cursor.ints(n, most, width)
        cursor.end()
        return values

    def count(self, cursor):
        k = cursor.varint(self.n)
        need(k >= 1, "an empty dictionary")
        return k

    def dictionary(self, number):
        cursor = self.required(number)
        texts = cursor.texts(self.count(cursor))
        cursor.end()
        return texts


# -- texts

def put_number(value, width):
    return b"%0*d" % (width, value)


def put_address(value):
    return socket.inet_ntoa(struct.pack(">I", value & U32)).encode()


def read_column(head, plain, dense, r):
    """The texts of one slot in the r rows of its template."""
    def ints(width=8):
        return head.split_ints(r, plain, dense, width)

    mode = head.u8(5)
    if mode == 0:
        return [put_number(value, 1) for value in ints()]
    if mode == 1:
        width = head.u8(MAX_DIGITS)
        return [put_number(value, width) for value in ints()]
    if mode == 2:
        widths = ints(1)
        need(all(width <= MAX_DIGITS for width in widths), "width of a number")
        return [put_number(value, width) for value, width in zip(ints(), widths)]
    if mode == 3:
        return [put_address(value) for value in ints()]
    if mode == 4:
        content = Cursor(dense.take(head.varint(MAX_RAW)))
        texts = content.cut(ints())
        content.end()
        return texts
    length = head.varint(MAX_TEXT)
    need(length % 2 == 0, "odd hexadecimal digits")
    return [plain.take(length // 2).hex().encode() for _ in range(r)]


def read_templates(cursors, index):
    """For each template the texts of its rows, in order."""
    head, plain, dense = cursors
    n_templates = head.varint(len(index))
    need(n_templates >= 1, "a dict without templates")
    n_bytes = head.varint(MAX_RAW)
    n_rows = collections.Counter(index)
    lengths = []
    for _ in range(n_templates):
        n_slots = head.varint(MAX_SLOTS)
        lengths.append([head.varint(MAX_TEXT) for _ in range(n_slots + 1)])
    pieces = [head.cut(of_template) for of_template in lengths]
    result = []
    for number, (first, *others) in enumerate(pieces, 1):
        r = n_rows[number]
        need(r > 0, "a template without rows")
        texts = [first] * r
        for piece in others:
            values = read_column(head, plain, dense, r)
            texts = [text + value + piece for text, value in zip(texts, values)]
        need(max(map(len, texts)) <= MAX_TEXT, "a long text in a template")
        result.append(texts)
    for cursor in cursors:
        cursor.end()
    need(sum(len(text) for texts in result for text in texts) == n_bytes, "bytes of templates")
    return result


def read_texts(block, column):
    index = block.ints(30 + 4 * column + 1)
    dictionary = block.cursor(30 + 4 * column)
    templates = []
    if dictionary:
        rest = [block.cursor(30 + 4 * column + part) or Cursor(b"") for part in (2, 3)]
        templates = read_templates([dictionary, *rest], index)
    need(max(index) <= len(templates), "a row of no template")
    lengths = block.ints(20 + 2 * column, MAX_RAW, n=index.count(0))
    content = block.cursor(20 + 2 * column + 1) or Cursor(b"")
    sources = [iter(texts) for texts in [content.cut(lengths), *templates]]
    content.end()
    return [next(sources[number]) for number in index]


# -- places and peers

def read_peers(block):
    cursor = block.required(13)
    k = block.count(cursor)
    planes = [cursor.take(k) for _ in range(19)]
    cursor.end()
    return [Peer(bytes(of_peer[:16]), of_peer[16] | of_peer[17] << 8, of_peer[18])
            for of_peer in zip(*planes)]


def read_coordinates(cursor, k):
    form, numbers = cursor.u8(2), cursor.ints(k)
    if form == 0:
        return [struct.unpack("<d", struct.pack("<q", number))[0] for number in numbers]
    if form == 1:
        return [number / 10000 for number in numbers]
    return [struct.unpack("<f", struct.pack("<i", number))[0] for number in numbers]


def read_places(block):
    cursor = block.cursor(15)
    if not cursor:
        return []
    k = block.count(cursor)
    countries = [bytes(letters) for letters in zip(cursor.take(k), cursor.take(k))]
    has_location = cursor.ints(k, 1, 1)
    numbers = cursor.ints(k, U32, 4)
    lats, lons = read_coordinates(cursor, k), read_coordinates(cursor, k)
    cities, regions, orgs = cursor.texts(k), cursor.texts(k), cursor.texts(k)
    cursor.end()
    return [Place(countries[i], numbers[i], lats[i] if has_location[i] else None,
                  lons[i] if has_location[i] else None, cities[i], regions[i], orgs[i])
            for i in range(k)]


def parse_address(text):
    text = text.decode("ascii")
    if ":" in text:
        return socket.inet_pton(socket.AF_INET6, text)
    return MAPPED + socket.inet_pton(socket.AF_INET, text)


# -- times

def read_receptions(block):
    cursor = block.required(5)
    first = unzigzag(cursor.varint())
    steps = cursor.ints(block.n)
    cursor.end()
    need(steps[0] == 0, "the first step of reception")
    values = []
    for step in steps:
        values.append(signed((values[-1] if values else first) + step))
    return values


def read_times(block, receptions, flags):
    """flags: in order of reception."""
    cursor = block.required(6)
    mode, unit = cursor.u8(3), cursor.u8(9)
    need(unit % 3 == 0, "unit of time")
    value = first = unzigzag(cursor.varint())
    left_out = [mode & 2 and flag & FLAG_TIME_RECEIVED for flag in flags]
    steps = iter(cursor.ints(sum(not out for out in left_out)))
    cursor.end()
    times = []
    for out, received in zip(left_out, receptions):
        if out:
            times.append(signed(received * 1000))
        elif mode & 1:
            times.append(signed((first + next(steps) + signed(received * 1000) // 10**unit)
                                * 10**unit))
        else:
            value = value + next(steps)
            times.append(signed(value * 10**unit))
    return times


# -- rows

def positions(streams):
    """The place among the grouped rows of each row in order of reception."""
    order = sorted(range(len(streams)), key=lambda i: streams[i])
    places = [0] * len(streams)
    for place, i in enumerate(order):
        places[i] = place
    return places


def pick(dictionary, indices, what):
    need(max(indices) < len(dictionary), f"index of {what}")
    return [dictionary[index] for index in indices]


def read_streams(block):
    """Host and app of each row, and its stream."""
    cursor = block.required(3)
    k = block.count(cursor)
    hosts = pick(block.dictionary(1), cursor.ints(k, U32, 4), "host")
    apps = pick(block.dictionary(2), cursor.ints(k, U32, 4), "app")
    cursor.end()
    streams = block.ints(4)
    return pick(list(zip(hosts, apps)), streams, "stream"), streams


def read_grouped(block):
    """The columns whose rows are grouped, by their names in Row; and the text of the address."""
    columns = {
        "time_digits": block.ints(7, 9, 1),
        "flags": block.ints(8, 255, 1),
        "format": block.ints(10, 255, 1),
        "input": pick(block.dictionary(11), block.ints(12), "input"),
        "peer": pick(read_peers(block), block.ints(14), "peer"),
        "place": pick([None, *read_places(block)], block.ints(16), "place"),
    }
    for column, name in enumerate(("message", "procid", "msgid", "sd")):
        columns[name] = read_texts(block, column)
    priorities = block.ints(9, 224, 1)
    columns["facility"] = [priority // 9 for priority in priorities]
    columns["severity"] = [priority % 9 for priority in priorities]
    columns["geo_ip"] = [
        find_address(*of_row) for of_row in
        zip(block.ints(17, 255, 1), columns["peer"], columns["message"], block.ints(18),
            block.ints(19, 255, 1))]
    return columns


def find_address(source, peer, message, offset, length):
    if source == FROM_PEER:
        return peer.address
    if source != FROM_MESSAGE:
        return bytes(16)
    need(offset + length <= len(message), "address outside of the message")
    try:
        return parse_address(message[offset:offset + length])
    except (OSError, ValueError) as error:
        raise FormatError(f"address in the message: {error}") from error


def decode(sections, first_id, n):
    """The rows of a block, in the order of reception."""
    block = Sections(sections, n)
    streams, numbers = read_streams(block)
    places = positions(numbers)
    grouped = read_grouped(block)
    receptions = read_receptions(block)
    times = read_times(block, receptions, [grouped["flags"][place] for place in places])
    return [Row(id=first_id + i, time_ns=times[i], received_us=receptions[i],
                host=streams[i][0], app=streams[i][1],
                **{name: values[places[i]] for name, values in grouped.items()})
            for i in range(n)]


def entries(rows):
    """(what, hash) of everything that a filter of these rows must know."""
    for row in rows:
        for token, is_address in tokens(row.message):
            if is_filtered(token, is_address):
                yield token, hash_token(token, is_address)
        yield row.host, hash_text(KIND_HOST, row.host)
        yield row.app, hash_text(KIND_APP, row.app)
        yield row.peer, xxh3(row.peer.address, KIND_PEER)
        if row.place and row.place.country[0]:
            yield row.place.country, hash_text(KIND_COUNTRY, row.place.country)


def check_filter(sections, rows):
    lines = sections.get(28, b"")
    need(len(lines) % LINE == 0, "lines of the filter")
    for what, entry in entries(rows):
        need(may_hold(lines, entry), f"the filter does not know {what}")
