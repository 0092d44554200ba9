/* Field numbers of Record, Value and Reference in kanhe.proto. Private to proto/pb. */
#ifndef PROTO_PB_RECORD_FIELDS_H
#define PROTO_PB_RECORD_FIELDS_H

enum {
	REC_VERSION = 1,
	REC_ID,
	REC_VALUES,
	REC_CREATED,
	REC_MODIFIED,
	REC_REVISION,
	REC_STATUS,
	REC_OWNER,
	REC_SERIES
};
enum {
	VAL_INDEX = 1,
	VAL_TYPE,
	VAL_DATA,
	VAL_TTL_TYPE,
	VAL_TTL,
	VAL_TIMESTAMP,
	VAL_PERMISSIONS,
	VAL_REFERENCES
};
enum { REF_HANDLE = 1, REF_INDEX };

#endif
