/* A registrar's desk that admits enterprises, and what tests of enterprises and their accounts ask of it.
 * Threads: the test's; put_id from any. */
#ifndef TESTS_RESOLVER_ENTERPRISES_H
#define TESTS_RESOLVER_ENTERPRISES_H

#include "tests/resolver/desk.h"

#include "resolver/enterprise.h"

#define CODE "91350100M000100Y43"
#define OTHER "91110000600037341L"

enum { PATH = 512, BODY = 2048 };

/* Authoritative for 88.118.8 and gs1:950600; takes applications from anybody. */
extern struct site desk;
/* Tokens: a registrar of both, an auditor, a registrar of 88.118.8.77 only. */
extern char reg[ACCESS_TOKEN_TEXT], aud[ACCESS_TOKEN_TEXT], narrow[ACCESS_TOKEN_TEXT];

int open_desk(void **state);
int close_desk(void **state);
/* One call at /enterprises/CODE/REST; the status must be that. */
struct http_reply expect(int status, const char *method, const char *token, const char *code,
			 const char *rest, const char *body);
void done(int status, const char *method, const char *token, const char *code, const char *rest,
	  const char *body);
/* The rule must be that, and nothing has changed. */
void refused(int status, const char *rule, const char *method, const char *token, const char *code,
	     const char *rest, const char *body);
void apply_as(const char *code, const char *name, const char *more);
/* Applies and is approved with the prefix. */
void admit(const char *code, const char *prefix, unsigned quota);
void account(const char *by, const char *code, const char *body, char token[ACCESS_TOKEN_TEXT]);
struct http_reply put_id(const char *token, const char *id);
void register_as(const char *token, const char *id, int status, const char *rule);
int resolve(const char *id);
uint64_t number_of(const char *code, const char *member);
/* A valid code made from its first 17 characters; until the next call. */
const char *code_from(const char *body17);

#endif
