/* What of the registry's rows goes up: those of a table that is reported, without what is this node's own
 * or a person's. */
#include "resolver/enterprise.h"
#include "resolver/reporter.h"

bool reporter_row_wanted(unsigned table, struct str key)
{
	/* the counter of templates is this node's own, as are places in its ledger */
	if (!key.n || !key.p[0]) return false;
	return table != RS_TABLE_enterprise || key.n == CREDIT_CODE;
}

/* How its people can be reached stays here, as it stays out of the ledger. */
static enum err without_people(struct str code, struct str packed, struct buf *room, struct str *ret)
{
	struct enterprise x;
	enum err e = enterprise_unpack(code, packed, &x);
	if (e) return e;
	x.person = x.phone = x.email = STR("");
	buf_done(room);
	buf_init(room, ENTERPRISE_PACKED_MAX);
	e = enterprise_pack(&x, room);
	if (!e) *ret = buf_str(room);
	return e;
}

enum err reporter_row(unsigned table, struct str key, struct str value, struct buf *room, struct str *ret)
{
	if (table == RS_TABLE_enterprise) return without_people(key, value, room, ret);
	*ret = value;
	return ERR_OK;
}
