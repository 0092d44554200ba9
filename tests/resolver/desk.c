#include "tests/resolver/desk.h"

struct site node;
char registrar[ACCESS_TOKEN_TEXT], enterprise[ACCESS_TOKEN_TEXT], operator[ACCESS_TOKEN_TEXT],
    auditor[ACCESS_TOKEN_TEXT], owner[ACCESS_TOKEN_TEXT], agent[ACCESS_TOKEN_TEXT];

int setup(void **state)
{
	(void)state;
	site_open(&(struct site_options){.name = "node", .authority = {"88.118.8", "gs1:950600"}}, &node);
	site_grant(&node, "registrar", ROLE_REGISTRAR, "88.118.8 gs1:", registrar);
	site_grant(&node, "enterprise", ROLE_ENTERPRISE, "88.118.8.2", enterprise);
	site_grant(&node, "operator", ROLE_OPERATOR, "*", operator);
	site_grant(&node, "auditor", ROLE_AUDITOR, "*", auditor);
	site_grant(&node, "owner", ROLE_OWNER, "@maker", owner);
	site_grant(&node, "agent", ROLE_AGENT, "@maker", agent);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	site_close(&node);
	return 0;
}

struct http_reply put(const char *token, const char *path, const char *body, const char *header)
{
	return http_call(
	    &node,
	    &(struct http_call){
		.method = "PUT", .path = path, .token = token, .headers = {header}, .body = str_of(body)});
}

struct http_reply post(const char *token, const char *path, const char *body)
{
	return http_call(&node, &(struct http_call){
				    .method = "POST", .path = path, .token = token, .body = str_of(body)});
}

struct http_reply get(const char *token, const char *path)
{
	return http_call(&node, &(struct http_call){.path = path, .token = token});
}

struct http_reply del(const char *token, const char *path)
{
	return http_call(&node, &(struct http_call){.method = "DELETE", .path = path, .token = token});
}
