/* SPDX-License-Identifier: MIT */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

/*
 * A record: one log line, as views into the bytes of its batch.
 *
 *   bytes   <165>1 2026-11-24T11:00:00.25Z web01 nginx 4711 ID47 [x@1 a="b"] GET / from 192.0.2.7
 *   line    └───────────────────────────────────────────────────────────────────────────────────┘
 *   host                                   └───┘
 *   app                                          └───┘
 *   procid, msgid                                      └──┘ └──┘
 *   sd                                                           └─────────┘
 *   message                                                                  └───────────────────┘
 *
 * Life: a receiver appends it (line, peer, received_us, cut), the parser fills what it understood
 * (everything down to `format`), the enricher sets the place, the store copies it. A span that is
 * absent has len 0; offsets are then meaningless. Nothing here owns memory.
 */

#include <stdint.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes [off, off + len) of the batch. */
struct span {
    uint32_t off;
    uint32_t len;
};

/* How a line was understood. The values are stored on disk: never renumber. */
enum record_format {
    RECORD_RAW = 0, /* fits no format: message is the whole line */
    RECORD_RFC5424 = 1,
    RECORD_RFC3164 = 2,
    RECORD_N_FORMATS,
};

/* A severity or facility that the line did not carry (RFC 5424 6.2.1 has 0-7 and 0-23). */
#define RECORD_NO_SEVERITY 255
#define RECORD_NO_FACILITY 255

/* time_ns was not in the line, or not understood: it is the time of reception. */
#define RECORD_TIME_RECEIVED 0x01
/* The line was longer than max_line, and was cut there. */
#define RECORD_CUT 0x02

/* Where the address that was looked up came from (record.geo_from); on disk: never renumber. */
enum record_geo_from {
    RECORD_GEO_NONE = 0,
    RECORD_GEO_PEER = 1,    /* the sender's address */
    RECORD_GEO_MESSAGE = 2, /* text at message + geo_off, geo_len bytes */
};

struct record {
    struct span line; /* as received, without the framing */
    struct span host; /* RFC 5424 HOSTNAME; "-" is absent */
    struct span app;  /* APP-NAME; RFC 3164's tag */
    struct span procid;
    struct span msgid;
    struct span sd; /* STRUCTURED-DATA as it came, with its brackets and escapes; "-" is absent */
    struct span message; /* MSG, bytes as they came (without a leading UTF-8 BOM) */
    int64_t time_ns;     /* the sender's time, nanoseconds since 1970 UTC */
    int64_t received_us; /* microseconds since 1970 UTC */
    uint32_t geo_off;    /* in the message, when geo_from is RECORD_GEO_MESSAGE */
    uint8_t geo_len;     /* bytes of its text */
    uint8_t geo_from;    /* enum record_geo_from */
    uint16_t peer;       /* index into the batch's peers */
    uint16_t place;      /* 1 + index into the batch's places; 0: not known */
    uint8_t format;      /* enum record_format */
    uint8_t facility;    /* 0-23, or RECORD_NO_FACILITY */
    uint8_t severity;    /* 0-7, or RECORD_NO_SEVERITY */
    uint8_t time_digits; /* fraction digits that came with the time, 0-9 */
    uint8_t flags;       /* RECORD_… */
};

/*
 * A sender. IPv4 as ::ffff:a.b.c.d, so that there is one form; all zero with family 0: none (Unix
 * socket).
 */
struct peer {
    uint8_t address[16];
    uint16_t port;  /* host order */
    uint8_t family; /* 0, 4 or 6 */
};

/* Text that somebody else keeps alive. */
struct text {
    const char *data;
    uint32_t len;
};

/* Where an address is. Texts point into the geo database that the batch holds (batch.geo_owner). */
struct place {
    struct text city;
    struct text region;
    struct text org;
    double lat, lon; /* degrees; only with has_location */
    uint32_t asn;    /* 0: not known */
    char country[2]; /* ISO 3166-1 alpha-2; NUL NUL: not known */
    bool has_location;
};

/*
 * RFC 5424 table 1 and 2, as syslog.h spells them ("kern", "local1"; "emerg", "info"). NULL when
 * out of range.
 */
const char *record_facility_name(unsigned facility);
const char *record_severity_name(unsigned severity);
const char *record_format_name(unsigned format);
/* The number for a name (also "warn", "error", "panic", "security", and digits), or -EINVAL. */
int record_facility_from_name(const char *name, size_t len);
int record_severity_from_name(const char *name, size_t len);
int record_format_from_name(const char *name, size_t len);

#endif
