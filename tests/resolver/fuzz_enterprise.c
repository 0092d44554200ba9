/* What people and tables may hold: first octet 0 a credit code, 1 a row of the table enterprise, 2 rights
 * of an account, 3 an address of a client. */
#include <stdlib.h>

#include "resolver/account.h"
#include "resolver/limit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_code(struct str text)
{
	char code[CREDIT_CODE], again[CREDIT_CODE];
	struct flaw f = {0};
	enum err e = credit_code_parse(text, &f, code);
	must(!e || (f.rule[0] && f.offset <= CREDIT_CODE));
	must(e || !credit_code_parse(str_n(code, CREDIT_CODE), NULL, again));
	must(e || memcmp(code, again, CREDIT_CODE) == 0);
}

static void try_row(struct str row)
{
	struct enterprise x;
	struct buf out = BUF_INIT(ENTERPRISE_PACKED_MAX);
	if (!enterprise_unpack(STR("91350100M000100Y43"), row, &x))
		must(!enterprise_pack(&x, &out) && str_eq(buf_str(&out), row));
	buf_done(&out);
}

static void try_rights(struct str text)
{
	unsigned rights, again;
	struct buf out = BUF_INIT(64);
	if (!account_rights_parse(text, &rights)) {
		account_rights_print(rights, &out);
		must(!account_rights_parse(buf_str(&out), &again) && rights == again);
	}
	buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char room[LIMIT_ADDRESS];
	if (!size || size > ENTERPRISE_PACKED_MAX) return 0;
	struct str rest = str_n(data + 1, size - 1);
	switch (data[0]) {
	case 0: try_code(rest); break;
	case 1: try_row(rest); break;
	case 2: try_rights(rest); break;
	case 3: must(limit_address(rest, room).n <= rest.n + LIMIT_ADDRESS); break;
	default: break;
	}
	return 0;
}
