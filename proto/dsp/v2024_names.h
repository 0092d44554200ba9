/* Names of 2024-1 beside those of 2025-1, by the shape of the object they stand in. Private to v2024*.c. */
#ifndef PROTO_DSP_V2024_NAMES_H
#define PROTO_DSP_V2024_NAMES_H

#include "proto/dsp/message.h"

enum shape {
	NONE,
	MESSAGE,
	ADDRESS,
	PROPERTY,
	CATALOG,
	DATASET,
	SERVICE,
	DISTRIBUTION,
	RESOURCE,
	POLICY,
	RULE,
	CONSTRAINT
};

/* SAME, ONE object or EACH of an array of the inner shape; a WORD of the protocol (state, event); a TERM of
 * ODRL; a distribution's FORMAT; ACCESS services; a list of TEXTS; a policy's PROFILE; a DUTY or several; a
 * DATE without its type; the FIRST of several texts; a list of references to THINGS; a LIST that stays the
 * same. */
enum change {
	SAME,
	ONE,
	EACH,
	WORD,
	TERM,
	FORMAT,
	ACCESS,
	TEXTS,
	PROFILE,
	DUTY,
	DATE,
	FIRST,
	THINGS,
	LIST
};

struct row {
	enum shape shape;
	const char *name, *old;
	enum change change;
	enum shape inner;
};

/* By either name; NULL: none. */
const struct row *dsp__v2024_row(enum shape s, struct str key);
/* Of a message by its @type, with or without prefix. */
enum shape dsp__v2024_shape(struct str type);

/* A message whose @context is an object (or holds one) as the published form of 2024-1 says the same: names
 * and terms with the published prefixes, lists where lists are due, texts instead of references to them.
 * New, kept by the arena. ERR_BAD_MESSAGE, ERR_NO_MEMORY. */
bool dsp__v2024_is_compacted(json_t *j);
enum err dsp__v2024_published(struct arena *a, json_t *j, struct flaw *f, json_t **ret) MUST_USE;

