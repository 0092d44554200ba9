/* kanhe enterprise: what its files share. Threads: the main thread. */
#ifndef TOOLS_KANHE_ENTERPRISE_H
#define TOOLS_KANHE_ENTERPRISE_H

#include "tools/kanhe/client.h"

/* Every option of every verb; NULL or false when it was not given. */
struct enterprise_options {
	const char *person, *phone, *email, *prefix, *under, *key, *review, *reason, *quota, *state, *to,
	    *days, *scope, *rights, *expires, *out, *from;
	bool adopt, whole, no_resolve, open, release;
};

/* One call about an enterprise: "/enterprises/CODE/rest". json is stolen, may be NULL. */
int enterprise_call(struct cli *c, const char *method, const char *code, const char *rest, json_t *json,
		    struct reply *ret);
/* The same, and the enterprise that comes back is shown. */
int enterprise_show(struct cli *c, const char *method, const char *code, const char *rest, json_t *json);
void enterprise_print_line(const json_t *x);                         /* of a list */
void put_text_option(json_t *o, const char *key, const char *value); /* nothing for NULL */

/* w->word[0] is the verb, word[1] the first behind it. */
int enterprise_account(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_keys(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_prove(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_export(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_dossier(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_verify(struct cli *c, const struct words *w, const struct enterprise_options *o);
int enterprise_take_over(struct cli *c, const struct words *w, const struct enterprise_options *o);
/* Of enterprise_dossier.c, for enterprise_take_over.c: checks the folder w->word[1] by the key that
 * w->word[2] or --from gives; *ret_known false: by the one that it names itself. CLI_BOGUS: it does not
 * hold. */
struct dossier;
struct arena *dossier_arena(void); /* the caller frees it */
int dossier_check(struct cli *c, const struct words *w, const struct enterprise_options *o, struct arena *a,
		  struct dossier *ret, bool *ret_known);
void dossier_tell(struct cli *c, const struct dossier *d, bool known);
int dossier_refuse(struct cli *c, const char *folder, const char *why);
const char *dossier_file(struct cli *c, const char *folder, const char *name);
/* All its series and records into a file, as kanhe import reads them; "-": standard output. */
int enterprise_records(struct cli *c, const char *code, const char *file);
int enterprise_hand_over(struct cli *c, const struct words *w, const struct enterprise_options *o);
/* The public key in a key file of `kanhe enterprise key`. */
int enterprise_public_key(struct cli *c, const char *file, char out[64]);

#endif
