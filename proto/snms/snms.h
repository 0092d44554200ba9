/* SNMS: the REST interface that applications of China's secondary nodes are written for.
 *
 * Purpose: its bodies ⇄ records and templates. Answers are {"message","status","data"}.
 * Ownership: slices borrow from the JSON tree or the arena. Threads: any.
 * Errors: the text of a flaw is the sentence that the interface answers with, in Chinese. */
#ifndef PROTO_SNMS_SNMS_H
#define PROTO_SNMS_SNMS_H

#include "proto/template/template.h"

enum snms_status {
	SNMS_OK = 1,
	SNMS_LOGIN = -1,     /* not logged in; also what a template that cannot be shown answers */
	SNMS_FAILED = -2,    /* the message says why */
	SNMS_FORBIDDEN = -3, /* no right */
	SNMS_INTERNAL = -4,
};

enum {
	SNMS_HANDLE_MAX = 255, /* characters; all of these as the interface is published */
	SNMS_VERSION_MAX = 128,
	SNMS_TYPE_MAX = 128,
	SNMS_VALUE_MAX = 255,
	SNMS_USERNAME_MAX = 100, /* published: 50; names here have 64, handles of identities more */
	SNMS_BATCH_MAX = 2000,
};

struct snms_record {
	struct str handle, version;
	struct value *values; /* without the one that names the template */
	size_t values_n;
};

/* {"handle","templateVersion","value":[{"auth","index","type","data":{"format","value"}}]}. ERR_BAD_MESSAGE
 * with the field named; ERR_NO_MEMORY. */
enum err snms_record_read(struct arena *a, json_t *j, struct flaw *f, struct snms_record *ret) MUST_USE;
/* The values of a record that names its template: those read, and TEMPLATE at 1001. */
enum err snms_record_values(struct arena *a, const struct snms_record *r, struct value **ret,
			    size_t *ret_n) MUST_USE;
/* {"code","prefix","handle","templateVersion","value"}: what is answered. A new reference. */
json_t *snms_record_write(const struct record *r, bool with_private);

/* Body of /snms/api/v3|v5/template. */
enum err snms_template_read(struct arena *a, json_t *j, struct flaw *f, struct template *ret) MUST_USE;
/* Its answer; v3 leaves out what v5 added. NULL: it has attributes of types the interface does not know. */
json_t *snms_template_write(const struct template *t, int version);
/* {"prefix","version"} */
enum err snms_template_key_read(json_t *j, struct flaw *f, struct template *ret) MUST_USE;

struct snms_login {
	struct str username, password;
};
enum err snms_login_read(json_t *j, struct flaw *f, struct snms_login *ret) MUST_USE;
/* What /identity/token/v1 sends as password: hex SHA-256 of the hex SHA-256 of the secret and the date
 * "yyyy-MM-dd". secret_sha256: 32 octets. */
void snms_login_digest(const unsigned char secret_sha256[32], struct str date, char ret[64]);

/* A member that must be text of 1 to max characters: "缺少必要的请求参数: handle". */
enum err snms_text(json_t *j, const char *path, const char *key, size_t max, struct flaw *f,
		   struct str *ret) MUST_USE;

#endif
