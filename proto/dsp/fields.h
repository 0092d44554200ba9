/* Reading and writing the members of DSP messages, with a sticky error. Private to proto/dsp and proto/dps.
 *
 * A reader stands on one object; after the first failure reads give empty values and the flaw stays as
 * it was filled, so that a parser checks in.err once at its end. */
#ifndef PROTO_DSP_FIELDS_H
#define PROTO_DSP_FIELDS_H

#include "proto/dsp/message.h"

enum { DSP_PATH = 96 /* as flaw.at */ };

struct dsp_in {
	json_t *obj;
	const char *path; /* of obj: "" for the root */
	struct flaw *f;
	enum err kind; /* ERR_BAD_MESSAGE or ERR_BAD_POLICY */
	enum err err;
	bool untyped; /* a DataAddress and its properties may come without @type, as in signaling's examples */
};

struct dsp_in dsp__in(json_t *obj, const char *path, enum err kind, struct flaw *f);
/* The first failure is kept. key "": the object itself. */
void dsp__fail(struct dsp_in *in, const char *key, const char *rule, const char *text);

/* The root of a message: an object with our @context and the @type. */
struct dsp_in dsp__root(json_t *j, enum dsp_type t, struct flaw *f);
void dsp__context(struct dsp_in *in);
void dsp__const(struct dsp_in *in, const char *key, const char *value);
bool dsp__has(const struct dsp_in *in, const char *key);      /* null counts */
struct str dsp__text(struct dsp_in *in, const char *key);     /* there and not empty */
struct str dsp__text_opt(struct dsp_in *in, const char *key); /* not empty when there */
struct str dsp__text_any(struct dsp_in *in, const char *key); /* may be absent or empty */
json_t *dsp__array(struct dsp_in *in, const char *key, size_t min, size_t max);
json_t *dsp__array_opt(struct dsp_in *in, const char *key, size_t min, size_t max); /* NULL: absent */
json_t *dsp__object(struct dsp_in *in, const char *key);
void dsp__pids(struct dsp_in *in, struct dsp_pids *ret);
void dsp__reason(struct dsp_in *in, size_t min, struct dsp_reason *ret);
/* "path.key" or "path.key[i]" into out (DSP_PATH octets), cut when too long. */
void dsp__path(char *out, const char *path, const char *key);
void dsp__path_at(char *out, const char *path, const char *key, size_t i);

json_t *dsp__begin(enum dsp_type t);                             /* {"@context":[…],"@type":…} */
void dsp__put(json_t *obj, const char *key, struct str s);       /* left out when empty */
void dsp__put_json(json_t *obj, const char *key, json_t *value); /* shared; left out when NULL */
void dsp__put_pids(json_t *obj, const struct dsp_pids *p);
void dsp__put_reason(json_t *obj, const struct dsp_reason *r);
/* Members of `from` that obj does not have yet; a clash is a programming error unless allowed. */
void dsp__put_others(json_t *obj, json_t *from, bool clash_allowed);
json_t *dsp__end(struct arena *a, json_t *obj, json_t *extra);

/* The member "dataAddress", which may be absent (transfer.c). */
struct dsp_data_address;
void dsp__address(struct dsp_in *in, struct dsp_data_address *ret);
void dsp__address_put(json_t *obj, const struct dsp_data_address *d);

#endif
