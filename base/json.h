/* JSON, by jansson: everything but the hot path reads and writes it through here.
 *
 * Purpose: strict parsing within limits (1 MiB, depth 64, duplicate members, NaN, lone surrogates
 * and trailing text refused, the offset named), typed getters that fill a flaw with the path of
 * the member, JCS (RFC 8785) output.
 * Ownership: json_t is reference counted; values parsed or made with an arena are released when
 * the arena resets. Threads: a value belongs to one thread at a time. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

enum { JSON_SIZE_MAX = 1 << 20, JSON_DEPTH_MAX = 64 };

/* ERR_BAD_JSON, ERR_TOO_LARGE, ERR_NO_MEMORY. *ret lives until the arena resets. */
enum err json_read(struct arena *a, struct str text, struct flaw *f, json_t **ret) MUST_USE;
/* The same for text whose size the caller has bounded already (a file of ours). */
enum err json_read_large(struct arena *a, struct str text, struct flaw *f, json_t **ret) MUST_USE;
/* Gives j (a new reference) to the arena; returns j, or NULL (and releases) on overflow or j NULL. */
json_t *json_keep(struct arena *a, json_t *j);

/* Members of an object. `path` is where obj stands ("offer.permission[0]"), for the flaw.
 * ERR_BAD_MESSAGE: absent or of the wrong kind. The _opt forms give ERR_OK and leave *ret alone. */
enum err json_str(json_t *obj, const char *path, const char *key, struct flaw *f, struct str *ret) MUST_USE;
enum err json_str_opt(json_t *obj, const char *path, const char *key, struct flaw *f,
		      struct str *ret) MUST_USE;
enum err json_u64(json_t *obj, const char *path, const char *key, struct flaw *f, uint64_t *ret) MUST_USE;
enum err json_u64_opt(json_t *obj, const char *path, const char *key, struct flaw *f,
		      uint64_t *ret) MUST_USE;
enum err json_obj(json_t *obj, const char *path, const char *key, struct flaw *f, json_t **ret) MUST_USE;
enum err json_arr(json_t *obj, const char *path, const char *key, struct flaw *f, json_t **ret) MUST_USE;
enum err json_arr_opt(json_t *obj, const char *path, const char *key, struct flaw *f,
		      json_t **ret) MUST_USE;
struct str json_text(const json_t *string); /* of a JSON string; STR_NONE otherwise */

/* Setters that do not fail silently: a failed allocation turns into must(). */
void json_put(json_t *obj, const char *key, json_t *stolen);
void json_put_str(json_t *obj, const char *key, struct str s); /* ill-formed UTF-8: U+FFFD */
void json_put_u64(json_t *obj, const char *key, uint64_t v);

/* Compact, or indented by two for people. Text in the arena, p = NULL on overflow. */
struct str json_write(struct arena *a, const json_t *j, bool pretty);
/* RFC 8785. ERR_BAD_JSON for what JCS cannot say (integers beyond 2^53 are refused). */
enum err json_jcs(const json_t *j, struct buf *out) MUST_USE;

#endif
