#include "dataspace/turn.h"

struct turn turn_of_job(struct ds_job *j, struct writer_txn *t, const struct ds_self *self, struct str who)
{
	return (struct turn){
	    .d = j->d, .t = t, .fx = &j->fx, .a = j->arena, .flaw = &j->flaw, .self = self, .who = who};
}

struct turn turn_of_partner(struct ds_job *j, struct writer_txn *t, const struct ds_peer *peer)
{
	struct turn u = turn_of_job(j, t, peer->self, peer->did);

	u.partner = true;
	return u;
}

bool turn_repeated(const struct turn *u, Ds__Step *const *history, size_t n, json_t *message, bool anywhere)
{
	if (!u->digest) return false;
	anywhere = anywhere || json_is_string(json_object_get(message, "@id"));
	for (size_t i = n; i-- > 0;) {
		if (history[i]->message.len != 32) continue;
		if (!memcmp(history[i]->message.data, u->digest, 32)) return true;
		if (!anywhere) return false;
	}
	return false;
}

void turn_name_message(json_t *message)
{
	char id[UUID_URN];

	json_put_str(message, "@id", str_of(uuid_urn(id)));
}

enum err turn_step(const struct turn *u, Ds__Step ***history, size_t *n, uint32_t state, bool by_peer,
		   struct str detail)
{
	Ds__Step **grown, *s;

	if (*n >= TURN_HISTORY_MAX)
		return flaw_set(u->flaw, ERR_BAD_STATE, FLAW_NO_OFFSET, "state", "history-limit",
				"the process has had %d steps: terminate it and begin anew",
				TURN_HISTORY_MAX);
	grown = ARENA_ARRAY(u->a, Ds__Step *, *n + 1);
	s = ARENA_NEW(u->a, Ds__Step);
	if (!grown || !s) return ERR_NO_MEMORY;
	if (*n) memcpy(grown, *history, *n * sizeof *grown);
	ds__step__init(s);
	s->time = u->t->now;
	s->state = state;
	s->by_peer = by_peer;
	s->detail = turn_text(u, detail);
	if (by_peer && u->digest) {
		s->message = (ProtobufCBinaryData){32, arena_alloc(u->a, 32)};
		if (!s->message.data) return ERR_NO_MEMORY;
		memcpy(s->message.data, u->digest, 32);
	}
	grown[(*n)++] = s;
	*history = grown;
	return ERR_OK;
}

static enum err pid_check(const struct turn *u, struct str theirs, struct str ours, const char *at)
{
	if (!ours.n || str_eq(theirs, ours)) return ERR_OK;
	return flaw_set(u->flaw, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "pid",
			"the message belongs to another process");
}

enum err turn_pids(const struct turn *u, struct str consumer, struct str provider, struct str own_consumer,
		   struct str own_provider)
{
	enum err e = pid_check(u, consumer, own_consumer, "consumerPid");

	return e ? e : pid_check(u, provider, own_provider, "providerPid");
}

enum err turn_name_check(struct str s, size_t max, const char *at, struct flaw *f)
{
	if (!s.n || s.n > max)
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "length",
				"it must have 1 to %zu octets", max);
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7f)
			return flaw_set(f, ERR_BAD_MESSAGE, i, at, "octet",
					"it must not hold blanks or control characters");
	return ERR_OK;
}

/* Paths are appended: a query or fragment would swallow them, a user or a backslash would hide the host. */
static bool host_ok(struct str url)
{
	struct str rest = str_skip(url, str_find(url, '/') + 2),
		   host = str_first(rest, str_find(rest, '/'));

	for (size_t i = 0; i < rest.n; i++)
		if (strchr("?#\\", rest.p[i])) return false;
	return host.n && host.p[0] != ':' && str_find(host, '@') == host.n;
}

enum err turn_url_check(struct str s, const char *at, struct flaw *f, struct str *ret)
{
	enum err e = turn_name_check(s, DS_URL_MAX, at, f);

	if (e) return e;
	if (!str_starts(s, STR("https://")) && !str_starts(s, STR("http://")))
		return flaw_set(f, ERR_BAD_MESSAGE, 0, at, "url", "it must be an http or https URL");
	if (!host_ok(s))
		return flaw_set(f, ERR_BAD_MESSAGE, FLAW_NO_OFFSET, at, "url",
				"it must name a host, and no user, query or fragment");
	while (str_ends(s, STR("/"))) s.n--;
	*ret = s;
	return ERR_OK;
}

char *turn_text(const struct turn *u, struct str s)
{
	static char none[1];
	char *p = s.n ? arena_strdup(u->a, s) : none;

	return p ? p : none;
}

char *turn_json(const struct turn *u, json_t *j)
{
	return turn_text(u, json_write(u->a, j, false));
}

json_t *turn_reasons(const struct turn *u, struct str text)
{
	json_t *out = json_keep(u->a, json_array());
	json_t *s = json_stringn(text.p, str_cut(text, TURN_REASON_MAX).n);

	if (!s) s = json_string("");
	must(out && s && !json_array_append_new(out, s));
	return out;
}

json_t *turn_history_show(Ds__Step *const *history, size_t n, const char *(*state_name)(uint32_t))
{
	json_t *out = json_array();
	char when[CLOCK_TEXT], sha[64];

	must(out);
	for (size_t i = 0; i < n; i++) {
		const Ds__Step *s = history[i];
		json_t *j = json_object();

		must(j);
		json_put_str(j, "time", str_of(clock_print(s->time, true, when)));
		json_put_str(j, "state", str_of(state_name(s->state)));
		json_put_str(j, "by", s->by_peer ? STR("peer") : STR("us"));
		if (s->detail[0]) json_put_str(j, "detail", str_of(s->detail));
		if (s->message.len == 32) {
			hex_write(s->message.data, 32, sha);
			json_put_str(j, "message", str_n(sha, sizeof sha));
		}
		must(!json_array_append_new(out, j));
	}
	return out;
}