/* shape, name of 2025-1, name of 2024-1, how its value changes, shape of what is inside */
#define V2024_MEMBERS(X)                                                                                   \
	X(MESSAGE, "providerPid", "dspace:providerPid", SAME, NONE)                                        \
	X(MESSAGE, "consumerPid", "dspace:consumerPid", SAME, NONE)                                        \
	X(MESSAGE, "callbackAddress", "dspace:callbackAddress", SAME, NONE)                                \
	X(MESSAGE, "offer", "dspace:offer", ONE, POLICY)                                                   \
	X(MESSAGE, "agreement", "dspace:agreement", ONE, POLICY)                                           \
	X(MESSAGE, "agreementId", "dspace:agreementId", SAME, NONE)                                        \
	X(MESSAGE, "eventType", "dspace:eventType", WORD, NONE)                                            \
	X(MESSAGE, "state", "dspace:state", WORD, NONE)                                                    \
	X(MESSAGE, "code", "dspace:code", SAME, NONE)                                                      \
	X(MESSAGE, "reason", "dspace:reason", LIST, NONE)                                                  \
	X(MESSAGE, "filter", "dspace:filter", LIST, NONE)                                                  \
	X(MESSAGE, "dataset", "dspace:dataset", SAME, NONE)                                                \
	X(MESSAGE, "format", "dct:format", FORMAT, NONE)                                                   \
	X(MESSAGE, "dataAddress", "dspace:dataAddress", ONE, ADDRESS)                                      \
	X(ADDRESS, "endpointType", "dspace:endpointType", SAME, NONE)                                      \
	X(ADDRESS, "endpoint", "dspace:endpoint", SAME, NONE)                                              \
	X(ADDRESS, "endpointProperties", "dspace:endpointProperties", EACH, PROPERTY)                      \
	X(PROPERTY, "name", "dspace:name", SAME, NONE)                                                     \
	X(PROPERTY, "value", "dspace:value", SAME, NONE)                                                   \
	X(CATALOG, "participantId", "dspace:participantId", SAME, NONE)                                    \
	X(CATALOG, "dataset", "dcat:dataset", EACH, DATASET)                                               \
	X(CATALOG, "catalog", "dcat:catalog", EACH, CATALOG)                                               \
	X(CATALOG, "service", "dcat:service", EACH, SERVICE)                                               \
	X(CATALOG, "distribution", "dcat:distribution", EACH, DISTRIBUTION)                                \
	X(CATALOG, "hasPolicy", "odrl:hasPolicy", EACH, POLICY)                                            \
	X(DATASET, "hasPolicy", "odrl:hasPolicy", EACH, POLICY)                                            \
	X(DATASET, "distribution", "dcat:distribution", EACH, DISTRIBUTION)                                \
	X(SERVICE, "endpointURL", "dcat:endpointURL", SAME, NONE)                                          \
	X(SERVICE, "endpointDescription", "dcat:endpointDescription", SAME, NONE)                          \
	X(SERVICE, "servesDataset", "dcat:servesDataset", EACH, DATASET)                                   \
	X(DISTRIBUTION, "format", "dct:format", FORMAT, NONE)                                              \
	X(DISTRIBUTION, "accessService", "dcat:accessService", ACCESS, SERVICE)                            \
	X(DISTRIBUTION, "hasPolicy", "odrl:hasPolicy", EACH, POLICY)                                       \
	X(DISTRIBUTION, "byteSize", "dcat:byteSize", SAME, NONE)                                           \
	X(DISTRIBUTION, "mediaType", "dcat:mediaType", SAME, NONE)                                         \
	X(POLICY, "target", "odrl:target", SAME, NONE)                                                     \
	X(POLICY, "assigner", "odrl:assigner", SAME, NONE)                                                 \
	X(POLICY, "assignee", "odrl:assignee", SAME, NONE)                                                 \
	X(POLICY, "timestamp", "dspace:timestamp", SAME, NONE)                                             \
	X(POLICY, "profile", "odrl:profile", PROFILE, NONE)                                                \
	X(POLICY, "permission", "odrl:permission", EACH, RULE)                                             \
	X(POLICY, "prohibition", "odrl:prohibition", EACH, RULE)                                           \
	X(POLICY, "obligation", "odrl:obligation", EACH, RULE)                                             \
	X(RULE, "action", "odrl:action", TERM, NONE)                                                       \
	X(RULE, "target", "odrl:target", SAME, NONE)                                                       \
	X(RULE, "assigner", "odrl:assigner", SAME, NONE)                                                   \
	X(RULE, "assignee", "odrl:assignee", SAME, NONE)                                                   \
	X(RULE, "duty", "odrl:duty", DUTY, RULE)                                                           \
	X(RULE, "constraint", "odrl:constraint", EACH, CONSTRAINT)                                         \
	X(CONSTRAINT, "leftOperand", "odrl:leftOperand", TERM, NONE)                                       \
	X(CONSTRAINT, "operator", "odrl:operator", TERM, NONE)                                             \
	X(CONSTRAINT, "rightOperand", "odrl:rightOperand", SAME, NONE)                                     \
	X(CONSTRAINT, "rightOperandReference", "odrl:rightOperandReference", SAME, NONE)                   \
	X(CONSTRAINT, "and", "odrl:and", EACH, CONSTRAINT)                                                 \
	X(CONSTRAINT, "andSequence", "odrl:andSequence", EACH, CONSTRAINT)                                 \
	X(CONSTRAINT, "or", "odrl:or", EACH, CONSTRAINT)                                                   \
	X(CONSTRAINT, "xone", "odrl:xone", EACH, CONSTRAINT)

/* Of catalogs, datasets, services and distributions: title … of DCAT. */
#define V2024_RESOURCE(X)                                                                                  \
	X(RESOURCE, "title", "dct:title", SAME, NONE)                                                      \
	X(RESOURCE, "description", "dct:description", TEXTS, NONE)                                         \
	X(RESOURCE, "creator", "dct:creator", SAME, NONE)                                                  \
	X(RESOURCE, "identifier", "dct:identifier", SAME, NONE)                                            \
	X(RESOURCE, "issued", "dct:issued", DATE, NONE)                                                    \
	X(RESOURCE, "modified", "dct:modified", DATE, NONE)                                                \
	X(RESOURCE, "conformsTo", "dct:conformsTo", FIRST, NONE)                                           \
	X(RESOURCE, "keyword", "dcat:keyword", SAME, NONE)                                                 \
	X(RESOURCE, "theme", "dcat:theme", THINGS, NONE)

/* Members that the 2024-1 schemas demand and 2025-1 does not: @type of the object ("": by shape), member.
 * (The published examples of constraints write "odrl:operand" for "odrl:operator": both are read.) */
#define V2024_DEMANDS(X)                                                                                   \
	X("ContractRequestMessage", MESSAGE, "callbackAddress")                                            \
	X("ContractOfferMessage", MESSAGE, "callbackAddress")                                              \
	X("ContractAgreementMessage", MESSAGE, "callbackAddress")                                          \
	X("Offer", POLICY, "assigner")                                                                     \
	X("DataAddress", ADDRESS, "endpoint")

/* Types whose prefix is not dspace: */
#define V2024_TYPES(X)                                                                                     \
	X("Catalog", "dcat:")                                                                              \
	X("Dataset", "dcat:")                                                                              \
	X("DataService", "dcat:")                                                                          \
	X("Distribution", "dcat:")                                                                         \
	X("Offer", "odrl:")                                                                                \
	X("Agreement", "odrl:")

#endif
