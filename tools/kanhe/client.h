/* Client: requests of a command to a node, over the courier.
 *
 * The node is a folder (its kanhed.conf gives URL, authority of TLS and tokens) or a URL. Errors are
 * told on standard error (with --json also as an object on standard output) and become an exit
 * status. Threads: the main thread. */
#ifndef TOOLS_KANHE_CLIENT_H
#define TOOLS_KANHE_CLIENT_H

#include "base/clock.h"
#include "tools/kanhe/command.h"

struct target {
	struct str url;
	const char *folder;      /* NULL when a URL was given */
	const char *participant; /* of --as or the node's settings; "" */
	struct courier *courier;
};

struct reply {
	int status;
	struct str body, type;
	json_t *json;     /* when the type is JSON; lives as long as the arena of c */
	const char *path; /* of the call */
};

#define CLIENT_EXPECT_ANY UINT64_MAX /* how many is not known: a count and a rate */

struct call {
	const char *method;
	const char *path; /* begins with '/', escaped already */
	json_t *json;     /* body, stolen; or */
	struct str body;
	bool body_stays; /* until client_finish: it need not be copied */
	const char *body_file;
	uint64_t body_from;  /* octet of body_file where it begins */
	const char *type;    /* of body or body_file */
	const char *accept;  /* NULL: application/json */
	const char *token;   /* a token file's name other than the command's own; NULL: that one */
	int64_t deadline;    /* microseconds, of a body_file those without progress; 0: 60 s */
	const char *to_file; /* a 2xx body goes there instead, another leaves it as it is; "-" is standard
			      * output */
	bool append;         /* to_file goes on where it ends */
	const char *range;   /* a Range header; NULL: none */
	uint64_t expect;     /* octets to come, for the progress bar; 0: none shown */
	const char *if_match, *idempotency_key; /* headers of these names; NULL: none */
	bool quiet_errors;                      /* do not tell; the caller looks at the reply */
	bool if_absent;                         /* if-none-match: * */
};

/* Finds folder, URL, authority and token. CLI_USAGE, CLI_FAILED. */
int client_open(struct cli *c);
void client_close(struct cli *c);
/* Asks another node (folder or URL) who it is: its DID, keys, URL and prefixes. */
int client_ask_node(struct cli *c, const char *node, struct reply *ret);
/* What a delegation to the node of such an answer says of it: DID, keys, endpoints; a new reference
 * (delegate.c). */
json_t *delegation_of(const json_t *node, usec_t until);
/* CLI_OK on a 2xx answer. */
int client_call(struct cli *c, const struct call *call, struct reply *ret);
/* Tells what a reply of another status than 2xx says; the exit status. */
int client_problem(struct cli *c, const struct reply *r);
/* The same in two steps, for several at once: each one sent is to be finished, in any order. The call's
 * slices are copied; with to_file, it must live until then. */
struct sent;
int client_send(struct cli *c, const struct call *call, struct sent **ret);
int client_finish(struct cli *c, struct sent *s, struct reply *ret);
/* Waits so long at most; true once client_finish would not wait. */
bool client_wait(struct sent *s, usec_t most);
/* GETs every page of a list: {key: [all of them]}. path has no query, or ends in one. */
int client_list(struct cli *c, const char *path, const char *key, json_t **ret);
/* Participant the command acts for, or NULL with a message. */
const char *client_participant(struct cli *c);
/* "/participants/maker/…" from a printf form; words that come from people go through path_word. */
const char *client_path(struct cli *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Percent-encoded for a path, slashes and colons kept when keep_slash. */
const char *path_word(struct cli *c, const char *word, bool keep_slash);
/* A member of a reply as text; "" when absent. */
const char *text_of(const json_t *o, const char *key);
/* {"values":[…]} of TYPE=DATA words from `from` on, or a file's JSON; a new reference (register.c). */
int record_body(struct cli *c, const char *file, const struct words *w, size_t from, json_t **ret);
/* "401 {…, "reason": ["why"]}", as the outbox keeps what partners answer: what people read of it
 * (outbox.c). */
const char *answer_reason(struct cli *c, const char *answer);
/* Tells on standard error why a negotiation or transfer that is waited for does not go on, if it has
 * another reason than the one told before (""). */
enum { UNDER_WAY_TOLD = 600 };
void under_way_tell(struct cli *c, const json_t *j, char told[UNDER_WAY_TOLD]);
/* One dataset of a catalog, for people (trade.c). */
void print_offer(const json_t *offer); /* its rules and id, indented */
void print_dataset(const json_t *d);
/* Many datasets from an NDJSON file; one dataset taken back (publish_batch.c). */
int publish_batch(struct cli *c, const char *file);
int publish_withdraw(struct cli *c, const char *id);
struct bundle_pin;
/* Verifies a proof bundle and tells of it: `kanhe verify`, `kanhe agreement verify`. */
int bundle_tell(struct cli *c, const char *file, const struct bundle_pin *pins, size_t pins_n);
/* Reads a whole file (or "-", standard input) into the arena. */
int file_read(struct cli *c, const char *path, size_t max, struct str *ret);
/* The same, as JSON: a new reference. */
int file_json(struct cli *c, const char *path, size_t max, json_t **ret);

#endif
