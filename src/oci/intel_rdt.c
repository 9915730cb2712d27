// SPDX-License-Identifier: GPL-2.0-or-later
/* linux.intelRdt (config-linux.md, "IntelRdt"). */
#include <limits.h>
#include <string.h>

#include "oci/parse.h"

/* The name of a directory of resctrl, or "/" for the root. The specification means the second. */
static int read_clos_id(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	const char *id;
	int ret = oci_read_string_or_null(r, at, &id);

	if (ret < 0)
		return ret;
	if (id && strcmp(id, "/") != 0 &&
	    (strpbrk(id, "/\n") || strcmp(id, ".") == 0 || strcmp(id, "..") == 0 ||
	     strlen(id) > NAME_MAX))
		return oci_fail(r, at, "'%s' can be no directory of resctrl", oci_quote(id).text);
	*(const char **)into = id;
	return 0;
}

int oci_read_intel_rdt(const struct oci_reader *r, const struct oci_node *at, void *into)
{
	static const struct oci_field fields[] = {
		OCI_FIELD("closID", read_clos_id, oci_intel_rdt, clos_id),
		OCI_FIELD("schemata", oci_read_strings, oci_intel_rdt, schemata),
		OCI_FIELD("l3CacheSchema", oci_read_string_or_null, oci_intel_rdt, l3_cache_schema),
		OCI_FIELD("memBwSchema", oci_read_string_or_null, oci_intel_rdt, mem_bw_schema),
		OCI_FIELD("enableMonitoring", oci_read_bool, oci_intel_rdt, enable_monitoring),
		OCI_FIELD("enableCMT", oci_read_bool, oci_intel_rdt, enable_cmt),
		OCI_FIELD("enableMBM", oci_read_bool, oci_intel_rdt, enable_mbm),
		{0},
	};

	return oci_read_object(r, at, fields, into);
}
