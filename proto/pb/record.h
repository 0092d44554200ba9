/* Records: the set of handle values that an identifier stands for.
 *
 * Purpose: the message Record of kanhe.proto as a struct, strict both ways; the JSON face of it, for
 * registration (parse) and for answers (written straight from the packed octets).
 * Ownership: slices unpacked or parsed live in the arena; slices packed are borrowed.
 * Invariants: 1. what record_unpack accepts, record_pack writes again; 2. indexes are unique and at
 * least 1; 3. text is well-formed UTF-8 without NUL. Threads: any. Specification: RFC 3651 3.1. */
#ifndef PROTO_PB_RECORD_H
#define PROTO_PB_RECORD_H

#include "base/clock.h"
#include "base/json.h"

enum {
	RECORD_VERSION = 1,
	RECORD_PACKED_MAX = 256 << 10, /* the Handle protocol's message limit */
	RECORD_VALUES_MAX = 2048,      /* values per Handle message */
	RECORD_DATA_MAX = 64 << 10,    /* of one value; larger things belong into a dataset */
	RECORD_TYPE_MAX = 128,         /* what the REST interfaces of secondary nodes allow */
	RECORD_REFERENCES_MAX = 64,
	RECORD_ID_MAX = 2052, /* ID_TEXT_MAX with hdl: in front; of references too */
};

enum {
	VALUE_PUBLIC_WRITE = 0x01,
	VALUE_PUBLIC_READ = 0x02,
	VALUE_ADMIN_WRITE = 0x04,
	VALUE_ADMIN_READ = 0x08,
	VALUE_PERMISSIONS = 0x0e, /* when none are given */
	VALUE_TTL = 86400,        /* when none is given, seconds */
};

struct reference {
	struct str handle;
	uint32_t index;
};

struct value {
	uint32_t index;
	struct str type;
	struct str data;
	bool ttl_absolute;
	uint32_t ttl;       /* seconds; absolute: since 1970 */
	uint64_t timestamp; /* seconds since 1970 */
	uint8_t permissions;
	struct reference *references;
	size_t references_n;
};

enum record_status { RECORD_ACTIVE = 0, RECORD_RETIRED = 1 };

struct record {
	struct str id; /* canonical text */
	struct value *values;
	size_t values_n;
	usec_t created, modified;
	uint64_t revision;
	enum record_status status;
	struct str owner; /* prefix key octets */
	bool series;      /* a line of a stream: id is a pattern (resolver/series_pattern.h) */
};

/* Whether a record keeps to the limits and invariants above; the arena holds a scratch list.
 * ERR_BAD_PROTO with the member, ERR_NO_MEMORY. For records that did not come from a parser here. */
enum err record_check(struct arena *a, const struct record *r, struct flaw *f) MUST_USE;

/* Appends to out; ERR_TOO_LARGE, ERR_NO_MEMORY (also sticky in out). A record that breaks
 * record_check is a programming error. */
enum err record_pack(const struct record *r, struct buf *out) MUST_USE;
/* The same to where there is room for record_room(r) octets; gives how many it wrote. The room is no less
 * than that, and more than RECORD_PACKED_MAX only of a record that is too large to be packed. */
size_t record_room(const struct record *r);
size_t record_pack_to(const struct record *r, char *to);
/* ERR_BAD_PROTO with field and offset, ERR_UNSUPPORTED for another version, ERR_TOO_LARGE. */
enum err record_unpack(struct arena *a, struct str packed, struct flaw *f, struct record *ret) MUST_USE;
/* The same without a copy: slices of the record may point into packed. */
enum err record_unpack_borrowed(struct arena *a, struct str packed, struct flaw *f,
				struct record *ret) MUST_USE;

/* {"id":…,"values":[{"index","type","data":{"format","value"} | "text","ttl","permissions","references"}]}.
 * Formats string, base64, hex. ttl is seconds or an RFC 3339 time; permissions is "1110" or absent.
 * The id is taken as written; times, revision, status and owner are left zero for the registry.
 * Values without an index get the lowest free one. ERR_BAD_MESSAGE, ERR_TOO_LARGE; the flaw names the
 * member ("values[2].data.format"). */
enum err record_parse_json(struct arena *a, json_t *j, struct flaw *f, struct record *ret) MUST_USE;

/* The same of a series, with `pattern` in the place of id; what is told of a series besides (first, last,
 * members, overrides) is left out. Changes j. */
enum err record_parse_series_json(struct arena *a, json_t *j, struct flaw *f, struct record *ret) MUST_USE;

/* One value of such a list; path is where it stands, for the flaw. Its index stays 0 when it names none. */
enum err record_parse_value(struct arena *a, json_t *j, const char *path, struct flaw *f,
			    struct value *ret) MUST_USE;

/* Which values a reader may see. */
enum record_view { RECORD_PUBLIC, RECORD_ADMIN };

/* Hot path peeks, no copies: slices into packed. ERR_CORRUPT. */
struct record_head {
	struct str id, owner;
	usec_t created, modified;
	uint64_t revision;
	enum record_status status;
	uint32_t ttl;      /* the smallest relative TTL among the values, VALUE_TTL without values */
	struct str values; /* the octets from the first value to the last, for record_next_value */
};
enum err record_peek(struct str packed, struct record_head *ret) MUST_USE;

/* Hot path: the packed octets (which record_pack made; not checked again) as one JSON object
 * {"id","scheme","revision","modified","status"?,"values":[…]}; status only when retired. Appended to out;
 * errors are sticky there. ERR_CORRUPT when the octets are not a record. */
enum err record_write_json(struct str packed, enum record_view view, struct buf *out) MUST_USE;
/* The same when record_peek has been done already. */
enum err record_write_json_peeked(const struct record_head *head, enum record_view view,
				  struct buf *out) MUST_USE;
/* Takes the next value off; start with *rest = packed, or the head's values. References are not filled
 * (references_n 0). ERR_NOT_FOUND at the end, ERR_CORRUPT. */
enum err record_next_value(struct str *rest, struct value *ret) MUST_USE;

#endif
