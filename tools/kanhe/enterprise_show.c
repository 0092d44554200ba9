/* Asking about an enterprise, and showing it. */
#include "tools/kanhe/enterprise.h"

int enterprise_call(struct cli *c, const char *method, const char *code, const char *rest, json_t *json,
		    struct reply *ret)
{
	const char *path = client_path(c, "/enterprises%s%s%s%s", *code ? "/" : "",
				       path_word(c, code, false), *rest ? "/" : "", rest);
	return client_call(c, &(struct call){.method = method, .path = path, .json = json}, ret);
}

void put_text_option(json_t *o, const char *key, const char *value)
{
	if (value) json_put_str(o, key, str_of(value));
}

static void row(enum say label, const char *text)
{
	if (!text[0]) return;
	printf("  %s ", say(label));
	print_safe(stdout, str_of(text));
	putchar('\n');
}

static void print_prefixes(const json_t *x)
{
	size_t i;
	const json_t *p;
	json_array_foreach(json_object_get(x, "prefixes"), i, p)
	{
		putchar(' ');
		print_safe(stdout, json_text(p));
	}
}

void enterprise_print_line(const json_t *x)
{
	printf("%s  %-11s", text_of(x, "code"), text_of(x, "state"));
	print_prefixes(x);
	printf("  ");
	print_safe(stdout, str_of(text_of(x, "name")));
	putchar('\n');
}

static void print_whole(const json_t *x)
{
	const json_t *contact = json_object_get(x, "contact");
	enterprise_print_line(x);
	const json_t *quota = json_object_get(x, "quota");
	long long used = (long long)json_integer_value(json_object_get(x, "used"));
	if (json_is_integer(quota))
		printf(say(SAY_ENTERPRISE_USED), used, (long long)json_integer_value(quota));
	else
		printf(say(SAY_ENTERPRISE_USED_FREE), used);
	row(SAY_ENTERPRISE_CONTACT, text_of(contact, "person"));
	row(SAY_ENTERPRISE_PHONE, text_of(contact, "phone"));
	row(SAY_ENTERPRISE_EMAIL, text_of(contact, "email"));
	row(SAY_ENTERPRISE_WANTED, text_of(x, "wanted"));
	row(SAY_ENTERPRISE_KEY, text_of(x, "key"));
	row(SAY_ENTERPRISE_REVIEW, text_of(x, "review"));
	row(SAY_ENTERPRISE_REASON, text_of(x, "reason"));
	row(SAY_ENTERPRISE_NODE, text_of(x, "node"));
	if (json_is_false(json_object_get(x, "resolve"))) printf("%s", say(SAY_ENTERPRISE_WITHHELD));
}

int enterprise_show(struct cli *c, const char *method, const char *code, const char *rest, json_t *json)
{
	struct reply r;
	int status = enterprise_call(c, method, code, rest, json, &r);
	if (status) return status;
	if (c->json)
		print_json(r.json);
	else if (!c->quiet)
		print_whole(r.json);
	return CLI_OK;
}
