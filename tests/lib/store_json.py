# SPDX-License-Identifier: MIT
"""A row as the JSON object that logboomctl(1) promises, from store_columns.Row."""

import base64
import datetime
import re
import socket

FORMATS = ("raw", "rfc5424", "rfc3164")
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron",
              "authpriv", "ftp", "ntp", "audit", "alert", "clock",
              *(f"local{i}" for i in range(8)))
FLAG_TIME_RECEIVED, FLAG_CUT = 1, 2
EPOCH = datetime.datetime(1970, 1, 1)


def text(data):
    return data.decode("utf-8", errors="replace")


def time(time_ns, digits):
    seconds, fraction = divmod(time_ns, 10**9)
    stamp = f"{EPOCH + datetime.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}"
    return stamp + (f".{fraction:09}"[:digits + 1] if digits else "") + "Z"


def address(data):
    if data[:12] == bytes(10) + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, data[12:])
    return socket.inet_ntop(socket.AF_INET6, data)


_NAME = rb'[^\x00- ="\]\x7f]+'
_VALUE = rb'"((?:[^"\\]|\\.)*)"'
_PARAM = re.compile(rb' +(%b)=%b' % (_NAME, _VALUE), re.DOTALL)
_ELEMENT = re.compile(rb'\[(%b)((?: +%b="(?:[^"\\]|\\.)*")*) *\]' % (_NAME, _NAME), re.DOTALL)
_ESCAPE = re.compile(rb'\\(["\\\]])')


def structured_data(data):
    """{element: {parameter: value, or values}}; None where it is no structured data."""
    result = {}
    at = 0
    while at < len(data):
        element = _ELEMENT.match(data, at)
        if not element:
            return None
        at = element.end()
        parameters = result.setdefault(text(element[1]), {})
        for name, value in _PARAM.findall(element[2]):
            parameters.setdefault(text(name), []).append(text(_ESCAPE.sub(rb"\1", value)))
    return {element: {name: values if len(values) > 1 else values[0]
                      for name, values in parameters.items()}
            for element, parameters in result.items()}


def geo(row):
    place = row.place
    return present({
        "ip": address(row.geo_ip),
        "country": text(place.country.rstrip(b"\0")),
        "city": text(place.city),
        "region": text(place.region),
        "lat": None if place.lat is None else round(place.lat, 5),
        "lon": None if place.lon is None else round(place.lon, 5),
        "asn": place.asn or None,
        "org": text(place.org),
    })


def present(record):
    return {name: value for name, value in record.items() if value is not None and value != ""}


def is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def record(row):
    """Absent fields are left out; a message is always there."""
    sd = structured_data(row.sd) if row.sd else None
    has_facility, has_severity = row.facility < len(FACILITIES), row.severity < len(SEVERITIES)
    result = present({
        "id": f"{row.id:016x}",
        "time": time(row.time_ns, 6 if row.flags & FLAG_TIME_RECEIVED else row.time_digits),
        "received": time(row.received_us * 1000, 6),
        "input": text(row.input),
        "peer": address(row.peer.address) if row.peer.family else None,
        "peer_port": row.peer.port or None if row.peer.family else None,
        "format": FORMATS[row.format] if row.format < len(FORMATS) else None,
        "facility": FACILITIES[row.facility] if has_facility else None,
        "facility_code": row.facility if has_facility else None,
        "severity": SEVERITIES[row.severity] if has_severity else None,
        "severity_code": row.severity if has_severity else None,
        "host": text(row.host),
        "app": text(row.app),
        "procid": text(row.procid),
        "msgid": text(row.msgid),
        "sd": sd,
        "sd_raw": text(row.sd) if sd is None else None,
    })
    result["message"] = text(row.message)
    if not is_utf8(row.message):
        result["message_b64"] = base64.b64encode(row.message).decode()
    if row.place:
        result["geo"] = geo(row)
    if row.flags & FLAG_CUT:
        result["truncated"] = True
    return result
