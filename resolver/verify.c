#include "resolver/verify.h"

static enum err bogus(struct flaw *f, const char *rule, const char *text)
{
	return flaw_set(f, ERR_BOGUS, FLAW_NO_OFFSET, "answer", rule, "%s", text);
}

static enum err check_question(const struct answer *m, const struct expected *x, struct flaw *f)
{
	if (!str_eq(m->key, x->question.key) || !str_eq(m->id, x->question.text))
		return bogus(f, "answer-id", "the answer is about another identifier");
	if (!str_eq(m->authority, x->trust.prefix))
		return bogus(f, "answer-authority",
			     "the answer is given for another prefix than the delegated one");
	return ERR_OK;
}

static enum err check_term(const struct answer *m, usec_t now, struct flaw *f)
{
	if (now + DELEGATION_SKEW_SEC * USEC_PER_SEC < m->inception)
		return bogus(f, "answer-early", "the answer is signed for a later time");
	if (now >= m->expiry) return bogus(f, "answer-expired", "the signed answer has expired");
	return ERR_OK;
}

static enum err check_record(const struct answer *m, struct flaw *f)
{
	struct record_head head;
	if (record_peek(m->record, &head) || !str_eq(head.id, m->id))
		return bogus(f, "answer-record", "the record is that of another identifier");
	if ((head.status == RECORD_RETIRED) != (m->kind == ANSWER_RETIRED))
		return bogus(f, "answer-kind", "the kind of the answer contradicts the record");
	return ERR_OK;
}

/* The first delegation that holds; else the flaw of the last one. */
static enum err check_referral(struct arena *a, const struct expected *x, struct flaw *f,
			       struct verified *v)
{
	enum err e = bogus(f, "answer-referral", "a referral without a delegation");
	for (size_t i = 0; i < v->answer.delegations_n; i++) {
		e = delegation_verify(a, v->answer.delegations[i], x, f, &v->next);
		if (e == ERR_NO_MEMORY) return e;
		if (e) continue;
		v->next_octets = v->answer.delegations[i];
		if (!id_prefix_covers(v->next.prefix, v->answer.key)) {
			e = bogus(f, "referral-aside",
				  "the referral leads to a prefix beside the identifier");
			continue;
		}
		if (v->next.prefix.n <= x->trust.prefix.n) {
			e = flaw_set(f, ERR_LOOP, FLAW_NO_OFFSET, "answer", "referral-depth",
				     "the referral does not lead deeper");
			continue;
		}
		return ERR_OK;
	}
	return e;
}

enum err verify_answer(struct arena *a, struct str octets, const struct expected *x, struct flaw *f,
		       struct verified *ret)
{
	struct envelope env;
	struct flaw why = {0};
	struct verified v = {.next_octets = STR_NONE};
	enum err e = envelope_unpack(octets, &why, &env);
	if (e) return e == ERR_NO_MEMORY ? e : bogus(f, why.rule[0] ? why.rule : "envelope", why.text);
	if (trust_verify(&x->trust, &env, ENVELOPE_ANSWER, &why))
		return bogus(f, "answer-signature", "no key that the parent names signed the answer");
	e = answer_unpack(a, env.payload, &why, &v.answer);
	if (e) return e == ERR_NO_MEMORY ? e : bogus(f, why.rule[0] ? why.rule : "answer-form", why.text);
	e = check_question(&v.answer, x, f);
	if (!e) e = check_term(&v.answer, x->now, f);
	if (!e && (v.answer.kind == ANSWER_RECORD || v.answer.kind == ANSWER_RETIRED))
		e = check_record(&v.answer, f);
	if (!e && v.answer.kind == ANSWER_REFERRAL) e = check_referral(a, x, f, &v);
	if (!e) *ret = v;
	return e;
}
