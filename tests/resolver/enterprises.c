#include "tests/resolver/enterprises.h"

struct site desk;
char reg[ACCESS_TOKEN_TEXT], aud[ACCESS_TOKEN_TEXT], narrow[ACCESS_TOKEN_TEXT];

int open_desk(void **state)
{
	(void)state;
	site_open(&(struct site_options){.name = "desk",
					 .authority = {"88.118.8", "gs1:950600"},
					 .applications = true},
		  &desk);
	site_grant(&desk, "registrar", ROLE_REGISTRAR, "88.118.8 gs1:", reg);
	site_grant(&desk, "auditor", ROLE_AUDITOR, "*", aud);
	site_grant(&desk, "narrow", ROLE_REGISTRAR, "88.118.8.77", narrow);
	return 0;
}

int close_desk(void **state)
{
	(void)state;
	site_close(&desk);
	return 0;
}

/* path is printed with the code in front: "approve" → /enterprises/CODE/approve. */
static struct http_reply ask(const char *method, const char *token, const char *code, const char *rest,
			     const char *body)
{
	char path[PATH];
	snprintf(path, sizeof path, "/enterprises%s%s%s%s", *code ? "/" : "", code, *rest ? "/" : "", rest);
	return http_call(&desk, &(struct http_call){.method = method,
						    .path = path,
						    .token = token,
						    .body = body ? str_of(body) : STR_NONE});
}

struct http_reply expect(int status, const char *method, const char *token, const char *code,
			 const char *rest, const char *body)
{
	struct http_reply r = ask(method, token, code, rest, body);
	if (r.status != status) fprintf(stderr, "%s %s/%s: ", method, code, rest);
	EXPECT(r, status);
	return r;
}

void done(int status, const char *method, const char *token, const char *code, const char *rest,
	  const char *body)
{
	struct http_reply r = expect(status, method, token, code, rest, body);
	http_done(&r);
}

void refused(int status, const char *rule, const char *method, const char *token, const char *code,
	     const char *rest, const char *body)
{
	uint64_t feed, ledger, feed2, ledger2;
	site_heads(&desk, &feed, &ledger);
	struct http_reply r = expect(status, method, token, code, rest, body);
	assert_string_equal(http_text(&r, "rule"), rule);
	http_done(&r);
	site_heads(&desk, &feed2, &ledger2);
	assert_int_equal(feed, feed2);
	assert_int_equal(ledger, ledger2);
}

void apply_as(const char *code, const char *name, const char *more)
{
	char body[BODY];
	snprintf(body, sizeof body,
		 "{\"code\":\"%s\",\"name\":\"%s\",\"contact\":{\"person\":\"Li\",\"phone\":\"+86 1\"}%s}",
		 code, name, more);
	done(202, "POST", reg, "", "", body);
}

/* Applies and is approved with the prefix. */
void admit(const char *code, const char *prefix, unsigned quota)
{
	char body[BODY];
	apply_as(code, "Works", "");
	snprintf(body, sizeof body, "{\"review\":\"licence seen\",\"prefix\":\"%s\",\"quota\":%u}", prefix,
		 quota);
	done(200, "POST", reg, code, "approve", body);
}

void account(const char *by, const char *code, const char *body, char token[ACCESS_TOKEN_TEXT])
{
	struct http_reply r = expect(201, "POST", by, code, "accounts", body);
	snprintf(token, ACCESS_TOKEN_TEXT, "%s", http_text(&r, "token"));
	assert_int_equal(strlen(token), 46);
	http_done(&r);
}

struct http_reply put_id(const char *token, const char *id)
{
	char path[PATH];
	snprintf(path, sizeof path, "/registry/%s", id);
	return http_call(
	    &desk,
	    &(struct http_call){.method = "PUT",
				.path = path,
				.token = token,
				.body = STR("{\"values\":[{\"type\":\"URL\",\"data\":\"https://e/\"}]}")});
}

void register_as(const char *token, const char *id, int status, const char *rule)
{
	struct http_reply r = put_id(token, id);
	if (r.status != status) fprintf(stderr, "%s: ", id);
	EXPECT(r, status);
	if (rule) assert_string_equal(http_text(&r, "rule"), rule);
	http_done(&r);
}

int resolve(const char *id)
{
	char path[PATH];
	snprintf(path, sizeof path, "/resolve/%s", id);
	struct http_reply r = http_get(&desk, path);
	int status = r.status;
	http_done(&r);
	return status;
}

uint64_t number_of(const char *code, const char *member)
{
	struct http_reply r = expect(200, "GET", reg, code, "", NULL);
	uint64_t n = (uint64_t)json_integer_value(json_object_get(r.json, member));
	http_done(&r);
	return n;
}

/* A valid code made from its 17 characters. */
const char *code_from(const char *body17)
{
	static char code[CREDIT_CODE + 1];
	char out[CREDIT_CODE];
	for (const char *c = "0123456789ABCDEFGHJKLMNPQRTUWXY"; *c; c++) {
		snprintf(code, sizeof code, "%s%c", body17, *c);
		if (!credit_code_parse(str_of(code), NULL, out)) return code;
	}
	fail();
	return NULL;
}
