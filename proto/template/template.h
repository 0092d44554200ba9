/* Metadata templates: which attributes the identifiers of an enterprise carry, and what their values may
 * be.
 *
 * Purpose: the struct of a template, its JSON form (stored and spoken alike), and the check of a record
 * against it. In China's system a record names its template by a value of index 1000 (TEMPLATE_ID, the
 * template's handle `prefix/version`) or 1001 (TEMPLATE, its version under the record's own prefix); the
 * attributes are values of index 2000 and above.
 * Ownership: slices borrow from the JSON tree or the arena. Threads: any; a struct at one time.
 * Invariants: 1. what template_read accepts, template_write writes, and is accepted again. 2. names and
 * indexes of a template's attributes are unique, indexes at least TEMPLATE_INDEX_FIRST. 3. a record that
 * template_check_rules accepts has no value at an index the template does not know, but for those below
 * 1000. */
#ifndef PROTO_TEMPLATE_TEMPLATE_H
#define PROTO_TEMPLATE_TEMPLATE_H

#include "proto/pb/record.h"

enum {
	TEMPLATE_INDEX_ID = 1000,      /* value that names a template by its handle */
	TEMPLATE_INDEX_VERSION = 1001, /* value that names it by its version */
	TEMPLATE_INDEX_GRANT = 1002,   /* GRANT: whom this one record is opened to, JSON */
	TEMPLATE_INDEX_FIRST = 2000,
	TEMPLATE_INDEX_LAST = 999999,  /* clients keep an index in 11 decimal digits, sign included */
	TEMPLATE_ATTRIBUTES_MAX = 500, /* a product passport has some 150 */
	TEMPLATE_PREFIX_MAX = 64,      /* what the SNMS interface allows */
	TEMPLATE_VERSION_MAX = 128,    /* the same */
	TEMPLATE_NAME_MAX = 128,       /* of an attribute: RECORD_TYPE_MAX, for it is the value's type */
	TEMPLATE_TEXT_MAX = 1000,      /* descriptions */
	TEMPLATE_PATTERN_MAX = 256,    /* a pattern people can still read */
	TEMPLATE_CHOICES_MAX = 500,    /* a code list; longer ones are templates of their own */
	TEMPLATE_USERS_MAX = 200,      /* identities that one attribute is opened to */
	TEMPLATE_JSON_MAX = 512 << 10,
};

/* name, number in the DOIP interface, its name there */
#define TEMPLATE_TYPES(X)                                                                                  \
	X(STRING, string, 1, "字符型")                                                                     \
	X(NUMBER, number, 2, "数值型")                                                                     \
	X(DATE, date, 3, "日期型")                                                                         \
	X(FILE, file, 4, "文件型")                                                                         \
	X(REFERENCE, reference, 5, "引用类型")                                                             \
	X(AUDIO, audio, 6, "音频")                                                                         \
	X(VIDEO, video, 7, "视频")                                                                         \
	X(IMAGE, image, 8, "图片")                                                                         \
	X(ENUM, enum, 101, "枚举型")                                                                       \
	X(BOOLEAN, boolean, 102, "布尔型")

enum template_type {
#define X(up, low, number, zh) TEMPLATE_##up = number,
	TEMPLATE_TYPES(X)
#undef X
};

enum template_state { TEMPLATE_ENABLED = 0, TEMPLATE_DISABLED = 1, TEMPLATE_PENDING = 2 };

struct template_names {
	struct str *items;
	size_t n;
};

struct template_attribute {
	uint64_t index, id; /* id: a number of the node's own, 0 until stored */
	struct str name, title, code, definition, comment;
	enum template_type type;
	enum template_state state;
	bool required, input, listed;
	bool unique; /* no two records of the template have the same value; kept by resolver/templates.h */
	bool open;   /* readable by anybody on the DOIP interface */
	struct template_names readers, writers; /* handles of identities it is opened to */
	uint64_t min_length, max_length;        /* characters; 0, 0: no bound */
	struct str min, max;                    /* of numbers and dates, as text */
	uint64_t decimals;                      /* of numbers; UINT64_MAX: any */
	struct str pattern;                     /* POSIX extended, of the whole text */
	struct str format;                      /* of dates: YYYY-MM-DD … */
	struct template_names choices;          /* ENUM */
	struct str reference; /* REFERENCE: template that the other record names; or empty */
	struct str file_types;
	uint64_t files;
	/* what China's interfaces keep with an attribute for people and clients; nothing here decides by it
	 */
	struct str char_range, file_suffix;
	uint64_t file_range, reference_type;
};

struct template
{
	struct str prefix, version, title, code, description, standard, classification;
	struct str category, specific, trade, subclass, industry; /* GB/T 4754 codes; their names */
	uint64_t kind;                                            /* 1 active carrier, 2 other */
	bool published, open;
	struct template_names readers; /* identities of others that may use it */
	struct str base;               /* handle of the template it was copied from */
	struct template_attribute *attributes;
	size_t attributes_n;
	/* set by the node */
	uint64_t id, revision;
	struct str creator;
	usec_t created, modified, published_at;
};

/* ERR_BAD_MESSAGE with the member named ("attributes[2].pattern"), ERR_TOO_LARGE, ERR_NO_MEMORY. stored:
 * members that the node sets are read too; else they are refused. Attributes without an index get the next
 * free one. */
enum err template_read(struct arena *a, json_t *j, bool stored, struct flaw *f,
		       struct template *ret) MUST_USE;
/* A new reference. stored: with what only the node's table keeps. */
json_t *template_write(const struct template *t, bool stored);
/* Whether a template made by other code keeps the rules that template_read checks. */
enum err template_check_rules(const struct template *t, struct flaw *f) MUST_USE;
const struct template_attribute *template_find(const struct template *t, struct str name);
const struct template_attribute *template_at(const struct template *t, uint64_t index);
const char *template_type_name(enum template_type t);    /* "number" */
const char *template_type_name_zh(enum template_type t); /* "数值型" */
enum err template_type_find(struct str name, enum template_type *ret) MUST_USE;
bool template_names_have(const struct template_names *n, struct str name);

/* How a record names its template. */
enum template_naming { TEMPLATE_NONE, TEMPLATE_BY_ID, TEMPLATE_BY_VERSION };
/* ERR_BAD_MESSAGE: a reserved index of another type, or both ways at once. */
enum err template_named(const struct value *values, size_t n, struct flaw *f, enum template_naming *ret,
			struct str *ret_name) MUST_USE;
/* Splits a template's handle at its first slash. ERR_BAD_MESSAGE. */
enum err template_handle_split(struct str handle, struct str *ret_prefix, struct str *ret_version) MUST_USE;

/* What a record breaks. zh: the sentence that China's interfaces give. */
struct template_fault {
	size_t value; /* in the record; SIZE_MAX: an attribute is missing */
	struct str attribute;
	uint64_t index;
	char rule[48], text[224], zh[200];
};
/* ERR_BAD_MESSAGE with the fault filled; ERR_NO_MEMORY. */
enum err template_check_record(struct arena *a, const struct template *t, const struct value *values,
			       size_t n, struct template_fault *ret) MUST_USE;
/* One value alone. */
enum err template_check_value(struct arena *a, const struct template_attribute *x, struct str data,
			      struct template_fault *ret) MUST_USE;
/* Whether records made under `old` stay valid under `new`: every attribute is still there with the same
 * index, type and bounds, and new ones are optional. ERR_CONFLICT naming the attribute. */
enum err template_check_change(const struct template *old, const struct template *new,
			       struct flaw *f) MUST_USE;

/* A number or its digits, as China's interfaces write them; absent or null: *ret stays. ERR_BAD_MESSAGE: it
 * is neither, or greater than most. */
enum err template_number_read(const json_t *object, const char *key, uint64_t most, uint64_t *ret) MUST_USE;

#endif
